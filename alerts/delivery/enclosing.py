"""What a message for people carries besides its body, gathered from the store at the moment that it is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine, select

from alerts.config import RoutesFile
from alerts.delivery import phone, pictures
from alerts.delivery.messages import Message
from alerts.delivery.sending import Enclosed, Io
from alerts.occurrences import AnyRow
from core.store.open import writing
from core.store.tables import alert, ticket

FOR_PEOPLE = frozenset({"email", "apprise"})
"""Channels that people read; a webhook's body is for machines and says everything itself."""


def with_enclosed(engine: Engine, routes: RoutesFile, row: AnyRow, io: Io, now: datetime) -> Io:
    """The world of the channels with what belongs to this message of the outbox."""
    if row.channel not in FOR_PEOPLE:
        return io
    receiver = routes.receiver(row.receiver)
    language = (receiver.language if receiver is not None else None) or io.language
    message = Message.of_row(row.message)
    with writing(engine) as connection:
        enclosed = enclose(connection, message, row.receiver, language, now)
    return replace(io, enclosed=replace(enclosed, translate=partial(io.translate, language), zone=io.zone))


def enclose(connection: Connection, message: Message, receiver: str, language: str, now: datetime) -> Enclosed:
    """Owner, ticket, picture and link of the worst firing alert; nothing but the language when all is resolved."""
    if not message.firing:
        return Enclosed(language)
    found = connection.execute(select(alert).where(alert.c.id == message.firing[0])).one_or_none()
    if found is None:
        return Enclosed(language)
    work = select(ticket.c.id, ticket.c.assignee).where(ticket.c.alert_id == found.id, ticket.c.closed_at.is_(None))
    order = connection.execute(work.order_by(ticket.c.id.desc()).limit(1)).one_or_none()
    limit = pictures.limit_of(str(found.annotations.get("reason", "")), str(found.annotations.get("unit", "")))
    base = str(message.body["externalURL"]).rstrip("/")
    link = f"{base}/m/{phone.issue(connection, found.id, receiver, now)}" if base and found.resolved_at is None else ""
    return Enclosed(
        language=language,
        owner=found.acknowledged_by or (order.assignee if order else None) or "",
        ticket=str(order.id) if order else "",
        picture=pictures.png(pictures.last_hour(connection, found.series_id, now), limit, now),
        link=link,
    )
