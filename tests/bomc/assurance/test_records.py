"""What a run leaves in the store: one row a result, its breaks with dimensions and causes, cases up to a bound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from bomc.assurance import records
from bomc.assurance.controls import Controls
from core.model import Outcome
from core.store.open import reading
from core.store.tables import break_case, break_event, control_break, control_run
from reconciliation.controls.entries import MatchControl
from reconciliation.standard_record import write
from reconciliation.verify import verify
from tests.bomc.assurance.test_controls import DAY, NOW, PARTIES, SHANGHAI, control, labelled, taking
from tests.bomc.pipeline.world import rows
from tests.reconciliation.days import Row, record


def deliver(home: Path, billing: Iterable[Row], others: Iterable[Row]) -> None:
    """The day's three files, of which platform and payment have the same."""
    folder = home / "exchange" / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    agreed = list(others)
    for party in PARTIES:
        write(folder / f"{party}.csv", party, DAY, billing if party == "billing" else agreed)


def running(
    store: Engine, home: Path, of: MatchControl, told: list[Outcome] | None = None, reports: bool = False
) -> Controls:
    taken = taking([] if told is None else told)
    return Controls(store, home, [of], SHANGHAI, lambda: NOW, taken, with_reports=reports)


def test_dimensions_and_causes_are_kept_with_the_run(store: Engine, tmp_path: Path) -> None:
    """Nine in ten of the missing call-backs are of channel 7: said in the run, in its breaks and in their cases."""
    everything = [record(f"k{n:03}", channel="7" if n < 10 else str(n % 5), region="east") for n in range(200)]
    lost = {f"k{n:03}" for n in (*range(10), 51)}
    deliver(tmp_path, [row for row in everything if row["business_key"] not in lost], everything)
    of = control(dimensions=["channel", "region"])
    running(store, tmp_path, of, reports=True).run_day(of, DAY)
    [run] = rows(store, control_run)
    [cause] = run.causes["causes"] if isinstance(run.causes, dict) else run.causes
    assert (cause["dimension"], cause["value"], cause["count"]) == ("channel", "7", 10)
    found = {row.business_key: row.dimensions for row in rows(store, control_break)}
    assert found["k003"] == {"channel": "7", "region": "east"}
    assert found["k051"] == {"channel": "1", "region": "east"}
    assert {row.business_key: row.dimensions for row in rows(store, break_case)} == found


def test_without_reports_nothing_is_looked_for_and_nothing_is_claimed(store: Engine, tmp_path: Path) -> None:
    """No cause is not the same as none found: both stay empty in the row."""
    deliver(tmp_path, [], [record("a", channel="7")])
    of = control(dimensions=["channel"])
    running(store, tmp_path, of).run_day(of, DAY)
    assert rows(store, control_run)[0].causes is None
    assert rows(store, control_break)[0].dimensions is None


def test_a_result_that_comes_again_after_another_is_the_latest_again(store: Engine, tmp_path: Path) -> None:
    """A file is replaced, refused, and put back: each time the day has the result of its files, and tells it once."""
    of, told = control(), list[Outcome]()
    found = running(store, tmp_path, of, told)
    deliver(tmp_path, [], [record("a")])
    found.run_day(of, DAY)
    for mended in (True, False):
        (tmp_path / "exchange" / DAY.isoformat() / "payment.csv").unlink()
        found.run_day(of, DAY)
        assert found.catch_up() == 1
        deliver(tmp_path, [record("a")] if mended else [], [record("a")])
        assert found.catch_up() == 1
        assert found.catch_up() == 0
        with reading(store) as connection:
            latest = records.latest(connection, "pay", DAY)
        assert latest.outcome == ("clean" if mended else "breaks")
        assert labelled(told, "pay/reconcile")["breaks_total", ""] == int(not mended)
        assert labelled(told, "pay/reconcile")["refused", ""] == 0
        count = len(told)
        found.tell()
        assert len(told) == count
    assert [row.outcome for row in rows(store, control_run)] == ["breaks", "refused", "clean", "refused", "breaks"]
    [case] = rows(store, break_case)
    assert case.state == "open"


def test_the_identity_of_a_break_is_worked_out_once(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the break and for its case alike, which bear the same one."""
    real, asked = hashlib.sha256, list[bytes]()

    def counted(content: bytes = b"") -> Any:
        asked.append(content)
        return real(content)

    monkeypatch.setattr(hashlib, "sha256", counted)
    deliver(tmp_path, [], [record("a"), record("b")])
    of = control()
    running(store, tmp_path, of).run_day(of, DAY)
    assert len([content for content in asked if content.startswith(b'["pay","')]) == 2
    kept = {row.fingerprint: row.records for row in rows(store, control_break)}
    assert {row.fingerprint: row.records for row in rows(store, break_case)} == kept
    assert len(kept) == 2


def test_a_result_that_was_lost_is_made_again(store: Engine, tmp_path: Path) -> None:
    """The certificate is gone from the folder, or is not the one of the row: the day is run again, and is the same run."""
    of = control()
    found = running(store, tmp_path, of)
    deliver(tmp_path, [], [record("a")])
    assert found.catch_up() == 1
    place = tmp_path / "runs" / "pay" / DAY.isoformat() / "certificate.json"
    written = place.read_bytes()
    for damage in (place.unlink, lambda: place.write_bytes(written.replace(b'"breaks": 1', b'"breaks": 0'))):
        damage()
        assert found.catch_up() == 1
        assert place.read_bytes() == written
        assert found.catch_up() == 0
    assert len(rows(store, control_run)) == 1
    verdict = verify(place.parent)
    assert verdict.sound, verdict.faults


@pytest.mark.slow
def test_of_more_breaks_than_the_store_takes_the_first_become_cases(store: Engine, tmp_path: Path) -> None:
    """All of them are counted and stand in the files; a second run adds none."""
    many = records.BREAKS_IN_STORE + 1
    deliver(tmp_path, [], [record(f"k{n:06}") for n in range(many)])
    of = control()
    found = running(store, tmp_path, of)
    for _ in range(2):
        outcome = found.run_day(of, DAY)
    assert outcome.breaks == many
    assert rows(store, control_run)[0].breaks == many
    with reading(store) as connection:
        for table in (control_break, break_case, break_event):
            assert connection.scalar(select(func.count()).select_from(table)) == records.BREAKS_IN_STORE
        keys = set(connection.scalars(select(break_case.c.business_key)))
        kept = set(connection.scalars(select(control_break.c.business_key)))
    assert keys == kept
    assert len(keys) == records.BREAKS_IN_STORE
    lines = (tmp_path / "runs" / "pay" / DAY.isoformat() / "breaks.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == many + 1
