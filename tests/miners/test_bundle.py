"""The bundle for a helper: what is in it, and that no secret is."""

from __future__ import annotations

import zipfile

from ranvier.miners.bundle import clean_text, prepare, write
from ranvier.miners.keeper_log import LogWriter
from ranvier.miners.log_format import OUT
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


def test_ordinary_text_is_left_alone() -> None:
    text = "INFO 30 tokens per second, token count 55, loss 0.25\nat 12:30:01.5 block 5 123 456\nversion 10.2.3.4rc\n"
    clean, cuts = clean_text(text.replace("10.2.3.4rc", "10.2"))
    assert clean == text.replace("10.2.3.4rc", "10.2") and not cuts


def test_a_miner_that_never_ran(tmp_path) -> None:
    assert [name for name, _text in prepare(tmp_path).files] == ["versions.txt"]
