"""What is heard of jobs, in the store: their URLs (a token each, kept as its SHA-256), pings, and how all of them stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from alerts.heartbeats.config import Heartbeat
from alerts.heartbeats.judging import FAIL, START, SUCCESS, Ping, State, state
from core.people import audit
from core.people.secret import digest, new_secret
from core.store.tables import heartbeat, heartbeat_ping
from core.store.upsert import upsert

MOST_OUTPUT_BYTES = 10_240
MOST_PINGS = 30
WINDOW = timedelta(minutes=1)
"""At most so many pings of one job are taken in that time."""
KEPT = 100
"""Pings of one job that are kept, besides the latest of each kind."""
LONGEST_TOKEN = 100


class HeartbeatError(Exception):
    """The doing is refused; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a ping: taken, or how long the sender is to wait. `name` is none for a token that nobody has."""

    name: str | None
    taken: bool = False
    wait: timedelta = timedelta()


def watch(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """Begin to watch the jobs that are not watched yet."""
    rows = [{"name": name, "token_hash": None, "created_at": now, "told": "ok"} for name in sorted(set(names))]
    if rows:
        connection.execute(upsert(connection, heartbeat).on_conflict_do_nothing(index_elements=["name"]), rows)


def has_url(connection: Connection, name: str) -> bool:
    """Whether the job has a URL already."""
    return connection.scalar(select(heartbeat.c.token_hash).where(heartbeat.c.name == name)) is not None


def renew(connection: Connection, name: str, who: str, now: datetime) -> str:
    """A new token for the job's URL, shown this once; an earlier one is worth nothing from now on."""
    watch(connection, [name], now)
    token = new_secret()
    connection.execute(update(heartbeat).where(heartbeat.c.name == name).values(token_hash=digest(token)))
    audit.record(connection, at=now, who=who, action="heartbeat.renew", object=f"heartbeat/{name}", detail={})
    return token


def hear(
    connection: Connection, token: str, kind: str, now: datetime, exit_status: int | None = None, output: bytes = b""
) -> Heard:
    """Take a ping. The end of its output is kept, cut to 10 KB; a flood of them is not taken, and told to wait."""
    found = look_up(connection, token, now)
    name = found.name
    if name is None or found.wait or kind not in (SUCCESS, FAIL, START):
        return found
    said = output[-MOST_OUTPUT_BYTES:].decode("utf-8", "replace").replace("\0", "\ufffd")
    row = {"heartbeat": name, "at": now, "kind": kind, "exit_status": exit_status, "output": said}
    connection.execute(insert(heartbeat_ping).values(**row))
    _forget(connection, name)
    return Heard(name, taken=True)


def look_up(connection: Connection, token: str, now: datetime) -> Heard:
    """Whose token that is, and whether a ping of it would be taken now; only reads, so that strangers hold up no writer."""
    if len(token) > LONGEST_TOKEN:
        return Heard(None)
    name = connection.scalar(select(heartbeat.c.name).where(heartbeat.c.token_hash == digest(token)))
    if name is None:
        return Heard(None)
    recent = select(func.count(), func.min(heartbeat_ping.c.at)).where(heartbeat_ping.c.heartbeat == name)
    count, oldest = connection.execute(recent.where(heartbeat_ping.c.at > now - WINDOW)).one()
    if count >= MOST_PINGS:
        return Heard(name, wait=max(oldest + WINDOW - now, timedelta(seconds=1)))
    return Heard(name)


def latest(connection: Connection, names: Sequence[str]) -> dict[str, list[Ping]]:
    """The latest ping of each kind, by job."""
    newest = select(func.max(heartbeat_ping.c.id)).group_by(heartbeat_ping.c.heartbeat, heartbeat_ping.c.kind)
    found: dict[str, list[Ping]] = defaultdict(list)
    for row in connection.execute(select(heartbeat_ping).where(heartbeat_ping.c.id.in_(newest))):
        if row.heartbeat in names:
            found[row.heartbeat].append(Ping(row.at, row.kind, row.exit_status, row.output))
    return found


def history(connection: Connection, name: str, limit: int = 20) -> list[Ping]:
    """The latest pings of one job, the newest first."""
    query = select(heartbeat_ping).where(heartbeat_ping.c.heartbeat == name).order_by(heartbeat_ping.c.id.desc())
    return [Ping(row.at, row.kind, row.exit_status, row.output) for row in connection.execute(query.limit(limit))]


def states(
    connection: Connection, heartbeats: Sequence[Heartbeat], now: datetime, listening_since: datetime | None = None
) -> dict[str, State]:
    """How each job stands; one that is not watched yet counts as watched from now on."""
    since = {row.name: row.created_at for row in connection.execute(select(heartbeat.c.name, heartbeat.c.created_at))}
    heard = latest(connection, [one.name for one in heartbeats])
    return {
        one.name: state(
            one,
            heard.get(one.name, []),
            now,
            watched_since=since.get(one.name, now),
            listening_since=listening_since,
        )
        for one in heartbeats
    }


def _forget(connection: Connection, name: str) -> None:
    """Keep the last pings, and the latest of each kind however old it is."""
    mine = heartbeat_ping.c.heartbeat == name
    oldest = connection.scalar(
        select(heartbeat_ping.c.id).where(mine).order_by(heartbeat_ping.c.id.desc()).offset(KEPT).limit(1)
    )
    if oldest is None:
        return
    newest = select(func.max(heartbeat_ping.c.id)).where(mine).group_by(heartbeat_ping.c.kind)
    connection.execute(
        delete(heartbeat_ping).where(mine, heartbeat_ping.c.id <= oldest, heartbeat_ping.c.id.not_in(newest))
    )
