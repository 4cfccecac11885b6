"""An agent that is killed during a rehearsal is started again; one that was ended on purpose is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranvier.agent.api.endpoint import Endpoint, write_endpoint
from ranvier.agent.api.messages import Done, StartSandbox
from ranvier.core.errors import AgentError
from ranvier.core.paths import Paths
from ranvier.rehearsal.rehearsal import Rehearsal


class Client:
    """Fails as told, then answers."""

    def __init__(self, *errors: AgentError) -> None:
        self.errors = list(errors)

    async def call(self, _command: StartSandbox) -> Done:
        if self.errors:
            raise self.errors.pop(0)
        return Done("it runs")

    async def close(self) -> None:
        return


def rehearsal(paths: Paths, client: Client, started: list[Paths]) -> Rehearsal:
    async def ensure(where: Paths) -> Client:
        started.append(where)
        return Client()

    return Rehearsal(paths, client, on_report=lambda _: None, consent=None, ensure=ensure)


@pytest.mark.parametrize("title", ["No agent", "Agent lost"])
async def test_a_killed_agent_is_started_and_asked_again(tmp_path: Path, title: str) -> None:
    paths, started = Paths.under(tmp_path), []
    write_endpoint(paths, Endpoint(pid=1, started=0.0, socket="gone"))
    answer = await rehearsal(paths, Client(AgentError(title, "gone")), started)._call(StartSandbox())
    assert answer == Done("it runs")
    assert started == [paths]


async def test_an_agent_that_was_ended_stays_ended(tmp_path: Path) -> None:
    paths, started = Paths.under(tmp_path), []
    with pytest.raises(AgentError):
        await rehearsal(paths, Client(AgentError("No agent", "gone")), started)._call(StartSandbox())
    assert started == []


async def test_a_refusal_of_the_agent_is_told_and_not_repeated(tmp_path: Path) -> None:
    paths, started = Paths.under(tmp_path), []
    write_endpoint(paths, Endpoint(pid=1, started=0.0, socket="there"))
    with pytest.raises(AgentError):
        await rehearsal(paths, Client(AgentError("Agent error", "no")), started)._call(StartSandbox())
    assert started == []
