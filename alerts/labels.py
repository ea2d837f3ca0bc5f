"""What an alert is called and what is written on it, derived from the finding that opens or changes it."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import orjson

from alerts.severity import RANK
from core.model import Finding, Labels, Target

FINGERPRINT_DIGITS = 16
CHANGE_MARK = "change"
"""The annotation with the numbers of the planned changes that explain an alert."""
LONGEST_TARGET = 300
"""Characters of a pushed alert's target that its column keeps, which is indexed; nothing of ours has a longer name."""


def in_column(name: str, value: str) -> bool:
    """Whether an alert whose label `name` (alertname, target or severity) has this value surely has it in the column of
    that meaning: a pushed one may say a severity that is none of ours, or a target too long to index, or lack the label."""
    return value in RANK if name == "severity" else 0 < len(value) <= LONGEST_TARGET


def fingerprint(check: str, target: str, indicator: str, series_labels: Labels) -> str:
    """The name of the condition, whatever its severity: the same finding tomorrow has the same one."""
    identity = orjson.dumps([check, target, indicator, sorted(series_labels)])
    return hashlib.sha256(identity).hexdigest()[:FINGERPRINT_DIGITS]


def fingerprint_of(finding: Finding) -> str:
    """The fingerprint of a finding."""
    return fingerprint(finding.check, finding.target.name, finding.indicator.name, finding.series_labels)


def labels_for(finding: Finding, severity: str) -> dict[str, str]:
    """All that routes match on: the target's labels, the series', the check's, and ours, which win.

    A label of theirs that has one of our names is kept as `exported_NAME`, as Prometheus does.
    """
    ours = {**_of_target(finding.target), "alertname": finding.check, "severity": severity}
    ours["indicator"] = finding.indicator.name
    theirs = {**dict(finding.target.labels), **dict(finding.series_labels), **dict(finding.labels)}
    for name in theirs.keys() & ours.keys():
        if theirs[name] != ours[name]:
            ours[f"exported_{name}"] = theirs[name]
    return {name: value for name, value in {**theirs, **ours}.items() if value}


@lru_cache(maxsize=4096)
def _of_target(target: Target) -> dict[str, str]:
    found = {"target": target.name, "target_kind": target.kind, "site": target.site, "system": target.system}
    if target.demo:
        found["demo"] = "true"
    return {name: value for name, value in found.items() if value}


def annotations_for(finding: Finding) -> dict[str, str]:
    """What is written for the reader: the check's own annotations, `summary`, `reason`, `value` and `unit`."""
    found = {"summary": summary(finding), "reason": finding.result.reason, "unit": finding.indicator.unit}
    if finding.result.value is not None:
        found["value"] = f"{finding.result.value:.12g}"
    if finding.indicator.description:
        found["description"] = finding.indicator.description
    found.update(finding.annotations)
    return {name: value for name, value in found.items() if value}


def summary(finding: Finding) -> str:
    """One line that says what is wrong with what; the reason of the check has the value against its limit."""
    shown = ", ".join(f"{name}={value}" for name, value in finding.series_labels)
    what = f"{finding.indicator.name} ({shown})" if shown else finding.indicator.name
    return f"{finding.target.name}, {what}: {finding.result.reason}"
