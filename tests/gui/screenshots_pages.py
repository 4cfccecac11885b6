"""Pages of money in situations of their own: a small window, many miners, both measurements, a sandbox that is off."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from gui import samples
from ranvier.agent.api.market_messages import AxonView
from ranvier.agent.api.messages import EarningBucket, GetEarnings
from ranvier.chain.model import Receipt, TxStage
from ranvier.core.evidence import Level

_SMALL = (940, 640)
_MINERS = 60


async def shoot_pages(studio: Any) -> None:
    """Leaves the window as it was."""
    size = studio.window.size()
    answers = studio.house.client.answers
    before = dict(answers)
    page = await studio.page("netcheck")
    page.transacting.times = {TxStage.SUBMITTED: 0.21, TxStage.IN_BLOCK: 11.4, TxStage.FINAL: 24.8}
    page._settled(Receipt(None, TxStage.FINAL, "0x", None, 184_220, None, None))  # type: ignore[arg-type]
    page.show_answer(AxonView(212.0, 1480.0))
    await asyncio.sleep(0.2)
    studio.shoot(studio.window, "netcheck-measured")
    studio.window.resize(*_SMALL)
    for key in ("stake", "subnets", "earnings"):
        await studio.page(key)
        studio.shoot(studio.window, f"{key}-small")
    studio.window.resize(size)
    page = await studio.page("earnings")
    answers[GetEarnings] = _many_miners
    page.choices.group.setCurrentIndex(1)
    await asyncio.sleep(1.0)
    studio.shoot(studio.window, "earnings-many")
    page.choices.group.setCurrentIndex(0)
    answers.clear()
    answers |= before
    await studio.page("settings")
    status = samples.status()
    off = msgspec.structs.replace(status.chain, level=Level.OFF, text="The sandbox is stopped.", head=None)
    studio.house.bridge.status.emit(msgspec.structs.replace(status, chain=off, sandbox=False))
    await asyncio.sleep(0.2)
    studio.shoot(studio.window, "settings-sandbox-off")
    studio.house.bridge.status.emit(status)


def _many_miners(command: GetEarnings) -> Any:
    """The sample's payments as if sixty miners shared them."""
    found = samples.earnings(command.bucket, command.since_ms, command.limit)
    buckets = tuple(
        EarningBucket(
            one.start_ms, 1, one.alpha_rao // (n + 2), (one.tao_rao or 0) // (n + 2), 1, f"5Gh{n:02}{'k' * 43}"
        )
        for one in found.buckets
        if one.netuid == 1
        for n in range(_MINERS)
    )
    return msgspec.structs.replace(found, buckets=buckets)
