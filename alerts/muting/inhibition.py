"""Inhibition: while a cause is open, what only follows from it is not told. Alertmanager's rules, asked without memory.

An alert that matches the target side of a rule is inhibited while some open alert matches its source side and both have
the same values of the labels in `equal`, where missing and empty are the same. An alert that matches both sides is not
inhibited by another one that does too, so that no two keep each other quiet. Where several rules lead round in a ring
and nobody would be told of anything in it, the oldest alert of the ring is told (`rings`); that alone is ours.
Source: https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from alerts.muting import rings
from alerts.muting.rules import Rule

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An open alert as a possible cause."""

    id: int
    fingerprint: str
    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class _Shared:
    """All causes under a rule with these values; without those that are targets as well for a target that is a cause."""

    rule: int
    key: tuple[str, ...]
    two_sided: bool


@dataclass(frozen=True, slots=True)
class Inhibition:
    """The rules with the open alerts that are their causes, laid out by the values that must be equal."""

    rules: tuple[Rule, ...] = ()
    causes: tuple[Mapping[tuple[str, ...], Sequence[tuple[Source, bool]]], ...] = ()  # True: a target as well
    speaking: frozenset[Pairs] = frozenset()  # labels of the alerts that are told for their rings

    @classmethod
    def of(cls, rules: Iterable[Rule], open_alerts: Iterable[Source]) -> Inhibition:
        """Everything that keeps something quiet while these alerts are open. Pure."""
        kept = tuple(rules)
        causes: list[dict[tuple[str, ...], list[tuple[Source, bool]]]] = [{} for _ in kept]
        for one in sorted(open_alerts, key=lambda each: each.id):
            for rule, found in zip(kept, causes, strict=True):
                if rule.is_source(one.labels):
                    found.setdefault(rule.key(one.labels), []).append((one, rule.is_target(one.labels)))
        inhibition = cls(kept, tuple(causes))
        return replace(inhibition, speaking=_speaking(inhibition)) if rings.of_rules(kept) else inhibition

    def inhibitors(self, labels: Mapping[str, str]) -> list[tuple[Source, str]]:
        """The first cause under each rule that keeps an alert with these labels quiet, with the reason. Pure."""
        if self.speaking and _pairs(labels) in self.speaking:
            return []
        found = []
        for number, (rule, causes) in enumerate(zip(self.rules, self.causes, strict=True), start=1):
            if not causes or not rule.is_target(labels):
                continue
            two_sided = rule.is_source(labels)
            alike = causes.get(rule.key(labels), ())
            cause = next((one for one, is_target in alike if not (two_sided and is_target)), None)
            if cause is not None:
                found.append((cause, _reason(rule, number, cause)))
        return found


def _speaking(inhibition: Inhibition) -> frozenset[Pairs]:
    """The oldest alert of each ring that nothing outside of it keeps quiet, by its labels.

    Between an alert and its causes stands what they share: a rule with the values that must be equal, so that the
    graph has no more edges than alerts times rules."""
    alerts = {one.id: one for causes in inhibition.causes for alike in causes.values() for one, _ in alike}

    @cache
    def following(node: Source | _Shared) -> list[Source | _Shared]:
        if isinstance(node, _Shared):
            alike = inhibition.causes[node.rule].get(node.key, ())
            return [one for one, is_target in alike if not (node.two_sided and is_target)]
        labels = node.labels
        targets = [(number, rule) for number, rule in enumerate(inhibition.rules) if rule.is_target(labels)]
        shared: list[Source | _Shared] = []
        shared += [_Shared(number, rule.key(labels), rule.is_source(labels)) for number, rule in targets]
        return [one for one in shared if following(one)]

    found = set()
    nodes: list[Source | _Shared] = [*alerts.values()]
    for component in rings.components(nodes, following):
        inside = set(component)
        closed = all(other in inside for node in component for other in following(node))
        if closed and len(component) > 1:
            oldest = min((node for node in component if isinstance(node, Source)), key=lambda one: one.id)
            found.add(_pairs(oldest.labels))
    return frozenset(found)


def _pairs(labels: Mapping[str, str]) -> Pairs:
    return tuple(sorted(labels.items()))


def _reason(rule: Rule, number: int, cause: Source) -> str:
    what = ", ".join(cause.labels.get(name, "") for name in ("alertname", "target") if cause.labels.get(name))
    return f"inhibited by alert {cause.id} ({what}), which is open: inhibit rule {rule.name or number}"
