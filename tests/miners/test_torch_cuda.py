"""Which CUDA a torch was built for stands in its own file; it is read, not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranvier.miners.torch_cuda import torch_cuda


def written(env: Path, text: str, folder: str = "lib/python3.12/site-packages") -> Path:
    path = env / folder / "torch" / "version.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return env


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from typing import Optional\n__version__ = '2.9.0+cu128'\ncuda: Optional[str] = '12.8'\n", (12, 8)),
        ('cuda = "13.0"\n', (13, 0)),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.3.42131'\n", None),
        ("raise SystemExit\n", None),
        ("", None),
    ],
)
def test_the_version_is_read_without_running_anything(tmp_path: Path, text: str, found: tuple[int, int] | None) -> None:
    assert torch_cuda(written(tmp_path, text)) == found


def test_no_torch_and_other_systems_folders(tmp_path: Path) -> None:
    assert torch_cuda(tmp_path / "nowhere") is None
    assert torch_cuda(written(tmp_path / "win", "cuda = '12.4'", "Lib/site-packages")) == (12, 4)
    broken = tmp_path / "broken" / "lib" / "python3.11" / "site-packages" / "torch" / "version.py"
    broken.mkdir(parents=True)
    assert torch_cuda(tmp_path / "broken") is None
