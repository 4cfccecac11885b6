"""Searching, paging and jumping in logs; compressed segments read as the others; nothing depends on the log's size."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.core.errors import MinerError
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.levels import level_of, plain
from ranvier.miners.logs.log_format import ERR, OUT, RECORD, data_name, held, index_name
from ranvier.miners.logs.log_search import Query, crashes, last_crash, search
from ranvier.miners.logs.logs import before, bounds, tail


def writer(folder: Path, segment: int = 1 << 16, total: int = 64 << 20) -> LogWriter:
    return LogWriter(str(folder / "logs"), segment, total)


def pack(log: LogWriter) -> None:
    while log.packer.busy:
        log.packer.step()


def texts(folder: Path, query: Query, **more: object) -> list[str]:
    """All hits, however many calls that takes."""
    found, start = [], None
    while True:
        page = search(folder, query, start=start, **more)  # type: ignore[arg-type]
        found += [hit.line.text for hit in page.hits]
        if page.done:
            return found
        assert start is None or page.next > start
        start = page.next


def test_compressed_segments_read_as_before(tmp_path) -> None:
    log = writer(tmp_path)
    for number in range(9000):
        log.write(ERR if number % 7 == 0 else OUT, b"line %d %s\n" % (number, b"x" * (number % 60)))
    whole, _next = tail(tmp_path, None, 100_000)
    size = sum(one.disk_bytes for one in held(str(tmp_path / "logs")))
    pack(log)
    parts = held(str(tmp_path / "logs"))
    assert [one.packed for one in parts] == [True] * (len(parts) - 1) + [False] and len(parts) > 4
    assert sum(one.disk_bytes for one in parts) < size / 2
    assert tail(tmp_path, None, 100_000)[0] == whole
    position, again = 0, []
    while True:
        lines, position_after = tail(tmp_path, position, 700)
        if position_after == position:
            break
        again += lines
        position = position_after
    assert tuple(again) == whole
    unpacked = subprocess.run(["gzip", "-dc", tmp_path / "logs" / parts[0].name], capture_output=True, check=True)
    assert unpacked.stdout.startswith(b"line 0 \nline 1 x\n") and len(unpacked.stdout) == parts[0].size


def test_a_new_writer_goes_on_after_compressed_segments(tmp_path) -> None:
    log = writer(tmp_path)
    for number in range(3000):
        log.write(OUT, b"%d %s\n" % (number, b"y" * 40))
    pack(log)
    log.close()
    logs = tmp_path / "logs"
    last = held(str(logs))[-1]
    (logs / last.name).unlink()  # only compressed ones are left
    (logs / index_name(last.start)).unlink()
    log = writer(tmp_path)
    log.write(OUT, b"after\n")
    lines = [line.text for line in tail(tmp_path, None, 10_000)[0]]
    assert lines[0].startswith("0 ") and lines[-1].endswith("after")


def test_a_keeper_killed_while_compressing_loses_nothing(tmp_path) -> None:
    log = writer(tmp_path)
    for number in range(4000):
        log.write(OUT, b"%d %s\n" % (number, b"z" * 40))
    expected = tail(tmp_path, None, 10_000)[0]
    log.packer.step()  # half done: only the temporary file is there
    logs = tmp_path / "logs"
    assert list(logs.glob("*.new"))
    assert tail(tmp_path, None, 10_000)[0] == expected
    log = writer(tmp_path)
    log.write(OUT, b"")
    log._open()
    pack(log)
    assert not list(logs.glob("*.new")) and tail(tmp_path, None, 10_000)[0] == expected
    one = held(str(logs))[0]
    raw = logs / data_name(one.start)
    raw.write_bytes(b"\0" * one.size)  # killed between the new name and the removal of the old file
    log = writer(tmp_path)
    log._open()
    assert not raw.exists() and tail(tmp_path, None, 10_000)[0] == expected


def test_a_segment_that_goes_while_it_is_compressed_leaves_nothing(tmp_path) -> None:
    """A flood: the oldest segments are deleted for their size while the packer has them in hand."""
    log, logs = writer(tmp_path, 1 << 20, 4 << 20), tmp_path / "logs"
    for number in range(400):
        log.write(OUT, b"%d %s\n" % (number, b"w" * 65_000))
        if number % 5 == 0 and log.packer.busy:
            log.packer.step()  # so seldom that it is overtaken
    pack(log)
    assert not list(logs.glob("*.new"))
    assert sum(path.stat().st_size for path in logs.iterdir()) <= 4 << 20
    assert tail(tmp_path, None, 1)[0][0].text.startswith("399 ")


def test_old_segments_go_by_age_and_never_the_newest_two(tmp_path, monkeypatch) -> None:
    log = writer(tmp_path)
    log.limits(1 << 16, 64 << 20, segment_s=100.0, keep_s=1000.0)
    now = time.time()
    for hour in range(30):
        monkeypatch.setattr(time, "time", lambda at=now + hour * 101: at)
        log.write(OUT, b"hour %d\n" % hour)
    assert [line.text for line in tail(tmp_path, None, 99)[0]] == [f"hour {hour}" for hour in range(19, 30)]
    monkeypatch.setattr(time, "time", lambda: now + 1e9)  # the clock jumps ahead
    log.write(OUT, b"far\n")
    assert [line.text for line in tail(tmp_path, None, 99)[0]] == ["hour 29", "far"]
    monkeypatch.setattr(time, "time", lambda: now - 1e6)  # and back
    log.write(OUT, b"back\n")
    assert [line.text for line in tail(tmp_path, None, 99)[0]] == ["hour 29", "far", "back"]


def test_pages_above(tmp_path) -> None:
    log = writer(tmp_path)
    for number in range(5000):
        log.write(ERR if number % 3 else OUT, b"n %d\n" % number)
    pack(log)
    first, end = bounds(tmp_path)
    position, seen = end, []
    while position > first:
        lines, position = before(tmp_path, position, 333)
        seen = [line.text for line in lines] + seen
        if not lines:
            break
    assert seen == [f"n {number}" for number in range(5000)]


def fill(folder: Path) -> list[str]:
    log = writer(folder)
    rows = []
    chance = random.Random(3)
    for number in range(6000):
        word = chance.choice(["INFO ok", "INFO ok", "WARNING slow", "ERROR broken", "DEBUG detail"])
        text = f"2026-11-22 10:00:00 {word} step {number}"
        rows.append(text)
        log.write(OUT if number % 5 else ERR, text.encode() + b"\n")
    pack(log)
    return rows


def test_searching_by_pattern_and_level(tmp_path) -> None:
    rows = fill(tmp_path)
    assert texts(tmp_path, Query("step 59"), limit=7) == [row for row in rows if "step 59" in row]
    assert texts(tmp_path, Query(r"step \d*77$")) == [row for row in rows if row.endswith("77")]
    assert texts(tmp_path, Query("broken step 1.", regex=False)) == []
    assert texts(tmp_path, Query("BROKEN STEP 12")) == [row for row in rows if "broken step 12" in row]
    assert texts(tmp_path, Query("BROKEN", case=True)) == []
    assert texts(tmp_path, Query(least="error"), limit=50) == [row for row in rows if "ERROR" in row]
    assert texts(tmp_path, Query("99", least="warning")) == [
        row for row in rows if "99" in row and ("ERROR" in row or "WARNING" in row)
    ]
    errors = frozenset({"err"})
    assert texts(tmp_path, Query("step 10", streams=errors)) == [
        row for number, row in enumerate(rows) if "step 10" in row and number % 5 == 0
    ]


def test_searching_backwards_and_with_a_time_limit(tmp_path) -> None:
    rows = fill(tmp_path)
    found = search(tmp_path, Query("broken"), backwards=True, limit=3)
    assert [hit.line.text for hit in found.hits] == [row for row in rows if "broken" in row][-3:] and not found.done
    earlier = search(tmp_path, Query("broken"), backwards=True, start=found.hits[0].position, limit=2)
    assert [hit.line.text for hit in earlier.hits] == [row for row in rows if "broken" in row][-5:-3]
    hurried = search(tmp_path, Query("nowhere"), time_limit_s=0.0)
    assert not hurried.hits and hurried.scanned <= 1 << 20
    assert search(tmp_path / "none", Query("x")).done


def test_levels_of_what_has_none(tmp_path) -> None:
    log = writer(tmp_path)
    log.write(ERR, b"INFO before\nTraceback (most recent call last):\n  File x\nKeyError: 1\nplain\n")
    log.write(OUT, b"ERROR first\n  its second line\nplain too\n\x1b[31mERROR\x1b[0m coloured\n")
    shown = texts(tmp_path, Query(least="error"))
    assert [plain(text) for text in shown] == [
        "Traceback (most recent call last):", "  File x", "KeyError: 1",
        "ERROR first", "  its second line", "ERROR coloured",
    ]  # fmt: skip
    assert shown[-1].startswith("\x1b[31m")  # colours are kept for whoever draws them
    assert texts(tmp_path, Query("ERROR coloured")) == shown[-1:]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-11-22 10:00:01.123 |      ERROR       | bittensor:neuron.py:58 | no", "error"),
        ("[2026-11-22][warn] x", "warning"),
        ("error: no such file", "error"),
        ("INFO:     Started server process [1]", "info"),
        ("CUDA_ERROR_OUT_OF_MEMORY", None),
        ("there was no error at all", None),
        ("", None),
    ],
)
def test_level_of(text, level) -> None:
    assert level_of(text) == level


SOME = st.lists(st.sampled_from(["ab", "b\n", "a", "\n", "é", "c"]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([OUT, ERR]), SOME), max_size=30),
    st.sampled_from(["ab", "b$", "^a", "a.*c", "é", "a|c", "b+", r"\bab\b", "(?=a)a", r"a\Z", "[^a]b"]),
)  # fmt: skip
def test_a_search_finds_what_reading_every_line_finds(tmp_path_factory, parts, pattern) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = writer(folder)
    for kind, some in parts:
        log.write(kind, "".join(some).encode())
    every = [line.text for line in tail(folder, None, 10_000)[0]]
    expected = [text for text in every if re.search(pattern, text, re.IGNORECASE)]
    assert texts(folder, Query(pattern)) == expected
    log.close()


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a*)*", "((x|y+)*z)+", "("])
def test_patterns_that_never_end_are_refused(tmp_path, pattern) -> None:
    with pytest.raises(MinerError):
        search(tmp_path, Query(pattern))
    assert search(tmp_path, Query(pattern, regex=False)).done


def test_the_last_crash_is_found(tmp_path) -> None:
    log = writer(tmp_path)
    assert last_crash(tmp_path) is None
    for number in range(2):
        log.remark(f"started, process {number}")
        log.write(ERR, b"x" * 70_000 + b"\n")
        log.remark(f"ended with code {number + 3} after 1.0 s", ended=True)
    log.remark("started, process 9")
    log.remark("asked to stop")
    log.write(ERR, b"y" * 70_000 + b"\n")  # the answer stands in the next segment
    log.remark("sending SIGKILL")
    log.remark("was ended by SIGKILL after 2.0 s", ended=True)
    pack(log)
    found = last_crash(tmp_path)
    assert found is not None and found.text == "ended with code 4 after 1.0 s"
    assert [one.text for one in crashes(tmp_path)] == [found.text, "ended with code 3 after 1.0 s"]
    assert tail(tmp_path, found.position, 1)[0][0].text == found.text


@pytest.mark.slow
@pytest.mark.limit_s(300)
def test_a_gigabyte_opens_at_once(tmp_path, capsys) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    line = b"2026-11-22 10:00:00 INFO step %08d " + b"." * 60 + b"\n"
    size, start = 8 << 20, 0
    for number in range(128):
        data = b"".join(line % (number * 90_000 + n) for n in range(size // len(line % 0)))
        (logs / data_name(start)).write_bytes(data)
        records = b"".join(RECORD.pack(p, 1000.0 + number, OUT) for p in range(0, len(data), 65_536))
        (logs / index_name(start)).write_bytes(records)
        start += len(data)
    began = time.perf_counter()
    assert len(tail(tmp_path, None, 500)[0]) == 500
    opened = time.perf_counter() - began
    began = time.perf_counter()
    assert len(before(tmp_path, start // 2, 500)[0]) == 500
    jumped = time.perf_counter() - began
    began = time.perf_counter()
    found = search(tmp_path, Query("no such word"), time_limit_s=60)
    searched = time.perf_counter() - began
    assert found.done and found.scanned == start
    with capsys.disabled():
        sys.stdout.write(f"1 GB: open {opened * 1000:.0f} ms, jump {jumped * 1000:.0f} ms, search {searched:.1f} s\n")
    assert opened < 1.0 and jumped < 1.0
