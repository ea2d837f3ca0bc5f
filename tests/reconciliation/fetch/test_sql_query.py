"""A SELECT as a party's file, on real databases of each kind: the standard record, sorted, and nothing but reading."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from reconciliation import three_way
from reconciliation.fetch import Fetched, FetchError, sql_query
from reconciliation.fetch.sql_query import Config, fetch
from reconciliation.standard_record import PARTIES, REQUIRED, manifest_path, write
from tests.reconciliation.days import record, request
from tests.reconciliation.sources.samples import mutate

DAY = date(2026, 11, 1)
KINDS = ("sqlite", "postgresql", "mariadb")
QUERY = """
select pay_id as record_id, order_no as business_key, 'payment' as kind, day as business_day, at as occurred_at,
       fen as amount_minor, 'CNY' as currency, 'success' as status, fee as fee_minor, region, '50% off' as product
from pay where day = :business_day
"""

metadata = sa.MetaData()
pay = sa.Table(
    "pay",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("pay_id", sa.String(60)),
    sa.Column("order_no", sa.String(60)),
    sa.Column("day", sa.Date),
    sa.Column("at", sa.DateTime),
    sa.Column("fen", sa.Numeric(18, 2)),
    sa.Column("fee", sa.Integer),
    sa.Column("region", sa.String(60)),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_general_ci",
)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with the table and no rows, of each kind in turn; its URL is also in BOSS_URL."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'boss.sqlite'}"
    else:
        made = request.getfixturevalue(request.param).fresh_database()
    engine = sa.create_engine(made)
    metadata.create_all(engine)
    engine.dispose()
    monkeypatch.setenv("BOSS_URL", made)
    return str(made)


def fill(url: str, rows: list[dict[str, object]]) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.insert(pay), rows)
    engine.dispose()


def payment(number: str, day: date = DAY, **changed: object) -> dict[str, object]:
    row: dict[str, object] = {"pay_id": number, "order_no": f"o{number}", "day": day, "fen": 1000, "fee": None}
    return {**row, "at": datetime.fromisoformat("2026-11-01T09:30"), "region": "华东", **changed}


def config(**changes: object) -> Config:
    return Config.model_validate({"url": "env:BOSS_URL", "query": QUERY, **changes})


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_day_s_rows_become_standard_records_with_a_manifest_that_ties(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a"), payment("b", fen=5), payment("old", date(2026, 10, 31))])
    fetched = fetch(config(), DAY, tmp_path / "billing.csv", party="billing")
    assert fetched is not None
    assert fetched.changed
    assert rows(fetched.path)[0] == {
        "record_id": "a",
        "business_key": "oa",
        "kind": "payment",
        "business_day": "2026-11-01",
        "occurred_at": "2026-11-01T09:30:00+08:00",
        "amount_minor": "1000",
        "currency": "CNY",
        "status": "success",
        "fee_minor": "",
        "account": "",
        "channel": "",
        "product": "50% off",
        "region": "华东",
    }
    stated = json.loads(manifest_path(fetched.path).read_bytes())
    assert stated == {
        "party": "billing",
        "business_day": "2026-11-01",
        "rows": 2,
        "amount_minor": 1005,
        "sha256": fetched.sha256,
    }
    assert not list(tmp_path.glob("*.part*"))


def test_a_fetched_day_reconciles_like_any_other(url: str, tmp_path: Path) -> None:
    """What the query gives is a standard record without a single row in quarantine."""
    fill(url, [payment("a"), payment("b", fen=5, at=datetime.fromisoformat("2026-11-01T23:59:59.250"))])
    for party in PARTIES:
        fetch(config(), DAY, tmp_path / f"{party}.csv", party=party)
    outcome = three_way.run(request(tmp_path, DAY))
    assert (outcome.refused, outcome.exit_status, outcome.rejected) == ((), 0, 0)
    assert outcome.certificate["classes"]["matched"]["count"] == 2


def test_the_order_of_the_rows_in_the_database_never_matters(url: str, tmp_path: Path) -> None:
    """Ids that a collation takes for equal, equal ids, and empty values are put in the order of their bytes."""
    several = [payment(number, fen=fen) for number in ("a", "A", "ä", "B", "b", "10", "9") for fen in (1, 2)]
    several += [payment("a", region=region) for region in ("x", "X", None)]
    found = []
    for seed in (1, 2):
        random.Random(seed).shuffle(several)
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.delete(pay))
        engine.dispose()
        fill(url, several)
        fetched = fetch(config(), DAY, tmp_path / f"{seed}.csv")
        assert fetched is not None
        found.append(fetched.path.read_bytes())
    assert found[0] == found[1]
    ids = [row["record_id"].encode() for row in rows(tmp_path / "1.csv")]
    assert ids == sorted(ids)
    assert len(ids) == len(several)


def test_the_same_rows_leave_the_file_as_it_stands_and_others_replace_it(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a")])
    first = fetch(config(), DAY, tmp_path / "billing.csv")
    inode = (tmp_path / "billing.csv").stat().st_ino
    again = fetch(config(), DAY, tmp_path / "billing.csv")
    assert first is not None
    assert again is not None
    assert (again.changed, again.sha256, (tmp_path / "billing.csv").stat().st_ino) == (False, first.sha256, inode)
    fill(url, [payment("b")])
    other = fetch(config(), DAY, tmp_path / "billing.csv")
    assert other is not None
    assert other.changed
    assert len(rows(tmp_path / "billing.csv")) == 2


def test_no_rows_is_not_there_yet_unless_the_day_may_be_empty(url: str, tmp_path: Path) -> None:
    assert fetch(config(), DAY, tmp_path / "billing.csv") is None
    assert not (tmp_path / "billing.csv").exists()
    fetched = fetch(config(may_be_empty=True), DAY, tmp_path / "billing.csv")
    assert fetched is not None
    assert rows(fetched.path) == []
    assert json.loads(manifest_path(fetched.path).read_bytes())["rows"] == 0


def test_columns_of_other_names_are_mapped_and_a_missing_one_is_named(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a")])
    query = """select pay_id, order_no, 'payment' as kind, at, fen, 'CNY' as currency, 'success' as status
               from pay where day = :business_day"""
    columns = {"record_id": "pay_id", "business_key": "order_no", "occurred_at": "at", "amount_minor": "fen"}
    fetched = fetch(config(query=query, columns=columns), DAY, tmp_path / "a.csv")
    assert fetched is not None
    assert (rows(fetched.path)[0]["record_id"], rows(fetched.path)[0]["business_day"]) == ("a", "2026-11-01")
    for wrong, missing in (({}, "record_id, business_key"), ({**columns, "region": "area"}, "area")):
        with pytest.raises(FetchError, match=rf"has no column {missing}.*it has pay_id") as caught:
            fetch(config(query=query, columns=wrong), DAY, tmp_path / "b.csv")
        assert not caught.value.retryable
    assert not (tmp_path / "b.csv").exists()


def test_amounts_that_are_no_integers_are_written_as_they_are_for_the_quarantine(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a", fen="10.25"), payment("b", fen=None)])
    fetched = fetch(config(), DAY, tmp_path / "a.csv")
    assert fetched is not None
    assert [row["amount_minor"] for row in rows(fetched.path)] == ["10.25", ""]
    assert json.loads(manifest_path(fetched.path).read_bytes())["amount_minor"] == 0


def test_more_rows_than_allowed_are_refused_and_nothing_is_left_in_place(url: str, tmp_path: Path) -> None:
    fill(url, [payment(str(number)) for number in range(5)])
    with pytest.raises(FetchError, match="more than 4 rows") as caught:
        fetch(config(max_rows=4), DAY, tmp_path / "a.csv")
    assert not caught.value.retryable
    assert not (tmp_path / "a.csv").exists()
    assert fetch(config(max_rows=5), DAY, tmp_path / "a.csv") is not None


def test_an_answer_of_many_batches_is_streamed_whole(url: str, tmp_path: Path) -> None:
    count = sql_query.BATCH * 2 + 7
    fill(url, [payment(f"{number:06}", fen=number) for number in range(count)])
    fetched = fetch(config(), DAY, tmp_path / "a.csv")
    assert fetched is not None
    assert [row["record_id"] for row in rows(fetched.path)] == [f"{number:06}" for number in range(count)]
    assert json.loads(manifest_path(fetched.path).read_bytes())["amount_minor"] == count * (count - 1) // 2


def test_a_query_that_takes_too_long_is_stopped(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a")])
    endless = f"""with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000)
        select q.* from ({QUERY}) as q where (select count(*) from n) > 0"""
    if url.startswith("mysql"):
        endless = QUERY.replace("where", "where sleep(30) = 0 and")
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        fetch(config(query=endless, timeout="1s"), DAY, tmp_path / "a.csv")
    assert time.monotonic() - started < 10
    assert caught.value.retryable
    assert not (tmp_path / "a.csv").exists()


WRITING = {
    "sqlite": ["select load_extension('x') from pay where day = :business_day"],
    "postgresql": [
        "select nextval('s') from pay where day = :business_day",
        "with gone as (delete from pay returning *) select * from gone where day = :business_day",
        "select * from pay where day = :business_day for update",
    ],
    "mysql": [
        "select * from pay where day = :business_day into outfile 'x'",
        "select * from pay where day = :business_day for update",
    ],
}


def test_what_writes_is_refused_by_the_session_even_when_it_looks_like_a_select(url: str, tmp_path: Path) -> None:
    fill(url, [payment("a")])
    kind = sa.make_url(url).get_backend_name()
    if kind == "postgresql":
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("create sequence s"))
        engine.dispose()
    renamed = {"record_id": "pay_id"}
    for query in WRITING[kind]:
        with pytest.raises(FetchError):
            fetch(config(query=query, columns=renamed), DAY, tmp_path / "a.csv")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(pay)).scalar() == 1
    engine.dispose()


def test_a_database_that_is_away_can_be_tried_again_and_its_password_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (
        "postgresql://u:canary@127.0.0.1:1/x",
        "mysql://u:canary@127.0.0.1:1/x",
        "sqlite:///nothing.sqlite",
    ):
        monkeypatch.setenv("BOSS_URL", address)
        with pytest.raises(FetchError) as caught:
            fetch(config(timeout="5s"), DAY, tmp_path / "a.csv", home=tmp_path)
        assert caught.value.retryable
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "oracle://u:canary@h/x", "http://u:canary@h"])
def test_a_url_of_no_known_database_is_a_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("BOSS_URL", address)
    with pytest.raises(FetchError) as caught:
        fetch(config(), DAY, tmp_path / "a.csv")
    assert not caught.value.retryable
    assert "canary" not in str(caught.value)


def test_a_relative_sqlite_file_lies_below_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'boss.sqlite'}")
    metadata.create_all(engine)
    engine.dispose()
    fill(f"sqlite:///{tmp_path / 'boss.sqlite'}", [payment("a")])
    monkeypatch.setenv("BOSS_URL", "sqlite:///boss.sqlite")
    found: Callable[..., Fetched | None] = fetch
    assert found(config(), DAY, tmp_path / "a.csv", home=tmp_path) is not None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"query": "delete from pay where day = :business_day"}, "must begin with SELECT or WITH"),
        ({"query": "select 1 where :business_day = 1; drop table pay"}, "only one statement"),
        ({"query": "select /*! 1 */ :business_day"}, "MySQL executes"),
        ({"query": "select * from pay"}, "must use :business_day"),
        ({"query": "select * from pay where day = :business_day and x = :y"}, "not :y"),
        ({"columns": {"amount": "fen"}}, "amount is no column of the standard record"),
        ({"timezone": "Asia/Nowhere"}, "no time zone"),
        ({"url": "sqlite:///x"}, "pattern"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_sentence(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        config(**changes)


@pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_generated_malformed_rows_are_all_accounted_for(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that keeps whatever it is given: every third row has a cell of changed bytes, of another type or none."""
    dice = random.Random(2026)
    odd = (
        None,
        "",
        " ",
        b"\xff\xfe",
        "a\0b",
        "a\nb",
        "=1+1",
        str(2**63),
        2**63 - 1,
        -1,
        1.5,
        1e300,
        "x" * 300,
        "\ufffd",
        '"',
        "2026-13-01",
    )
    sound = ("payment", DAY.isoformat(), "2026-11-01T09:30:00+08:00", "1000", "CNY", "success")
    made: list[list[object]] = [
        [f"r{number}-{dice.random()}", f"k{number}-{dice.random()}", *sound] for number in range(count)
    ]
    for row in made[::3]:
        place = dice.randrange(len(row))
        row[place] = dice.choice([*odd, mutate(str(row[place]).encode(), dice)])
    with closing(sqlite3.connect(tmp_path / "boss.sqlite")) as boss, boss:
        boss.execute(f"create table pay ({', '.join(REQUIRED)})")
        boss.executemany(f"insert into pay values ({', '.join('?' * len(REQUIRED))})", made)
        for name in REQUIRED[::2]:  # in the others they stay bytes: a database may have columns of them, too
            boss.execute(f"update pay set {name} = cast({name} as text) where typeof({name}) = 'blob'")
    monkeypatch.setenv("BOSS_URL", f"sqlite:///{tmp_path / 'boss.sqlite'}")
    everything = f"select {', '.join(REQUIRED)} from pay where :business_day <> ''"
    fetched = fetch(config(query=everything), DAY, tmp_path / "billing.csv", party="billing")
    assert fetched is not None
    others = [
        record(str(row[1]), str(row[0]), fee_minor=None, account=None) for place, row in enumerate(made) if place % 3
    ]
    for name in ("platform", "payment"):
        write(tmp_path / f"{name}.csv", name, DAY, others)
    outcome = three_way.run(request(tmp_path))
    assert not outcome.refused
    party = outcome.certificate["parties"]["billing"]
    assert party["rows"] == count
    assert party["rows"] == party["rejected"] + party["duplicates"] + party["standing"]
    assert party["rejected"] > count // 6
    assert (outcome.certificate["rows_tie"], outcome.certificate["amounts_tie"]) == (True, True)
    assert outcome.certificate["classes"]["matched"]["count"] >= len(others)
