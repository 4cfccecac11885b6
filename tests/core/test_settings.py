"""Settings: declared once, kept in one TOML file, never lost by a bad value."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ranvier.core import settings as declared
from ranvier.core.errors import StorageError
from ranvier.core.settings import CLOSE_TO_TRAY, DECLARED, HARDWARE_INTERVAL_S, NETWORK, THEME, Setting, Settings


def test_a_missing_file_means_defaults_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    values = Settings(path)
    assert [values.get(setting) for setting in DECLARED] == [setting.default for setting in DECLARED]
    assert not path.exists()


def test_every_setting_is_listed_once_and_explained() -> None:
    all_of_them = [value for value in vars(declared).values() if isinstance(value, Setting)]
    assert sorted(s.key for s in all_of_them) == sorted(s.key for s in DECLARED)
    assert len({s.key for s in DECLARED}) == len(DECLARED)
    assert all(s.label and s.help.endswith(".") for s in DECLARED)
    assert all(not s.choices or s.default in s.choices for s in DECLARED)


def test_a_value_is_on_disk_before_listeners_hear_of_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    values = Settings(path)
    heard: list[tuple[str, object]] = []
    end = values.on_change(lambda key: heard.append((key, tomllib.loads(path.read_text("utf-8"))[key])))
    values.set(NETWORK, "sandbox")
    values.set(CLOSE_TO_TRAY, False)
    end()
    values.set(NETWORK, "test")
    assert heard == [("network", "sandbox"), ("close_to_tray", False)]
    again = Settings(path)
    assert (again.get(NETWORK), again.get(CLOSE_TO_TRAY)) == ("test", False)


def test_keys_of_a_newer_version_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('from_the_future = 7\n[table]\nx = "y"\n', "utf-8")
    Settings(path).set(NETWORK, "sandbox")
    assert tomllib.loads(path.read_text("utf-8")) == {"from_the_future": 7, "table": {"x": "y"}, "network": "sandbox"}


@pytest.mark.parametrize(
    "text", ['theme = "pink"', "theme = 3", 'hardware_interval_s = "2"', "hardware_interval_s = true"]
)
def test_a_value_of_the_wrong_kind_falls_back_to_the_default(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    values = Settings(path)
    assert values.get(THEME) == "system"
    assert values.get(HARDWARE_INTERVAL_S) == 1


def test_a_wrong_value_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    values = Settings(tmp_path / "settings.toml")
    with pytest.raises(ValueError, match="system, light, dark"):
        values.set(THEME, "pink")
    with pytest.raises(TypeError):
        values.set(HARDWARE_INTERVAL_S, True)
    with pytest.raises(TypeError):
        values.set(NETWORK, 5)  # type: ignore[type-var]
    assert not (tmp_path / "settings.toml").exists()


@pytest.mark.parametrize("content", [b"network = ", b"\xff\xfe", b"network = 1\nnetwork = 2\n"])
def test_an_unreadable_file_is_reported_and_never_overwritten(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="Settings unreadable"):
        Settings(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["deep", "digits", "huge", "pipe", "folder", "itself"])
def test_a_file_that_is_none_is_a_sentence_and_is_waited_for_by_nobody(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    if kind in ("deep", "digits"):
        path.write_text("x = " + ("[" * 100_000 if kind == "deep" else "1" * 10_000))
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)  # a hole: it takes no room
    elif kind == "folder":
        path.mkdir()
    elif os.name != "posix":
        pytest.skip("pipes and links as on POSIX")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    with pytest.raises(StorageError, match=r"settings\.toml"):
        Settings(path)


def test_a_value_that_could_not_be_stored_is_not_the_value(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    values = Settings(tmp_path / "settings.toml")
    values.path = tmp_path / "file" / "settings.toml"
    heard: list[str] = []
    values.on_change(heard.append)
    with pytest.raises(StorageError):
        values.set(NETWORK, "sandbox")
    assert values.get(NETWORK) == ""
    assert not heard


@given(st.text(max_size=40), st.integers(min_value=-(2**62), max_value=2**62), st.booleans())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_any_value_of_the_right_type_survives_a_restart(tmp_path: Path, text: str, number: int, yes: bool) -> None:
    path = tmp_path / "settings.toml"
    values = Settings(path)
    values.set(NETWORK, text)
    values.set(HARDWARE_INTERVAL_S, number)
    values.set(CLOSE_TO_TRAY, yes)
    again = Settings(path)
    assert (again.get(NETWORK), again.get(HARDWARE_INTERVAL_S), again.get(CLOSE_TO_TRAY)) == (text, number, yes)
