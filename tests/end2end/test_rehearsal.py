"""The rehearsal with the real agent, keepers, sandbox and axon: from an empty folder to the first earning."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import psutil
import pytest

from end2end.conftest import eventually, ours, ranvier
from end2end.leaks import is_hotkey, of_phrase, written
from ranvier.core.paths import Paths
from ranvier.rehearsal.stages import Stage


def rehearse(home: Path, *options: str) -> list[dict[str, object]]:
    result = ranvier(home, "rehearse", "--headless", "--json", *options)
    return [json.loads(line) for line in result.stdout.splitlines()]


def status(home: Path) -> dict[str, object]:
    result = ranvier(home, "status", "--json", check=False)
    return json.loads(result.stdout) if result.returncode == 0 else {}


def miner(home: Path) -> dict[str, object]:
    miners = status(home).get("miners") or [{}]
    return miners[0]


def ledger_rows(paths: Paths) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{paths.ledger_file('sandbox')}?mode=ro", uri=True) as database:
        rows = database.execute("select netuid, mechanism, block, hotkey_ss58, alpha_rao from payment").fetchall()
    database.close()
    return rows


def test_from_nothing_to_the_first_earning_and_through_kills(home: Path, paths: Paths, fake_model_recipe: Path) -> None:
    lines = rehearse(home, "--recipe", str(fake_model_recipe))
    stages = [line["stage"] for line in lines if "stage" in line]
    assert stages == [stage.value for stage in Stage]
    assert all(line["state"] == "done" and line["evidence"] for line in lines if "stage" in line)
    outcome = lines[-1]
    assert outcome["alpha_rao"] > 0
    assert outcome["block"] > 0

    seen = miner(home)
    assert seen["state"] == "running"
    assert seen["hotkey_ss58"] == outcome["hotkey_ss58"]
    pid = seen["pid"]
    rows = ledger_rows(paths)
    assert len(rows) == len(set(rows)) > 0

    # The agent is killed: the miner goes on, the next agent adopts the same process.
    for process in ours(home, "agent"):
        process.kill()
    eventually(lambda: not ours(home, "agent"))
    assert psutil.pid_exists(pid)

    # The sandbox is killed as well: its keeper brings the same network back.
    for process in ours(home, "sandbox"):
        process.kill()

    again = rehearse(home, "--recipe", str(fake_model_recipe))
    assert again[-1]["hotkey_ss58"] == outcome["hotkey_ss58"]
    assert miner(home)["pid"] == pid
    assert miner(home)["starts"] == 1
    later = ledger_rows(paths)
    assert set(rows) <= set(later)
    keys = [row[:4] for row in later]
    assert len(keys) == len(set(keys))

    # The miner itself is killed: it is started again, and the reason is kept.
    psutil.Process(pid).kill()
    eventually(lambda: miner(home).get("state") == "running" and miner(home).get("pid") != pid)
    assert miner(home)["exits"][-1]["signal"] == 9

    wallet = [path.relative_to(paths.miners) for path in paths.miners.rglob("*") if "wallet" in path.parts[-4:]]
    names = {path.name for path in wallet if (paths.miners / path).is_file()}
    assert names == {"coldkeypub.txt", "miner", "minerpub.txt"}, "a miner sees its hotkey and public keys only"

    ranvier(home, "stop", "--everything")
    eventually(lambda: not ours(home))
    places = dict(written(home))
    own = {place for place in places if is_hotkey(place) and place.endswith("/miner")}
    phrase = json.loads(places[min(own)])["secretPhrase"]
    assert of_phrase(places, phrase) == own, "no log, ledger or record has the hotkey"


@pytest.mark.slow
def test_the_real_model_earns(home: Path) -> None:
    """Downloads the reference miner's packages (130 MB) the first time; the second run needs none of it."""
    outcome = rehearse(home)[-1]
    assert outcome["alpha_rao"] > 0
    assert "SmolLM2" in ranvier(home, "miners", "logs", "practice").stdout
    again = rehearse(home)[-1]
    assert again["hotkey_ss58"] == outcome["hotkey_ss58"]
    assert again["first_earning_s"] < 120
