"""serve_axon: where a neuron can be reached, with its checks in the runtime's order."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ranvier.sandbox.codec.scale import U8, U16, U32, U128, Codec
from ranvier.sandbox.codec.types import BYTES
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor.events import AXON_SERVED, PROMETHEUS_SERVED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

_LONGEST_CERTIFICATE = 65
_LOCALHOST_V4 = int(ipaddress.IPv4Address("127.0.0.1"))
_LOCALHOST_V6 = 1
_LAST_V4, _LAST_V6 = (1 << 32) - 1, (1 << 128) - 1


def check(state: State, block: int, hotkey: bytes, netuid: int, ip: int, port: int, ip_type: int) -> None:
    """``validate_serve_axon``: seat, form of the address, rate limit, port. At 425 the address may be 0."""
    _seated(state, netuid, hotkey)
    _address(ip, ip_type, allow_zero=rules(state) >= 425)
    _rate_and_port(state, block, netuid, Subtensor.Axons.get(state, netuid, hotkey), port)


def check_prometheus(state: State, block: int, hotkey: bytes, netuid: int, ip: int, port: int, ip_type: int) -> None:
    """``validate_serve_prometheus``: form of the address (never 0), seat, rate limit, port."""
    _address(ip, ip_type, allow_zero=False)
    _seated(state, netuid, hotkey)
    _rate_and_port(state, block, netuid, Subtensor.Prometheus.get(state, netuid, hotkey), port)


def _seated(state: State, netuid: int, hotkey: bytes) -> None:
    """A seat in this subnet; up to 343 a seat anywhere is enough."""
    seated = Subtensor.Uids.get(state, netuid, hotkey) is not None
    if not seated and rules(state) < 425:
        seated = any(member for _, member in Subtensor.IsNetworkMember.items(state, hotkey))
    if not seated:
        raise fail("HotKeyNotRegisteredInNetwork")


def _address(ip: int, ip_type: int, *, allow_zero: bool) -> None:
    """``is_valid_ip_type`` and ``is_valid_ip_address``; private ranges are not looked at."""
    if ip_type not in (4, 6):
        raise fail("InvalidIpType")
    last, localhost = (_LAST_V4, _LOCALHOST_V4) if ip_type == 4 else (_LAST_V6, _LOCALHOST_V6)
    if ip >= last or ip == localhost or (ip == 0 and not allow_zero):
        raise fail("InvalidIpAddress")


def _rate_and_port(state: State, block: int, netuid: int, before: dict[str, int] | None, port: int) -> None:
    limit = Subtensor.ServingRateLimit.get(state, netuid)
    if before is not None and before["block"] and block - before["block"] < limit:
        raise fail("ServingRateLimitExceeded")
    if port == 0:
        raise fail("InvalidPort")


_AXON: dict[str, Codec] = {
    "netuid": NETUID,
    "version": U32,
    "ip": U128,
    "port": U16,
    "ip_type": U8,
    "protocol": U8,
    "placeholder1": U8,
    "placeholder2": U8,
}


@call(4, _AXON, pays=False)
def serve_axon(context: Context, who: bytes, netuid: int, **axon: int) -> None:
    """Publish the address of the signer's axon. Free of charge."""
    _serve(context, who, netuid, axon)


def _serve(context: Context, who: bytes, netuid: int, axon: Mapping[str, int]) -> None:
    """``axon`` is what the call gives besides the subnet, by the names of ``AxonInfo``."""
    if rules(context.state) >= 425 and not Subtensor.NetworksAdded.get(context.state, netuid):
        raise fail("SubnetNotExists")
    check(context.state, context.block, who, netuid, axon["ip"], axon["port"], axon["ip_type"])
    Subtensor.Axons.put(context.state, netuid, who, value={"block": context.block, **axon})
    context.deposit(AXON_SERVED, (netuid, who))


@call(40, {**_AXON, "certificate": BYTES}, pays=False)
def serve_axon_tls(context: Context, who: bytes, netuid: int, certificate: bytes, **axon: int) -> None:
    """As serve_axon, with a certificate: one byte for its algorithm and up to 64 for the key; others are not kept."""
    _serve(context, who, netuid, axon)
    if 0 < len(certificate) <= _LONGEST_CERTIFICATE:
        value = {"algorithm": certificate[0], "public_key": certificate[1:]}
        Subtensor.NeuronCertificates.put(context.state, netuid, who, value=value)


@call(5, {"netuid": NETUID, "version": U32, "ip": U128, "port": U16, "ip_type": U8}, pays=False)
def serve_prometheus(context: Context, who: bytes, netuid: int, version: int, ip: int, port: int, ip_type: int) -> None:
    """Publish where the signer's metrics are (``do_serve_prometheus``)."""
    state = context.state
    if rules(state) >= 425 and not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    check_prometheus(state, context.block, who, netuid, ip, port, ip_type)
    value = {"block": context.block, "version": version, "ip": ip, "port": port, "ip_type": ip_type}
    Subtensor.Prometheus.put(state, netuid, who, value=value)
    context.deposit(PROMETHEUS_SERVED, (netuid, who))


CALLS = (serve_axon, serve_axon_tls, serve_prometheus)
