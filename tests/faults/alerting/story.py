"""What happens in the story, instant by instant: which conditions hold, what people and other systems do.

An act is told again by a process that does not know whether the one before it finished: each looks in the store first, as
a person looks at the page and as a sender pushes again what was not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import orjson
from sqlalchemy import Connection, func, select

from alerts import commands, pipeline
from alerts.heartbeats import pings
from alerts.muting import shelving, silences
from alerts.pushed import read
from alerts.routes.matchers import matcher
from alerts.tickets import commands as tickets
from bomc.configuration.estate import Estate
from core.model import Outcome, Sample, instant_ms
from core.store.tables import alert, audit, heartbeat_ping, ticket
from tests.faults.alerting.estate import GATE, HEARTBEAT, MUTE, SHOP, START, UNIT

STEP = timedelta(seconds=10)
PUSHER = "prometheus"
Spans = tuple[tuple[int, int], ...]
Do = Callable[[Connection, Estate, datetime], None]


@dataclass(frozen=True, slots=True)
class Condition:
    """One series that is at `value` within these steps, from the first of each pair to before the second; else at 0."""

    target: str
    indicator: str
    spans: Spans
    n: str = ""
    value: float = 1.0

    def at(self, step: int) -> float:
        """Its value at a step."""
        return self.value if any(first <= step < end for first, end in self.spans) else 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does at a step; `do` is given the store, the estate and the instant."""

    step: int
    do: Do


@dataclass(frozen=True, slots=True)
class Story:
    """A whole story. `failing` says in which steps a receiver answers 500, `silent` in which the mute target gives nothing."""

    last: int
    conditions: tuple[Condition, ...]
    acts: tuple[Act, ...] = ()
    failing: Mapping[str, Spans] | None = None
    silent: Spans = ()

    def outcomes(self, step: int) -> list[Outcome]:
        """What the probes bring at a step."""
        at_ms = instant_ms(instant(step)) - 100
        found = []
        for target in (UNIT, GATE, SHOP):
            mine = [one for one in self.conditions if one.target == target]
            samples = tuple(Sample(c.indicator, c.at(step), at_ms, (("n", c.n),) if c.n else ()) for c in mine)
            found.append(Outcome(f"{target}/metrics", target, at_ms, 0.05, samples))
        gone = within(step, self.silent)
        beat = () if gone else (Sample("beat", 1.0, at_ms),)
        found.append(Outcome(f"{MUTE}/metrics", MUTE, at_ms, 0.05, beat, "nobody answers" if gone else None))
        return found

    def fails(self, hook: str, step: int) -> bool:
        """Whether that receiver fails at a step."""
        return within(step, (self.failing or {}).get(hook, ()))


def instant(step: int) -> datetime:
    """When a step is."""
    return START + STEP * step


def within(step: int, spans: Spans) -> bool:
    """Whether a step is in one of the spans."""
    return any(first <= step < end for first, end in spans)


def on(indicator: str, *spans: tuple[int, int], n: str = "1", target: str = UNIT, value: float = 1.0) -> Condition:
    """A condition that holds within these steps."""
    return Condition(target, indicator, spans, n, value)


def push(step: int, n: str, ends: int | None = None) -> Act:
    """Somebody pushes an alert, with the step at which it ends or without an end. A sender that gets no answer pushes the
    same again, so the act does not ask whether it was done."""
    return Act(step, partial(_push, n, None if ends is None else instant(ends)))


def ping(step: int) -> Act:
    """The job says that it ended well."""
    return Act(step, _ping)


def silence(step: int, until: int, alertname: str) -> Act:
    """Somebody silences a check until a step."""
    return Act(step, partial(_once, "zhao.lei", partial(_silence, alertname, instant(until))))


def acknowledge(step: int, alertname: str, until: int, n: str = "1") -> Act:
    """Li Wei takes an alert until a step."""
    return Act(step, partial(_once, "li.wei", partial(_acknowledge, alertname, n, instant(until))))


def shelve(step: int, alertname: str, until: int) -> Act:
    """Zhang Min puts an alert aside until a step."""
    return Act(step, partial(_once, "zhang.min", partial(_shelve, alertname, instant(until))))


def move_ticket(step: int, doing: str, **said: str) -> Act:
    """Chen Jie does something with the ticket that an alert opened."""
    return Act(step, partial(_once, "chen.jie", partial(_move_ticket, doing, said)))


def _once(who: str, do: Do, connection: Connection, estate: Estate, now: datetime) -> None:
    """Do it unless the trail tells that this person did something at that instant."""
    seen = select(func.count()).select_from(audit).where(audit.c.at == now, audit.c.who == who)
    if not connection.scalar(seen):
        do(connection, estate, now)


def _push(n: str, ends: datetime | None, connection: Connection, estate: Estate, now: datetime) -> None:
    end = {} if ends is None else {"endsAt": ends.isoformat()}
    body = orjson.dumps([{"labels": {"alertname": "pushed", "n": n}, "startsAt": now.isoformat(), **end}])
    found = read(body, now, estate.routes.general.resolve_timeout)
    assert not found.refused
    pipeline.push(connection, found.alerts, PUSHER, estate.routes, now, estate.tickets)


def _ping(connection: Connection, estate: Estate, now: datetime) -> None:
    if connection.scalar(select(heartbeat_ping.c.at).where(heartbeat_ping.c.at == now)) is None:
        pings.hear(connection, pings.renew(connection, HEARTBEAT, "admin", now), "success", now)


def _silence(alertname: str, until: datetime, connection: Connection, estate: Estate, now: datetime) -> None:
    spec = silences.Spec((matcher("alertname", "=", alertname),), now, until, "known")
    silences.create(connection, spec, "zhao.lei", now)


def _acknowledge(
    alertname: str, n: str, until: datetime, connection: Connection, estate: Estate, now: datetime
) -> None:
    commands.acknowledge(connection, _open(connection, alertname, n), "li.wei", "mine", now, until)


def _shelve(alertname: str, until: datetime, connection: Connection, estate: Estate, now: datetime) -> None:
    shelving.shelve(connection, _open(connection, alertname, "1"), "zhang.min", "later", until, now)


def _move_ticket(doing: str, said: Mapping[str, str], connection: Connection, estate: Estate, now: datetime) -> None:
    number = connection.scalar(select(func.max(ticket.c.id)).where(ticket.c.alert_id.is_not(None)))
    tickets.do(connection, int(number or 0), doing, tickets.Person("chen.jie"), now, said, book=estate.tickets)


def _open(connection: Connection, alertname: str, n: str) -> int:
    rows = connection.execute(
        select(alert.c.id, alert.c.labels).where(alert.c.check_name == alertname, alert.c.resolved_at.is_(None))
    )
    return next(row.id for row in rows if row.labels.get("n", n) == n)


STORY = Story(
    last=42,
    conditions=(
        on("grouped", (2, 20)),
        on("grouped", (3, 34), n="2"),
        on("lasting", (6, 12)),
        on("jumping", (9, 10), value=40.0),
        on("risen", (6, 12)),
        on("risen", (12, 24), n="2", value=2.0),
        on("cause", (4, 15)),
        on("effect", (5, 26)),
        on("quieted", (6, 30)),
        on("down", (8, 16), target=GATE, n=""),
        on("sluggish", (9, 28), target=SHOP, n=""),
        on("maintained", (11, 27)),
        on("failing", (4, 33)),
        on("failing", (13, 29), n="2"),
        on("late", (7, 20)),
        *(on("chatty", (5, 19), n=str(n)) for n in range(1, 6)),
        on("chatty", (7, 25), n="6"),
        on("chatty", (8, 25), n="7"),
        on("paged", (3, 32)),
        on("paged", (5, 30), n="2"),
        on("wobbly", (6, 8), (10, 12), (14, 34)),
        on("shelved", (4, 30)),
        on("taken", (3, 31)),
        on("worked", (4, 35)),
    ),
    acts=(
        ping(2),
        push(2, "1"),
        push(3, "2", ends=25),
        push(4, "3", ends=10),
        silence(7, 18, "quieted"),
        shelve(5, "shelved", 16),
        acknowledge(5, "taken", 19),
        push(6, "1"),
        acknowledge(8, "paged", 14, n="2"),
        push(9, "2", ends=9),
        move_ticket(14, "take"),
        move_ticket(24, "resolve", cause="wear", remedy="replaced"),
        *(ping(step) for step in (20, 24, 28, 32, 36, 40)),
    ),
    failing={"flaky": ((4, 24),), "slow": ((7, 12),)},
    silent=((10, 22),),
)
"""Seven minutes in which everything comes once, and at whose end nothing is open and nothing waits."""
