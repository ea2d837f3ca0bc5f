"""What alerts do with tickets by themselves: open one, come back to it, close an untouched one, flag the others.

There is one ticket at work for a condition (fingerprint). These steps are in the ticket's own history, not in the audit
trail, which tells of people: so alerts go out even when the trail cannot be written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select, update

from alerts import groups, occurrences
from alerts.config import TicketPolicy
from alerts.occurrences import AnyRow, chunks
from alerts.tickets import storms
from alerts.tickets.book import Book, default_book
from alerts.tickets.declared import AT_WORK, OVER
from alerts.tickets.history import Event, record
from alerts.tickets.opening import opened_with
from alerts.tickets.turning import turned
from core.store.tables import alert, ticket, ticket_event, ticket_link

WHO = "alerts"
CLEARED = "The alert cleared by itself before anybody took the ticket."
HUMAN_KINDS = ("comment", "approved", "assigned", "taken", "transferred", "attached", "resolved", "reopened")


def from_alert(
    connection: Connection, alert_id: int, policy: TicketPolicy, now: datetime, book: Book | None = None
) -> int:
    """The number of the ticket at work for this alert; opened, or taken up again, when there is none."""
    row = groups.alerts_by_id(connection, [alert_id])[alert_id]
    return open_for(connection, [(row, policy)], now, book)[alert_id]


def alert_cleared(connection: Connection, alert_id: int, now: datetime) -> None:
    """Close the ticket of a resolved alert when nobody touched it, else write on it that the alert is gone."""
    clear(connection, [alert_id], now)


def open_for(
    connection: Connection,
    wanted: Sequence[tuple[AnyRow, TicketPolicy]],
    now: datetime,
    book: Book | None = None,
    groups_of: Mapping[int, str] = MappingProxyType({}),
) -> dict[int, int]:
    """Tickets for these alerts (rows of `alert`), few statements for all of them: ticket numbers by alert id.

    `groups_of` are the groups of alerts by alert id: many of one group in a short time are the children of one ticket.
    """
    book = book or default_book()
    at_work = _at_work(connection, {row.fingerprint for row, _ in wanted})
    found: dict[int, int] = {}
    events: list[Event] = []
    new = []
    for row, policy in wanted:
        known = at_work.get(row.fingerprint)
        if known is None:
            new.append((row, policy))
            continue
        found[row.id] = known.id
        if known.alert_id != row.id:
            events += _take_up(connection, book, known, row, now)
    if new:
        numbers = connection.execute(
            insert(ticket).returning(ticket.c.id, sort_by_parameter_order=True),
            [_ticket(book, row, policy, now, groups_of.get(row.id)) for row, policy in new],
        ).scalars()
        for (row, _), number in zip(new, numbers, strict=True):
            found[row.id] = number
            events.append((number, now, "opened", WHO, f"by alert {row.id}: {_summary(row)}"))
        opened = [(row.id, now, "ticket", WHO, f"ticket {found[row.id]} was opened") for row, _ in new]
        occurrences.record(connection, opened)
    record(connection, events)
    storms.gather(connection, {groups_of[row.id]: policy for row, policy in new if row.id in groups_of}, book, now)
    return found


def adopt(connection: Connection, alert_id: int, number: int, who: str, now: datetime) -> bool:
    """Whether the ticket that somebody opened becomes that of an open alert: only where none is at work on it."""
    query = select(alert.c.fingerprint).where(alert.c.id == alert_id, alert.c.resolved_at.is_(None))
    fingerprint = connection.scalar(query.with_for_update())
    if fingerprint is None or _at_work(connection, {fingerprint}):
        return False
    connection.execute(update(ticket).where(ticket.c.id == number).values(alert_id=alert_id))
    occurrences.record(connection, [(alert_id, now, "ticket", who, f"ticket {number} was opened")])
    return True


def clear(connection: Connection, alert_ids: Collection[int], now: datetime) -> None:
    """Do for all these resolved alerts what `alert_cleared` says; tickets that are tied to them by a link say so, too."""
    record(connection, [event for chunk in chunks(alert_ids) for event in _tied(connection, chunk, now)])
    rows = [row for chunk in chunks(alert_ids) for row in _of_alerts(connection, chunk)]
    if not rows:
        return
    touched = touched_of(connection, [row.id for row in rows])
    closing = [row.id for row in rows if _untouched(row) and row.id not in touched]
    for chunk in chunks(closing):
        closed = {"state": "closed", "remedy": CLEARED, "resolved_at": now, "closed_at": now}
        connection.execute(update(ticket).where(ticket.c.id.in_(chunk)).values(closed))
    for chunk in chunks(row.id for row in rows):
        connection.execute(update(ticket).where(ticket.c.id.in_(chunk)).values(alert_cleared_at=now))
    events: list[Event] = [(row.id, now, "alert_cleared", WHO, f"alert {row.alert_id} is resolved") for row in rows]
    record(connection, events + [(number, now, "closed", WHO, CLEARED) for number in closing])
    storms.end(connection, closing, touched_of, now)


def _untouched(row: AnyRow) -> bool:
    """Whether nobody opened or has it; what people did to it besides stands in its history."""
    return bool(row.state == "open" and row.assignee is None and row.opened_by == WHO)


def _tied(connection: Connection, alert_ids: Collection[int], now: datetime) -> list[Event]:
    """What tickets say that are tied to these resolved alerts and are not over."""
    query = select(ticket.c.id, ticket_link.c.other_id).join(ticket_link, ticket_link.c.ticket_id == ticket.c.id)
    query = query.where(ticket_link.c.relation == "alert", ticket_link.c.other_id.in_(alert_ids))
    query = query.where(ticket.c.state.not_in(OVER), ticket.c.alert_id.is_distinct_from(ticket_link.c.other_id))
    found = connection.execute(query.order_by(ticket.c.id)).all()
    return [(row.id, now, "alert_cleared", WHO, f"alert {row.other_id} is resolved") for row in found]


def _at_work(connection: Connection, fingerprints: Collection[str]) -> dict[str, AnyRow]:
    """The latest ticket of each condition that is not closed."""
    found: dict[str, AnyRow] = {}
    for chunk in chunks(fingerprints):
        query = select(ticket, alert.c.fingerprint).join(alert, alert.c.id == ticket.c.alert_id)
        query = query.where(alert.c.fingerprint.in_(chunk), ticket.c.state.not_in(OVER)).order_by(ticket.c.id)
        found.update((row.fingerprint, row) for row in connection.execute(query.with_for_update(of=ticket)))
    return found


def _take_up(connection: Connection, book: Book, known: AnyRow, row: AnyRow, now: datetime) -> list[Event]:
    """Tie a ticket that is still at work to the new occurrence; one whose remedy did not hold is opened again."""
    values: dict[str, Any] = {"alert_id": row.id, "alert_cleared_at": None}
    events: list[Event] = [(known.id, now, "alert_returned", WHO, f"alert {row.id} fires: {_summary(row)}")]
    if known.state not in AT_WORK:
        state = "assigned" if known.assignee else "open"
        values |= {"state": state, "resolved_at": None, "resolved_by": None}
        values |= turned(connection, book, known, state, ["reopened"], now)
        events.append((known.id, now, "reopened", WHO, "the alert came back, so the remedy did not hold"))
    connection.execute(update(ticket).where(ticket.c.id == known.id).values(values))
    occurrences.record(connection, [(row.id, now, "ticket", WHO, f"ticket {known.id} is still at work on it")])
    return events


def _ticket(book: Book, row: AnyRow, policy: TicketPolicy, now: datetime, group: str | None) -> dict[str, Any]:
    shown = "\n".join(f"{name}: {value}" for name, value in sorted(row.labels.items()))
    return {
        "kind": policy.kind,
        "title": _summary(row),
        "description": f"{row.annotations.get('reason', '')}\n\n{shown}".strip(),
        "priority": policy.priority,
        "state": "open",
        "opened_by": WHO,
        "alert_id": row.id,
        "demo": row.demo,
        "storm": group,
        **opened_with(book, policy.kind, policy.priority, policy.within, now),
    }


def _summary(row: AnyRow) -> str:
    return str(row.annotations.get("summary") or row.check_name)


def _of_alerts(connection: Connection, alert_ids: Collection[int]) -> Sequence[AnyRow]:
    query = select(ticket.c.id, ticket.c.state, ticket.c.assignee, ticket.c.alert_id, ticket.c.opened_by)
    query = query.where(ticket.c.alert_id.in_(alert_ids), ticket.c.state.not_in(OVER))
    return connection.execute(query.where(ticket.c.alert_cleared_at.is_(None)).with_for_update()).all()


def touched_of(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Those of these tickets to which people did something."""
    found: set[int] = set()
    for chunk in chunks(numbers):
        query = select(ticket_event.c.ticket_id).where(
            ticket_event.c.ticket_id.in_(chunk), ticket_event.c.kind.in_(HUMAN_KINDS), ticket_event.c.who != WHO
        )
        found.update(connection.scalars(query))
    return found
