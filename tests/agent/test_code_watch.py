"""The code under a running agent's feet: what counts as changed, and when it is noticed."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path

from ranvier.agent.code_watch import CodeWatch
from ranvier.core.code_stamp import code_stamp
from ranvier.core.tasks import Tasks


def test_the_stamp_follows_the_sources_and_nothing_else(tmp_path: Path) -> None:
    room = tmp_path / "room"
    (room / "__pycache__").mkdir(parents=True)
    one, two = room / "one.py", tmp_path / "two.py"
    one.write_text("a = 1\n")
    two.write_text("b = 1\n")
    begun = code_stamp(tmp_path)
    assert code_stamp(tmp_path) == begun
    (room / "__pycache__" / "one.pyc").write_bytes(b"\0")
    (room / "__pycache__" / "odd.py").write_text("")
    (room / "notes.txt").write_text("no code")
    assert code_stamp(tmp_path) == begun
    seen = {begun}
    told = one.stat()
    one.write_text("a = 2\n")  # of the same length
    os.utime(one, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    seen.add(code_stamp(tmp_path))
    two.unlink()
    seen.add(code_stamp(tmp_path))
    two.write_text("b = 1\n")
    (tmp_path / "three.py").write_text("")
    seen.add(code_stamp(tmp_path))
    assert len(seen) == 4


async def test_a_change_is_noticed_once_and_stays() -> None:
    now, told = ["v1"], []
    watch = CodeWatch(lambda: told.append(watch.outdated), stamp=lambda: now[0], every_s=0.01)
    tasks = Tasks()
    task = tasks.start(watch.run(), "code")
    await asyncio.sleep(0.1)
    assert not watch.outdated and not told
    now[0] = "v2"
    await asyncio.wait_for(asyncio.shield(task), 10)
    now[0] = "v1"
    assert watch.outdated and told == [True]
    await tasks.close()


async def test_whoever_comes_is_told_without_waiting_for_the_next_look() -> None:
    stamps = itertools.chain(["v1", "v1"], itertools.repeat("v2"))
    watch = CodeWatch(lambda: None, stamp=lambda: next(stamps), every_s=1000)
    tasks = Tasks()
    task = tasks.start(watch.run(), "code")
    while not task.done():
        watch.look()
        await asyncio.sleep(0.01)
    assert watch.outdated
    await tasks.close()
