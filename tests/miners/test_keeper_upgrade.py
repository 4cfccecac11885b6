"""A keeper of the version before this one: replaced, while its program goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from programs.survivors import each_line_once, lives, whole_log
from ranvier.miners.keeper.keeper_control import PROTOCOL
from ranvier.miners.keeping import KeeperClient, outdated
from ranvier.miners.spec import Secrets
from ranvier.miners.status import MinerState

# As the first keepers were: no number in the status, and no idea of secrets.
OLD = """
import sys
from ranvier.miners.keeper import keeper
from ranvier.miners.keeper import keeper_record
status = keeper_record.Record.status
def without_number(*arguments):
    told = status(*arguments)
    del told["protocol"]
    return told
keeper_record.Record.status = without_number
keeper.Secrets.take = lambda *_: None
sys.exit(keeper.main(sys.argv[2:]))
"""


def old_keeper(folder: Path) -> KeeperClient:
    return KeeperClient(folder, [sys.executable, "-c", OLD, "keeper", str(folder)])


@pytest.mark.skipif(sys.platform == "win32", reason="there it waits for the program's end")
async def test_an_old_keeper_is_replaced_and_its_program_goes_on(kept) -> None:
    kept.spec("talker", -1, 0.001)
    old = old_keeper(kept.folder)
    kept.keepers.append((await old.ensure()).keeper_pid)
    first = await old.start()
    assert first.protocol == 1 and outdated(first)
    await kept.ensure()
    now = kept.client.status()
    assert (now.protocol, outdated(now)) == (PROTOCOL, False)
    assert now.keeper_pid != first.keeper_pid and not lives(first.keeper_pid)
    assert (now.pid, now.starts, now.crashes, now.state) == (first.pid, 1, 0, MinerState.RUNNING)
    await kept.ensure()
    assert kept.client.status().keeper_pid == now.keeper_pid, "once is enough"
    await kept.client.stop()
    assert each_line_once(whole_log(kept.folder))
    await kept.client.end()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
async def test_a_start_with_secrets_reaches_a_keeper_that_knows_of_them(kept) -> None:
    kept.spec("environment", secrets=Secrets({"TOKEN": "s3cr3t-t0ken"}))
    old = old_keeper(kept.folder)
    kept.keepers.append((await old.ensure()).keeper_pid)
    await kept.ensure()
    started = await kept.client.start({"TOKEN": "s3cr3t-t0ken"})
    assert not started.needs_secrets and started.starts == 1
    await kept.client.end()
