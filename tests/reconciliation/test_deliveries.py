"""Arrivals: each state at its boundary, in any order of deliveries, and what the store keeps of them."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from core.store.open import reading, writing
from core.store.tables.reconciliation import file_delivery
from reconciliation import deliveries
from reconciliation.deliveries import (
    INDICATORS,
    Delivery,
    Expectation,
    Known,
    State,
    arrivals,
    copies,
    look,
    observe,
    samples,
    state,
)

DAY = date(2026, 11, 1)
DUE = datetime(2026, 11, 2, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
FILE = Expectation("c", "billing", DAY, "in/a.csv", DUE)


def came(
    after: timedelta = -MINUTE, content: str = "1", path: str = "in/a.csv", party: str = "billing", day: date = DAY
) -> Delivery:
    """A delivery that came so long after the file was due."""
    at = (DUE + after).astimezone(UTC)
    return Delivery("c", party, day, path, content * 64, 100, at, at)


CASES: list[tuple[str, list[Delivery], timedelta, State, str]] = [
    ("not due yet", [], -MINUTE, State.EXPECTED, "is due at 2026-11-02 08:00 CST"),
    ("a millisecond before it is due", [], -MS, State.EXPECTED, "is due at"),
    ("the due instant exactly, nothing there", [], timedelta(), State.EXPECTED, "is due at"),
    ("a millisecond past", [], MS, State.MISSING, "was due at 2026-11-02 08:00 CST and is not there; in/a.csv"),
    ("long past", [], timedelta(days=9), State.MISSING, "Ask billing for it"),
    ("came before", [came()], MINUTE, State.ON_TIME, "came at 2026-11-02 07:59 CST; it was due at 2026-11-02 08:00"),
    ("came before, not due yet", [came(-2 * MINUTE)], -MINUTE, State.ON_TIME, "came at"),
    ("came at the due instant", [came(timedelta())], MINUTE, State.ON_TIME, "came at"),
    ("came a millisecond after", [came(MS)], MINUTE, State.LATE, "0 s after it was due"),
    ("came a minute after", [came(MINUTE)], MINUTE, State.LATE, "1 min after it was due"),
    ("came a day after", [came(timedelta(days=1, minutes=5))], MINUTE, State.LATE, "24 h 05 min after it was due"),
    ("another party's file came", [came(party="bank")], MINUTE, State.MISSING, "billing file of 2026-11-01"),
    ("another day's file came", [came(day=date(2026, 10, 31))], MINUTE, State.MISSING, "is not there"),
    (
        "the same content under another name",
        [came(), came(MINUTE, path="in/a (1).csv")],
        MINUTE,
        State.TWICE,
        "more than once, with the same content: in/a (1).csv, in/a.csv",
    ),
    (
        "other content under another name",
        [came(), came(MINUTE, "2", "in/b.csv")],
        MINUTE,
        State.TWICE,
        "more than once, with different content: in/a.csv, in/b.csv",
    ),
    ("the same content again under the same name", [came()], MINUTE, State.ON_TIME, "came at"),
    (
        "other content under the same name",
        [came(), came(MINUTE, "2")],
        MINUTE,
        State.CHANGED,
        "in/a.csv had 100 bytes (111111111111) and now 100 (222222222222)",
    ),
    (
        "changed before it was due",
        [came(-3 * MINUTE), came(-2 * MINUTE, "2")],
        -MINUTE,
        State.CHANGED,
        "Ask the sender why",
    ),
    (
        "changed and twice",
        [came(), came(MINUTE, "2"), came(MINUTE, "2", "in/b.csv")],
        MINUTE,
        State.CHANGED,
        "more than once",
    ),
    ("late and changed", [came(MINUTE), came(2 * MINUTE, "2")], MINUTE, State.CHANGED, "1 min after it was due"),
    ("late and twice", [came(MINUTE), came(MINUTE, path="in/b.csv")], MINUTE, State.TWICE, "1 min after it was due"),
    ("on time by its first file", [came(MINUTE, "2"), came()], MINUTE, State.CHANGED, "changed after it had come"),
]


@pytest.mark.parametrize(
    ("found", "after", "expected", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_state_of_a_file(found: list[Delivery], after: timedelta, expected: State, words: str) -> None:
    arrival = state(FILE, found, (DUE + after).astimezone(UTC))
    assert arrival.state is expected
    assert words in arrival.reason
    assert (expected in arrival.faults) == (expected not in (State.EXPECTED, State.ON_TIME))


def test_all_that_is_wrong_is_told_and_the_state_is_the_worst() -> None:
    found = [came(MINUTE), came(2 * MINUTE, "2"), came(MINUTE, "2", "in/b.csv")]
    arrival = state(FILE, found, DUE + MINUTE)
    assert arrival.faults == {State.LATE, State.CHANGED, State.TWICE}
    assert arrival.state is State.CHANGED
    assert arrival.arrived_at == DUE + MINUTE


any_delivery = st.builds(
    came,
    st.integers(-3, 3).map(lambda minutes: minutes * MINUTE),
    st.sampled_from("12"),
    st.sampled_from(["in/a.csv", "in/b.csv"]),
    st.sampled_from(["billing", "bank"]),
    st.sampled_from([DAY, date(2026, 10, 31)]),
)


@given(st.lists(any_delivery, max_size=6), st.integers(-5, 5), st.randoms())
def test_the_order_of_deliveries_never_matters(found: list[Delivery], minutes: int, chance: random.Random) -> None:
    now = DUE + minutes * MINUTE
    expected = state(FILE, found, now)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert state(FILE, shuffled, now) == expected
    assert state(FILE, iter(shuffled), now) == expected


@given(st.lists(any_delivery, max_size=6), st.integers(-5, 5))
def test_deliveries_of_others_never_matter_and_no_file_is_both_missing_and_there(
    found: list[Delivery], minutes: int
) -> None:
    now = DUE + minutes * MINUTE
    mine = [each for each in found if (each.party, each.business_day) == ("billing", DAY)]
    arrival = state(FILE, found, now)
    assert arrival == state(FILE, mine, now)
    assert (arrival.state in (State.EXPECTED, State.MISSING)) == (not mine)
    assert arrival.reason.endswith(".")


@given(st.lists(any_delivery, max_size=6), st.integers(-5, 5), st.integers(0, 100))
def test_time_alone_turns_expected_into_missing_and_nothing_else(
    found: list[Delivery], minutes: int, later: int
) -> None:
    before = state(FILE, found, DUE + minutes * MINUTE)
    after = state(FILE, found, DUE + (minutes + later) * MINUTE)
    assert after.state is before.state or (before.state, after.state) == (State.EXPECTED, State.MISSING)


NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def put(path: Path, content: str, at: datetime) -> Path:
    """A file that was last written at that instant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def kept(store: Engine) -> int:
    with reading(store) as connection:
        return connection.execute(select(func.count()).select_from(file_delivery)).scalar_one()


def the_state(store: Engine, now: datetime = NOW) -> State:
    with reading(store) as connection:
        return arrivals(connection, [FILE], now)[0].state


def see(store: Engine, path: Path, home: Path, now: datetime = NOW, known: Known | None = None) -> bool:
    with writing(store) as connection:
        return observe(connection, FILE, path, now, home=home, known=known)


def test_a_delivery_is_kept_once_with_the_file_s_own_time(store: Engine, tmp_path: Path) -> None:
    path = put(tmp_path / "in/a.csv", "x", NOW - 3 * MINUTE)
    assert see(store, path, tmp_path)
    assert not see(store, path, tmp_path, NOW + MINUTE)
    with reading(store) as connection:
        row = connection.execute(select(file_delivery)).one()
    assert (row.path, row.size_bytes, row.arrived_at, row.seen_at) == ("in/a.csv", 1, NOW - 3 * MINUTE, NOW)
    assert row.business_day == "2026-11-01"


def test_a_file_without_arrival_is_no_delivery(store: Engine, tmp_path: Path) -> None:
    assert not see(store, tmp_path / "in/a.csv", tmp_path)
    assert kept(store) == 0
    assert the_state(store, DUE - MINUTE) is State.EXPECTED
    assert the_state(store) is State.MISSING


def test_a_file_goes_from_missing_to_late_to_changed_and_stays_so(store: Engine, tmp_path: Path) -> None:
    path = put(tmp_path / "in/a.csv", "x", DUE + MINUTE)
    see(store, path, tmp_path)
    assert the_state(store) is State.LATE
    see(store, put(path, "y", DUE + 2 * MINUTE), tmp_path)
    assert the_state(store) is State.CHANGED
    see(store, put(path, "x", DUE + 3 * MINUTE), tmp_path)
    assert the_state(store) is State.CHANGED
    assert kept(store) == 2


def test_a_touched_file_with_the_same_content_has_not_changed(store: Engine, tmp_path: Path) -> None:
    known: Known = {}
    path = put(tmp_path / "in/a.csv", "x", DUE - 2 * MINUTE)
    see(store, path, tmp_path, known=known)
    see(store, put(path, "x", DUE + MINUTE), tmp_path, known=known)
    assert the_state(store) is State.ON_TIME
    assert kept(store) == 1


def test_copies_beside_the_file_are_told_as_twice(store: Engine, tmp_path: Path) -> None:
    path = put(tmp_path / "in/a.csv", "x", DUE - MINUTE)
    put(tmp_path / "in/a (1).csv", "x", DUE - MINUTE)
    for each in (path, *copies(path)):
        see(store, each, tmp_path)
    assert the_state(store) is State.TWICE


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("bill.csv.gz", True),
        ("bill (1).csv", True),
        ("bill(12).csv", True),
        ("bill_2.csv", True),
        ("bill-copy.csv", True),
        ("bill copy 2.csv", True),
        ("BILL_2.csv", True),
        ("bill.csv.1", True),
        ("bill.csv", False),
        ("bill_refunds.csv", False),
        ("bill_20261101.csv", False),
        ("billing.csv", False),
        ("bill.csv.manifest.json", False),
        ("bill.csv.part", False),
        ("bill.csv.part.json", False),
        ("bill.csv.fetched.json", False),
        ("bill_2.txt", False),
    ],
)
def test_which_names_say_that_a_file_was_delivered_again(tmp_path: Path, name: str, copy: bool) -> None:
    (tmp_path / "bill.csv").write_text("x")
    (tmp_path / name).write_text("x")
    assert copies(tmp_path / "bill.csv") == ([tmp_path / name] if copy else [])


def test_a_folder_that_is_not_there_holds_no_copies(tmp_path: Path) -> None:
    assert copies(tmp_path / "nowhere" / "a.csv") == []


def test_a_known_file_is_not_read_again_and_a_touched_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even content of the same size with its old time put back is read, since the inode's own time tells."""
    known: Known = {}
    reads = 0
    plain = deliveries.hashlib.file_digest

    def counted(*args: object) -> object:
        nonlocal reads
        reads += 1
        return plain(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(deliveries.hashlib, "file_digest", counted)
    path = put(tmp_path / "a.csv", "x", NOW - MINUTE)
    first = look(path, NOW, known)
    assert look(path, NOW + MINUTE, known) == first
    assert reads == 1
    second = look(put(path, "y", NOW - MINUTE), NOW, known)
    assert reads == 2
    assert first is not None
    assert second is not None
    assert second.sha256 != first.sha256


@pytest.mark.parametrize(
    ("age", "taken"),
    [
        (timedelta(), False),
        (deliveries.SETTLE - MS, False),
        (deliveries.SETTLE, True),
        (-MINUTE, True),
    ],
    ids=["just written", "a millisecond too young", "settled", "written in the future by another clock"],
)
def test_a_file_that_may_still_grow_is_looked_at_later(tmp_path: Path, age: timedelta, taken: bool) -> None:
    path = put(tmp_path / "a.csv", "x", NOW - age)
    assert (look(path, NOW) is not None) == taken


def test_a_file_from_the_future_came_now(store: Engine, tmp_path: Path) -> None:
    see(store, put(tmp_path / "in/a.csv", "x", NOW + timedelta(days=1)), tmp_path)
    with reading(store) as connection:
        assert connection.execute(select(file_delivery.c.arrived_at)).scalar_one() == NOW


def test_arrivals_are_in_the_order_asked_for_and_each_has_its_own_deliveries(store: Engine, tmp_path: Path) -> None:
    asked = [
        Expectation(control, party, day, "in/a.csv", DUE)
        for day in (date(2026, 11, 2), DAY)
        for control in ("d", "c")
        for party in ("bank", "billing")
    ]
    see(store, put(tmp_path / "in/a.csv", "x", DUE - MINUTE), tmp_path)
    with reading(store) as connection:
        found = arrivals(connection, asked, DUE + MINUTE)
        assert arrivals(connection, [], DUE) == []
    assert [each.expectation for each in found] == asked
    assert [each.expectation for each in found if each.state is not State.MISSING] == [FILE]


def told(arrival: deliveries.Arrival) -> dict[str, float]:
    return {each.indicator.rpartition(".")[2]: each.value for each in samples([arrival], 5)}


@pytest.mark.parametrize(
    ("found", "after", "values"),
    [
        ([], -MINUTE, {}),
        ([], MINUTE, {"missing": 1}),
        ([came()], MINUTE, {"missing": 0, "late": 0, "changed": 0, "twice": 0}),
        ([came(MINUTE)], MINUTE, {"missing": 0, "late": 1, "changed": 0, "twice": 0}),
        ([came(MINUTE), came(MINUTE, "2")], MINUTE, {"missing": 0, "late": 1, "changed": 1, "twice": 0}),
        ([came(), came(path="in/b.csv")], MINUTE, {"missing": 0, "late": 0, "changed": 0, "twice": 1}),
    ],
    ids=["expected: nothing is known", "missing alone", "on time", "late", "late and changed", "twice"],
)
def test_arrivals_become_samples(found: list[Delivery], after: timedelta, values: dict[str, float]) -> None:
    assert told(state(FILE, found, DUE + after)) == values


def test_every_sample_is_of_a_declared_indicator_and_of_its_own_day() -> None:
    found = [state(Expectation("c", "billing", day, "p", DUE), [], DUE + MINUTE) for day in (DAY, date(2026, 11, 2))]
    made = samples(found, 5)
    assert {each.indicator for each in made} <= {indicator.name for indicator in INDICATORS}
    assert [dict(each.labels) for each in made] == [
        {"control": "c", "party": "billing", "business_day": "2026-11-01"},
        {"control": "c", "party": "billing", "business_day": "2026-11-02"},
    ]
