"""The bundle for a helper: what is in it, and that no secret is."""

from __future__ import annotations

import json
import zipfile
from urllib.parse import quote

import pytest

from ranvier.miners.bundle import clean_text, prepare, write
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.log_format import OUT
from ranvier.miners.spec import ProgramSpec, write_spec

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
SECRETS = [
    PHRASE,
    "0x" + "ab" * 32,
    "hf_" + "A" * 30,
    "ghp_" + "b" * 36,
    "203.0.113.77",
    "2001:db8:85a3:0:0:8a2e:370:7334",
    "hunter2hunter2",
    "user:pass",
    "c0ffee" * 6 + "beef",
]
LOG = f"""\
INFO listening on 127.0.0.1:8091, announced 203.0.113.77:8091 and [2001:db8:85a3:0:0:8a2e:370:7334]:1
DEBUG phrase {PHRASE}
DEBUG seed 0x{"ab" * 32}
INFO using token hf_{"A" * 30} and ghp_{"b" * 36}
INFO WALLET_PASSWORD='hunter2hunter2' --wandb.key {"c0ffee" * 6}beef
INFO fetching https://user:pass@example.org/model
INFO 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY answered 12 tokens at 10:20:30, version 1.2.3
"""


def test_no_secret_is_in_the_bundle(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "miner"
    LogWriter(str(folder / "logs"), 1 << 20, 1 << 22).write(OUT, LOG.encode())
    write_spec(folder, ProgramSpec(argv=("python", "miner.py"), cwd=str(folder), env={"HF_TOKEN": "hunter2hunter2"}))
    bundle = prepare(folder, more={"agent.txt": "the agent says hunter2: no\n"})
    assert {name for name, _text in bundle.files} == {"versions.txt", "program.txt", "log.txt", "agent.txt"}
    path = tmp_path / "out" / "bundle.zip"
    write(bundle, path)
    with zipfile.ZipFile(path) as archive:
        everything = "\n".join(archive.read(name).decode() for name in archive.namelist())
        assert {name: archive.read(name).decode() for name in archive.namelist()} == dict(bundle.files)
    for secret in SECRETS:
        assert secret not in everything
    for kept in ("127.0.0.1:8091", "5Grwva", "12 tokens at 10:20:30, version 1.2.3", "HF_TOKEN", "miner.py"):
        assert kept in everything
    kinds = {cut.kind: cut.count for cut in bundle.cuts if cut.file == "log.txt"}
    assert kinds["network addresses"] == 2 and kinds["seeds and phrases"] == 2
    assert kinds["passwords and tokens"] == 4 and kinds["logins in addresses"] == 1
    assert not [cut for cut in bundle.cuts if not cut.sample or any(secret in cut.sample for secret in SECRETS)]
    assert path.stat().st_mode & 0o077 == 0


def test_the_example_shows_the_place_that_was_cut() -> None:
    """A status file is one long line; its beginning says nothing."""
    _text, found = clean_text('{"state":"running",' + '"a":1,' * 40 + '"token":"abcdefgh12345678","z":2}')
    ((_count, sample),) = found.values()
    assert "[" in sample and "token" in sample and len(sample) < 80, sample


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("Authorization: Basic dXNlcjpodW50ZXIyaHVudGVy", "dXNlcjpodW50ZXIyaHVudGVy"),
        ('config {\\"token\\": \\"s3cr3t-of-mine\\"}', "s3cr3t-of-mine"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENG", "wJalrXUtnFEMIK7MDENG"),
        ('WANDB_KEY = "not like a token"', "not like a token"),
        ("password: 'my own long words'", "own long words"),
        ("['miner.py', '--api-key', 'abcd-efgh']", "abcd-efgh"),
        ("GET /v1?x=1&key=AbCdEfGh12 200", "AbCdEfGh12"),
        ("peer 2001:db8::1 left", "2001:db8::1"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
            "b3BlbnNzaC1r",
        ),
        ("\n".join(PHRASE.split()), "smoke"),
        ("\n".join(f"{n}. {word}" for n, word in enumerate(PHRASE.split(), 1)), "smoke"),
    ],
)
def test_secrets_in_every_dress(tmp_path, line: str, secret: str) -> None:
    LogWriter(str(tmp_path / "logs"), 1 << 20, 1 << 22).write(OUT, f"[begin]\n{line}\n[end]\n".encode())
    bundle = prepare(tmp_path)
    log = dict(bundle.files)["log.txt"]
    assert secret not in log and [cut for cut in bundle.cuts if cut.file == "log.txt"]
    assert log.count("\n") == line.count("\n") + 3, "every line keeps its place"
    assert "out    [begin]\n" in log and "out    [end]\n" in log


def test_a_miners_own_secrets_are_cut_out_whatever_they_look_like(tmp_path) -> None:
    odd, short, long = 'qu"ote/and blank', "x1", "first line of it\nsecond line of it"
    said = f"{odd}, {json.dumps(odd)}, {quote(odd, safe='')}, x1 or x12\n{long}\nonly the second line of it\n"
    LogWriter(str(tmp_path / "logs"), 1 << 20, 1 << 22).write(OUT, said.encode())
    files = dict(prepare(tmp_path, secrets=[odd, short, long], more={"incident.txt": f"ended: {odd}"}).files)
    for text in (odd, json.dumps(odd)[1:-1], quote(odd, safe=""), "x1 or", "first line", "second line"):
        assert not [name for name, found in files.items() if text in found], text
    assert "or x12" in files["log.txt"] and "[own secret]" in files["incident.txt"]


def test_ordinary_text_is_left_alone() -> None:
    text = "INFO 30 tokens per second, token count 55, loss 0.25\nat 12:30:01.5 block 5 123 456\nversion 10.2.3.4rc\n"
    text += "max_tokens=4096, tokens: 12345, std::vector, card aa:bb:cc:dd:ee:ff, PUBLIC_KEY=5Grwva, at ::1\n"
    text += "loading model weights\nstarting server now\nwaiting for queries\nserving them all well\n"
    clean, cuts = clean_text(text.replace("10.2.3.4rc", "10.2"))
    assert clean == text.replace("10.2.3.4rc", "10.2") and not cuts


def test_a_miner_that_never_ran(tmp_path) -> None:
    assert [name for name, _text in prepare(tmp_path).files] == ["versions.txt"]
