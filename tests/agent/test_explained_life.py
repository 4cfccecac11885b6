"""Whatever people do: every change of every position is explained by pay, by the chain's events, or as dividends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.any_life import AnyLife
from agent.earnings_child import Writer
from ranvier.agent.network.chain_face import LiveChain
from ranvier.chain.networks import sandbox_network
from ranvier.keys import addresses
from ranvier.ledger import crosscheck, payments
from ranvier.sandbox.pallets.subtensor import shares

BEGIN = 30  # the people have their money by then


@pytest.fixture
def life(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnyLife]:
    made = AnyLife(*request.param, tmp_path / "node", monkeypatch)
    yield made
    made.bench.node.chain.close()


async def explained(
    life: AnyLife, chain: LiveChain, rows: list[payments.Payment], netuid: int, until: int
) -> dict[tuple[str, str, int], crosscheck.Explanation]:
    """Of each position that there was at the begin or is at the end, pay that was sold in its own block included."""
    begin, end = (life.bench.node.chain.state_at(block) for block in (BEGIN, until))
    pairs = {(hot, cold) for state in (begin, end) for hot, cold, one in shares.positions(state) if one == netuid}
    found = {}
    for hot, cold in sorted(pairs):
        place = (addresses.ss58(hot), addresses.ss58(cold), netuid)
        before, after = (shares.stake_of(state, hot, cold, netuid) for state in (begin, end))
        touched = await chain.own_moves(place[1], BEGIN, until, [place])
        steps = await chain.position_steps(place, BEGIN, until, touched.get(place, ()))
        found[place] = crosscheck.explain(
            *place, crosscheck.Reading(BEGIN, before), crosscheck.Reading(until, after), rows, (),
            steps=steps, covered=[(1, until)],
        )  # fmt: skip
    return found


@pytest.mark.slow
@pytest.mark.limit_s(600)
@pytest.mark.parametrize("life", [(5, 4), (6, 5)], indirect=True)
async def test_every_change_is_explained(life: AnyLife, tmp_path: Path) -> None:
    writer = Writer(life, tmp_path / "l.sqlite")
    await life.listen()
    node = life.bench.node
    chain = LiveChain(sandbox_network(f"ws://127.0.0.1:{life.port}", f"0x{node.chain.genesis_hash.hex()}"))
    try:
        for number in range(260):
            life.block(life.random.randrange(5))
            if number == 60:
                life.upgrade()
        writer.start()
        until = await writer.until_whole()
        rows = writer.rows(until)
        await chain.open()
        kinds: set[str] = set()
        odd = {}
        for netuid in life.netuids:
            told = await explained(life, chain, rows, netuid, until[netuid])
            kinds |= {line.what for one in told.values() for line in one.lines}
            fine = (crosscheck.Verdict.EXACT, crosscheck.Verdict.ROUNDING)
            odd |= {place: one for place, one in told.items() if one.verdict not in fine}
    finally:
        writer.kill()
        await chain.close()
        await life.close()
    assert not odd
    assert kinds >= {"pay", "dividends", "stake", "unstake", "move", "key swap"}
