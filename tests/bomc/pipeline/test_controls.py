"""Standing reconciliations: which days are due in any time zone, and that a day run twice is one run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bomc.configuration.models import ControlEntry
from bomc.pipeline.controls import Controls, due_days
from core.model import Outcome
from core.store.tables import control_break, control_run
from tests.bomc.pipeline.world import rows
from tests.reconciliation.days import record

SHANGHAI = ZoneInfo("Asia/Shanghai")
FILES = {party: f"exchange/{{day}}/{party}.csv" for party in ("billing", "platform", "payment")}
NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # noon of the 2nd in Shanghai
DAY = date(2026, 11, 1)


def control(at: str = "00:40", catch_up_days: int = 1) -> ControlEntry:
    return ControlEntry.model_validate({"name": "pay", "files": FILES, "at": at, "catch_up_days": catch_up_days})


DUE = [
    ("just before its time", "Asia/Shanghai", "00:40", "2026-11-01T16:39:59+00:00", ["2026-10-31"]),
    ("exactly at its time", "Asia/Shanghai", "00:40", "2026-11-01T16:40:00+00:00", ["2026-11-01"]),
    ("midnight", "Asia/Shanghai", "00:00", "2026-11-01T16:00:00+00:00", ["2026-11-01"]),
    ("the day is that of the zone, not of UTC", "Pacific/Auckland", "01:00", "2026-11-01T12:30:00+00:00", ["2026-11-01"]),
    ("west of Greenwich", "America/New_York", "01:00", "2026-11-02T05:59:59+00:00", ["2026-10-31"]),
    ("an hour that summer time leaves out", "Europe/Berlin", "02:30", "2026-03-29T01:00:00+00:00", ["2026-03-28"]),
    ("before that hour", "Europe/Berlin", "02:30", "2026-03-29T00:59:59+00:00", ["2026-03-27"]),
    ("an hour that is there twice, the first time", "Europe/Berlin", "02:30", "2026-10-25T00:30:00+00:00", ["2026-10-24"]),
    ("leap day", "UTC", "00:40", "2028-03-01T00:40:00+00:00", ["2028-02-29"]),
    ("new year", "UTC", "00:40", "2027-01-01T00:40:00+00:00", ["2026-12-31"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "at", "now", "expected"), [d[1:] for d in DUE], ids=[d[0] for d in DUE])
def test_which_day_is_due(zone: str, at: str, now: str, expected: list[str]) -> None:
    """Yesterday once its local time has come."""
    found = due_days(control(at), ZoneInfo(zone), datetime.fromisoformat(now))
    assert [day.isoformat() for day in found] == expected


@pytest.mark.parametrize(("days", "expected"), [(0, 1), (1, 1), (3, 3), (92, 92)])
def test_missed_days_are_caught_up_oldest_first(days: int, expected: int) -> None:
    """As many as the control says, at least yesterday's, without a gap."""
    found = due_days(control(catch_up_days=days), SHANGHAI, NOW)
    assert len(found) == expected
    assert found[-1] == DAY
    assert found == [DAY - timedelta(days=back) for back in reversed(range(expected))]


def deliver(home: Path, day: date = DAY, missing: bool = False) -> None:
    """The three files of a day: one matched payment, and one that billing lacks."""
    from reconciliation.standard_record import PARTIES, write

    folder = home / "exchange" / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    for party in PARTIES:
        keys = ["a"] if party == "billing" else ["a", "b"]
        if not (missing and party == "payment"):
            write(folder / f"{party}.csv", party, day, [record(key, business_day=day.isoformat()) for key in keys])


def controls(store: Engine, home: Path, told: list[Outcome], now: datetime = NOW) -> Controls:
    return Controls(store, home, [control()], SHANGHAI, lambda: now, told.append)


def values(outcome: Outcome) -> dict[str, float]:
    assert {dict(sample.labels)["business_day"] for sample in outcome.samples} == {DAY.isoformat()}
    return {sample.indicator: sample.value for sample in outcome.samples}


def test_a_due_day_is_run_once_and_leaves_a_row_its_breaks_files_and_samples(store: Engine, tmp_path: Path) -> None:
    """Run again, the same files are the same run: no row more, and its samples at the same instant."""
    deliver(tmp_path)
    told: list[Outcome] = []
    found = controls(store, tmp_path, told)
    assert found.catch_up() == 1
    [row] = rows(store, control_run)
    assert (row.outcome, row.breaks, row.at_risk_minor, row.currency) == ("breaks", 1, 1000, "CNY")
    assert [line.business_key for line in rows(store, control_break)] == ["b"]
    assert (tmp_path / row.folder / "certificate.json").exists()
    assert values(told[0])["reconciliation.breaks_total"] == 1
    assert told[0].restates
    assert told[0].probe == "pay/reconcile"

    assert found.catch_up() == 0
    later = controls(store, tmp_path, told, NOW + timedelta(hours=1))
    later.run_day(control(), DAY)
    assert len(rows(store, control_run)) == 1
    assert len(rows(store, control_break)) == 1
    assert told[1].samples == told[0].samples


def test_what_was_told_is_told_again_after_a_kill_in_the_same_words(store: Engine, tmp_path: Path) -> None:
    """Between a run's row and its samples a kill loses nothing: at the next start they are submitted again."""
    deliver(tmp_path)
    told: list[Outcome] = []
    controls(store, tmp_path, told).catch_up()
    again: list[Outcome] = []
    controls(store, tmp_path, again, NOW + timedelta(minutes=5)).tell_again()
    assert [item.samples for item in again] == [item.samples for item in told]
    assert controls(store, tmp_path, again).catch_up() == 0


def test_a_refused_day_is_tried_again_until_its_file_is_there(store: Engine, tmp_path: Path) -> None:
    """Refused again for the same reason is no further row; delivered, it is run and the refusal is over."""
    deliver(tmp_path, missing=True)
    told: list[Outcome] = []
    found = controls(store, tmp_path, told)
    assert found.catch_up() == 1
    assert found.catch_up() == 1
    [row] = rows(store, control_run)
    assert row.outcome == "refused"
    assert "payment" in row.reasons[0]
    assert values(told[0]) == {"reconciliation.refused": 1}

    deliver(tmp_path)
    later = controls(store, tmp_path, told, NOW + timedelta(minutes=5))
    assert later.catch_up() == 1
    assert later.catch_up() == 0
    assert [row.outcome for row in rows(store, control_run)] == ["refused", "breaks"]
    assert values(told[-1])["reconciliation.refused"] == 0
    assert told[-1].samples[0].at_ms > told[0].samples[0].at_ms


def test_one_control_that_breaks_down_does_not_keep_the_next_from_running(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the engine on one day is logged and tried again; the others are run."""
    import bomc.pipeline.controls as module

    deliver(tmp_path)
    real, calls = module.three_way.run, []

    def run(request: object) -> object:
        calls.append(request)
        if len(calls) == 1:
            raise RuntimeError("the engine is out of memory")
        return real(request)  # type: ignore[arg-type]

    monkeypatch.setattr(module.three_way, "run", run)
    two = [control(), control().model_copy(update={"name": "second"})]
    told: list[Outcome] = []
    found = Controls(store, tmp_path, two, SHANGHAI, lambda: NOW, told.append)
    assert found.catch_up() == 1
    assert found.catch_up() == 1
    assert sorted(row.control for row in rows(store, control_run)) == ["pay", "second"]
