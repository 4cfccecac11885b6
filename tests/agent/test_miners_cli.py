"""``ranvier miners``: what is asked of the agent, and what is written for people and for programs."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from ranvier.agent.api import messages as m
from ranvier.agent.cli import miners_cli
from ranvier.core.errors import AgentError, MinerError, RecipeError
from ranvier.core.evidence import Evidence, Level
from ranvier.core.paths import Paths
from ranvier.ledger.miner_sample import MinerSample
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState

NOW = time.time()
MINER = m.MinerView(
    id="one", name="One", recipe="sandbox-llm", network="sandbox", netuid=1, hotkey_ss58="5H", coldkey_ss58="5C",
    state=MinerState.RUNNING, wanted=True, level=Level.GOOD, evidence=(), pid=77, started_at=NOW - 90,
    starts=3, crashes=2, shown=ShownState.DEGRADED, reason="its axon does not answer", cpu_percent=12.4, rss=5 << 20,
    reading=MinerSample(NOW, cpu_percent=12.4, rss=5 << 20),
)  # fmt: skip
WHY = m.Why(
    id="one", shown=ShownState.BACKING_OFF, reason="ended with code 1; crash 2 in a row", seen_at=NOW - 1,
    evidence=(Evidence(Level.BAD, "not registered on subnet 1 at block 9", NOW - 5),),
    exits=(ExitRecord(NOW - 30, 1, None, False, 2.0),), crashes=2,
    reading=MinerSample(NOW - 3, rss=1 << 30, processes=4),
    diagnosis=m.DiagnosisView(
        cause="not_registered", sentence="Its hotkey is not registered on subnet 1, so it ended itself.",
        evidence=("ERROR not registered",), step="Register the hotkey, then start it again.", action="register",
        label="Register…", known=True,
    ),
)  # fmt: skip


class Agent:
    """Stands in for the agent: answers from a table, remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.closed = 0
        self.error: Exception | None = None

    async def call(self, command: Any, *, timeout_s: float | None = None) -> Any:
        self.asked.append(command)
        if self.error is not None:
            raise self.error
        match command:
            case m.GetStatus():
                view = m.ChainView("sandbox", None, Level.GOOD, "fine")
                return m.AgentStatus("1", 1, 5, NOW, NOW, view, (MINER,))
            case m.WhyMiner():
                return WHY
            case m.GetLog():
                return m.LogTail((m.LogLine(NOW, "out", "hello"), m.LogLine(NOW, "err", "oh")), 9)
            case _:
                return m.Done(f"{type(command).__name__} done.")

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def agent(stands_in: Callable[[Agent], Agent]) -> Agent:
    return stands_in(Agent())


def run(tmp_path, capsys, *words: str) -> tuple[int, str]:
    code = miners_cli.main(list(words), Paths.under(tmp_path))
    return code, capsys.readouterr().out


def test_list(agent, tmp_path, capsys) -> None:
    code, said = run(tmp_path, capsys, "list")
    head, row = said.splitlines()
    assert code == 0 and head.split()[:3] == ["ID", "STATE", "LEVEL"]
    assert row.split("  ")[:2] == ["one", "degraded"], "what a person is told, with its reason"
    assert row.endswith("1  77   12 %  5 MiB   3       2        90 s ago  its axon does not answer")
    told = json.loads(run(tmp_path, capsys, "list", "--json")[1])[0]
    assert (told["crashes"], told["reading"]["cpu_percent"], told["reading"]["sent_bps"]) == (2, 12.4, None)
    assert agent.closed == 2


def test_why(agent, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    said = run(tmp_path, capsys, "why", "one")[1]
    parts = (
        "one: backing off. ended with code 1",
        "Its hotkey is not registered",
        "| ERROR not registered",
        "Next: Register the hotkey",
        "30 s ago: code 1 after 2 s",
        "CPU unknown, memory 1024 MiB, 4 processes (3 s ago)",
        "bad     not registered on subnet 1",
    )
    assert [part for part in parts if part not in said] == []
    assert json.loads(run(tmp_path, capsys, "why", "one", "--json")[1])["diagnosis"]["cause"] == "not_registered"


def test_logs(agent, tmp_path, capsys) -> None:
    rows = run(tmp_path, capsys, "logs", "one", "-n", "7")[1].splitlines()
    assert [row.split()[-2:] for row in rows] == [["out", "hello"], ["err", "oh"]]
    assert agent.asked == [m.GetLog("one", None, 7)]
    rows = run(tmp_path, capsys, "logs", "one", "--json")[1].splitlines()
    assert [json.loads(row)["text"] for row in rows] == ["hello", "oh"]


def test_changing(agent, tmp_path, capsys) -> None:
    for word, kind in (("start", m.StartMiner), ("stop", m.StopMiner), ("restart", m.RestartMiner)):
        assert run(tmp_path, capsys, word, "one") == (0, f"one: {kind.__name__} done.\n")
        assert agent.asked[-1] == kind("one")


def test_add(agent, tmp_path, capsys) -> None:
    words = [
        "add",
        "My Miner",
        "--recipe",
        "r",
        "--netuid",
        "3",
        "--wallet",
        "w",
        "--hotkey",
        "h",
        "--install",
        "--json",
    ]
    code, said = run(tmp_path, capsys, *words)
    assert code == 0 and json.loads(said) == {
        "id": "my-miner",
        "text": "AddMiner done. InstallMiner done.",
        "notes": [],
    }
    wallets = str(tmp_path / "wallets")
    assert agent.asked == [m.AddMiner("my-miner", "My Miner", "r", 3, wallets, "w", "h"), m.InstallMiner("my-miner")]


WHOSE = ("--wallet", "w", "--hotkey", "h")
RECIPE = 'name = "mine"\ntitle = "Mine"\nnetuid = 7\n[program]\ncommand = ["sleep", "9"]\n[environment]\nnone = true\n'


def test_add_what_a_person_has(agent, tmp_path, capsys, monkeypatch) -> None:
    """Any command, a project, an image, a unit, PM2's program, a file: each becomes a recipe of one's own."""
    project, unit, dump = tmp_path / "project", tmp_path / "old.service", tmp_path / "dump.pm2"
    (project / "neurons").mkdir(parents=True)
    (project / "neurons" / "miner.py").write_text("import bittensor\n")
    unit.write_text("[Service]\nExecStart=/usr/bin/python3 /srv/m.py --netuid 5\n")
    dump.write_text(json.dumps([{"name": "Old One", "pm_exec_path": "/srv/m.py", "args": ["--netuid", "4"]}]))
    monkeypatch.setattr("ranvier.agent.cli.add_cli.PM2_DUMP", dump)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    cases = (
        (("--command", "sleep 9 --netuid 3"), 3, 'command = [\n    "sleep"'),
        (("--project", str(project), "--netuid", "2"), 2, "neurons/miner.py"),
        (("--image", "ghcr.io/team/miner:1.4 --netuid 6"), 6, "ghcr.io/team/miner:1.4"),
        (("--unit", str(unit)), 5, "/srv/m.py"),
        (("--pm2", "Old One"), 4, "/srv/m.py"),
        (("--recipe", str(tmp_path / "recipe.toml")), 7, RECIPE),
    )
    for words, netuid, text in cases:
        code, _ = run(tmp_path, capsys, "add", "A", *words, *WHOSE)
        asked = agent.asked[-1]
        assert (code, asked.netuid) == (0, netuid) and text in asked.recipe_text, words
        assert asked.recipe == ("mine" if "--recipe" in words else "old-one" if "--pm2" in words else asked.recipe)
    practice = Paths.under(tmp_path).practice_wallets
    (practice / "w").mkdir(parents=True)
    assert run(tmp_path, capsys, "add", "A", "--command", "sleep 9 --netuid 3", *WHOSE)[0] == 0
    assert agent.asked[-1].wallet_path == str(practice), "it is looked for where it is"
    assert "pm2 delete 'Old One'" in run(tmp_path, capsys, "add", "A", "--pm2", "old-one", *WHOSE)[1]
    assert run(tmp_path, capsys, "add", "A", "--recipe", str(tmp_path), *WHOSE)[0] == 0
    assert (agent.asked[-1].recipe_folder, agent.asked[-1].recipe_text) == (str(tmp_path), "")
    before = len(agent.asked)
    shown = run(tmp_path, capsys, "add", "A", "--command", "sleep 9", "--show")[1]
    assert tomllib.loads(shown)["program"]["command"] == ["sleep", "9"] and len(agent.asked) == before
    for words, said in (
        (("--pm2", "two"), "PM2's dump has no"),
        (("--command", "sleep 9"), "does not name a subnet"),
        (("--recipe", "./none.toml"), "none.toml: No such file"),
        (("--unit", "/none.service"), "none.service: No such file"),
        (("--image", ""), "not the name"),
    ):
        with pytest.raises(RecipeError, match=said):
            run(tmp_path, capsys, "add", "A", *words, *WHOSE)
    for words in (("--recipe", "r", "--command", "x", *WHOSE), ("--command", "x"), ("--command", "x", "--entry", "y")):
        with pytest.raises(SystemExit) as ended:
            run(tmp_path, capsys, "add", "A", *words)
        assert ended.value.code == 2
    assert len(agent.asked) == before


def test_nothing_is_removed_unless_meant(agent, tmp_path, capsys) -> None:
    with pytest.raises(MinerError, match="deleted"):
        run(tmp_path, capsys, "remove", "one")
    assert agent.asked == []
    assert run(tmp_path, capsys, "remove", "one", "--yes")[0] == 0 and agent.asked == [m.RemoveMiner("one")]


def test_refusals(agent, tmp_path, capsys) -> None:
    agent.error = MinerError("No such miner", "There is no miner “x”.")
    code, said = run(tmp_path, capsys, "stop", "x", "--json")
    assert code == 1 and json.loads(said)["error"]["title"] == "No such miner"
    with pytest.raises(MinerError):  # the entry point writes it for people
        run(tmp_path, capsys, "stop", "x")
    for words in ([], ["fly"], ["start"]):
        with pytest.raises(SystemExit):
            run(tmp_path, capsys, *words)


def test_without_an_agent(tmp_path, capsys) -> None:
    with pytest.raises(AgentError, match="not running"):
        run(tmp_path, capsys, "list")
    code, said = run(tmp_path, capsys, "list", "--json")
    assert code == 1 and json.loads(said)["error"]["kind"] == "AgentError"
