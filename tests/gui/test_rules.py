"""Rules that a reader of one file cannot see kept."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "app" / "ranvier" / "ui"
FILES = sorted(path for path in UI.rglob("*.py") if path.name != "selftest.py")  # it has no loop of its own
STATIC_BOXES = {"information", "warning", "critical", "question", "getOpenFileName", "getExistingDirectory", "getText"}


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(UI)) for p in FILES])
def test_no_nested_event_loop(path):
    """A nested loop inside a coroutine ends other tasks for good."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        static = owner in ("QMessageBox", "QFileDialog", "QInputDialog") and node.func.attr in STATIC_BOXES
        assert node.func.attr not in ("exec", "exec_", "processEvents"), f"{path}:{node.lineno}"
        assert not static, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(UI)) for p in FILES])
def test_no_bare_task(path):
    """One task owner: a bare task's failure is silent."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("create_task", "ensure_future"), f"{path}:{node.lineno}"


def test_files_stay_short():
    assert {p.name: n for p in FILES if (n := len(p.read_text("utf-8").splitlines())) > 400} == {}
