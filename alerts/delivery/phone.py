"""Links to the phone page: signed, for one alert and whom it was sent to, good for one act within fifteen minutes.

A link names its alert, its receiver and its end, signed with a key of this store; the store keeps only its SHA-256. Looking
never uses it up, since mail scanners look; an act does, in the transaction of the act.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Connection, delete, insert, select, update

from alerts import commands, handing
from alerts.delivery.texts import PHONE_MINUTES
from core.model import instant_ms
from core.people.secret import digest, new_secret
from core.store.tables import phone_key, phone_link
from core.store.upsert import upsert

GOOD_FOR = timedelta(minutes=PHONE_MINUTES)
KEPT = timedelta(days=7)
LONGEST = 400
ACKNOWLEDGED, PASSED_ON = "acknowledged", "passed_on"
PERSON = "person/"


class LinkError(Exception):
    """The link does nothing (any more). `why` is not_known, expired or already_used; `alert_id` is none when not known."""

    def __init__(self, why: str, alert_id: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.alert_id = alert_id


@dataclass(frozen=True, slots=True)
class Link:
    """A link in force."""

    id: int
    alert_id: int
    receiver: str

    @property
    def who(self) -> str:
        """Under what name its doings are known: the person, or the receiver that the link was sent to."""
        return self.receiver.removeprefix(PERSON) if self.receiver.startswith(PERSON) else f"phone:{self.receiver}"


def issue(connection: Connection, alert_id: int, receiver: str, now: datetime) -> str:
    """A new link's token, for that alert and receiver."""
    expires_at = now + GOOD_FOR
    contents = [alert_id, receiver, instant_ms(expires_at), secrets.token_urlsafe(9)]
    token = str(_signer(connection, now).dumps(contents))
    row = {"token_hash": digest(token), "alert_id": alert_id, "receiver": receiver, "created_at": now}
    connection.execute(insert(phone_link).values(**row, expires_at=expires_at))
    return token


def read(connection: Connection, token: str, now: datetime) -> Link:
    """The link of that token. Raises LinkError when it is forged, forgotten, expired or used up; changes nothing."""
    secret = connection.scalar(select(phone_key.c.secret))
    if secret is None or len(token) > LONGEST:
        raise LinkError("not_known")
    try:
        alert_id, receiver, expires_ms, _nonce = URLSafeSerializer(secret, salt="phone").loads(token)
    except (BadData, ValueError, TypeError):
        raise LinkError("not_known") from None
    if instant_ms(now) >= expires_ms:
        raise LinkError("expired", alert_id)
    row = connection.execute(select(phone_link).where(phone_link.c.token_hash == digest(token))).one_or_none()
    if row is None or row.alert_id != alert_id:
        raise LinkError("not_known")
    if row.used_at is not None:
        raise LinkError("already_used", alert_id)
    return Link(row.id, alert_id, receiver)


def acknowledge(connection: Connection, token: str, comment: str, now: datetime) -> Link:
    """Take the alert. Raises LinkError, or AlertError when the alert cannot be taken; then the link stays good."""
    link = _use(connection, token, ACKNOWLEDGED, now)
    commands.acknowledge(connection, link.alert_id, link.who, comment, now)
    return link


def pass_on(connection: Connection, token: str, reason: str, now: datetime) -> Link:
    """Say that it cannot be taken, and why. Raises LinkError, or AlertError; then the link stays good."""
    link = _use(connection, token, PASSED_ON, now)
    handing.pass_on(connection, link.alert_id, link.who, reason, now)
    return link


def forget(connection: Connection, now: datetime) -> int:
    """Delete links that ended a week ago; returns how many."""
    return connection.execute(delete(phone_link).where(phone_link.c.expires_at < now - KEPT)).rowcount


def _use(connection: Connection, token: str, used_for: str, now: datetime) -> Link:
    """Use the link up, once whoever comes at the same time; the caller's transaction takes it back if the act is refused."""
    link = read(connection, token, now)
    mine = update(phone_link).where(phone_link.c.id == link.id, phone_link.c.used_at.is_(None))
    if connection.execute(mine.values(used_at=now, used_for=used_for)).rowcount != 1:
        raise LinkError("already_used", link.alert_id)
    return link


def _signer(connection: Connection, now: datetime) -> URLSafeSerializer:
    """The signer with this store's key, which is made when it is first needed."""
    secret = connection.scalar(select(phone_key.c.secret))
    if secret is None:
        statement = upsert(connection, phone_key).on_conflict_do_nothing(index_elements=["id"])
        connection.execute(statement, [{"id": 1, "secret": new_secret(), "created_at": now}])
        secret = connection.scalar(select(phone_key.c.secret))
    return URLSafeSerializer(str(secret), salt="phone")
