"""Made-up but plausible answers about miners: a log with a crash in it, a time line with trouble, a diagnosis."""

from __future__ import annotations

import math
import time
from typing import Any

from ranvier.agent.api.messages import (
    BundleCut,
    BundleFile,
    BundlePreview,
    CrashPlace,
    DiagnosisView,
    ExportLogs,
    GetMinerHistory,
    GetSecrets,
    LogCrash,
    LogHits,
    LogPage,
    MinerHistory,
    MinerSecrets,
    Moment,
    PlacedLine,
    ReadLog,
    SearchLog,
    SecretView,
)
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.payments import Payment
from ranvier.miners.status import ExitRecord

GB = 1_073_741_824
CRASH_AT = 41  # which of the lines
_RED, _GREEN, _DIM, _END = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def diagnosis() -> DiagnosisView:
    now = time.time()
    return DiagnosisView(
        cause="port_in_use",
        sentence="Port 8092 is in use by python3 (process 31 204).",
        evidence=(
            "OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8092): address already in use",
            "port 8092 is held by python3 (process 31204) now",
            "ended with code 1 after 8.2 s",
        ),
        step="End that program, or give this miner another port.",
        action="change_port",
        label="Take another port and start",
        known=True,
        since=now - 400,
        at=now - 8,
        ends=4,
    )


def lines(count: int = 120) -> tuple[PlacedLine, ...]:
    """A log that ends in a crash, with the colours that programs like."""
    now = time.time()
    info = f"{_GREEN}INFO{_END}  {_DIM}axon{_END}"
    work = (
        ("out", f"{info} query of 5DxQkLpe…p9 answered: 24 tokens in 0.41 s", "info"),
        ("out", f"{info} query of 5HPpvT2x…3d answered: 24 tokens in 0.39 s", "info"),
        ("err", "WARNING  validator 5Fc1…aa sent a stale nonce, refused with 401", "warning"),
    )  # fmt: skip
    crash = (
        ("err", "Traceback (most recent call last):", "error"),
        ("err", '  File "neurons/miner.py", line 211, in serve', "error"),
        ("err", "    await site.start()", "error"),
        ("err", f"{_RED}OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8092): "
                f"address already in use{_END}", "error"),
        ("keeper", "ended with code 1 after 8.2 s", "info"),
        ("keeper", "starting again in 32.4 s", "info"),
    )  # fmt: skip
    rows = [work[n % 3] for n in range(count)]
    rows[CRASH_AT - 5 : CRASH_AT + 1] = crash
    rows[-6:] = crash
    return tuple(
        PlacedLine(now - 2.1 * (count - n), stream, text, 900 + 90 * n, level)
        for n, (stream, text, level) in enumerate(rows)
    )


def log_page(command: ReadLog) -> LogPage:
    shown = lines()
    if command.after is not None:
        below = tuple(line for line in shown if command.after <= (line.position or 0))
        return LogPage(below, command.after, GB, 0, GB)
    if command.before is not None and command.before < GB:
        above = tuple(line for line in shown if (line.position or 0) < command.before)
        return LogPage(above, command.before - 90_000, command.before, 0, GB)
    return LogPage(shown, GB - 90_000, GB, 0, GB)


def hits(command: SearchLog) -> LogHits:
    found = tuple(line for line in lines() if "Errno" in line.text or "stale" in line.text)
    return LogHits(found[-16:-8], 900, False, GB)


_HOTKEY = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"


def history(command: GetMinerHistory) -> MinerHistory:
    """A bad day: a long run, an asked stop, an update, a lost endpoint, then a row of crashes. Its memory and its card
    fill until it is killed; while it does not run nothing of it is known."""
    now = time.time()
    until = now if command.until is None else command.until
    exits = (
        ExitRecord(now - 3000, None, 9, False, 5120.0),
        ExitRecord(now - 2300, 0, None, True, 660.0),
        ExitRecord(now - 620, 1, None, False, 1650.0),
        *(ExitRecord(now - 8 - 130 * n, 1, None, False, 60.0) for n in range(4, -1, -1)),
    )
    moments = (
        Moment(now - 2995, "incident", "The system ended it: the machine's memory was full.", "writer-2"),
        Moment(now - 2250, "updated", "Version 2 is being tried.", "writer-2"),
        Moment(now - 1700, "endpoint lost", "The sandbox does not answer.", "", "sandbox"),
        Moment(now - 1480, "endpoint back", "New blocks arrive.", "", "sandbox"),
        Moment(now - 1400, "kept", "Version 2 got healthy and is kept.", "writer-2"),
        Moment(now - 526, "incident", "Port 8092 is in use by python3 (process 31 204).", "writer-2"),
    )
    step = max(2.0, (until - command.since) / command.points)
    times = [until - step * n for n in range(int((until - command.since) / step), -1, -1)]
    return MinerHistory(
        since=command.since,
        until=until,
        samples=tuple(_sample(now, at, exits) for at in times if not 4300 < now - at < 4700 and now - at < 9000),
        moments=tuple(one for one in moments if one.at >= command.since),
        exits=tuple(one for one in exits if one.at >= command.since),
        pay=tuple(_paid(now, n) for n in range(40, 0, -1) if now - 310 * n >= command.since),
    )


def _sample(now: float, at: float, exits: tuple[ExitRecord, ...]) -> MinerSample:
    ago = now - at
    run = next((one for one in exits if one.at - one.ran_s <= at <= one.at), None)
    share = None if 1480 < ago < 1760 else 8000 - max(0.0, 3200 - ago) * 1.6
    if run is None:
        return MinerSample(at, machine_c=44.0, incentive=share)
    up = at - (run.at - run.ran_s)
    wave = math.sin(at / 45) + 0.4 * math.sin(at / 11)
    return MinerSample(
        at=at,
        cpu_percent=160 + 55 * wave,
        rss=int(3.1e9 + 1.2e6 * up),
        processes=4,
        gpu_percent=min(100.0, max(0.0, 78 + 24 * wave)),
        gpu_memory=int(min(23.4e9, 13.5e9 + 1.9e6 * up)),
        temperature_c=58 + 4 * wave + min(12.0, up / 90),
        machine_c=44.0,
        read_bps=2.4e6 * max(0.0, wave) if up > 60 else 210e6,
        write_bps=90_000 + 40_000 * wave,
        incentive=share,
    )


def _paid(now: float, n: int) -> Payment:
    missed = 2 <= n <= 7
    rao = 0 if missed else int(1.4e9 + 2e8 * math.sin(n))
    return Payment(1, 0, 48_200 - 26 * n, _HOTKEY, 7, int((now - 310 * n) * 1000), rao, 25_000_000, "0x" + "5e" * 32)


def bundle(command: ExportLogs) -> BundlePreview:
    return BundlePreview(
        (BundleFile("versions.txt", 84), BundleFile("status.json", 1210), BundleFile("program.txt", 640),
         BundleFile("recipe.toml", 911), BundleFile("log.txt", 412_330)),
        (BundleCut("log.txt", "network addresses", 18, "INFO  validator at [address]:41022 asked for 24 tokens"),
         BundleCut("log.txt", "passwords and tokens", 1, "downloading with token=[secret]"),
         BundleCut("program.txt", "your home folder", 3, "folder: ~/miners/writer")),
        command.path,
    )  # fmt: skip


def answers() -> dict[type, Any]:
    """For ``FakeClient.answers``."""
    return {
        ReadLog: log_page,
        SearchLog: hits,
        LogCrash: CrashPlace(900 + 90 * CRASH_AT, time.time() - 8, "ended with code 1 after 8.2 s"),
        GetMinerHistory: history,
        GetSecrets: MinerSecrets((SecretView("HF_TOKEN", ("HF_TOKEN",), True, True),)),
        ExportLogs: bundle,
    }
