"""``ranvier miners fix|update|recipe``: each action of a diagnosis is done, or its command is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ranvier.agent.api import messages as m
from ranvier.agent.cli import miners_cli
from ranvier.agent.miners.incidents import COMMANDS, LABELS
from ranvier.core.errors import MinerError
from ranvier.core.paths import Paths
from ranvier.miners.diagnosis import ACTIONS
from ranvier.miners.states import ShownState

FOUND = m.DiagnosisView("cause", "It is so.", ("line",), "Do this.", "retry", "Try", True)


class Agent:
    """Stands in for the agent: one diagnosis, one recipe."""

    def __init__(self) -> None:
        self.found: m.DiagnosisView | None = FOUND
        self.asked: list[object] = []

    async def call(self, command: object) -> object:
        if isinstance(command, m.WhyMiner):
            return m.Why("one", ShownState.FAILED, "ended", None, (), diagnosis=self.found)
        if isinstance(command, m.GetRecipe):
            return m.RecipeText('name = "mine"\n', "/x/recipe.toml")
        self.asked.append(command)
        return m.Done(f"{type(command).__name__}.")

    async def close(self) -> None:
        pass


@pytest.fixture
def agent(stands_in: Callable[[Agent], Agent]) -> Agent:
    return stands_in(Agent())


def run(tmp_path: Path, *words: str) -> int:
    return miners_cli.main(list(words), Paths.under(tmp_path))


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "none"])
def test_every_action_is_done_or_told(agent: Agent, tmp_path: Path, capsys, action: str) -> None:
    command = COMMANDS.get(action, "").format(id="one", subject="HF_TOKEN")
    agent.found = msgspec.structs.replace(FOUND, action=action, command=command)
    done = {
        "retry": [m.StartMiner("one")],
        "change_port": [m.ChangeMiner("one", axon_port=0), m.StartMiner("one")],
        "start_sandbox": [m.StartSandbox(), m.StartMiner("one")],
        "reinstall": [m.UpdateMiner("one", fresh=True)],
    }
    if action in done:
        assert run(tmp_path, "fix", "one") == 0 and agent.asked == done[action]
        assert capsys.readouterr().out.startswith("one: ")
    else:
        with pytest.raises(MinerError, match="Do this") as caught:
            run(tmp_path, "fix", "one")
        assert agent.asked == [] and (command in caught.value.hint if command else "window" in caught.value.hint)
    assert LABELS[action], "the window has a button for it"


def test_commands_that_are_told_can_be_parsed() -> None:
    for text in COMMANDS.values():
        for part in text.format(id="one", subject="HF_TOKEN").split(", then: "):
            words = part.split(" > ")[0].split()
            assert words[:2] == ["ranvier", "miners"]
            miners_cli._parser().parse_args(words[2:])


def test_nothing_to_mend(agent: Agent, tmp_path: Path) -> None:
    agent.found = None
    with pytest.raises(MinerError, match="no diagnosis"):
        run(tmp_path, "fix", "one")


def test_a_recipe_is_written_and_a_corrected_one_taken(agent: Agent, tmp_path: Path, capsys, monkeypatch) -> None:
    assert run(tmp_path, "recipe", "one") == 0 and capsys.readouterr().out == 'name = "mine"\n'
    file = tmp_path / "recipe.toml"
    file.write_text("new")
    assert run(tmp_path, "update", "one", "--recipe", str(file)) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"newer")))
    assert run(tmp_path, "update", "one", "--recipe", "-") == 0
    assert run(tmp_path, "update", "one") == 0 and run(tmp_path, "update", "one", "--fresh") == 0
    assert agent.asked == [
        m.UpdateMiner("one", recipe_text="new"), m.UpdateMiner("one", recipe_text="newer"), m.UpdateMiner("one"),
        m.UpdateMiner("one", fresh=True),
    ]  # fmt: skip
    for data, words in ((b"\xff", "not UTF-8"), (b" \n", "empty"), (None, "No such file")):
        file.unlink(missing_ok=True)
        if data is not None:
            file.write_bytes(data)
        with pytest.raises(MinerError, match=words):
            run(tmp_path, "update", "one", "--recipe", str(file))
