"""What came of a reconciliation, as immutable values, and as samples for the checks.

Indicators (samples of the control's target): `reconciliation.breaks` (1, labels class and loser),
`reconciliation.breaks_total` (1), `reconciliation.at_risk` (minor units of the label currency),
`reconciliation.match_ratio` (0..1), `reconciliation.rejected_rows` (1), `reconciliation.refused` (0 or 1); of an
equation `reconciliation.balanced` (0 or 1) and `reconciliation.excess` (in the control's own unit). Carried items are
no breaks. A refused run gives `reconciliation.refused` = 1 alone: of the rest, nothing is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.model import Indicator, Kind, Sample, labels_of

_OWNER = "revenue assurance"

INDICATORS: tuple[Indicator, ...] = (
    Indicator("reconciliation.breaks", "1", Kind.GAUGE, "reconciliation", "Breaks of one class and loser", _OWNER),
    Indicator("reconciliation.breaks_total", "1", Kind.GAUGE, "reconciliation", "Breaks of the day", _OWNER),
    Indicator("reconciliation.at_risk", "fen", Kind.MONEY, "reconciliation", "Money at risk in breaks", _OWNER),
    Indicator("reconciliation.match_ratio", "1", Kind.RATIO, "reconciliation", "Matched keys of all keys", _OWNER),
    Indicator("reconciliation.rejected_rows", "1", Kind.GAUGE, "reconciliation", "Rows in quarantine", _OWNER),
    Indicator("reconciliation.refused", "1", Kind.GAUGE, "reconciliation", "1 when a run was refused", _OWNER),
    Indicator("reconciliation.balanced", "1", Kind.GAUGE, "reconciliation", "1 when an equation is in balance", _OWNER),
    Indicator("reconciliation.excess", "1", Kind.GAUGE, "reconciliation", "How far it is out of balance", _OWNER),
)

DONE, BREAKS, REFUSED = 0, 1, 3
"""Exit statuses: no break, breaks, refused. 2 (wrong use) belongs to the command line."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one run. A refused run has sentences and no certificate; `breaks` and `carried` count lines."""

    control: str
    business_day: str
    exit_status: int
    refused: tuple[str, ...] = ()
    certificate: Mapping[str, Any] = field(default_factory=dict)
    breaks: int = 0
    carried: int = 0
    rejected: int = 0
    paths: Mapping[str, Path] = field(default_factory=dict)  # name of each output -> where it stands
    notes: tuple[str, ...] = ()  # sentences on what could not be done beside


def samples(outcome: Outcome, at_ms: int, storm: int | None = None) -> list[Sample]:
    """The outcome as samples at one instant (milliseconds since the epoch, UTC).

    Above `storm` breaks the classes are not told apart: the run as a whole is what has to be looked at.
    """
    if outcome.refused:
        return [Sample("reconciliation.refused", 1, at_ms)]
    breaks: Counter[tuple[str, str]] = Counter()
    at_risk: Counter[str] = Counter(dict.fromkeys(outcome.certificate["currencies"], 0))
    for line in outcome.certificate["lines"]:
        if not line["carried"]:
            breaks[line["class"], line["loser"]] += line["count"]
            at_risk[line["currency"]] += line["at_risk_minor"]
    found = [
        Sample("reconciliation.refused", 0, at_ms),
        Sample("reconciliation.breaks_total", outcome.breaks, at_ms),
        Sample("reconciliation.rejected_rows", outcome.rejected, at_ms),
    ]
    if outcome.certificate.get("kind") == "equation":
        found.append(Sample("reconciliation.balanced", float(outcome.certificate["balanced"]), at_ms))
        found.append(Sample("reconciliation.excess", float(outcome.certificate["excess"]), at_ms))
    told_apart = sorted(breaks.items()) if storm is None or outcome.breaks <= storm else []
    for (name, loser), count in told_apart:
        found.append(Sample("reconciliation.breaks", count, at_ms, labels_of({"class": name, "loser": loser})))
    for currency, minor in sorted(at_risk.items()):
        found.append(Sample("reconciliation.at_risk", minor, at_ms, labels_of({"currency": currency})))
    ratio = match_ratio(outcome.certificate)
    if ratio is not None:
        found.append(Sample("reconciliation.match_ratio", ratio, at_ms))
    return found


def match_ratio(certificate: Mapping[str, Any]) -> float | None:
    """Matched keys of all keys on which somebody reports an effect; None when there is no such key, or none at all."""
    if certificate.get("kind") == "equation":
        return None
    counts = {name: tally["count"] for name, tally in certificate["classes"].items()}
    keys = sum(count for name, count in counts.items() if not name.startswith("duplicate_") and name != "no_effect")
    matched = sum(count for name, count in counts.items() if name.startswith("matched"))
    return matched / keys if keys else None
