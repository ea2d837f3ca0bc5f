"""The runs of one day of one control, and what people asked to be run again."""

from __future__ import annotations

from sqlalchemy import Connection, select

from core.store.tables import control_run, run_request
from dashboards.queries.reconciliation import signatures
from dashboards.queries.rows import Row, rows
from reconciliation.desk import reruns


def runs_of_day(connection: Connection, control: str, business_day: str) -> list[Row]:
    """The runs of a day, the newest first, each with `act` and `signer` of its latest signature (None without one)."""
    columns = (column for column in control_run.c if column.name not in ("certificate", "causes"))
    of_day = (control_run.c.control == control) & (control_run.c.business_day == business_day)
    found = rows(connection.execute(select(*columns).where(of_day).order_by(control_run.c.id.desc())).mappings())
    acts = {row["run_id"]: row for row in signatures(connection, [row["id"] for row in found])}
    for row in found:
        act = acts.get(row["id"], {})
        row |= {"act": act.get("act"), "signer": act.get("who")}
    return found


def requests_of_day(connection: Connection, control: str, business_day: str, limit: int) -> list[Row]:
    """The requests for a day, the newest first, each with its `state`."""
    found = reruns.of_day(connection, control, business_day, limit)
    return [{**one._mapping, "state": reruns.state(one)} for one in found]


def asked_for(connection: Connection) -> set[tuple[str, str]]:
    """Control and business day of every request that has not ended."""
    query = select(run_request.c.control, run_request.c.business_day).where(run_request.c.ended_at.is_(None))
    return {(control, day) for control, day in connection.execute(query)}
