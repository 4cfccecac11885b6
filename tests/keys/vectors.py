"""The ecosystem's vectors, which lie outside the repository; tests that need them are skipped without."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vectors"
SET = SHARED / "wallets"
needs_vectors = pytest.mark.skipif(not SET.is_dir(), reason="../shared/vectors/wallets is not here")

ABANDON = "abandon " * 11 + "about"
DEV = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"


def index() -> dict[str, Any]:
    if not SET.is_dir():
        return {"wallets": [], "malformed": [], "mnemonic_input": []}
    return json.loads((SET / "vectors.json").read_text("utf-8"))


def materialise(case: dict[str, Any], destination: Path) -> Path | None:
    spec = importlib.util.spec_from_file_location("apply_recipe", SHARED / "apply_recipe.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Path | None = module.materialise(SET, case, destination)
    return made
