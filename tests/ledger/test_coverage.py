"""Intervals of known blocks: joined, cut out, told as gaps with their reasons."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranvier.ledger import coverage
from ranvier.ledger.coverage import Covered, Gap
from ranvier.ledger.store import Ledger

spans = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 15)).map(lambda s: (s[0], s[0] + s[1])), max_size=8)


def blocks(parts) -> set[int]:
    return {block for low, high in parts for block in range(low, high + 1)}


@given(spans)
def test_merged_spans_hold_the_same_blocks_and_never_touch(parts) -> None:
    whole = coverage.merged(parts)
    assert blocks(whole) == blocks(parts)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(whole))


@given(st.tuples(st.integers(1, 40), st.integers(0, 40)).map(lambda s: (s[0], s[0] + s[1])), spans)
def test_what_is_missing_is_what_is_wanted_and_not_known(wanted, known) -> None:
    assert blocks(coverage.missing(wanted, known)) == blocks([wanted]) - blocks(known)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans, spans)
def test_the_file_tells_every_hole_once_with_its_reason(tmp_path_factory, known, tried) -> None:
    async def go() -> None:
        ledger = Ledger(tmp_path_factory.mktemp("c") / "l.sqlite")

        def work(connection) -> tuple[Gap, ...]:
            coverage.follow(connection, 1, "5Hot", 3, 70)
            for low, high in tried:
                coverage.note_gaps(connection, [Gap(1, "5Hot", low, high, "forgotten", 5)])
            for low, high in known:
                coverage.cover(connection, Covered(1, "5Hot", low, high))
            assert blocks(coverage.spans(connection, 1, "5Hot")) == blocks(known)
            return coverage.gaps(connection)

        gaps = await ledger.write(work)
        told = [(gap.from_block, gap.to_block) for gap in gaps]
        assert blocks(told) == set(range(3, 71)) - blocks(known)
        assert all(gap.reason in (None, "forgotten") for gap in gaps)
        for gap in gaps:
            if gap.reason is None:
                continue
            assert blocks([(gap.from_block, gap.to_block)]) <= blocks(tried)
        await ledger.close()

    asyncio.run(go())


async def test_a_gap_that_was_tried_is_no_hole_for_a_while(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")

    def work(connection) -> None:
        coverage.follow(connection, 1, "5Hot", 1, 100)
        coverage.cover(connection, Covered(1, "5Hot", 50, 100))
        coverage.note_gaps(connection, [Gap(1, "5Hot", 1, 20, "forgotten", 1000)])
        assert coverage.holes(connection, 1, "5Hot") == [(1, 49)]
        assert coverage.holes(connection, 1, "5Hot", 1000) == [(21, 49)]
        assert coverage.holes(connection, 1, "5Hot", 1001) == [(1, 49)]
        coverage.forget_reasons(connection)
        assert [(g.from_block, g.to_block, g.reason) for g in coverage.gaps(connection)] == [(1, 49, None)]
        coverage.want(connection, 1, {"5Hot": None, "5New": None, "5Old": 7}, 110)
        assert coverage.followed(connection, 1, "5Hot") == (1, 110)
        assert coverage.followed(connection, 1, "5New") == (110, 110), "without a start it begins now"
        assert coverage.followed(connection, 1, "5Old") == (7, 110)

    await ledger.write(work)
    await ledger.close()
