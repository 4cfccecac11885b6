"""Writes descriptors-11.3.json: what the newest chain's metadata says, as the SDK's generated descriptors repeat it.

    python tests/data/extract_descriptors.py SITE_PACKAGES

SITE_PACKAGES holds the PyPI package bittensor 11.3 (``pip install --no-deps --target DIR bittensor==11.3.0``). Only
names, numbers and type names are taken, of the pallets and runtime APIs that the sandbox has too. Numbers of calls and
the fields of events are not in that package; source-2026.json has them, taken by hand from the chain's Rust source.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PALLETS = (
    "System", "Timestamp", "Aura", "Balances", "TransactionPayment", "SubtensorModule", "Utility", "Commitments",
    "Swap", "MevShield", "Sudo", "AdminUtils",
)  # fmt: skip


def classes(path: Path) -> Iterator[ast.ClassDef]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            yield node


def rows(path: Path) -> dict[str, dict[str, list[Any]]]:
    """class -> name -> the arguments of the call on its right side."""
    found: dict[str, dict[str, list[Any]]] = {}
    for group in classes(path):
        for node in group.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                values = [ast.literal_eval(one) for one in node.value.args]
                found.setdefault(group.name, {})[values[1]] = values[2:]
    return found


def calls(path: Path) -> dict[str, dict[str, list[list[str]]]]:
    """pallet -> call -> [argument, type]; a builder may rename an argument, so the names are those it sends."""
    found: dict[str, dict[str, list[list[str]]]] = {}
    for group in classes(path):
        for node in group.body:
            if isinstance(node, ast.FunctionDef):
                made = node.body[-1].value  # type: ignore[attr-defined]
                sent = [ast.literal_eval(key) for key in made.args[2].keys]
                kinds = [ast.literal_eval(one.annotation) for one in node.args.args if one.annotation is not None]
                listed = [list(pair) for pair in zip(sent, kinds, strict=True)]
                found.setdefault(group.name, {})[ast.literal_eval(made.args[1])] = listed
    return found


def errors(path: Path) -> dict[str, dict[str, list[int]]]:
    """pallet -> error -> [pallet's number, its number]."""
    found: dict[str, dict[str, list[int]]] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                numbers = ast.literal_eval(key)  # type: ignore[arg-type]
                pallet, name = (ast.literal_eval(one) for one in value.args[:2])  # type: ignore[attr-defined]
                found.setdefault(pallet, {})[name] = list(numbers)
    return found


def main(site: Path) -> None:
    version = next(site.glob("bittensor-11.3*.dist-info")).name.removeprefix("bittensor-").removesuffix(".dist-info")
    source = site / "bittensor" / "_generated"

    def ours(table: dict[str, Any]) -> dict[str, Any]:
        return {name: table[name] for name in PALLETS if name in table}

    facts = {
        "provenance": f"PyPI bittensor {version}, bittensor/_generated, read by extract_descriptors.py",
        "calls": ours(calls(source / "calls.py")),
        "storage": {name: {item: row[0] for item, row in ours(rows(source / "storage.py"))[name].items()}
                    for name in ours(rows(source / "storage.py"))},
        "constants": {name: sorted(table) for name, table in ours(rows(source / "constants.py")).items()},
        "errors": ours(errors(source / "errors.py")),
        "apis": {name: sorted(table) for name, table in rows(source / "runtime_apis.py").items()},
    }  # fmt: skip
    target = Path(__file__).with_name("descriptors-11.3.json")
    target.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
