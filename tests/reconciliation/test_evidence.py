"""The result as evidence: the same bytes on every run, a chain that shows tampering, and never half a result."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from reconciliation import certificate
from reconciliation.match import OUTPUTS, run
from tests.reconciliation.days import deliver, lines, reconcile, record, request

ROWS = {
    "billing": [record("a"), record("b"), record("c", status="pending"), record("d", amount_minor="bad")],
    "platform": [record("a"), record("b", amount_minor=7), record("a", "again")],
    "payment": [record(f"p{number}") for number in range(50)],
}
FIELDS = {"control", "control_version", "business_day", "engine", "parties", "classes", "rows_tie", "amounts_tie"}


def test_the_same_files_give_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    first = reconcile(tmp_path / "one", ROWS)
    again = run(request(tmp_path / "one"))
    elsewhere = reconcile(tmp_path / "two", ROWS)
    for name in (*OUTPUTS, certificate.FILE):
        content = first.paths[name].read_bytes()
        assert content == elsewhere.paths[name].read_bytes(), name
        assert content == again.paths[name].read_bytes(), name
    assert {path.name for path in (tmp_path / "one" / "out").iterdir()} == {*OUTPUTS, certificate.FILE}


def test_the_certificate_has_its_fields_and_the_checksums_of_what_went_in_and_came_out(tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, ROWS, previous_hash="0" * 64)
    written = json.loads(outcome.paths[certificate.FILE].read_text())
    assert written == outcome.certificate
    assert written.keys() >= FIELDS | {"previous_hash", "hash", "outputs"}
    assert written["previous_hash"] == "0" * 64
    for party, account in written["parties"].items():
        file = tmp_path / account["file"]
        assert account["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert account["rows"] == account["rejected"] + account["duplicates"] + account["standing"], party
    for name, digest in written["outputs"].items():
        assert digest == hashlib.sha256(outcome.paths[name].read_bytes()).hexdigest()


def test_a_chain_of_certificates_shows_an_edit_a_gap_and_a_rebuilt_hash(tmp_path: Path) -> None:
    chain = []
    for place in range(3):
        previous = chain[-1]["hash"] if chain else None
        chain.append(reconcile(tmp_path / str(place), ROWS, previous_hash=previous).certificate)
    assert certificate.verify_chain(chain) == []
    assert len(certificate.verify_chain([chain[0], chain[2]])) == 1
    edited = {**chain[1], "breaks": 0}
    assert any("changed" in fault for fault in certificate.verify_chain([chain[0], edited, chain[2]]))
    rebuilt = {**edited, "hash": certificate.digest(edited)}
    assert any("follow" in fault for fault in certificate.verify_chain([chain[0], rebuilt, chain[2]]))


def test_the_hash_is_the_sha256_of_the_canonical_json_without_itself(tmp_path: Path) -> None:
    found = dict(reconcile(tmp_path, {}).certificate)
    claimed = found.pop("hash")
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert claimed == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("stage", ["arrival", "read", "match", "classify", "write", "evidence", "publish"])
def test_a_run_that_is_killed_leaves_no_result_and_the_next_one_is_whole(stage: str, tmp_path: Path) -> None:
    """SIGKILL at the beginning of each stage: no certificate appears, and a new run gives the bytes of an unharmed one."""
    asked = deliver(tmp_path / "killed", ROWS)
    program = (
        "import os, signal, sys; from pathlib import Path; from tests.reconciliation.days import request;"
        "from reconciliation.three_way import run;"
        "run(request(Path(sys.argv[1])), progress=lambda stage: stage == sys.argv[2] and os.kill(os.getpid(), 9))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "killed"), stage], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert not (asked.out / certificate.FILE).exists()
    unharmed = reconcile(tmp_path / "unharmed", ROWS)
    for name, path in run(asked).paths.items():
        assert path.read_bytes() == unharmed.paths[name].read_bytes(), name
    assert {path.name for path in asked.out.iterdir()} == set(unharmed.paths)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
def test_the_zone_of_the_machine_changes_no_byte(zone: str, tmp_path: Path) -> None:
    """The same files on machines whose clocks show other local times give the same result."""
    asked = deliver(tmp_path / "there", ROWS)
    program = (
        "import sys; from pathlib import Path; from tests.reconciliation.days import request;"
        "from reconciliation.match import run; run(request(Path(sys.argv[1])))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TZ": zone}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "there")], env=environment, check=True)
    for name, path in reconcile(tmp_path / "here", ROWS).paths.items():
        assert (asked.out / name).read_bytes() == path.read_bytes(), name


NEXT_DAY = date(2026, 11, 2)
LATE = {"occurred_at": "2026-11-01T23:55:00+08:00"}
NEXT: dict[str, object] = {"business_day": "2026-11-02", "occurred_at": "2026-11-02T12:00:00+08:00"}
MIDNIGHT = NEXT | {"occurred_at": "2026-11-02T00:05:00+08:00"}


def test_carried_items_are_cleared_or_become_breaks_the_next_day(tmp_path: Path) -> None:
    """What the cut-off explains is matched when its counterpart comes, and is the break of rule 5 when it does not."""
    today = {
        "billing": [
            record("comes", **LATE),
            record("never", **LATE),
            record("doubt"),
            record("still"),
            record("twice", **LATE),
        ],
        "platform": [record("comes", **LATE), record("never", **LATE), record("doubt"), record("still")],
        "payment": [record("doubt", status="pending"), record("still", status="pending")],
    }
    first = reconcile(tmp_path / "first", today)
    assert (first.exit_status, first.carried) == (0, 5)
    tomorrow = {
        "billing": [record("twice", "second booking", **NEXT)],
        "payment": [record("comes", "c", **MIDNIGHT), record("doubt", "d", **NEXT), record("lonely", **MIDNIGHT)],
    }
    asked = replace(deliver(tmp_path / "second", tomorrow, NEXT_DAY), carried=tmp_path / "first" / "out")
    second = run(asked)
    assert second.refused == ()
    got = {(line["business_key"], line["class"], line["carried"]) for line in lines(second)}
    assert got == {
        ("never", "missing_in_payment", "false"),
        ("still", "in_doubt", "false"),
        ("twice", "billing_only", "false"),
        ("twice", "duplicate_booking", "false"),
        ("lonely", "payment_only", "false"),  # looked for among the items of the day before, and not there
    }
    certified = second.certificate
    assert certified["cleared_by_cutoff"] == certified["classes"]["matched"]["count"] == 2
    assert certified["previous_hash"] == first.certificate["hash"]
    assert certificate.verify_chain([first.certificate, certified]) == []
    assert certified["parties"]["payment"]["carried_in"] == 1  # `still`; `doubt` is superseded by today's answer
    assert certified["rows_tie"]
    [never] = [line for line in lines(second) if line["business_key"] == "never"]
    assert (never["billing_file"], never["billing_line"], never["billing_occurred_at"]) == (
        "billing.csv",
        "3",
        "2026-11-01T23:55:00+08:00",
    )


def test_a_pending_record_that_arrives_with_a_carried_key_gets_its_own_day(tmp_path: Path) -> None:
    reconcile(tmp_path / "first", {"billing": [record("k", **LATE)], "platform": [record("k", **LATE)]})
    asked = deliver(tmp_path / "second", {"payment": [record("k", status="pending", **MIDNIGHT)]}, NEXT_DAY)
    second = run(replace(asked, carried=tmp_path / "first" / "out"))
    assert [(line["class"], line["carried"]) for line in lines(second)] == [("in_doubt", "true")]


def test_carried_items_that_were_edited_or_are_of_another_day_are_refused(tmp_path: Path) -> None:
    first = reconcile(tmp_path / "first", {"billing": [record("k", **LATE)]})
    asked = replace(deliver(tmp_path / "second", {}, NEXT_DAY), carried=tmp_path / "first" / "out")
    assert "not before" in run(replace(asked, business_day=date(2026, 11, 1))).refused[-1]
    path = first.paths["breaks.parquet"]
    path.write_bytes(path.read_bytes() + b" ")
    assert "differs" in run(asked).refused[0]
    first.paths[certificate.FILE].write_text(
        first.paths[certificate.FILE].read_text().replace('"carried": 1', '"carried": 0')
    )
    assert "changed after it was written" in run(asked).refused[0]
    assert "cannot be carried" in run(replace(asked, carried=tmp_path / "nowhere")).refused[0]


def test_each_party_may_have_its_own_window_of_midnight(tmp_path: Path) -> None:
    """Another time zone moves the end of the day."""
    from zoneinfo import ZoneInfo

    rows = {"payment": [record("k", occurred_at="2026-11-01T23:50:00Z")]}
    there = reconcile(tmp_path, rows, timezone=ZoneInfo("Europe/London"))
    assert (there.carried, lines(there)[0]["payment_occurred_at"]) == (1, "2026-11-01T23:50:00+00:00")
    here = reconcile(tmp_path, rows, cutoff_window=timedelta(hours=7))
    assert here.breaks == 1
