"""``ranvier keys``: what scripts see, and that secrets come and go by descriptors and terminals only."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.vectors import ABANDON, DEV
from ranvier.core.console import prepare_streams
from ranvier.core.errors import RanvierError
from ranvier.core.paths import Paths
from ranvier.keys import cli, encryption, memory, offline, wallets
from ranvier.keys.cli_io import at_prompt
from ranvier.keys.encryption import Cost
from ranvier.keys.signing import LocalSigner, verify

CHEAP = Cost(passes=3, memory_bytes=8192)
PASSWORD = "zebra-lantern-47-orbit"
COLD, HOT = LocalSigner.from_mnemonic(DEV), LocalSigner.from_mnemonic(ABANDON)
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("sign", "w", fd={"--password-fd": "..."})`` -> exit status and the JSON; a raised error is its text."""
    real = encryption.derive

    async def cheap(password: str, _cost: Cost = CHEAP) -> bytes:
        return await real(password, CHEAP)

    monkeypatch.setattr(encryption, "derive", cheap)
    monkeypatch.setattr(memory, "forbid_core_dumps", lambda: True)  # it would hold for the whole test process
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def action(*arguments: str, fd: dict[str, str] | None = None, as_json: bool = True) -> tuple[int, Any]:
        whole = [*arguments, *(["--json"] if as_json else [])]
        opened = []
        for option, secret in (fd or {}).items():
            reading, writing = os.pipe()
            os.write(writing, secret.encode())
            os.close(writing)
            opened.append(reading)
            whole += [option, str(reading)]
        prepare_streams()  # as every process of ours
        try:
            status = cli.main(whole, Paths.under(tmp_path))
        finally:
            for descriptor in opened:
                os.close(descriptor)
        out = capsys.readouterr().out
        return status, json.loads(out) if as_json else out

    return action


def imported(run: Run, *more: str) -> Any:
    fd = {"--password-fd": PASSWORD + "\n", "--mnemonic-fd": DEV + "\n"}
    return run("import", "w", *more, fd=fd)


def test_create_list_show_sign_verify(run: Run, tmp_path: Path) -> None:
    status, made = run("create", "w", "--words", "24", fd={"--password-fd": PASSWORD})
    assert status == 0 and made["coldkey"] == "encrypted" and [h["name"] for h in made["hotkeys"]] == ["default"]
    status, listed = run("list")
    assert listed["folders"][0]["path"] == str(tmp_path / "wallets") and listed["folders"][0]["wallets"] == [made]
    assert run("show", "w") == (0, made)
    status, signed = run("sign", "w", "--message", "0x1234", fd={"--password-fd": PASSWORD})
    assert signed["signer_address"] == made["coldkey_ss58"]
    assert verify(made["coldkey_ss58"], b"0x1234", bytes.fromhex(signed["signed_message"]))
    for message, good in (("0x1234", True), ("0x12345", False)):
        status, verdict = run("verify", signed["signer_address"], signed["signed_message"], "--message", message)
        assert verdict["valid"] is good and status == (0 if good else 1)
    status, signed = run("sign", "w", "--hotkey", "default", "--wrap", "--message", "m")
    status, verdict = run("verify", signed["signer_address"], "0x" + signed["signed_message"], "--message", "m")
    assert verdict == {"valid": True, "scheme": "sr25519", "wrapped": True}
    status, text = run("list", as_json=False)
    assert made["coldkey_ss58"] in text and "encrypted" in text


def test_import_in_every_way(run: Run, tmp_path: Path) -> None:
    assert imported(run)[1]["coldkey_ss58"] == COLD.ss58
    _status, hotkey = run("import", "w", "--hotkey", "h", fd={"--mnemonic-fd": "0x" + HOT.private_key().hex()})
    assert hotkey["hotkeys"][0]["ss58"] == HOT.ss58 and hotkey["hotkeys"][0]["form"] == "plain"
    fd = {"--mnemonic-fd": ABANDON, "--password-fd": PASSWORD}
    _status, hotkey = run("import", "w", "--hotkey", "ed", "--scheme", "ed25519", "--encrypt-hotkey", fd=fd)
    assert (hotkey["hotkeys"][0]["form"], hotkey["hotkeys"][0]["scheme"]) == ("encrypted", "ed25519")
    _status, watched = run("import", "x", "--address", COLD.ss58)
    assert watched["watch_only"] and watched["coldkey"] == "none"
    file = str(tmp_path / "wallets" / "w" / "coldkey")
    fd = {"--file-password-fd": PASSWORD, "--password-fd": "another-lantern-48"}
    assert run("import", "y", "--file", file, fd=fd)[1]["coldkey_ss58"] == COLD.ss58


def test_what_is_refused_changes_nothing(run: Run, tmp_path: Path) -> None:
    imported(run)
    before = {p: p.read_bytes() for p in (tmp_path / "wallets").rglob("*") if p.is_file()}
    both = {"--password-fd": PASSWORD, "--mnemonic-fd": ABANDON}
    for arguments, fd in (
        (("import", "w"), both),
        (("import", "w", "--replace"), both),
        (("import", "w", "--replace", "--confirm", "x"), both),
        (("import", "z", "--expect", COLD.ss58), both),
        (("import", "z"), {**both, "--password-fd": "short"}),
        (("import", "z"), {**both, "--mnemonic-fd": "abandon " * 12}),
        (("import", "z"), {"--mnemonic-fd": DEV}),
        (("create", "../z"), {"--password-fd": PASSWORD}),
        (("create", "z", "--hotkey", "a/b"), {"--password-fd": PASSWORD}),
        (("show", "nobody"), {}),
        (("show", "../w"), {}),
        (("show", "w", "--reveal"), {"--password-fd": PASSWORD}),
        (("sign", "w", "--message", "m"), {"--password-fd": "wrong"}),
        (("sign", "w"), {"--password-fd": PASSWORD}),
    ):
        status, answer = run(*arguments, fd=fd)
        assert status == 1 and answer["error"]["message"], arguments
        for secret in (*fd.values(), DEV):
            assert secret not in json.dumps(answer)
    assert {p: p.read_bytes() for p in (tmp_path / "wallets").rglob("*") if p.is_file()} == before
    status, replaced = run("import", "w", "--replace", "--confirm", "w", fd=both)
    assert status == 0 and replaced["coldkey_ss58"] == HOT.ss58
    assert len(list((tmp_path / "wallets" / "w").rglob("replaced-keys/*/coldkey"))) == 1


def test_export_check_and_drill(run: Run, tmp_path: Path) -> None:
    imported(run)
    run("import", "w", "--hotkey", "h", fd={"--mnemonic-fd": ABANDON})
    assert run("export-public", "w", str(tmp_path / "out"))[1]["files"] == ["coldkeypub.txt", "hotkeys/hpub.txt"]
    status, exported = run("export-public", "w", str(tmp_path / "miner"), "--for-miner", "h")
    assert exported["files"] == ["coldkeypub.txt", "hotkeys/h", "hotkeys/hpub.txt"]
    status, found = run("check")
    assert status == 0 and [f["rule"] for f in found["findings"]] == ["never-verified"]
    status, answer = run("drill", "w", fd={"--mnemonic-fd": ABANDON})
    assert status == 1 and HOT.ss58 in answer["error"]["message"]
    assert run("drill", "w", fd={"--mnemonic-fd": DEV})[0] == 0
    assert run("check")[1]["findings"] == []
    (tmp_path / "wallets" / "w" / "seed.txt").write_text(DEV)
    status, found = run("check")
    assert status == 1 and found["findings"][0]["fix"] == "move_away"


def test_payload_is_signed_elsewhere(run: Run, tmp_path: Path) -> None:
    imported(run)
    away = offline.ExportedSigner(COLD.ss58, 1, genesis_hash="0x00", words=["Send 1 TAO"])
    offline.write(tmp_path / "p.json", away.payload(b"bytes"))
    arguments = ("sign", "w", "--payload", str(tmp_path / "p.json"), "--out", str(tmp_path / "s.json"))
    status, refused = run(*arguments, fd={"--password-fd": PASSWORD})
    assert status == 1 and "--yes" in refused["error"]["hint"]
    assert run(*arguments, "--yes", fd={"--password-fd": PASSWORD})[0] == 0
    away.bring(b"bytes", offline.load_signature(tmp_path / "s.json"))
    assert verify(COLD.ss58, b"bytes", away.sign(b"bytes"))


def test_usage_errors_and_bad_descriptors(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        [],
        ["nothing"],
        ["create"],
        ["create", "w", "--password-fd", "x"],
        ["create", "w", "--words", "13"],
    ):
        assert cli.main(arguments, Paths.under(tmp_path)) == 2
    assert cli.main(["--help"], Paths.under(tmp_path)) == 0
    capsys.readouterr()
    with pytest.raises(RanvierError, match="not open"):
        cli.main(["create", "w", "--password-fd", "997"], Paths.under(tmp_path))
    assert not any("--password " in line for line in cli._parser().format_help().splitlines())
    assert run("import", "w", fd={"--password-fd": PASSWORD, "--mnemonic-fd": "x" * 60_000})[0] == 1


def test_names_cannot_write_to_the_terminal(run: Run, tmp_path: Path) -> None:
    path = wallets.add_watch_only(tmp_path / "wallets", "w", COLD.ss58).path
    path.rename(path.with_name("w\x1b[2J\u202eevil"))
    _status, text = run("list", as_json=False)
    assert "\x1b" not in text and "\u202e" not in text and COLD.ss58 in text


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text_do_not_end_the_listing(run: Run, tmp_path: Path) -> None:
    path = wallets.add_watch_only(tmp_path / "wallets", "größe", COLD.ss58).path
    os.rename(path, os.fsencode(path.parent) + b"/bad\xff")  # noqa: PTH104  # a name of bytes
    wallets.add_watch_only(tmp_path / "wallets", "größe", COLD.ss58)
    status, listed = run("list")
    assert status == 0 and [w["name"] for w in listed["folders"][0]["wallets"]] == ["bad\udcff", "größe"]
    assert "größe" in run("list", as_json=False)[1]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_words_are_shown_at_a_terminal_only(tmp_path: Path, python: str) -> None:
    """A real terminal: the plain hotkey's words appear there, and not when the output is a pipe."""
    import pty
    import subprocess

    folder = Paths.under(tmp_path).wallets
    wallets.add_watch_only(folder, "w", COLD.ss58)
    wallets.add_hotkey(folder / "w", "h", ABANDON)
    code = (
        "import sys; from pathlib import Path; from ranvier.core.paths import Paths; from ranvier.keys import cli; "
        "sys.exit(cli.main(sys.argv[2:], Paths.under(Path(sys.argv[1]))))"
    )
    command = [python, "-c", code, str(tmp_path), "show", "w", "--hotkey", "h", "--reveal"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "app")}
    piped = subprocess.run(
        command, capture_output=True, env=environment, check=False, stdin=subprocess.DEVNULL, timeout=30
    )
    assert piped.returncode != 0 and b"abandon" not in piped.stdout + piped.stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # the other end was closed
            pass
        assert process.wait(30) == 0
    os.close(ours)
    assert shown.count(b"abandon") == 11 and b"12. about" in shown


def test_an_interrupt_ends_a_prompt_at_once() -> None:
    """Inside ``asyncio.run`` the first Ctrl+C would only be noted, and the prompt would go on waiting."""
    went_on = []

    async def asking() -> None:
        with at_prompt():
            signal.raise_signal(signal.SIGINT)
            went_on.append(True)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(asking())
    assert not went_on and signal.getsignal(signal.SIGINT) is before
