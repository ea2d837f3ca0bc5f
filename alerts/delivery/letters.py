"""Dead letters: messages that nobody took. They are kept and shown; a person sends them again, or says that they are seen to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from alerts.delivery.messages import Message
from alerts.occurrences import AnyRow, record
from core.people import audit
from core.refused import RefusedError
from core.store.tables import delivery

SETTLED = "settled"
"""The state of a dead message that somebody has seen to."""


class LetterError(RefusedError):
    """The message cannot be sent again; the sentence says why."""


def dead(connection: Connection, limit: int = 200) -> list[AnyRow]:
    """Messages that could not be delivered, the newest first."""
    query = select(delivery).where(delivery.c.state == "dead").order_by(delivery.c.done_at.desc(), delivery.c.id.desc())
    return list(connection.execute(query.limit(limit)))


def resend(connection: Connection, number: int, who: str, now: datetime) -> None:
    """Put a dead message back into the outbox: it is tried at once, and again for as long as a new one would be.

    Raises LetterError when there is no such message or when it is not dead, so that two people send it once.
    """
    again = update(delivery).where(delivery.c.id == number, delivery.c.state == "dead")
    note = f"sent again by {who}"
    values = {"state": "pending", "attempts": 0, "due_at": now, "resent_at": now, "done_at": None, "note": note}
    if connection.execute(again.values(**values)).rowcount != 1:
        state = connection.scalar(select(delivery.c.state).where(delivery.c.id == number))
        if state is None:
            raise LetterError(f"There is no message {number}.")
        raise LetterError(f"Message {number} is {state}, not dead; there is nothing to send again.")
    row = connection.execute(select(delivery).where(delivery.c.id == number)).one()
    message = Message.of_row(row.message)
    told = dict.fromkeys((*message.firing, *message.resolved))
    record(connection, [(alert, now, "resent", who, f"message {number} to receiver {row.receiver}") for alert in told])
    facts = {"receiver": row.receiver, "channel": row.channel, "error": row.last_error, "alerts": list(told)}
    audit.record(connection, at=now, who=who, action="delivery.resend", object=f"delivery/{number}", detail=facts)


def settle(connection: Connection, number: int, who: str, now: datetime) -> None:
    """Say that a dead message is seen to and needs no sending: it leaves the list, and is kept.

    Raises LetterError when there is no such message or when it is not dead.
    """
    mine = update(delivery).where(delivery.c.id == number, delivery.c.state == "dead")
    if connection.execute(mine.values(state=SETTLED, note=f"seen to by {who}")).rowcount != 1:
        state = connection.scalar(select(delivery.c.state).where(delivery.c.id == number))
        if state is None:
            raise LetterError(f"There is no message {number}.")
        raise LetterError(f"Message {number} is {state}, not dead; there is nothing to see to.")
    audit.record(connection, at=now, who=who, action="delivery.settle", object=f"delivery/{number}", detail={})
