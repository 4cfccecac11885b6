"""The richer parts of a recipe: source, interpreter, secrets, cards, limits, containers, set-up steps, health kinds."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ranvier.core.errors import InstallError, RecipeError
from ranvier.core.paths import resources
from ranvier.miners import health
from ranvier.miners.command import program, values
from ranvier.miners.environment import install, installed
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.log_format import OUT
from ranvier.miners.recipe.recipe import PLACEHOLDERS, HealthSpec, Limits, Recipe, load_recipe
from ranvier.miners.status import MinerState

HEAD = 'name = "x"\ntitle = "X"\n'
RUN = '[program]\ncommand = ["{python}", "m.py"]\n'


def recipe(folder: Path, text: str) -> Recipe:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(HEAD + text)
    return load_recipe(folder)


def known(one: Recipe, folder: Path, **more: object) -> dict[str, str]:
    return values(
        one, env=folder / "env", wallet_path=folder / "wallet", wallet_name="w", hotkey_name="h", netuid=1,
        endpoint="ws://127.0.0.1:1", axon_port=20_123, **more,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[source]\ngit = "https://x/y"\n' + RUN, "line 4: source.git: needs a revision"),
        ('[source]\ngit = "https://x/y"\nrevision = "--upload-pack=evil"\n' + RUN, "not a name of a revision"),
        ('[source]\ngit = "ext::sh -c evil"\nrevision = "v1"\n' + RUN, "must begin with https"),
        ('[source]\nfolder = "here"\n' + RUN, "must be a whole path"),
        ('[environment]\ninterpreter = "python"\n' + RUN, "must be a whole path"),
        ('[environment]\ninterpreter = "/usr/bin/python3"\npackages = ["x"]\n' + RUN, "nothing is installed into"),
        (RUN + '[health]\nurl = "http://x"\ntcp = "a:1"\n', "exactly one of"),
        (RUN + "[health]\ngrace_s = 3\n", "exactly one of"),
        (RUN + '[health]\nlog = "("\n', "line 6: health.log: “(” cannot be searched for"),
        (RUN + '[health]\ntcp = "localhost"\n', "must look like"),
        (RUN + "[limits]\nnice = -5\n", "between 0 and 19"),
        (RUN + "[limits]\ncpu_weight = 0\n", "between 1 and 10000"),
        (RUN + "[limits]\nmemory_bytes = 5\n", "lets nothing run"),
        (RUN + '[program.secrets]\n"HF-TOKEN" = "x"\n', "not a name for an environment variable"),
        (RUN + '[container]\nimage = "a"\nvolumes = ["{home}:/h"]\n', "unknown placeholder {home}"),
        ("[program]\ncommand = []\n", "must not be empty"),
    ],
)
def test_mistakes_are_named(tmp_path, text, said) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, text)
    assert said in caught.value.message


def test_the_recipe_of_the_readme_is_valid(tmp_path) -> None:
    text = (resources() / "recipes" / "README.md").read_text("utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "recipe.toml").write_text(example)
    one = load_recipe(tmp_path)
    assert one.source.revision == "v1.4" and one.limits.nice == 5 and one.health is not None
    named = text.partition("Placeholders: ")[2].partition("The wallet")[0]
    assert set(re.findall(r"\{(\w+)\}", named)) == set(PLACEHOLDERS)


def test_secrets_come_by_name(tmp_path) -> None:
    one = recipe(tmp_path, RUN + '[program.secrets]\nHF_TOKEN = "hugging face"\n')
    spec = program(one, known(one, tmp_path), folder=tmp_path, secret={"hugging face": "s3cret"}.get)
    assert spec.secrets == {"HF_TOKEN": "s3cret"} and "HF_TOKEN" not in spec.env
    assert "s3cret" not in " ".join(spec.argv) and "s3cret" not in repr(spec)
    over = program(one, known(one, tmp_path), folder=tmp_path, secret=lambda _name: "x", variables={"HF_TOKEN": "own"})
    assert (over.env["HF_TOKEN"], dict(over.secrets)) == ("own", {})
    for lacking in (None, lambda _name: None):
        with pytest.raises(RecipeError, match="hugging face"):
            program(one, known(one, tmp_path), folder=tmp_path, secret=lacking)


def test_only_the_given_cards_are_seen(tmp_path) -> None:
    one = recipe(tmp_path, RUN)
    spec = program(one, known(one, tmp_path, gpus=("GPU-1", "GPU-2")), folder=tmp_path, gpus=("GPU-1", "GPU-2"))
    assert spec.env["CUDA_VISIBLE_DEVICES"] == spec.env["NVIDIA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"
    none = program(one, known(one, tmp_path), folder=tmp_path, gpus=())
    assert none.env["CUDA_VISIBLE_DEVICES"] == "" and none.env["NVIDIA_VISIBLE_DEVICES"] == "none"
    assert "CUDA_VISIBLE_DEVICES" not in program(one, known(one, tmp_path), folder=tmp_path).env


def test_limits_and_ports_reach_the_keeper(tmp_path) -> None:
    one = recipe(tmp_path, RUN + "[ports]\naxon = 8091\n[limits]\nnice = 5\nmemory_bytes = 100000000\n")
    spec = program(one, known(one, tmp_path), folder=tmp_path)
    assert (spec.nice, spec.memory_bytes, spec.cpu_weight, spec.ports) == (5, 100_000_000, None, (20_123,))
    own = program(one, known(one, tmp_path), folder=tmp_path, limits=Limits(cpu_weight=50))
    assert (own.nice, own.cpu_weight) == (None, 50)


# -- code, interpreters, set-up ------------------------------------------------------------------------------------


def git_project(folder: Path) -> str:
    """A repository with two commits; returns the first one's name, at which it says "one"."""
    folder.mkdir()
    run = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    subprocess.run([*run, "init", "-q"], check=True)
    names = []
    for word in ("one", "two"):
        (folder / "m.py").write_text(f"print('{word}')\n")
        subprocess.run([*run, "add", "."], check=True)
        subprocess.run([*run, "commit", "-q", "-m", word], check=True)
        names.append(
            subprocess.run([*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        )
    return names[0]


async def test_code_from_git_at_one_revision_with_set_up(tmp_path) -> None:
    commit = git_project(tmp_path / "project")
    text = (
        f'[source]\ngit = "file://{tmp_path}/project"\nrevision = "{commit}"\n'
        f'[environment]\ninterpreter = "{sys.executable}"\n'
        '[program]\ncommand = ["{python}", "{source}/m.py"]\n'
        '[[setup]]\ntitle = "build"\ncommand = ["{python}", "-c", "open(\'built\', \'w\').write(\'yes\')"]\n'
    )
    one = recipe(tmp_path / "recipe", text)
    env, steps = tmp_path / "m" / "env", []
    await install(one, env, tmp_path / "cache", lambda step, _done, _total: steps.append(step))
    assert installed(one, env) and steps == ["Fetching the code", "Setting up", "The environment is ready"]
    source = tmp_path / "m" / "source"
    assert (source / "m.py").read_text() == "print('one')\n" and (source / "built").read_text() == "yes"
    spec = program(one, known(one, tmp_path / "m"), folder=tmp_path)
    assert spec.argv == (sys.executable, f"{source}/m.py")
    other = recipe(tmp_path / "recipe", text.replace(commit, "no-such-tag"))
    assert not installed(other, env)
    with pytest.raises(InstallError, match="no-such-tag"):
        await install(other, env, tmp_path / "cache", lambda *_: None)
    assert (source / "m.py").read_text() == "print('one')\n"  # the old one is still whole


async def test_a_set_up_step_that_fails_says_its_last_words(tmp_path) -> None:
    one = recipe(
        tmp_path / "r",
        "[environment]\nnone = true\n[program]\ncommand = ['/bin/sleep', '9']\n"
        '[[setup]]\ntitle = "compile"\ncommand = ["/bin/sh", "-c", "echo no compiler >&2; exit 3"]\n',
    )
    with pytest.raises(InstallError, match="compile: no compiler"):
        await install(one, tmp_path / "env", tmp_path / "cache", lambda *_: None)
    assert not installed(one, tmp_path / "env")
    with pytest.raises(InstallError, match="not there"):
        lacking = recipe(tmp_path / "s", '[environment]\ninterpreter = "/opt/none/python"\n' + RUN)
        await install(lacking, tmp_path / "env", tmp_path / "cache", lambda *_: None)


# -- containers ----------------------------------------------------------------------------------------------------

FAKE_DOCKER = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$FAKE_LOG"
case $1 in
  run) printf 'TOKEN=%s\\n' "$TOKEN" >> "$FAKE_LOG"
       trap 'echo stopping; exit 143' TERM
       echo "container runs"; while [ ! -e "$FAKE_LOG.stop" ]; do sleep 0.05; done; exit 7 ;;
  stop) touch "$FAKE_LOG.stop" ;;
esac
"""


def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "docker") -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program_file = folder / name
    program_file.write_text(FAKE_DOCKER)
    program_file.chmod(program_file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path / "fake.log"


CONTAINER = (
    "[program]\ncommand = ['--port', '{axon_port}', '--wallet', '{wallet_path}']\nsecrets = { TOKEN = 't' }\n"
    '[container]\nimage = "example/miner:1.2"\nengine = "docker"\nvolumes = ["{data}:/data"]\n[stop]\ngrace_s = 3\n'
)


async def test_a_container_under_its_keeper(kept, tmp_path, monkeypatch) -> None:
    log = fake_docker(tmp_path, monkeypatch)
    one = recipe(tmp_path / "r", CONTAINER)
    spec = program(
        one, known(one, kept.folder), folder=kept.folder, secret=lambda _name: "s3cret", gpus=("GPU-1",),
        variables={"FAKE_LOG": str(log), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert "s3cret" not in " ".join(spec.argv)
    kept.client.write_spec(spec)
    await kept.ensure()
    await kept.client.start(spec.secrets)
    await kept.until(lambda: "container runs" in kept.texts("out"))
    status = await kept.client.stop()
    assert status.state is MinerState.STOPPED
    first, run, token, *rest = log.read_text().splitlines()
    assert first == "rm -f ranvier-program" and token == "TOKEN=s3cret"
    assert run.startswith("run --rm --init --name ranvier-program --stop-timeout 3 --publish 20123:20123")
    assert f"--volume {kept.folder}/wallet:/wallet:ro --volume {kept.folder}/data:/data" in run
    assert "--env TOKEN" in run and '--gpus "device=GPU-1"' in run
    assert run.endswith("example/miner:1.2 --port 20123 --wallet /wallet")
    assert "stop -t 3 ranvier-program" in rest
    await kept.client.end()


def test_podman_and_no_engine(tmp_path, monkeypatch) -> None:
    one = recipe(tmp_path / "r", CONTAINER.replace('"docker"', '"auto"'))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RecipeError, match="docker or podman is not installed"):
        program(one, known(one, tmp_path), folder=tmp_path, secret=lambda _name: "x")
    fake_docker(tmp_path, monkeypatch, "podman")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    spec = program(one, known(one, tmp_path), folder=tmp_path, secret=lambda _name: "x", gpus=("GPU-1",))
    assert str(tmp_path / "bin" / "podman") in spec.argv and "nvidia.com/gpu=GPU-1" in spec.argv


# -- health --------------------------------------------------------------------------------------------------------


async def test_the_kinds_of_health(tmp_path) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    tcp = HealthSpec(tcp="127.0.0.1:{axon_port}")
    async with server:
        assert (await health.probe(tcp, {"axon_port": port}, tmp_path)).ok is True
    assert (await health.probe(tcp, {"axon_port": port}, tmp_path)).ok is False
    assert (await health.probe(HealthSpec(tcp="nonsense:99999999"), {}, tmp_path)).ok is False
    log = HealthSpec(log=r"served \d+", within_s=60)
    assert (await health.probe(log, {}, tmp_path)).ok is None
    writer = LogWriter(str(tmp_path / "logs"), 1 << 20, 1 << 22)
    writer.write(OUT, b"\x1b[32mserved\x1b[0m 12 requests\n")
    assert (await health.probe(log, {}, tmp_path)).ok is True
    writer.remark("started, process 7")
    assert (await health.probe(log, {}, tmp_path)).ok is None  # an earlier process said it
    now = time.time()
    busy = HealthSpec(gpu_busy=20.0, within_s=60)
    for at, ok in ((None, None), (now - 5, True), (now - 500, False)):
        assert (await health.probe(busy, {}, tmp_path, health.Seen(gpu_busy_at=at))).ok is ok
        assert (
            await health.probe(HealthSpec(contact=True, within_s=60), {}, tmp_path, health.Seen(contact_at=at))
        ).ok is ok


def test_the_rule_of_a_recipe() -> None:
    rule = health.rule_of(HealthSpec(url="http://x", up_after=2, down_after=5, grace_s=9, interval_s=10))
    assert rule is not None and (rule.up_after, rule.down_after, rule.grace_s, rule.stale_s) == (2, 5, 9, 40)
    assert health.rule_of(None) is None
