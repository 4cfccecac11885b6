"""A card and the machine over time, as lanes on one axis. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ui.models.card_pay import Paid
from ranvier.ui.models.gpus import Points, cpu_points, gpu_points, memory_percent, memory_points, network_points
from ranvier.ui.models.miner_history import Curve, Lines, pay_dot
from ranvier.ui.widgets.charts.series import thinned
from ranvier.ui.words import percent_text, power_text, rate_text, temperature_text

_MOST = 600  # points of a line: more are not seen side by side


def host_lines(samples: Sequence[Hardware], start: float, end: float) -> Lines:
    """The machine's processor, memory and network between two moments."""
    sent, received = network_points(samples)
    return Lines(
        start,
        end,
        events=False,
        paid=False,
        curves=(
            Curve("Processor", (_line("processor", cpu_points(samples)),), percent_text, top=100.0),
            Curve("Memory", (_line("memory", memory_points(samples)),), percent_text, top=100.0),
            Curve("Network", (_line("sent", sent), _line("received", received)), rate_text),
        ),
    )


def card_lines(
    samples: Sequence[Hardware], gpu: Gpu, start: float, end: float, *, hot_c: int = 0, paid: Sequence[Paid] | None = ()
) -> Lines:
    """One card and the pay of the miners on it. ``gpu`` is its newest reading; ``hot_c`` the person's threshold (0:
    none); ``paid`` None: nobody has said yet."""
    heat = [(float(hot_c), "your threshold")] if hot_c else []
    if gpu.temperature_slowdown_c is not None:
        heat.append((float(gpu.temperature_slowdown_c), "slows down"))
    limit = () if gpu.power_limit_w is None else ((gpu.power_limit_w, "limit"),)
    uuid = gpu.uuid
    use = gpu_points(samples, uuid, lambda one: one.utilization_percent)
    memory = gpu_points(samples, uuid, memory_percent)
    silent = "not told: the card is cut into instances" if gpu.mig else "not known in this time"
    rows = [(row, one.name) for one in paid or () for row in one.rows]
    return Lines(
        start,
        end,
        events=False,
        curves=(
            Curve("Use", (_line("use", use),), percent_text, top=100.0, none=silent),
            Curve("Memory", (_line("memory", memory),), percent_text, top=100.0),
            Curve("Heat", (_line("heat", gpu_points(samples, uuid, lambda one: one.temperature_c)),), temperature_text,
                  floor=None, limits=tuple(heat)),
            Curve("Power", (_line("power", gpu_points(samples, uuid, lambda one: one.power_w)),), power_text,
                  limits=limit),
        ),
        pay=tuple(pay_dot(row, name) for row, name in rows),
        pay_note=_pay_note(paid, known=bool(rows)),
    )  # fmt: skip


def _pay_note(paid: Sequence[Paid] | None, *, known: bool) -> str:
    if paid is None:
        return "the ledger has not answered yet"
    if not paid:
        return "no miner of this machine was on this card"
    return "" if known else next((one.doubt for one in paid if one.doubt), "")


def _line(name: str, points: Points) -> tuple[str, Points]:
    return name, tuple(thinned(points, _MOST))
