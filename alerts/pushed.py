"""What others push: the body of `POST /api/v2/alerts` becomes alerts, and a sentence with its place for each that cannot.

Semantics of Alertmanager's API v2. A label with an empty value is the same as none. The instant
`0001-01-01T00:00:00Z`, null or nothing stands for "not given": a start that is not given is now (or the end, when that
is given), an end that is not given is `resolve_timeout` after the push. What is refused here is refused for itself
alone; the other alerts of the same push are taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
NOT_GIVEN = datetime(1, 1, 1, tzinfo=UTC)
SHOWN = 80  # characters of what was sent that a sentence repeats
MOST_ALERTS = 10_000  # of one push
FNV_OFFSET, FNV_PRIME, FNV_SIZE = 14695981039346656037, 1099511628211, 1 << 64
SEPARATOR = 0xFF

BODY, LABELS, DATE, SPAN, TEXT, CLASH = "no_alerts", "bad_labels", "bad_date", "end_before_start", "bad_text", "clash"
"""Why something is refused: the reasons under which it is counted."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One alert as it was pushed, with what was not given filled in."""

    place: int  # which one of its push, from 0
    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    timeout: bool  # its sender gave no end
    generator_url: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be taken: its place in the body, why (a word to count by), and the sentence."""

    place: str
    reason: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Read:
    """What a push holds: the alerts that can be taken, and what cannot. `alerts` keeps the order of the body."""

    alerts: tuple[Pushed, ...]
    refused: tuple[Refusal, ...]


class _Unfit(Exception):
    """One alert cannot be taken."""

    def __init__(self, place: str, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.place, self.reason, self.sentence = place, reason, sentence


def read(body: bytes, now: datetime, resolve_timeout: timedelta) -> Read:
    """The alerts in a body of JSON, each with a place and a sentence if it will not do. Pure; raises nothing."""
    try:
        pushed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _nothing(f"the body is not JSON: {error}")
    if not isinstance(pushed, list):
        return _nothing(f"the body is {_kind(pushed)}, and must be a list of alerts")
    if len(pushed) > MOST_ALERTS:
        return _nothing(f"the body holds {len(pushed)} alerts; push at most {MOST_ALERTS} at once")
    alerts: list[Pushed] = []
    refused: list[Refusal] = []
    for number, one in enumerate(pushed):
        try:
            alerts.append(_alert(number, one, now, resolve_timeout))
        except _Unfit as unfit:
            refused.append(Refusal(f"alerts[{number}]{unfit.place}", unfit.reason, unfit.sentence))
    return Read(tuple(alerts), tuple(refused))


def fingerprint(labels: Mapping[str, str]) -> str:
    """The name that Alertmanager gives this set of labels: 64-bit FNV-1a over the sorted pairs, in 16 hex digits.

    Source: LabelSet.Fingerprint in model/labelset.go of prometheus/common.
    """
    value = FNV_OFFSET
    for name in sorted(labels):
        for part in (name, labels[name]):
            for byte in part.encode():
                value = ((value ^ byte) * FNV_PRIME) % FNV_SIZE
            value = ((value ^ SEPARATOR) * FNV_PRIME) % FNV_SIZE
    return f"{value:016x}"


def instant(text: str) -> datetime:
    """The instant that RFC 3339 writes so, in UTC, to the millisecond. Raises ValueError when there is none."""
    found = INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no instant; write it like 2026-03-02T12:00:00Z")
    *parts, fraction, zone = found.groups()
    micros = int((fraction or "0")[:3].ljust(3, "0")) * 1000
    offset = timedelta()
    if zone not in "Zz":
        if int(zone[1:3]) > 23 or int(zone[4:]) > 59:
            raise ValueError(f"{_shown(text)} has the offset {zone}, which no clock has")
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    try:
        return datetime(*(int(part) for part in parts), micros, tzinfo=UTC) - offset  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_shown(text)} is no instant: {error}") from None


def _alert(place: int, sent: Any, now: datetime, resolve_timeout: timedelta) -> Pushed:
    if not isinstance(sent, dict):
        raise _Unfit("", BODY, f"this is {_kind(sent)}, and must be an alert with labels")
    labels = {name: value for name, value in _texts(sent, "labels", LABELS).items() if value}
    if not labels:
        raise _Unfit(".labels", LABELS, "the alert has no label with a value; give it at least `alertname`")
    starts_at, ends_at = _instant(sent, "startsAt"), _instant(sent, "endsAt")
    timeout = ends_at is None
    if starts_at is None:
        starts_at = now if ends_at is None else ends_at
    if ends_at is None:
        ends_at = max(now, starts_at) + resolve_timeout
    if ends_at < starts_at:
        raise _Unfit(".endsAt", SPAN, f"the end, {_at(ends_at)}, is before the start, {_at(starts_at)}")
    url = sent.get("generatorURL")
    if url is not None and (not isinstance(url, str) or "\0" in url):
        raise _Unfit(".generatorURL", TEXT, "the address must be a text without NUL")
    annotations = _texts(sent, "annotations", TEXT)
    return Pushed(place, fingerprint(labels), labels, annotations, starts_at, ends_at, timeout, url or "")


def _texts(sent: Mapping[str, Any], field: str, reason: str) -> dict[str, str]:
    """The names and texts of one field. Raises _Unfit with the place of what is no text or has a name that is none."""
    given = sent.get(field)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _Unfit(f".{field}", reason, f"this is {_kind(given)}, and must be names with texts")
    for name, value in given.items():
        if LABEL_NAME.fullmatch(name) is None:
            rule = "a name is of letters, digits and _, and does not begin with a digit"
            raise _Unfit(f".{field}", reason, f"{_shown(name)} is no name; {rule}")
        if not isinstance(value, str):
            raise _Unfit(f".{field}.{name[:SHOWN]}", reason, f"this is {_kind(value)}, and must be a text")
        if "\0" in value:
            raise _Unfit(f".{field}.{name[:SHOWN]}", reason, "the text holds a NUL, which cannot be kept")
    return given


def _instant(sent: Mapping[str, Any], field: str) -> datetime | None:
    given = sent.get(field)
    if given is None:
        return None
    if not isinstance(given, str):
        raise _Unfit(f".{field}", DATE, f"this is {_kind(given)}, and must be an instant like 2026-03-02T12:00:00Z")
    try:
        found = instant(given)
    except ValueError as error:
        raise _Unfit(f".{field}", DATE, str(error)) from None
    return None if found == NOT_GIVEN else found


def _nothing(sentence: str) -> Read:
    return Read((), (Refusal("the body", BODY, sentence),))


def _at(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " UTC")


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")
