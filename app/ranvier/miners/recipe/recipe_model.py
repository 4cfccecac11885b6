"""What a recipe can say, as typed data. ``recipe.py`` loads and checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

PLACEHOLDERS = (
    "python", "recipe", "source", "data", "wallet_path", "wallet_name", "hotkey_name", "netuid", "network", "endpoint",
    "axon_port", "external_ip", "external_port", "gpu", "model",
)  # fmt: skip
SIGNALS = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL")


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the miner's own code comes from: a folder of this machine, or a git address and a revision. None of
    them: the code is part of the recipe, or comes as a package (``environment.packages``)."""

    folder: str | None = None
    git: str | None = None
    revision: str | None = None


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirements file of the recipe, hash-locked unless ``hashes`` is false; ``no_deps`` where only a package's
    data is wanted; ``from_source``: it lies in the miner's own code, not in the recipe."""

    file: str
    no_deps: bool = False
    hashes: bool = True
    from_source: bool = False


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file inside the environment's site-packages that is checked after installing; ``size`` in bytes."""

    path: str
    sha256: str
    size: int | None = None


class EnvironmentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Python environment. ``python`` like "3.12"; None takes the one that runs us. Sizes in bytes:
    ``download_bytes`` over the network, ``install_bytes`` on disk.

    ``interpreter``: use this one as it is and install nothing. ``packages``: more to install, without hashes
    ("subnet-miner==1.4", "{source}"). ``none``: the program needs no Python environment.
    """

    requirements: tuple[Requirements, ...] = ()
    files: tuple[PackageFile, ...] = ()
    python: str | None = None
    interpreter: str | None = None
    packages: tuple[str, ...] = ()
    none: bool = False
    download_bytes: int | None = None
    install_bytes: int | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set-up step, run once for each environment after its packages are there."""

    command: tuple[str, ...]
    title: str = ""
    limit_s: float = 1800.0


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The command line, word by word (there is no shell), and environment variables. Both may hold placeholders.

    ``secrets``: variable -> name in the system's secret store. ``folder``: where it runs; empty: the miner's own.
    """

    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}  # msgspec copies it
    secrets: dict[str, str] = {}
    folder: str = ""


class Container(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A container image instead of a program; ``program.command`` is what it is told to run (may be empty).

    ``volumes`` and ``options`` may hold placeholders; inside, the wallet is at ``wallet_at``, read-only.
    """

    image: str
    engine: Literal["auto", "docker", "podman"] = "auto"
    host_network: bool = False
    volumes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    wallet_at: str = "/wallet"


class HealthSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one sees that the miner is well: exactly one of these, and how often in a row it counts. Times in seconds.

    ``url`` answers 2xx; ``tcp`` ("127.0.0.1:{axon_port}") accepts a connection; ``log``: a line that fits the
    pattern came within ``within_s``; ``gpu_busy``: its card was busier than so many per cent within ``within_s``;
    ``contact``: the chain shows that it was asked or paid within ``within_s``.
    """

    url: str = ""
    tcp: str = ""
    log: str = ""
    gpu_busy: float | None = None
    contact: bool = False
    interval_s: float = 5.0
    grace_s: float = 60.0
    within_s: float = 300.0
    up_after: int = 1
    down_after: int = 3

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the checks that are asked for."""
        chosen = {
            "url": self.url, "tcp": self.tcp, "log": self.log, "gpu_busy": self.gpu_busy is not None,
            "contact": self.contact,
        }  # fmt: skip
        return tuple(name for name, value in chosen.items() if value)


class StopSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the miner wants to be asked to end (a signal's name without SIG), and how long it may take."""

    signal: str = "TERM"
    grace_s: float = 10.0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it may take of the machine; None: no limit. ``cpu_weight`` 1..10000 (100 is everybody's)."""

    nice: int | None = None
    memory_bytes: int | None = None
    cpu_weight: int | None = None


class HardwareFloor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the machine needs at least, in bytes and cores; None asks for nothing."""

    memory_bytes: int | None = None
    disk_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    cores: int | None = None


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipe. ``contact`` says how the subnet reaches its miners (their axon, by what they pull, by commitments
    on the chain); ``folder`` is where it was loaded from."""

    name: str
    title: str
    program: Command
    description: str = ""
    netuid: int | None = None
    contact: Literal["axon", "pull", "commit"] = "axon"
    source: Source = Source()
    environment: EnvironmentSpec = EnvironmentSpec()
    setup: tuple[Step, ...] = ()
    container: Container | None = None
    model: str = ""
    ports: dict[str, int] = {}
    health: HealthSpec | None = None
    stop: StopSpec = StopSpec()
    limits: Limits = Limits()
    hardware: HardwareFloor = HardwareFloor()
    folder: Path = Path()
