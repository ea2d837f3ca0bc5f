"""Alerts take the routes that Alertmanager would send them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.routes.routing import build, route
from tests.alerts.world import routes

TREE = routes(
    {
        "matchers": ['owner="team-A"'],
        "receiver": "A",
        "routes": [
            {"matchers": ['env="testing"'], "receiver": "A-testing", "group_by": ["..."]},
            {"matchers": ['env="production"'], "receiver": "A-production", "group_wait": "1m", "continue": True},
            {"matchers": ['env=~"produ.*"', 'job=~".*"'], "receiver": "A-all", "continue": True},
        ],
    },
    {"matchers": ['owner=~"team-(B|C)"'], "receiver": "B", "group_by": ["owner", "env"]},
    {"matchers": ['owner=""'], "receiver": "nobody"},
    group_wait="10s",
)

CASES: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "no child matches: the root has it": (
        {"owner": "team-X"},
        [("ops", "{}")],
    ),
    "no child of the matching child matches: that child has it": (
        {"owner": "team-A"},
        [("A", '{}/{owner="team-A"}')],
    ),
    "an unknown environment stays with the parent": (
        {"owner": "team-A", "env": "staging"},
        [("A", '{}/{owner="team-A"}')],
    ),
    "the deepest match has it": (
        {"owner": "team-A", "env": "testing"},
        [("A-testing", '{}/{owner="team-A"}/{env="testing"}')],
    ),
    "continue tries the siblings as well": (
        {"owner": "team-A", "env": "production"},
        [
            ("A-production", '{}/{owner="team-A"}/{env="production"}'),
            ("A-all", '{}/{owner="team-A"}/{env=~"produ.*",job=~".*"}'),
        ],
    ),
    "a regular expression is anchored": (
        {"owner": "team-BC"},
        [("ops", "{}")],
    ),
    "a regular expression matches": (
        {"owner": "team-C"},
        [("B", '{}/{owner=~"team-(B|C)"}')],
    ),
    "a missing label equals the empty one": (
        {"env": "testing"},
        [("nobody", '{}/{owner=""}')],
    ),
}


@pytest.mark.parametrize(("labels", "expected"), CASES.values(), ids=CASES.keys())
def test_which_routes_have_an_alert(labels: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """Depth first, left to right, stopping after the first match unless it continues."""
    assert [(one.receiver, one.path) for one in route(TREE.tree, labels)] == expected


def test_timers_grouping_and_receiver_are_inherited() -> None:
    """What a route leaves out it has from above; what it sets holds below it."""
    plain, production = (
        route(TREE.tree, {"owner": "team-A", "alertname": "x", **extra})[0] for extra in ({}, {"env": "production"})
    )
    assert (plain.group_wait, plain.group_labels) == (timedelta(seconds=10), (("alertname", "x"),))
    assert production.group_wait == timedelta(minutes=1)
    assert (plain.group_interval, plain.repeat_interval) == (timedelta(minutes=5), timedelta(hours=4))


def test_defaults_are_those_of_alertmanager() -> None:
    """Without any timers: 30 s, 5 m, 4 h, and one group for everything."""
    (decision,) = route(routes(group_by=None).tree, {"alertname": "x"})
    seconds = [one.total_seconds() for one in (decision.group_wait, decision.group_interval, decision.repeat_interval)]
    assert (seconds, decision.group_labels) == ([30, 300, 14400], ())


def test_three_dots_group_by_every_label() -> None:
    """`...` gives each set of labels its own group."""
    labels = {"owner": "team-A", "env": "testing", "x": "1"}
    assert dict(route(TREE.tree, labels)[0].group_labels) == labels


def test_group_labels_leave_out_missing_ones_and_are_in_one_order() -> None:
    """Only labels that the alert has are group labels, sorted by name, so a group has one key."""
    tree = routes(group_by=["team", "alertname", "site"]).tree
    assert route(tree, {"alertname": "a", "team": "t"})[0].group_labels == (("alertname", "a"), ("team", "t"))


def test_a_ticket_policy_is_inherited_until_a_route_says_none() -> None:
    """A route without a word about tickets has its parent's policy; null ends it."""
    tree = routes(
        {"matchers": ["a=1"], "routes": [{"matchers": ["b=1"], "ticket": {"kind": "maintenance"}}]},
        {"matchers": ["a=2"], "ticket": None},
        ticket={"kind": "fault", "priority": "high", "within": "2h"},
    ).tree
    kinds: list[Any] = []
    for labels in ({"a": "0"}, {"a": "1"}, {"a": "1", "b": "1"}, {"a": "2"}):
        policy = route(tree, labels)[0].ticket
        kinds.append(policy and policy.kind)
    assert kinds == ["fault", "fault", "maintenance", None]


def test_twin_routes_have_different_groups() -> None:
    """Two routes with the same matchers and receiver are two groups, and one put before them changes neither's key."""
    twins: list[dict[str, Any]] = [{"matchers": ["a=1"], "continue": True}, {"matchers": ["a=1"]}]
    keys = [one.key for one in route(routes(*twins).tree, {"a": "1"})]
    moved = [one.key for one in route(routes({"matchers": ["z=1"]}, *twins).tree, {"a": "1"})]
    assert len(set(keys)) == 2
    assert moved == keys


def test_every_decision_says_why() -> None:
    """The reason names the route, and that its own routes did not match when it has some."""
    reasons = [route(TREE.tree, {"owner": owner})[0].reason for owner in ("team-A", "team-B", "none")]
    assert reasons == [
        'route {}/{owner="team-A"} matches, and none of its own routes does',
        'route {}/{owner=~"team-(B|C)"} matches',
        "route {} takes every alert that comes to it, and none of its own routes does",
    ]


VALUES = st.sampled_from(["", "1", "2"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A route with matchers on `a` and `b`, and routes below it."""
    matchers = [
        f'{name}{draw(st.sampled_from(["=", "!="]))}"{draw(VALUES)}"' for name in draw(st.sets(st.sampled_from("ab")))
    ]
    below = draw(st.lists(trees(depth=depth - 1), max_size=3)) if depth else []
    return {"matchers": matchers, "continue": draw(st.booleans()), "routes": below}


@given(st.lists(trees(), max_size=3), VALUES, VALUES)
def test_every_alert_has_a_route_and_no_group_twice(children: list[dict[str, Any]], a: str, b: str) -> None:
    """Whatever the tree, an alert goes somewhere, and each group that gets it gets it once."""
    file = routes(*children)
    decisions = route(build(file.route), {"alertname": "x", "a": a, "b": b})
    assert decisions
    assert len({one.key for one in decisions}) == len(decisions)
