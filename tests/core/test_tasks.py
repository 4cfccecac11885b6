"""The task owner: failures are reported once, closing leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ranvier.core.errors import Cancelled
from ranvier.core.tasks import Tasks


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def test_a_failure_reaches_the_owner_once() -> None:
    seen: list[BaseException] = []
    tasks = Tasks(on_error=seen.append)
    bug = ValueError("bug")
    task = tasks.start(fail(bug), "broken")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert seen == [bug]
    assert task.get_name() == "broken"


async def test_cancelled_by_the_user_or_by_us_is_silent() -> None:
    seen: list[BaseException] = []
    tasks = Tasks(on_error=seen.append)
    changed_mind = tasks.start(fail(Cancelled()), "changed mind")
    forever = tasks.start(asyncio.sleep(3600), "for ever")
    await asyncio.wait([changed_mind])
    forever.cancel()
    await asyncio.wait([forever])
    await asyncio.sleep(0)
    assert seen == []


async def test_without_an_owner_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    with caplog.at_level(logging.ERROR):
        await asyncio.wait([tasks.start(fail(ValueError("bug")), "broken")])
        await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["task broken failed"]
    assert caplog.records[0].exc_info is not None


async def test_close_ends_all_and_waits_for_their_last_acts() -> None:
    tasks = Tasks()
    done: list[str] = []

    async def tidy(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            done.append(name)

    for name in ("a", "b"):
        tasks.start(tidy(name), name)
    await asyncio.sleep(0)
    await tasks.close()
    assert sorted(done) == ["a", "b"]
    await tasks.close()


async def test_a_cancellation_that_was_lost_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ranvier.core.tasks._PATIENCE_S", 0.05)
    tasks = Tasks()

    async def deaf() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    task = tasks.start(deaf(), "deaf")
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.close(), 5)
    assert task.cancelled()
    assert [record.getMessage() for record in caplog.records] == ["told again to end: deaf"]


async def test_a_task_may_close_its_own_owner() -> None:
    tasks = Tasks()
    other = tasks.start(asyncio.sleep(3600), "other")

    async def last() -> str:
        await tasks.close()
        return "went on"

    assert await asyncio.wait_for(tasks.start(last(), "last"), 2) == "went on"
    assert other.cancelled()


async def test_a_task_is_kept_alive_by_its_owner() -> None:
    """asyncio itself holds tasks weakly; one that waits for a bare future could be collected."""
    import gc

    tasks = Tasks()
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    tasks.start(waits(), "held")
    await asyncio.sleep(0)
    gc.collect()
    assert not ended.is_set()
    await tasks.close()
    assert ended.is_set()
