"""Asking the own axon: a real request to a real program; what is not known has its reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.agent_fakes import House
from ranvier.agent.api import messages as m
from ranvier.agent.api.market_messages import AskAxon, AxonView
from ranvier.core.errors import RanvierError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")


async def test_the_own_axon_is_asked_with_its_own_hotkey(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        await house.started(add())
        found = await house.client.call(AskAxon("one"))
        # This program answers health only: it was reached, and refused to be asked.
        assert found == AxonView(None, None, "The axon refused the question (status 501).")
        await house.client.call(m.StopMiner("one"))
        stopped = await house.client.call(AskAxon("one"))
        assert stopped.whole_ms is None and "does not run" in (stopped.error or "")
        with pytest.raises(RanvierError):
            await house.client.call(AskAxon("nobody"))
        await house.client.call(m.RemoveMiner("one"))
