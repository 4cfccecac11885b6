"""One owner for each hotkey, port and card: what a miner may not take because another one has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ranvier.agent.api.messages import AddMiner
from ranvier.agent.miners.miner_file import MinerFile
from ranvier.benchmark.lock import owner_of, related
from ranvier.core.errors import MinerError
from ranvier.hardware.snapshot import Hardware


def refuse_shared(miner: MinerFile, others: Iterable[tuple[MinerFile, bool]]) -> None:
    """Raise MinerError when another miner has what ``miner`` needs. ``others``: (its file, whether it runs or should).

    Only while its owner runs or should run: one card, and one port, can serve two miners in turn.
    """
    for other, active in others:
        if other.id == miner.id or not active:
            continue
        seat = (miner.network, miner.netuid, miner.hotkey_ss58)
        if seat == (other.network, other.netuid, other.hotkey_ss58):
            raise MinerError(
                "Hotkey in use",
                f"{other.name} already mines with this hotkey on subnet {other.netuid}.",
                "Stop that one, or use another hotkey: two programs with one hotkey spoil each other's score.",
            )
        if miner.axon_port == other.axon_port:
            raise MinerError(
                "Port in use",
                f"{other.name} serves on port {other.axon_port} already.",
                "Stop that one, or give this miner another port.",
            )
        shared = sorted(set(miner.gpus) & set(other.gpus))
        if shared:
            raise MinerError(
                "Card in use",
                f"{other.name} runs on {'this card' if len(shared) == 1 else 'these cards'} already "
                f"({', '.join(shared)}).",
                "Stop that one, or give this miner another card.",
            )


def refuse_twins(command: AddMiner, network: str, hotkey_ss58: str, others: Iterable[MinerFile]) -> None:
    """Raise MinerError when the new miner's name is another one's, or its seat has a miner already."""
    for file in others:
        same_seat = (file.network, file.netuid, file.hotkey_ss58) == (network, command.netuid, hotkey_ss58)
        if file.id == command.id and not (same_seat and file.recipe == command.recipe):
            raise MinerError(
                "Name taken", f"“{command.id}” is another miner with another key or recipe.", "Choose another name."
            )
        if file.id != command.id and same_seat:
            raise MinerError(
                "Hotkey in use",
                f"{file.name} already mines with this hotkey on subnet {file.netuid}.",
                "Use another hotkey: two programs with one hotkey spoil each other's score.",
            )


@dataclass(frozen=True, slots=True)
class CardTurns:
    """Whether a card is a benchmark's now. ``locks`` is the folder of the benchmarks' locks."""

    locks: Path
    hardware: Callable[[], Hardware | None]

    def wait_reason(self, cards: Sequence[str]) -> str | None:
        """Why a miner on ``cards`` (none: any card) waits, in words; None when it need not. Asks the file system."""
        sample = self.hardware()
        known = () if sample is None else sample.gpus
        parts = [(gpu.uuid, gpu.parent_uuid) for gpu in known]
        for card in cards or [gpu.uuid for gpu in known]:
            for one in related(card, parts):
                owner = owner_of(self.locks, one)
                if owner is not None:
                    index = next((gpu.index for gpu in known if gpu.uuid == one), None)
                    return f"waits for {owner} on {'its GPU' if index is None else f'GPU {index}'}"
        return None
