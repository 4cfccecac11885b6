"""Where a position changed, against reading it at every block of a real sandbox."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from chain.chain_helpers import NETUID, connected, done, funded
from chain.sandbox_process import SandboxProcess
from ranvier.chain import position_steps, stakes
from ranvier.chain.plans import plans
from ranvier.chain.runtime.events import Event
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("steps") / "node", "--block-time", "0.1", "--tempo", "12")
    process.start()
    yield process
    process.stop()


async def test_steps_are_those_of_reading_every_block(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(sandbox) as connection:
        seats = await connection.read(
            [("SubtensorModule", "Keys", [NETUID, uid]) for uid in range(4)], await connection.head()
        )
        cold, hot = await funded(connection, Tao(100 * 10**9)), str(seats[0])  # a validator's: it earns for us, too
        begin = (await connection.head()).number
        place = (hot, cold.ss58, NETUID)
        buy = await plans.plan_add_stake(connection, cold.ss58, hot, NETUID, Tao(20 * 10**9))
        receipt = await done(connection, buy, cold)
        (held,) = await stakes.stake_of(connection, [place], receipt.block)
        await connection.rpc("sandbox_makeBlocks", [60])
        sell = await plans.plan_remove_stake(connection, cold.ss58, hot, NETUID, Alpha(held // 3, NETUID))
        await done(connection, sell, cold)
        await connection.rpc("sandbox_makeBlocks", [40])
        until = (await connection.head()).number

        before = connection.traffic
        steps = await position_steps.position_steps(connection, place, begin, until)
        requests, rounds = (now - then for now, then in zip(connection.traffic[:2], before[:2], strict=True))

        refs = [one for one in await connection.blocks(range(begin, until + 1)) if not isinstance(one, ChainError)]
        amounts = await stakes.stake_each(connection, place, refs)
        changes = {
            at.number: after - earlier
            for (earlier, after), at in zip(itertools.pairwise(amounts), refs[1:], strict=True)
            if after != earlier
        }
        assert {step.block: step.rao for step in steps} == changes
        assert sum(step.rao for step in steps) == amounts[-1] - amounts[0]
        kinds = {seen.kind for step in steps for seen in step.events}
        assert kinds >= {"stake", "unstake"} and sum(step.epoch for step in steps) >= 5
        epochs = (until - begin) // 12 + 1
        assert requests < 7 * epochs + 60 and rounds < 30, (requests, rounds)

        monkeypatch.setattr(position_steps, "MOST_EPOCHS", 3)
        with pytest.raises(ChainError, match="More than 3 epochs"):
            await position_steps.position_steps(connection, place, begin, until)


@pytest.mark.parametrize(
    ("name", "fields", "kind"),
    [
        ("ColdkeySwapped", {"old_coldkey": "C", "new_coldkey": "D"}, "key swap"),
        ("ColdkeySwapped", {"old_coldkey": "B", "new_coldkey": "C"}, "key swap"),
        ("ColdkeySwapped", {"old_coldkey": "A", "new_coldkey": "B"}, None),
        ("HotkeySwapped", {"coldkey": "O", "old_hotkey": "H", "new_hotkey": "G"}, "key swap"),
        ("HotkeySwapped", {"coldkey": "C", "old_hotkey": "G", "new_hotkey": "K"}, None),
        ("HotkeySwappedOnSubnet", {"coldkey": "O", "old_hotkey": "G", "new_hotkey": "H", "netuid": 7}, "key swap"),
        ("HotkeySwappedOnSubnet", {"coldkey": "O", "old_hotkey": "G", "new_hotkey": "H", "netuid": 8}, None),
        ("NetworkRemoved", 7, "subnet ended"),
        ("NetworkRemoved", (8,), None),
    ],
)
def test_a_replaced_key_and_a_subnets_end_are_told(name: str, fields: object, kind: str | None) -> None:
    """The stake of others on a hotkey goes with it too; a swap of the hotkey on another subnet moves nothing here."""
    told = position_steps.events_of(("H", "C", 7), [Event("SubtensorModule", name, fields, 2)], without_fee=False)
    assert [(one.kind, one.alpha_rao) for one in told] == ([] if kind is None else [(kind, None)])
