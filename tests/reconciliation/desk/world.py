"""Runs, lines and people for the tests of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.store.tables import break_case, break_event, control_break, control_run, user
from reconciliation.breaks import columns
from reconciliation.desk.cases import open_cases
from reconciliation.desk.identity import fingerprint, records
from reconciliation.standard_record import PARTIES

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DEADLINE = NOON + timedelta(days=2)
DAY, NEXT, THIRD = "2026-11-01", "2026-11-02", "2026-11-03"
CONTROL = "mobile-payment"


def line(key: str, class_: str = "missing_in_billing", **of_parties: Any) -> dict[str, Any]:
    """A line of breaks.parquet: `platform=5000` is a successful record of 50 yuan, a mapping is a record's own fields."""
    made: dict[str, Any] = dict.fromkeys(columns(PARTIES))
    made |= {"business_key": key, "kind": "payment", "class": class_, "loser": "customer", "currency": "CNY"}
    made |= {"at_risk_minor": 0, "carried": False}
    if not of_parties.keys() & set(PARTIES):
        of_parties |= {"platform": 5000, "payment": 5000}
    for number, (party, given) in enumerate(of_parties.items(), start=2):
        if party in PARTIES:
            record = {"amount_minor": given} if isinstance(given, int) else given
            record = {"record_id": f"{party}-{key}", "currency": "CNY", "status": "success", **record}
            record |= {"occurred_at": NOON - timedelta(days=1), "file": f"{party}.csv", "line": number}
            made |= {f"{party}_{name}": value for name, value in record.items()}
            made["at_risk_minor"] = max(made["at_risk_minor"], record["amount_minor"])
        else:
            made[party] = given
    return made


def run_of(connection: Connection, day: str = DAY, lines: Sequence[dict[str, Any]] = (), **over: Any) -> Row[Any]:
    """A run of that day that ties out, with these breaks kept as the pipeline keeps them."""
    broken = [one for one in lines if not one["carried"]]
    mark = f"{day}-{over.pop('mark', '')}"
    certificate: dict[str, Any] = {
        "kind": "match",
        "parties": {party: {} for party in PARTIES},
        "rows_tie": True,
        "amounts_tie": True,
        "hash": f"hash-{mark}",
    }
    values = {
        "control": CONTROL,
        "business_day": day,
        "fingerprint": mark,
        "outcome": "breaks" if broken else "clean",
        "reasons": [],
        "started_at": NOON,
        "finished_at": NOON,
        "engine": "duckdb",
        "certificate": certificate,
        "folder": f"runs/{CONTROL}/{day}",
        "breaks": len(broken),
        "carried": len(lines) - len(broken),
        "at_risk_minor": sum(one["at_risk_minor"] for one in broken),
        "currency": "CNY",
        "rejected": 0,
        "demo": False,
        **over,
    }
    number = connection.execute(insert(control_run).values(values).returning(control_run.c.id)).scalar_one()
    if lines:
        connection.execute(insert(control_break), [_stored(number, values["control"], one) for one in lines])
    return connection.execute(select(control_run).where(control_run.c.id == number)).one()


def case_of(connection: Connection, made: dict[str, Any] | None = None, day: str = DAY) -> int:
    """The number of the case of a line, found by a run of its own."""
    made = made or line("T1")
    run = run_of(connection, day, [made], mark=fingerprint(CONTROL, made))
    open_cases(connection, run, [made], NOON, DEADLINE)
    return int(
        connection.scalars(select(break_case.c.id).where(break_case.c.fingerprint == fingerprint(CONTROL, made))).one()
    )


def account_of(connection: Connection, name: str, login: str) -> None:
    """An account of the console whose person has that login at the terminal."""
    made = {"name": name, "login": login, "role": "operator", "password_hash": "", "language": "en", "created_at": NOON}
    connection.execute(insert(user).values(made))


def the_case(connection: Connection, number: int) -> Row[Any]:
    """The row of a case."""
    return connection.execute(select(break_case).where(break_case.c.id == number)).one()


def force(connection: Connection, number: int, state: str) -> None:
    """Put a case into a state, as if all the doings before had happened."""
    closed = NOON if state in ("proven", "written_off", "explained") else None
    connection.execute(update(break_case).where(break_case.c.id == number).values(state=state, closed_at=closed))


def told(connection: Connection, number: int) -> list[tuple[str, str]]:
    """The events of a case in their order: kind and who."""
    query = select(break_event.c.kind, break_event.c.who).where(break_event.c.case_id == number)
    return [(row.kind, row.who) for row in connection.execute(query.order_by(break_event.c.id))]


def _stored(run_id: int, control: Any, one: dict[str, Any]) -> dict[str, Any]:
    names = ("business_key", "kind", "class", "loser", "at_risk_minor", "carried")
    row = {name: one[name] for name in names}
    return {"run_id": run_id, "fingerprint": fingerprint(control, one), **row, "records": records(one)}
