"""The chain's own tests of serving and identities (serving.rs), through our pallet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.pallets.subtensor import identities, serving
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox import test_source_staking
from sandbox.test_source_staking import HOT, OWNER

IP, PORT = 1_676_056_785, 128
AXON = {"version": 2, "ip": IP, "port": PORT, "ip_type": 4, "protocol": 0, "placeholder1": 0, "placeholder2": 0}
BOTH = pytest.mark.parametrize("spec", [343, 425])
NAMES = ("name", "url", "github_repo", "image", "discord", "description", "additional")
SUBNET_NAMES = ("subnet_name", "github_repo", "subnet_contact", "subnet_url", "discord", "description", "logo_url",
                "additional")  # fmt: skip


def market(spec: int = 425, limit: int = 0) -> Context:
    """HOT has a seat in subnet 1, which lets one serve again after so many blocks."""
    context = test_source_staking.market(spec)
    context.block = 1
    Subtensor.Uids.put(context.state, 1, HOT, value=0)
    Subtensor.IsNetworkMember.put(context.state, HOT, 1, value=True)
    Subtensor.ServingRateLimit.put(context.state, 1, value=limit)
    return context


def serve(context: Context, call: Any = serving.serve_axon, **changed: Any) -> str | None:
    known = {field.name for field in call.arguments}
    values = {"netuid": 1, **{name: value for name, value in {**AXON, **changed}.items() if name in known}}
    try:
        with context.attempt():
            call.run(context, HOT, **values)
    except DispatchFailure as failure:
        return failure.name
    return None


def test_serving_is_free_of_charge() -> None:
    assert not any(call.pays for call in serving.CALLS)
    assert {call.dispatch_class for call in serving.CALLS} == {"Normal"}


@BOTH
def test_what_was_served_is_kept_and_replaced(spec: int) -> None:
    context = market(spec)
    assert serve(context) is None
    assert Subtensor.Axons.get(context.state, 1, HOT) == {"block": 1, **AXON}
    changed = {**{name: value + 1 for name, value in AXON.items()}, "ip_type": 6}
    assert serve(context, **changed) is None
    assert Subtensor.Axons.get(context.state, 1, HOT) == {"block": 1, **changed}
    assert serve(context, serving.serve_prometheus) is None
    assert serve(context, serving.serve_prometheus, ip=IP + 1, ip_type=6, port=PORT + 1) is None
    assert Subtensor.Prometheus.get(context.state, 1, HOT)["port"] == PORT + 1


def test_a_certificate_is_one_byte_and_a_key_and_is_replaced() -> None:
    context = market()
    for certificate in (b"CERT", b"UPDATED_CERT"):
        assert serve(context, serving.serve_axon_tls, certificate=certificate) is None
        kept = Subtensor.NeuronCertificates.get(context.state, 1, HOT)
        assert kept == {"algorithm": certificate[0], "public_key": certificate[1:]}


@BOTH
@pytest.mark.parametrize("call", [serving.serve_axon, serving.serve_prometheus])
def test_how_often_one_may_serve(spec: int, call: Any) -> None:
    context = market(spec)
    for _ in range(4):
        assert serve(context, call) is None, "no limit yet"
    Subtensor.ServingRateLimit.put(context.state, 1, value=2)
    context.block = 2
    assert serve(context, call) == "ServingRateLimitExceeded"
    assert serve(context, call, port=0) == "ServingRateLimitExceeded", "asked before the port"
    context.block = 3
    assert serve(context, call, port=0) == "InvalidPort"
    assert serve(context, call) is None
    Subtensor.ServingRateLimit.put(context.state, 1, value=1)
    assert serve(context, call) == "ServingRateLimitExceeded", "within a block"


ADDRESSES = [
    ("8.8.8.8", 4, None),
    ("1:2:3:4:5:6:7:8", 6, None),
    ("255.255.255.255", 4, "InvalidIpAddress"),
    ("127.0.0.1", 4, "InvalidIpAddress"),
    ("ffff:2:3:4:5:6:7:8", 4, "InvalidIpAddress"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "InvalidIpAddress"),
    ("::1", 6, "InvalidIpAddress"),
    ("10.0.0.1", 4, None),
    ("8.8.8.8", 10, "InvalidIpType"),
]


@BOTH
@pytest.mark.parametrize("call", [serving.serve_axon, serving.serve_prometheus])
@pytest.mark.parametrize(("address", "kind", "error"), ADDRESSES)
def test_which_addresses_are_taken(spec: int, call: Any, address: str, kind: int, error: str | None) -> None:
    number = int(IPv6Address(address)) if ":" in address else int(IPv4Address(address))
    assert serve(market(spec), call, ip=number, ip_type=kind) == error


@pytest.mark.parametrize("kind", [4, 6])
def test_address_zero_is_an_axon_s_of_425_alone(kind: int) -> None:
    zero: dict[str, Any] = {"ip": 0, "ip_type": kind}
    assert serve(market(425), **zero) is None
    assert serve(market(343), **zero) == "InvalidIpAddress"
    assert serve(market(425), serving.serve_prometheus, **zero) == "InvalidIpAddress"


def described(longest: int = 0) -> dict[str, bytes]:
    limits = {"image": 1024, "description": 1024, "additional": 1024}
    return {name: b"x" * (limits.get(name, 256) if longest else 3) for name in NAMES}


def identify(context: Context, who: bytes, fields: dict[str, bytes], call: Any = identities.set_identity) -> str | None:
    try:
        with context.attempt():
            call.run(context, who, **fields)
    except DispatchFailure as failure:
        return failure.name
    return None


def test_an_owner_of_a_seat_says_who_it_is() -> None:
    context = market()
    assert identify(context, b"\x33" * 32, described()) == "HotKeyNotRegisteredInNetwork"
    for fields in (described(), described(1), dict.fromkeys(NAMES, b"")):
        assert identify(context, OWNER, fields) is None
        assert Subtensor.IdentitiesV2.get(context.state, OWNER) == fields
    assert identify(context, OWNER, {**described(1), "name": bytes(257)}) == "InvalidIdentity"
    assert identify(context, OWNER, dict.fromkeys(NAMES, bytes(513))) == "InvalidIdentity"
    assert Subtensor.IdentitiesV2.get(context.state, b"\x99" * 32) is None


def test_a_subnet_s_owner_says_what_it_is() -> None:
    context = market()
    Subtensor.SubnetOwner.put(context.state, 1, value=OWNER)
    fields: dict[str, Any] = {"netuid": 1, **dict.fromkeys(SUBNET_NAMES, b"x")}
    call = identities.set_subnet_identity
    assert identify(context, HOT, fields, call) == "NotSubnetOwner"
    assert identify(context, OWNER, {**fields, "netuid": 9}, call) == "SubnetNotExists"
    assert identify(context, OWNER, {**fields, "subnet_name": bytes(257)}, call) == "InvalidIdentity"
    assert identify(context, OWNER, fields, call) is None
    assert Subtensor.SubnetIdentitiesV3.get(context.state, 1)["logo_url"] == b"x"
    assert serve(context, netuid=9) == "SubnetNotExists"
