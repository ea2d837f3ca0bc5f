"""Whether matchers mean everything: whatever alert there may be, or all that is open while several things are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.routes.matchers import Matcher
from alerts.routes.reachability import PROBES
from alerts.severity import CRITICAL, RANK

STORM_FROM = 5  # open alerts, of several checks and targets, from which on all of them are "everything"
ALWAYS_THERE = {"alertname": PROBES[1:], "target": PROBES[1:], "severity": tuple(RANK)}
"""Labels that every alert has, and values to try them with."""


def mutes_everything(matchers: Sequence[Matcher]) -> bool:
    """Whether these matchers hold for whatever alert there may be. Pure."""
    return all(one.matches({one.name: value}) for one in matchers for value in ALWAYS_THERE.get(one.name, PROBES))


def mutes_all_open(matchers: Sequence[Matcher], labels: Sequence[Mapping[str, str]]) -> bool:
    """Whether every open alert, critical ones among them, would fall silent where several things are wrong. Pure."""
    if len(labels) < STORM_FROM or not any(one.get("severity") == CRITICAL for one in labels):
        return False
    if any(len({one.get(name, "") for one in labels}) < 2 for name in ("alertname", "target")):
        return False
    return all(one.matches(each) for each in labels for one in matchers)
