"""Cases of breaks: what people have to settle, what happened to each, and what was lost and recovered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, case, func, select

from core.people.rights import ROLES, allowed
from core.store.tables import break_adjustment, break_case, break_event, control_run, ticket, user
from dashboards.queries.rows import Row, rows

OPEN = ("open", "proposed", "approved")
"""States in which somebody still has to do something, or the next run has to prove it."""
CLOSED = ("proven", "written_off", "explained")
SHOWN = 500
AGES: dict[str, tuple[int, int | None]] = {"d1": (0, 1), "d3": (2, 3), "d7": (4, 7), "d30": (8, 30), "more": (31, None)}
"""Ages of cases as days since their business day, by code: the first and the last day of each, as the desk counts them."""


def cases(connection: Connection, now: datetime, today: date, filters: Mapping[str, str]) -> list[Row]:
    """Cases, the nearest deadline first, at most 500 of them.

    Filters: state (one of them, `open` for all that are not settled, which is the default, or `all`), control, class,
    owner (a name, or `none`), loser, age (one of AGES), late (`yes`), q (a part of the business key).
    """
    statement = select(break_case).where(*_conditions(now, today, filters))
    statement = statement.order_by(break_case.c.deadline, break_case.c.at_risk_minor.desc(), break_case.c.id)
    return rows(connection.execute(statement.limit(SHOWN)).mappings())


def totals(connection: Connection, now: datetime, today: date, filters: Mapping[str, str]) -> list[Row]:
    """Of all cases that fit the filters, by currency: n, at_risk_minor, late, nobody."""
    settled = break_case.c.state.in_(CLOSED)
    statement = (
        select(
            break_case.c.currency,
            func.count().label("n"),
            func.sum(break_case.c.at_risk_minor).label("at_risk_minor"),
            func.count().filter(~settled & (break_case.c.deadline < now)).label("late"),
            func.count().filter(~settled & break_case.c.owner.is_(None)).label("nobody"),
        )
        .where(*_conditions(now, today, filters))
        .group_by(break_case.c.currency)
        .order_by(func.count().desc())
    )
    return [
        row | {"at_risk_minor": int(row["at_risk_minor"])} for row in rows(connection.execute(statement).mappings())
    ]


def _conditions(now: datetime, today: date, filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    state = filters.get("state", "open")
    found: list[ColumnElement[bool]] = []
    if state == "open":
        found.append(break_case.c.state.in_(OPEN))
    elif state != "all":
        found.append(break_case.c.state == ("open" if state == "untouched" else state))
    for name in ("control", "class", "loser"):
        if filters.get(name):
            found.append(break_case.c[name] == filters[name])
    if filters.get("owner") == "none":
        found.append(break_case.c.owner.is_(None))
    elif filters.get("owner"):
        found.append(break_case.c.owner == filters["owner"])
    if filters.get("age") in AGES:
        found.append(_aged(today, *AGES[filters["age"]]))
    if filters.get("late") == "yes":
        found.append(break_case.c.state.in_(OPEN) & (break_case.c.deadline < now))
    if filters.get("q"):
        part = "%" + filters["q"].replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        found.append(break_case.c.business_key.ilike(part, escape="\\"))
    return found


def _aged(today: date, first: int, last: int | None) -> ColumnElement[bool]:
    young = break_case.c.business_day <= (today - timedelta(days=first)).isoformat()
    if first == 0:  # a business day of tomorrow is young too, where somebody ran it ahead
        young = break_case.c.business_day.is_not(None)
    return young if last is None else young & (break_case.c.business_day >= (today - timedelta(days=last)).isoformat())


def choices(connection: Connection) -> dict[str, list[str]]:
    """What the filters can be: the controls, classes and owners that cases have."""
    return {
        name: [
            value
            for (value,) in connection.execute(
                select(break_case.c[name])
                .where(break_case.c[name].is_not(None))
                .distinct()
                .order_by(break_case.c[name])
            )
        ]
        for name in ("control", "class", "owner")
    }


def one(connection: Connection, case_id: int) -> Row | None:
    """A case with the parties of the run that found it and the state of its ticket; None when there is no such case."""
    statement = (
        select(
            break_case,
            control_run.c.certificate,
            ticket.c.title.label("ticket_title"),
            ticket.c.state.label("ticket_state"),
        )
        .join(control_run, control_run.c.id == break_case.c.run_id)
        .join(ticket, ticket.c.id == break_case.c.ticket_id, isouter=True)
        .where(break_case.c.id == case_id)
    )
    found = connection.execute(statement).mappings().first()
    if found is None:
        return None
    row = dict(found)
    known = tuple((row.pop("certificate") or {}).get("parties", ()))
    return row | {"parties": (*known, *(party for party in row["records"] if party not in known))}


def people(connection: Connection) -> list[str]:
    """Names of those who can be given a case: enabled people whose role works on breaks."""
    roles = [role for role in ROLES if allowed(role, "reconciliation.work")]
    statement = select(user.c.name).where(user.c.disabled_at.is_(None), user.c.role.in_(roles)).order_by(user.c.name)
    return list(connection.execute(statement).scalars())


def events(connection: Connection, case_id: int) -> list[Row]:
    """What happened to a case, newest first: at, who, kind, detail."""
    statement = select(break_event).where(break_event.c.case_id == case_id)
    return rows(connection.execute(statement.order_by(break_event.c.at.desc(), break_event.c.id.desc())).mappings())


def adjustments(connection: Connection, case_id: int) -> list[Row]:
    """What was proposed for a case, newest first, with its decision and its proof."""
    statement = select(break_adjustment).where(break_adjustment.c.case_id == case_id)
    return rows(connection.execute(statement.order_by(break_adjustment.c.id.desc())).mappings())


def open_by_control(connection: Connection, now: datetime, today: date) -> list[Row]:
    """Open cases by control: control, n, oldest (a business day), late, and one count for each of AGES."""
    aged = [func.count().filter(_aged(today, *span)).label(name) for name, span in AGES.items()]
    statement = (
        select(
            break_case.c.control,
            func.count().label("n"),
            func.min(break_case.c.business_day).label("oldest"),
            func.count().filter(break_case.c.deadline < now).label("late"),
            *aged,
        )
        .where(break_case.c.state.in_(OPEN))
        .group_by(break_case.c.control)
    )
    return rows(connection.execute(statement).mappings())


def leakage(connection: Connection, first: date, last: date, zone: ZoneInfo, filters: Mapping[str, str]) -> list[Row]:
    """Money identified and what became of it, by day, what, control, class and currency: n, amount_minor.

    `what` is `identified` (cases by the business day that found them, their money at risk), `recovered` (back-fills and
    reversals by the day on which the match proved them), `written_off` (by the day of approval) and `explained` (cases
    that turned out to be no loss, by the day they were closed). Days of instants are those of `zone`.
    """
    narrowed = [break_case.c[name] == filters[name] for name in ("control", "class") if filters.get(name)]
    named = (break_case.c.control, break_case.c["class"], break_case.c.currency)
    opened = (
        select(break_case.c.business_day.label("day"), *named, func.count(), func.sum(break_case.c.at_risk_minor))
        .where(break_case.c.business_day.between(first.isoformat(), last.isoformat()), *narrowed)
        .group_by(break_case.c.business_day, *named)
    )
    found: dict[tuple[str, str, str, str, str], list[int]] = {}
    for day, control, name, currency, n, amount in connection.execute(opened):
        _add(found, (day, "identified", control, name, currency), n, amount)
    start = datetime.combine(first, datetime.min.time(), zone)
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)
    write_off = break_adjustment.c.kind == "write_off"
    when = case((write_off, break_adjustment.c.decided_at), else_=break_adjustment.c.proven_at)
    at = when.label("at")
    settled = (
        select(
            at,
            write_off.label("write_off"),
            break_case.c.control,
            break_case.c["class"],
            break_adjustment.c.currency,
            func.count(),
            func.sum(break_adjustment.c.amount_minor),
        )
        .join(break_case, break_case.c.id == break_adjustment.c.case_id)
        .where(break_adjustment.c.decision == "approved", when >= start, when < end, *narrowed)
        .group_by(when, write_off, break_case.c.control, break_case.c["class"], break_adjustment.c.currency)
    )
    for moment, off, control, name, currency, n, amount in connection.execute(settled):
        what = "written_off" if off else "recovered"
        _add(found, (moment.astimezone(zone).date().isoformat(), what, control, name, currency), n, amount)
    harmless = (
        select(break_case.c.closed_at, *named, func.count(), func.sum(break_case.c.at_risk_minor))
        .where(
            break_case.c.state == "explained", break_case.c.closed_at >= start, break_case.c.closed_at < end, *narrowed
        )
        .group_by(break_case.c.closed_at, *named)
    )
    for moment, control, name, currency, n, amount in connection.execute(harmless):
        day = moment.astimezone(zone).date().isoformat()
        _add(found, (day, "explained", control, name, currency), n, amount)
    names = ("day", "what", "control", "class", "currency")
    return [
        dict(zip(names, key, strict=True)) | {"n": n, "amount_minor": amount}
        for key, (n, amount) in sorted(found.items())
    ]


def _add(
    found: dict[tuple[str, str, str, str, str], list[int]], key: tuple[str, str, str, str, str], n: int, amount: int
) -> None:
    cell = found.setdefault(key, [0, 0])
    cell[0] += n
    cell[1] += int(amount)
