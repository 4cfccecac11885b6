"""Recipes of a person's own, and updates that are tried: kept when they get healthy, taken back when not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.agent_fakes import PROGRAMS, House, up
from ranvier.agent.api import messages as m
from ranvier.agent.miners.miner_programs import RecipePrograms
from ranvier.agent.moments import EndpointNotes, Moments
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.miners.states import ShownState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops by signal")


def recipe(command: str, *, title: str = "Mine") -> str:
    return f"""
name = "mine"
title = "{title}"
[program]
command = [{command}]
[environment]
none = true
[ports]
axon = 8091
[health]
url = "http://127.0.0.1:{{axon_port}}/health"
grace_s = 20.0
"""


GOOD = f'"{sys.executable}", "{PROGRAMS / "fake_axon.py"}", "{{axon_port}}"'
BAD = f'"{sys.executable}", "-c", "raise ModuleNotFoundError(\\"No module named \'torchy\'\\")"'


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranvier.agent.miners.trials.SETTLE_S", 0.5)


async def test_an_update_that_fails_is_taken_back_and_a_good_one_is_kept(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    programs = RecipePrograms(Paths.under(tmp_path / "home"))
    folder = tmp_path / "newer"
    folder.mkdir()
    async with House(tmp_path / "home", programs=programs) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await call(add(recipe="mine", recipe_text=recipe(GOOD)))
        await call(add(recipe="mine", recipe_text=recipe(GOOD)))  # harmless
        with pytest.raises(Exception, match="already"):
            await call(add("two", recipe="mine", recipe_text=recipe(BAD)))
        await call(m.InstallMiner("one"))
        await call(m.StartMiner("one"))
        first = (await house.until(lambda s: s.miners[0].shown is ShownState.HEALTHY)).miners[0]
        assert first.version == m.Version()
        assert "newest version" in (await call(m.UpdateMiner("one"))).text, "nothing failed"
        # A version whose program crashes: it is tried, and the one before comes back without being asked.
        (folder / "recipe.toml").write_text(recipe(BAD, title="Broken"))
        assert "being tried" in (await call(m.UpdateMiner("one", str(folder)))).text
        back = await house.until(
            lambda s: (
                s.miners[0].version.note.startswith("Version 1 was taken back")
                and s.miners[0].shown is ShownState.HEALTHY
            )
        )
        assert (back.miners[0].version.number, back.miners[0].version.trial_since) == (0, None)
        assert "torchy" in back.miners[0].version.note, "and it says why"
        await house.until(lambda s: s.miners[0].diagnosis is None)  # that was of the version which is out of use
        # A version that answers is kept.
        (folder / "recipe.toml").write_text(recipe(GOOD, title="Better"))
        await call(m.UpdateMiner("one", str(folder)))
        kept = await house.until(lambda s: "is kept" in s.miners[0].version.note)
        assert (kept.miners[0].version.number, kept.miners[0].version.previous) == (2, 0)
        assert kept.miners[0].pid != first.pid
        assert "version 0 is in use again" in (await call(m.UndoUpdate("one"))).text
        line = await call(m.GetMinerHistory("one", 0.0))
        kinds = [one.kind for one in line.moments if one.miner_id and one.kind != "incident"]
        assert kinds == ["updated", "taken back", "updated", "kept", "taken back"]
        assert line.exits
        await house.end()


async def test_what_is_no_recipe_is_refused_and_leaves_nothing(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    paths = Paths.under(tmp_path / "home")
    async with House(tmp_path / "home", programs=RecipePrograms(paths)) as house:
        await house.client.call(m.UseNetwork("test"))
        with pytest.raises(Exception, match="Invalid value"):
            await house.client.call(add(recipe="mine", recipe_text="name = "))
        assert not list((paths.data / "recipes").rglob("*.toml"))
        with pytest.raises(Exception, match="cannot be read"):
            await house.client.call(add(recipe="mine", recipe_folder=str(tmp_path)))
        other = tmp_path / "other"
        other.mkdir()
        (other / "recipe.toml").write_text(recipe(GOOD))
        with pytest.raises(Exception, match="not “yours”"):
            await house.client.call(add(recipe="yours", recipe_folder=str(other)))
        assert "was added" in (await house.client.call(add(recipe="mine", recipe_folder=str(other)))).text


def test_a_lost_endpoint_is_noted_once_and_its_return_too(tmp_path: Path) -> None:
    path = tmp_path / "agent" / "moments.jsonl"
    moments = Moments(path)
    notes = EndpointNotes(moments)
    steps = [Level.BUSY, Level.BAD, Level.GOOD, Level.WARN, Level.BAD, Level.BAD, Level.BUSY, Level.GOOD, Level.GOOD]
    for at, level in enumerate(steps):
        notes.look("test", level, "words", float(at))
    notes.look("finney", Level.BAD, "words", 99.0)
    assert [(one.at, one.kind) for one in moments.of("one", "test", 0.0)] == [
        (4.0, "endpoint lost"), (7.0, "endpoint back"),
    ]  # fmt: skip
    with path.open("ab") as file:
        file.write(b'{"at": 8.0, "ki')  # killed while writing
    assert len(Moments(path).of("one", "test", 0.0)) == 2
    assert Moments(path).of("one", "finney", 0.0) == ()


def test_the_file_of_moments_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranvier.agent.moments.KEPT", 3)
    path = tmp_path / "moments.jsonl"
    moments = Moments(path)
    for number in range(10):
        moments.add(float(number), "updated", "x", miner_id="one")
    assert [one.at for one in Moments(path).of("one", "", 0.0)] == [7.0, 8.0, 9.0]
    assert path.read_bytes().count(b"\n") == 3


async def test_a_corrected_recipe_brings_back_a_miner_that_was_given_up(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    """A failed miner's repair must not be judged by the failure that it repairs."""
    programs = RecipePrograms(Paths.under(tmp_path / "home"))
    async with House(tmp_path / "home", programs=programs) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await call(add(recipe="mine", recipe_text=recipe('"/no/such/program"')))
        await call(m.InstallMiner("one"))
        with contextlib.suppress(RanvierError):
            await call(m.StartMiner("one"))
        failed = (await house.until(lambda s: s.miners[0].shown is ShownState.FAILED and s.miners[0].diagnosis)).miners[
            0
        ]
        assert "/no/such/program" in failed.diagnosis.sentence and failed.wanted
        text = (await call(m.GetRecipe("one"))).text
        with pytest.raises(RanvierError, match="as it was"):
            await call(m.UpdateMiner("one", recipe_text=text))
        with pytest.raises(RanvierError, match="line 5: program"):
            await call(m.UpdateMiner("one", recipe_text=text.replace("command =", "comand =")))
        assert (await call(m.GetRecipe("one"))).text == text
        better = text.replace('"/no/such/program"', GOOD)
        assert "being tried" in (await call(m.UpdateMiner("one", recipe_text=better))).text
        kept = await house.until(lambda s: "is kept" in s.miners[0].version.note)
        assert (kept.miners[0].version.number, kept.miners[0].shown) == (1, ShownState.HEALTHY)
        # A correction that is none goes back by itself.
        await call(m.UpdateMiner("one", recipe_text=better.replace(GOOD, BAD)))
        back = await house.until(lambda s: "taken back" in s.miners[0].version.note and up(s.miners[0]))
        assert back.miners[0].version.number == 1 and (await call(m.GetRecipe("one"))).text == better
        assert not (house.paths.miner("one") / "edited").exists()
        with pytest.raises(RanvierError, match="none to make anew"):
            await call(m.UpdateMiner("one", fresh=True))
        await house.end()


async def test_an_environment_is_made_anew_beside_the_one_in_use(
    tmp_path: Path, add: Callable[..., m.AddMiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f'"{{python}}", "{PROGRAMS / "fake_axon.py"}", "{{axon_port}}"'
    programs = RecipePrograms(Paths.under(tmp_path / "home"))
    async with House(tmp_path / "home", programs=programs) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await call(add(recipe="mine", recipe_text=recipe(own).replace("none = true", "install_bytes = 1000")))
        await call(m.InstallMiner("one"))
        await call(m.StartMiner("one"))
        first = (await house.until(lambda s: s.miners[0].shown is ShownState.HEALTHY)).miners[0]
        # It cannot be made: the miner goes on with the one that it has.
        with monkeypatch.context() as patch:
            patch.setattr("ranvier.miners.environment._find_uv", lambda: "/bin/false")
            with pytest.raises(RanvierError):
                await call(m.UpdateMiner("one", fresh=True))
        still = (await house.until(lambda s: s.miners[0].shown is ShownState.HEALTHY)).miners[0]
        assert (still.pid, still.version.number) == (first.pid, 0)
        assert "being tried" in (await call(m.UpdateMiner("one", fresh=True))).text
        kept = await house.until(lambda s: "is kept" in s.miners[0].version.note)
        assert (kept.miners[0].version.number, kept.miners[0].version.previous) == (2, 0)
        assert [path.name for path in (house.paths.miner("one") / "versions").iterdir()] == ["2"], "1 was half made"
        assert kept.miners[0].pid != first.pid
        await house.end()
