"""A parent that is down suppresses what hangs on it, however deep, and rings suppress nothing of their own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.muting.dependencies import Outage, Suppression, Topology
from tests.alerts.world import NOON, after

SETTLE = timedelta(minutes=2)
PARENTS = {
    "host": ("switch",),
    "db": ("host", "storage"),
    "shop": ("db", "web"),
    "web": ("host",),
    "ring-a": ("ring-b",),
    "ring-b": ("ring-c",),
    "ring-c": ("ring-a", "switch"),
    "leaf": ("ring-a",),
    "self": ("self",),
    "lost": ("not configured",),
}
TREE = Topology(PARENTS)


def _down(target: str, ended_at: datetime | None = None, alert_id: int = 1) -> Outage:
    return Outage(alert_id, target, "host-down", ended_at)


CASES: dict[str, tuple[list[Outage], str, str | None, datetime | None]] = {
    # outages, target of the alert -> by which parent it is suppressed, and until when
    "nothing is down": ([], "host", None, None),
    "the parent is down": ([_down("switch")], "host", "switch", None),
    "the grandparent's parent is down": ([_down("switch")], "shop", "switch", None),
    "the nearest of those that are down": ([_down("switch"), _down("host", alert_id=2)], "web", "host", None),
    "something beside it is down": ([_down("web")], "db", None, None),
    "a child is down": ([_down("shop")], "db", None, None),
    "the target itself is down": ([_down("host")], "host", None, None),
    "it has no parents": ([_down("switch")], "switch", None, None),
    "unknown to the topology": ([_down("switch")], "stranger", None, None),
    "a parent that is not configured": ([_down("not configured")], "lost", "not configured", None),
    "another one of its ring is down": ([_down("ring-b")], "ring-a", None, None),
    "above the ring": ([_down("switch")], "ring-b", "switch", None),
    "below the ring": ([_down("ring-c")], "leaf", "ring-c", None),
    "a ring of one": ([_down("self")], "self", None, None),
    "the parent has just recovered": ([_down("host", after(minutes=-1))], "web", "host", after(minutes=1)),
    "the settling time is over": ([_down("host", after(minutes=-2))], "web", None, None),
    "recovered, and down again": ([_down("host", after(minutes=-1)), _down("host", alert_id=2)], "web", "host", None),
    "one has recovered, one above it is down": (
        [_down("host", after(minutes=-1)), _down("switch", alert_id=2)],
        "web",
        "switch",
        None,
    ),
    "the later of two recoveries": (
        [_down("host", after(seconds=-30)), _down("host", after(seconds=-90), 2)],
        "web",
        "host",
        after(seconds=90),
    ),
}


@pytest.mark.parametrize(("outages", "target", "parent", "until"), CASES.values(), ids=CASES.keys())
def test_by_which_parent(outages: list[Outage], target: str, parent: str | None, until: datetime | None) -> None:
    """The order in which outages are known changes nothing."""
    for known in (outages, outages[::-1]):
        found = Suppression.of(TREE, known, SETTLE).suppressed(target, NOON)
        assert (found[0].target if found else None, found[2] if found else None) == (parent, until)


def test_the_reason_names_the_parent_and_its_alert() -> None:
    """So that a reader of the child's history goes to the cause."""
    down = Suppression.of(TREE, [_down("switch", alert_id=7)], SETTLE).suppressed("web", NOON)
    settling = Suppression.of(TREE, [_down("host", after(minutes=-1))], SETTLE).suppressed("web", NOON)
    assert down is not None
    assert settling is not None
    assert down[1] == "suppressed: its parent switch is down (alert 7, host-down)"
    assert settling[1] == (
        "suppressed: its parent host recovered at 2026-03-02 11:59:00 UTC, and what still fires is told 2m after that"
    )


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple)), st.lists(NAMES, min_size=1, unique=True))
def test_of_what_is_down_somebody_is_always_told(parents: dict[str, tuple[str, ...]], down: list[str]) -> None:
    """Whatever rings the topology has, not all of the outages suppress each other."""
    suppression = Suppression.of(Topology(parents), [_down(name) for name in down], SETTLE)
    assert any(suppression.suppressed(name, NOON) is None for name in down)
