"""The way out: rows of the outbox are sent, each at least once, and marked done only after the channel took them.

No transaction is open while a message is on its way. Messages of one group to one channel keep their order. A message
that cannot be delivered is tried again with growing pauses for GIVE_UP_AFTER, then it is dead: counted and shown. A
channel with a rate limit gets what waits for it in one message (`turns`), so does one in a storm (`storms`), a receiver with
a fall-back is told through that when its channel keeps failing (`fallback`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection, Engine, func, select, update

from alerts.config import RoutesFile
from alerts.delivery import ends, fallback
from alerts.delivery.enclosing import with_enclosed
from alerts.delivery.messages import Message, translated
from alerts.delivery.sending import Destination, Io, NotifyError
from alerts.delivery.turns import leave, take_turn
from alerts.notify import CHANNELS
from alerts.occurrences import AnyRow, record
from alerts.oncall.destinations import file_of
from core.store.open import reading, writing
from core.store.tables import delivery

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_ASKED_PAUSE = timedelta(hours=1)  # a Retry-After beyond this is cut
GIVE_UP_AFTER = timedelta(hours=24)
BUSY_PAUSE = timedelta(milliseconds=500)
JITTER = 0.2
AT_ONCE = 8  # destinations that are sent to at the same time
WHO = "outbox"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one pass did: messages taken, tries that failed and will be made again, messages given up, when to come again,
    and how many messages were passed on to a fall-back."""

    sent: int
    failed: int
    dead: int
    next_due: datetime | None
    passed_on: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one message; `fault` is none when it was taken, and `note` then says by whom."""

    row: AnyRow
    note: str = ""
    fault: NotifyError | None = None
    began: datetime | None = None


def deliver_due(
    engine: Engine,
    routes: RoutesFile,
    clock: Callable[[], datetime],
    io: Io,
    limit: int = 100,
    rng: Random | None = None,
) -> Delivered:
    """Send what is due, several destinations at the same time, and return when the slowest of them has answered.

    May be called by several threads with the same `io`: a destination that one of them is sending to is left out by the
    others, so that a silent one does not hold up the rest.
    """
    rng = rng or Random()
    now = clock()
    passed_on = _pass_on(engine, routes, now)
    waiting = _streams(engine, now, limit)
    mine = [destination for destination in waiting if io.claim(destination)]
    counts: Counter[str] = Counter()
    try:
        # Read again what is claimed: another thread may have sent it between our reading and our claim.
        streams = _streams(engine, clock(), limit) if mine else {}
        mine_due = [streams[destination] for destination in mine if destination in streams]
        if len(mine_due) == 1:
            counts += _send_stream(engine, routes, mine_due[0], clock, io, rng)
        elif mine_due:
            with ThreadPoolExecutor(min(AT_ONCE, len(mine_due)), "notify") as pool:
                jobs = [pool.submit(_send_stream, engine, routes, rows, clock, io, rng) for rows in mine_due]
                for job in jobs:
                    counts += job.result()
    finally:
        for destination in mine:
            io.release(destination)
    _tell_ends(engine, routes, clock())
    with reading(engine) as connection:
        due_at = next_due(connection)
        passing_at = fallback.next_fall_back(connection, routes)
    if passing_at is not None and due_at is not None:
        due_at = min(due_at, passing_at)
    if due_at is not None and len(mine) < len(waiting):
        due_at = max(due_at, clock() + BUSY_PAUSE)  # another thread has those destinations: leave it some time
    return Delivered(counts["sent"], counts["failed"], counts["dead"], due_at, passed_on)


def _pass_on(engine: Engine, routes: RoutesFile, now: datetime) -> int:
    """Tell fall-backs what their time has come for; costs one reading when nothing is to be passed on."""
    with reading(engine) as connection:
        due_at = fallback.next_fall_back(connection, routes)
    if due_at is None or due_at > now:
        return 0
    with writing(engine) as connection:
        return fallback.fall_back_due(connection, routes, now)


def _tell_ends(engine: Engine, routes: RoutesFile, now: datetime) -> None:
    """Tell fall-backs the ends that they are owed; costs one reading when there are none."""
    with reading(engine) as connection:
        if not ends.due(connection, routes):
            return
    with writing(engine) as connection:
        ends.tell_ends(connection, routes, now)


def next_due(connection: Connection) -> datetime | None:
    """When the next message is to be sent; none when the outbox is empty."""
    found: datetime | None = connection.scalar(select(func.min(delivery.c.due_at)).where(delivery.c.state == "pending"))
    return found


def _streams(engine: Engine, now: datetime, limit: int) -> dict[Destination, list[AnyRow]]:
    """What is to be sent now, by destination."""
    found: dict[Destination, list[AnyRow]] = defaultdict(list)
    with reading(engine) as connection:
        for row in _heads(connection, now, limit):
            found[row.receiver, row.channel, row.settings].append(row)
    return found


def _heads(connection: Connection, now: datetime, limit: int) -> Sequence[AnyRow]:
    """The oldest waiting message of every group and channel that has one due: a newer one makes the older due as well."""
    stream = (delivery.c.group_id, delivery.c.receiver, delivery.c.channel, delivery.c.settings)
    heads = select(func.min(delivery.c.id)).where(delivery.c.state == "pending").group_by(*stream)
    heads = heads.having(func.min(delivery.c.due_at) <= now)
    query = select(delivery).where(delivery.c.id.in_(heads)).order_by(delivery.c.due_at, delivery.c.id).limit(limit)
    return connection.execute(query).all()


def _send_stream(
    engine: Engine, routes: RoutesFile, rows: list[AnyRow], clock: Callable[[], datetime], io: Io, rng: Random
) -> Counter[str]:
    """Send the messages of one destination one after the other; after one that may be tried again, the rest wait too."""
    counts: Counter[str] = Counter()
    config = routes.channel_of(rows[0].receiver, rows[0].channel, rows[0].settings)
    may_fold = config is not None and (config.rate_limit is not None or config.fold_storms)
    if config is not None and may_fold:
        with writing(engine) as connection:
            rows, until = take_turn(connection, rows, config.rate_limit, config.fold_storms, routes, clock())
            if until is not None:
                _hold_back(connection, until[0], until[1])
    for row in rows:
        began = clock()
        if may_fold:
            with writing(engine) as connection:
                leave(connection, row)
        enclosed = with_enclosed(engine, routes, row, io, began)
        attempt = replace(try_once(routes, row, enclosed), began=began)
        with writing(engine) as connection:
            outcome, again_at = _mark(connection, routes, attempt, clock(), rng)
            if again_at is not None:
                _hold_back(connection, (row.receiver, row.channel, row.settings), again_at)
        counts[outcome] += 1
        if again_at is not None:
            break
    return counts


def try_once(routes: RoutesFile, row: AnyRow, io: Io) -> Attempt:
    """Send one message once; a channel's failure, even one that it did not foresee, is the attempt's fault."""
    try:
        config = routes.channel_of(row.receiver, row.channel, row.settings)
        if config is None:
            place = file_of(row.receiver)
            gone = f"receiver {row.receiver} has no {row.channel} number {row.settings + 1} any more in {place}"
            raise NotifyError(gone, retryable=False)
        message = translated(Message.of_row(row.message), io.enclosed.translate)
        note = CHANNELS[row.channel].send(config, message, row.key, io)
    except NotifyError as fault:
        return Attempt(row, fault=fault)
    except Exception as error:  # noqa: BLE001  # a fault of a channel is not to stop the others; it is kept and shown
        sentence = f"{row.channel} failed in a way that was not foreseen: {type(error).__name__}: {error}"
        return Attempt(row, fault=NotifyError(sentence, retryable=True))
    return Attempt(row, note=note)


def pause(attempts: int, rng: Random, asked_s: float | None = None) -> timedelta:
    """How long to wait after that many failed tries: doubling, with jitter, and at least what the other side asks for."""
    grown: timedelta = min(FIRST_PAUSE * 2 ** min(attempts - 1, 30), LONGEST_PAUSE)
    jittered: timedelta = grown * (1 + JITTER * (2 * rng.random() - 1))
    asked = min(timedelta(seconds=min(asked_s or 0.0, 1e6)), LONGEST_ASKED_PAUSE)
    return max(jittered, asked)


def _mark(
    connection: Connection, routes: RoutesFile, attempt: Attempt, now: datetime, rng: Random
) -> tuple[str, datetime | None]:
    """Write down what came of one try: sent, failed (and when it is due again) or dead."""
    row, fault = attempt.row, attempt.fault
    place = (row.receiver, row.channel, row.settings)
    tries = row.attempts + 1
    mine = update(delivery).where(delivery.c.id == row.id, delivery.c.state == "pending")
    if fault is None:
        fallback.note_success(connection, place)
        connection.execute(mine.values(state="sent", attempts=tries, done_at=now, last_error=None))
        tried = "" if tries == 1 else f", at try {tries}"
        _tell_alerts(connection, row, now, "notified", f"{attempt.note}{tried}")
        ends.note_end(connection, row)
        return "sent", None
    if routes.channel_of(*place) is not None:
        fallback.note_failure(connection, place, attempt.began or now, now, fault.sentence)
    if fault.retryable and now - (row.resent_at or row.created_at) < GIVE_UP_AFTER:
        due_at = now + pause(tries, rng, fault.retry_after_s)
        connection.execute(mine.values(attempts=tries, due_at=due_at, last_error=fault.sentence))
        return "failed", due_at
    given_up = connection.execute(mine.values(state="dead", attempts=tries, done_at=now, last_error=fault.sentence))
    if given_up.rowcount and fallback.pass_on(connection, routes, [row], fault.sentence, now):
        return "dead", None
    _tell_alerts(connection, row, now, "not_delivered", f"given up after {tries} tries: {fault.sentence}")
    ends.note_end(connection, row)
    return "dead", None


def _hold_back(connection: Connection, destination: Destination, until: datetime) -> None:
    """Messages to a destination that just failed wait as well, without a try being counted against them."""
    receiver, channel, settings = destination
    waiting = update(delivery).where(delivery.c.state == "pending", delivery.c.due_at < until)
    waiting = waiting.where(delivery.c.receiver == receiver, delivery.c.channel == channel)
    connection.execute(waiting.where(delivery.c.settings == settings).values(due_at=until))


def _tell_alerts(connection: Connection, row: AnyRow, now: datetime, kind: str, detail: str) -> None:
    message = Message.of_row(row.message)
    events = [(number, now, kind, WHO, f"receiver {row.receiver}, firing: {detail}") for number in message.firing]
    events += [(number, now, kind, WHO, f"receiver {row.receiver}, resolved: {detail}") for number in message.resolved]
    record(connection, events)
