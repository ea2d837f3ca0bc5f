"""Runs of controls and their breaks, as the reconciliation pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, func, select

from core.store.tables import break_case, control_break, control_run, run_signature
from dashboards.queries.rows import Row, rows

MATCHED = ("matched", "matched_by_tolerance", "matched_by_batch")
"""Classes of keys on which the parties agree, whatever the pass that found it."""
BREAKS = 5_000
"""Breaks that the grid of one run shows at most; the evidence files hold all of them."""


def runs(connection: Connection, limit: int = 400) -> list[Row]:
    """The latest runs, newest business day first; a re-run of a day stands before the run it repeats."""
    statement = (
        select(*(column for column in control_run.c if column.name not in ("certificate", "causes")))
        .order_by(control_run.c.business_day.desc(), control_run.c.control, control_run.c.finished_at.desc())
        .limit(limit)
    )
    return rows(connection.execute(statement).mappings())


def run(connection: Connection, run_id: int) -> Row | None:
    """One run with its certificate, or None when there is no such run."""
    found = connection.execute(select(control_run).where(control_run.c.id == run_id)).mappings().first()
    return None if found is None else dict(found)


def latest(connection: Connection, first: date, last: date) -> list[Row]:
    """The run that counts of every control and business day from `first` to `last`: the latest one.

    Besides the run: `keys` and `matched` from its certificate (None when it has none), `act`, `signer` and `signed_at`
    of its latest signature (None without one).
    """
    days = control_run.c.business_day.between(first.isoformat(), last.isoformat())
    place = func.row_number().over(
        partition_by=(control_run.c.control, control_run.c.business_day),
        order_by=(control_run.c.finished_at.desc(), control_run.c.id.desc()),
    )
    placed = select(control_run.c.id, place.label("place")).where(days).subquery()
    wanted = select(placed.c.id).where(placed.c.place == 1)
    statement = (
        select(*(column for column in control_run.c if column.name != "causes"))
        .where(control_run.c.id.in_(wanted))
        .order_by(control_run.c.control, control_run.c.business_day)
    )
    found = rows(connection.execute(statement).mappings())
    acts = {row["run_id"]: row for row in signatures(connection, [row["id"] for row in found])}
    for row in found:
        certificate = row.pop("certificate") or {}
        counted = certificate.get("classes") if row["kind"] == "match" else None  # an equation has no keys
        act = acts.get(row["id"], {})
        row |= {
            "keys": None if counted is None else sum(one["count"] for one in counted.values()),
            "matched": None if counted is None else sum(counted.get(name, {}).get("count", 0) for name in MATCHED),
            "act": act.get("act"),
            "signer": act.get("who"),
            "signed_at": act.get("at"),
        }
    return found


def first_days(connection: Connection) -> dict[str, str]:
    """The first business day of each control that ever ran."""
    statement = select(control_run.c.control, func.min(control_run.c.business_day)).group_by(control_run.c.control)
    return {str(control): str(day) for control, day in connection.execute(statement)}


def signatures(connection: Connection, run_ids: Sequence[int]) -> list[Row]:
    """Every signature of these runs, the oldest first: run_id, act, who, at, comment, certificate_hash."""
    statement = (
        select(run_signature)
        .where(run_signature.c.run_id.in_(run_ids))
        .order_by(run_signature.c.at, run_signature.c.id)
    )
    return rows(connection.execute(statement).mappings())


def presence(connection: Connection, run_id: int) -> list[Row]:
    """Which parties have a record in a run's breaks: class, party, carried, n, amount_minor (of that party's records)."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    statement = select(control_break.c["class"], control_break.c.carried, control_break.c.records).where(
        control_break.c.run_id == run_id
    )
    for name, carried, records in connection.execute(statement):
        for party, record in records.items():
            if record and record.get("record_id") not in (None, ""):
                cell = found.setdefault((name, party, carried), [0, 0])
                cell[0] += 1
                cell[1] += int(record.get("amount_minor") or 0)
    return [
        {"class": name, "party": party, "carried": carried, "n": n, "amount_minor": amount}
        for (name, party, carried), (n, amount) in found.items()
    ]


def cases_of(connection: Connection, run: Row) -> dict[str, int]:
    """The case of each of a run's breaks that has one: fingerprint -> case."""
    statement = (
        select(control_break.c.fingerprint, break_case.c.id)
        .join(break_case, break_case.c.fingerprint == control_break.c.fingerprint)
        .where(control_break.c.run_id == run["id"], break_case.c.control == run["control"])
    )
    return {fingerprint: case for fingerprint, case in connection.execute(statement) if fingerprint}


def chain(connection: Connection, run: Row) -> Row | None:
    """The run whose certificate this one names as the one before: id, business_day, hash; None when none is known."""
    wanted = (run["certificate"] or {}).get("previous_hash")
    if not wanted:
        return None
    statement = select(control_run.c.id, control_run.c.business_day, control_run.c.fingerprint).where(
        control_run.c.control == run["control"], control_run.c.fingerprint == wanted
    )
    found = connection.execute(statement).mappings().first()
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


def of_same_day(connection: Connection, run: Row) -> dict[str, int]:
    """The run of the same day before this one and the newest after it: {"earlier": id, "newest": id}, where there are."""
    same = (control_run.c.control == run["control"]) & (control_run.c.business_day == run["business_day"])
    earlier, newest = connection.execute(
        select(
            func.max(control_run.c.id).filter(control_run.c.id < run["id"]),
            func.max(control_run.c.id).filter(control_run.c.id > run["id"]),
        ).where(same)
    ).one()
    found = {"earlier": earlier, "newest": newest}
    return {name: number for name, number in found.items() if number is not None}
