"""The house rules that a machine can check: one-way imports, short files, no exec(), one task owner."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app" / "ranvier"
MAX_LINES = 400
SOURCES = sorted(APP.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted end (``dialog.exec`` -> ``.exec``, ``print`` -> ``print``) of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                if isinstance(node.func.value, ast.Name) and node.func.value.id == "group":
                    continue  # an asyncio.TaskGroup owns and awaits its tasks
                yield node.lineno, f".{node.func.attr}"
            elif isinstance(node.func, ast.Name):
                yield node.lineno, node.func.id


def test_imports_run_one_way() -> None:
    """The contracts are in pyproject.toml; this runs them."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_stay_short() -> None:
    paths = [*SOURCES, *(ROOT / "tests").rglob("*.py"), ROOT / "dev.py"]
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in paths}
    assert not {path: lines for path, lines in lengths.items() if lines > MAX_LINES}


def test_calls_that_the_house_forbids() -> None:
    # A dialog's exec() inside a coroutine kills other tasks under qasync: open() and await its future instead.
    # Text for people goes through sys.stdout.write; tasks are started by core.tasks.Tasks.
    # wait_for() can lose a cancellation on Python 3.11: asyncio.timeout() does not.
    forbidden = {".exec", ".exec_", "print", ".create_task", "create_task", ".ensure_future", "ensure_future"}
    forbidden |= {".wait_for", "wait_for"}
    found = [
        f"{name(path)}:{line} {call}()"
        for path in SOURCES
        for line, call in calls(TREES[path])
        if call in forbidden and not (path == APP / "core" / "tasks.py" and call == ".create_task")
    ]
    assert not found


def test_no_child_process_opens_a_black_window_on_windows() -> None:
    elsewhere = {"keeper_tree.py", "keeper_windows.py", "apple.py"}  # ps and macOS; the keeper's own hands
    starters = {"create_subprocess_exec", "Popen", "run"}
    found = [
        f"{name(path)}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in starters
        if isinstance(node.func.value, ast.Name) and node.func.value.id in ("asyncio", "subprocess")
        if path.name not in elsewhere and "creationflags" not in {word.arg for word in node.keywords}
        if (node.func.value.id, node.func.attr) != ("asyncio", "run")
    ]
    assert not found


def test_every_module_says_what_it_is() -> None:
    assert not [name(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere; for ``from a import b`` both ``a`` and ``a.b`` where that exists."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if file_of(f"{node.module}.{alias.name}"))


def file_of(module: str) -> Path | None:
    path = APP.parent.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p in TREES), None)


def test_the_keeper_uses_the_standard_library_only() -> None:
    """It outlives upgrades of everything else, and stays small. What it imports of ours is held to the same."""
    todo, seen, foreign = {"ranvier.miners.keeper.keeper"}, set[str](), list[str]()
    while todo:
        module = todo.pop()
        seen.add(module)
        path = file_of(module)
        if path is not None:
            todo |= set(imported(path)) - seen
        elif module.split(".")[0] not in sys.stdlib_module_names:
            foreign.append(module)
    assert not foreign
    assert not [module for module in seen if module.startswith("ranvier.") and ".miners" not in module]


def test_dev_py_still_parses_on_an_old_python() -> None:
    """So that it can say which Python it wants, instead of a syntax error."""
    ast.parse((ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 8))


# Where a package is called otherwise than its module.
PACKAGE_OF = {
    "Crypto": "pycryptodome", "PySide6": "pyside6-essentials", "shiboken6": "pyside6-essentials", "ed25519_zebra":
    "py-ed25519-zebra-bindings", "nacl": "pynacl", "pynvml": "nvidia-ml-py", "sr25519": "py-sr25519-bindings",
    "substrateinterface": "substrate-interface", "tomli_w": "tomli-w", "websocket": "websocket-client",
    "yaml": "pyyaml",
}  # fmt: skip


def test_every_library_that_is_imported_is_declared() -> None:
    """Not only brought along by another. An import that a try guards is optional."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[><=\[;~! ]", entry)[0].lower() for entry in project["dependencies"]}
    undeclared = set()
    for path, tree in TREES.items():
        guarded = {child for node in ast.walk(tree) if isinstance(node, ast.Try) for child in ast.walk(node)}
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for first in {module.split(".")[0] for module in modules} - {"ranvier"}:
                known = first in sys.stdlib_module_names or PACKAGE_OF.get(first, first).lower() in declared
                if not known and node not in guarded:
                    undeclared.add(f"{name(path)}: {first}")
    assert not undeclared


def test_the_pinned_locks_are_those_of_pyproject() -> None:
    """Every dependency that pyproject.toml names is pinned, with hashes, in the lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    app = (ROOT / "packaging" / "locks" / "app.txt").read_text("utf-8")
    dev = (ROOT / "packaging" / "locks" / "dev.txt").read_text("utf-8")
    pinned = re.compile(r"^([a-z0-9-]+)==\S+ ", re.MULTILINE)
    for wanted, lock in ((project["project"]["dependencies"], app), (project["dependency-groups"]["dev"], dev)):
        names = {re.split(r"[><=\[;~! ]", entry)[0].lower().replace("_", "-") for entry in wanted}
        assert names <= set(pinned.findall(lock))
        assert lock.count("--hash=sha256:") >= len(names)
