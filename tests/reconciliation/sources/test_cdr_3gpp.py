"""Charging files: the header's fields, what proves them, lost CDRs and missing numbers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reconciliation.sources import SourceError, cdr_3gpp
from reconciliation.sources.cdr_3gpp import Lost, Totals, read_header, totals
from tests.reconciliation.sources.samples_bank import charging_file, mutated

BODIES = [b"\xbf\x4f\x03\x80\x01\x4f", b"x" * 300, b"y"]


def written(folder: Path, content: bytes, name: str = "cdr.dat") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_every_field_of_the_header_is_read(tmp_path: Path) -> None:
    """A file of release 15 as a charging gateway writes it."""
    header = read_header(written(tmp_path, charging_file(BODIES, lost=0x83)))
    assert (header.cdrs, header.sequence, header.node, header.formats) == (3, 7, "10.0.0.1", ("BER",))
    assert (header.high_release, header.low_release) == ("15.2", "15.2")
    assert (header.opened, header.last_appended) == ("11-01T23:45+08:00", "11-01T23:50+08:00")
    assert (header.lost, header.closure, header.closed_normally) == (Lost(3, exact=True), "number of CDRs limit", True)
    assert header.header_bytes == 54
    assert header.file_bytes == 54 + 3 * 5 + 6 + 300 + 1


@pytest.mark.parametrize(
    ("release", "tail", "expected"),
    [
        (0xE2, b"\x00\x00\x05\x05", ("15.2", b"", b"")),  # no length of a private extension
        (0xE2, b"\x00\x02ab\x00\x03xyz\x05\x05", ("15.2", b"ab", b"xyz")),
        (0xE2, b"\x00\x00\x00\x00", ("10.2", b"", b"")),  # no extension of the release either
        (0x43, b"\x00\x00\x00\x00", ("5.3", b"", b"")),
        (0x43, b"\x00\x00", ("5.3", b"", b"")),
        (0x00, b"\x00\x01a\x00\x01b", ("99.0", b"a", b"b")),
    ],
)
def test_headers_of_all_lengths_are_read(
    tmp_path: Path, release: int, tail: bytes, expected: tuple[str, bytes, bytes]
) -> None:
    """Older releases, filters, private extensions, and writers that leave an empty one out."""
    header = read_header(written(tmp_path, charging_file(BODIES, release=release, tail=tail)))
    assert (header.high_release, header.routeing_filter, header.private_extension) == expected


@pytest.mark.parametrize(
    ("octet", "lost"),
    [
        (0x00, Lost(0, exact=True)),
        (0x01, Lost(1, exact=False)),
        (0x05, Lost(5, exact=False)),
        (0x7F, Lost(127, exact=False)),
        (0x80, Lost(1, exact=False)),
        (0x81, Lost(1, exact=True)),
        (0xFE, Lost(126, exact=True)),
        (0xFF, Lost(127, exact=False)),
    ],
)
def test_the_lost_indicator_is_a_number_and_how_sure_it_is(tmp_path: Path, octet: int, lost: Lost) -> None:
    """TS 32.297, clause 6.1.1.11, at every boundary."""
    assert read_header(written(tmp_path, charging_file([], lost=octet))).lost == lost


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "less than a header"),
        (charging_file(BODIES)[:-1], "cut short or doubled"),
        (charging_file(BODIES) * 2, "cut short or doubled"),
        (charging_file(BODIES, count=2), "states 2 CDRs and it has 3"),
        (charging_file(BODIES, count=0xFFFFFFFF), "never closed"),
        (charging_file(BODIES, length=0xFFFFFFFF), "never closed"),
        (charging_file(BODIES, tail=b"\x00\x09ab"), "routeing filter runs over"),
        (charging_file(BODIES, tail=b"\x00\x00\x00\x09ab"), "private extension runs over"),
        (charging_file(BODIES, tail=b"\x00\x00\x00\x00abc"), "3 bytes more"),
        (charging_file([b""]), "not the header of CDR 1"),
        (charging_file([b"ab"]).replace(b"\x00\x02\xe2", b"\x00\x09\xe2"), "runs 7 bytes over"),
        (charging_file([b"ab"]).replace(b"\x00\x02\xe2", b"\x00\x01\xe2"), "no whole header"),
    ],
)
def test_a_file_that_is_not_what_its_header_says_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    """Length, count, structure: each wrong one has its sentence."""
    path = written(tmp_path, content)
    with pytest.raises(SourceError, match=says):
        read_header(path)
    found = totals([path])
    assert (found.files, found.cdrs) == (0, 0)
    assert says in found.faults[0]
    assert found.faults[0].startswith("cdr.dat: ")


def test_totals_add_up_files_and_find_what_is_missing(tmp_path: Path) -> None:
    """Two nodes with their own numbers; a file twice and a file closed abnormally are faults."""
    other = bytes(15) + b"\x02"
    paths = [
        written(tmp_path, charging_file(BODIES, sequence=5, lost=0x82), "a5"),
        written(tmp_path, charging_file(BODIES, sequence=9, lost=0x05), "a9"),
        written(tmp_path, charging_file(BODIES[:1], sequence=6), "a6"),
        written(tmp_path, charging_file(BODIES[:1], sequence=6), "a6-again"),
        written(tmp_path, charging_file(BODIES, sequence=1, node=other, reason=130), "b1"),
        tmp_path / "not-there",
    ]
    found = totals(paths)
    assert (found.files, found.cdrs, found.lost, found.lost_exact) == (4, 10, 7, False)
    assert (found.missing, found.gaps) == (2, (("10.0.0.1", 7, 8),))
    assert [fault.split(":")[0] for fault in found.faults] == ["a6-again", "b1", "not-there"]
    assert totals(reversed(paths)) == found
    assert totals([]) == Totals()


def test_numbers_start_again(tmp_path: Path) -> None:
    """After 4294967294 comes 0: nothing is missing between them but what is."""
    numbers = [4294967293, 0, 1, 3]
    paths = [written(tmp_path, charging_file([], sequence=number), str(number)) for number in numbers]
    assert totals(paths).gaps == (("10.0.0.1", 2, 2), ("10.0.0.1", 4294967294, 4294967294))
    assert totals(paths).missing == 2


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_damaged_files_are_refused_or_still_true(tmp_path: Path, cases: int) -> None:
    """Whatever bytes are changed: SourceError and nothing else, or length and count hold."""
    chance = random.Random(32297)
    accepted = 0
    for _ in range(cases):
        path = written(tmp_path, mutated(charging_file(BODIES), chance, b"\x00\x01\x7f\x80\xff"))
        found = totals([path])
        try:
            header = read_header(path)
        except SourceError:
            assert (found.files, len(found.faults)) == (0, 1)
            continue
        accepted += 1
        assert header.file_bytes == path.stat().st_size
        assert (found.files, found.cdrs) == (1, header.cdrs)
        assert set(header.formats) <= set(cdr_3gpp.FORMATS.values())
    assert 0 < accepted < cases
