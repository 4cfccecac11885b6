"""Versions beside each other: prepared while one runs, tried, kept or taken back by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranvier.core.errors import InstallError, MinerError
from ranvier.miners.generations import Generations, Record, Verdict, judge
from ranvier.miners.states import ShownState
from ranvier.miners.status import MinerState

S = ShownState


def recipe_folder(folder: Path, word: str, setup: str = "true") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(
        'name = "g"\ntitle = "G"\n[environment]\nnone = true\n'
        f'[program]\ncommand = ["/bin/sh", "{{recipe}}/{word}.sh"]\n[[setup]]\ncommand = ["{setup}"]\n'
    )
    (folder / f"{word}.sh").write_text(f"echo {word}; sleep 600\n" if word != "bad" else "exit 1\n")
    return folder


@pytest.mark.parametrize(
    ("state", "healthy_s", "crashes", "after_s", "verdict"),
    [
        (S.HEALTHY, 61.0, 0, 70, Verdict.KEEP),
        (S.HEALTHY, 30.0, 0, 40, Verdict.WAIT),
        (S.RUNNING, 61.0, 1, 70, Verdict.KEEP),  # no check: it runs
        (S.RUNNING, None, 0, 70, Verdict.WAIT),
        (S.STARTING, None, 0, 70, Verdict.WAIT),
        (S.STARTING, None, 0, 901, Verdict.ROLL_BACK),
        (S.DEGRADED, None, 0, 70, Verdict.ROLL_BACK),
        (S.FAILED, None, 0, 1, Verdict.ROLL_BACK),
        (S.BACKING_OFF, None, 1, 5, Verdict.WAIT),
        (S.BACKING_OFF, None, 2, 5, Verdict.ROLL_BACK),
        (S.HEALTHY, 90.0, 2, 99, Verdict.ROLL_BACK),  # well now, but it keeps crashing
        (S.STOPPED, None, 0, 9999, Verdict.WAIT),
        (S.UNKNOWN, None, 0, 9999, Verdict.WAIT),
        (S.STARTING, None, 0, -5000, Verdict.WAIT),  # the clock was set back
    ],
)
def test_the_verdict_on_a_trial(state, healthy_s, crashes, after_s, verdict) -> None:
    record = Record(current=1, previous=0, trial_since=1000.0, crashes_before=10)
    assert judge(record, state, healthy_s=healthy_s, crashes=10 + crashes, now=1000.0 + after_s) is verdict


@pytest.mark.parametrize("state", list(S))
def test_what_is_still_of_the_version_before_says_nothing(state) -> None:
    """A failed miner is mended by an update: its failure is not that of the update."""
    record = Record(current=1, previous=0, trial_since=1000.0, crashes_before=10, starts_before=4)

    def verdict(crashes: int, starts: int) -> Verdict:
        return judge(record, state, healthy_s=99.0, crashes=crashes, now=1001.0, starts=starts)

    assert verdict(10, 4) is Verdict.WAIT
    assert verdict(10, 5) is judge(record, state, healthy_s=99.0, crashes=10, now=1001.0)
    assert verdict(11, 4) is judge(record, state, healthy_s=99.0, crashes=11, now=1001.0), "refused without a start"


def test_without_a_trial_nothing_is_taken_back() -> None:
    assert judge(Record(), S.FAILED, healthy_s=None, crashes=99, now=1.0) is Verdict.KEEP


async def test_an_update_beside_the_running_one(tmp_path) -> None:
    miner, cache = Generations(tmp_path / "m"), tmp_path / "cache"
    bundled = recipe_folder(tmp_path / "bundled", "one")
    first = miner.adopt(bundled)
    assert first.number == 0 and (first.recipe_folder / "one.sh").read_text().startswith("echo one")
    (bundled / "one.sh").write_text("changed by an upgrade of the app\n")
    assert miner.adopt(bundled) == first and "changed" not in (first.recipe_folder / "one.sh").read_text()
    new = await miner.prepare(recipe_folder(tmp_path / "update", "two"), cache, lambda *_: None)
    assert new.number == 1 and miner.current() == first
    again = await miner.prepare(tmp_path / "update", cache, lambda *_: None)
    assert again == new  # gone on with, not made twice
    miner.begin_trial(new, 1000.0, crashes=3)
    assert miner.current() == new and miner.record().crashes_before == 3
    assert miner.roll_back() == first and miner.record().rejected == (1,)
    third = await miner.prepare(tmp_path / "update", cache, lambda *_: None)
    assert third.number == 2  # a rejected one is not used again
    miner.begin_trial(third, 2000.0, crashes=0)
    miner.keep()
    assert miner.record().trial_since is None and not (tmp_path / "m" / "versions" / "1").exists()
    (tmp_path / "m" / "versions.json").write_text("{half")
    assert miner.current() == first


async def test_an_update_that_cannot_be_made_changes_nothing(tmp_path) -> None:
    miner = Generations(tmp_path / "m")
    miner.adopt(recipe_folder(tmp_path / "bundled", "one"))
    with pytest.raises(InstallError):
        await miner.prepare(recipe_folder(tmp_path / "u", "two", setup="false"), tmp_path / "c", lambda *_: None)
    assert miner.current().number == 0
    half = miner._at(1)
    with pytest.raises(MinerError, match="not installed"):
        miner.begin_trial(half, 1.0, 0)
    with pytest.raises(MinerError, match="only one version"):
        miner.roll_back()


async def test_a_bad_update_goes_back_by_itself_with_real_processes(kept, tmp_path) -> None:
    """The loop that the agent runs, with a real keeper."""
    miner, cache = Generations(kept.folder), tmp_path / "cache"
    miner.adopt(recipe_folder(tmp_path / "bundled", "one"))

    async def use() -> None:
        one = miner.current()
        word = "bad" if (one.recipe_folder / "bad.sh").exists() else "one"
        kept.spec("silent", argv=("/bin/sh", str(one.recipe_folder / f"{word}.sh")), cwd="/")
        await kept.client.restart()

    await kept.ensure()
    await use()
    await kept.until(lambda: "one" in kept.texts("out"))
    bad = await miner.prepare(recipe_folder(tmp_path / "u", "bad"), cache, lambda *_: None)
    miner.begin_trial(bad, 0.0, kept.client.status().crashes)
    await use()

    def verdict() -> Verdict:
        status = kept.client.status()
        state = S.FAILED if status.state is MinerState.FAILED else S.STARTING
        return judge(miner.record(), state, healthy_s=None, crashes=status.crashes, now=1.0)

    await kept.until(lambda: verdict() is Verdict.ROLL_BACK)
    miner.roll_back()
    await use()
    await kept.until(lambda: kept.client.status().state is MinerState.RUNNING)
    assert kept.texts("out").count("one") == 2
    await kept.client.end()
