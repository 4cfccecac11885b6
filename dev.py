#!/usr/bin/env python3
"""Run, test and build Ranvier from its source tree; needs nothing but Python 3.11 or newer.

    python3 dev.py run                 set up what is missing, then open the window
    python3 dev.py run rehearse --headless --json
    python3 dev.py test                the whole check, as CI runs it

This file must stay parseable by old Pythons, so that they can say what is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV, LOCKS = ROOT / ".venv", ROOT / "packaging" / "locks"
STAMP = VENV / "ranvier.json"
WINDOWS, LINUX = os.name == "nt", sys.platform.startswith("linux")


def pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


# What Qt's wheels take from the system, soname:Debian package. The first group is needed even without a display.
QT_ALWAYS = pairs(
    "libGL.so.1:libgl1 libEGL.so.1:libegl1 libglib-2.0.so.0:libglib2.0-0 libdbus-1.so.3:libdbus-1-3 "
    "libfontconfig.so.1:libfontconfig1 libxkbcommon.so.0:libxkbcommon0 libbrotlidec.so.1:libbrotli1 "
    "libgssapi_krb5.so.2:libgssapi-krb5-2"
)
QT_DISPLAY = pairs(
    "libxkbcommon-x11.so.0:libxkbcommon-x11-0 libxcb-cursor.so.0:libxcb-cursor0 libxcb-icccm.so.4:libxcb-icccm4 "
    "libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-shape.so.0:libxcb-shape0 libwayland-cursor.so.0:libwayland-cursor0"
)
# What the reference miner's language model takes from the system.
MODEL = pairs("libgomp.so.1:libgomp1")
# Programs that some tests start, and their packages: a display, a session bus, a compiler for fake libraries, ps, git.
TEST_PROGRAMS = {"Xvfb": "xvfb", "dbus-run-session": "dbus", "cc": "gcc libc6-dev", "ps": "procps", "git": "git"}
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "Network is unreachable",
              "Failed to establish a new connection", "Temporary failure in name resolution")  # fmt: skip


class Stop(Exception):  # noqa: N818  # the end of this command, said in one sentence
    """End with this sentence and exit status."""

    def __init__(self, sentence: str, status: int = 3) -> None:
        super().__init__(sentence)
        self.status = status


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- the virtual environment --------------------------------------------------------------------------------------


def venv_program(name: str) -> Path:
    return VENV / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))


def digest(lock: str) -> str:
    return hashlib.sha256((LOCKS / f"{lock}.txt").read_bytes()).hexdigest()


def python_tag() -> str:
    return f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"


def stamp() -> dict[str, str]:
    """What the last finished set-up left; empty when it was interrupted, moved or made by another Python."""
    try:
        found = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(found, dict) and venv_program("python").exists()  # a dangling link does not exist
    return found if whole and found.get("folder") == str(VENV) and found.get("python") == python_tag() else {}


def ensure_venv(lock: str) -> None:
    """Make ``.venv`` hold exactly what ``packaging/locks/<lock>.txt`` says (``dev`` contains ``app``)."""
    if stamp().get(lock) == digest(lock):
        return
    with only_one_set_up():
        if stamp().get(lock) != digest(lock):
            set_up(lock)


def set_up(lock: str) -> None:
    started = time.monotonic()
    if Path(sys.prefix).resolve() == VENV.resolve():
        if not stamp():
            raise Stop("The environment .venv must be made anew: start dev.py with the Python outside of it.")
    elif importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        if not get_packages([f"python{version}-venv"], "Python's venv module"):
            raise Stop("Python's venv module is missing (see above); install it and start again.")
        importlib.invalidate_caches()
    if not stamp():
        say(f"Making {VENV} for Python {sys.version.split()[0]} ...")
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Stop(f"The environment could not be made: {(made.stderr or made.stdout).strip()[-400:]}")
    STAMP.unlink(missing_ok=True)  # from here to the end, an interruption means: start over
    install(LOCKS / f"{lock}.txt")
    find = [str(venv_program("python")), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(find, capture_output=True, text=True, env=environment(), check=True).stdout.strip())
    # Relative, because a .pth file is read in the system's own encoding and the folder may have any name.
    (packages / "ranvier-source.pth").write_text(os.path.relpath(ROOT / "app", packages) + "\n", "ascii")
    now = {"folder": str(VENV), "python": python_tag(), "app": digest("app")}
    if lock == "dev":
        now["dev"] = digest("dev")
    draft = STAMP.with_suffix(".tmp")
    draft.write_text(json.dumps(now, indent=1), "utf-8")
    draft.replace(STAMP)
    say(f"Set up in {time.monotonic() - started:.0f} s.")


def install(lock: Path) -> None:
    """``pip install`` with hashes; shows how far it is, and only the end of pip's words when it fails."""
    total = sum(1 for line in lock.read_text("utf-8").splitlines() if "==" in line and not line.startswith((" ", "#")))
    say(f"Installing about {total} packages from {lock.relative_to(ROOT)} (the first time some 150 MB to fetch) ...")
    command = [str(venv_program("python")), "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    command += ["install", "--require-hashes", "--progress-bar", "off", "-r", str(lock)]
    words: list[str] = []
    seen = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=environment(), close_fds=False) as pip:  # fmt: skip
        assert pip.stdout is not None
        for line in pip.stdout:
            words.append(line)
            if line.startswith(("Collecting ", "Installing collected")) and sys.stderr.isatty():
                seen += 1
                step = f"{seen}/{total} {line.split()[1]}" if line.startswith("Coll") else "unpacking"
                print(f"\r  {step[:60]:<60}\r", end="", file=sys.stderr, flush=True)
    if pip.returncode == 0:
        return
    text = "".join(words)
    if any(sign in text for sign in NO_NETWORK):
        raise Stop("The packages cannot be fetched: no network. What has arrived is kept; start again when it is back.")
    if "No space left" in text:
        raise Stop(f"There is no space left below {VENV} (about 700 MB are needed); free some and start again.")
    raise Stop(f"The packages could not be installed. The end of pip's words:\n{''.join(words[-12:])}")


@contextlib.contextmanager
def only_one_set_up() -> Iterator[None]:
    """Two first starts at once: the second waits. The lock ends with the process that holds it."""
    with (ROOT / ".venv.lock").open("a") as file:
        os.set_inheritable(file.fileno(), True)  # pip, should we be killed, still holds the lock
        try:
            lock_file(file.fileno(), wait=False)
        except OSError:
            say("Another set-up is running in this folder; waiting for it ...")
            lock_file(file.fileno(), wait=True)
        yield


def lock_file(descriptor: int, *, wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                break
            except OSError:
                if not wait:
                    raise
                time.sleep(0.5)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


# --- the system's packages ----------------------------------------------------------------------------------------


def missing_libraries(wanted: dict[str, str]) -> dict[str, str]:
    """Those of ``wanted`` that the loader does not find; none where it cannot be asked."""
    search = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    ldconfig = shutil.which("ldconfig", path=search)
    if not wanted or not LINUX or ldconfig is None:
        return {}
    known = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, errors="replace", check=False).stdout
    return {name: package for name, package in wanted.items() if f"\t{name} " not in known}


def get_packages(packages: Sequence[str], what: str, *, ask: bool = True) -> bool:
    """Install Debian packages when this user may; otherwise name the one command. True when they were installed."""
    command = "sudo apt-get install -y --no-install-recommends " + " ".join(packages)
    if not LINUX or shutil.which("apt-get") is None:
        say(f"Missing: {what}. On Debian: {' '.join(packages)}")
        return False
    prefix: list[str] | None = None
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        prefix = []
    elif shutil.which("sudo"):
        if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
            prefix = ["sudo"]
        elif ask and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
            say(f"Missing: {what}. Ranvier can install them with\n  {command}")
            print("Do that now? [Y/n] ", end="", file=sys.stderr, flush=True)
            if sys.stdin.readline().strip().lower() in ("", "y", "yes"):
                prefix = ["sudo"]
    if prefix is None:
        say(f"Missing: {what}. This command installs them:\n  {command}")
        return False
    say(f"Installing {what}: {' '.join(packages)} ...")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode and step[0] == "install":  # an update may fail for a mirror that is not needed
            say(f"{done.stdout[-1500:]}\nThat did not work. The command is:\n  {command}")
            return False
    return True


def ensure_libraries(wanted: dict[str, str]) -> None:
    """Before they are needed: installed, or named; stops when Qt is wanted and cannot even be loaded."""
    missing = missing_libraries(wanted)
    if not missing or get_packages(sorted(set(missing.values())), "system libraries (of Qt and the language model)"):
        return
    fatal = sorted(set(missing) & set(QT_ALWAYS))
    if fatal:
        raise Stop(f"The window cannot open without {', '.join(fatal)}. Everything without a window works: "
                   "python3 dev.py run rehearse --headless --json")  # fmt: skip


# --- verbs --------------------------------------------------------------------------------------------------------


def environment(**extra: str) -> dict[str, str]:
    """That of the caller, without what would put another Python's packages before those of ``.venv``."""
    return {name: value for name, value in {**os.environ, **extra}.items() if name not in ("PYTHONHOME", "PYTHONPATH")}


def libraries_for(arguments: Sequence[str]) -> dict[str, str]:
    """What ``ranvier ARGUMENTS`` takes from the system: Qt for a window, the model's for what starts miners."""
    rest = list(arguments)
    while rest and rest[0].startswith("--home"):
        del rest[: 1 if "=" in rest[0] else 2]
    if not rest or rest[0] == "selftest" or (rest[0].startswith("-") and rest[0] not in ("--version", "--help")):
        return {**QT_ALWAYS, **QT_DISPLAY, **MODEL}
    return MODEL if rest[0] in ("rehearse", "agent") else {}


def become(command: Sequence[str], env: dict[str, str]) -> int:
    """Give this process to ``command`` (Windows cannot: wait for it instead)."""
    if not WINDOWS:
        os.execve(command[0], list(command), env)
    return subprocess.call(list(command), env=env)


def run(arguments: list[str]) -> int:
    ensure_venv("app")
    ensure_libraries(libraries_for(arguments))
    return become([str(venv_program("python")), "-m", "ranvier", *arguments], environment())


def steps(todo: Sequence[tuple[str, list[str]]]) -> int:
    """Run them all, whatever fails; say which did."""
    env = environment(LANG="C.UTF-8", LC_ALL="C.UTF-8", QT_QPA_PLATFORM="offscreen")
    failed = []
    for name, command in todo:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode:
            failed.append(name)
        print(f"== {name}: {'FAILED' if name in failed else 'ok'} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.", flush=True)
    return 1 if failed else 0


def lint(_arguments: list[str]) -> int:
    ensure_venv("dev")
    return steps(CHECKS)


def test(arguments: list[str]) -> int:
    """Without pytest arguments the whole check, with some only pytest."""
    ensure_venv("dev")
    missing = missing_libraries({**QT_ALWAYS, **QT_DISPLAY, **MODEL})
    programs = [packages for name, packages in TEST_PROGRAMS.items() if not shutil.which(name)]
    packages = " ".join([*sorted(missing.values()), *programs]).split()
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if LINUX and packages and not (root and get_packages(packages, "packages for the tests")):
        say(f"Missing, so some tests are skipped or fail: {' '.join(packages)}")
    rest = [argument for argument in arguments if argument != "--slow"]
    options = [*(["-m", ""] if "--slow" in arguments else []), *(rest or ["-n", "2"])]
    pytest = ("pytest", [str(venv_program("python")), "-m", "pytest", *options])
    return steps([pytest] if rest else [*CHECKS, pytest])


def lock(arguments: list[str]) -> int:
    """Resolve pyproject.toml again; ``--upgrade`` and other uv options pass through."""
    ensure_venv("app")
    common = [str(venv_program("uv")), "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11",
              "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--quiet",
              "--custom-compile-command", "python3 dev.py lock", *arguments]  # fmt: skip
    pinned = ["-c", str(LOCKS / "app.txt")]
    for name, more in (("app", []), ("dev", ["--group", "dev", *pinned]), ("bench", ["--extra", "bench", *pinned])):
        if subprocess.run([*common, *more, "-o", str(LOCKS / f"{name}.txt")], cwd=ROOT, check=False).returncode:
            raise Stop(f"uv could not resolve {name}.txt (its words are above).", 1)
        print(f"wrote packaging/locks/{name}.txt")
    return 0


def bench(arguments: list[str]) -> int:
    names = sorted(path.stem for path in (ROOT / "tests" / "bench").glob("[a-z]*.py"))
    if not arguments or arguments[0] not in names:
        print(f"usage: dev.py bench {{{','.join(names)}}} [options]")
        return 2 if arguments else 0
    ensure_venv("dev")
    script = str(ROOT / "tests" / "bench" / f"{arguments[0]}.py")
    return become([str(venv_program("python")), script, *arguments[1:]], environment())


def screenshots(arguments: list[str]) -> int:
    ensure_venv("dev")
    ensure_libraries({**QT_ALWAYS, **QT_DISPLAY})
    passed = arguments or [str(ROOT / "resources" / "screenshots")]
    env = environment(LANG="C.UTF-8", QT_QPA_PLATFORM="offscreen")
    return become([str(venv_program("python")), str(ROOT / "tests" / "gui" / "screenshots.py"), *passed], env)


def freeze(arguments: list[str]) -> int:
    ensure_venv("dev")
    ensure_libraries({**QT_ALWAYS, **QT_DISPLAY})
    if LINUX and shutil.which("objdump") is None and not get_packages(["binutils"], "packages for freezing"):
        return 3
    command = [str(venv_program("python")), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *arguments]
    return subprocess.run([*command, "build.spec"], cwd=ROOT, env=environment(), check=False).returncode


def clean(arguments: list[str]) -> int:
    names = ["build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"]
    for name in [*names, *([".venv", ".venv.lock"] if "--all" in arguments else [])]:
        path = ROOT / name
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    return 0


ELSEWHERE = ("--no-warn-unreachable", "--platform")  # what is not of that system ends where it is told from this one
CHECKS = [
    ("ruff check", [str(venv_program("ruff")), "check", "."]),
    ("ruff format", [str(venv_program("ruff")), "format", "--check", "."]),
    ("mypy", [str(venv_program("mypy")), "--platform", "linux"]),
    ("mypy for Windows", [str(venv_program("mypy")), *ELSEWHERE, "win32", "--cache-dir", ".mypy_cache/win32"]),
    ("import-linter", [str(venv_program("lint-imports"))]),
]
VERBS = {
    "run": (run, "[ARGUMENTS]  open the window, or run a command of ranvier (try: run --help)"),
    "test": (test, "[--slow] [PYTEST ARGUMENTS]  lint and all tests; with pytest arguments only those tests"),
    "lint": (lint, "ruff, mypy --strict, import-linter"),
    "lock": (lock, "[--upgrade]  resolve pyproject.toml into packaging/locks/"),
    "bench": (bench, "[NAME]  a measurement of tests/bench/; without a name, which there are"),
    "screenshots": (screenshots, "[OUT]  every page in both themes (default: resources/screenshots)"),
    "freeze": (freeze, "a copy that needs no Python, in dist/ (PyInstaller, build.spec)"),
    "clean": (clean, "[--all]  remove caches and builds; with --all the environment too"),
}


def main(argv: list[str]) -> int:
    if sys.version_info < (3, 11):
        newer = next((n for n in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(n)), None)
        hint = f" Start it with: {newer} dev.py" if newer else ""
        say(f"Ranvier needs Python 3.11 or newer; this is {sys.version.split()[0]}.{hint}")
        return 3
    table = "\n".join(f"  {name:<12} {text}" for name, (_verb, text) in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py", description=(__doc__ or "").split("\n")[0], epilog=f"verbs:\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter, usage="python3 dev.py VERB [arguments]",
    )  # fmt: skip
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="what to do; the rest is given to it")
    chosen = parser.parse_args(argv[:1] or ["--help"])
    try:
        return VERBS[chosen.verb][0](argv[1:])
    except Stop as stop:
        say(str(stop))
        return stop.status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
