"""A coldkey that is about to be replaced is told at once, with what to do; what is over is not told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.agent_fakes import ALICE, FakeChain, House
from ranvier.agent.api import messages as m
from ranvier.agent.key_watch import KeyWatch
from ranvier.chain.model import BlockRef
from ranvier.chain.model_stake import KeySwap
from ranvier.core.errors import NetworkError
from ranvier.core.evidence import Level


class Chain:
    def __init__(self) -> None:
        self.swaps: dict[str, KeySwap] = {}
        self.asked = 0
        self.down = False

    async def key_swaps(self, coldkeys, at):
        self.asked += 1
        if self.down:
            raise NetworkError("Network unreachable", "It does not answer.", "Wait.")
        return {one: swap for one, swap in self.swaps.items() if one in coldkeys}


async def test_a_swap_stands_until_the_chain_says_otherwise():
    chain_, now, keys = Chain(), [1000.0], {ALICE}
    watch = KeyWatch(lambda network: keys, now=lambda: now[0])
    head = SimpleNamespace(network="test", chain=chain_, block=BlockRef(100, "0x1", None))
    await watch.on_head(head)
    assert watch.attention() == [] and chain_.asked == 1
    chain_.swaps[ALICE] = KeySwap(100 + 36_000, False)
    await watch.on_head(head)
    assert chain_.asked == 1, "once a minute is enough"
    now[0] += 61
    await watch.on_head(head)
    (told,) = watch.attention()
    assert told.level is Level.BAD and told.page == "wallets" and ALICE[:8] in told.title
    assert "block 36\u202f100" in told.text and "5 days" in told.text
    assert "“btcli wallet swap-coldkey dispute --wallet-name NAME --network test”" in told.text
    assert "“btcli wallet swap-coldkey clear --wallet-name NAME --network test”" in told.text
    chain_.down, now[0] = True, now[0] + 61
    with pytest.raises(NetworkError):
        await watch.on_head(head)
    assert watch.attention() == [told], "what was seen is not forgotten because nobody answers"
    chain_.down = False
    chain_.swaps[ALICE] = KeySwap(100 + 36_000, True)
    await watch.on_head(head)
    (disputed,) = watch.attention()
    assert "disputed" in disputed.text and "show the council" in disputed.text and disputed.key != told.key
    chain_.swaps.clear()
    now[0] += 61
    await watch.on_head(head)
    assert watch.attention() == []
    chain_.swaps["other"] = KeySwap(None, False)
    keys.add("other")
    await watch.on_head(head)
    assert "not known here" in watch.attention()[0].text, "another key is looked at without waiting"


async def test_the_owner_is_told_by_the_agent(tmp_path):
    made = FakeChain(height=57)
    made.swaps[ALICE] = KeySwap(None, False)
    async with House(tmp_path, made) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(m.WatchColdkeys((ALICE,)))
        made.height += 1
        await house.until(lambda status: any("replaced" in one.title for one in status.attention))
