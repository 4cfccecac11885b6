"""The command line of ``ranvier sandbox``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from ranvier.core.outside import at_home
from ranvier.keys.addresses import AddressError, public_key
from ranvier.sandbox.life.competitor import PROFILES

_MOST_VALIDATORS, _MOST_COMPETITORS, _MOST_SUBNETS = 8, 32, 64
CASES = ("full-subnet",)
SHAPE = ("tempo", "validators", "competitors", "subnets", "rules", "case")

_ABOUT = "Run a practice Bittensor network on this machine, with play money. Ready in under a second."
_EXAMPLES = """
examples:
  ranvier sandbox --data net                         a network with validators and competitors, a block a second
  ranvier sandbox --data net --block-time 0.02       fifty blocks a second
  ranvier sandbox --data net --manual --no-life      no block but those asked for with sandbox_makeBlocks
  ranvier sandbox --data net --case full-subnet      all seats taken, the user's the next to go
  ranvier sandbox --data copy --restore net/snapshots/before.bin

The endpoint is in DATA/endpoint.json and on the first line of the output. Any client works: btcli, the SDK,
substrate-interface, polkadot.js. Besides a node's own methods it answers:
  sandbox_info []                      who lives here
  sandbox_fund [address, rao]          play money from the faucet
  sandbox_makeBlocks [n]               n blocks now, each one block time later
  sandbox_setStorage [[key, value]..]  raw storage, from the next block on
  sandbox_setRules [425]               upgrade the runtime of --rules 343 in mid-run
  sandbox_reorg [depth]                replace the newest blocks, as far as they are not final
  sandbox_fault [name, value]          stall, finality, discard (past states), genesis (a false hash): true or false;
                                       slow: ms
  sandbox_dropConnections []           end every connection without a word
  sandbox_snapshot [name]              the whole network to DATA/snapshots/NAME.bin
"""


@dataclass(frozen=True)
class Options:
    """What was chosen."""

    data: Path
    port: int
    block_ms: int
    tempo: int
    seed: int | None
    life: bool
    validators: int
    competitors: int
    manual: bool = False
    rules: int = 425
    subnets: int = 1
    case: str = ""
    user: tuple[bytes, bytes] | None = None
    quality: tuple[int, ...] = ()
    restore: Path | None = None
    origins: tuple[str, ...] = ()
    shape_given: frozenset[str] = frozenset()


def parse(arguments: list[str]) -> Options:
    """Read the command line; ends the process with a sentence when it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    _within(parser, "--port", given.port, 0, 65_535)
    _within(parser, "--block-time", given.block_time, 0.02, 600)
    _within(parser, "--tempo", given.tempo, 1, 65_534)
    _within(parser, "--validators", given.validators, 0, _MOST_VALIDATORS)
    _within(parser, "--competitors", given.competitors, 0, _MOST_COMPETITORS)
    _within(parser, "--subnets", given.subnets, 1, _MOST_SUBNETS)
    for origin in given.allow_origin:
        if origin != "all" and not origin.startswith(("http://", "https://")):
            parser.error("--allow-origin is 'all' or begins with http:// or https://")
    if given.user and given.case is None:
        parser.error("--user is for --case full-subnet")
    return Options(
        data=at_home(given.data).absolute(),
        port=given.port,
        block_ms=round(given.block_time * 1000),
        tempo=given.tempo,
        seed=given.seed,
        life=not given.no_life,
        validators=given.validators,
        competitors=given.competitors,
        manual=given.manual,
        rules=given.rules,
        subnets=given.subnets,
        case=given.case or "",
        user=_user(parser, given.user),
        quality=tuple(given.quality or ()),
        restore=given.restore,
        origins=tuple(given.allow_origin),
        shape_given=frozenset(name for name in SHAPE if parser.get_default(name) != getattr(given, name)),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ranvier sandbox",
        usage="ranvier sandbox --data DIR [options]",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_argument_group("where")
    where.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the network; made when new")
    where.add_argument("--port", type=int, default=0, help="loopback port; 0 = the last one used, or a free one")
    where.add_argument("--restore", type=Path, metavar="FILE", help="begin a new folder with a snapshot's network")
    where.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of https://HOST in, or of 'all'; may be repeated (default: pages of this machine)",
    )
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--block-time", type=float, default=1.0, metavar="S", help="seconds a block, 0.02 to 600 (default 1; finney 12)"
    )
    pace.add_argument("--manual", action="store_true", help="make blocks only when sandbox_makeBlocks asks for them")
    life = parser.add_argument_group("life")
    life.add_argument("--no-life", action="store_true", help="run no validators and competitors")
    life.add_argument(
        "--quality",
        type=int,
        nargs="+",
        choices=range(1, len(PROFILES) + 1),
        metavar="N",
        help=f"each competitor's quality in turn, 1 (nearly always right) to {len(PROFILES)} (slow and wrong)",
    )
    new = parser.add_argument_group("shape, fixed when the network is made")
    new.add_argument("--seed", type=int, help="makes keys and chain repeatable (default: random)")
    new.add_argument("--tempo", type=int, default=20, metavar="N", help="blocks of an epoch (default 20; finney 360)")
    new.add_argument("--validators", type=int, default=3, metavar="N", help="0 to 8 (default 3)")
    new.add_argument("--competitors", type=int, default=5, metavar="N", help="0 to 32 (default 5)")
    new.add_argument("--subnets", type=int, default=1, metavar="N", help="1 to 64; the first one lives (default 1)")
    new.add_argument(
        "--rules", type=int, choices=(343, 425), default=425, help="whose rules hold where they differ (default 425)"
    )
    new.add_argument("--case", choices=CASES, help="a hard case: full-subnet seats 64 and puts the user next in line")
    new.add_argument(
        "--user", nargs=2, metavar=("COLDKEY", "HOTKEY"), help="whose seat the hard case is about (default: play keys)"
    )
    return parser


def _within(parser: argparse.ArgumentParser, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        parser.error(f"{name} must be from {low:g} to {high:g}")


def _user(parser: argparse.ArgumentParser, addresses: list[str] | None) -> tuple[bytes, bytes] | None:
    if not addresses:
        return None
    try:
        return public_key(addresses[0]), public_key(addresses[1])
    except AddressError as error:
        parser.error(f"--user: {error}")
