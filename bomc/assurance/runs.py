"""Running one control for one day: the files it reads, what is brought in from before, and where its result goes.

A result is files in `runs/CONTROL/DAY` of the home folder. What adjustments bring into a day's run stands beside it in
`runs/CONTROL/DAY.adjusted.parquet`, so that the run can be made again from files alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from bomc.assurance import records
from bomc.assurance.calendar import Control, day_before
from core.store.open import reading, writing
from reconciliation import certificate
from reconciliation.controls import equation
from reconciliation.controls.entries import MatchControl
from reconciliation.controls.match_request import request_of
from reconciliation.desk.proof import expected_lines
from reconciliation.match import run as run_match
from reconciliation.outcome import Outcome

log = logging.getLogger("bomc.assurance")


class Runs:
    """Runs controls of one home folder and keeps what came of them."""

    def __init__(
        self,
        engine: Engine,
        home: Path,
        operator: ZoneInfo,
        clock: Callable[[], datetime],
        language: str = "en",
        with_reports: bool = True,
    ) -> None:
        self._engine, self._home, self._operator = engine, home, operator
        self._clock, self._language, self._with_reports = clock, language, with_reports

    def folder(self, control: str, day: date) -> Path:
        """Where the result of a day stands."""
        return self._home / "runs" / control / day.isoformat()

    def standing(self, control: str, day: date) -> str | None:
        """The hash of the result in the day's folder; None when there is no whole one."""
        folder = self.folder(control, day)
        if not (folder / certificate.FILE).exists():
            return None
        try:
            return str(certificate.load(folder)["hash"])
        except certificate.CertificateError as error:
            log.warning("%s of %s: %s", control, day, error)
            return None

    def before(self, control: Control, day: date) -> Path | None:
        """The result of the control's business day before that one, where it has one."""
        earlier = day_before(control, day)
        folder = None if earlier is None else self.folder(control.name, earlier)
        return folder if folder is not None and (folder / certificate.FILE).exists() else None

    def run_day(self, control: Control, day: date, engine: str = "duckdb") -> tuple[Outcome, Any]:
        """Run one control for one day; the outcome, and the row that is kept of it."""
        started = self._clock()
        out = self.folder(control.name, day)
        brought: Sequence[Mapping[str, Any]] = ()
        if isinstance(control, MatchControl):
            brought = self._brought(control, day)
            found = self._match(control, day, out, brought, engine)
        else:
            found = self._equation(control, day, out)
        with writing(self._engine) as connection:
            row = records.keep(
                connection,
                control,
                day,
                found,
                out,
                str(out.relative_to(self._home)),
                started,
                self._clock(),
                brought,
            )
        return found, row

    def _brought(self, control: MatchControl, day: date) -> Sequence[Mapping[str, Any]]:
        with reading(self._engine) as connection:
            return expected_lines(connection, control.name, day, tuple(control.parties))

    def _match(
        self, control: MatchControl, day: date, out: Path, brought: Sequence[Mapping[str, Any]], engine: str
    ) -> Outcome:
        request = request_of(control, day, self._home, out, carried=self.before(control, day), timezone=self._operator)
        return run_match(
            replace(
                request,
                adjusted=write_adjusted(out, brought, tuple(control.parties)),
                engine=engine,
                report=self._with_reports,
                language=self._language,
                title=self._title(control),
            )
        )

    def _equation(self, control: Any, day: date, out: Path) -> Outcome:
        before = self.before(control, day)
        previous = None if before is None else str(certificate.load(before)["hash"])
        return equation.run(
            control,
            day,
            self._home,
            out,
            previous_hash=previous,
            timezone=self._operator,
            report=self._with_reports,
            language=self._language,
            title=self._title(control),
        )

    def _title(self, control: Control) -> str:
        return control.title.zh if self._language == "zh_CN" else control.title.en


def write_adjusted(out: Path, lines: Sequence[Mapping[str, Any]], parties: Sequence[str]) -> Path | None:
    """Write what adjustments bring into a run beside its folder; None, and no file, when they bring nothing."""
    import pyarrow as pa
    from pyarrow import parquet

    place = out.with_name(f"{out.name}.adjusted.parquet")
    if not lines:
        place.unlink(missing_ok=True)
        return None
    place.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"at_risk_minor": pa.int64(), "carried": pa.bool_()}
    of_party = {
        "amount_minor": pa.int64(),
        "fee_minor": pa.int64(),
        "line": pa.int64(),
        "occurred_at": pa.timestamp("us", tz="UTC"),
    }
    kinds |= {f"{party}_{name}": kind for party in parties for name, kind in of_party.items()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in lines[0]])
    part = place.with_suffix(".part")
    parquet.write_table(pa.Table.from_pylist([dict(line) for line in lines], schema), part)
    part.replace(place)
    return place
