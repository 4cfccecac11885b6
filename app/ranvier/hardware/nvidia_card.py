"""One NVIDIA card: what never changes is asked once, what is slow every five seconds, the rest each time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ranvier.hardware.nvidia_words import ARCHITECTURES, LOST, NEEDS_RESET, NO_FUNCTION, REASONS, card_trouble
from ranvier.hardware.snapshot import Gpu, GpuProcess

T = TypeVar("T")

_SLOW_EVERY_S = 5.0  # process lists take milliseconds under the driver's lock
_NOT_AVAILABLE = 2**64 - 1  # what older drivers write into a field they do not know
_NOT_AVAILABLE_32 = 2**32 - 1
# These drivers fill version 3 of the process lists with entries of another size than all others: pids become nonsense.
_ODD_LISTS = ((535, 43), (535, 98))


@dataclass
class _Slow:
    """What was read last of the slow fields, and when to read again."""

    due: float = 0.0
    processes: tuple[GpuProcess, ...] | None = None
    fan: int | None = None
    pcie: tuple[int | None, int | None] = (None, None)
    ecc: int | None = None


class CardReader:
    """Reads the card ``uuid`` again and again. ``nvml`` is the module pynvml, ``driver`` the driver's version."""

    def __init__(self, nvml: Any, uuid: str, clock: Callable[[], float], driver: str | None = None) -> None:
        self._nvml, self.uuid, self._clock = nvml, uuid, clock
        self._lists = _list_versions(driver)
        self.index = -1
        self.name = ""
        self.pci_address: str | None = None
        self._fixed: dict[str, Any] | None = None
        self._slow: dict[str, _Slow] = {}

    def read(self, handle: Any, index: int) -> Gpu:
        """The card now. ``problem`` is set, and nothing else, when the card fails as a whole."""
        nvml, ask = self._nvml, _Asker(self._nvml, handle)
        self.index = index
        if self._fixed is None:
            self._fixed = self._read_fixed(ask)
            self.name = self._fixed.pop("name") or f"GPU {index}"
            self.pci_address = self._fixed["pci_address"]
        slow = self._read_slow(ask, self.uuid)
        total, used, reserved = ask.memory()
        rates = ask(nvml.nvmlDeviceGetUtilizationRates)
        energy = number(ask(nvml.nvmlDeviceGetTotalEnergyConsumption))
        mode = ask(nvml.nvmlDeviceGetMigMode)
        gpu = Gpu(
            uuid=self.uuid,
            name=self.name,
            index=index,
            memory_total=total,
            memory_used=used,
            memory_reserved=reserved,
            unified_memory=ask.no_own_memory,
            utilization_percent=None if rates is None else number(rates.gpu),
            memory_busy_percent=None if rates is None else number(rates.memory),
            temperature_c=number(
                ask.newest(("nvmlDeviceGetTemperature", "nvmlDeviceGetTemperatureV"), nvml.NVML_TEMPERATURE_GPU)
            ),
            power_w=watts(ask(nvml.nvmlDeviceGetPowerUsage)),
            power_limit_w=watts(ask(nvml.nvmlDeviceGetEnforcedPowerLimit)),
            clock_sm_mhz=number(ask(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM)),
            clock_memory_mhz=number(ask(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_MEM)),
            performance_state=_state(ask(nvml.nvmlDeviceGetPerformanceState)),
            throttle_reasons=ask.throttle_reasons(),
            energy_j=None if energy is None else energy / 1000,
            processes=slow.processes,
            pids=None if slow.processes is None else tuple(process.pid for process in slow.processes),
            fan_percent=slow.fan,
            pcie_generation=slow.pcie[0],
            pcie_width=slow.pcie[1],
            ecc_uncorrected=slow.ecc,
            mig=bool(mode and mode[0]),
            **self._fixed,
        )
        if ask.fatal is not None:
            trouble, problem = card_trouble(ask.fatal)
            self._slow.clear()
            return Gpu(self.uuid, self.name, index, problem=problem, trouble=trouble, pci_address=self.pci_address)
        return gpu

    def instances(self, handle: Any, index: int) -> tuple[Gpu, ...]:
        """The card's MIG instances, as rows of their own. They have memory and programs, no utilisation."""
        nvml = self._nvml
        most = _Asker(nvml, handle)(nvml.nvmlDeviceGetMaxMigDeviceCount) or 0
        rows = []
        for place in range(most):
            try:
                child = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)
                uuid = text(nvml.nvmlDeviceGetUUID(child))
            except nvml.NVMLError:
                continue  # places may be empty
            ask = _Asker(nvml, child)
            total, used, reserved = ask.memory()
            slow = self._slow.setdefault(uuid or f"{self.uuid}/{place}", _Slow())
            if self._clock() >= slow.due:
                slow.due, slow.processes = self._clock() + _SLOW_EVERY_S, ask.processes(self._lists)
            rows.append(
                Gpu(
                    uuid=uuid or f"{self.uuid}/{place}",
                    name=text(ask(nvml.nvmlDeviceGetName)) or f"{self.name} MIG {place}",
                    index=index,
                    memory_total=total,
                    memory_used=used,
                    memory_reserved=reserved,
                    processes=slow.processes,
                    pids=None if slow.processes is None else tuple(process.pid for process in slow.processes),
                    parent_uuid=self.uuid,
                    mig=True,
                    compute_capability=None if self._fixed is None else self._fixed["compute_capability"],
                )
            )
        return tuple(rows)

    def _read_fixed(self, ask: _Asker) -> dict[str, Any]:
        nvml = self._nvml
        pci = ask(nvml.nvmlDeviceGetPciInfo)
        capability = ask(nvml.nvmlDeviceGetCudaComputeCapability)
        return {
            "name": text(ask(nvml.nvmlDeviceGetName)),
            "pci_address": None if pci is None else _address(text(pci.busId)),
            "compute_capability": None if capability is None else f"{capability[0]}.{capability[1]}",
            "architecture": ARCHITECTURES.get(ask(nvml.nvmlDeviceGetArchitecture) or -1),
            "cores": number(ask(nvml.nvmlDeviceGetNumGpuCores)),
            "memory_bus_bits": number(ask(nvml.nvmlDeviceGetMemoryBusWidth)),
            "pcie_generation_max": number(ask(nvml.nvmlDeviceGetMaxPcieLinkGeneration)),
            "pcie_width_max": number(ask(nvml.nvmlDeviceGetMaxPcieLinkWidth)),
            "clock_sm_max_mhz": number(ask(nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_SM)),
            "clock_memory_max_mhz": number(ask(nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_MEM)),
            "power_default_w": watts(ask(nvml.nvmlDeviceGetPowerManagementDefaultLimit)),
            "temperature_shutdown_c": number(ask(nvml.nvmlDeviceGetTemperatureThreshold, 0)),
            "temperature_slowdown_c": number(ask(nvml.nvmlDeviceGetTemperatureThreshold, 1)),
        }

    def _read_slow(self, ask: _Asker, key: str) -> _Slow:
        nvml, now = self._nvml, self._clock()
        slow = self._slow.setdefault(key, _Slow())
        if now >= slow.due:
            slow.due = now + _SLOW_EVERY_S
            slow.processes = ask.processes(self._lists)
            slow.fan = number(ask(nvml.nvmlDeviceGetFanSpeed))
            slow.pcie = (
                number(ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration)),
                number(ask(nvml.nvmlDeviceGetCurrPcieLinkWidth)),
            )
            slow.ecc = number(ask(nvml.nvmlDeviceGetTotalEccErrors, 1, 0))  # uncorrected, since the last boot
        return slow


class _Asker:
    """Asks one handle; remembers the one error that is about the whole card."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        self.fatal: int | None = None
        self.error: int | None = None  # of the newest call
        self.no_own_memory = False

    def __call__(self, function: Callable[..., T], *arguments: Any) -> T | None:
        if self.fatal is not None:
            return None  # a card that is gone is asked nothing more: such calls are the ones that crash
        self.error = None
        try:
            return function(self._handle, *arguments)
        except self._nvml.NVMLError as error:
            self.error = error.value
            if error.value in (LOST, NEEDS_RESET):
                self.fatal = error.value
            return None
        except (ValueError, OSError):
            return None

    def newest(self, names: tuple[str, ...], *arguments: Any) -> Any:
        """The answer of the first of these functions that both the driver and pynvml know."""
        for name in names:
            function = getattr(self._nvml, name, None)
            if function is not None:
                answer = self(function, *arguments)
                if self.error != NO_FUNCTION:
                    return answer
        return None

    def memory(self) -> tuple[int | None, int | None, int | None]:
        """Total, used and reserved bytes. Version 2 counts the reserve apart; version 1 is the fallback."""
        nvml = self._nvml
        info: Any = None
        if hasattr(nvml, "nvmlMemory_v2"):
            info = self(nvml.nvmlDeviceGetMemoryInfo, nvml.nvmlMemory_v2)
        info = info or self(nvml.nvmlDeviceGetMemoryInfo)
        total = None if info is None else number(info.total)
        if not total:
            self.no_own_memory = info is not None  # machines with one memory for both: some drivers say 0
            return None, None, None
        return total, number(info.used), number(getattr(info, "reserved", None))

    def throttle_reasons(self) -> tuple[str, ...] | None:
        bits = number(
            self.newest(("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"))
        )
        return None if bits is None else tuple(words for bit, words in REASONS if bits & bit)

    def processes(self, versions: tuple[str, ...]) -> tuple[GpuProcess, ...] | None:
        """Who is on it. The unversioned functions of pynvml are never asked: with a driver older than 510 they raise
        what is no NVMLError."""
        found: dict[int, tuple[int | None, str]] = {}
        known = False
        for kind, name in (("C", "Compute"), ("G", "Graphics")):
            entries = self.newest(tuple(f"nvmlDeviceGet{name}RunningProcesses_{version}" for version in versions))
            known = known or entries is not None
            for entry in entries or ():
                memory, pid = number(entry.usedGpuMemory), int(entry.pid)
                before = found.get(pid)
                if before is None:
                    found[pid] = memory, kind
                else:
                    found[pid] = memory if before[0] is None else before[0], "C+G" if kind != before[1] else kind
        if not known:
            return None
        return tuple(GpuProcess(pid, memory, kind=kind) for pid, (memory, kind) in sorted(found.items()))


def _list_versions(driver: str | None) -> tuple[str, ...]:
    """Which versions of the process lists to ask a driver for, best first."""
    parts = [int(part) for part in (driver or "").split(".")[:2] if part.isdigit()]
    odd = _ODD_LISTS[0] <= tuple(parts) < _ODD_LISTS[1]
    return ("v2",) if odd else ("v3", "v2")


def text(value: Any) -> str | None:
    """A driver's string, or None for an empty one."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else None


def number(value: Any) -> int | None:
    """A driver's number; its ways of saying "not known" become None."""
    with contextlib.suppress(TypeError, ValueError):
        whole = int(value)
        return None if whole < 0 or whole >= _NOT_AVAILABLE or whole == _NOT_AVAILABLE_32 else whole
    return None


def watts(milliwatts: Any) -> float | None:
    value = number(milliwatts)
    return None if value is None else round(value / 1000, 1)


def _state(value: Any) -> int | None:
    state = number(value)
    return None if state is None or state > 15 else state  # 32 is "unknown"


def _address(bus_id: str | None) -> str | None:
    """``00000000:01:00.0`` as the kernel writes it: ``0000:01:00.0``."""
    if bus_id is None:
        return None
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest else bus_id.lower()
