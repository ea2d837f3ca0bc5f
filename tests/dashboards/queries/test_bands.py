"""The worst status of many series over time: as its definition says, and in one walk over the changes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboards.queries.bands import bands
from dashboards.queries.rows import WORST_FIRST, worst

END_MS = 100


@st.composite
def members(draw: st.DrawFn) -> list[tuple[str, list[tuple[int, str]]]]:
    """Series that all begin at 0 and change at instants that many of them share."""
    found = []
    for _series in range(draw(st.integers(1, 6))):
        later = sorted(draw(st.lists(st.integers(0, 12), max_size=5)))
        changes = [(at, draw(st.sampled_from(WORST_FIRST))) for at in (0, *later)]
        found.append((draw(st.sampled_from("abcde")), changes))
    return found


@given(members())
def test_at_each_instant_stands_the_worst_status_and_who_is_in_it(given: Any) -> None:
    """The definition, asked for every instant: the latest status of each series, of these the worst, and three names."""
    spans = bands(given, END_MS)
    assert [span["end_ms"] for span in spans] == [*(span["start_ms"] for span in spans[1:]), END_MS]
    for at in range(14):
        now = [(name, next(status for when, status in reversed(changes) if when <= at)) for name, changes in given]
        status = worst(one for _name, one in now)
        names = sorted({name for name, one in now if one == status}) if status not in ("ok", "unjudged") else []
        (span,) = [one for one in spans if one["start_ms"] <= at < one["end_ms"]]
        assert (span["status"], span["why"]) == (status, names[:3])
    assert all((one["status"], one["why"]) != (two["status"], two["why"]) for one, two in pairwise(spans))


def test_each_change_is_looked_at_once() -> None:
    """In a storm thousands of series change at thousands of instants; the work must not be their product."""
    read = 0

    class Counted(list[tuple[int, str]]):
        def __iter__(self) -> Iterator[tuple[int, str]]:
            nonlocal read
            for one in super().__iter__():
                read += 1
                yield one

    storm = [(f"host-{n % 50:02d}", Counted([(0, "ok"), (n + 1, "warning")])) for n in range(10_000)]
    spans = bands(storm, 20_000)
    assert read == 20_000
    assert [(span["status"], span["why"]) for span in spans[:3]] == [
        ("ok", []),
        ("warning", ["host-00"]),
        ("warning", ["host-00", "host-01"]),
    ]
    assert (len(spans), spans[-1]["why"]) == (4, ["host-00", "host-01", "host-02"])
