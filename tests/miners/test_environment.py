"""Environments made by the real uv from wheels that the test makes itself; no network."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from ranvier.core.errors import InstallError
from ranvier.miners import environment
from ranvier.miners.command import environment_python
from ranvier.miners.environment import install, installed
from ranvier.miners.install_errors import explain
from ranvier.miners.recipe.package_index import index_settings
from ranvier.miners.recipe.recipe import Recipe, bundled_recipes, load_recipe

MODEL = b"weights " * 1000


def wheel(folder: Path, name: str, requires: str = "") -> str:
    """A tiny wheel with a module and a data file; returns its sha256."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "NAME = 'here'\n")
        archive.writestr(f"{name}/model.bin", MODEL)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Workshop:
    """A recipe with two locks (the second without its dependencies) and the wheels for it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wheels = folder / "recipe", folder / "wheels"
        self.folder.mkdir()
        self.env, self.cache = folder / "env", folder / "cache"
        self.steps: list[tuple[str, int | None, int | None]] = []
        first, second = wheel(self.wheels, "tinylib"), wheel(self.wheels, "tinymodel", "nowhere-to-be-found")
        (self.folder / "one.lock").write_text(f"tinylib==1.0 --hash=sha256:{first}\n")
        (self.folder / "two.lock").write_text(f"tinymodel==1.0 --hash=sha256:{second}\n")
        self.write()

    def write(self, digest: str = hashlib.sha256(MODEL).hexdigest()) -> None:
        (self.folder / "recipe.toml").write_text(
            f"""
name = "tiny"
title = "Tiny"
[environment]
install_bytes = 20000
[[environment.requirements]]
file = "one.lock"
[[environment.requirements]]
file = "two.lock"
no_deps = true
[[environment.files]]
path = "tinymodel/model.bin"
sha256 = "{digest}"
[program]
command = ["{{python}}"]
"""
        )

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.folder)

    async def install(self, *options: str, into: Path | None = None, fresh: bool = False) -> None:
        options = options or ("--no-index", "--find-links", str(self.wheels))
        env, tell = into or self.env, lambda *step: self.steps.append(step)
        await install(self.recipe, env, self.cache, tell, uv_options=options, fresh=fresh)

    def left_over(self) -> list[str]:
        return [path.name for path in self.env.parent.iterdir() if path.name.startswith("env")]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def test_install_and_again(workshop, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("VIRTUAL_ENV", "/ours/venv")
    assert not installed(workshop.recipe, workshop.env)
    await workshop.install()
    assert installed(workshop.recipe, workshop.env)
    assert workshop.left_over() == ["env"]
    code = "import tinylib, tinymodel, sys; print(tinylib.NAME, sys.prefix)"
    command = [str(environment_python(workshop.env)), "-c", code]
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env={}, check=True)
    assert result.stdout.split() == ["here", str(workshop.env)]  # it was moved into its place and still knows itself
    texts = [step for step, _done, _total in workshop.steps]
    assert texts[0] == "Making a Python environment" and texts[-1] == "The environment is ready"
    assert any(done is not None and total and done <= total for _step, done, total in workshop.steps)
    before = environment_python(workshop.env).lstat().st_ctime
    await workshop.install()
    assert environment_python(workshop.env).lstat().st_ctime == before
    assert workshop.steps[-1][0] == "The environment is there"


async def test_a_changed_lock_is_not_installed(workshop) -> None:
    await workshop.install()
    lock = workshop.folder / "one.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    assert not installed(workshop.recipe, workshop.env)
    await workshop.install()
    assert installed(workshop.recipe, workshop.env)
    (workshop.env / environment.STAMP).write_text("{")
    assert not installed(workshop.recipe, workshop.env)


async def test_a_wrong_hash_leaves_the_old_environment(workshop) -> None:
    await workshop.install()
    (workshop.folder / "one.lock").write_text(f"tinylib==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match="hash differs") as caught:
        await workshop.install()
    assert caught.value.title == "Download not genuine" and "tinylib" in caught.value.message
    assert workshop.left_over() == ["env"]
    assert environment_python(workshop.env).exists()


async def test_a_wrong_data_file_is_refused(workshop) -> None:
    workshop.write("0" * 64)
    with pytest.raises(InstallError, match=r"tinymodel/model\.bin is not the file that the recipe names"):
        await workshop.install()
    assert workshop.left_over() == []


async def test_damaged_downloads_are_fetched_anew(workshop) -> None:
    await workshop.install()
    kept = [path for path in (workshop.cache / "uv").rglob("*") if path.name in ("METADATA", "model.bin")]
    assert kept
    for path in kept:
        path.unlink()
        path.write_bytes(b"damaged")
    shutil.rmtree(workshop.env)
    await workshop.install()
    assert installed(workshop.recipe, workshop.env)
    assert "Fetching damaged downloads anew" in [step for step, _done, _total in workshop.steps]


async def test_what_uv_unpacked_and_never_checks_again_is_replaced_only_when_asked(workshop) -> None:
    """A package that was damaged after it was unpacked counts as installed for uv, for ever."""
    await workshop.install()
    module = next((workshop.env / "lib").glob("python*/site-packages/tinylib/__init__.py"))
    for path in (module, *(path for path in (workshop.cache / "uv").rglob("__init__.py") if path != module)):
        path.unlink()
        path.write_text("NAME = 'damaged'\n")
    again = workshop.env.with_name("again")
    await workshop.install(into=again)
    assert "damaged" in next((again / "lib").glob("python*/site-packages/tinylib/__init__.py")).read_text()
    fresh = workshop.env.with_name("fresh")
    await workshop.install(into=fresh, fresh=True)
    later = workshop.env.with_name("later")
    await workshop.install(into=later)
    for env in (fresh, later):
        assert "here" in next((env / "lib").glob("python*/site-packages/tinylib/__init__.py")).read_text(), env
    assert sorted(path.name for path in workshop.cache.iterdir()) == ["uv"]


async def test_fetching_anew_that_fails_keeps_the_downloads_there_are(workshop) -> None:
    await workshop.install()
    before = len(list((workshop.cache / "uv").rglob("*")))
    (workshop.folder / "one.lock").write_text(f"tinylib==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match="hash differs"):
        await workshop.install(into=workshop.env.with_name("x"), fresh=True)
    assert len(list((workshop.cache / "uv").rglob("*"))) == before
    assert sorted(path.name for path in workshop.cache.iterdir()) == ["uv"]


async def test_an_installer_that_is_killed_is_told_as_that(workshop, monkeypatch, tmp_path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'Using Python 3.11' >&2\nkill -9 $$\n")
    uv.chmod(0o755)
    monkeypatch.setattr(environment, "_find_uv", lambda: str(uv))
    with pytest.raises(InstallError, match="ended by signal 9") as caught:
        await workshop.install()
    assert caught.value.title == "Installation broken off"
    assert workshop.left_over() == []


async def test_a_missing_package(workshop) -> None:
    (workshop.folder / "one.lock").write_text(f"othername==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match="othername") as caught:
        await workshop.install()
    assert caught.value.title == "Package not found"


async def test_no_network(workshop, monkeypatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: nobody answers there
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/simple"
        monkeypatch.setattr(environment, "RETRIES", "0")
        with pytest.raises(InstallError, match=r"http://127\.0\.0\.1:\d+ cannot be reached") as caught:
            await workshop.install("--default-index", address)
    assert caught.value.title == "No network"


async def test_a_download_that_breaks_off(workshop, monkeypatch) -> None:
    """The index promises a wheel of a million bytes and hangs up in the middle."""
    monkeypatch.setattr(environment, "RETRIES", "0")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    digest = "1" * 64
    (workshop.folder / "one.lock").write_text(f"tinylib==1.0 --hash=sha256:{digest}\n")
    name = "tinylib-1.0-py3-none-any.whl"
    page = f'<a href="/{name}#sha256={digest}" data-dist-info-metadata="true">{name}</a>'
    metadata = "Metadata-Version: 2.1\nName: tinylib\nVersion: 1.0\n"

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked = connection.recv(65536).split(b" ")[1]
                body = metadata if asked.endswith(b".metadata") else page
                length = 1_000_000 if asked.endswith(b".whl") else len(body)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n"
                connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with pytest.raises(InstallError) as caught:
            await workshop.install("--default-index", f"http://127.0.0.1:{port}/simple")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        await asyncio.to_thread(thread.join)
    assert caught.value.title == "Download broken off", caught.value.message
    assert "tinylib" in caught.value.message
    assert workshop.left_over() == []


async def test_cancelling_ends_uv_and_cleans_up(workshop) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # accepts and never answers
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/simple"
        task = asyncio.ensure_future(workshop.install("--default-index", address))
        while not any(step.startswith("Installing") for step, _done, _total in workshop.steps):
            assert not task.done()
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # uv is asking by now
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 20, "uv would wait for half a minute"
    finally:
        listener.close()
    assert workshop.left_over() == []


async def test_no_space_is_told_before_anything_is_fetched(workshop, monkeypatch) -> None:
    usage = environment.shutil.disk_usage(workshop.folder)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(InstallError, match="not enough space") as caught:
        await workshop.install()
    assert caught.value.title == "Disk full"


async def test_no_uv(workshop, monkeypatch) -> None:
    import uv

    def none() -> str:
        raise FileNotFoundError("uv")

    monkeypatch.setattr(uv, "find_uv_bin", none)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InstallError, match="pip install uv"):
        await workshop.install()


async def test_a_python_that_is_not_there(workshop, monkeypatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    text = (workshop.folder / "recipe.toml").read_text()
    (workshop.folder / "recipe.toml").write_text(text.replace("[environment]", '[environment]\npython = "3.99"'))
    with pytest.raises(InstallError, match=r"3\.99") as caught:
        await workshop.install()
    assert caught.value.title == "No Python"


def test_what_uv_says_becomes_a_sentence(tmp_path) -> None:
    full = "error: Failed to write to the client cache\n  cause: No space left on device (os error 28)"
    assert explain(full, 5_000_000, tmp_path).title == "Disk full"
    assert "5 MB" in explain(full, 5_000_000, tmp_path).message
    login = "error: Failed to fetch: https://me:secret@index.example/simple/x/\n  cause: dns error"
    assert explain(login, None, tmp_path).message == "https://index.example cannot be reached."
    certificate = "error: Failed to fetch: https://index.example/\n  cause: invalid peer certificate: UnknownIssuer"
    assert explain(certificate, None, tmp_path).title == "No safe connection"
    assert explain("error: something new\n  cause: deep down", None, tmp_path).message == "deep down."
    assert explain("", None, tmp_path).message == "uv said nothing."


def test_pip_s_index_is_uv_s(tmp_path, away_from_home, monkeypatch) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://mirror.example/simple\nfind-links = /a\n  /b\n")
    environ = {"PIP_CONFIG_FILE": str(conf), "PIP_EXTRA_INDEX_URL": "https://extra.example/simple"}
    settings = index_settings(environ)
    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert settings["UV_INDEX"] == "https://extra.example/simple"
    assert settings["UV_FIND_LINKS"] == "/a,/b"
    assert index_settings({**environ, "PIP_INDEX_URL": "https://x/simple"})["UV_DEFAULT_INDEX"] == "https://x/simple"
    assert index_settings({**environ, "UV_DEFAULT_INDEX": "https://u"})["UV_DEFAULT_INDEX"] == "https://u"
    assert "UV_DEFAULT_INDEX" not in index_settings({"PIP_CONFIG_FILE": "/dev/null"})


@pytest.mark.slow
@pytest.mark.limit_s(600)
async def test_the_real_recipe_installs(tmp_path) -> None:
    recipe = load_recipe(bundled_recipes()["sandbox-llm"])
    env = tmp_path / "env"
    await install(recipe, env, tmp_path / "cache", lambda *_step: None)
    code = "import xllamacpp, aiohttp, base58; print('whole')"
    command = [str(environment_python(env)), "-c", code]
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert result.stdout == "whole\n", result.stderr
    assert sys.version_info >= (3, 11)
