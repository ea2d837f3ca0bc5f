"""What is told of a control: the outcome of a run, a run that is missing, arrivals and cases, as outcomes for the writer.

Each business day is a series of its own: tomorrow's clean run heals no break of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from core.model import Indicator, Kind, Outcome, Sample, instant_ms, labels_of
from reconciliation import outcome as outcomes
from reconciliation.deliveries import Arrival
from reconciliation.deliveries import samples as arrival_samples
from reconciliation.outcome import Outcome as RunOutcome

RUN, MISSING, ARRIVAL, DESK = "reconcile", "missing", "arrival", "desk"
"""The probes that a control has."""
_OWNER = "revenue assurance"
INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "reconciliation.run_missing", "1", Kind.GAUGE, "reconciliation", "1 when a due run did not happen", _OWNER
    ),
    Indicator("reconciliation.open_cases", "1", Kind.GAUGE, "reconciliation", "Breaks that people work on", _OWNER),
    Indicator("reconciliation.overdue_cases", "1", Kind.GAUGE, "reconciliation", "Those past their deadline", _OWNER),
)


def of_run(
    control: str,
    day: date,
    found: RunOutcome,
    finished: datetime,
    storm: int,
    before: Iterable[Mapping[str, Any]] = (),
    known: bool = False,
) -> Outcome:
    """A run; above `storm` breaks its classes are not told apart, so that it is one alert and not one for each.

    `before` are the certificates of all runs of the day: a class or a currency that one of them told of and this run has
    no more is told as 0, or nobody would hear that it is over. A refusal whose every reason is `known` from the watch over
    arrivals is told as 0, too.
    """
    at_ms = instant_ms(finished)
    told = {(sample.indicator, sample.labels): sample for sample in outcomes.samples(found, at_ms, storm)}
    if known:
        told = {("reconciliation.refused", ()): Sample("reconciliation.refused", 0, at_ms)}
    over = ("reconciliation.at_risk", *(("reconciliation.breaks",) if found.breaks <= storm else ()))
    for certificate in () if found.refused else before:
        earlier = RunOutcome(control, day.isoformat(), outcomes.DONE, certificate=certificate)
        for sample in outcomes.samples(earlier, at_ms):
            if sample.indicator in over:
                zero = Sample(sample.indicator, 0, at_ms, sample.labels)
                told.setdefault((sample.indicator, sample.labels), zero)
    return _told(control, RUN, at_ms, (_of_day(sample, day) for sample in told.values()))


def of_missing(control: str, missing: Mapping[date, bool], now: datetime) -> Outcome:
    """Whether the run of each due day is missing."""
    at_ms = instant_ms(now)
    samples = [
        _of_day(Sample("reconciliation.run_missing", float(is_missing), at_ms), day)
        for day, is_missing in missing.items()
    ]
    return _told(control, MISSING, at_ms, samples)


def of_arrivals(control: str, found: Iterable[Arrival], now: datetime) -> Outcome:
    """What became of the files that are owed to a control."""
    return _told(control, ARRIVAL, instant_ms(now), arrival_samples(found, instant_ms(now)))


def of_desk(control: str, cases: int, overdue: int, now: datetime) -> Outcome:
    """How many cases people have on their desk."""
    at_ms = instant_ms(now)
    figures = {"reconciliation.open_cases": cases, "reconciliation.overdue_cases": overdue}
    return _told(control, DESK, at_ms, [Sample(name, float(value), at_ms) for name, value in figures.items()])


def _of_day(sample: Sample, day: date) -> Sample:
    labels = labels_of({**dict(sample.labels), "business_day": day.isoformat()})
    return Sample(sample.indicator, sample.value, sample.at_ms, labels)


def _told(control: str, probe: str, at_ms: int, samples: Iterable[Sample]) -> Outcome:
    return Outcome(f"{control}/{probe}", control, at_ms, 0.0, list(samples), restates=True)


def of_row(row: Any) -> RunOutcome:
    """The outcome of a run that stands in the store."""
    return RunOutcome(
        control=row.control,
        business_day=row.business_day,
        exit_status=outcomes.REFUSED if row.outcome == "refused" else outcomes.BREAKS if row.breaks else outcomes.DONE,
        refused=tuple(row.reasons),
        certificate=row.certificate or {},
        breaks=row.breaks,
        carried=row.carried,
        rejected=row.rejected,
    )
