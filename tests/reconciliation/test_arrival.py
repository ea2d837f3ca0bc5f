"""What is refused before anything is matched: missing, damaged, foreign and non-tying files, all named at once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from reconciliation.outcome import REFUSED
from reconciliation.standard_record import manifest_path
from reconciliation.three_way import run
from tests.reconciliation.days import deliver, elsewhere, record, request, rewrite

ROWS = {party: [record("a"), record("b")] for party in ("billing", "platform", "payment")}


def _manifest(**stated: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        place = manifest_path(path)
        place.write_text(json.dumps(json.loads(place.read_text()) | stated))

    return change


def _without(name: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        place = manifest_path(path)
        stated = json.loads(place.read_text())
        del stated[name]
        place.write_text(json.dumps(stated))

    return change


def _bytes(change: Callable[[bytes], bytes], **stated: object) -> Callable[[Path], None]:
    return lambda path: rewrite(path, change, **stated)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing file": (Path.unlink, "billing file is missing"),
    "missing manifest": (lambda path: manifest_path(path).unlink(), "manifest is missing"),
    "manifest cut short": (
        lambda path: manifest_path(path).write_text(manifest_path(path).read_text()[:40]),
        "cannot be read as JSON",
    ),
    "manifest of bytes": (lambda path: manifest_path(path).write_bytes(b"\xff\xfe{}"), "cannot be read as JSON"),
    "manifest nested without end": (
        lambda path: manifest_path(path).write_text("[" * 100_000),
        "cannot be read as JSON",
    ),
    "manifest that is a list": (lambda path: manifest_path(path).write_text("[]"), "not a JSON object"),
    "manifest without rows": (_without("rows"), "rows is missing"),
    "manifest with rows as text": (_manifest(rows="2"), "rows is not an integer"),
    "manifest with rows as true": (_manifest(rows=True), "rows is not an integer"),
    "other party": (_manifest(party="payment"), "of party 'payment'"),
    "other day": (_manifest(business_day="2026-11-02"), "of business day 2026-11-02"),
    "one byte changed": (lambda path: path.write_bytes(path.read_bytes().replace(b"1000", b"1001")), "SHA-256"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-20]), "SHA-256"),
    "doubled": (
        _bytes(lambda text: text + text.split(b"\n", 1)[1], amount_minor=4000),
        "4 rows and the manifest states 2",
    ),
    "a row too few": (
        _bytes(lambda text: text.rsplit(b"\n", 2)[0] + b"\n", amount_minor=1000),
        "1 rows and the manifest states 2",
    ),
    "wrong sum": (_manifest(amount_minor=1999), "add up to 2000 minor units and the manifest states 1999"),
    "rows of another day": (
        _bytes(lambda text: text.replace(b",2026-11-01,", b",2026-10-30,")),
        "its rows are of 2026-10-30, none of 2026-11-01; it is another day's file; ask for that of 2026-11-01",
    ),
    "empty file": (_bytes(lambda text: b""), "no header"),
    "no header": (_bytes(lambda text: text.split(b"\n", 1)[1]), "lacks record_id"),
    "a column twice": (_bytes(lambda text: text.replace(b"region", b"status")), "'status' more than once"),
    "a required column renamed": (_bytes(lambda text: text.replace(b"currency", b"ccy")), "lacks currency"),
    "header not UTF-8": (_bytes(lambda text: b"\xff" + text), "header cannot be read"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_delivery_is_refused_with_a_sentence_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    spoil, sentence = FAULTS[name]
    asked = deliver(tmp_path, ROWS)
    spoil(tmp_path / "billing.csv")
    outcome = run(asked)
    assert outcome.exit_status == REFUSED
    assert len(outcome.refused) == 1
    assert sentence in outcome.refused[0]
    assert "billing.csv" in outcome.refused[0]
    assert outcome.certificate == {}
    assert not asked.out.exists() or list(asked.out.iterdir()) == []


def test_every_faulty_file_is_named_at_once(tmp_path: Path) -> None:
    asked = deliver(tmp_path, ROWS)
    (tmp_path / "billing.csv").unlink()
    _manifest(business_day="2026-10-31", party="billing")(tmp_path / "platform.csv")
    rewrite(tmp_path / "payment.csv", lambda text: b"nothing\n")
    refused = run(asked).refused
    assert len(refused) == 4  # the platform's manifest has two faults
    assert all(any(f"{party}.csv" in sentence for sentence in refused) for party in ("billing", "platform", "payment"))


def test_totals_that_do_not_tie_are_all_named_at_once(tmp_path: Path) -> None:
    asked = deliver(tmp_path, ROWS)
    for party in ("billing", "payment"):
        _manifest(rows=3, amount_minor=5)(tmp_path / f"{party}.csv")
    assert len(run(asked).refused) == 4


def test_a_refused_run_leaves_the_earlier_result_as_it_was(tmp_path: Path) -> None:
    asked = deliver(tmp_path, ROWS)
    first = run(asked)
    before = {path.name: path.read_bytes() for path in asked.out.iterdir()}
    _manifest(rows=9)(tmp_path / "billing.csv")
    assert run(asked).exit_status == REFUSED
    assert {path.name: path.read_bytes() for path in asked.out.iterdir()} == before
    assert first.exit_status == 0


def test_a_day_without_records_is_a_day(tmp_path: Path) -> None:
    """Three files with a header alone tie to manifests of zero rows."""
    outcome = run(deliver(tmp_path, {}))
    assert (outcome.exit_status, outcome.refused, outcome.certificate["classes"]) == (0, (), {})


def test_gzipped_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    asked = deliver(tmp_path, ROWS)
    packed = tmp_path / "billing.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "billing.csv").read_bytes()))
    manifest_path(packed).write_text(manifest_path(tmp_path / "billing.csv").read_text())
    rewrite(packed, lambda content: content)

    assert run(elsewhere(asked, billing=packed)).exit_status == 0
    rewrite(packed, lambda content: content[:-9])
    assert "gzip" in run(elsewhere(asked, billing=packed)).refused[0]


def test_the_same_file_cannot_stand_for_two_parties(tmp_path: Path) -> None:
    deliver(tmp_path, ROWS)
    asked = request(tmp_path)
    assert "of party 'billing'" in run(elsewhere(asked, payment=tmp_path / "billing.csv")).refused[0]


def test_another_day_is_refused_file_by_file(tmp_path: Path) -> None:
    from dataclasses import replace

    asked = replace(deliver(tmp_path, ROWS), business_day=date(2026, 11, 2))
    assert len(run(asked).refused) == 3
