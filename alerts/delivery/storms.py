"""A storm of messages to one receiver: after the first few, what waits is told together, and not more often than people read.

In any minute AFTER messages leave at once. When more are to leave, it is a storm: everything that waits is told in one
message, then again every EVERY. A critical alert does not stand in that line when the receiver was told of none in the
latest EVERY: it is told at once, with all that waits. So ten thousand alerts within a minute are less than ten messages,
however finely they are grouped. The uses are the rows of the rate limit, so a restart in a storm begins nothing anew.

Chat, SMS and mail do this by themselves; a webhook's reader is a machine, which may want each group by itself, and does it
when `fold_storms` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from alerts.delivery.sending import Destination
from alerts.occurrences import AnyRow
from alerts.severity import CRITICAL
from core.store.tables import delivery

AFTER = 4
"""Messages to one destination that leave at once in any SPAN."""
SPAN = timedelta(minutes=1)
EVERY = timedelta(seconds=20)


def holds_until(uses: Sequence[datetime], waiting: int, critical_waits: bool, now: datetime) -> datetime | None:
    """Until when a destination in a storm waits: now when all that waits is told together at once; none when there is
    no storm. `uses` are the instants of earlier messages, `critical_waits` whether a critical alert does that was not
    preceded by another one lately. Pure.
    """
    recent = [at for at in uses if at > now - SPAN]
    if len(recent) + waiting <= AFTER:
        return None
    return now if critical_waits or not recent else max(now, max(recent) + EVERY)


def critical_waits(connection: Connection, place: Destination, waiting: Sequence[AnyRow], now: datetime) -> bool:
    """Whether a critical alert fires in what waits, and in nothing that the destination was told in the latest EVERY."""
    if not any(_is_critical(row) for row in waiting):
        return False
    receiver, channel, settings = place
    told = select(delivery).where(delivery.c.state == "sent", delivery.c.done_at > now - EVERY)
    told = told.where(delivery.c.receiver == receiver, delivery.c.channel == channel, delivery.c.settings == settings)
    return not any(_is_critical(row) for row in connection.execute(told))


def _is_critical(row: AnyRow) -> bool:
    """Whether the message shows a firing critical alert; the worst of a message come first."""
    shown = row.message["body"]["alerts"][:1]
    return any(one["status"] == "firing" and one["labels"].get("severity") == CRITICAL for one in shown)
