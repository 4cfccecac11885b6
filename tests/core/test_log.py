"""Logs: rotated, readable, and without anything that has a secret's shape."""

from __future__ import annotations

import logging
import logging.handlers
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.core.log import redact, start_logging

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
HEX = st.text(alphabet="0123456789abcdefABCDEF", min_size=64, max_size=64)


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"phrase={PHRASE}",
        f"'{PHRASE}'",
        PHRASE.replace(" ", ", "),
        PHRASE.replace(" ", "\n"),
        PHRASE.replace(" ", '", "'),
        PHRASE.replace(" ", "',\n    '"),
        PHRASE.title(),
        PHRASE.upper(),
        f"{PHRASE} {PHRASE}",
    ],
)
def test_a_recovery_phrase_does_not_pass(text: str) -> None:
    shown = redact(f"before: {text}. After")
    assert not [word for word in PHRASE.split() if word in shown.lower()]


@given(HEX, st.sampled_from(["", "0x", "0X"]), st.sampled_from(["", "{}{}"]))
def test_a_seed_or_private_key_does_not_pass(digits: str, prefix: str, twice: str) -> None:
    secret = prefix + (twice.format(digits, digits) if twice else digits)
    for text in (secret, f"seed={secret}", f"'{secret}',", f"b'{secret}'", f"seed_{secret}"):
        assert digits not in redact(text)


def test_what_is_no_secret_stays_readable() -> None:
    for text in (
        "miner m1 started: pid 4242, port 8091, ss58 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "could not reach the network at ws://127.0.0.1:9944 after three tries; next try in four seconds",
        "the agent has been asked to stop because the window said so, and it will do so now, within a second or two",
        "block 0x1234abcd…, spec 343",
    ):
        assert redact(text) == text


def test_lines_tracebacks_and_arguments_are_redacted_in_the_file(tmp_path: Path, root_logger: logging.Logger) -> None:
    path = start_logging(tmp_path / "logs", "agent")
    logging.getLogger("ranvier.test").info("phrase %s", PHRASE)
    try:
        raise ValueError(PHRASE)
    except ValueError:
        logging.getLogger("ranvier.test").exception("it broke")
    logging.getLogger("aiohttp.access").info("chatter")
    for handler in root_logger.handlers:
        handler.flush()
    text = path.read_text("utf-8")
    assert "lonely" not in text
    assert text.count("[redacted]") >= 2
    assert "Traceback" in text
    assert "chatter" not in text


def test_starting_twice_does_not_write_lines_twice(tmp_path: Path, root_logger: logging.Logger) -> None:
    first = start_logging(tmp_path, "one")
    again = start_logging(tmp_path, "one")
    logging.getLogger("ranvier.test").warning("only once")
    assert first == again
    assert first.read_text("utf-8").count("only once") == 1


def test_the_file_is_rotated_and_private(tmp_path: Path, root_logger: logging.Logger) -> None:
    path = start_logging(tmp_path / "logs", "agent")
    (handler,) = root_logger.handlers
    assert isinstance(handler, logging.handlers.RotatingFileHandler)
    handler.maxBytes = 2000
    for number in range(200):
        logging.getLogger("ranvier.test").info("line %d of many", number)
    assert sorted(p.name for p in path.parent.iterdir()) == ["agent.log", "agent.log.1", "agent.log.2", "agent.log.3"]
    assert path.read_text("utf-8").rstrip().endswith("line 199 of many")
    if os.name == "posix":
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_log_that_cannot_be_written_is_said_once_and_ends_nothing(
    kind: str, tmp_path: Path, root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "pipe" and os.name != "posix":
        pytest.skip("pipes as on POSIX")
    (tmp_path / "agent.log").mkdir() if kind == "folder" else os.mkfifo(tmp_path / "agent.log")
    start_logging(tmp_path, "agent")
    root_logger.warning("one")
    root_logger.warning("two")
    said = capsys.readouterr().err
    assert said.startswith(f"The log {tmp_path / 'agent.log'} cannot be written: ") and said.count("\n") == 1
