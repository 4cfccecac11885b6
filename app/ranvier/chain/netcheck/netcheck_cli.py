"""``ranvier netcheck``: how fast and how far behind each endpoint is, and how long a payment takes to settle."""

from __future__ import annotations

import argparse
import asyncio
import sys

import msgspec

from ranvier.chain.connection import Connection
from ranvier.chain.model_netcheck import EndpointCheck, NetCheck, Settlement
from ranvier.chain.netcheck.netcheck import check
from ranvier.chain.networks import NETWORKS, Network, sandbox_network
from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths
from ranvier.core.settings import ENDPOINT, NETWORK, Settings
from ranvier.core.units import Tao
from ranvier.keys import mnemonic
from ranvier.keys.signing import LocalSigner, Signer

_POCKET_MONEY = Tao(1_000_000_000)
_TRIES, _EVERY_S = 600, 0.1


class _Where(msgspec.Struct, frozen=True):
    endpoint: str
    genesis: str


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 when an endpoint answers and what was asked for worked, else 1."""
    parser = argparse.ArgumentParser(prog="ranvier netcheck", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--network", choices=sorted(NETWORKS), help="default: the chosen one")
    parser.add_argument("--endpoint", action="append", default=[], help="check this one too; may be repeated")
    parser.add_argument("--samples", type=int, default=5, help="requests to each endpoint (default 5)")
    parser.add_argument(
        "--settle",
        action="store_true",
        help="on the sandbox: time a payment with a throw-away key until it is final, and show its fee",
    )
    parser.add_argument("--axon", help="also time one answer of this address, e.g. http://127.0.0.1:8091/health")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(_run(options, paths))
    except RanvierError as error:
        sys.stdout.write(_json({"error": error.data()}) if options.json else f"{error.message} {error.hint}\n")
        return 1
    sys.stdout.write(_json(found) if options.json else describe(found))
    return 0 if found.best is not None and (found.settlement is None or found.settlement.error is None) else 1


async def _run(options: argparse.Namespace, paths: Paths) -> NetCheck:
    network, own = _network(options.network, paths)
    signer = await _throwaway(network) if options.settle else None
    return await check(
        network,
        endpoints=(*own, *options.endpoint),
        samples=max(1, min(100, options.samples)),
        signer=signer,
        axon_url=options.axon,
    )


def _network(name: str | None, paths: Paths) -> tuple[Network, tuple[str, ...]]:
    settings = Settings(paths.settings_file)
    chosen = name or settings.get(NETWORK) or "finney"
    own = settings.get(ENDPOINT)
    if chosen != "sandbox":
        return NETWORKS[chosen], (own,) if own and chosen == settings.get(NETWORK) else ()
    try:
        described = (paths.network("sandbox") / "data" / "endpoint.json").read_bytes()
        where = msgspec.json.decode(described, type=_Where)
    except (OSError, *NOT_JSON):
        raise NetworkError("No sandbox", "The sandbox was never started here.", "Start it first.") from None
    return sandbox_network(where.endpoint, where.genesis), ()


async def _throwaway(network: Network) -> Signer:
    """A new key with a little play money from the sandbox's own faucet."""
    if network.name != "sandbox":
        raise NetworkError(
            "Sandbox only", "--settle pays with a throw-away key, which only the sandbox funds.", "Use the window."
        )
    signer = LocalSigner.from_mnemonic(mnemonic.generate())
    connection = Connection(network)
    try:
        await connection.open()
        await connection.rpc("sandbox_fund", [signer.ss58, _POCKET_MONEY.rao])
        for _ in range(_TRIES):
            if await _has_money(connection, signer.ss58):
                break
            await asyncio.sleep(_EVERY_S)
    finally:
        await connection.close()
    return signer


async def _has_money(connection: Connection, ss58: str) -> bool:
    from ranvier.chain import reads

    return (await reads.balances(connection, [ss58], await connection.head()))[0].free_rao > 0


def describe(found: NetCheck) -> str:
    """The check as lines of text."""
    lines = [f"network  {found.network}"]
    lines += [_row(one) for one in found.endpoints]
    if found.best is not None and len(found.endpoints) > 1:
        lines.append(f"best     {found.best.endpoint}")
    if found.settlement is not None:
        lines.append(_settlement(found.settlement))
    if found.axon_ms is not None or found.axon_error is not None:
        lines.append(f"axon     {found.axon_error or _milliseconds(found.axon_ms)}")
    return "\n".join(lines) + "\n"


def _row(one: EndpointCheck) -> str:
    if one.error is not None:
        return f"endpoint {one.endpoint}: {one.error}"
    return (
        f"endpoint {one.endpoint}: {_milliseconds(one.latency_ms)} (worst {_milliseconds(one.worst_ms)}, "
        f"connect {_milliseconds(one.open_ms)}), block {one.block}, {one.lag_blocks} behind, "
        f"{one.final_lag_blocks} to final, version {one.spec_version}"
    )


def _settlement(one: Settlement) -> str:
    if one.error is not None:
        return f"settle   {one.error}"
    fee = str(Tao(one.fee_rao)) if one.fee_rao is not None else "unknown"
    return f"settle   in a block after {_seconds(one.in_block_s)}, final after {_seconds(one.final_s)}, fee {fee}"


def _milliseconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} ms"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} s"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() + "\n"
