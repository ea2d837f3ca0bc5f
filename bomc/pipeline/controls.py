"""Standing reconciliations: which business days are due, and what a run leaves behind.

A run's result is files in `runs/CONTROL/DAY`, a row with its breaks in the store, and samples that checks judge like any
others; it never alerts by itself. Running a day again with the same files finds the same row and adds nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from bomc.configuration.models import ControlEntry, home_path
from core.model import Outcome, Sample, instant_ms, labels_of
from core.store.open import reading, writing
from core.store.tables import control_break, control_run
from reconciliation import outcome as outcomes
from reconciliation import three_way
from reconciliation.breaks import read_breaks
from reconciliation.outcome import Outcome as RunOutcome
from reconciliation.request import Request
from reconciliation.standard_record import PARTIES

log = logging.getLogger("bomc.controls")
PROBE = "reconcile"
BREAKS_IN_STORE = 20_000
"""Breaks of one run that are kept in the store for the pages; all of them are in the run's files."""
PAGE = 2_000


def due_days(control: ControlEntry, zone: ZoneInfo, now: datetime) -> list[date]:
    """Business days that should have been run by `now`, oldest first: yesterday once its hour has come, and those before."""
    local = now.astimezone(zone)
    latest = local.date() - timedelta(days=1)
    if local.time() < control.at:
        latest -= timedelta(days=1)
    return [latest - timedelta(days=back) for back in reversed(range(max(1, control.catch_up_days)))]


class Controls:
    """Runs what is due; to be called from one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        home: Path,
        controls: Iterable[ControlEntry],
        zone: ZoneInfo,
        clock: Callable[[], datetime],
        submit: Callable[[Outcome], None],
    ) -> None:
        self._engine, self._home, self._controls = engine, home, tuple(controls)
        self._zone, self._clock, self._submit = zone, clock, submit

    def catch_up(self) -> int:
        """Run every due day that has no result yet or was refused; returns how many were run."""
        count = 0
        for control in self._controls:
            for day in due_days(control, self._zone, self._clock()):
                known = self._latest(control.name, day)
                if known is not None and known.outcome != "refused":
                    continue
                try:
                    self.run_day(control, day)
                    count += 1
                except (SQLAlchemyError, OSError) as error:
                    log.warning("%s of %s could not be run: %s. It is tried again.", control.name, day, error)
                except Exception:
                    log.exception("%s of %s broke down. It is tried again.", control.name, day)
        return count

    def tell_again(self) -> None:
        """Submit the samples of the latest runs again, in case a kill came between a run and its samples."""
        for control in self._controls:
            for day in due_days(control, self._zone, self._clock()):
                row = self._latest(control.name, day)
                if row is not None:
                    self._submit(_as_outcome(control.name, day, _outcome_of_row(row), row.finished_at))

    def run_day(self, control: ControlEntry, day: date) -> RunOutcome:
        """Run one control for one day and keep what came of it."""
        started = self._clock()
        found = three_way.run(self._request(control, day))
        finished = self._keep(control, day, found, started)
        self._submit(_as_outcome(control.name, day, found, finished))
        for sentence in found.refused:
            log.warning("%s of %s was refused: %s", control.name, day, sentence)
        return found

    def _request(self, control: ControlEntry, day: date) -> Request:
        before = self._folder(control.name, day - timedelta(days=1))
        return three_way.request(
            day,
            self._file(control.files.billing, day),
            self._file(control.files.platform, day),
            self._file(control.files.payment, day),
            self._folder(control.name, day),
            timezone=self._zone,
            cutoff_window=control.cutoff_window,
            tolerance_minor=control.tolerance_minor,
            fee_tolerance_minor=control.fee_tolerance_minor,
            control=control.name,
            carried=before if (before / "certificate.json").exists() else None,
        )

    def _file(self, place: str, day: date) -> Path:
        return home_path(self._home, place.replace("{day}", day.isoformat()))

    def _folder(self, control: str, day: date) -> Path:
        return self._home / "runs" / control / day.isoformat()

    def _latest(self, control: str, day: date) -> Any:
        query = (
            select(control_run)
            .where(control_run.c.control == control, control_run.c.business_day == day.isoformat())
            .order_by(control_run.c.id.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.execute(query).one_or_none()

    def _keep(self, control: ControlEntry, day: date, found: RunOutcome, started: datetime) -> datetime:
        """Write the run and its breaks unless the same run is there already; returns when it first finished."""
        print_ = fingerprint(found)
        same = (
            (control_run.c.control == control.name)
            & (control_run.c.business_day == day.isoformat())
            & (control_run.c.fingerprint == print_)
        )
        folder = self._folder(control.name, day)
        with writing(self._engine) as connection:
            known: datetime | None = connection.scalar(select(control_run.c.finished_at).where(same))
            if known is not None:
                return known
            finished = self._clock()
            row = _row(control, day, found, started, finished, print_, str(folder.relative_to(self._home)))
            number = connection.execute(insert(control_run).values(row).returning(control_run.c.id)).scalar_one()
            if not found.refused:
                _store_breaks(connection, number, folder)
        return finished


def fingerprint(found: RunOutcome) -> str:
    """The same for two runs of the same files with the same result: the certificate's hash, or that of the refusal."""
    if not found.refused:
        return str(found.certificate["hash"])
    return "refused-" + sha256(json.dumps(found.refused, ensure_ascii=False).encode()).hexdigest()


def _row(
    control: ControlEntry,
    day: date,
    found: RunOutcome,
    started: datetime,
    finished: datetime,
    print_: str,
    folder: str,
) -> dict[str, Any]:
    lines = [line for line in found.certificate.get("lines", ()) if not line["carried"]]
    currencies = sorted({line["currency"] for line in lines})
    return {
        "control": control.name,
        "business_day": day.isoformat(),
        "fingerprint": print_,
        "outcome": "refused" if found.refused else "breaks" if found.breaks else "clean",
        "reasons": list(found.refused),
        "started_at": started,
        "finished_at": finished,
        "engine": found.certificate.get("engine", ""),
        "certificate": dict(found.certificate) or None,
        "folder": folder,
        "breaks": found.breaks,
        "carried": found.carried,
        "at_risk_minor": sum(line["at_risk_minor"] for line in lines) if len(currencies) <= 1 else 0,
        "currency": currencies[0] if len(currencies) == 1 else "mixed" if currencies else "CNY",
        "rejected": found.rejected,
        "demo": control.demo,
    }


def _store_breaks(connection: Connection, run_id: int, folder: Path) -> None:
    for offset in range(0, BREAKS_IN_STORE, PAGE):
        page = read_breaks(folder, offset, PAGE)
        if page:
            connection.execute(insert(control_break), [_break_row(run_id, line) for line in page])
        if len(page) < PAGE:
            return


def _break_row(run_id: int, line: dict[str, Any]) -> dict[str, Any]:
    names = ("business_key", "kind", "class", "loser", "at_risk_minor", "carried")
    return {"run_id": run_id, **{name: line[name] for name in names}, "records": dict(_records(line))}


def _records(line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for party in PARTIES:
        record = {
            name.removeprefix(f"{party}_"): value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
            for name, value in line.items()
            if name.startswith(f"{party}_")
        }
        if record.get("record_id") is not None:
            yield party, record


def _outcome_of_row(row: Any) -> RunOutcome:
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


def _as_outcome(control: str, day: date, found: RunOutcome, finished: datetime) -> Outcome:
    """The run as a probe's outcome. Each business day is a series of its own: tomorrow's clean run heals no break of today."""
    at_ms = instant_ms(finished)
    labelled = [
        Sample(
            sample.indicator, sample.value, at_ms, labels_of({**dict(sample.labels), "business_day": day.isoformat()})
        )
        for sample in outcomes.samples(found, at_ms)
    ]
    return Outcome(f"{control}/{PROBE}", control, at_ms, 0.0, labelled, restates=True)
