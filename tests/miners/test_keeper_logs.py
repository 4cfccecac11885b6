"""The log on disk: written by the keeper's writer, read by ``tail``."""

from __future__ import annotations

import errno
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.log_format import ERR, OUT, RECORD, segments
from ranvier.miners.logs.logs import tail


def writer(folder: Path, segment: int = 1 << 16, total: int = 1 << 20) -> LogWriter:
    return LogWriter(str(folder / "logs"), segment, total)


def through(log: LogWriter, kind: int, data: bytes) -> None:
    """Put bytes through a real pipe, as a program does."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    while data:
        data = data[os.write(write, data) :]
        while log.take(kind, read):
            pass
    os.close(write)
    os.close(read)


def everything(folder: Path, step: int = 50) -> list[tuple[str, str]]:
    """Read the whole log in small steps, as the window does."""
    found, position = [], 0
    while True:
        lines, after = tail(folder, position, step)
        assert after >= position and len(lines) <= step + 2
        if after == position:
            return found
        found += [(line.stream, line.text) for line in lines]
        position = after


def test_no_log_yet(tmp_path) -> None:
    assert tail(tmp_path) == ((), 0)
    assert tail(tmp_path, 7) == ((), 7)


def test_lines_of_both_streams_in_order(tmp_path) -> None:
    log = writer(tmp_path)
    began = time.time()
    through(log, OUT, b"one\ntw")
    through(log, ERR, b"bad\n")
    through(log, OUT, b"o\nthree\n")
    log.remark("a remark")
    expected = [("out", "one"), ("err", "bad"), ("out", "two"), ("out", "three"), ("keeper", "a remark")]
    assert everything(tmp_path, 1) == everything(tmp_path) == expected
    lines, _next = tail(tmp_path)
    assert all(began <= line.at <= time.time() for line in lines)
    assert [line.text for line in tail(tmp_path, None, 2)[0]] == ["three", "a remark"]
    assert (tmp_path / "logs" / "output-000000000000000.log").read_bytes() == b"one\ntwbad\no\nthree\na remark\n"


def test_an_unfinished_line_comes_when_it_is_finished(tmp_path) -> None:
    log = writer(tmp_path)
    through(log, OUT, b"half")
    lines, position = tail(tmp_path, 0)
    assert lines == ()
    through(log, ERR, b"other\n")
    lines, position = tail(tmp_path, position)
    assert [line.text for line in lines] == ["other"]
    log.remark("ended with code 1", ended=True)
    lines, position = tail(tmp_path, position)
    assert [(line.stream, line.text) for line in lines] == [("out", "half"), ("keeper", "ended with code 1")]
    assert tail(tmp_path, position) == ((), position)


def test_garbage_and_progress_bars(tmp_path) -> None:
    log = writer(tmp_path)
    through(log, OUT, b"\xff\xfe\x00ok\n\n10%\r50%\r100%\nwindows\r\n\xf0\x9f\x98\x80\n")
    texts = [text for _stream, text in everything(tmp_path)]
    assert texts == ["\ufffd\ufffd\x00ok", "", "100%", "windows", "😀"]


def test_rotation_is_bounded_and_readable_across_segments(tmp_path) -> None:
    log = writer(tmp_path, 1 << 16, 4 << 16)
    lines = [b"%06d " % number + b"x" * (number % 90) + b"\n" for number in range(12_000)]
    _lines, middle = tail(tmp_path)
    for start in range(0, len(lines), 100):
        through(log, OUT if start % 200 else ERR, b"".join(lines[start : start + 100]))
        if start == 9_000:
            _lines, middle = tail(tmp_path)
    sizes = [size for _start, size in segments(str(tmp_path / "logs"))]
    assert 3 <= len(sizes) <= 4 and all(size <= 1 << 16 for size in sizes)
    texts = [text for _stream, text in everything(tmp_path)]
    numbers = [int(text[:6]) for text in texts if text[:6].isdigit()]
    assert numbers[-1] == 11_999 and numbers[1:] == list(range(numbers[1], 12_000))
    tail_numbers = [int(line.text[:6]) for line in tail(tmp_path, None, 1500)[0]]
    assert tail_numbers == list(range(10_500, 12_000))
    assert middle  # a position that has been rotated away or not: reading on never fails
    assert tail(tmp_path, middle)[0]
    assert len(list((tmp_path / "logs").iterdir())) == 2 * len(sizes)


def test_a_position_beyond_the_end_shows_the_last_lines(tmp_path) -> None:
    log = writer(tmp_path)
    through(log, OUT, b"new\n")
    lines, position = tail(tmp_path, 10_000_000)
    assert [line.text for line in lines] == ["new"] and position == 4


def test_a_line_without_end_stays_bounded(tmp_path) -> None:
    log = writer(tmp_path, 1 << 20, 4 << 20)
    through(log, OUT, b"y" * 500_000 + b"\nshort\n")
    lines = everything(tmp_path)
    assert lines[-1] == ("out", "short") and len(lines) == 2
    assert len(tail(tmp_path, None, 10)[0]) == 2


def test_a_new_writer_goes_on_where_the_last_one_was_killed(tmp_path) -> None:
    log = writer(tmp_path)
    through(log, OUT, b"before\nand a ha")
    index = next((tmp_path / "logs").glob("*.idx"))
    with index.open("ab") as file:
        file.write(RECORD.pack(14, time.time(), ERR)[:11])  # a record that a kill cut short
    log.close()
    log = writer(tmp_path)
    through(log, OUT, b"lf\nafter\n")
    assert everything(tmp_path) == [("out", "before"), ("out", "and a half"), ("out", "after")]


def nothing(log: LogWriter, kind: int) -> None:
    """The program says nothing just now."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    assert log.take(kind, read) == 0
    os.close(write)
    os.close(read)


@pytest.mark.parametrize("splice", [True, False])
def test_an_empty_pipe_takes_nothing_out_of_the_index(tmp_path, splice) -> None:
    """It is looked at first by a keeper that finds its program dead, in a new segment, and after a gap."""
    first = writer(tmp_path)
    through(first, OUT, b"one\n")
    through(first, ERR, b"two\n")
    first.close()
    second = writer(tmp_path)
    second._splice = second._splice and splice
    nothing(second, OUT)
    second.remark("ended", ended=True)
    through(second, OUT, b"x" * (1 << 16) + b"\n")
    nothing(second, ERR)  # the segment is full: this opens the next one
    second.remark("full")
    second.lost, second._lost_why = 7, errno.ENOSPC
    nothing(second, OUT)
    through(second, OUT, b"three\n")
    seen = [(stream, text[:5]) for stream, text in everything(tmp_path)]
    gap = ("keeper", "7 byt")
    long = ("out", "xxxxx")
    assert seen == [
        ("out", "one"), ("err", "two"), ("keeper", "ended"), long, ("keeper", "full"), gap, ("out", "three")
    ]  # fmt: skip
    second.close()


def test_a_full_disk_drops_counts_and_marks(tmp_path, monkeypatch) -> None:
    log = writer(tmp_path)
    through(log, OUT, b"fits\n")
    real = os.splice

    def full(*_arguments: object, **_named: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "splice", full)
    through(log, OUT, b"lost\n" * 1000)
    assert log.lost == 5000
    monkeypatch.setattr(os, "splice", real)
    log._retry_at = 0.0
    through(log, ERR, b"fits again\n")
    assert log.lost == 0
    assert everything(tmp_path) == [
        ("out", "fits"),
        ("keeper", "5,000 bytes of output were not stored: No space left on device"),
        ("err", "fits again"),
    ]


@pytest.mark.parametrize("splice", [True, False])
def test_with_and_without_splice(tmp_path, splice) -> None:
    log = writer(tmp_path)
    log._splice = splice
    through(log, OUT, b"".join(b"%d\n" % number for number in range(15_000)))
    assert [int(text) for _stream, text in everything(tmp_path, 700)] == list(range(15_000))


pieces = st.lists(
    st.tuples(
        st.sampled_from([OUT, ERR]), st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\xc3", b"\xa4"]), max_size=8)
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(pieces, st.integers(1, 5), st.randoms(use_true_random=False))
def test_reading_in_steps_while_writing_gives_each_line_once(
    tmp_path_factory, parts, step, chance: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = writer(folder)
    seen: list[tuple[str, str]] = []
    position = 0
    for kind, some in parts:
        log.write(kind, b"".join(some))
        if chance.random() < 0.5:
            lines, position = tail(folder, position, step)
            seen += [(line.stream, line.text) for line in lines]
    while True:
        lines, after = tail(folder, position, step)
        if after == position:
            break
        position = after
        seen += [(line.stream, line.text) for line in lines]
    for name, kind in (("out", OUT), ("err", ERR)):
        whole = b"".join(b"".join(some) for one, some in parts if one == kind)
        expected = [line.decode("utf-8", "replace") for line in whole.split(b"\n")[:-1]]
        assert [text for stream, text in seen if stream == name] == expected
    log.close()
