"""A silence that would mute everything takes two people: who may decide, when, how often, and what is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select

from alerts.muting import proposals, silences
from alerts.muting.proposals import ProposalError
from alerts.muting.silences import Spec, TooBroadError
from alerts.routes.matchers import Matcher, parse_all
from core.store.open import reading, writing
from core.store.tables import audit, silence, user
from tests.alerts.world import NOON, after

EVERYTHING = parse_all(['alertname=~".+"'])
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(store: Engine) -> Engine:
    """The store with three people."""
    with writing(store) as connection:
        account = {"role": "manager", "password_hash": "none", "language": "en", "created_at": NOON}
        for name, disabled_at in (("li.wei", None), ("zhao.lei", None), ("gone", NOON)):
            connection.execute(insert(user).values(name=name, disabled_at=disabled_at, **account))
    return store


def _propose(connection: Connection, who: str = "li.wei", reason: str = "The core switch is replaced.") -> int:
    return proposals.propose(connection, EVERYTHING, HOUR, reason, who, NOON)


def test_two_people_silence_everything_and_both_are_on_record(desk: Engine) -> None:
    """Nothing holds until the second approves; then it holds from that moment, and one person cannot lengthen it."""
    with writing(desk) as connection:
        with pytest.raises(TooBroadError, match="propose it to a second person"):
            silences.create(connection, Spec(EVERYTHING, NOON, NOON + HOUR, "alone"), "li.wei", NOON)
        number = _propose(connection)
        assert silences.active(connection, after(minutes=1)) == []
        assert [proposals.waiting(connection, after(minutes=at)) for at in (1, 30)] == [1, 0]
        id = proposals.approve(connection, number, "zhao.lei", after(minutes=10))
        (holds,) = silences.active(connection, after(minutes=10))
        longer = Spec(EVERYTHING, holds.starts_at, holds.ends_at + HOUR, "longer")
        with pytest.raises(TooBroadError):
            silences.change(connection, id, longer, "zhao.lei", after(minutes=11))
    assert (holds.id, holds.created_by, holds.ends_at) == (id, "li.wei", after(minutes=70))
    with reading(desk) as connection:
        trail = connection.execute(select(audit.c.who, audit.c.action, audit.c.detail).order_by(audit.c.id)).all()
        (after_all,) = proposals.listed(connection, NOON)
    doings = [(row.who, row.action) for row in trail if "silence" in row.action]
    assert doings == [
        ("li.wei", "propose silence"),
        ("zhao.lei", "create silence"),
        ("zhao.lei", "approve silence"),
    ]
    made = next(row.detail for row in trail if row.action == "create silence")
    assert (made["approved_by"], made["proposal"]) == ("zhao.lei", number)
    assert (after_all.decision, after_all.silence_id) == ("approved", id)


REFUSED: dict[str, tuple[Callable[[Connection, int], object], str]] = {
    "by who proposed it": (
        lambda connection, number: proposals.approve(connection, number, "li.wei", NOON),
        "li.wei proposed silence 1; another person must approve it",
    ),
    "by the same person, spelled otherwise": (
        lambda connection, number: proposals.approve(connection, number, "LI.WEI", NOON),
        "another person must approve it|no account named",
    ),
    "by a terminal": (
        lambda connection, number: proposals.approve(connection, number, "terminal:root", NOON),
        "no account named terminal:root",
    ),
    "by a machine": (
        lambda connection, number: proposals.approve(connection, number, "token:robot", NOON),
        "no account named token:robot",
    ),
    "by a closed account": (
        lambda connection, number: proposals.approve(connection, number, "gone", NOON),
        "no account named gone that is open",
    ),
    "too late": (
        lambda connection, number: proposals.approve(connection, number, "zhao.lei", after(minutes=30)),
        "lapsed at 2026-03-02 12:30 UTC; it waits 30 minutes",
    ),
    "one that is not there": (
        lambda connection, number: proposals.approve(connection, 99, "zhao.lei", NOON),
        "There is no proposal 99",
    ),
    "rejected without a reason": (
        lambda connection, number: proposals.reject(connection, number, "zhao.lei", " ", NOON),
        "rejected with a reason",
    ),
    "rejected without the right": (
        lambda connection, number: proposals.reject(connection, number, "zhao.lei", "no", NOON, approves=False),
        "Only li.wei may withdraw silence 1",
    ),
}


@pytest.mark.parametrize(("doing", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_changes_nothing(
    desk: Engine, doing: Callable[[Connection, int], object], sentence: str
) -> None:
    with writing(desk) as connection:
        number = _propose(connection)
        with pytest.raises(ProposalError, match=sentence):
            doing(connection, number)
    with reading(desk) as connection:
        assert proposals.listed(connection, NOON)[0].decision is None
        assert connection.execute(select(silence)).all() == []


def test_it_is_decided_once(desk: Engine) -> None:
    """After an approval, a rejection or a withdrawal nobody decides again."""
    with writing(desk) as connection:
        rejected, withdrawn, approved = (_propose(connection) for _ in range(3))
        proposals.reject(connection, rejected, "zhao.lei", "Name the site.", NOON)
        proposals.reject(connection, withdrawn, "li.wei", "", NOON)
        proposals.approve(connection, approved, "zhao.lei", NOON)
        for number, word in ((rejected, "rejected"), (withdrawn, "withdrawn"), (approved, "approved")):
            with pytest.raises(ProposalError, match=f"Proposal {number} is decided already: {word} by"):
                proposals.approve(connection, number, "zhao.lei", NOON)
    with reading(desk) as connection:
        found = {one.id: (one.decision, one.note) for one in proposals.listed(connection, NOON)}
        assert len(connection.execute(select(silence)).all()) == 1
    assert found[rejected] == ("rejected", "Name the site.")
    assert found[withdrawn] == ("withdrawn", None)


PROPOSED = {
    "without a reason": (EVERYTHING, HOUR, "  ", "needs a reason"),
    "for too long": (EVERYTHING, timedelta(hours=25), "why", "at most 24 hours"),
    "for no time": (EVERYTHING, timedelta(), "why", "must end after it starts"),
    "of nothing": ((), HOUR, "why", "at least one matcher"),
    "of what matches an empty label": (parse_all(['site=~".*"']), HOUR, "why", "must not match an empty label"),
}


@pytest.mark.parametrize(("matchers", "length", "reason", "sentence"), PROPOSED.values(), ids=PROPOSED.keys())
def test_what_cannot_be_proposed(
    desk: Engine, matchers: tuple[Matcher, ...], length: timedelta, reason: str, sentence: str
) -> None:
    with writing(desk) as connection, pytest.raises(silences.SilenceError, match=sentence):
        proposals.propose(connection, matchers, length, reason, "li.wei", NOON)
