"""Every folder and file of ours, from one object. ``--home DIR`` moves them all."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ranvier.core.outside import at_home

APP_NAME = "ranvier"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where this instance keeps things. Nothing is made on disk until somebody writes."""

    config: Path
    data: Path
    wallets: Path
    home: Path | None = None  # what --home said, so that processes we start get the same

    @classmethod
    def default(cls) -> Paths:
        """The system's own folders; wallets where the ecosystem keeps them."""
        return cls(
            config=Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)),
            data=Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)),
            wallets=Path.home() / ".bittensor" / "wallets",
        )

    @classmethod
    def under(cls, home: Path) -> Paths:
        """Everything, wallets too, below ``home``: for tests and for two instances side by side."""
        home = at_home(home).absolute()
        return cls(config=home, data=home, wallets=home / "wallets", home=home)

    def arguments(self) -> list[str]:
        """The command-line options that make another process of ours use the same folders."""
        return ["--home", str(self.home)] if self.home is not None else []

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.toml"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def agent(self) -> Path:
        return self.data / "agent"

    @property
    def miners(self) -> Path:
        return self.data / "miners"

    @property
    def benchmarks(self) -> Path:
        return self.data / "benchmarks"

    @property
    def rehearsal(self) -> Path:
        return self.data / "rehearsal"

    @property
    def practice_wallets(self) -> Path:
        """Wallets of the sandbox, apart from the real ones: play keys never lie beside keys of value."""
        return self.network("sandbox") / "wallets"

    @property
    def cache(self) -> Path:
        """Downloads that can be fetched again (packages of miners' environments)."""
        return self.data / "cache"

    @property
    def metadata(self) -> Path:
        """What chains say of themselves, decoded; one folder for every process."""
        return self.cache / "metadata"

    def network(self, name: str) -> Path:
        """The folder of one network: ledgers of two networks never share a file."""
        return self.data / "networks" / name

    def ledger_file(self, network: str) -> Path:
        return self.network(network) / "ledger.sqlite"

    def miner(self, miner_id: str) -> Path:
        return self.miners / miner_id


def resources() -> Path:
    """The ``resources`` folder: beside the executable's modules when frozen, in the wheel, or in the source tree."""
    frozen = getattr(sys, "_MEIPASS", None)
    package = Path(__file__).resolve().parent.parent
    candidates = [Path(frozen) / "resources"] if frozen else []
    candidates += [package / "resources", package.parent.parent / "resources"]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"resources folder not found in {', '.join(map(str, candidates))}")


def private_folder(folder: Path) -> Path:
    """Make ``folder`` (owner-only, parents included as far as we make them) and return it."""
    missing = [folder, *folder.parents]
    for path in reversed([p for p in missing if not p.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)
        if os.name == "posix":
            path.chmod(0o700)
    return folder
