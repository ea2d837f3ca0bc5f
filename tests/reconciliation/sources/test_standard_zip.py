"""Zipped standard records: the same rows as the plain file, both places for a manifest, and archives that are traps."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from reconciliation.arrival import Arrival
from reconciliation.conservation import Totals, of_file
from reconciliation.engines import Engine, connect
from reconciliation.loading import untied, whole
from reconciliation.sources import Delivered, Loaded, SourceError, standard_zip
from reconciliation.standard_record import manifest_path, write
from reconciliation.validation import day_of
from tests.reconciliation.days import record
from tests.reconciliation.sources.samples_bank import DAY, ZONE, mutated

DAY_OF = day_of(DAY, ZONE, timedelta(minutes=30))


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with connect("duckdb", tmp_path_factory.mktemp("engine"), 256 << 20) as engine:
        yield engine


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A standard file of three records, the last with a bad amount, and its manifest."""
    path = tmp_path_factory.mktemp("plain") / "billing.csv"
    write(path, "billing", DAY, [record("A"), record("B", amount_minor=250), record("C", amount_minor="x")])
    return path


def packed(plain: Path, folder: Path, *, inside: bool = True, changed: Mapping[str, object] | None = None) -> Path:
    """The file in an archive, its manifest inside, with what is changed in it, or beside."""
    path = folder / "billing.csv.zip"
    stated = {**json.loads(manifest_path(plain).read_text()), **(changed or {})}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "out/billing.csv")
        if inside:
            archive.writestr("out/billing.csv.manifest.json", json.dumps(stated))
    if not inside:
        manifest_path(path).write_text(json.dumps(stated))
    return path


def loaded(engine: Engine, path: Path, folder: Path, party: str = "billing") -> Loaded:
    """The file through all functions of the source, in a fresh folder of the run, and tied to the manifest inside."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    delivered = Delivered(party, path, standard_zip.columns(path), standard_zip.scan(path))
    found = whole(engine, delivered.party, standard_zip.ways(engine, delivered, DAY_OF, run), DAY_OF)
    faults = untied(Arrival(delivered, standard_zip, None), found.opened, of_file(engine, found, Totals()).stated)
    if faults:
        raise SourceError(faults[0])
    return found


@pytest.mark.parametrize("inside", [True, False])
def test_the_member_is_read_as_the_plain_file_is(engine: Engine, plain: Path, tmp_path: Path, inside: bool) -> None:
    """Rows, faults and lines of the member; the checksum of the archive."""
    path = packed(plain, tmp_path, inside=inside)
    found = loaded(engine, path, tmp_path)
    assert found.delivered.path == path
    assert found.delivered.scan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.first_line == 2
    rows = engine.fetch(found.rows.order_by("row"))
    assert [(row["record_id"], row["amount"], row["fault"] > 0) for row in rows[:2]] == [
        ("A", 1000, False),
        ("B", 250, False),
    ]
    assert rows[2]["fault"] > 0
    assert (found.opened.claimed or {}) == ({"rows": 3, "amount_minor": 1250} if inside else {})


def test_damaged_rows_and_parquet_go_the_same_ways(engine: Engine, plain: Path, tmp_path: Path) -> None:
    """A member with a row of too few fields is mended; a Parquet member is read as Parquet."""
    import pyarrow.csv
    from pyarrow import parquet

    short = tmp_path / "short.csv"
    short.write_text(plain.read_text() + "D,only,three\n")
    path = tmp_path / "short.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(short, "short.csv")
    manifest_path(path).write_text("{}")
    found = loaded(engine, path, tmp_path)
    assert found.mended is not None
    assert found.mended.rows == 1

    table = pyarrow.csv.read_csv(
        plain, convert_options=pyarrow.csv.ConvertOptions(column_types={"amount_minor": "str"})
    )
    member = tmp_path / "billing.parquet"
    parquet.write_table(table, member)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(member, "billing.parquet")
    found = loaded(engine, path, tmp_path, "platform")
    assert found.first_line == 1
    assert engine.fetch(found.rows.aggregate(count=found.rows.count()))[0]["count"] == 3


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rows": 4}, "has 3 rows"),
        ({"amount_minor": 1251}, "add up to 1250"),
        ({"sha256": "0" * 64}, "SHA-256 of its records"),
        ({"party": "payment"}, "is of 'payment'"),
        ({"business_day": "2026-10-31"}, "on 2026-10-31"),
        ({"rows": "3"}, "must have party"),
    ],
)
def test_a_manifest_inside_must_tie(
    engine: Engine, plain: Path, tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    """Rows, amounts, checksum, party, day, and its own form."""
    with pytest.raises(SourceError, match=says):
        loaded(engine, packed(plain, tmp_path, changed=changed), tmp_path)


def test_no_manifest_at_all_is_refused(plain: Path, tmp_path: Path) -> None:
    """Neither inside nor beside: there is nothing to tie to."""
    path = packed(plain, tmp_path, inside=False)
    manifest_path(path).unlink()
    with pytest.raises(SourceError, match="no manifest"):
        standard_zip.scan(path)


def _info(name: str, mode: int = 0o644, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits = flags
    return info


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "it holds none"),
        ([(_info("a.csv"), b"x"), (_info("b.csv"), b"x")], "it holds 'a.csv', 'b.csv'"),
        ([(_info("a.csv"), b"x"), (_info("readme.txt"), b"x")], "no more than a manifest"),
        ([(_info("a.xlsx"), b"x")], "neither .csv nor .parquet"),
        ([(_info("/etc/a.csv"), b"x")], "outside the archive"),
        ([(_info("../a.csv"), b"x")], "outside the archive"),
        ([(_info("x/../../a.csv"), b"x")], "outside the archive"),
        ([(_info("..\\a.csv"), b"x")], "outside the archive"),
        ([(_info("C:\\a.csv"), b"x")], "outside the archive"),
        ([(_info("a.csv", stat.S_IFLNK | 0o777), b"/etc/hostname")], "is a link"),
        ([(_info(f"{number}.csv"), b"x") for number in range(65)], "65 members"),
        ([(_info("a.csv"), bytes(64 << 20))], "as no records do"),
    ],
)
def test_archives_that_are_traps_are_refused(
    tmp_path: Path, members: list[tuple[zipfile.ZipInfo, bytes]], says: str
) -> None:
    """Several or foreign members, paths that leave, links, bombs."""
    path = tmp_path / "trap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    for use in (standard_zip.scan, standard_zip.columns):
        with pytest.raises(SourceError, match=says):
            use(path)


def test_an_encrypted_member_is_refused(plain: Path, tmp_path: Path) -> None:
    """Bit 0 of the general purpose flag, in both headers of the member."""
    content = bytearray(packed(plain, tmp_path, inside=False).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="encrypted"):
        standard_zip.scan(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"record_id,business_key\n"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, a beginning, a CSV file under another name."""
    path = tmp_path / "none.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="no zip archive"):
        standard_zip.columns(path)


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_damaged_archives_are_refused_or_whole(plain: Path, tmp_path: Path, cases: int) -> None:
    """Whatever bytes are changed: SourceError and nothing else, or the records are those that were packed."""
    chance = random.Random(4711)
    packed(plain, tmp_path)
    whole = (tmp_path / "billing.csv.zip").read_bytes()
    path = tmp_path / "damaged.zip"
    accepted = 0
    for _ in range(cases):
        path.write_bytes(mutated(whole, chance, bytes(range(256))))
        try:
            names = standard_zip.columns(path)
            standard_zip.scan(path)
        except SourceError:
            continue
        accepted += 1
        assert names[0] == "record_id"
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            content = next(archive.read(name) for name in archive.namelist() if name.lower().endswith(".csv"))
        assert content == plain.read_bytes()
    assert 0 < accepted < cases


def test_a_member_whose_rows_are_damaged_still_adds_up(engine: Engine, plain: Path, tmp_path: Path) -> None:
    """Damage to the records themselves: every line is a row, set aside, blank, or the file is refused."""
    chance = random.Random(815)
    path = tmp_path / "rows.zip"
    manifest_path(path).write_text("{}")
    accepted = 0
    for case in range(60):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("rows.csv", mutated(plain.read_bytes(), chance, b',"\n\r0x'))
        try:
            found = loaded(engine, path, tmp_path, f"party{case}")
        except SourceError:
            continue
        accepted += 1
        assert engine.fetch(found.rows.aggregate(count=found.rows.count()))[0]["count"] >= (
            found.mended.rows + found.mended.blank_lines if found.mended else 1
        )
    assert accepted > 0
