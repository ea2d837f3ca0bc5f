"""What a push holds: every fault named with its place, and what is not given filled in as Alertmanager does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import pushed
from alerts.pushed import fingerprint, instant, read
from tests.alerts.world import NOON, after

TIMEOUT = timedelta(minutes=5)
ZERO = "0001-01-01T00:00:00.000Z"
LAST_MS = 9999 * 365 * 86_400_000
LABELS = {"alertname": "DiskFull", "severity": "critical"}


def body(*alerts: Any) -> bytes:
    return json.dumps(list(alerts)).encode()


def written(at: datetime) -> str:
    return at.isoformat()


SPANS = [
    ("neither is given", {}, NOON, after(minutes=5), True),
    ("both are zero", {"startsAt": ZERO, "endsAt": ZERO}, NOON, after(minutes=5), True),
    ("both are null", {"startsAt": None, "endsAt": None}, NOON, after(minutes=5), True),
    ("a start only", {"startsAt": written(after(minutes=-9))}, after(minutes=-9), after(minutes=5), True),
    ("an end only", {"endsAt": written(after(minutes=-1))}, after(minutes=-1), after(minutes=-1), False),
    ("an end to come only", {"endsAt": written(after(minutes=7))}, after(minutes=7), after(minutes=7), False),
    (
        "both",
        {"startsAt": written(after(minutes=-2)), "endsAt": written(after(minutes=2))},
        after(minutes=-2),
        after(minutes=2),
        False,
    ),
    ("start and end at once", {"startsAt": written(NOON), "endsAt": written(NOON)}, NOON, NOON, False),
    ("a start to come only", {"startsAt": written(after(hours=1))}, after(hours=1), after(hours=1, minutes=5), True),
]


@pytest.mark.parametrize(("name", "given_", "starts", "ends", "timeout"), SPANS, ids=[case[0] for case in SPANS])
def test_what_is_not_given_is_filled_in(
    name: str, given_: dict[str, Any], starts: datetime, ends: datetime, timeout: bool
) -> None:
    found = read(body({"labels": LABELS, **given_}), NOON, TIMEOUT)
    assert found.refused == ()
    (one,) = found.alerts
    assert (one.starts_at, one.ends_at, one.timeout) == (starts, ends, timeout)


REFUSED = [
    ("no labels", {}, "alerts[0].labels: the alert has no label"),
    ("labels null", {"labels": None}, "alerts[0].labels: the alert has no label"),
    ("labels empty", {"labels": {}}, "alerts[0].labels: the alert has no label"),
    ("only empty values", {"labels": {"a": ""}}, "alerts[0].labels: the alert has no label"),
    ("labels a list", {"labels": [1]}, "alerts[0].labels: this is a list"),
    ("a number as a value", {"labels": {"a": 1}}, "alerts[0].labels.a: this is a number"),
    ("a dash in a name", {"labels": {"a-b": "c"}}, "alerts[0].labels: 'a-b' is no name"),
    ("a digit first", {"labels": {"1a": "c"}}, "alerts[0].labels: '1a' is no name"),
    ("a name of nothing", {"labels": {"": "c"}}, "alerts[0].labels: '' is no name"),
    ("a name and a line break", {"labels": {"a\n": "c"}}, "alerts[0].labels: 'a\\n' is no name"),
    ("a letter of another script", {"labels": {"名": "c"}}, "alerts[0].labels: '名' is no name"),
    ("NUL in a label", {"labels": {"a": "x\0"}}, "alerts[0].labels.a: the text holds a NUL"),
    ("NUL in an annotation", {"labels": LABELS, "annotations": {"s": "\0"}}, "alerts[0].annotations.s: the text"),
    ("a bad annotation", {"labels": LABELS, "annotations": {"s": []}}, "alerts[0].annotations.s: this is a list"),
    ("a bad date", {"labels": LABELS, "startsAt": "yesterday"}, "alerts[0].startsAt: 'yesterday' is no instant"),
    ("no time zone", {"labels": LABELS, "startsAt": "2026-03-02T12:00:00"}, "alerts[0].startsAt: "),
    ("the 30th of February", {"labels": LABELS, "endsAt": "2026-02-30T12:00:00Z"}, "alerts[0].endsAt: "),
    ("25 o'clock", {"labels": LABELS, "endsAt": "2026-02-20T25:00:00Z"}, "alerts[0].endsAt: "),
    ("before all time", {"labels": LABELS, "startsAt": "0001-01-01T00:00:00+08:00"}, "alerts[0].startsAt: "),
    ("a date that is a number", {"labels": LABELS, "startsAt": 7}, "alerts[0].startsAt: this is a number"),
    (
        "the end before the start",
        {"labels": LABELS, "startsAt": written(NOON), "endsAt": written(after(seconds=-1))},
        "alerts[0].endsAt: the end, 2026-03-02 11:59:59.000 UTC, is before the start, 2026-03-02 12:00:00.000 UTC",
    ),
    ("an address that is none", {"labels": LABELS, "generatorURL": 7}, "alerts[0].generatorURL: "),
    ("no object", [], "alerts[0]: this is a list"),
    ("null", None, "alerts[0]: this is null"),
]


@pytest.mark.parametrize(("name", "alert", "sentence"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_named_with_its_place_and_the_rest_is_taken(name: str, alert: Any, sentence: str) -> None:
    found = read(body(alert, {"labels": LABELS}), NOON, TIMEOUT)
    assert [str(one)[: len(sentence)] for one in found.refused] == [sentence]
    assert [one.place for one in found.alerts] == [1]


@pytest.mark.parametrize("text", [b"", b"{", b"nothing", b"{}", b"7", b'"x"', b"\xff", b"[" * 5000, b'["\\ud800"]'])
def test_a_body_that_holds_no_alerts_is_refused_whole(text: bytes) -> None:
    found = read(text, NOON, TIMEOUT)
    assert found.alerts == ()
    (one,) = found.refused
    assert str(one).startswith("the body: ") or text.startswith(b"[")


def test_more_alerts_than_a_push_may_hold_are_refused_whole() -> None:
    found = read(body(*[{"labels": LABELS}] * (pushed.MOST_ALERTS + 1)), NOON, TIMEOUT)
    assert found.alerts == ()
    assert "10001 alerts" in str(found.refused[0])


def test_an_empty_label_is_as_none() -> None:
    """A missing label equals "", so both name the same alert."""
    with_empty, without = read(body({"labels": {**LABELS, "x": ""}}, {"labels": LABELS}), NOON, TIMEOUT).alerts
    assert with_empty.labels == without.labels == LABELS
    assert with_empty.fingerprint == without.fingerprint


def test_the_fingerprint_depends_on_every_letter_and_on_no_order() -> None:
    """That it is Alertmanager's own is held against a real one in `tests/dashboards/server/test_against_alertmanager.py`."""
    assert fingerprint({}) == "cbf29ce484222325"  # the offset of FNV-1a
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


@given(
    st.integers(3 * 86_400_000, LAST_MS - 3 * 86_400_000),
    st.integers(-23 * 60, 23 * 60),
)
def test_an_instant_is_read_as_it_was_written(at_ms: int, offset: int) -> None:
    """In every offset, to the millisecond."""
    whole = pushed.NOT_GIVEN + timedelta(milliseconds=at_ms)
    assert instant(whole.astimezone(timezone(timedelta(minutes=offset))).isoformat()) == whole


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_a_sentence(text: str) -> None:
    try:
        said = str(instant(text).tzinfo)
    except ValueError as error:
        said = str(error)
    assert said == "UTC" or " is no instant" in said or "which no clock has" in said
