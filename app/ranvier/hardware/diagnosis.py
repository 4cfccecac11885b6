"""What a sample means, in words: each finding is one sentence and one next step. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Gpu, GpuProcess, Hardware
from ranvier.hardware.thresholds import Thresholds

# Shares of limit and time from which something is worth a word; the person's own are in Thresholds.
_POWER_BELOW = 0.97
_BUSY_PERCENT = 30  # an idle card lowers its PCIe link to save power: no fault
_STEAL_PERCENT = 10.0
_HOST_MEMORY_FREE = 0.05
_FEW_FILES = 10_000
_HARMLESS = {"application clocks", "sync boost", "display clocks"}
_DRIVER_STEPS = {
    "no_driver": "Install the vendor's driver and restart the machine.",
    "mismatch": "Restart the machine; until then no CUDA program starts.",
    "nouveau": "Install NVIDIA's own driver, which switches nouveau off, and restart the machine.",
    "not_loaded": "Restart the machine; if it stays so, install the driver again (Secure Boot may refuse its module).",
    "no_permission": "Add this user to the group that owns /dev/nvidia* (often video or render) and log in again.",
    "container": "Install the NVIDIA Container Toolkit on the host and start the container with --gpus all.",
    "hangs": "Stop what uses the GPU; if it goes on, restart the machine.",
    "crashed": "Look for a GPU that fell off the bus; restart the machine if it does not come back by itself.",
    "ended": "Nothing, if it comes back by itself; otherwise look for what ends it, such as too little memory.",
    "silent": "Wait a moment; if it goes on, stop what uses the GPU and restart the machine.",
    "lost": "Restart the machine; check power cables and seating if it happens again.",
    "needs_reset": "Stop what uses the GPU, then restart the machine.",
    "no_reader": "Reinstall Ranvier, or nvidia-ml-py in its environment.",
    "unreadable": "Update the NVIDIA driver; restart the machine if it stays.",
    "container_lost": "Restart the container; on its host, follow NVIDIA's note on containers that lose their GPUs.",
    "no_power": "Switch the machine off and connect every power cable of the card.",
    "interrupts": "Restart the machine; if it returns, look for the card in the system's log and update the BIOS.",
    "inforom": "Update the driver and restart; if it stays, have the card repaired.",
    "blocked": "Give the container or the service access to /dev/nvidia* and start it again.",
}
_THROTTLE_STEPS = {
    "power limit": "This is normal at full load; raise the limit with nvidia-smi -pl only if supply and cooling allow.",
    "hardware slowdown": "Check the GPU's cooling, its power cables and the power supply.",
    "heat (software)": "Clean the fans, free the air flow, or lower the power limit.",
    "heat (hardware)": "Stop the load and check fans and heat sink: the card protects itself.",
    "power brake": "The power supply asks the card to slow down: check it and its cables.",
}
_CAUSES = {"power brake": "the power brake", "hardware slowdown": "its own protection"}
# What the driver writes for its gravest numbers: meaning and step. Others get a general sentence.
_XIDS = {
    13: ("a program did something illegal on the GPU", "Restart the miner; if it returns, update its software."),
    31: ("a program read memory that is not its own", "Restart the miner; if it returns, update its software."),
    43: ("a program on the GPU was stopped", "Restart the miner; if it returns, update its software."),
    45: ("programs on the GPU were cleared away", "Restart the miner."),
    48: ("memory had an error that could not be corrected", "Stop the miner, restart the machine, test the memory."),
    62: ("the GPU's own controller halted", "Restart the machine; if it returns, the card may be failing."),
    63: ("a memory row was taken out of use", "Restart the machine soon, so that the spare row is used."),
    64: ("a bad memory row could not be replaced", "Have the card replaced."),
    74: ("the NVLink connection failed", "Restart the machine and check the bridge."),
    79: ("the GPU fell off the bus", "Restart the machine; check power cables and seating."),
    94: ("a memory error was contained", "Restart the miner that was hit."),
    95: ("a memory error could not be contained", "Restart the machine; have the card tested."),
    119: ("the GPU's system processor did not answer", "Restart the machine; update the driver."),
}


_FOR_EACH = "-i {} "  # of nvidia-smi, which takes several cards: ``-i 0,1``
# Errors of programs, not of the card: told for so long.
_PROGRAM_XIDS, _PROGRAM_XID_S = {13, 31, 43, 45}, 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth knowing. ``code`` is for programs; no ``gpu_uuid``: the whole machine.

    ``about`` tells several of one code apart: the reason of a throttling, the folder of a disk.
    """

    code: str
    level: Level
    title: str
    text: str
    next_step: str
    gpu_uuid: str | None = None
    miner_id: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known. ``miner_pids``: each miner's processes; ``miner_gpus``: the GPUs a miner may use (empty:
    those where it is seen); ``miner_cuda``: the CUDA version its torch was built for, as (major, minor)."""

    miner_pids: Mapping[str, frozenset[int]] = field(default_factory=dict)
    miner_gpus: Mapping[str, frozenset[str]] = field(default_factory=dict)
    miner_cuda: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    miner_names: Mapping[str, str] = field(default_factory=dict)


def diagnose(
    history: Sequence[Hardware], around: Surroundings | None = None, limits: Thresholds | None = None
) -> tuple[Finding, ...]:
    """Findings about the newest of ``history`` (oldest first), worst first. The older ones tell for how long."""
    if not history:
        return ()
    around, limits = around or Surroundings(), limits or Thresholds()
    now = history[-1]
    found = [*_driver(now), *_host(now, limits), *_cuda(now, around), *_missing(now, around)]
    for gpu in now.gpus:
        if gpu.problem is not None:
            found += _broken(gpu, now)
        elif not gpu.asleep:
            found += [*_throttled(gpu, history), *_power(gpu, limits), *_link(gpu), *_errors(gpu, now.at)]
            found += [*_memory(gpu, limits), *_too_hot(gpu, limits), *_strangers(gpu, around)]
    order = (Level.BAD, Level.WARN, Level.UNKNOWN, Level.BUSY, Level.GOOD, Level.OFF)
    return tuple(sorted(found, key=lambda finding: order.index(finding.level)))


def together(found: Iterable[Finding], gpus: Iterable[Gpu]) -> list[tuple[Finding, str]]:
    """Each finding with what it is about, in order; what is the same of several equal cards is said once:
    ``GPU 0, 1, 2 · NVIDIA GeForce RTX 4090``."""
    cards = {gpu.uuid: gpu for gpu in gpus}
    same: dict[tuple[object, ...], tuple[Finding, list[int], str]] = {}
    for one in found:
        gpu = None if one.miner_id is not None else cards.get(one.gpu_uuid or "")
        name = one.title if gpu is None else gpu.name
        step = one.next_step if gpu is None else one.next_step.replace(f"-i {gpu.index} ", _FOR_EACH)
        one = replace(one, next_step=step)
        alike = replace(one, gpu_uuid=None), None if gpu is None else gpu.parent_uuid or name, name
        if gpu is not None:
            same.setdefault(alike, (one, [], name))[1].append(gpu.index)
        else:
            same[(*alike, len(same))] = one, [], name
    return [
        (
            replace(one, next_step=one.next_step.replace(_FOR_EACH, f"-i {','.join(map(str, places))} ")),
            f"GPU {', '.join(map(str, places))} · {name}" if places else name,
        )
        for one, places, name in same.values()
    ]


def throttled_for(history: Sequence[Hardware], uuid: str) -> dict[str, float]:
    """For each reason that holds now: the seconds since when it has held without a break."""
    since: dict[str, float] = {}
    for sample in history:
        gpu = next((gpu for gpu in sample.gpus if gpu.uuid == uuid), None)
        reasons = (gpu.throttle_reasons or ()) if gpu is not None else ()
        since = {reason: since.get(reason, sample.at) for reason in reasons}
    return {reason: history[-1].at - start for reason, start in since.items()} if history else {}


def _driver(now: Hardware) -> Iterable[Finding]:
    if now.gpu_note is None or now.gpu_trouble in ("asleep", "closed", "starting"):
        return
    if now.gpu_trouble in (None, "none"):
        yield Finding("no_gpu", Level.OFF, "No GPU", now.gpu_note, "A node for CPU work needs none.")
        return
    code = now.gpu_trouble
    step = _DRIVER_STEPS.get(code, "Restart the machine.")
    yield Finding(code, Level.BAD, "GPU driver", _first_sentence(now.gpu_note), step)


def _broken(gpu: Gpu, now: Hardware) -> Iterable[Finding]:
    code = gpu.trouble or "unreadable"
    if code == now.gpu_trouble:
        return  # the driver's own finding says it once for all cards
    text = _first_sentence(gpu.problem or "")
    if gpu.xid is not None:
        text += f" The driver's last error was Xid {gpu.xid}."
    yield Finding(code, Level.BAD, gpu.name, text, _DRIVER_STEPS.get(code, "Restart the machine."), gpu.uuid)


def _throttled(gpu: Gpu, history: Sequence[Hardware]) -> Iterable[Finding]:
    reasons = throttled_for(history, gpu.uuid)
    causes = {"heat (hardware)", "power brake"} & reasons.keys()
    for reason, seconds in reasons.items():
        if reason in _HARMLESS or (reason == "hardware slowdown" and causes):
            continue  # the driver sets the slowdown's own bit beside its cause's
        level = Level.BUSY if reason == "power limit" else Level.WARN
        lasting = f", {_lasting(seconds)}" if len(history) > 1 else ""
        text = f"It is slowed down by {_cause(reason, gpu)}{lasting}."
        step = _THROTTLE_STEPS.get(reason, "Look at temperature and power.")
        yield Finding("throttled", level, gpu.name, text, step, gpu.uuid, about=reason)


def _too_hot(gpu: Gpu, limits: Thresholds) -> Iterable[Finding]:
    if limits.hot_c and gpu.temperature_c is not None and gpu.temperature_c >= limits.hot_c:
        text = f"It is at {gpu.temperature_c} °C; your threshold is {limits.hot_c} °C."
        step = "Free the air flow or lower the power limit; the threshold is in Settings."
        yield Finding("hot", Level.WARN, gpu.name, text, step, gpu.uuid)


def _power(gpu: Gpu, limits: Thresholds) -> Iterable[Finding]:
    limit, default = gpu.power_limit_w, gpu.power_default_w
    if limit is not None and default is not None and limit < default * _POWER_BELOW:
        level = Level.WARN if limit * 100 < default * limits.power_limit_percent else Level.BUSY
        text = f"The power limit is {limit:.0f} W, below the card's own {default:.0f} W."
        step = f"If nobody set it on purpose: nvidia-smi -i {gpu.index} -pl {default:.0f}"
        yield Finding("power_limit", level, gpu.name, text, step, gpu.uuid)


def _link(gpu: Gpu) -> Iterable[Finding]:
    """Width tells at any time; the generation only under load, because an idle card lowers it."""
    width, widest = gpu.pcie_width, gpu.pcie_width_max
    now, best = gpu.pcie_generation, gpu.pcie_generation_max
    narrow = bool(width and widest and width < widest)
    slow = bool(now and best and now < best) and (gpu.utilization_percent or 0) >= _BUSY_PERCENT
    if narrow or slow:
        text = (
            f"Its PCIe link runs at generation {now or '?'} x{width or '?'}; it can do {best or '?'} x{widest or '?'}."
        )
        step = "Check slot, riser and BIOS. Loading models is slower; answering is hardly so on a single GPU."
        yield Finding("pcie_link", Level.WARN, gpu.name, text, step, gpu.uuid)


def _errors(gpu: Gpu, now: float) -> Iterable[Finding]:
    if gpu.ecc_uncorrected:
        text = f"Its memory had {gpu.ecc_uncorrected} errors since the start that could not be corrected."
        step = "Restart the machine; if the number rises again, have the card tested."
        yield Finding("ecc", Level.BAD, gpu.name, text, step, gpu.uuid)
    past = 0.0 if gpu.xid_at is None else max(0.0, now - gpu.xid_at)
    if gpu.xid is not None and not (gpu.xid in _PROGRAM_XIDS and past >= _PROGRAM_XID_S):
        meaning, step = _XIDS.get(gpu.xid, ("see NVIDIA's list of Xid errors", "Restart the miner, then the machine."))
        text = f"The driver reported Xid {gpu.xid}{_ago(past)}: {meaning}."
        yield Finding("xid", Level.BAD, gpu.name, text, step, gpu.uuid)


def _memory(gpu: Gpu, limits: Thresholds) -> Iterable[Finding]:
    if not limits.memory_percent or not gpu.memory_total or gpu.memory_used is None:
        return
    if gpu.memory_used * 100 < limits.memory_percent * gpu.memory_total:
        return
    free = max(0, gpu.memory_total - gpu.memory_used) / 2**30
    users = sorted(gpu.processes or (), key=lambda process: -(process.memory or 0))[:3]
    whom = f", used by {', '.join(_program(user) for user in users)}" if users else ""
    text = f"Its memory is nearly full: {free:.1f} GiB free{whom}."
    step = "If the miner fails with out of memory, shorten its context or its cache, or end the other program."
    yield Finding("memory_full", Level.WARN, gpu.name, text, step, gpu.uuid)


def _strangers(gpu: Gpu, around: Surroundings) -> Iterable[Finding]:
    """Programs that are no miner's on a GPU that a miner uses. Small ones (a desktop) are no news."""
    here = frozenset(process.pid for process in gpu.processes or ())
    miners = [
        miner for miner, pids in around.miner_pids.items()
        if pids & here or gpu.uuid in around.miner_gpus.get(miner, frozenset())
    ]  # fmt: skip
    if not miners:
        return
    ours = frozenset(pid for pids in around.miner_pids.values() for pid in pids)
    others = [
        process for process in gpu.processes or ()
        if process.pid not in ours and (process.memory is None or process.memory >= 512 * 2**20)
    ]  # fmt: skip
    if others:
        title = around.miner_names.get(miners[0], miners[0])
        text = (
            f"Another program works on GPU {gpu.index}, {gpu.name}: {', '.join(_program(other) for other in others)}."
        )
        step = "End it, or expect slower answers and less memory for the miner."
        yield Finding("stranger", Level.WARN, title, text, step, gpu.uuid, miners[0])


def _cuda(now: Hardware, around: Surroundings) -> Iterable[Finding]:
    """A driver serves programs of its own CUDA generation and older; within one generation minor versions mix."""
    if now.cuda is None:
        return
    major, _, minor = now.cuda.partition(".")
    have = (int(major), int(minor or 0))
    for miner, wanted in around.miner_cuda.items():
        title = around.miner_names.get(miner, miner)
        if wanted[0] > have[0]:
            text = f"Its torch was built for CUDA {wanted[0]}.{wanted[1]}; this driver serves up to {now.cuda}."
            step = "Update the NVIDIA driver, or install a torch for an older CUDA in the miner's environment."
            yield Finding("cuda_old", Level.BAD, title, text, step, None, miner)


def _missing(now: Hardware, around: Surroundings) -> Iterable[Finding]:
    """A miner's card that is not there. Where the driver is in trouble, that is told instead."""
    if now.gpu_trouble not in (None, "none", "asleep"):
        return
    if any((gpu.asleep or gpu.problem) and gpu.uuid.startswith(("pci:", "unread:")) for gpu in now.gpus):
        return  # one that sleeps, or never answered, may be it
    present = {gpu.uuid for gpu in now.gpus}
    for miner, wanted in around.miner_gpus.items():
        for uuid in sorted(wanted - present):
            text = f"Its card ({uuid}) is not on this machine now."
            step = "Restart the machine if it was there before; or give the miner another card."
            title = around.miner_names.get(miner, miner)
            yield Finding("missing", Level.BAD, title, text, step, None, miner, uuid)


def _host(now: Hardware, limits: Thresholds) -> Iterable[Finding]:
    host = now.host
    for disk in host.disks:
        if disk.read_only:
            text = f"The disk of {disk.path} is mounted read-only; nothing can be kept there."
            step = "Check the system's log for disk errors, then mount it for writing."
            yield Finding("disk_read_only", Level.BAD, "Disk", text, step, about=disk.path)
        elif disk.free < min(limits.disk_free_gb * 1e9, disk.total / 2):
            text = f"The disk of {disk.path} has {disk.free / 1e9:.1f} GB left."
            yield Finding("disk_full", Level.WARN, "Disk", text, "Free some space; models and logs need it.",
                          about=disk.path)  # fmt: skip
        if disk.errors:
            text = f"The file system of {disk.path} has noted {disk.errors} errors in itself."
            step = "Save what matters, then have the disk checked (fsck, smartctl)."
            yield Finding("disk_errors", Level.BAD, "Disk", text, step, about=disk.path)
        if disk.inodes_free is not None and disk.inodes_free < _FEW_FILES:
            text = f"The disk of {disk.path} can take {disk.inodes_free} files more, whatever space is left."
            yield Finding("disk_files", Level.WARN, "Disk", text, "Delete many small files, such as old caches.",
                          about=disk.path)  # fmt: skip
    if host.memory_total and host.memory_available < _HOST_MEMORY_FREE * host.memory_total:
        text = f"{host.memory_available / 2**30:.1f} GiB of memory are left; the system may end a miner to get more."
        yield Finding("host_memory", Level.WARN, "Memory", text, "Close other programs or add swap.")
    if host.steal_percent is not None and host.steal_percent >= _STEAL_PERCENT:
        text = f"The hypervisor gives {host.steal_percent:.0f} % of this machine's time to others."
        yield Finding("steal", Level.WARN, "Processor", text, "Ask the provider for a less crowded host.")
    if host.on_battery:
        text = "The machine runs on battery; GPUs are slower and a miner empties it soon."
        yield Finding("battery", Level.WARN, "Power", text, "Plug it in before mining.")


def _cause(reason: str, gpu: Gpu) -> str:
    if reason == "power limit" and gpu.power_limit_w is not None:
        return f"its power limit of {gpu.power_limit_w:.0f} W"
    if reason.startswith("heat") and gpu.temperature_c is not None:
        return f"{reason} at {gpu.temperature_c} °C"
    return _CAUSES.get(reason, reason)


def _lasting(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    return f"for {seconds:.0f} s" if seconds < 120 else f"for {seconds / 60:.0f} min"


def _ago(seconds: float) -> str:
    if seconds < 60:
        return ""
    return f", {seconds / 60:.0f} min ago" if seconds < 7200 else f", {seconds / 3600:.0f} h ago"


def _program(process: GpuProcess) -> str:
    name = process.name or "a program"
    memory = "" if process.memory is None else f", {process.memory / 2**30:.1f} GiB"
    return f"{name} (pid {process.pid}{memory})"


def _first_sentence(text: str) -> str:
    """The notes carry a step of their own; the finding has its own place for that."""
    return text.split(". ")[0].rstrip(".") + "."
