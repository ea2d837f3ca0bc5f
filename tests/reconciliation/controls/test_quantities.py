"""Quantities: exact figures of files, databases, charging files and other runs; what cannot be had is unknown with a reason."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow
import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from reconciliation import certificate
from reconciliation.controls.file_totals import Day, number_of, total
from reconciliation.controls.quantities import Place, Quantity, measure
from reconciliation.controls.quantity_entries import FileTotal
from reconciliation.controls.tables import TableError
from reconciliation.standard_record import manifest_path, write
from tests.reconciliation.controls.estates import DAY, equation, table
from tests.reconciliation.days import record
from tests.reconciliation.sources.samples_bank import charging_file
from tests.servers.fixtures import MariaDB, PostgreSQL

TODAY = Day(DAY, ZoneInfo("Asia/Shanghai"))
ROWS = [
    {"kind": "data", "records": "3", "seq": "7", "at": "2026-11-01T23:00:00+08:00", "on": "2026-10-31"},
    {"kind": "data", "records": "4", "seq": "9", "at": "2026-11-01T22:00:00+08:00", "on": "2026-10-30"},
    {"kind": "voice", "records": "0.5", "seq": "9", "at": "2026-11-01T16:00:00Z", "on": "2026-11-01"},
]


def figure(home: Path, **entry: object) -> Decimal:
    return total(FileTotal.model_validate({"path": "exchange/{day}/in.csv", **entry}), home, TODAY)[0]


def quantity(home: Path, text: str) -> Quantity:
    """The quantity `a` of that definition."""
    control = equation(
        f'quantities: {{a: {{unit: "1", {text}}}}}\nformula: "a"\nunit: "1"\nbalanced: {{tolerance: 0}}\n'
    )
    return measure(control, Place(home, TODAY))["a"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"count": True}, 3),
        ({"sum": "records"}, "7.5"),
        ({"each": "abs(records - seq) * 2"}, "35"),
        ({"distinct": "seq"}, 2),
        ({"gaps": "seq"}, 1),
        ({"percentile": 50, "of": "records"}, 3),
        ({"percentile": 100, "of": "records"}, 4),
        ({"percentile": 1, "of": "records"}, "0.5"),
        ({"count": True, "where": {"kind": "data"}}, 2),
        ({"count": True, "where": {"kind": {"not": "data"}}}, 1),
        ({"count": True, "where": {"kind": ["data", "voice"]}}, 3),
        ({"count": True, "where": {"records": {"at_least": 3}}}, 2),
        ({"count": True, "where": {"records": {"at_most": 3}}}, 2),
        ({"count": True, "where": {"records": {"at_least": 3, "at_most": 3}}}, 1),
        ({"count": True, "where": {"seq": 9, "kind": "data"}}, 1),
        ({"count": True, "where": {"at": {"older_than": "1h"}}}, 1),  # the day ends at 24:00; 16:00 UTC is that instant
        ({"count": True, "where": {"on": {"older_than": "1d"}}}, 1),
        ({"count": True, "where": {"on": {"older_than": "0"}}}, 2),
        ({"sum": "records", "where": {"kind": "none such"}}, 0),
    ],
)
def test_figures_of_a_file(entry: dict[str, object], expected: str, tmp_path: Path) -> None:
    table(tmp_path, "in.csv", ROWS)
    assert figure(tmp_path, **entry) == Decimal(expected)


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_the_same_figure_from_gzip_and_from_parquet(suffix: str, tmp_path: Path) -> None:
    plain = table(tmp_path, "in.csv", ROWS)
    path = plain.with_name(f"in{suffix}")
    if suffix == ".parquet":
        rows = [{**row, "records": Decimal(row["records"]), "seq": int(row["seq"])} for row in ROWS]
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_bytes(gzip.compress(plain.read_bytes()))
    entry = FileTotal(path=f"exchange/{{day}}/in{suffix}", sum="records")
    found, sha256 = total(entry, tmp_path, TODAY)
    assert (found, sha256) == (Decimal("7.5"), hashlib.sha256(path.read_bytes()).hexdigest())


def test_several_files_are_totalled_together_and_their_checksums_too(tmp_path: Path) -> None:
    first, second = table(tmp_path, "in1.csv", ROWS), table(tmp_path, "in2.csv", ROWS)
    found, sha256 = total(FileTotal(path="exchange/{day}/in*.csv", sum="records"), tmp_path, TODAY)
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in (first, second))
    assert (found, sha256) == (Decimal(15), hashlib.sha256(lines.encode()).hexdigest())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"a,a\n", "names 'a' more than once"),
        (b"b\n1\n", "there is no column 'a'; there are b"),
        (b"a,b\n1,2\n1\n", "line 3: it has 1 fields and the header 2"),
        (b"a\n1\n1 000\n", "line 3: a '1 000' is not a plain number"),
        (b"a\n1\n\xff\n", "it is not UTF-8"),
        (b"a\n9223372036854775808\n", "line 2: a '9223372036854775808' is beyond 64 bits"),
        (b"a\n-9223372036854775809\n", "is beyond 64 bits"),
        (b"a\n1e3\n", "is not a plain number"),
        (b"a\nNaN\n", "is not a plain number"),
        (b'a\n""\n', "is not a plain number"),
        (b"a\n1\x00\n", "is not a plain number"),
        ("a\n１\n".encode(), "is not a plain number"),
        (b'a\n"1\n', "it is no CSV"),
        (b"a\n" + b"1" * 200_000 + b"\n", "it is no CSV"),
    ],
)
def test_a_bad_file_refuses_the_whole_figure_with_file_and_line(content: bytes, words: str, tmp_path: Path) -> None:
    path = table(tmp_path, "in.csv", ROWS)
    path.write_bytes(content)
    with pytest.raises(TableError) as refused:
        figure(tmp_path, sum="a")
    assert str(refused.value).startswith(str(path))
    assert words in str(refused.value)


def test_damaged_gzip_and_parquet_are_refused(tmp_path: Path) -> None:
    folder = table(tmp_path, "in.csv", ROWS).parent
    (folder / "in.csv.gz").write_bytes(gzip.compress(b"a\n1\n")[:-6])
    (folder / "in.parquet").write_bytes(b"PAR1 not really PAR1")
    for name in ("in.csv.gz", "in.parquet", "gone.csv"):
        with pytest.raises(TableError, match=name):
            total(FileTotal(path=f"exchange/{{day}}/{name}", count=True), tmp_path, TODAY)


def test_a_date_that_is_none_refuses_an_age(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"on": "yesterday!"}])
    with pytest.raises(TableError, match="line 2: on 'yesterday!' is neither a date nor an instant"):
        figure(tmp_path, count=True, where={"on": {"older_than": "1d"}})


def test_no_row_has_no_percentile(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", ROWS)
    with pytest.raises(TableError, match="no row counts"):
        figure(tmp_path, percentile=95, of="records", where={"kind": "fax"})


def test_a_file_that_does_not_tie_to_its_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "exchange" / DAY.isoformat() / "in.csv"
    path.parent.mkdir(parents=True)
    manifest = write(path, "billing", DAY, [record("a"), record("b")])
    assert figure(tmp_path, sum="amount_minor") == 2000
    stated = json.loads(manifest.read_text())
    for change, words in (
        ({"rows": 3}, "it has 2 rows and the manifest states 3"),
        ({"amount_minor": 1}, "it has 2000 minor units and the manifest states 1"),
        ({"sha256": "0" * 64}, "its SHA-256 differs"),
        ({"business_day": "2026-10-31"}, "the manifest is of 2026-10-31"),
    ):
        manifest_path(path).write_text(json.dumps({**stated, **change}))
        with pytest.raises(TableError, match=words):
            figure(tmp_path, count=True)
    manifest.write_text("{")
    with pytest.raises(TableError, match="cannot be read as JSON"):
        figure(tmp_path, count=True)


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_sum_is_that_of_whole_numbers_however_large(
    tmp_path_factory: pytest.TempPathFactory, values: list[int]
) -> None:
    home = tmp_path_factory.mktemp("sums")
    table(home, "in.csv", [{"a": value} for value in values])
    assert figure(home, sum="a") == sum(values)
    ranked = sorted(values)
    assert figure(home, percentile=100, of="a") == ranked[-1]


@given(st.text(max_size=30))
def test_a_cell_is_a_number_within_64_bits_or_refused(cell: str) -> None:
    try:
        assert abs(number_of(cell, "here")) < 2**63
    except TableError as error:
        assert str(error).startswith("here")  # noqa: PT017 - both ends are told


def database(home: Path) -> None:
    connection = sqlite3.connect(home / "boss.db")
    connection.executescript(
        "create table cdr (day text, n integer);"
        "insert into cdr values ('2026-11-01', 5), ('2026-11-01', 6), ('2026-11-02', 7);"
    )
    connection.close()


@pytest.fixture
def boss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    database(tmp_path)
    monkeypatch.setenv("BOSS_URL", "sqlite:///boss.db")
    return tmp_path


def asked(home: Path, query: str, more: str = "") -> Quantity:
    return quantity(home, f'sql: {{url: "env:BOSS_URL", query: "{query}"{more}}}')


def test_a_database_gives_one_number_for_the_business_day(boss: Path) -> None:
    found = asked(boss, "select sum(n) from cdr where day = :business_day and '12:30' = '12:30'")
    assert (found.value, found.reason) == (Decimal(11), "")
    assert found.sha256
    assert found.sha256 == asked(boss, "select sum(n) from cdr where day = :business_day and '12:30' = '12:30'").sha256
    assert "env:BOSS_URL" in found.source


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select n from cdr", "several rows"),
        ("select n from cdr where n = 0", "no row"),
        ("select n, n from cdr where n = 5", "2 columns"),
        ("select sum(n) from cdr where n = 0", "gives NULL"),
        ("select 0.5", "a float"),
        ("select 'five'", "a str"),
        ("select missing from cdr", "no such column"),
        ("with x as (select 1) insert into cdr select * from x, cdr", "gives no number"),
        ("select load_extension(char(97))", "gives no number"),
    ],
)
def test_a_query_that_gives_no_number_is_unknown_and_says_why(boss: Path, query: str, words: str) -> None:
    found = asked(boss, query)
    assert found.value is None
    assert words in found.reason
    with sqlite3.connect(boss / "boss.db") as connection:
        assert connection.execute("select count(*) from cdr").fetchone() == (3,)


def test_a_query_without_end_is_stopped(boss: Path) -> None:
    endless = "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r"
    found = asked(boss, endless, ", timeout: 200ms")
    assert found.value is None
    assert "interrupted" in found.reason


def test_a_database_that_is_not_there_is_unknown_and_its_account_stays_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, words in (
        ("sqlite:///gone.db", "does not exist"),
        ("postgresql://me:hidden@127.0.0.1:1/boss", "gives no number"),
        ("mysql://me:hidden@127.0.0.1:1/boss", "gives no number"),
        ("oracle://me:hidden@127.0.0.1/boss", "cannot be opened read-only"),
        ("no url at all", "no database URL"),
    ):
        monkeypatch.setenv("BOSS_URL", url)
        found = asked(tmp_path, "select 1")
        assert found.value is None
        assert words in found.reason
        assert "hidden" not in found.reason
    monkeypatch.delenv("BOSS_URL")
    assert "BOSS_URL is not set" in asked(tmp_path, "select 1").reason


def run_of(home: Path, **content: object) -> None:
    folder = home / "runs" / "other" / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"control": "other", "business_day": DAY.isoformat(), "outputs": {}, **content}
    (folder / certificate.FILE).write_text(certificate.as_text(certificate.seal(plain, None)))


def taken(home: Path, take: str, more: str = "") -> Quantity:
    return quantity(home, f'run: {{control: other, take: "{take}"{more}}}')


def test_a_number_of_another_controls_certificate(tmp_path: Path) -> None:
    run_of(tmp_path, classes={"matched": {"count": 4}}, result="0.25", ratio=0.5)
    assert taken(tmp_path, "classes.matched.count").value == 4
    assert taken(tmp_path, "result").value == Decimal("0.25")
    assert taken(tmp_path, "classes.gone.count", ", absent_is_zero: true").value == 0
    assert "has no classes.gone.count" in taken(tmp_path, "classes.gone.count").reason
    assert "not an exact number" in taken(tmp_path, "ratio").reason
    assert "not an exact number" in taken(tmp_path, "classes").reason


def test_a_run_that_is_missing_changed_or_of_another_day_is_unknown(tmp_path: Path) -> None:
    assert "run other of that day first" in taken(tmp_path, "breaks").reason
    run_of(tmp_path, breaks=1, business_day="2026-10-31")
    assert "of another control or day" in taken(tmp_path, "breaks").reason
    run_of(tmp_path, breaks=1)
    path = tmp_path / "runs" / "other" / DAY.isoformat() / certificate.FILE
    path.write_text(path.read_text().replace('"breaks": 1', '"breaks": 2'))
    assert "was changed after it was written" in taken(tmp_path, "breaks").reason


def test_a_derived_quantity_of_something_unknown_is_unknown(tmp_path: Path) -> None:
    control = equation(
        'quantities:\n  a: {unit: fen, file: {path: "x/{day}", count: true}}\n  b: {is: "a * rate"}\n'
        '  rate: {unit: "1", value: "0.5"}\nformula: "b"\nunit: fen\nbalanced: {tolerance: 0}\n'
    )
    found = measure(control, Place(tmp_path, TODAY))
    assert found["rate"].value == Decimal("0.5")
    assert (found["b"].value, found["b"].unit) == (None, "fen")
    assert "a is not known" in found["b"].reason


def headers(home: Path, take: str) -> Quantity:
    return quantity(home, f'cdr_headers: {{path: "cdr/{{day}}/*.dat", take: {take}}}')


def test_the_headers_of_charging_files_give_their_figures(tmp_path: Path) -> None:
    assert "there is no such file" in headers(tmp_path, "cdrs").reason
    folder = tmp_path / "cdr" / DAY.isoformat()
    folder.mkdir(parents=True)
    for sequence in (7, 8, 11):
        content = charging_file([b"x", b"y"], sequence=sequence, lost=0x81)
        (folder / f"{sequence}.dat").write_bytes(content)
    found = {take: headers(tmp_path, take).value for take in ("files", "cdrs", "lost", "missing")}
    assert found == {"files": 3, "cdrs": 6, "lost": 3, "missing": 2}
    (folder / "7 again.dat").write_bytes((folder / "7.dat").read_bytes())
    again = headers(tmp_path, "cdrs")
    assert again.value == 6
    assert "taken from" in again.notes[0]
    (folder / "12.dat").write_bytes(charging_file([b"x"], sequence=12, lost=0x05))
    assert "at least" in headers(tmp_path, "lost").reason
    (folder / "13.dat").write_bytes(charging_file([b"x"], sequence=13)[:-1])
    assert "13.dat: " in headers(tmp_path, "cdrs").reason


@pytest.mark.server("postgresql")
def test_postgresql_gives_a_number_and_can_be_neither_written_to_nor_held_up(
    postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.fresh_database()
    monkeypatch.setenv("BOSS_URL", url)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create sequence numbers")
    engine.dispose()
    made = "select count(*)::int from generate_series(1, 7) where :business_day = '2026-11-01'"
    assert asked(tmp_path, made).value == 7
    assert asked(tmp_path, "select 1.25::numeric").value == Decimal("1.25")
    writing = asked(tmp_path, "with x as (delete from pg_description returning 1) select count(*) from x")
    assert "data-modifying statement" in writing.reason
    assert "read-only" in asked(tmp_path, "select nextval('numbers')").reason
    assert "statement timeout" in asked(tmp_path, "select count(*) from pg_sleep(60)", ", timeout: 200ms").reason


@pytest.mark.server("mariadb")
def test_mariadb_gives_a_number_and_can_be_neither_written_to_nor_held_up(
    mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOSS_URL", mariadb.fresh_database())
    assert asked(tmp_path, "select case when :business_day = '2026-11-01' then 7 end").value == 7
    assert asked(tmp_path, "select 1.25").value == Decimal("1.25")
    assert "outfile" in asked(tmp_path, "select 1 into outfile 'x'").reason.lower()
    endless = asked(tmp_path, "select count(*) from seq_1_to_1000000000 a, seq_1_to_1000000000 b", ", timeout: 200ms")
    assert "max_statement_time" in endless.reason
