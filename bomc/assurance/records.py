"""What a run leaves in the store, in one transaction: its row, its breaks, cases for people, proofs of adjustments.

The same run again finds its row and adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from bomc.assurance.calendar import Control
from core.store.tables import control_break, control_run
from reconciliation import causes
from reconciliation.breaks import read_breaks
from reconciliation.desk.cases import open_cases
from reconciliation.desk.identity import fingerprint as break_fingerprint
from reconciliation.desk.identity import records as records_of
from reconciliation.desk.proof import prove_settled
from reconciliation.outcome import Outcome

BREAKS_IN_STORE = 20_000
"""Breaks of one run that are kept in the store, and that become cases; all of them are in the run's files."""
PAGE = 2_000
AGAIN = "#"
"""Before the number of a result that came again after another one, as when a changed file was put back."""
CASE_WITHIN = timedelta(days=3)
"""Time that people have for a case from the run that finds it."""
LEADING = ("business_key", "kind", "class", "loser", "at_risk_minor", "carried")


def latest(connection: Connection, control: str, day: date) -> Any:
    """The last run of a business day, or None."""
    query = (
        select(control_run)
        .where(control_run.c.control == control, control_run.c.business_day == day.isoformat())
        .order_by(control_run.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def refusals(connection: Connection, control: str, days: Iterable[date]) -> Sequence[Any]:
    """The rows of all runs of these business days that were refused, oldest first."""
    query = (
        select(control_run.c.business_day, control_run.c.finished_at, control_run.c.reasons)
        .where(control_run.c.control == control, control_run.c.business_day.in_([day.isoformat() for day in days]))
        .where(control_run.c.outcome == "refused")
        .order_by(control_run.c.id)
    )
    return connection.execute(query).all()


def certificates(connection: Connection, control: str, day: date) -> list[dict[str, Any]]:
    """Those of all runs of a business day that were not refused, oldest first."""
    query = (
        select(control_run.c.certificate)
        .where(control_run.c.control == control, control_run.c.business_day == day.isoformat())
        .where(control_run.c.outcome != "refused")
        .order_by(control_run.c.id)
    )
    return list(connection.scalars(query))


def fingerprint(found: Outcome) -> str:
    """The same for two runs of the same files with the same result: the certificate's hash, or that of the refusal."""
    if not found.refused:
        return str(found.certificate["hash"])
    return "refused-" + sha256(json.dumps(found.refused, ensure_ascii=False).encode()).hexdigest()


def keep(
    connection: Connection,
    control: Control,
    day: date,
    found: Outcome,
    folder: Path,
    shown: str,
    started: datetime,
    finished: datetime,
    brought: Sequence[Mapping[str, Any]],
) -> Any:
    """The row of the run, written with all that hangs on it unless the day's latest is the same; `shown` is its folder
    below the home.

    `brought` are the lines that adjustments brought into the run.
    """
    known = latest(connection, control.name, day)
    print_ = fingerprint(found)
    if known is not None and known.fingerprint.partition(AGAIN)[0] == print_:
        return known
    before = _times(connection, control.name, day, print_)
    print_ += f"{AGAIN}{before + 1}" if before else ""
    values = _row(control, day, found, started, finished) | {"fingerprint": print_, "folder": shown}
    if not found.refused and (folder / causes.FILE).exists():
        values["causes"] = causes.read(folder)
    run = connection.execute(insert(control_run).values(values).returning(control_run)).one()
    if not found.refused:
        lines = list(_lines(control.name, folder, control.dimensions if control.kind == "match" else ()))
        for start in range(0, len(lines), PAGE):
            page = lines[start : start + PAGE]
            connection.execute(insert(control_break), [_break_row(run.id, line) for line in page])
        open_cases(connection, run, lines, finished, finished + CASE_WITHIN, lambda _, line: str(line["fingerprint"]))
        if brought:
            prove_settled(connection, run, brought, _all_lines(folder), finished)
    return run


def _times(connection: Connection, control: str, day: date, print_: str) -> int:
    """How often the day had that result before."""
    rows = connection.scalars(
        select(control_run.c.fingerprint).where(
            control_run.c.control == control, control_run.c.business_day == day.isoformat()
        )
    )
    return sum(found.partition(AGAIN)[0] == print_ for found in rows)


def _row(control: Control, day: date, found: Outcome, started: datetime, finished: datetime) -> dict[str, Any]:
    lines = [line for line in found.certificate.get("lines", ()) if not line["carried"]]
    currencies = sorted({line["currency"] for line in lines})
    return {
        "control": control.name,
        "business_day": day.isoformat(),
        "kind": control.kind,
        "outcome": "refused" if found.refused else "breaks" if found.breaks else "clean",
        "reasons": list(found.refused),
        "started_at": started,
        "finished_at": finished,
        "engine": found.certificate.get("engine", ""),
        "certificate": dict(found.certificate) or None,
        "causes": None,
        "breaks": found.breaks,
        "carried": found.carried,
        "at_risk_minor": sum(line["at_risk_minor"] for line in lines) if len(currencies) <= 1 else 0,
        "currency": currencies[0] if len(currencies) == 1 else "mixed" if currencies else "CNY",
        "rejected": found.rejected,
        "demo": control.demo,
    }


def _all_lines(folder: Path) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := read_breaks(folder, offset, PAGE):
        yield from page
        offset += len(page)


def _lines(control: str, folder: Path, dimensions: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The lines that are kept, each with its identity, its records, and its dimensions where these were looked for."""
    known = _dimensions(folder) if dimensions else []
    for number, line in enumerate(_all_lines(folder)):
        if number >= BREAKS_IN_STORE:
            return
        kept = {name: line[name] for name in (*LEADING, "currency")} | {"records": records_of(line)}
        print_ = break_fingerprint(control, kept)
        yield {**kept, "fingerprint": print_, "dimensions": known[number] if number < len(known) else None}


def _dimensions(folder: Path) -> list[dict[str, Any]]:
    from pyarrow import dataset

    place = folder / causes.DIMENSIONS
    if not place.exists():
        return []
    table = dataset.dataset(place, format="parquet").head(BREAKS_IN_STORE)
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]


def _break_row(run_id: int, line: Mapping[str, Any]) -> dict[str, Any]:
    return {"run_id": run_id} | {name: line[name] for name in (*LEADING, "fingerprint", "records", "dimensions")}
