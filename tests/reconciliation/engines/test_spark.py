"""Spark gives what DuckDB gives: the same bytes in every output and the same certificate, whatever the days hold."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.engines import MissingEngine, connect
from reconciliation.engines import spark as engine
from reconciliation.match import OUTPUTS, run
from reconciliation.outcome import Outcome
from reconciliation.passes import PAIRS, PROPOSALS, Batch, Fuzzy, Tolerance
from reconciliation.request import PartyFile, Request
from reconciliation.rules.three_way import LOSERS
from reconciliation.standard_record import PARTIES, write, write_manifest
from tests.reconciliation.days import DAY, Row, deliver, lines, record

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(600)]

MEMORY_BYTES = 1 << 30
KEYS = (
    "k{}",
    "=cmd|'/c calc'!A{}",
    'say "{}", she said',
    "+{}",
    " \x0b={}",
    "a,b{}",
    "é{}",
    "＝{}",
    "\uffee{}",  # after every surrogate in UTF-16, before \U0001f600 in UTF-8
    "\U0001f600{}",
)
INSTANTS = (
    "2026-11-01T12:00:00+08:00",
    "2026-11-01T12:00:00.000001+08:00",
    "2026-11-01 04:00:00Z",
    "2026-11-01T04:00:00.5+00:00",
    "2026-11-01T12:00:00.123456+0800",
    "2026-11-01T12:00:00+08",
    "2026-11-01T00:00:00+08:00",
    "2026-11-01T00:30:00.000001+08:00",
    "2026-11-01T23:30:00+08:00",
    "2026-11-02T00:30:00-00:00",
    "2026-11-02T00:10:00+08:00",
)
BAD: tuple[Mapping[str, object], ...] = (
    *(
        {"occurred_at": text}
        for text in (
            "2026-02-30T12:00:00Z",
            "2026-11-01T24:00:00Z",
            "2026-11-01T24:00:00+08:00",
            "2026-11-01T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "2026-11-01T12:00:00",
            "2026-11-01T12:00:00.1234567+08:00",
            "2026-11-01T12:00:00+15:00",
            "2026-11-01T12:00:00 Asia/Shanghai",
            "2026-11-01",
            "T12:00:00Z",
            "now",
            "epoch",
            "infinity",
            "",
        )
    ),
    *(
        {"amount_minor": text}
        for text in (
            "1e3",
            "1.5",
            " 12",
            "+5",
            "-1",
            "9223372036854775808",
            "１",
            "\x01\x7f\U0001f600" * 60,
            "12\u2028",
            "",
        )
    ),
    *({"fee_minor": text} for text in ("4611686018427387904", "-4611686018427387904", "0x1", "=1+1")),
    *({"currency": text} for text in ("cny", "CN", " CNY", "\U0001f600CN", "C Y", "")),
    {"kind": "Payment"},
    {"status": "ok"},
    {"record_id": ""},
    {"business_key": ""},
    {"business_day": "2026-10-31"},
    {"business_day": "2026-10-31", "occurred_at": "2026-11-01T00:05:00+08:00"},
    {"amount_minor": "007"},
    {"fee_minor": "-0"},
)


def a_day(seed: int, keys: int) -> dict[str, list[Row]]:
    """Random keys, most of them whole, with every kind of disagreement among the rest."""
    dice = random.Random(seed)
    day: dict[str, list[Row]] = {party: [] for party in PARTIES}
    for number in range(keys):
        key = dice.choice(KEYS).format(number // 2)
        kind = "payment" if number % 2 else "refund"
        usual: dict[str, object] = {"amount_minor": dice.choice([1000, 0, 2**62, 2**63 - 1])}
        for party in PARTIES:
            for _ in range(dice.choice([0, 1, 1, 1, 1, 2])):
                odd = {
                    "amount_minor": dice.choice([999, 1001, 2**63 - 1]),
                    "status": dice.choice(["failed", "pending"]),
                    "currency": dice.choice(["USD", "JPY"]),
                    "fee_minor": dice.choice([7, 0, -(2**62) + 1, None]),
                    "occurred_at": dice.choice(INSTANTS),
                }
                changed = {name: value for name, value in odd.items() if dice.random() < 0.12}
                day[party].append(record(key, f"id-{dice.randrange(10**9)}", **{"kind": kind, **usual, **changed}))
        if dice.random() < 0.1:  # the same moment, so that only the ids decide
            day[party] += [dict(row, record_id=f"x{row['record_id']}") for row in day[party][-1:]]
    for rows in day.values():
        for row in rows[: keys // 20]:
            row["record_id"] = "id-again"
    return day


def on_both(request: Request) -> tuple[Outcome, Outcome]:
    """The outcomes of DuckDB and of Spark, which must be one and the same."""
    first, second = (
        run(replace(request, engine=name, out=request.out / name, memory_limit_bytes=MEMORY_BYTES))
        for name in ("duckdb", "spark")
    )
    assert second.refused == first.refused == ()
    for name in OUTPUTS:
        assert second.paths[name].read_bytes() == first.paths[name].read_bytes(), name
    apart = {"engine", "hash"}
    assert {name: value for name, value in second.certificate.items() if name not in apart} == {
        name: value for name, value in first.certificate.items() if name not in apart
    }
    assert second.certificate["engine"] == "spark"
    assert second.exit_status == first.exit_status
    return first, second


@pytest.mark.usefixtures("spark")
def test_a_day_of_every_class_with_bad_rows_and_a_damaged_file_gives_the_same_bytes(tmp_path: Path) -> None:
    day = a_day(seed=1, keys=600)
    for number, fault in enumerate(BAD):
        day[PARTIES[number % 3]].append({**record(f"bad-{number}"), **fault})
    day["platform"][3:3] = [record("two lines", account="a\nb"), record("nul", status="a\0b")]
    first, _ = on_both(deliver(tmp_path, day))
    rare = {"no_effect", "matched"}
    found = set(first.certificate["classes"])
    assert found | rare >= set(LOSERS) - {"billing_only", "payment_only", "status_platform_only"}, set(LOSERS) - found
    assert first.rejected > len(BAD)


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
def test_items_carried_and_adjusted_into_the_next_day_give_the_same_bytes(tmp_path: Path) -> None:
    from pyarrow import compute, parquet

    first_day = a_day(seed=2, keys=200)
    for number, party in enumerate(PARTIES[:2]):
        first_day[party].append(record("late", f"late-{number}", occurred_at="2026-11-01T23:50:00.000001+08:00"))
    yesterday = run(deliver(tmp_path / "first", first_day))
    following = DAY + timedelta(days=1)
    again: dict[str, list[Row]] = {party: [] for party in PARTIES}
    again["payment"].append(
        record("late", business_day=following.isoformat(), occurred_at="2026-11-02T00:05:00.25+08:00")
    )
    for line in lines(yesterday)[::2]:
        for party in PARTIES:
            if not line[f"{party}_record_id"]:
                again[party].append(
                    record(
                        line["business_key"].removeprefix("'"),
                        f"again-{len(again[party])}",
                        kind=line["kind"],
                        business_day=following.isoformat(),
                        occurred_at="2026-11-02T12:00:00.25+08:00",
                        amount_minor=line["at_risk_minor"],
                        currency=line["currency"],
                    )
                )
    found = parquet.read_table(yesterday.paths["breaks.parquet"])
    adjusted = tmp_path / "adjusted.parquet"
    missing = compute.equal(found["class"], "missing_in_payment")
    parquet.write_table(found.filter(missing), adjusted)
    carried = yesterday.paths["breaks.parquet"].parent
    first, _ = on_both(replace(deliver(tmp_path / "second", again, following), carried=carried, adjusted=adjusted))
    brought = sum(party["carried_in"] for party in first.certificate["parties"].values())
    assert brought > compute.sum(missing).as_py() > 0
    assert first.certificate["cleared_by_cutoff"] > 0


@pytest.mark.usefixtures("interpreted")
def test_the_general_rules_of_two_parties_and_a_parquet_file_give_the_same_bytes(tmp_path: Path) -> None:
    day = a_day(seed=3, keys=200)
    book, bank = tmp_path / "book.csv", tmp_path / "bank.parquet"
    write(book, "book", DAY, day["billing"])
    _write_parquet(bank, "bank", day["payment"])
    parties = (PartyFile("book", book), PartyFile("bank", bank))
    request = Request(DAY, parties, tmp_path / "out", rules="general", tolerance_minor=1)
    request.out.mkdir()
    first, _ = on_both(replace(request, losers={"missing_in_bank": "operator"}))
    assert {"missing_in_bank", "missing_in_book", "amount_difference", "matched"} <= set(first.certificate["classes"])


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
def test_passes_between_three_parties_give_the_same_bytes(tmp_path: Path) -> None:
    """Pairs, look-alike keys and batches; the certificates, which must agree, tell the checksums of their files too."""
    dice = random.Random(4)
    parties = []
    for place, party in enumerate(("own", "platform", "bank")):
        rows = [
            record(
                f"key-{dice.randrange(60)}" if dice.random() < 0.5 else f"{party}-{number}",
                f"{party}-{number}",
                amount_minor=dice.choice([100, 101, 103, 2**63 - 1 - place]),
                occurred_at=dice.choice(INSTANTS),
                status=dice.choice(["success"] * 8 + ["failed", "pending"]),
                product=dice.choice("xyz"),
                channel=dice.choice("xyz"),
            )
            for number in range(60)
        ]
        if party == "bank":  # one entry for two orders
            rows.append(record("entry", "entry", amount_minor=90_000, channel="q"))
        else:
            rows += [record(f"order-{n}", f"order-{n}", amount_minor=n * 1000, product="q") for n in (40, 50)]
        write(tmp_path / f"{party}.csv", party, DAY, rows)
        parties.append(PartyFile(party, tmp_path / f"{party}.csv"))
    passes = (
        Tolerance(1, timedelta(hours=1), ("product",), between=("platform", "bank")),
        Tolerance(2, timedelta(minutes=30), between=("own", "bank")),
        Fuzzy(10, timedelta(hours=9), 0.7, between=("own", "platform")),
        Batch((("product", "channel"),), 1, between=("own", "bank")),
    )
    request = Request(DAY, tuple(parties), tmp_path / "out", rules="general", passes=passes)
    request.out.mkdir()
    first, _ = on_both(replace(request, time_tolerance=timedelta(hours=2)))
    assert all(sum(each["rows"].values()) for each in first.certificate["passes"])
    assert {"matched_by_tolerance", "matched_by_batch"} <= set(first.certificate["classes"])
    assert {PAIRS, PROPOSALS} <= set(first.certificate["outputs"])


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 2**32), keys=st.integers(20, 300), tolerance=st.sampled_from([0, 1]), mixed=st.booleans())
def test_any_day_in_any_order_of_its_rows_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, keys: int, tolerance: int, mixed: bool
) -> None:
    day = a_day(seed, keys)
    if mixed:
        for rows in day.values():
            random.Random(seed).shuffle(rows)
    request = deliver(tmp_path_factory.mktemp("day"), day)
    on_both(replace(request, tolerance_minor=tolerance, fee_tolerance_minor=tolerance))


@pytest.mark.usefixtures("spark")
def test_rows_keep_their_numbers_and_their_order_when_a_file_is_read_in_many_pieces(tmp_path: Path) -> None:
    count = 250_000
    place = tmp_path / "numbers.csv"
    place.write_text("text\n" + "".join(f"{number}\n" for number in range(count)))
    with connect("spark", tmp_path, MEMORY_BYTES) as opened:
        assert isinstance(opened, engine.Spark)
        opened.session.conf.set("spark.sql.files.maxPartitionBytes", str(64 << 10))
        rows = opened.number("numbers", opened.read_csv(place, ["text"]))
        wrong = rows.filter(rows["row"] != rows["text"].cast("int64"))
        assert opened.session.table("numbers").rdd.getNumPartitions() > 3
        assert opened.fetch(rows.aggregate(rows=rows.count(), last=rows["row"].max())) == [
            {"rows": count, "last": count - 1}
        ]
        assert opened.fetch(wrong.aggregate(rows=wrong.count())) == [{"rows": 0}]
        kept = opened.keep("falling", rows.order_by(rows["row"].desc()))
        opened.export(kept.select("text"), tmp_path / "falling.csv")
    assert (tmp_path / "falling.csv").read_text().split() == ["text", *map(str, reversed(range(count)))]


@pytest.mark.usefixtures("spark")
def test_a_run_leaves_nothing_in_its_folder_and_no_table_for_the_next(tmp_path: Path) -> None:
    with connect("spark", tmp_path, MEMORY_BYTES) as opened:
        assert isinstance(opened, engine.Spark)
        place = tmp_path / "one.csv"
        place.write_text('text,Text.`and` more\na,"b ""c"""\n')
        columns = ["text", "Text.`and` more"]
        opened.keep("own", opened.read_csv(place, columns))
        with connect("spark", _folder(tmp_path / "other"), MEMORY_BYTES) as other:
            assert isinstance(other, engine.Spark)
            assert other.session.catalog.listTables() == []
        assert opened.fetch(opened.read_csv(place, columns)) == [{"text": "a", "Text.`and` more": 'b "c"'}]
        session = opened.session
    assert session.catalog.listTables() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "other"]


def test_without_java_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingEngine, match=r"Java 17.*pip install 'bomc\[spark\]'"):
        run(replace(deliver(tmp_path / "day", {}), engine="spark"))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _write_parquet(path: Path, party: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Records with types of their own: a day, an instant, amounts as decimals, small integers."""
    import pyarrow
    from pyarrow import compute, parquet

    table = pyarrow.Table.from_pylist([dict(row) for row in rows])
    typed = {
        "business_day": pyarrow.array([date.fromisoformat(str(row["business_day"])) for row in rows]),
        "occurred_at": compute.strptime(
            pyarrow.array(["2026-11-01 04:00:00"] * len(table)), "%Y-%m-%d %H:%M:%S", "us"
        ).cast(pyarrow.timestamp("us", "UTC")),
        "amount_minor": table["amount_minor"].cast(pyarrow.decimal128(20, 0)),
    }
    for name, column in typed.items():
        table = table.set_column(table.column_names.index(name), name, column)
    parquet.write_table(table, path)
    amount = sum(int(row["amount_minor"]) for row in rows)
    write_manifest(path, party, DAY, len(table), amount)
