"""A rehearsal whose miner cannot run ends soon, with the miner's own words."""

from __future__ import annotations

import json
from pathlib import Path

from end2end.conftest import ranvier


def test_a_miner_that_keeps_ending_is_quoted(home: Path, fake_model_recipe: Path) -> None:
    (fake_model_recipe / "miner.py").write_text('import sys\nsys.exit("libgomp.so.1 is missing; install libgomp1.")\n')
    result = ranvier(home, "rehearse", "--headless", "--json", "--recipe", str(fake_model_recipe), check=False)
    assert result.returncode == 1
    last = json.loads(result.stdout.splitlines()[-1])
    assert last["stage"] == "start" and last["state"] == "failed"
    assert "libgomp.so.1 is missing; install libgomp1." in result.stderr
    assert len(result.stderr.splitlines()) == 1
