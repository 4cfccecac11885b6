"""NVIDIA GPUs by NVML. Every field is optional: what a card, driver or permission does not give is None.

The source rule of NVML: identity is the UUID; an index may change at boot. A call may hang or, when a card has fallen
off the bus, crash the process, so this runs in a child (``hardware.probe_process``); standard library and pynvml only.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ranvier.hardware.nvidia_card import CardReader, text
from ranvier.hardware.nvidia_words import FOLLOWING_XIDS, card_trouble, driver_trouble
from ranvier.hardware.pci import SYSFS, PciCard, asleep, loaded_version, nvidia_cards, on_battery
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
        self._cards: tuple[PciCard, ...] = ()
        self._driver: str | None = None
        self._cuda: str | None = None
        self._events: Any = None
        self._watched: dict[int, str] = {}  # a lost card's event comes with a handle that tells nothing any more
        self._xids: dict[str, tuple[int, float]] = {}
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
            self._collect_events(pynvml)
            gpus = tuple(self._all_rows(pynvml))
        except pynvml.NVMLError as error:
            self.close()
            return self._trouble(error.value)
        self._rest_when_idle(gpus)
        if not gpus:
            note = "The NVIDIA driver is there and sees no GPU."
            return GpuReading((), self._driver, note, "none", self._cuda)
        return GpuReading(gpus, self._driver, cuda=self._cuda)

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
        cards = self._cards = nvidia_cards(self._sysfs) or ()
        sleeping = tuple(_sleeping(card.address, n) for n, card in enumerate(cards))
        if cards and all(card.asleep for card in cards):
            note = "The NVIDIA GPU is asleep; looking at it would wake it."
            return GpuReading(sleeping, note=note, trouble="asleep")
        if self._clock() < self._resting_until:
            note = "The NVIDIA GPU is idle on battery; it is left alone, so that it can fall asleep."
            return GpuReading(sleeping, note=note, trouble="asleep")
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
            return self._trouble(error.value)
        self._driver = text(_ask(pynvml, pynvml.nvmlSystemGetDriverVersion))
        version = _ask(pynvml, pynvml.nvmlSystemGetCudaDriverVersion)
        self._cuda = f"{version // 1000}.{version % 1000 // 10}" if version else None
        self._open = True
        self._busy_at = self._clock()
        with contextlib.suppress(pynvml.NVMLError, AttributeError):
            self._events = pynvml.nvmlEventSetCreate()
        return None

    def _trouble(self, code: int) -> GpuReading:
        cards = nvidia_cards(self._sysfs)
        trouble, note = driver_trouble(code, cards, self._container, loaded_version(self._sysfs))
        return GpuReading(note=note, trouble=trouble)

    def _all_rows(self, nvml: Any) -> Iterator[Gpu]:
        """Every card and its instances. Where some sleep, the others are found by their address: to take a card's
        handle by its index would wake those before it."""
        count = nvml.nvmlDeviceGetCount()
        resting = {card.address for card in self._cards if asleep(self._sysfs, card.address)}
        if not resting or len(self._cards) == 1:  # one alone is awake as long as it is open here
            for index in range(count):
                place = self._cards[index].address if len(self._cards) == count else None
                yield from self._rows(nvml, index, place, partial(nvml.nvmlDeviceGetHandleByIndex, index))
            return
        for index, card in enumerate(self._cards):
            if card.address in resting:
                yield _sleeping(card.address, index)
            else:
                find = partial(nvml.nvmlDeviceGetHandleByPciBusId, card.address)
                yield from self._rows(nvml, index, card.address, find)

    def _rows(self, nvml: Any, index: int, place: str | None, find: Callable[[], Any]) -> tuple[Gpu, ...]:
        """The card, and below it its MIG instances. ``place``: its likely PCI address, for one that never answered."""
        try:
            handle = find()
            uuid = text(nvml.nvmlDeviceGetUUID(handle))
        except nvml.NVMLError as error:
            return (self._lost(index, place, *card_trouble(error.value)),)
        if uuid is None:
            return (self._lost(index, place, "unreadable", "It does not tell its identity."),)
        reader = self._readers.get(uuid)
        if reader is None:
            reader = self._readers[uuid] = CardReader(nvml, uuid, self._clock, self._driver)
        self._watch(nvml, handle, uuid)
        gpu = self._with_xid(reader.read(handle, index))
        return (gpu, *reader.instances(handle, index)) if gpu.mig else (gpu,)

    def _lost(self, index: int, place: str | None, trouble: str, problem: str) -> Gpu:
        known = next((reader for reader in self._readers.values() if reader.index == index), None)
        if known is not None:
            lost = Gpu(known.uuid, known.name, index, pci_address=known.pci_address)
        else:
            lost = Gpu(f"unread:{index}" if place is None else f"pci:{place}", "NVIDIA GPU", index, pci_address=place)
        return self._with_xid(replace(lost, problem=problem, trouble=trouble))

    def _with_xid(self, gpu: Gpu) -> Gpu:
        xid = self._xids.get(gpu.uuid)
        return gpu if xid is None else replace(gpu, xid=xid[0], xid_at=xid[1])

    def _watch(self, nvml: Any, handle: Any, uuid: str) -> None:
        """Ask the driver once for each card to be told of fatal errors (Xid); many systems do not offer it."""
        place = _pointer(handle)
        if self._events is None or place in self._watched:
            return
        self._watched[place] = uuid
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlDeviceRegisterEvents(handle, _XID_EVENT, self._events)

    def _collect_events(self, nvml: Any) -> None:
        if self._events is None or not self._watched:
            return
        for _ in range(16):  # never an endless storm; the rest comes with the next reading
            try:
                event = nvml.nvmlEventSetWait_v2(self._events, 0)
            except (nvml.NVMLError, AttributeError):
                return
            uuid, xid = self._watched.get(_pointer(event.device)), int(event.eventData)
            if (
                uuid is not None
                and event.eventType & _XID_EVENT
                and (uuid not in self._xids or xid not in FOLLOWING_XIDS)
            ):
                self._xids[uuid] = xid, time.time()

    def _rest_when_idle(self, gpus: tuple[Gpu, ...]) -> None:
        """On battery an open handle keeps a laptop's card awake: let go when nothing uses it."""
        now = self._clock()
        if any(gpu.pids or gpu.utilization_percent for gpu in gpus) or not on_battery(self._sysfs):
            self._busy_at = now
        elif now - self._busy_at >= _IDLE_S:
            self._resting_until = now + _REST_S
            self.close()


def _sleeping(address: str, index: int) -> Gpu:
    return Gpu(f"pci:{address}", "NVIDIA GPU (asleep)", index, pci_address=address, asleep=True)


def _pointer(handle: Any) -> int:
    """Where the driver keeps the device: the same for as long as it is open."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _ask(nvml: Any, function: Callable[[], T]) -> T | None:
    try:
        return function()
    except nvml.NVMLError:
        return None
