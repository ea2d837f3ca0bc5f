"""How the clock for resolving stands after something happened to a ticket: columns to be written with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.occurrences import AnyRow
from alerts.tickets import clocks
from alerts.tickets.book import Book
from alerts.tickets.history import steps


def turned(
    connection: Connection, book: Book, row: AnyRow, state: str, new: Iterable[str], now: datetime
) -> dict[str, Any]:
    """The clock's columns after these kinds of events, which are not written yet; none when it goes on as it did.

    A paused ticket has no deadline until it goes on, unless it was late already; one that is resolved, closed or
    cancelled keeps the deadline that it had, so that everybody sees whether it was held.
    """
    kinds = list(new)
    handled = _handled(connection, book, row, kinds, now) if {"resolved", "reopened"}.intersection(kinds) else {}
    return handled | _clock(connection, book, row, state, kinds, now)


def redirected(connection: Connection, book: Book, row: AnyRow, allowed_s: int, now: datetime) -> dict[str, Any]:
    """The columns of the clock for resolving when it allows another time from its beginning."""
    stops = clocks.stops_of(steps(connection, row.id))
    found = clocks.read(book.time(row.hours), row.opened_at, timedelta(seconds=allowed_s), stops, now)
    left_s = None if found.runs else int(found.left.total_seconds())
    return {"resolve_s": allowed_s, "due_at": found.due_at, "left_s": left_s}


def _handled(connection: Connection, book: Book, row: AnyRow, kinds: list[str], now: datetime) -> dict[str, Any]:
    """How long the clock of its kind ran until it was resolved; nothing once it is taken up again."""
    if "reopened" in kinds:
        return {"handled_s": None}
    if row.kind not in book.kinds:
        return {}
    before = steps(connection, row.id)
    now = max(now, *(at for at, _kind in before)) if before else now
    hours = book.time(book.kinds[row.kind].hours)
    return {"handled_s": int(clocks.ran(hours, row.opened_at, clocks.stops_of(before), now).total_seconds())}


def _clock(
    connection: Connection, book: Book, row: AnyRow, state: str, kinds: list[str], now: datetime
) -> dict[str, Any]:
    if row.resolve_s is None or not (clocks.STOPPING | clocks.STARTING).intersection(kinds):
        return {}
    before = steps(connection, row.id)
    now = max(now, *(at for at, _kind in before)) if before else now  # the machine's clock may have been set back
    stops = clocks.stops_of([*before, *((now, kind) for kind in kinds)])
    found = clocks.read(book.time(row.hours), row.opened_at, timedelta(seconds=row.resolve_s), stops, now)
    left_s = int(found.left.total_seconds())
    if state == "paused":
        return {"due_at": found.due_at, "left_s": left_s}
    if not found.runs:
        return {"left_s": left_s}
    values: dict[str, Any] = {"due_at": found.due_at, "left_s": None}
    if found.due_at is not None and found.due_at > now:
        values |= {"resolve_warned_at": None, "resolve_late_at": None}
    return values
