"""Files that controls expect: brought when their day is over, seen when they are whole, told on time, late or missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from bomc.assurance.arrivals import Arrivals
from bomc.assurance.calendar import ended_days, expectations
from core.store.tables import file_delivery
from reconciliation.controls.entries import MatchControl
from reconciliation.deliveries import State
from reconciliation.standard_record import manifest_path, write
from tests.bomc.pipeline.world import rows
from tests.reconciliation.days import record

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 1)
MIDNIGHT = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)  # the end of the 1st in Shanghai
DUE = MIDNIGHT + timedelta(minutes=30)
QUERY = """
select pay_id as record_id, order_no as business_key, 'payment' as kind, day as business_day, at as occurred_at,
       fen as amount_minor, 'CNY' as currency, 'success' as status
from pay where day = :business_day
"""
metadata = sa.MetaData()
pay = sa.Table(
    "pay",
    metadata,
    sa.Column("pay_id", sa.String(60), primary_key=True),
    sa.Column("order_no", sa.String(60)),
    sa.Column("day", sa.Date),
    sa.Column("at", sa.DateTime),
    sa.Column("fen", sa.Integer),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A billing database without payments, whose URL is in BOSS_URL."""
    url = f"sqlite:///{tmp_path / 'boss.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").fresh_database()
    engine = sa.create_engine(url)
    metadata.create_all(engine)
    monkeypatch.setenv("BOSS_URL", url)
    yield engine
    engine.dispose()


def paid(source: Engine, day: date = DAY) -> None:
    at = datetime.combine(day, datetime.min.time()) + timedelta(hours=12)
    values = {"pay_id": f"p-{day}", "order_no": f"o-{day}", "day": day, "at": at, "fen": 500}
    with source.begin() as connection:
        connection.execute(sa.insert(pay).values(values))


def control(**party: Any) -> MatchControl:
    """A control whose billing file is brought by a query, unless the test says otherwise."""
    billing = {"path": "exchange/{day}/billing.csv", "due": "00:30"}
    billing |= party or {"fetch": {"sql_query": {"url": "env:BOSS_URL", "query": QUERY}}}
    return MatchControl.model_validate(
        {
            "name": "pay",
            "title": {"en": "Payments", "zh": "支付"},
            "kind": "match",
            "rules": "general",
            "schedule": {"at": "00:40"},
            "catch_up_days": 1,
            "parties": {"billing": billing, "bank": {"path": "exchange/{day}/bank.csv"}},
        }
    )


class World:
    """Arrivals of one control over a clock that the test sets, and the times of files with it."""

    def __init__(self, store: Engine, home: Path, of: MatchControl) -> None:
        self.home, self.store, self.now = home, store, MIDNIGHT
        self._arrivals = Arrivals(store, home, [of], SHANGHAI, lambda: self.now)

    @property
    def file(self) -> Path:
        return self.home / "exchange" / DAY.isoformat() / "billing.csv"

    def look(self, now: datetime) -> State:
        """What is said of the billing file of the day, looked at then; files that came by this look are of that time."""
        before = set(self.home.rglob("*.csv"))
        self.now = now
        self._arrivals.look()
        for path in set(self.home.rglob("*.csv")) - before:
            os.utime(path, (now.timestamp(), now.timestamp()))
        found = self._arrivals.look()
        [mine] = [each for each in found if each.expectation.business_day == DAY]
        return mine.state

    def deliver(self, at: datetime, *keys: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write(self.file, "billing", DAY, [record(key) for key in keys])
        os.utime(self.file, (at.timestamp(), at.timestamp()))


def test_a_file_is_brought_and_is_on_time(store: Engine, source: Engine, tmp_path: Path) -> None:
    """Nothing is there yet; then the query has rows: the file stands in its place with its manifest, and is kept once."""
    world = World(store, tmp_path, control())
    assert world.look(MIDNIGHT + timedelta(minutes=1)) is State.EXPECTED
    paid(source)
    came = MIDNIGHT + timedelta(minutes=5)
    world.look(came)
    assert world.file.read_text(encoding="utf-8").count("\n") == 2
    assert manifest_path(world.file).exists()
    for minutes in (6, 40, 600):
        assert world.look(MIDNIGHT + timedelta(minutes=minutes)) is State.ON_TIME
    [kept] = rows(store, file_delivery)
    assert (kept.control, kept.party, kept.business_day) == ("pay", "billing", DAY.isoformat())
    assert kept.path == f"exchange/{DAY}/billing.csv"
    assert kept.arrived_at == came


def test_a_file_that_is_brought_after_it_was_due_was_missing_and_is_late(
    store: Engine, source: Engine, tmp_path: Path
) -> None:
    world = World(store, tmp_path, control())
    assert world.look(DUE) is State.EXPECTED
    assert world.look(DUE + timedelta(seconds=1)) is State.MISSING
    paid(source)
    world.look(DUE + timedelta(minutes=1))
    assert world.look(DUE + timedelta(minutes=2)) is State.LATE
    assert len(rows(store, file_delivery)) == 1


def test_a_day_that_is_not_over_is_not_brought(store: Engine, source: Engine, tmp_path: Path) -> None:
    """Half a day's payments would stand there as the whole day for good."""
    paid(source)
    world = World(store, tmp_path, control())
    world.look(MIDNIGHT - timedelta(seconds=1))
    assert not world.file.exists()
    world.look(MIDNIGHT)
    assert world.file.exists()


def test_a_file_that_nobody_said_when_it_is_due_is_brought_all_the_same(
    store: Engine, source: Engine, tmp_path: Path
) -> None:
    """It is no arrival that is watched; the run needs it."""
    paid(source)
    of = control(due=None, fetch={"sql_query": {"url": "env:BOSS_URL", "query": QUERY}})
    arrivals = Arrivals(store, tmp_path, [of], SHANGHAI, lambda: MIDNIGHT)
    assert arrivals.look() == []
    assert (tmp_path / "exchange" / DAY.isoformat() / "billing.csv").exists()


def test_a_way_that_fails_leaves_the_file_missing_and_is_tried_again(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No such database: said in the log, and the file is missing like any other."""
    monkeypatch.setenv("BOSS_URL", f"sqlite:///{tmp_path / 'nowhere.sqlite'}")
    world = World(store, tmp_path, control())
    assert world.look(DUE + timedelta(minutes=1)) is State.MISSING
    assert "pay, billing of 2026-11-01: the query of billing" in caplog.text


def test_a_file_that_cannot_be_looked_at_hides_no_other(
    store: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder in the place of one file: said in the log, and the next party's file is seen."""
    (tmp_path / "exchange" / DAY.isoformat() / "billing.csv").mkdir(parents=True)
    of = control(due="00:30")
    both = of.model_copy(
        update={"parties": {**of.parties, "bank": of.parties["bank"].model_copy(update={"due": DUE.time()})}}
    )
    bank = tmp_path / "exchange" / DAY.isoformat() / "bank.csv"
    write(bank, "bank", DAY, [record("a")])
    os.utime(bank, (MIDNIGHT.timestamp(), MIDNIGHT.timestamp()))
    Arrivals(store, tmp_path, [both], SHANGHAI, lambda: DUE).look()
    assert [row.party for row in rows(store, file_delivery)] == ["bank"]
    assert "billing.csv cannot be looked at" in caplog.text


def test_a_file_whose_manifest_states_another_content_is_not_there_yet(store: Engine, tmp_path: Path) -> None:
    """Half of it came first, and stood for a minute; when all of it is there it has come, on time and unchanged."""
    world = World(store, tmp_path, control(due="00:30"))
    world.deliver(MIDNIGHT, "a", "b", "c")
    whole = world.file.read_bytes()
    world.file.write_bytes(whole[: len(whole) // 2])
    os.utime(world.file, (MIDNIGHT.timestamp(), MIDNIGHT.timestamp()))
    assert world.look(MIDNIGHT + timedelta(minutes=1)) is State.EXPECTED
    assert rows(store, file_delivery) == []
    world.file.write_bytes(whole)
    came = MIDNIGHT + timedelta(minutes=2)
    os.utime(world.file, (came.timestamp(), came.timestamp()))
    assert world.look(MIDNIGHT + timedelta(minutes=3)) is State.ON_TIME
    assert len(rows(store, file_delivery)) == 1


def test_a_file_that_is_replaced_after_it_came_has_changed(store: Engine, tmp_path: Path) -> None:
    """With a manifest of the new content or with the old one: whoever did it, it is another file now."""
    world = World(store, tmp_path, control(due="00:30"))
    world.deliver(MIDNIGHT, "a")
    assert world.look(MIDNIGHT + timedelta(minutes=1)) is State.ON_TIME
    world.file.write_bytes(world.file.read_bytes().replace(b"1000", b"9000"))
    at = MIDNIGHT + timedelta(minutes=2)
    os.utime(world.file, (at.timestamp(), at.timestamp()))
    assert world.look(MIDNIGHT + timedelta(minutes=3)) is State.CHANGED
    world.deliver(MIDNIGHT + timedelta(minutes=4), "a", "b")
    assert world.look(MIDNIGHT + timedelta(minutes=5)) is State.CHANGED
    assert len(rows(store, file_delivery)) == 3


ENDED = [
    ("just before midnight there", "2026-11-01T15:59:59+00:00", "00:00", 1, ["2026-10-30", "2026-10-31"]),
    ("at midnight there", "2026-11-01T16:00:00+00:00", "00:00", 1, ["2026-10-31", "2026-11-01"]),
    ("a day that ends at two in the morning", "2026-11-01T17:59:59+00:00", "02:00", 1, ["2026-10-31"]),
    ("and then is over", "2026-11-01T18:00:00+00:00", "02:00", 1, ["2026-10-31", "2026-11-01"]),
    ("nothing to catch up", "2026-11-02T04:00:00+00:00", "00:00", 0, ["2026-10-31", "2026-11-01"]),
]


@pytest.mark.parametrize(("now", "cutoff", "days", "expected"), [e[1:] for e in ENDED], ids=[e[0] for e in ENDED])
def test_which_days_are_over(now: str, cutoff: str, days: int, expected: list[str]) -> None:
    of = control().model_copy(update={"catch_up_days": days})
    of = of.model_copy(update={"calendar": of.calendar.model_copy(update={"cutoff": time.fromisoformat(cutoff)})})
    found = [day.isoformat() for day in ended_days(of, SHANGHAI, datetime.fromisoformat(now))]
    assert found == expected


def test_a_path_may_name_the_day_before() -> None:
    """A bank that calls its statement by the day before is looked for under that name."""
    of = control(path="bank/{previous_day}/{day}.csv", due="00:30")
    owed = expectations([of], SHANGHAI, MIDNIGHT, 2)
    assert "bank/2026-10-31/2026-11-01.csv" in {each.path for each in owed}
