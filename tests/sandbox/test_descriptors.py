"""What the sandbox shows as spec 425 is what the newest chain shows, but for listed exceptions with reasons.

The newest chain's names, numbers and types are facts in tests/data: from the SDK's generated descriptors, and for what
those leave out (numbers of calls, fields of events, hashers) from the chain's own source.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.runtime.machine import Machine
from sandbox.portable import Portable

DATA = Path(__file__).resolve().parents[1] / "data"
FACTS = json.loads((DATA / "descriptors-11.3.json").read_text())
SOURCE = json.loads((DATA / "source-2026.json").read_text())
SUBTENSOR = "SubtensorModule"
HASHERS = {2: "Blake2_128Concat", 5: "Twox64Concat", 6: "Identity"}
# The chain of late 2026 names these types; until 343 they were written as what is inside them. The bytes are the same.
WIRE = {
    "NetUid": "u16", "NetUidStorageIndex": "u16", "MechId": "u8", "PerU16": "u16",
    "TaoBalance": "u64", "AlphaBalance": "u64",
}  # fmt: skip

SHARES = "gone in October 2026, when shares were only V2; at 425 old rows are read first, and the sandbox has no others"
SCORES = "gone after 343; kept with the metadata of 343, which has them, and empty at 425"
OLDER = "an error of 343 that was removed later; its number stays, so that no other number moves"
RANGE = "343's price range, which 425 replaced; a network that was upgraded in mid-run still has the item"
REMOVED = {
    f"{SUBTENSOR}.storage.TotalHotkeyShares": SHARES,
    f"{SUBTENSOR}.storage.Alpha": SHARES,
    f"{SUBTENSOR}.constants.DurationOfStartCall": "343's wait for start_call, which 425 keeps in StartCallDelay",
    f"{SUBTENSOR}.storage.Rank": SCORES,
    f"{SUBTENSOR}.storage.Trust": SCORES,
    f"{SUBTENSOR}.storage.PruningScores": SCORES,
    f"{SUBTENSOR}.errors.ColdkeyIsInArbitration": OLDER,
    f"{SUBTENSOR}.errors.SwapAlreadyScheduled": OLDER,
    f"{SUBTENSOR}.errors.FailedToSchedule": OLDER,
    f"{SUBTENSOR}.errors.CannotUnstakeLock": OLDER,
    f"{SUBTENSOR}.errors.ZeroMaxStakeAmount": OLDER,
    f"{SUBTENSOR}.errors.InsufficientBalance": OLDER,
    f"{SUBTENSOR}.errors.StakingOperationRateLimitExceeded": OLDER,
    f"{SUBTENSOR}.errors.InvalidNumRootClaim": OLDER,
    f"{SUBTENSOR}.errors.InvalidSubnetNumber": OLDER,
    "Swap.storage.SwapV3Initialized": RANGE,
    "Swap.storage.AlphaSqrtPrice": RANGE,
    "Swap.storage.CurrentLiquidity": RANGE,
    "Swap.storage.FeeGlobalTao": RANGE,
    "Swap.storage.FeeGlobalAlpha": RANGE,
    "Swap.storage.ScrapReservoirTao": RANGE,
}
# Root dividends as 343 to 425 pay them; the baskets of spec 438 took their place.
GONE_WITH_BASKETS = {"RootClaimType", "NumRootClaim", "set_root_claim_type", "sudo_set_num_root_claims"}
# Subtensor's errors and events keep the numbers of 343, and later ones follow after them: see pallets/subtensor/events.
OWN_NUMBERS = {SUBTENSOR}


@cache
def ours() -> Portable:
    return Portable(Machine(1000, bytes(32)).metadata(SPECS[425], 15))


def pallets() -> dict[str, dict[str, Any]]:
    return {pallet["name"]: pallet for pallet in ours().pallets}


def ident(number: int) -> str:
    """A type as the descriptors write it: a named type by its last name, anything else by its parts."""
    entry = ours().types[number]
    kind, body, path = entry["kind"], entry["body"], entry["path"]
    if path == ["Option"]:
        return f"Option<{ident(body[1][1][0][1])}>"
    if path:
        return str(path[-1])
    if kind == 2:
        return f"Vec<{ident(body)}>"
    if kind == 4:
        return f"({', '.join(map(ident, body))})"
    return ident(body) if kind == 6 else str(body)


def wire(kind: str) -> str:
    return re.sub(rf"\b({'|'.join(WIRE)})\b", lambda found: WIRE[found[0]], kind)


def variants(kind: str, pallet: str) -> dict[str, tuple[int, list[list[str | None]]]]:
    number = pallets()[pallet][kind]
    listed = [] if number is None else ours().types[number]["body"]
    return {name: (index, [[field, ident(one)] for field, one, _ in fields]) for name, fields, index in listed}


def items(pallet: str) -> list[dict[str, Any]]:
    storage = pallets()[pallet]["storage"]
    return [] if storage is None else storage[1]


def shown() -> set[str]:
    """Everything that we show, by name."""
    found = set()
    for pallet in pallets():
        for kind in ("calls", "errors"):
            found |= {f"{pallet}.{kind}.{name}" for name in variants(kind, pallet)}
        found |= {f"{pallet}.storage.{item['name']}" for item in items(pallet)}
        found |= {f"{pallet}.constants.{name}" for name, _, _ in pallets()[pallet]["constants"]}
    return found


def test_every_name_is_one_of_the_chain() -> None:
    theirs = {
        f"{pallet}.{kind}.{name}"
        for kind in ("calls", "errors", "storage", "constants")
        for pallet, table in FACTS[kind].items()
        for name in table
    }
    unknown = {name for name in shown() - theirs if name.rpartition(".")[2] not in GONE_WITH_BASKETS}
    assert unknown == set(REMOVED)


def test_calls_have_the_chain_s_arguments() -> None:
    checked = 0
    for pallet in pallets():
        for name, (_, fields) in variants("calls", pallet).items():
            real = FACTS["calls"][pallet].get(name)
            if real is None:
                assert name in GONE_WITH_BASKETS
                continue
            assert [field for field, _ in fields] == [field for field, _ in real], name
            for (_, mine), (field, kind) in zip(fields, real, strict=True):
                assert kind == "Any" or wire(kind) == mine, (name, field)
            checked += 1
    assert checked >= 45


def test_later_calls_have_the_numbers_of_the_source() -> None:
    mine = {name: index for name, (index, _) in variants("calls", SUBTENSOR).items()}
    assert {name: mine.get(name) for name in SOURCE["calls"]} == SOURCE["calls"]
    assert len(set(mine.values())) == len(mine)


def test_storage_has_the_chain_s_value_types() -> None:
    for pallet in pallets():
        for item in items(pallet):
            kind = FACTS["storage"].get(pallet, {}).get(item["name"])
            if kind is not None:
                assert ident(item["kind"][2]) == wire(kind), f"{pallet}.{item['name']}"


def test_later_storage_has_the_keys_of_the_source() -> None:
    mine = {
        item["name"]: [[HASHERS[one] for one in item["kind"][0]], ("Optional", "Default")[item["modifier"]]]
        for item in items(SUBTENSOR)
    }
    assert {name: mine.get(name) for name in SOURCE["storage"]} == SOURCE["storage"]


def test_later_events_have_the_fields_of_the_source() -> None:
    mine = {name: fields for name, (_, fields) in variants("events", SUBTENSOR).items()}
    for name, fields in SOURCE["events"].items():
        if name in mine:
            assert mine[name] == [[field, wire(kind)] for field, kind in fields], name
    assert len(set(SOURCE["events"]) & set(mine)) >= 12


def test_errors_have_the_chain_s_numbers_where_they_are_not_our_own() -> None:
    for pallet, entry in pallets().items():
        for name, (index, _) in variants("errors", pallet).items():
            real = FACTS["errors"][pallet].get(name)
            if real is None:
                assert f"{pallet}.errors.{name}" in REMOVED
            elif pallet in OWN_NUMBERS:
                assert real[0] == entry["index"]
            else:
                assert real == [entry["index"], index], name


def test_every_runtime_api_method_is_one_of_the_chain() -> None:
    asked = {(api, method) for api, methods in ours().apis.items() for method in methods}
    assert {pair for pair in asked if pair[1] not in FACTS["apis"].get(pair[0], [])} == set()
