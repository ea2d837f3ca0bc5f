"""Runs of controls and their breaks, as the reconciliation pages show them."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from core.store.tables import control_break, control_run
from dashboards.queries.rows import Row, rows

DAYS = 14
BREAKS = 5_000
"""Breaks that the grid of one run shows at most; the evidence files hold all of them."""


def runs(connection: Connection, limit: int = 400) -> list[Row]:
    """The latest runs, newest business day first; a re-run of a day stands before the run it repeats."""
    statement = (
        select(*(column for column in control_run.c if column.name != "certificate"))
        .order_by(control_run.c.business_day.desc(), control_run.c.control, control_run.c.finished_at.desc())
        .limit(limit)
    )
    return rows(connection.execute(statement).mappings())


def run(connection: Connection, run_id: int) -> Row | None:
    """One run with its certificate, or None when there is no such run."""
    found = connection.execute(select(control_run).where(control_run.c.id == run_id)).mappings().first()
    return None if found is None else dict(found)


def breaks(connection: Connection, run_id: int, classes: tuple[str, ...] = ()) -> list[Row]:
    """Breaks of a run, the most money first, of these classes or of all."""
    statement = select(control_break).where(control_break.c.run_id == run_id)
    if classes:
        statement = statement.where(control_break.c["class"].in_(classes))
    statement = statement.order_by(control_break.c.at_risk_minor.desc(), control_break.c.id).limit(BREAKS)
    return rows(connection.execute(statement).mappings())


def by_class(connection: Connection, run_id: int) -> list[Row]:
    """Number and money at risk of a run's breaks by class: class, carried, n, at_risk_minor; the most money first."""
    statement = (
        select(
            control_break.c["class"],
            control_break.c.carried,
            control_break.c.loser,
            func.count().label("n"),
            func.sum(control_break.c.at_risk_minor).label("at_risk_minor"),
        )
        .where(control_break.c.run_id == run_id)
        .group_by(control_break.c["class"], control_break.c.carried, control_break.c.loser)
        .order_by(func.sum(control_break.c.at_risk_minor).desc())
    )
    return rows(connection.execute(statement).mappings())


def neighbours(connection: Connection, control: str, business_day: str) -> dict[str, int]:
    """The runs of the business days before and after: {"before": id, "after": id}, each only where there is one."""
    found: dict[str, int] = {}
    base = select(control_run.c.id).where(control_run.c.control == control).limit(1)
    day, done = control_run.c.business_day, control_run.c.finished_at
    before = connection.execute(base.where(day < business_day).order_by(day.desc(), done.desc())).scalar()
    after = connection.execute(base.where(day > business_day).order_by(day, done.desc())).scalar()
    if before is not None:
        found["before"] = before
    if after is not None:
        found["after"] = after
    return found
