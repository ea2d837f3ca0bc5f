"""The words of the house, as immutable values; every other package speaks in these.

A *target* is watched, an *indicator* is what is measured on it, a *series* is one indicator of one target with one set
of labels, a *sample* is one value of a series at one instant. Checks turn samples into *results*; a result that changes
its status is a *transition*. Instants are aware UTC datetimes, except in samples, where they are integer milliseconds
since the Unix epoch because there are millions of them (`at_ms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]
"""Label pairs sorted by name: hashable, and equal labels are equal values."""


class Status(StrEnum):
    """What a check says of a series. UNKNOWN means that there is nothing to judge; it is never a quiet OK."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """How an indicator's values are to be read."""

    GAUGE = "gauge"  # a level that goes up and down
    COUNTER = "counter"  # only rises, until it starts again at zero
    RATIO = "ratio"  # a share of a whole, 0..1
    MONEY = "money"  # integer minor units of the currency named in the label `currency`


@dataclass(frozen=True, slots=True)
class Indicator:
    """Something measured: its dotted name, its unit (UCUM-like: `s`, `By`, `1`, `1/s`, `fen`), kind and owner."""

    name: str
    unit: str
    kind: Kind = Kind.GAUGE
    category: str = ""
    description: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A configuration item: anything that is watched or owned. `runs_on` and `depends_on` name other targets."""

    name: str
    kind: str  # its class: host, database, web_server, http, business, service, exporter, control
    labels: Labels = ()
    site: str = ""
    system: str = ""
    runs_on: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    demo: bool = False  # its samples are generated for the demonstration, and every page says so


class Sample(NamedTuple):
    """One value as a collector returns it; the pipeline adds the target. A tuple, since batches hold 20,000 of them."""

    indicator: str
    value: float
    at_ms: int  # instant of measurement, milliseconds since the epoch, UTC
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What one check says of one series at one instant, with its reason in words."""

    status: Status
    value: float | None  # None when there is nothing to judge
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Probe:
    """One scheduled question to one target: which collector asks, how often, with what settings."""

    target: str
    collector: str
    every_s: float
    timeout_s: float
    settings: object  # the collector's own validated Config
    name: str = ""  # unique within the target; the collector's name unless it is used twice

    @property
    def key(self) -> str:
        """The name under which this probe is scheduled, counted and shown."""
        return f"{self.target}/{self.name or self.collector}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run of one probe: samples, or the sentence that says why there are none."""

    probe: str
    target: str
    started_ms: int
    took_s: float
    samples: tuple[Sample, ...] | list[Sample] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()  # parts that were refused, each as a sentence
    restates: bool = False  # a feed that may bring older instants again, with other values
    indicators: tuple[Indicator, ...] = ()  # declared by the target itself, besides those of its collector


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """The canonical form of a mapping of labels: sorted by name, empty values dropped (a missing label equals "")."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value != ""))


def instant_ms(at: datetime) -> int:
    """Milliseconds since the epoch of an aware instant. Raises ValueError when it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; instants are aware UTC")
    return round(at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Finding:
    """A change of status with all that an alert, its route and its readers need to know; what checks hand to alerts."""

    check: str
    series_id: int | None  # none of what no series is measured for
    target: Target
    indicator: Indicator
    series_labels: Labels
    old: Status
    new: Status
    result: Result
    labels: Labels = ()  # the check's own: team, runbook owner, ...
    annotations: Labels = ()  # the check's own: summary, runbook
    unknown_alerts: bool = False  # absence checks: UNKNOWN opens an alert; elsewhere it only suspends one
