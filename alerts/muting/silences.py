"""Silences: alerts that people want nobody to be told of until a certain instant, with Alertmanager's meaning.

The matchers of a silence must all hold, and at least one of them must not match "". A silence whose matchers change, or
whose start changes while it is active, ends and goes on as another with a new id; a start in the past becomes now. Here
besides: one that would mute everything needs two people (`alerts/muting/proposals.py`). Source of the rules:
silence/silence.go of Prometheus Alertmanager.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import orjson
from sqlalchemy import Connection, Text, insert, select, type_coerce, update

from alerts import groups
from alerts.occurrences import AnyRow
from alerts.routes.breadth import mutes_all_open, mutes_everything
from alerts.routes.matchers import Matcher, all_match, matcher
from alerts.routes.reachability import values_of
from core.people import audit
from core.refused import RefusedError
from core.store.tables import alert, silence

LONGEST_TEXT = 2_000
MOST_MATCHERS = 50
STORM_FROM = (
    5  # a silence that matches every open alert is refused when there are so many, of several checks and targets
)


class SilenceError(RefusedError):
    """The silence is refused; the sentence says why and what to do."""


class UnknownSilenceError(SilenceError):
    """There is no silence of that id."""


class TooBroadError(SilenceError):
    """The silence would mute everything; two people together may make it (`alerts.muting.proposals`)."""


class State(StrEnum):
    """Where a silence is in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Spec:
    """What somebody wants silenced. `created_by` is none when it is the one who asks."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    comment: str
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence as it is kept."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    created_at: datetime
    updated_at: datetime

    def state(self, now: datetime) -> State:
        """Pending before its start, expired from its end on."""
        if now >= self.ends_at:
            return State.EXPIRED
        return State.PENDING if now < self.starts_at else State.ACTIVE

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is meant."""
        return all_match(self.matchers, labels)


_COLUMNS = [silence.c[name] for name in Silence.__dataclass_fields__]


def create(connection: Connection, spec: Spec, who: str, now: datetime) -> str:
    """Make a silence and return its id. Raises SilenceError when it cannot be, TooBroadError when it would mute everything."""
    spec = sound(spec, now)
    require_narrow(connection, spec.matchers)
    return _insert(connection, spec, who, now, {})


def create_for_two(connection: Connection, spec: Spec, who: str, approved_by: str, proposal: int, now: datetime) -> str:
    """Make a silence, however much it mutes, that one person proposed and another approved. Raises SilenceError."""
    facts: dict[str, object] = {"proposed_by": who, "approved_by": approved_by, "proposal": proposal}
    return _insert(connection, sound(spec, now), who, now, facts, by=approved_by)


def change(connection: Connection, id: str, spec: Spec, who: str, now: datetime) -> str:
    """Make an existing silence what `spec` says; returns the id that holds now, a new one where the old had to end.

    Raises UnknownSilenceError when there is none, SilenceError when it cannot be so.
    """
    before = _locked(connection, id)
    spec = sound(spec, now)
    require_narrow(connection, spec.matchers)
    if _stays(before, spec, now):
        values = {"starts_at": spec.starts_at, "ends_at": spec.ends_at, "comment": spec.comment}
        values |= {"created_by": spec.created_by or before.created_by, "updated_at": now}
        connection.execute(update(silence).where(silence.c.id == id).values(values))
        _audit(connection, "change silence", id, who, now, _facts(spec))
        return id
    if before.state(now) is not State.EXPIRED:
        _end(connection, before, now)
    return _insert(connection, spec, who, now, {"replaces": id})


def expire(connection: Connection, id: str, who: str, now: datetime) -> None:
    """End a silence now; a pending one never begins. Raises UnknownSilenceError, and SilenceError when it has ended."""
    before = _locked(connection, id)
    if before.state(now) is State.EXPIRED:
        raise SilenceError(f"Silence {id} has ended already, at {before.ends_at:%Y-%m-%d %H:%M:%S} UTC.")
    _end(connection, before, now)
    _audit(connection, "expire silence", id, who, now, {"comment": before.comment})


def get(connection: Connection, id: str) -> Silence:
    """The silence of that id. Raises UnknownSilenceError when there is none."""
    row = connection.execute(select(silence).where(silence.c.id == id)).one_or_none()
    return _found(row, id)


def listed(connection: Connection, now: datetime, states: Collection[str] = tuple(State)) -> list[Silence]:
    """All silences in these states: active ones, the next to end first; pending by start; expired, the latest first."""
    found = [_silence(row) for row in connection.execute(select(silence))]
    order = {State.ACTIVE: 0, State.PENDING: 1, State.EXPIRED: 2}

    def place(one: Silence) -> tuple[int, float, str]:
        state = one.state(now)
        at = one.starts_at if state is State.PENDING else one.ends_at
        return order[state], -at.timestamp() if state is State.EXPIRED else at.timestamp(), one.id

    return sorted((one for one in found if one.state(now) in states), key=place)


def active(connection: Connection, now: datetime) -> list[Silence]:
    """The silences that hold now, by id."""
    columns = [type_coerce(column, Text) if column.name == "matchers" else column for column in _COLUMNS]
    query = select(*columns).where(silence.c.starts_at <= now, silence.c.ends_at > now).order_by(silence.c.id)
    return [Silence(id, _parsed(matchers), *rest) for id, matchers, *rest in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class SilenceIndex:
    """Silences laid out by one of their values each, so that of thousands only a few are tried on an alert. Pure."""

    by_pair: dict[tuple[str, str], list[Silence]] = field(default_factory=dict)  # label and value that it needs
    by_name: dict[str, list[tuple[Matcher, Silence]]] = field(default_factory=dict)  # label that it needs, and how
    always: list[Silence] = field(default_factory=list)  # those that need no label
    _meant: dict[tuple[str, str], list[Silence]] = field(default_factory=dict)  # answers given before

    @classmethod
    def of(cls, silences: Iterable[Silence]) -> SilenceIndex:
        """The index over these silences."""
        index = cls()
        for one in silences:
            pairs = _needed_pairs(one.matchers)
            for pair in pairs:
                index.by_pair.setdefault(pair, []).append(one)
            if not pairs:
                needed = next((each for each in one.matchers if not each.matches({})), None)
                if needed is None:
                    index.always.append(one)
                else:
                    index.by_name.setdefault(needed.name, []).append((needed, one))
        return index

    def matching(self, labels: Mapping[str, str]) -> list[Silence]:
        """Those that mean an alert with these labels, by id."""
        candidates = [one for pair in labels.items() for one in self.by_pair.get(pair, ())]
        candidates += [one for name, value in labels.items() if name in self.by_name for one in self._by(name, value)]
        found = [one for one in (*candidates, *self.always) if one.matches(labels)]
        return sorted(found, key=lambda one: one.id)

    def _by(self, name: str, value: str) -> list[Silence]:
        """Those whose expression for that label means this value; alerts share values, so it is tried once a value."""
        if (name, value) not in self._meant:
            alone = {name: value}
            self._meant[name, value] = [one for needed, one in self.by_name[name] if needed.matches(alone)]
        return self._meant[name, value]


@lru_cache(maxsize=16_384)
def _needed_pairs(matchers: tuple[Matcher, ...]) -> tuple[tuple[str, str], ...]:
    """Labels with values of which an alert must have one, where a matcher lists them."""
    for each in matchers:
        values = values_of(each)
        if values is not None and "" not in values:
            return tuple((each.name, value) for value in dict.fromkeys(values))
    return ()


def silenced_by(labels: Mapping[str, str], silences: Iterable[Silence] | SilenceIndex) -> tuple[str, ...]:
    """Ids of the silences, all taken to be active, that mean an alert with these labels. Pure."""
    index = silences if isinstance(silences, SilenceIndex) else SilenceIndex.of(silences)
    return tuple(one.id for one in index.matching(labels))


def as_rows(matchers: Iterable[Matcher]) -> list[dict[str, str | bool]]:
    """Matchers as the store and the API write them."""
    return [
        {"name": one.name, "value": one.value, "isRegex": "~" in one.operator, "isEqual": "!" not in one.operator}
        for one in matchers
    ]


def of_rows(rows: Iterable[Mapping[str, object]]) -> tuple[Matcher, ...]:
    """Matchers from how the store and the API write them. Raises MatcherError for a bad regular expression."""
    operators = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
    return tuple(
        matcher(
            str(row["name"]),
            operators[bool(row.get("isRegex", False)), bool(row.get("isEqual", True))],
            str(row["value"]),
        )
        for row in rows
    )


def sound(spec: Spec, now: datetime) -> Spec:
    """The spec as it will be kept, to the millisecond. Raises SilenceError. How much it mutes is not asked here."""
    starts_at, ends_at = _to_ms(spec.starts_at), _to_ms(spec.ends_at)
    if not spec.comment.strip():
        raise SilenceError("A silence needs a comment: say why nobody is to be told.")
    if spec.created_by is not None and not spec.created_by.strip():
        raise SilenceError("A silence needs the name of who made it (createdBy).")
    if len(spec.comment) > LONGEST_TEXT or len(spec.matchers) > MOST_MATCHERS:
        raise SilenceError(f"A silence has at most {MOST_MATCHERS} matchers and {LONGEST_TEXT} characters of comment.")
    if not spec.matchers:
        raise SilenceError('A silence needs at least one matcher, such as target="db-1".')
    if all(one.matches({}) for one in spec.matchers):
        shown = ", ".join(str(one) for one in spec.matchers)
        raise SilenceError(
            f"At least one matcher of a silence must not match an empty label, and all of these do: {shown}."
        )
    if ends_at <= starts_at:
        raise SilenceError("A silence must end after it starts.")
    if ends_at <= now:
        raise SilenceError(f"The end of the silence, {ends_at:%Y-%m-%d %H:%M:%S} UTC, is past already.")
    return Spec(spec.matchers, starts_at, ends_at, spec.comment.strip(), spec.created_by)


def require_narrow(connection: Connection, matchers: Sequence[Matcher]) -> None:
    """Raises TooBroadError when these matchers mute whatever there may be, or all that is open while much is wrong."""
    shown = ", ".join(str(one) for one in matchers)
    if mutes_everything(matchers):
        raise TooBroadError(
            f"This silence would mute every alert there can be ({shown}); that is more than one person may decide. "
            "Name what it is about: a target, a site, a check; or propose it to a second person."
        )
    labels = list(connection.scalars(select(alert.c.labels).where(alert.c.resolved_at.is_(None))))
    if mutes_all_open(matchers, labels):
        raise TooBroadError(
            f"This silence would mute all {len(labels)} open alerts, critical ones among them ({shown}); that is more "
            "than one person may decide. Name what it is about: a target, a site, a check; or propose it to a second "
            "person."
        )


def _stays(before: Silence, spec: Spec, now: datetime) -> bool:
    """Whether the change leaves the silence what it is, so that it keeps its id."""
    if {str(one) for one in before.matchers} != {str(one) for one in spec.matchers}:
        return False
    match before.state(now):
        case State.ACTIVE:
            return spec.starts_at == before.starts_at
        case State.PENDING:
            return spec.starts_at >= now
        case State.EXPIRED:
            return False


def _insert(
    connection: Connection, spec: Spec, who: str, now: datetime, facts: Mapping[str, object], by: str | None = None
) -> str:
    """A new row, made by `who`; in the audit trail it stands under `by`, whose doing it is, with these facts besides."""
    id = str(uuid.uuid4())
    starts_at = max(spec.starts_at, _to_ms(now))
    values = {"id": id, "matchers": as_rows(spec.matchers), "starts_at": starts_at, "ends_at": spec.ends_at}
    values |= {"created_by": spec.created_by or who, "comment": spec.comment, "created_at": now, "updated_at": now}
    connection.execute(insert(silence).values(values))
    _audit(connection, "create silence", id, by or who, now, _facts(spec) | dict(facts))
    return id


def _end(connection: Connection, before: Silence, now: datetime) -> None:
    values = {"starts_at": min(before.starts_at, now), "ends_at": now, "updated_at": now}
    connection.execute(update(silence).where(silence.c.id == before.id).values(values))
    groups.nudge(connection, {f"silence:{before.id}": now})


def _facts(spec: Spec) -> dict[str, object]:
    facts: dict[str, object] = {
        "matchers": [str(one) for one in spec.matchers],
        "starts_at": spec.starts_at.isoformat(),
        "ends_at": spec.ends_at.isoformat(),
        "comment": spec.comment,
    }
    return facts if spec.created_by is None else facts | {"created_by": spec.created_by}


def _audit(connection: Connection, action: str, id: str, who: str, now: datetime, detail: Mapping[str, object]) -> None:
    audit.record(connection, at=now, who=who, action=action, object=f"silence/{id}", detail=detail)


def _locked(connection: Connection, id: str) -> Silence:
    row = connection.execute(select(silence).where(silence.c.id == id).with_for_update()).one_or_none()
    return _found(row, id)


def _found(row: AnyRow | None, id: str) -> Silence:
    if row is None:
        raise UnknownSilenceError(f"There is no silence {id}; `bomc alerts silence list` shows those there are.")
    return _silence(row)


def _silence(row: AnyRow) -> Silence:
    return Silence(
        **{**row._mapping, "matchers": _parsed(orjson.dumps(row.matchers, option=orjson.OPT_SORT_KEYS).decode())}
    )


@lru_cache(maxsize=16_384)
def _parsed(rows: str) -> tuple[Matcher, ...]:
    """Matchers of the same text are read once, since active silences are asked for again and again."""
    return of_rows(orjson.loads(rows))


def _to_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
