"""Plans in steps: never signed by themselves, no step lost or repeated by a kill, told once when due."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.agent_fakes import ALICE, FakeChain, House
from ranvier.agent.api import messages as m
from ranvier.agent.api.ladder_messages import AddLadder, ChangeLadder, GetLadders, Ladder, LadderStep
from ranvier.agent.money.ladders import LadderBook
from ranvier.chain.model import StakePosition
from ranvier.chain.quotes import Quote
from ranvier.core.errors import AgentError, NetworkError, RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths

COIN = 10**9
GENESIS = "0x" + "aa" * 32


def plan(**changes) -> AddLadder:
    values = {
        "id": "one", "buying": True, "coldkey_ss58": ALICE, "hotkey_ss58": ALICE, "netuid": 1, "total_rao": 10 * COIN,
        "steps": 3, "every_s": 3600.0, "slippage_ppm": 5000,
    }  # fmt: skip
    return AddLadder(**{**values, **changes})


class Stand:
    """A book with a clock that is set by hand, and a pool that answers as told."""

    def __init__(self, home) -> None:
        self.at, self.genesis, self.changes, self.asked = 1000.0, GENESIS, 0, []
        self.troubles: list[RanvierError | None] = []
        self.answer: Quote | Exception | None = Quote(1, True, 1, 35 * COIN, 0, COIN // 35, COIN // 34, "chain")
        self.paths = Paths.under(home)
        self.book = self.new()

    def new(self) -> LadderBook:
        """As after a restart: only the file is left."""
        self.book = LadderBook(
            self.paths, lambda: ("sandbox", self.genesis), self._ask, self._changed, self.troubles.append,
            now=lambda: self.at,
        )  # fmt: skip
        return self.book

    async def _ask(self, netuid, rao, buying):
        self.asked.append((netuid, rao, buying))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, 77

    def _changed(self) -> None:
        self.changes += 1

    async def view(self):
        (one,) = (await self.book.get(GetLadders())).ladders
        return one


@pytest.fixture
def stand(tmp_path):
    return Stand(tmp_path)


@given(st.integers(1, 365), st.integers(0, 2**63))
def test_the_steps_are_the_total_to_the_rao(steps, more):
    total = steps + more
    amounts = []
    for number in range(steps):
        done = (LadderStep(0.0, "signed"),) * number
        one = Ladder("x", GENESIS, True, ALICE, ALICE, 1, total, steps, 60.0, 5000, 0.0, done)
        amounts.append(one.amount_rao())
    assert sum(amounts) == total and min(amounts) > 0


async def test_a_step_is_due_with_a_fresh_quote_and_told_under_one_key(stand):
    await stand.book.add(plan())
    await stand.book.add(plan())
    view = await stand.view()
    assert view.quote is not None and (view.quote.gets_rao, view.quote.block) == (35 * COIN, 77)
    assert stand.asked == [(1, 3_333_333_333, True)]
    (told,) = stand.book.attention()
    assert told.level is Level.WARN and told.page == "stake" and told.key == "ladder/one/0"
    assert "Step 1 of 3: 3.333333333 TAO" in told.text and "35.000000000 α1 at block 77" in told.text
    assert "Nothing is signed without you" in told.text
    stand.at += 60
    await stand.view()
    assert len(stand.asked) == 2, "an old quote is asked for again"
    assert stand.book.attention()[0].key == told.key
    stand.at += 60
    stand.answer = NetworkError("Not connected", "The network is away.")
    view = await stand.view()
    assert view.quote is None and view.problem == "The network is away."
    stand.answer = None
    stand.at += 60
    assert "pool cannot" in (await stand.view()).problem


async def test_skip_postpone_sign_and_end(stand):
    await stand.book.add(plan())
    await stand.book.change(ChangeLadder("one", 0, "postpone", seconds=600.0))
    assert stand.book.attention() == [] and (await stand.view()).quote is None
    stand.at += 600
    await stand.book.change(ChangeLadder("one", 0, "skip"))
    assert stand.book.current()[0].next_at == stand.at + 3600
    stand.at += 3600
    assert stand.book.attention()[0].key == "ladder/one/1"
    await stand.book.change(ChangeLadder("one", 1, "signing"))
    assert "was being signed" in stand.book.attention()[0].text
    with pytest.raises(AgentError, match="being signed"):
        await stand.book.change(ChangeLadder("one", 1, "signing"))
    await stand.book.change(ChangeLadder("one", 1, "unsent"))
    await stand.book.change(ChangeLadder("one", 1, "signing"))
    await stand.book.change(ChangeLadder("one", 1, "signed", "0xc4"))
    await stand.book.change(ChangeLadder("one", 1, "signed", "0xc4"))  # a repeat changes nothing
    with pytest.raises(AgentError, match="signed or skipped already"):
        await stand.book.change(ChangeLadder("one", 1, "signed", "0xd5"))
    one = stand.book.current()[0]
    assert [step.outcome for step in one.done] == ["skipped", "signed"] and one.amount_rao() == 3_333_333_334
    await stand.book.change(ChangeLadder("one", 2, "end"))
    assert stand.book.current() == [] and stand.book.attention() == []
    with pytest.raises(AgentError):
        await stand.book.change(ChangeLadder("one", 2, "skip"))


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"steps": 366}, {"total_rao": 2}, {"every_s": 0.0}, {"every_s": float("inf")},
     {"coldkey_ss58": "5Grw"}],
)  # fmt: skip
async def test_nonsense_is_refused_and_not_kept(stand, wrong):
    with pytest.raises(RanvierError):
        await stand.book.add(plan(**wrong))
    assert stand.new().current() == []


async def test_everything_is_there_after_a_restart_and_only_on_its_own_chain(stand):
    await stand.book.add(plan())
    await stand.book.change(ChangeLadder("one", 0, "signing"))
    stand.new()
    one = stand.book.current()[0]
    assert one.signing_at == stand.at, "a window that died while signing never leads to a second signature"
    stand.genesis = "0x" + "bb" * 32
    assert stand.book.current() == [] and stand.book.attention() == []
    stand.genesis = None
    assert stand.book.current() == []
    with pytest.raises(AgentError, match="not known yet"):
        await stand.book.add(plan(id="two"))
    stand.genesis = GENESIS
    assert len(stand.book.current()) == 1


async def test_garbage_is_kept_aside_and_told(stand):
    await stand.book.add(plan())
    path = stand.paths.network("sandbox") / "ladders.json"
    path.write_bytes(b'[{"id": "one", "steps":')
    assert stand.new().current() == []
    assert "unreadable" in str(stand.troubles[-1])
    await stand.book.add(plan(id="two"))
    assert path.with_name("ladders-unreadable.json").read_bytes().startswith(b'[{"id": "one"')
    assert [one.id for one in stand.new().current()] == ["two"]


async def test_a_full_disk_changes_nothing(stand, monkeypatch):
    await stand.book.add(plan())

    def full(*_args, **_options):
        raise RanvierError("Disk full", "There is no space left.")

    monkeypatch.setattr("ranvier.agent.money.ladders.write_atomic", full)
    with pytest.raises(RanvierError, match="no space"):
        await stand.book.change(ChangeLadder("one", 0, "skip"))
    assert stand.book.current()[0].done == ()


async def test_the_round_tells_when_a_step_becomes_due(stand, monkeypatch):
    monkeypatch.setattr("ranvier.agent.money.ladders._LOOK_EVERY_S", 0.01)
    await stand.book.add(plan())
    await stand.book.change(ChangeLadder("one", 0, "postpone", seconds=50.0))
    work = asyncio.ensure_future(stand.book.run())
    await asyncio.sleep(0.05)
    before = stand.changes
    assert not stand.asked
    stand.at += 51
    for _ in range(200):
        if stand.asked and stand.changes > before:
            break
        await asyncio.sleep(0.01)
    assert stand.asked and stand.changes > before
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


_WRITER = """
import asyncio, sys
from pathlib import Path
from agent.test_ladders import Stand, plan
from ranvier.agent.api.ladder_messages import ChangeLadder
async def main():
    stand = Stand(Path(sys.argv[1]))
    await stand.book.add(plan(steps=300))
    for number in range(300):
        await stand.book.change(ChangeLadder("one", number, "skip"))
        print(number, flush=True)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_killed_writer_leaves_whole_steps(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=_environment())
    assert child.stdout is not None
    for _ in range(20):
        last = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    said = [last, *map(int, child.stdout.read().split())]
    child.stdout.close()
    child.wait(10)
    one = Stand(tmp_path).book.current()[0]
    assert len(one.done) in (said[-1] + 1, said[-1] + 2), "what was answered is on disk"


def _environment() -> dict[str, str]:
    from pathlib import Path

    from ranvier.core.processes import child_environment

    tests = Path(__file__).resolve().parents[1]
    return {**child_environment(), "PYTHONPATH": f"{tests.parent / 'app'}:{tests}"}


async def test_a_whole_agent_reminds_samples_positions_and_remembers_both_after_a_restart(tmp_path, monkeypatch):
    async def quote(_market, netuid, amount_rao, buying):
        return Quote(netuid, buying, amount_rao, 35 * COIN, 0, COIN // 35, COIN // 34, "chain"), 34

    monkeypatch.setattr("ranvier.agent.money.market.Market.quote", quote)
    chain = FakeChain(height=34)
    chain.stakes = [StakePosition("5Hot", ALICE, 1, 3 * COIN, COIN // 35, 0)]
    async with House(tmp_path, chain) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(m.WatchColdkeys((ALICE,)))
        await house.until(lambda s: s.chain.level is Level.GOOD and s.chain.genesis_hash)
        await house.client.call(plan())
        status = await house.until(lambda s: any("About 35" in one.text for one in s.attention))
        (told,) = [one for one in status.attention if one.page]
        assert (told.page, told.key) == ("stake", "ladder/one/0")
        await house.client.call(ChangeLadder("one", 0, "signing"))
        asked = m.GetPositionHistory(ALICE, "5Hot", 1)
        chain.height += 1  # a block after the coldkey was known
        before = m.PositionHistory((), (), 0.0)
        end = time.monotonic() + 15
        while not before.points:
            assert time.monotonic() < end, "no position was sampled"
            await asyncio.sleep(0.05)
            with contextlib.suppress(RanvierError):  # of the agent: not sampled yet
                before = await house.client.call(asked)
        assert before.points[-1].alpha_rao == 3 * COIN
        await house.stop()
        await house.start()
        await house.until(lambda s: s.chain.level is Level.GOOD and s.chain.genesis_hash)
        (kept,) = (await house.client.call(GetLadders())).ladders
        assert kept.ladder.signing_at is not None and kept.ladder.total_rao == 10 * COIN
        chain.height += 1
        after = m.PositionHistory((), (), 0.0)
        while not after.points:
            assert time.monotonic() < end, "its samples are gone"
            await asyncio.sleep(0.05)
            with contextlib.suppress(RanvierError):  # of the agent: not sampled yet
                after = await house.client.call(asked)
        assert after.points[: len(before.points)] == before.points
