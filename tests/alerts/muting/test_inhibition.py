"""What an open cause keeps quiet, as Alertmanager's documentation has it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.muting import rings
from alerts.muting.inhibition import Inhibition, Source
from alerts.muting.rules import InhibitRuleConfig

Labels = dict[str, str]
CRITICAL_OVER_WARNING = {
    "source_matchers": ["severity=critical"],
    "target_matchers": ["severity=warning"],
    "equal": ["alertname", "site"],
}
BOTH_SIDES = {"source_matchers": ["down=yes"], "target_matchers": ['team=~".+"'], "equal": []}

CASES: dict[str, tuple[list[dict[str, Any]], list[Labels], Labels, list[int]]] = {
    # rules, open alerts (numbered from 1), an alert -> numbers of the alerts that inhibit it
    "no source": ([CRITICAL_OVER_WARNING], [], {"severity": "warning"}, []),
    "source and target agree": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a", "site": "n"}],
        {"severity": "warning", "alertname": "a", "site": "n"},
        [1],
    ),
    "an equal label differs": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a", "site": "n"}],
        {"severity": "warning", "alertname": "a", "site": "s"},
        [],
    ),
    "an equal label is missing on both sides": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a"}],
        {"severity": "warning", "alertname": "a"},
        [1],
    ),
    "missing on one side and empty on the other": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a", "site": ""}],
        {"severity": "warning", "alertname": "a"},
        [1],
    ),
    "missing on one side only": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a", "site": "n"}],
        {"severity": "warning", "alertname": "a"},
        [],
    ),
    "the alert is no target": (
        [CRITICAL_OVER_WARNING],
        [{"severity": "critical", "alertname": "a"}],
        {"severity": "unknown", "alertname": "a"},
        [],
    ),
    "no equal labels at all": ([BOTH_SIDES], [{"down": "yes"}], {"team": "db"}, [1]),
    "both sides, and the source is one of both as well": (
        [BOTH_SIDES],
        [{"down": "yes", "team": "net"}],
        {"down": "yes", "team": "db"},
        [],
    ),
    "both sides, and the source is on its side only": (
        [BOTH_SIDES],
        [{"down": "yes"}],
        {"down": "yes", "team": "db"},
        [1],
    ),
    "both sides: itself": ([BOTH_SIDES], [{"down": "yes", "team": "db"}], {"down": "yes", "team": "db"}, []),
    "only the target is on both sides' source": ([BOTH_SIDES], [{"down": "yes", "team": "net"}], {"team": "db"}, [1]),
    "several sources: the oldest is named": (
        [BOTH_SIDES],
        [{"down": "no"}, {"down": "yes"}, {"down": "yes"}],
        {"team": "x"},
        [2],
    ),
    "several rules name one each": (
        [CRITICAL_OVER_WARNING, BOTH_SIDES],
        [{"severity": "critical"}, {"down": "yes"}],
        {"severity": "warning", "team": "db"},
        [1, 2],
    ),
    "a negative matcher takes what lacks the label": (
        [{"source_matchers": ['role!="standby"', "down=yes"], "target_matchers": ["team=db"]}],
        [{"down": "yes"}, {"down": "yes", "role": "standby"}],
        {"team": "db"},
        [1],
    ),
}


def _inhibition(rules: list[dict[str, Any]], alerts: list[Labels]) -> Inhibition:
    made = [InhibitRuleConfig.model_validate(one).rule for one in rules]
    return Inhibition.of(made, [Source(n, f"f{n}", labels) for n, labels in enumerate(alerts, start=1)])


@pytest.mark.parametrize(("rules", "alerts", "labels", "expected"), CASES.values(), ids=CASES.keys())
def test_what_inhibits_an_alert(
    rules: list[dict[str, Any]], alerts: list[Labels], labels: Labels, expected: list[int]
) -> None:
    """Each case of the documentation."""
    assert [source.id for source, _ in _inhibition(rules, alerts).inhibitors(labels)] == expected


def test_the_reason_names_the_cause_and_the_rule() -> None:
    """By its name, or its number when it has none."""
    cause = {"down": "yes", "alertname": "host-down", "target": "db-1"}
    for name, said in (("", "1"), ("down hosts", "down hosts")):
        ((_, reason),) = _inhibition([{**BOTH_SIDES, "name": name}], [cause]).inhibitors({"team": "db"})
        assert reason == f"inhibited by alert 1 (host-down, db-1), which is open: inhibit rule {said}"


LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "1", "2"]))
MATCHERS = st.lists(
    st.builds("{}{}{}".format, st.sampled_from("abc"), st.sampled_from(["=", "!="]), st.sampled_from("12")),
    min_size=1,
    max_size=2,
)
RULE = st.fixed_dictionaries(
    {"source_matchers": MATCHERS, "target_matchers": MATCHERS, "equal": st.lists(st.sampled_from("abc"), unique=True)}
)


@given(st.lists(RULE, max_size=4), st.lists(LABELS, max_size=5), LABELS)
def test_the_order_of_rules_and_alerts_changes_nothing(
    rules: list[dict[str, Any]], alerts: list[Labels], labels: Labels
) -> None:
    """The same causes, whatever the order; laying them out finds what trying each pair finds."""
    alerts = [one for number, one in enumerate(alerts) if one not in alerts[:number]]
    found = {source.id for source, _ in _inhibition(rules, alerts).inhibitors(labels)}
    again = {source.id for source, _ in _inhibition(rules[::-1], alerts).inhibitors(labels)}
    assert found == again
    muted = False
    for one in (InhibitRuleConfig.model_validate(each).rule for each in rules):
        for other in alerts:
            both = one.is_source(labels) and one.is_target(other)
            alike = all(labels.get(name, "") == other.get(name, "") for name in one.equal)
            muted = muted or (one.is_target(labels) and one.is_source(other) and alike and not both)
    if rings.of_rules(tuple(InhibitRuleConfig.model_validate(each).rule for each in rules)):
        assert muted or not found  # of a ring one is told
    else:
        assert bool(found) is muted


@given(st.lists(RULE, min_size=1, max_size=3), st.lists(LABELS, min_size=1, max_size=5))
def test_under_one_rule_somebody_always_speaks(rules: list[dict[str, Any]], alerts: list[Labels]) -> None:
    """Whatever is open, one rule alone never keeps all of its own causes quiet among themselves."""
    for rule in rules:
        inhibition = _inhibition([rule], alerts)
        assert not alerts or any(not inhibition.inhibitors(labels) for labels in alerts)


A_OVER_B = {"name": "a", "source_matchers": ["alertname=A"], "target_matchers": ["alertname=B"]}
B_OVER_A = {"name": "b", "source_matchers": ["alertname=B"], "target_matchers": ["alertname=A"]}
B_OVER_C = {"name": "c", "source_matchers": ["alertname=B"], "target_matchers": ["alertname=C"]}
C_OVER_A = {"name": "d", "source_matchers": ["alertname=C"], "target_matchers": ["alertname=A"]}
X_OVER_A = {"name": "x", "source_matchers": ["alertname=X"], "target_matchers": ["alertname=A"]}
NODE = {"name": "n", "source_matchers": ["alertname=N"], "target_matchers": ["alertname!=N"], "equal": ["i"]}
WORSE = {"name": "w", "source_matchers": ["severity=critical"], "target_matchers": ["severity=warning"]}

RINGS: dict[str, tuple[list[dict[str, Any]], list[tuple[int, ...]], str, str]] = {
    # rules, the rings that they may form, alerts that are open in this order, those that are told
    "each keeps the other quiet": ([A_OVER_B, B_OVER_A], [(0, 1)], "AB", "A"),
    "the oldest is told": ([A_OVER_B, B_OVER_A], [(0, 1)], "BA", "B"),
    "one of them alone": ([A_OVER_B, B_OVER_A], [(0, 1)], "B", "B"),
    "a ring of three": ([A_OVER_B, B_OVER_C, C_OVER_A], [(0, 1, 2)], "CBA", "C"),
    "a ring with a gap": ([A_OVER_B, B_OVER_C, C_OVER_A], [(0, 1, 2)], "BC", "B"),
    "a cause outside of the ring": ([A_OVER_B, B_OVER_A, X_OVER_A], [(0, 1)], "ABX", "X"),
    "what follows from a ring": ([A_OVER_B, B_OVER_A, B_OVER_C], [(0, 1)], "CAB", "A"),
    "a chain is no ring": ([A_OVER_B, B_OVER_C], [], "CBA", "A"),
    "equal labels leave each ring apart": (
        [{**A_OVER_B, "equal": ["i"]}, {**B_OVER_A, "equal": ["i"]}],
        [(0, 1)],
        "A1 B1 B2 A2",
        "A1 B2",
    ),
    "what must be equal cannot be": ([NODE, {**WORSE, "equal": ["alertname", "i"]}], [], "N", "N"),
    "a rule that keeps nothing quiet is in no ring": (
        [A_OVER_B, {"source_matchers": ["i=1"], "target_matchers": ["i=1"]}],
        [],
        "AB",
        "A",
    ),
    "what may be equal": ([NODE, {**WORSE, "equal": ["i"]}], [(0, 1)], "N", "N"),
}


@pytest.mark.parametrize(("rules", "ring", "open_alerts", "told"), RINGS.values(), ids=RINGS.keys())
def test_of_a_ring_one_is_told(
    rules: list[dict[str, Any]], ring: list[tuple[int, ...]], open_alerts: str, told: str
) -> None:
    """Where everybody would keep everybody quiet, the oldest speaks; whoever has a cause outside stays quiet."""
    names = open_alerts.split() if " " in open_alerts else list(open_alerts)
    alerts = [{"alertname": name[0], "i": name[1:]} for name in names]
    assert list(rings.of_rules(tuple(InhibitRuleConfig.model_validate(one).rule for one in rules))) == ring
    inhibition = _inhibition(rules, alerts)
    heard = [name for name, labels in zip(names, alerts, strict=True) if not inhibition.inhibitors(labels)]
    assert sorted(heard) == sorted(told.split() if " " in told else told)


@given(st.lists(RULE, min_size=1, max_size=4), st.lists(LABELS, min_size=1, max_size=6))
def test_somebody_always_speaks(rules: list[dict[str, Any]], alerts: list[Labels]) -> None:
    """Under any rules: when something is open, somebody is told of something."""
    inhibition = _inhibition(rules, alerts)
    assert any(not inhibition.inhibitors(labels) for labels in alerts)


def test_thousands_in_one_ring_are_looked_at_once() -> None:
    """The time grows with the alerts, not with their pairs."""
    alerts = [{"alertname": "AB"[number % 2], "n": str(number)} for number in range(10_000)]
    begun = time.perf_counter()
    inhibition = _inhibition([A_OVER_B, B_OVER_A], alerts)
    assert [labels["n"] for labels in alerts[:50] if not inhibition.inhibitors(labels)] == ["0"]
    assert time.perf_counter() - begun < 3.0
