"""The make-believe NVML, built once for the tests of this room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compile the library with these flags; returns the folder that it is in."""

    def make(*flags: str) -> Path:
        folder = tmp_path_factory.mktemp("nvml")
        subprocess.run(
            [str(shutil.which("gcc")), "-shared", "-fPIC", "-w", "-Wl,-soname,libnvidia-ml.so.1", *flags,
             "-o", str(folder / "libnvidia-ml.so.1"), str(HERE / "fake_nvml.c")],
            check=True,
        )  # fmt: skip
        return folder

    return make


@pytest.fixture(scope="session")
def library(build: Callable[..., Path]) -> Path:
    return build()
