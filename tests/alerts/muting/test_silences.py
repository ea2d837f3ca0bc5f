"""Silences mean what Alertmanager's mean, and none mutes everything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from alerts.lifecycle import apply
from alerts.muting import silences
from alerts.muting.silences import Silence, SilenceError, SilenceIndex, Spec, State, UnknownSilenceError
from alerts.routes.matchers import MatcherError, parse_matchers
from core.store.open import reading, writing
from core.store.tables import audit
from tests.alerts.world import NOON, after, finding, with_series

DB = 'target="db-1"'
LATER = after(hours=2)


def _spec(
    text: str = DB,
    start: datetime = NOON,
    end: datetime = LATER,
    comment: str = "disk is being replaced",
    created_by: str | None = None,
) -> Spec:
    return Spec(parse_matchers(text), start, end, comment, created_by)


def _create(store: Engine, spec: Spec | None = None, now: datetime = NOON) -> str:
    with writing(store) as connection:
        return silences.create(connection, spec or _spec(), "li.wei", now)


def _get(store: Engine, id: str) -> Silence:
    with reading(store) as connection:
        return silences.get(connection, id)


def test_a_silence_is_kept_with_who_why_and_until_when(store: Engine) -> None:
    """What was asked for is what is read back, in this process or another, and the trail has it."""
    id = _create(store, _spec('target=~"db-[12]", severity!="critical"', created_by="zhao.lei"))
    found = _get(store, id)
    assert [str(one) for one in found.matchers] == ['target=~"db-[12]"', 'severity!="critical"']
    assert (found.starts_at, found.ends_at, found.created_by) == (NOON, after(hours=2), "zhao.lei")
    assert found.comment == "disk is being replaced"
    assert len(id) == 36
    with reading(store) as connection:
        row = connection.execute(select(audit)).one()
    assert (row.who, row.action, row.object) == ("li.wei", "create silence", f"silence/{id}")
    assert row.detail["created_by"] == "zhao.lei"


STATES = [
    (after(seconds=-1), "pending"),
    (NOON, "active"),
    (after(hours=2, seconds=-1), "active"),
    (after(hours=2), "expired"),
]


@pytest.mark.parametrize(("at", "state"), STATES)
def test_the_state_of_a_silence_at_its_edges(light: Engine, at: datetime, state: str) -> None:
    """Its start belongs to it, its end does not; only an active one is told to mute."""
    id = _create(light, now=after(hours=-1))
    assert _get(light, id).state(at) == state
    with reading(light) as connection:
        assert [one.id for one in silences.active(connection, at)] == ([id] if state == "active" else [])


def test_a_start_in_the_past_becomes_now(store: Engine) -> None:
    """Nobody was silent before the silence was made."""
    assert _get(store, _create(store, _spec(start=after(hours=-3)))).starts_at == NOON


CHANGES: dict[str, tuple[datetime, Spec, bool]] = {
    "a later end of an active one": (after(minutes=5), _spec(end=after(hours=9)), True),
    "a nearer end of an active one": (after(minutes=5), _spec(end=after(minutes=6)), True),
    "another comment": (after(minutes=5), _spec(comment="new disk is late"), True),
    "the same matchers in another order": (after(minutes=5), _spec(f'{DB},site="n"'), False),
    "other matchers": (after(minutes=5), _spec('target="db-2"'), False),
    "the start of an active one": (after(minutes=5), _spec(start=after(hours=1)), False),
    "the start of a pending one, to a later instant": (after(minutes=-30), _spec(start=after(hours=1)), True),
    "the start of a pending one, to the past": (after(minutes=-30), _spec(start=after(hours=-1)), False),
    "an expired one": (after(hours=3), _spec(end=after(hours=4)), False),
}


@pytest.mark.parametrize(("now", "spec", "keeps"), CHANGES.values(), ids=CHANGES.keys())
def test_which_change_keeps_the_id(light: Engine, now: datetime, spec: Spec, keeps: bool) -> None:
    """Where a change makes another silence of it, the old one ends at once and the new one begins no sooner than now."""
    id = _create(light, now=after(hours=-1))
    with writing(light) as connection:
        new = silences.change(connection, id, spec, "li.wei", now)
    assert (new == id) is keeps
    assert (_get(light, new).ends_at, _get(light, new).comment) == (spec.ends_at, spec.comment)
    assert _get(light, new).starts_at >= min(now, NOON)
    if not keeps:
        assert _get(light, id).state(now) is State.EXPIRED
        assert _get(light, new).starts_at >= now


def test_matchers_in_another_order_are_the_same_matchers(store: Engine) -> None:
    """The order in which a client names them changes nothing."""
    id = _create(store, _spec('target="db-1",site="north"'))
    with writing(store) as connection:
        assert silences.change(connection, id, _spec('site="north",target="db-1"'), "li.wei", after(minutes=1)) == id


def test_an_expired_silence_cannot_be_expired_and_an_unknown_one_is_named(store: Engine) -> None:
    """A pending one that is expired never begins."""
    id = _create(store, _spec(start=after(hours=1)))
    with writing(store) as connection:
        silences.expire(connection, id, "li.wei", after(minutes=1))
    assert (_get(store, id).state(after(minutes=1)), _get(store, id).state(after(minutes=90))) == ("expired",) * 2
    with writing(store) as connection, pytest.raises(SilenceError, match="has ended already, at 2026-03-02 12:01:00"):
        silences.expire(connection, id, "li.wei", after(minutes=2))
    for act in (
        lambda connection: silences.expire(connection, "none", "li.wei", NOON),
        lambda connection: silences.change(connection, "none", _spec(), "li.wei", NOON),
        lambda connection: silences.get(connection, "none"),
    ):
        with writing(store) as connection, pytest.raises(UnknownSilenceError, match="There is no silence none"):
            act(connection)


REFUSED: dict[str, tuple[Spec, str]] = {
    "no matchers": (_spec(""), "needs at least one matcher"),
    "all match the empty label": (_spec('target=~".*"'), "must not match an empty label"),
    "a negation alone": (_spec('target!="db-1"'), "must not match an empty label"),
    "no comment": (_spec(comment=" "), "needs a comment"),
    "nobody": (_spec(created_by=""), "needs the name"),
    "a comment without end": (_spec(comment="x" * 2001), "2000 characters"),
    "end before start": (_spec(start=after(hours=3)), "must end after it starts"),
    "end in the past": (_spec(start=after(hours=-3), end=after(hours=-1)), "is past already"),
    "everything by name": (_spec('alertname=~".+"'), "mute every alert there can be"),
    "everything, said otherwise": (_spec('alertname!="",severity!~"none"'), "mute every alert there can be"),
    "everything by severity": (_spec('severity=~"critical|warning|unknown"'), "mute every alert there can be"),
    "all that is open": (_spec('site="north"'), "mute all 6 open alerts, critical ones among them"),
}


def _trouble(store: Engine) -> None:
    with_series(store)
    with writing(store) as connection:
        found = [finding("warning", host=f"h{n}", check=check) for n in range(3) for check in ("disk", "cpu")]
        apply(connection, [*found[1:], finding(host="h0", check="disk")], NOON)


@pytest.mark.parametrize(("spec", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(light: Engine, spec: Spec, part: str) -> None:
    """Each with its sentence, at making and at changing, and nothing is written."""
    _trouble(light)
    id = _create(light)
    with writing(light) as connection:
        for act in (
            lambda: silences.create(connection, spec, "li.wei", NOON),
            lambda: silences.change(connection, id, spec, "li.wei", NOON),
        ):
            with pytest.raises(SilenceError, match=part):
                act()
        assert [one.id for one in silences.listed(connection, NOON)] == [id]
        assert silences.get(connection, id).comment == "disk is being replaced"


@pytest.mark.parametrize("text", ['target="h0"', 'alertname="disk"', 'site="north",severity="warning"', 'team=~".+"'])
def test_a_silence_about_something_is_taken_in_a_storm(light: Engine, text: str) -> None:
    """A host, a check, the warnings of a site: not everything falls silent; nor does every team's when one has none."""
    _trouble(light)
    with writing(light) as connection:
        if text.startswith("team"):
            apply(connection, [finding(host="h9", labels=())], NOON)
    assert _create(light, _spec(text))


def test_the_list_shows_what_ends_next_first(store: Engine) -> None:
    """Active ones by end, then pending ones by start, then expired ones, the latest first."""
    spans = {"a": (0, 9), "b": (0, 5), "c": (6, 7), "d": (4, 8), "e": (0, 1), "f": (0, 2)}
    for name, (start, end) in spans.items():
        _create(store, _spec(start=after(hours=start), end=after(hours=end), comment=name))
    with reading(store) as connection:
        assert "".join(one.comment for one in silences.listed(connection, after(hours=3))) == "badcfe"
        assert [one.comment for one in silences.listed(connection, after(hours=3), ["pending"])] == ["d", "c"]


MATCHER = st.builds(
    lambda name, operator, value: f'{name}{operator}"{value}"',
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "1", "2", "1|2", ".*"]),
)
LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2", "3"]))


@given(st.lists(st.lists(MATCHER, min_size=1, max_size=3), max_size=6), LABELS)
def test_the_index_finds_what_trying_every_silence_finds(texts: list[list[str]], labels: dict[str, str]) -> None:
    """Laying silences out makes it fast and changes nothing, whatever their order."""
    made = [
        Silence(str(number), parse_matchers(",".join(each)), NOON, after(hours=1), "li", "why", NOON, NOON)
        for number, each in enumerate(texts)
    ]
    expected = tuple(one.id for one in made if all(part.matches(labels) for part in one.matchers))
    assert silences.silenced_by(labels, made) == expected
    assert silences.silenced_by(labels, SilenceIndex.of(reversed(made))) == expected


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "isEqual is true where it is not given": ({"name": "a", "value": "1", "isRegex": False}, 'a="1"'),
    "not equal": ({"name": "a", "value": "1", "isRegex": False, "isEqual": False}, 'a!="1"'),
    "regular expression": ({"name": "a", "value": "1|2", "isRegex": True}, 'a=~"1|2"'),
    "not the regular expression": ({"name": "a", "value": "1|2", "isRegex": True, "isEqual": False}, 'a!~"1|2"'),
}


@pytest.mark.parametrize(("row", "text"), ROWS.values(), ids=ROWS.keys())
def test_matchers_as_the_api_writes_them(row: dict[str, Any], text: str) -> None:
    """The notation of API v2, both ways; a bad expression is refused."""
    (one,) = silences.of_rows([row])
    assert str(one) == text
    assert silences.as_rows([one]) == [{"isEqual": True, **row}]
    with pytest.raises(MatcherError, match="cannot be used"):
        silences.of_rows([{"name": "a", "value": "(", "isRegex": True}])
