"""serve_axon: where a neuron can be reached, with its checks in the runtime's order."""

from __future__ import annotations

import ipaddress

from ranvier.sandbox.context import Context
from ranvier.sandbox.pallet import call
from ranvier.sandbox.pallets.subtensor.events import AXON_SERVED, PROMETHEUS_SERVED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.scale import U8, U16, U32, U128, Codec
from ranvier.sandbox.storage import State
from ranvier.sandbox.types import BYTES

_LONGEST_CERTIFICATE = 65
_REFUSED_V4 = {int(ipaddress.IPv4Address(text)) for text in ("0.0.0.0", "127.0.0.1", "255.255.255.255")}
_REFUSED_V6 = {0, int(ipaddress.IPv6Address("::1")), (1 << 128) - 1}


def check(state: State, block: int, hotkey: bytes, netuid: int, ip: int, port: int, ip_type: int) -> None:
    """``validate_serve_axon``: seat, form of the address, rate limit, port. Address 0 with port 1 stops serving."""
    if Subtensor.Uids.get(state, netuid, hotkey) is None:
        raise fail("HotKeyNotRegisteredInNetwork")
    if ip_type not in (4, 6):
        raise fail("InvalidIpType")
    stops = ip == 0 and port == 1
    if not stops and not _valid_ip(ip, ip_type):
        raise fail("InvalidIpAddress")
    before = Subtensor.Axons.get(state, netuid, hotkey)
    if before is not None and block - before["block"] < Subtensor.ServingRateLimit.get(state, netuid):
        raise fail("ServingRateLimitExceeded")
    if port == 0:
        raise fail("InvalidPort")


def _valid_ip(ip: int, ip_type: int) -> bool:
    if ip_type == 4:
        return ip < 1 << 32 and ip not in _REFUSED_V4
    return ip not in _REFUSED_V6


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
def serve_axon(
    context: Context,
    who: bytes,
    netuid: int,
    version: int,
    ip: int,
    port: int,
    ip_type: int,
    protocol: int,
    placeholder1: int,
    placeholder2: int,
) -> None:
    """Publish the address of the signer's axon. Free of charge."""
    _serve(context, who, netuid, version, ip, port, ip_type, protocol, placeholder1, placeholder2)


def _serve(
    context: Context,
    who: bytes,
    netuid: int,
    version: int,
    ip: int,
    port: int,
    ip_type: int,
    protocol: int,
    placeholder1: int,
    placeholder2: int,
) -> None:
    check(context.state, context.block, who, netuid, ip, port, ip_type)
    axon = {
        "block": context.block,
        "version": version,
        "ip": ip,
        "port": port,
        "ip_type": ip_type,
        "protocol": protocol,
        "placeholder1": placeholder1,
        "placeholder2": placeholder2,
    }
    Subtensor.Axons.put(context.state, netuid, who, value=axon)
    context.deposit(AXON_SERVED, (netuid, who))


@call(40, {**_AXON, "certificate": BYTES}, pays=False)
def serve_axon_tls(
    context: Context,
    who: bytes,
    netuid: int,
    version: int,
    ip: int,
    port: int,
    ip_type: int,
    protocol: int,
    placeholder1: int,
    placeholder2: int,
    certificate: bytes,
) -> None:
    """As serve_axon, with a certificate: one byte for its algorithm and up to 64 for the key; others are not kept."""
    _serve(context, who, netuid, version, ip, port, ip_type, protocol, placeholder1, placeholder2)
    if 1 < len(certificate) <= _LONGEST_CERTIFICATE:
        value = {"algorithm": certificate[0], "public_key": certificate[1:]}
        Subtensor.NeuronCertificates.put(context.state, netuid, who, value=value)


@call(5, {"netuid": NETUID, "version": U32, "ip": U128, "port": U16, "ip_type": U8}, pays=False)
def serve_prometheus(context: Context, who: bytes, netuid: int, version: int, ip: int, port: int, ip_type: int) -> None:
    """Publish where the signer's metrics are (``do_serve_prometheus``)."""
    state = context.state
    if Subtensor.Uids.get(state, netuid, who) is None:
        raise fail("HotKeyNotRegisteredInNetwork")
    if ip_type not in (4, 6):
        raise fail("InvalidIpType")
    if not _valid_ip(ip, ip_type):
        raise fail("InvalidIpAddress")
    before = Subtensor.Prometheus.get(state, netuid, who)
    if before is not None and context.block - before["block"] < Subtensor.ServingRateLimit.get(state, netuid):
        raise fail("ServingRateLimitExceeded")
    if port == 0:
        raise fail("InvalidPort")
    value = {"block": context.block, "version": version, "ip": ip, "port": port, "ip_type": ip_type}
    Subtensor.Prometheus.put(state, netuid, who, value=value)
    context.deposit(PROMETHEUS_SERVED, (netuid, who))


CALLS = (serve_axon, serve_axon_tls, serve_prometheus)
