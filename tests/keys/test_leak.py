"""No secret is anywhere but in its key file: not in logs, settings, records, crash reports, argv or environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ranvier.keys import mnemonic
from ranvier.keys.signing import ED25519, LocalSigner

CHILD = Path(__file__).with_name("leak_child.py")
PASSWORD = "Zebra-läntern 47 orbit"


def secrets_of(words: str) -> list[bytes]:
    """Everything that gives the key away: the words, any four of them in a row, seed and private key, hex or raw."""
    listed = words.split()
    seed = mnemonic.mini_secret(words)
    private = LocalSigner.from_seed(seed).private_key()
    texts = [words, *(" ".join(listed[n : n + 4]) for n in range(len(listed) - 3)), seed.hex(), private.hex()]
    texts += [private[:32].hex(), LocalSigner.from_seed(seed, ED25519).private_key().hex(), "', '".join(listed[:4])]
    return [text.encode() for text in texts] + [seed, private, private[:32]]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_leaks_even_in_a_crash(tmp_path: Path, python: str) -> None:
    words, hot_words = mnemonic.generate(12), mnemonic.generate(24)
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[2] / "app")}
    (tmp_path / "cwd").mkdir()
    command = [python, str(CHILD), str(tmp_path / "home")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        cwd=tmp_path / "cwd", text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        given = {"words": words, "hot_words": hot_words, "password": PASSWORD}
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        first = process.stdout.readline()
        assert first == "ready\n", process.stderr.read()
        seen = {"argv and environment": in_proc(process.pid)}
        limits = psutil.Process(process.pid).rlimit(psutil.RLIMIT_CORE)
        process.stdin.write("\n")
        process.stdin.flush()
        seen["output"] = (process.stdout.read() + process.stderr.read()).encode()
    assert process.returncode == -signal.SIGABRT and limits == (0, 0)
    assert list((tmp_path / "cwd").iterdir()) == [], "a core dump holds the keys"
    hotkey = tmp_path / "home" / "wallets" / "w" / "hotkeys" / "hot"
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != hotkey:
            seen[str(path)] = path.read_bytes()
    assert b"crashing with 4 things" in seen[str(tmp_path / "home" / "logs" / "leak.log")], "nothing was logged at all"
    assert b"Abort" in seen[str(tmp_path / "home" / "logs" / "crash.txt")]
    assert mnemonic.check(hot_words).encode() in hotkey.read_bytes(), "the place where it belongs, to prove the search"
    searched = [*secrets_of(words), *secrets_of(hot_words), PASSWORD.encode(), PASSWORD.encode("latin-1")]
    found = {place for place, data in seen.items() for secret in searched if secret in data}
    assert found == set()


def in_proc(pid: int) -> bytes:
    """Argv and environment; a process that forbids core dumps may forbid its user to look, which is as good."""
    read = b""
    for name in ("cmdline", "environ"):
        try:
            read += Path(f"/proc/{pid}/{name}").read_bytes()
        except PermissionError:
            continue
    return read
