"""Tickets that will be late or are: people are warned, then it is an alert like any other, each once, whatever restarts.

A step is marked on the row of the ticket, written into its history and told as an alert in one transaction: either all of
it happened or none. The alert is over when the ticket is answered, done, paused in time or given more time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, or_, select, update

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.occurrences import AnyRow
from alerts.tickets.book import Book
from alerts.tickets.clocks import warns_at
from alerts.tickets.declared import AT_WORK
from alerts.tickets.history import record
from core.model import Finding, Indicator, Kind, Result, Status, Target, instant_ms, labels_of
from core.store.tables import alert, ticket

WHO: Final = "clock"
ANSWER, RESOLVE = pipeline.ABOUT_TICKETS
_INDICATOR: Final = {
    ANSWER: Indicator(
        "ticket.answer_overdue", "s", Kind.GAUGE, "ticket", "Time since the answer was due", "operations"
    ),
    RESOLVE: Indicator(
        "ticket.resolve_overdue", "s", Kind.GAUGE, "ticket", "Time since it was to be resolved", "operations"
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be said of one clock of a ticket: that it will be late, or that it is."""

    check: str
    column: str  # of the row, where it is marked
    late: bool
    due_at: datetime

    @property
    def kind(self) -> str:
        """The kind of the event."""
        return self.column.removesuffix("_at")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a round found: how many warnings and breaches were told, and how many alerts about tickets are over."""

    warned: int
    late: int
    over: int
    deliveries: int


def steps_of(row: Any, book: Book, now: datetime) -> Iterator[Step]:
    """What has to be said of a ticket at work now and was not said yet. Pure."""
    if row.kind not in book.kinds:
        return
    if row.responded_at is None and row.respond_due_at is not None:
        allowed = book.target(row.kind, row.priority).respond
        hours = book.time(book.kinds[row.kind].hours)
        if now >= row.respond_due_at:
            if row.respond_late_at is None:
                yield Step(ANSWER, "respond_late_at", True, row.respond_due_at)
        elif row.respond_warned_at is None and warns_at(hours, row.respond_due_at, allowed, book.warn_at, now):
            yield Step(ANSWER, "respond_warned_at", False, row.respond_due_at)
    if row.due_at is not None and row.resolve_s is not None:
        allowed = timedelta(seconds=row.resolve_s)
        if now >= row.due_at:
            if row.resolve_late_at is None:
                yield Step(RESOLVE, "resolve_late_at", True, row.due_at)
        elif (
            row.state != "paused"
            and row.resolve_warned_at is None
            and warns_at(book.time(row.hours), row.due_at, allowed, book.warn_at, now)
        ):
            yield Step(RESOLVE, "resolve_warned_at", False, row.due_at)


def watch(connection: Connection, routes: RoutesFile, book: Book, now: datetime, external_url: str = "") -> Watched:
    """Say everything that has to be said now, in the caller's transaction."""
    findings: list[Finding] = []
    told = {False: 0, True: 0}
    for row in _candidates(connection):
        for step in steps_of(row, book, now):
            if not _mark(connection, row, step, now):
                continue
            sentence = _sentence(row, step)
            record(connection, [(row.id, now, step.kind, WHO, sentence)])
            findings.append(_finding(row, step, sentence, now, external_url))
            told[step.late] += 1
    over = list(_over(connection, book, now))
    made = (
        pipeline.handle(connection, [*findings, *over], routes, now, external_url, book) if findings or over else None
    )
    return Watched(told[False], told[True], len(over), made.deliveries if made else 0)


def _candidates(connection: Connection) -> Sequence[AnyRow]:
    """Tickets at work of which something is still to be said."""
    waits = ticket.c.responded_at.is_(None) & ticket.c.respond_late_at.is_(None)
    runs = ticket.c.due_at.is_not(None) & ticket.c.resolve_late_at.is_(None)
    query = select(ticket).where(ticket.c.state.in_(AT_WORK), or_(waits, runs)).order_by(ticket.c.id)
    return connection.execute(query).all()


def _mark(connection: Connection, row: AnyRow, step: Step, now: datetime) -> bool:
    """Whether this round is the first to say it, and the ticket still is as it was read."""
    marking = update(ticket).where(ticket.c.id == row.id, ticket.c.state == row.state, ticket.c[step.column].is_(None))
    return connection.execute(marking.values({step.column: now})).rowcount == 1


def _sentence(row: AnyRow, step: Step) -> str:
    doing = "answer" if step.check == ANSWER else "resolve"
    due = f"{step.due_at:%Y-%m-%dT%H:%M:%SZ}"
    if step.late:
        return f"Ticket {row.id} is late: to {doing} it was due at {due}."
    return f"Ticket {row.id} will be late soon: to {doing} it is due at {due}."


def _finding(row: AnyRow, step: Step, sentence: str, now: datetime, external_url: str) -> Finding:
    status = Status.CRITICAL if step.late else Status.WARNING
    labels = {
        "kind": row.kind,
        "priority": row.priority,
        "department": row.department or "",
        "assignee": row.assignee or "",
    }
    notes = {"summary": f"{sentence} {row.title}", "ticket": f"{external_url}/tickets/{row.id}"}
    overdue_s = (now - step.due_at).total_seconds()
    return Finding(
        check=step.check,
        series_id=None,
        target=Target(f"ticket-{row.id}", "ticket", demo=row.demo),
        indicator=_INDICATOR[step.check],
        series_labels=(("ticket", str(row.id)),),
        old=Status.OK,
        new=status,
        result=Result(status, overdue_s, sentence, instant_ms(now)),
        labels=labels_of(labels),
        annotations=labels_of(notes),
    )


def _over(connection: Connection, book: Book, now: datetime) -> Iterator[Finding]:
    """Findings that resolve the alerts about tickets of which there is no more to say."""
    query = select(alert.c.check_name, alert.c.labels, alert.c.severity, alert.c.target, alert.c.demo).where(
        alert.c.check_name.in_(pipeline.ABOUT_TICKETS), alert.c.resolved_at.is_(None)
    )
    for row in connection.execute(query).all():
        number = int(row.labels["ticket"])
        found = connection.execute(select(ticket).where(ticket.c.id == number)).one_or_none()
        why = "the ticket is gone" if found is None else _why_over(found, row, book, now)
        if why is None:
            continue
        yield Finding(
            check=row.check_name,
            series_id=None,
            target=Target(row.target, "ticket", demo=row.demo),
            indicator=_INDICATOR[row.check_name],
            series_labels=(("ticket", str(number)),),
            old=Status(row.severity),
            new=Status.OK,
            result=Result(Status.OK, None, why, instant_ms(now)),
        )


def _why_over(row: AnyRow, told: AnyRow, book: Book, now: datetime) -> str | None:
    """Why there is no more to say of this clock of the ticket; None while there is. `told` is the alert about it."""
    if row.state not in AT_WORK:
        return f"the ticket is {row.state}"
    if told.check_name == ANSWER and row.responded_at is not None:
        return "the ticket was answered"
    if told.check_name == RESOLVE and row.due_at is None:
        return "its clock stands, because the ticket is paused"
    return "the ticket has more time" if _has_time(row, told, book, now) else None


def _has_time(row: AnyRow, told: AnyRow, book: Book, now: datetime) -> bool:
    """Whether what was told holds no more, since a deadline was put off: not late, or not even due soon."""
    answer = told.check_name == ANSWER
    due_at, late_at = (row.respond_due_at, row.respond_late_at) if answer else (row.due_at, row.resolve_late_at)
    if due_at is None or now >= due_at or row.kind not in book.kinds:
        return False
    if answer:
        hours, allowed = book.kinds[row.kind].hours, book.target(row.kind, row.priority).respond
    else:
        hours, allowed = row.hours, timedelta(seconds=row.resolve_s or 0)
    lateness_is_over = told.severity == Status.CRITICAL.value and late_at is None
    return lateness_is_over or not warns_at(book.time(hours), due_at, allowed, book.warn_at, now)
