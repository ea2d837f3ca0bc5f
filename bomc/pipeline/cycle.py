"""One cycle: a batch of outcomes becomes samples, results, transitions, alerts and messages, in one transaction.

Kill it anywhere: either all of a batch happened or none. What the board remembers can always be rebuilt from the store,
so after a failed transaction the cycle loads anew and the same batch is taken again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, select

from alerts.config import RoutesFile
from alerts.pipeline import handle, resume, tick
from alerts.tickets.book import Book, default_book
from bomc.pipeline import probe_samples
from bomc.pipeline.catalogue import Catalogue, Key
from bomc.pipeline.intake import acceptable, representable, why_refused
from bomc.pipeline.lead import keep_lead
from bomc.pipeline.records import PIPELINE, give_pulse, latest_errors, note_probes, store_changes
from bomc.pipeline.retired import forget_results, retired_findings
from checks import absence, summary
from checks.board import Board, Change, turns
from checks.check import Check
from core.model import Finding, Indicator, Outcome, Probe, Status, Target, instant_ms, labels_of
from core.store.open import writing
from core.store.refusals import Refused
from core.store.rollups import roll_up_again
from core.store.samples import Row, latest_samples, store_samples, stored_value
from core.store.tables import check_result, pulse

ROLLED_UP_MS = 300_000
"""What is stated of a time longer ago may have been rolled up already."""
ROUTED_AGAIN = timedelta(seconds=10)
"""So long after another routing came, what consoles took by the one before it has its groups, and is looked at once more."""


Watch = Callable[[Connection, datetime], Sequence[Finding]]
"""Something that alerts are told of besides samples: asked about once a second, in the cycle's own transaction."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of a configuration that a cycle needs."""

    targets: Mapping[str, Target]
    probes: Mapping[str, Probe]  # by key
    checks: Sequence[Check]
    routes: RoutesFile
    indicators: Sequence[Indicator]  # those that collectors and the pipeline declare
    external_url: str
    watches: Sequence[Watch] = ()
    leader: str | None = None  # the name under which this pipeline leads; None: nobody else can write here
    tickets: Book = field(default_factory=default_book)


@dataclass(frozen=True, slots=True)
class Done:
    """What one cycle did."""

    samples: int
    refused: int
    transitions: int
    deliveries: int
    next_due: datetime | None  # when the next group of alerts is to be told, if nothing comes before
    latest_ms: int  # instant of the newest sample, 0 when there was none


@dataclass(slots=True)
class _Arrays:
    """A batch as arrays of shape (n,); `owner` numbers the outcomes."""

    indexes: NDArray[np.int64]
    values: NDArray[np.float64]
    at_ms: NDArray[np.int64]
    owner: NDArray[np.int64]


def _awake_ms(connection: Connection, now: datetime) -> int:
    """Since when a pipeline listens, ms: from now on if none gave a sign of life lately, so that nobody is called silent
    for the time that we were not there ourselves."""
    last: datetime | None = connection.scalar(select(pulse.c.at).where(pulse.c.name == PIPELINE))
    return 0 if last is None or now - last <= absence.SHORTEST else instant_ms(now)


class Cycle:
    """The one writer's work; not thread-safe."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules
        self._errors: dict[str, str] = {}  # latest error of a probe, by its key
        self._fresh = False
        self._routes = rules.routes  # those that are to hold; the writer's thread takes them up
        self._route_again_at: datetime | None = None
        self._ids = np.empty(0, dtype=np.int64)
        self._catalogue: Catalogue
        self._board: Board

    def reroute(self, routes: RoutesFile) -> None:
        """Let another routing hold from the next batch on; open alerts find their groups and escalations under it then.
        To be called from any thread."""
        self._routes = routes

    def load(self, now: datetime) -> None:
        """Take up what the store knows. Done by itself before the first batch and after a failed one."""
        rules = self._rules
        every_s = {key: probe.every_s for key, probe in rules.probes.items()}
        self._catalogue = Catalogue(rules.targets, every_s)
        self._ids = np.empty(0, dtype=np.int64)
        with writing(self._engine) as connection:
            if rules.leader is not None:
                keep_lead(connection, rules.leader, now)
            self._board = Board(rules.checks, _awake_ms(connection, now))
            for series in self._catalogue.load(connection, rules.indicators, now):
                self._board.add(series)
            places = {series.id: index for index, series in enumerate(self._board.series)}
            self._retire(connection, places, now)
            self._resume(connection, now)
            self._restore(connection, places)
            self._errors = latest_errors(connection)
        self._fresh = True

    def _resume(self, connection: Connection, now: datetime) -> int:
        """Fit what is open to the routing that holds; how many messages that made."""
        rules = self._rules
        return resume(connection, rules.routes, now, rules.external_url, rules.tickets).deliveries

    def _retire(self, connection: Connection, places: Mapping[int, int], now: datetime) -> None:
        rules = self._rules

        def judged(check: str, series_id: int) -> bool:
            return series_id in places and self._board.judges(check, places[series_id])

        names = {check.name for check in rules.checks}
        findings = retired_findings(connection, judged, names, set(rules.targets), now)
        handle(connection, findings, rules.routes, now, rules.external_url, rules.tickets)
        forget_results(connection, judged)

    def _restore(self, connection: Connection, places: Mapping[int, int]) -> None:
        results: dict[int, dict[str, tuple[Status, Status]]] = {}
        for row in connection.execute(select(check_result)):
            results.setdefault(row.series_id, {})[row.check_name] = (Status(row.status), Status(row.held))
        for number, samples in latest_samples(connection, list(places), self._board.longest_window()):
            self._board.restore(places[number], samples, results.pop(number, {}))
        for number, known in results.items():  # judged once, and all its samples are past their retention
            self._board.restore(places[number], (), known)

    def run(
        self,
        outcomes: Sequence[Outcome],
        now: datetime,
        skipped: Mapping[str, int] | None = None,
        pulse: Mapping[str, object] | None = None,
    ) -> Done:
        """Take a batch. Raises what the store raises; then nothing of the batch has happened and it can be given again."""
        routes = self._routes
        rerouted = routes is not self._rules.routes
        if rerouted:
            self._rules = replace(self._rules, routes=routes)
            self._route_again_at = now + ROUTED_AGAIN
        elif self._route_again_at is not None and self._route_again_at <= now:
            rerouted, self._route_again_at = True, None
        if not self._fresh:
            self.load(now)
        self._fresh = False
        with writing(self._engine) as connection:
            made = self._resume(connection, now) if rerouted else 0
            done = self._run(connection, outcomes, now, skipped or {}, pulse)
        self._fresh = True
        return replace(done, deliveries=done.deliveries + made)

    def _run(
        self,
        connection: Connection,
        outcomes: Sequence[Outcome],
        now: datetime,
        skipped: Mapping[str, int],
        pulse: Mapping[str, object] | None,
    ) -> Done:
        now_ms, refused = instant_ms(now), Refused()
        if self._rules.leader is not None:
            keep_lead(connection, self._rules.leader, now)
        known = [outcome for outcome in outcomes if outcome.target in self._rules.targets]
        told = [part for outcome in known for part in (outcome, probe_samples.of_outcome(outcome))]
        arrays = self._resolve(connection, told, now)
        stored, changes, latest_ms = self._take(connection, told, arrays, now_ms, refused)
        for outcome in {outcome.probe: outcome for outcome in known}.values():  # the latest run of each probe
            changes += self._hear(outcome, now_ms)
        changes += self._board.tick(now_ms, self._errors.get)
        store_changes(connection, changes)
        note_probes(connection, known, self._rules.probes, skipped)
        refused.write(connection, now)
        if pulse is not None:
            give_pulse(connection, now, pulse)
        findings = [finding for change in changes if (finding := self._finding(change)) is not None]
        rules = self._rules
        if pulse is not None:
            findings += [finding for watch in rules.watches for finding in watch(connection, now)]
        if findings:
            told_of = handle(connection, findings, rules.routes, now, rules.external_url, rules.tickets)
        else:
            told_of = tick(connection, rules.routes, now, rules.external_url, rules.tickets)
        return Done(stored, sum(refused.counts.values()), len(changes), told_of.deliveries, told_of.next_due, latest_ms)

    def _resolve(self, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> _Arrays:
        indexes: list[int] = []
        values: list[float] = []
        instants: list[int] = []
        owner: list[int] = []
        for number, outcome in enumerate(outcomes):
            samples = outcome.samples
            if not samples:
                continue
            names, numbers, times, labels = zip(*samples, strict=True)
            keys: list[Key] = list(zip(names, labels, strict=True))
            known = self._catalogue.by_target[outcome.target]
            found = [known.get(key) for key in keys]
            if None in found:
                self._create(connection, outcome, [key for key in keys if key not in known], now)
                found = [known[key] for key in keys]
            indexes += found  # type: ignore[arg-type]
            values += numbers
            instants += times
            owner += [number] * len(samples)
        return _Arrays(
            np.array(indexes, dtype=np.int64),
            np.array(values, dtype=np.float64),
            representable(instants),
            np.array(owner, dtype=np.int64),
        )

    def _create(self, connection: Connection, outcome: Outcome, keys: Iterable[Key], now: datetime) -> None:
        self._catalogue.learn(connection, outcome.indicators)
        new = list(dict.fromkeys(keys))
        for key, series in zip(
            new, self._catalogue.create(connection, outcome.target, new, outcome.probe, now), strict=True
        ):
            self._catalogue.place(self._board.add(series), outcome.target, key, outcome.probe)

    def _take(
        self, connection: Connection, outcomes: Sequence[Outcome], arrays: _Arrays, now_ms: int, refused: Refused
    ) -> tuple[int, list[Change], int]:
        changes: list[Change] = []
        rows: list[Row] = []
        stated_anew: dict[int, int] = {}
        latest_ms = 0
        if not len(arrays.indexes):
            return 0, changes, latest_ms
        restates = np.array([outcome.restates for outcome in outcomes], dtype=np.bool_)[arrays.owner]
        ids = self._series_ids()
        for places in turns(arrays.indexes):
            indexes, values, at_ms = arrays.indexes[places], arrays.values[places], arrays.at_ms[places]
            last_ms = self._board.last_ms(indexes)
            sound, newer = acceptable(values, at_ms, last_ms, now_ms)
            kept = newer | (sound & restates[places])
            for place in np.flatnonzero(~kept):
                probe = outcomes[int(arrays.owner[places[place]])].probe
                bad = float(values[place]), int(at_ms[place]), int(last_ms[place])
                refused.add(probe, *why_refused(*bad, now_ms))
            rows += zip(ids[indexes[kept]].tolist(), at_ms[kept].tolist(), values[kept].tolist(), strict=True)
            past = sound & restates[places] & (~newer | (at_ms < now_ms - ROLLED_UP_MS))
            for place in np.flatnonzero(past):
                number, at = int(ids[indexes[place]]), int(at_ms[place])
                if stored_value(connection, number, at) != float(values[place]):
                    stated_anew[number] = min(at, stated_anew.get(number, at))
            changes += self._board.judge(indexes[newer], values[newer], at_ms[newer])
            latest_ms = max(latest_ms, int(at_ms[newer].max(initial=0)))
        if restates.any():  # an instant may be there twice: what came last holds
            rows = [(number, at, value) for (number, at), value in {row[:2]: row[2] for row in rows}.items()]
        rows.sort()
        store_samples(connection, rows)
        for number, since_ms in stated_anew.items():
            roll_up_again(connection, number, since_ms, now_ms)
        return len(rows), changes, latest_ms

    def _series_ids(self) -> NDArray[np.int64]:
        if len(self._ids) != len(self._board.series):
            self._ids = np.array([series.id for series in self._board.series], dtype=np.int64)
        return self._ids

    def _hear(self, outcome: Outcome, now_ms: int) -> list[Change]:
        """What a probe's success or failure itself changes: a failed one leaves its series UNKNOWN."""
        if outcome.error is None:
            self._errors.pop(outcome.probe, None)
            return []
        self._errors[outcome.probe] = outcome.error
        lost = self._catalogue.by_probe.get(outcome.probe, [])
        return self._board.lose(lost, outcome.error, min(now_ms, outcome.started_ms + round(outcome.took_s * 1000)))

    def _finding(self, change: Change) -> Finding | None:
        """What alerts are told of a change; None of a first OK, which changes nothing for anybody."""
        result = change.result
        if change.first and result.status is Status.OK:
            return None
        error = self._errors.get(change.series.probe.removesuffix(probe_samples.SUFFIX))
        if change.series.indicator.name == probe_samples.UP.name and error and result.status is not Status.OK:
            result = replace(result, reason=f"{result.reason}; the probe says: {error}")
        return Finding(
            check=change.check.name,
            series_id=change.series.id,
            target=change.series.target,
            indicator=change.series.indicator,
            series_labels=change.series.labels,
            old=change.old,
            new=result.status,
            result=result,
            labels=change.check.labels,
            annotations=labels_of(
                {**dict(change.check.annotations), "summary": summary.fill(change.check, change.series, result.value)}
            ),
            unknown_alerts=change.check.judge == "absence",
        )
