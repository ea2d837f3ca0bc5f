"""Business feeds: SQL, CSV and JSON, each row on its own business day, money exact, late feeds told."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors import CollectError, Io, business_kpi, collect
from collectors.business_kpi import Config, Raw, business_day_of, end_of, last_due_day, parse
from core.model import instant_ms
from tests.collectors.readings import NOW, RECORDED, table
from tests.servers import pages
from tests.servers.pages import Page

MEASURES = [
    {"name": "dunning.success_ratio", "kind": "ratio"},
    {"name": "payments.amount", "unit": "fen", "kind": "money", "currency": "CNY"},
    {"name": "cdr.processed", "unit": "1", "kind": "counter"},
]


def config(feed: dict[str, object], **more: object) -> Config:
    settings: dict[str, object] = {"feed": feed, "indicators": MEASURES, "labels": ["channel"]}
    return Config.model_validate({**settings, **more})


CSV = config({"kind": "file", "path": "kpi.csv"})


def parsed(
    text: str, settings: Config = CSV, now: datetime = NOW
) -> tuple[dict[tuple[str, ...], float], tuple[str, ...]]:
    reading = parse(Raw(settings, body=text.encode()), now)
    return table(reading), reading.notes


HEAD = "indicator,business_day,channel,value\n"


def test_a_recorded_feed_gives_each_value_at_the_end_of_its_business_day() -> None:
    reading = collect("business_kpi", config({"kind": "file", "path": "kpi.csv"}), NOW, Io(5, home=RECORDED))
    values = table(reading)
    assert values[("payments.amount", "shop", "CNY")] == 123456789
    assert values[("dunning.success_ratio", "sms")] == 0.86
    days = {sample.indicator: sample.at_ms for sample in reading.samples}
    assert days["dunning.success_ratio"] == instant_ms(datetime(2026, 3, 30, 16, tzinfo=UTC)) - 1, (
        "just before midnight there"
    )
    assert values[("business.feed.rows",)] == 4
    assert values[("business.feed.rows_refused",)] == 0
    assert values[("business.feed.days_behind",)] == 0
    assert [(i.name, i.unit) for i in reading.indicators] == [
        ("dunning.success_ratio", "1"),
        ("payments.amount", "fen"),
        ("cdr.processed", "1"),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("unheard.of,2026-03-30,web,1", "its indicator is not declared"),
        ("cdr.processed,2026-03-30,web,many", "its value is not a number"),
        ("cdr.processed,2026-03-30,web,", "its value is not a number"),
        ("cdr.processed,2026-03-30,web,NaN", "its value is not a finite number"),
        ("cdr.processed,2026-03-30,web,1e999999999", "its value is not a finite number"),
        ("cdr.processed,30.03.2026,web,1", "its business day is not a date"),
        ("cdr.processed,2026-04-01,web,1", "its business day lies in the future"),
        ("payments.amount,2026-03-30,web,1.005", "its value is not a whole number of the currency's minor units"),
        ("payments.amount,2026-03-30,web,1e20", "its value is not a whole number of the currency's minor units"),
    ],
)
def test_a_row_that_cannot_be_taken_is_refused_and_counted_with_its_reason(row: str, why: str) -> None:
    values, notes = parsed(f"{HEAD}{row}\n{row}\ncdr.processed,2026-03-30,web,5\n")
    assert f"2 rows refused: {why}" in notes
    assert values[("business.feed.rows_refused",)] == 2
    assert values[("cdr.processed", "web")] == 5


def test_money_is_whole_minor_units_whatever_the_feed_counts_in() -> None:
    in_fen = [{**MEASURES[1], "given_in": "minor"}]
    yen = [{**MEASURES[1], "currency": "JPY"}]
    row = HEAD + "payments.amount,2026-03-30,web,{}\n"
    assert parsed(row.format("0.29"))[0][("payments.amount", "web", "CNY")] == 29
    assert (
        parsed(row.format("29"), config(CSV.feed.model_dump(), indicators=in_fen))[0][("payments.amount", "web", "CNY")]
        == 29
    )
    assert (
        parsed(row.format("29"), config(CSV.feed.model_dump(), indicators=yen))[0][("payments.amount", "web", "JPY")]
        == 29
    )


@pytest.mark.parametrize(
    ("cut_off", "ends"),
    [
        (time(0), datetime(2026, 3, 30, 16, tzinfo=UTC)),
        (time(2), datetime(2026, 3, 30, 18, tzinfo=UTC)),
        (time(22), datetime(2026, 3, 30, 14, tzinfo=UTC)),
        (time(12), datetime(2026, 3, 30, 4, tzinfo=UTC)),
    ],
)
def test_a_business_day_ends_at_its_cut_off(cut_off: time, ends: datetime) -> None:
    settings = CSV.model_copy(update={"cut_off": cut_off})
    assert end_of(settings, date(2026, 3, 30)) == ends
    assert business_day_of(settings, ends) == date(2026, 3, 31)


@given(
    st.integers(1_577_836_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC)),
    st.times(),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_each_instant_lies_in_exactly_one_business_day(at: datetime, cut_off: time, zone: str) -> None:
    settings = CSV.model_copy(update={"cut_off": cut_off.replace(tzinfo=None), "time_zone": zone})
    day = business_day_of(settings, at)
    assert at < end_of(settings, day)
    assert end_of(settings, date.fromordinal(day.toordinal() - 1)) <= at


def test_the_running_day_stands_at_now_and_old_days_are_passed_over() -> None:
    text = HEAD + "cdr.processed,2026-03-31,web,1\ncdr.processed,2026-01-01,web,2\n"
    reading = parse(Raw(CSV, body=text.encode()), NOW)
    assert [(s.value, s.at_ms) for s in reading.samples if s.indicator == "cdr.processed"] == [(1.0, instant_ms(NOW))]


def test_a_late_feed_is_told_with_the_days_it_is_behind() -> None:
    values, notes = parsed(HEAD + "cdr.processed,2026-03-27,web,1\n")
    assert values[("business.feed.days_behind",)] == 3
    assert "the feed is late: its newest business day is 2026-03-27, and 2026-03-30 should be there" in notes


def test_a_feed_has_its_time_to_come_before_it_is_late() -> None:
    """The day of the 30th ends at 16:00 UTC, and its rows have six hours."""
    assert last_due_day(CSV, datetime(2026, 3, 30, 21, 59, tzinfo=UTC)) == date(2026, 3, 29)
    assert last_due_day(CSV, datetime(2026, 3, 30, 22, 0, tzinfo=UTC)) == date(2026, 3, 30)


def test_a_timestamp_column_takes_the_place_of_the_business_day() -> None:
    settings = config({"kind": "file", "path": "x"}, at_column="at")
    text = "indicator,at,channel,value\ncdr.processed,2026-03-31T15:30:00,web,1\ncdr.processed,2026-03-31T09:00:00Z,web,2\n"
    reading = parse(Raw(settings, body=text.encode()), NOW)
    assert [s.at_ms for s in reading.samples if s.indicator == "cdr.processed"] == [
        instant_ms(datetime(2026, 3, 31, 7, 30, tzinfo=UTC))
    ]
    assert "1 rows refused: its instant lies in the future" in reading.notes


def test_a_feed_of_one_indicator_needs_no_name_column() -> None:
    settings = config({"kind": "file", "path": "x"}, indicators=[MEASURES[2]], labels=[], value_column="n")
    values, _ = parsed("business_day,n\n20260330,5\n", settings)
    assert values[("cdr.processed",)] == 5


@pytest.mark.parametrize(
    ("settings", "body", "why"),
    [
        ({"format": "csv"}, b"indicator,value\n", "the feed has no column business_day, channel"),
        ({"format": "csv"}, b"", "the feed has no column"),
        ({"format": "csv"}, b"\xff\xfe\x00", "not CSV as declared"),
        ({"format": "json"}, b"{", "not JSON as declared"),
        ({"format": "json"}, b'{"rows": 1}', "not JSON as declared"),
        ({"format": "json", "rows": "rows"}, b'{"rows": [1]}', "not JSON as declared"),
        ({"format": "json", "rows": "other"}, b'{"rows": []}', "not JSON as declared"),
        ({"format": "json"}, b"[" * 200_000, "not JSON as declared"),
    ],
)
def test_a_damaged_feed_is_refused_as_a_whole(settings: dict[str, object], body: bytes, why: str) -> None:
    damaged = config({"kind": "file", "path": "x", **settings})
    with pytest.raises(CollectError, match=why):
        parse(Raw(damaged, body=body), NOW)


@given(st.binary(max_size=200), st.sampled_from(["csv", "json"]))
def test_any_bytes_are_read_or_refused(body: bytes, form: str) -> None:
    settings = config({"kind": "file", "path": "x", "format": form})
    for content in (body, HEAD.encode() + body):
        with contextlib.suppress(CollectError):
            parse(Raw(settings, body=content), NOW)


def test_json_over_http_is_read_with_its_digits_exact() -> None:
    row = '{"indicator": "payments.amount", "business_day": "2026-03-30", "channel": null, "value": 90071992547409.91}'
    body = f'{{"day": {{"rows": [{row}]}}}}'.encode()
    with pages.start({"/kpi": Page(body)}) as site:
        feed = {"kind": "http", "url": f"{site.url}/kpi", "rows": "day.rows"}
        values = table(collect("business_kpi", config(feed), NOW, Io(10)))
        assert values[("payments.amount", "CNY")] == 9007199254740991
        site.pages["/kpi"] = Page(b"gone", 410)
        with pytest.raises(CollectError, match="answered 410"):
            collect("business_kpi", config(feed), NOW, Io(10))


def test_a_csv_in_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "kpi.csv").write_bytes(
        "indicator;business_day;channel;value\ncdr.processed;2026-03-30;网厅;5\n".encode("gb18030")
    )
    feed = {"kind": "file", "path": "kpi.csv", "encoding": "gb18030", "delimiter": ";"}
    values = table(collect("business_kpi", config(feed), NOW, Io(5, home=tmp_path)))
    assert values[("cdr.processed", "网厅")] == 5


def test_rows_of_a_select_are_read_in_a_read_only_session(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "kpi.db")) as connection, connection:
        connection.execute("create table kpi (indicator text, business_day text, channel text, value text)")
        connection.execute("insert into kpi values ('payments.amount', '2026-03-30', 'web', '12.34')")
    feed = {"kind": "sql", "url": "sqlite:///kpi.db", "sql": "select * from kpi"}
    values = table(collect("business_kpi", config(feed), NOW, Io(5, home=tmp_path)))
    assert values[("payments.amount", "web", "CNY")] == 1234


def test_a_second_run_brings_the_same_days_again_and_says_that_it_may() -> None:
    """The pipeline takes an older instant only from a collector that declares it; corrections reach the store so."""
    assert business_kpi.RESTATES
    settings, memory = config({"kind": "file", "path": "kpi.csv"}), {}
    first, second = (collect("business_kpi", settings, NOW, Io(5, home=RECORDED, memory=memory)) for _ in range(2))
    assert first == second


def test_a_missing_feed_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"the feed .*none.csv cannot be read: No such file"):
        collect("business_kpi", config({"kind": "file", "path": "none.csv"}), NOW, Io(5, home=tmp_path))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"indicators": [{"name": "m", "kind": "money"}]}, "needs its currency"),
        ({"indicators": [{"name": "m", "kind": "gauge", "currency": "CNY"}]}, "no other has one"),
        ({"indicators": [{"name": "m", "kind": "money", "currency": "XXQ"}]}, "XXQ"),
        ({"indicators": []}, "at least 1"),
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"feed": {"kind": "ftp"}}, "does not match any of the expected tags"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], why: str) -> None:
    settings = {"feed": {"kind": "file", "path": "x"}, "indicators": MEASURES}
    with pytest.raises(ValidationError, match=why):
        Config.model_validate({**settings, **changes})
