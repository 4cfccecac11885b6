"""A sample as text for a terminal: the machine, a table of GPUs in nvidia-smi's units and order, who uses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ranvier.hardware.diagnosis import Finding, together
from ranvier.hardware.snapshot import Gpu, Hardware, Host

_MIB = 2**20
_HEAD = ("GPU", "Name", "Temp", "Use", "Memory", "Power", "Clock", "Fan", "PCIe", "State")
_USERS = ("GPU", "PID", "Type", "Memory", "Program")
_RIGHT = {"Temp", "Use", "Memory", "Power", "Clock", "Fan", "PID"}


def text(sample: Hardware, findings: Sequence[Finding]) -> str:
    """Everything, ending with what is wrong and what to do about it. Unknown is ``?``."""
    parts = ["\n".join(_host(sample.host))]
    if sample.driver is not None:
        parts.append(f"NVIDIA driver {sample.driver}" + (f", CUDA up to {sample.cuda}" if sample.cuda else ""))
    if sample.gpus:
        parts.append(table(_HEAD, [_card(gpu) for gpu in sample.gpus]))
        users = list(_users(sample.gpus))
        parts.append(table(_USERS, users) if users else "No program is seen on a GPU.")
        ids = [(_place(gpu), gpu.uuid, gpu.pci_address or "?") for gpu in sample.gpus]
        parts.append(table(("GPU", "UUID", "PCI address"), ids))
    if sample.gpu_note is not None and not any(one.code in ("no_gpu", sample.gpu_trouble) for one in findings):
        parts.append(sample.gpu_note)
    told = together(findings, sample.gpus)
    parts += [f"{one.level.upper()}  {about}: {one.text}\n      {one.next_step}" for one, about in told]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need; figures to the right."""
    wide = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(cells, wide, head, strict=True)
        )  # fmt: skip
        return "  ".join(placed).rstrip()

    return "\n".join(line(cells) for cells in (head, *rows))


def _host(host: Host) -> Iterator[str]:
    where = ", ".join(word for word in (host.virtual, host.container, host.wsl and f"WSL {host.wsl}") if word)
    yield f"{host.name}: {host.system}{f' ({where})' if where else ''}, up {_lasting(host.uptime_s)}"
    cores = f"{host.cores_physical or '?'} cores, {host.cores_logical} threads"
    steal = f", {host.steal_percent:.0f} % taken by the hypervisor" if host.steal_percent else ""
    heat = "" if host.temperature_c is None else f", {host.temperature_c:.0f} °C"
    yield (
        f"processor: {host.cpu_name or 'unknown'}, {cores}, {_value(host.cpu_percent, ' %')} busy, "
        f"load {_value(host.load_1min)}{steal}{heat}"
    )
    swap = "" if not host.swap_total else f", swap {_gib(host.swap_used)} of {_gib(host.swap_total)} GiB used"
    yield f"memory: {_gib(host.memory_available)} of {_gib(host.memory_total)} GiB available{swap}"
    for disk in host.disks:
        kind = {True: "spinning", False: "flash", None: None}[disk.rotational]
        notes = [word for word in (disk.file_system, kind, "read-only" if disk.read_only else None) if word]
        space = f"{disk.free / 1e9:.0f} of {disk.total / 1e9:.0f} GB free"
        yield f"disk of {disk.path}: {space} ({', '.join(notes) or '?'})"
    yield f"network: {_rate(host.net_sent_bps)} sent, {_rate(host.net_received_bps)} received"
    if host.battery_percent is not None:
        yield f"battery: {host.battery_percent:.0f} %{', in use' if host.on_battery else ''}"


def _card(gpu: Gpu) -> tuple[str, ...]:
    if gpu.problem or gpu.asleep:
        return (
            _place(gpu),
            gpu.name,
            *("" for _ in _HEAD[2:-1]),
            "asleep" if gpu.asleep else gpu.trouble or "unreadable",
        )
    link = "?" if gpu.pcie_width is None else f"{gpu.pcie_generation or '?'} x{gpu.pcie_width}"
    fan = f"{gpu.fan_rpm} rpm" if gpu.fan_percent is None and gpu.fan_rpm is not None else _value(gpu.fan_percent, " %")
    state = "?" if gpu.throttle_reasons is None else ", ".join(gpu.throttle_reasons) or "ok"
    part = gpu.parent_uuid is not None
    return (
        _place(gpu),
        gpu.name,
        "" if part else _value(gpu.temperature_c, " °C"),
        "" if part else _value(gpu.utilization_percent, " %"),
        f"{_mib(gpu.memory_used)} / {_mib(gpu.memory_total)} MiB",
        "" if part else f"{_whole(gpu.power_w)} / {_whole(gpu.power_limit_w)} W",
        "" if part else _value(gpu.clock_sm_mhz, " MHz"),
        "" if part else fan,
        "" if part else link,
        "instance" if part else f"{state}, MIG" if gpu.mig else state,
    )


def _users(gpus: Sequence[Gpu]) -> Iterator[tuple[str, ...]]:
    for gpu in gpus:
        for one in gpu.processes or ():
            memory = "?" if one.memory is None else f"{one.memory // _MIB} MiB"
            yield _place(gpu), str(one.pid), one.kind or "?", memory, one.name or "?"


def _place(gpu: Gpu) -> str:
    return f"{gpu.index} part" if gpu.parent_uuid is not None else str(gpu.index)


def _lasting(seconds: float) -> str:
    hours = int(seconds // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h {int(seconds % 3600 // 60)} min"


def _rate(bytes_s: float | None) -> str:
    return "unknown" if bytes_s is None else f"{bytes_s / 1e6:.2f} MB/s"


def _value(value: float | None, unit: str = "") -> str:
    return "?" if value is None else f"{value:g}{unit}"


def _whole(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _mib(size: int | None) -> str:
    return "?" if size is None else str(size // _MIB)


def _gib(size: int | None) -> str:
    return "?" if size is None else f"{size / 2**30:.1f}"
