"""On which days and at which instants jobs are due, in named tables over real calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.duty.plan_days import due_days, due_of, dues
from core.workdays import Workdays
from tests.alerts.duty.desks import desk, plan

CHINA = Workdays("CN")
D = date.fromisoformat

DAYS = {
    "every day": ({"daily": "every"}, "2026-02-27", "2026-03-02", ["02-27", "02-28", "03-01", "03-02"]),
    "working days, a Saturday worked for the Spring Festival among them": (
        {"daily": "working"},
        "2026-02-13",
        "2026-02-16",
        ["02-13", "02-14"],
    ),
    "no working day in the whole holiday": ({"daily": "working"}, "2026-02-15", "2026-02-23", []),
    "Mondays and Fridays": ({"weekly": ["monday", "friday"]}, "2026-03-01", "2026-03-09", ["03-02", "03-06", "03-09"]),
    "the 31st of a month of 28 days": ({"monthly": [31]}, "2026-02-01", "2026-03-31", ["02-28", "03-31"]),
    "the 30th and 31st of February are one day": ({"monthly": [30, 31]}, "2026-02-01", "2026-02-28", ["02-28"]),
    "the 29th of a leap February": ({"monthly": [29]}, "2028-02-01", "2028-02-29", ["2028-02-29"]),
    "billing cycles": (
        {"calendar": "billing_cycle"},
        "2026-03-01",
        "2026-03-31",
        ["03-01", "03-05", "03-10", "03-15", "03-20", "03-25"],
    ),
    "the last day": ({"calendar": "last_day"}, "2026-02-01", "2026-04-30", ["02-28", "03-31", "04-30"]),
    "the last working day of a month that ends on a Saturday": (
        {"calendar": "last_working_day"},
        "2026-01-01",
        "2026-02-28",
        ["01-30", "02-28"],  # 28 February 2026 is a Saturday that is worked
    ),
    "the first working day after New Year and National Day": (
        {"calendar": "first_working_day"},
        "2026-01-01",
        "2026-01-31",
        ["01-04"],  # a Sunday that is worked
    ),
    "a day off moves to the working day before": (
        {"calendar": "billing_cycle", "on_day_off": "before"},
        "2026-02-01",
        "2026-02-28",
        ["02-05", "02-10", "02-14", "02-25", "02-28"],  # the 15th and 20th are in the holiday; 1 March is a Sunday
    ),
    "a day off moves to the working day after": (
        {"monthly": [20], "on_day_off": "after"},
        "2026-02-01",
        "2026-02-28",
        ["02-24"],
    ),
    "a day off is skipped": ({"monthly": [20], "on_day_off": "skip"}, "2026-02-01", "2026-03-31", ["03-20"]),
}


@pytest.mark.parametrize(("when", "first", "last", "expected"), DAYS.values(), ids=DAYS)
def test_due_days(when: dict[str, Any], first: str, last: str, expected: list[str]) -> None:
    wanted = [D(day if len(day) > 5 else f"2026-{day}") for day in expected]
    assert due_days(plan(when=when), CHINA, D(first), D(last)) == wanted


def test_nothing_is_due_before_its_first_day() -> None:
    found = due_days(plan(since="2026-03-03"), CHINA, D("2026-03-01"), D("2026-03-05"))
    assert found == [D("2026-03-03"), D("2026-03-04"), D("2026-03-05")]


INSTANTS = {
    "Shanghai has no summer time": ("Asia/Shanghai", "2026-03-29", "02:30", "2026-03-28T18:30"),
    "a time that Berlin skips is due when the clocks have passed it": (
        "Europe/Berlin",
        "2026-03-29",
        "02:30",
        "2026-03-29T01:30",
    ),
    "a time that Berlin shows twice is due the second time": (
        "Europe/Berlin",
        "2026-10-25",
        "02:30",
        "2026-10-25T01:30",
    ),
    "New York": ("America/New_York", "2026-11-01", "01:30", "2026-11-01T06:30"),
}


@pytest.mark.parametrize(("zone", "day", "at", "expected"), INSTANTS.values(), ids=INSTANTS)
def test_due_instants(zone: str, day: str, at: str, expected: str) -> None:
    found = due_of(plan(due=at, grace="10m", opens="1h"), desk(timezone=zone), D(day))
    wanted = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert (found.due_at, found.missed_at - found.due_at, found.due_at - found.opens_at) == (
        wanted,
        timedelta(minutes=10),
        timedelta(hours=1),
    )


RULES = st.sampled_from(
    [
        {"daily": "every"},
        {"daily": "working"},
        {"weekly": ["monday", "sunday"]},
        {"monthly": [1, 31]},
        *(
            {"calendar": name, "on_day_off": move}
            for name in ("last_working_day", "billing_cycle")
            for move in ("stay", "after")
        ),
    ]
)


@given(
    when=RULES,
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
    opens=st.sampled_from(["0s", "2h", "3d"]),
    start=st.integers(0, 330 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    steps=st.lists(st.integers(1, 9 * 86_400), min_size=1, max_size=8),
)
def test_rounds_at_any_times_find_each_due_job_exactly_once(
    when: dict[str, Any], zone: str, opens: str, start: datetime, steps: list[int]
) -> None:
    """However the time is cut into rounds, together they find what one round over all of it finds."""
    one, where = plan(when=when, opens=opens), desk(timezone=zone)
    edges = [start]
    for step in steps:
        edges.append(edges[-1] + timedelta(seconds=step))
    cut = [due for after, until in pairwise(edges) for due in dues(one, where, after, until)]
    assert cut == dues(one, where, edges[0], edges[-1])
    assert len({due.day for due in cut}) == len(cut)
