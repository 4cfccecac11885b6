"""NVIDIA GPUs by NVML. Every field is optional: what a card, driver or permission does not give is None.

The source rule of NVML: identity is the UUID; an index may change at boot. A call may hang or, when a card has fallen
off the bus, crash the process, so this runs in a child (``hardware.probe_process``); standard library and pynvml only.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ranvier.hardware.nvidia_card import CardReader, text
from ranvier.hardware.nvidia_words import card_trouble, driver_trouble
from ranvier.hardware.pci import SYSFS, PciCard, nvidia_cards, on_battery
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

T = TypeVar("T")

_RETRY_S = 5.0  # between two attempts to open a driver that would not
_IDLE_S = 10.0  # on battery: let go of a card that did nothing for so long, so that the kernel may switch it off
_REST_S = 20.0
_XID_EVENT = 0x8  # nvmlEventTypeXidCriticalError


class NvmlProbe:
    """All NVIDIA GPUs. ``sysfs`` is where the kernel lists devices; ``clock`` is monotonic seconds.

    ``opening`` is called before the driver is opened, which may take seconds for each card.
    """

    closes_at_once = False

    def __init__(
        self,
        sysfs: Path = SYSFS,
        clock: Callable[[], float] = time.monotonic,
        *,
        container: str | None = None,
        opening: Callable[[], None] = lambda: None,
    ) -> None:
        self._sysfs, self._clock, self._container, self._opening = sysfs, clock, container, opening
        self._open = False
        self._closed: GpuReading | None = None
        self._retry_at = 0.0
        self._readers: dict[str, CardReader] = {}
        self._events: Any = None
        self._watched: set[str] = set()
        self._xids: dict[str, int] = {}
        self._busy_at = 0.0
        self._resting_until = 0.0

    def read(self) -> GpuReading:
        """One reading of every card; a card that fails has ``problem`` set and the others go on."""
        if not self._open:
            if self._closed is not None and self._clock() < self._retry_at:
                return self._closed
            self._closed = self._start()
            if self._closed is not None:
                self._retry_at = self._clock() + _RETRY_S
                return self._closed
        import pynvml

        try:
            count = pynvml.nvmlDeviceGetCount()
            self._collect_events(pynvml)
            gpus = tuple(row for index in range(count) for row in self._rows(pynvml, index))
        except pynvml.NVMLError as error:
            self.close()
            trouble, note = driver_trouble(error.value, nvidia_cards(self._sysfs), self._container)
            return GpuReading(note=note, trouble=trouble)
        driver = text(_ask(pynvml, pynvml.nvmlSystemGetDriverVersion))
        version = _ask(pynvml, pynvml.nvmlSystemGetCudaDriverVersion)
        cuda = f"{version // 1000}.{version % 1000 // 10}" if version else None
        self._rest_when_idle(gpus)
        if not gpus:
            return GpuReading((), driver, "The NVIDIA driver is there and sees no GPU.", "none", cuda)
        return GpuReading(gpus, driver, cuda=cuda)

    def close(self) -> None:
        """Let go of the driver, so that a sleeping card may go to sleep."""
        if self._open:
            self._open = False
            self._events = None
            self._watched.clear()
            self._readers.clear()
            import pynvml

            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def _start(self) -> GpuReading | None:
        """Open the driver; returns why it cannot be opened."""
        cards = nvidia_cards(self._sysfs)
        if cards and all(card.asleep for card in cards):
            note = "The NVIDIA GPU is asleep; looking at it would wake it."
            return GpuReading(tuple(_sleeping(card, n) for n, card in enumerate(cards)), note=note, trouble="asleep")
        if self._clock() < self._resting_until:
            return GpuReading(note="The NVIDIA GPU is idle on battery; it is left alone.", trouble="asleep")
        try:
            import pynvml
        except ImportError:
            return GpuReading(note="The NVIDIA reader (nvidia-ml-py) is not installed.", trouble="no_reader")
        if not hasattr(pynvml, "_nvmlGetFunctionPointer"):
            note = "Another package took the place of nvidia-ml-py; reinstall nvidia-ml-py."
            return GpuReading(note=note, trouble="no_reader")
        self._opening()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            trouble, note = driver_trouble(error.value, cards, self._container)
            return GpuReading(note=note, trouble=trouble)
        self._open = True
        self._busy_at = self._clock()
        with contextlib.suppress(pynvml.NVMLError, AttributeError):
            self._events = pynvml.nvmlEventSetCreate()
        return None

    def _rows(self, nvml: Any, index: int) -> tuple[Gpu, ...]:
        """The card, and below it its MIG instances."""
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid = text(nvml.nvmlDeviceGetUUID(handle))
        except nvml.NVMLError as error:
            trouble, problem = card_trouble(error.value)
            known = next((r for r in self._readers.values() if r.index == index), None)
            lost, name = ("", f"GPU {index}") if known is None else (known.uuid, known.name)
            xid = self._xids.get(lost)
            return (Gpu(uuid=lost, name=name, index=index, problem=problem, trouble=trouble, xid=xid),)
        if uuid is None:
            problem = "It does not tell its identity."
            return (Gpu(uuid="", name=f"GPU {index}", index=index, problem=problem, trouble="unreadable"),)
        reader = self._readers.get(uuid)
        if reader is None:
            reader = self._readers[uuid] = CardReader(nvml, uuid, self._clock)
        self._watch(nvml, handle, uuid)
        gpu = reader.read(handle, index)
        if uuid in self._xids:
            gpu = replace(gpu, xid=self._xids[uuid])
        return (gpu, *reader.instances(handle, index)) if gpu.mig else (gpu,)

    def _watch(self, nvml: Any, handle: Any, uuid: str) -> None:
        """Ask the driver once for each card to be told of fatal errors (Xid); many systems do not offer it."""
        if self._events is None or uuid in self._watched:
            return
        self._watched.add(uuid)
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlDeviceRegisterEvents(handle, _XID_EVENT, self._events)

    def _collect_events(self, nvml: Any) -> None:
        if self._events is None or not self._watched:
            return
        for _ in range(16):  # never an endless storm; the rest comes with the next reading
            try:
                event = nvml.nvmlEventSetWait_v2(self._events, 0)
                uuid = text(nvml.nvmlDeviceGetUUID(event.device))
            except (nvml.NVMLError, AttributeError):
                return
            if uuid is not None and event.eventType & _XID_EVENT:
                self._xids[uuid] = int(event.eventData)

    def _rest_when_idle(self, gpus: tuple[Gpu, ...]) -> None:
        """On battery an open handle keeps a laptop's card awake: let go when nothing uses it."""
        now = self._clock()
        if any(gpu.pids or gpu.utilization_percent for gpu in gpus) or not on_battery(self._sysfs):
            self._busy_at = now
        elif now - self._busy_at >= _IDLE_S:
            self._resting_until = now + _REST_S
            self.close()


def _sleeping(card: PciCard, index: int) -> Gpu:
    name = "NVIDIA GPU (asleep)"
    return Gpu(uuid=f"pci:{card.address}", name=name, index=index, pci_address=card.address, asleep=True)


def _ask(nvml: Any, function: Callable[[], T]) -> T | None:
    try:
        return function()
    except nvml.NVMLError:
        return None
