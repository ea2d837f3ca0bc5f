"""One alert storm is one ticket with its children: many tickets of one group of alerts within minutes hang on one.

The parent names the group and has no alert of its own. It ends with its last child when nobody touched it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, insert, select, update

from alerts.occurrences import chunks
from alerts.tickets.book import Book
from alerts.tickets.declared import AT_WORK, OVER
from alerts.tickets.history import Event, record
from alerts.tickets.opening import opened_with
from core.store.tables import ticket, ticket_link

if TYPE_CHECKING:
    from alerts.config import TicketPolicy

WHO = "alerts"
CHILD_OF = "child_of"
OVER_BY_ITSELF = "All tickets of the storm are closed."
Touched = Callable[[Connection, Collection[int]], set[int]]


def gather(connection: Connection, opened: Mapping[str, TicketPolicy], book: Book, now: datetime) -> None:
    """Tie the tickets that were just opened for these groups to one ticket a group, where there are enough of them."""
    for key, policy in opened.items():
        parent = _parent(connection, key)
        alone = _alone(connection, key, now, book)
        if parent is None and len(alone) >= book.storm.tickets:
            parent = _open(connection, key, policy, book, alone, now)
        if parent is not None and alone:
            _tie(connection, parent, list(alone), now)


def end(connection: Connection, closed: Collection[int], touched: Touched, now: datetime) -> None:
    """Close the storms whose last child was among these tickets, unless somebody works on them."""
    parents: set[int] = set()
    for chunk in chunks(closed):
        query = select(ticket_link.c.other_id).where(
            ticket_link.c.ticket_id.in_(chunk), ticket_link.c.relation == CHILD_OF
        )
        parents.update(connection.scalars(query))
    for parent in sorted(parents - touched(connection, parents)):
        if _children_at_work(connection, parent):
            continue
        values = {"state": "closed", "remedy": OVER_BY_ITSELF, "resolved_at": now, "closed_at": now}
        closing = update(ticket).where(ticket.c.id == parent, ticket.c.state == "open", ticket.c.assignee.is_(None))
        if connection.execute(closing.values(values)).rowcount:
            record(connection, [(parent, now, "closed", WHO, OVER_BY_ITSELF)])


def _parent(connection: Connection, key: str) -> int | None:
    query = select(func.max(ticket.c.id)).where(
        ticket.c.storm == key, ticket.c.alert_id.is_(None), ticket.c.state.in_(AT_WORK)
    )
    found: int | None = connection.scalar(query)
    return found


def _alone(connection: Connection, key: str, now: datetime, book: Book) -> dict[int, str]:
    """Titles of the group's young tickets at work that are nobody's children, by their numbers."""
    children = select(ticket_link.c.ticket_id).where(ticket_link.c.relation == CHILD_OF)
    query = select(ticket.c.id, ticket.c.title).where(
        ticket.c.storm == key,
        ticket.c.alert_id.is_not(None),
        ticket.c.state.in_(AT_WORK),
        ticket.c.opened_at >= now - book.storm.within,
        ticket.c.id.not_in(children),
    )
    return {row.id: row.title for row in connection.execute(query.order_by(ticket.c.id))}


def _open(
    connection: Connection, key: str, policy: TicketPolicy, book: Book, alone: Mapping[int, str], now: datetime
) -> int:
    first = next(iter(alone))
    demo = connection.scalar(select(ticket.c.demo).where(ticket.c.id == first))
    title = f"Alert storm, beginning with: {alone[first]}"
    number: int = connection.execute(
        insert(ticket)
        .returning(ticket.c.id)
        .values(
            kind=policy.kind,
            title=title,
            description=key,
            priority=policy.priority,
            state="open",
            opened_by=WHO,
            demo=demo,
            storm=key,
            **opened_with(book, policy.kind, policy.priority, policy.within, now),
        )
    ).scalar_one()
    record(connection, [(number, now, "opened", WHO, title)])
    return number


def _tie(connection: Connection, parent: int, children: Collection[int], now: datetime) -> None:
    link = {"relation": CHILD_OF, "other_id": parent, "added_by": WHO, "added_at": now}
    connection.execute(insert(ticket_link), [{"ticket_id": number, **link} for number in children])
    events: list[Event] = [(number, now, "linked", WHO, f"child of ticket {parent}") for number in children]
    record(connection, [*events, (parent, now, "linked", WHO, f"{len(children)} tickets became its children")])


def _children_at_work(connection: Connection, parent: int) -> int:
    query = (
        select(func.count())
        .select_from(ticket_link)
        .join(ticket, ticket.c.id == ticket_link.c.ticket_id)
        .where(ticket_link.c.other_id == parent, ticket_link.c.relation == CHILD_OF, ticket.c.state.not_in(OVER))
    )
    return int(connection.scalar(query) or 0)
