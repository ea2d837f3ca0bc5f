"""What a ticket begins with: its department and its two clocks. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerts.tickets.book import Book


def opened_with(
    book: Book, kind: str, priority: str, within: timedelta | None, now: datetime, department: str = ""
) -> dict[str, Any]:
    """Columns of a ticket that is opened now. `within` is a deadline of its own, which counts around the clock."""
    entry, target = book.kinds[kind], book.target(kind, priority)
    hours, allowed = ("always", within) if within is not None else (entry.hours, target.resolve)
    doers = book.doers(kind)
    return {
        "opened_at": now,
        "department": department or (doers[0].code if doers else None),
        "respond_due_at": book.time(entry.hours).after(now, target.respond),
        "due_at": now + allowed if within is not None else book.time(hours).after(now, allowed),
        "resolve_s": max(0, int(allowed.total_seconds())),
        "hours": hours,
    }
