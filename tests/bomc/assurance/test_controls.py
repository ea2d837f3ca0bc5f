"""Standing reconciliations: which days are due in any time zone, and that a day run twice is one run."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bomc.assurance.calendar import day_before, deadline, due_days
from bomc.assurance.controls import Controls, in_order
from core.model import Outcome
from core.store.open import writing
from core.store.tables import break_adjustment, break_case, control_break, control_run, file_delivery
from reconciliation.controls.entries import EquationControl, MatchControl
from reconciliation.desk import adjustments, cases
from reconciliation.match import run as run_match
from reconciliation.standard_record import write
from reconciliation.verify import verify
from tests.bomc.pipeline.world import rows
from tests.reconciliation.days import record

SHANGHAI = ZoneInfo("Asia/Shanghai")
PARTIES = {
    party: {"path": f"exchange/{{day}}/{party}.csv", "due": "00:30"} for party in ("billing", "platform", "payment")
}
NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # noon of the 2nd in Shanghai
DAY = date(2026, 11, 1)


def control(at: str = "00:40", catch_up_days: int = 1, **more: Any) -> MatchControl:
    return MatchControl.model_validate(
        {
            "name": "pay",
            "title": {"en": "Payments", "zh": "支付"},
            "kind": "match",
            "schedule": {"at": at},
            "parties": PARTIES,
            "catch_up_days": catch_up_days,
            **more,
        }
    )


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
    folder = home / "exchange" / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    for party in PARTIES:
        keys = ["a"] if party == "billing" else ["a", "b"]
        if not (missing and party == "payment"):
            write(folder / f"{party}.csv", party, day, [record(key, business_day=day.isoformat()) for key in keys])


def controls(store: Engine, home: Path, told: list[Outcome], now: datetime = NOW) -> Controls:
    return Controls(store, home, [control()], SHANGHAI, lambda: now, taking(told), with_reports=False)


def taking(told: list[Outcome]) -> Callable[[Outcome], bool]:
    """A writer that takes every outcome."""

    def take(outcome: Outcome) -> bool:
        told.append(outcome)
        return True

    return take


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
    later = controls(store, tmp_path, again, NOW + timedelta(minutes=5))
    later.tell()
    later.tell()
    assert [item.samples for item in again] == [item.samples for item in told]
    assert later.catch_up() == 0
    assert len(again) == 1


def test_what_the_writer_could_not_take_is_told_again(store: Engine, tmp_path: Path) -> None:
    """Its queue was full when the run ended; the next round tells it, once."""
    deliver(tmp_path)
    told: list[Outcome] = []
    full = [True]

    def take(outcome: Outcome) -> bool:
        if not full[0]:
            told.append(outcome)
        return not full[0]

    found = Controls(store, tmp_path, [control()], SHANGHAI, lambda: NOW, take, with_reports=False)
    assert found.catch_up() == 1
    full[0] = False
    found.tell()
    found.tell()
    assert [outcome.probe for outcome in told] == ["pay/reconcile"]


def test_a_refused_day_is_tried_again_until_its_file_is_there(store: Engine, tmp_path: Path) -> None:
    """Refused again for the same reason is no further row; delivered, it is run and the refusal is over.

    Nothing was said of when the file is due, or it would be the watch over arrivals that tells it (test_absent).
    """
    deliver(tmp_path, missing=True)
    told: list[Outcome] = []
    undue = control(parties={party: {"path": entry["path"]} for party, entry in PARTIES.items()})
    found = Controls(store, tmp_path, [undue], SHANGHAI, lambda: NOW, taking(told), with_reports=False)
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
    import bomc.assurance.runs as module

    deliver(tmp_path)
    calls = []

    def run(request: object) -> object:
        calls.append(request)
        if len(calls) == 1:
            raise RuntimeError("the engine is out of memory")
        return run_match(request)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "run_match", run)
    two = [control(), control().model_copy(update={"name": "second"})]
    told: list[Outcome] = []
    found = Controls(store, tmp_path, two, SHANGHAI, lambda: NOW, taking(told), with_reports=False)
    assert found.catch_up() == 1
    assert found.catch_up() == 1
    assert sorted(row.control for row in rows(store, control_run)) == ["pay", "second"]


SCHEDULES = [
    ("the cycles' days alone", {"cycles": [1, 5]}, 3, ["2026-11-01"]),
    ("a cycle that is long past is still the latest", {"cycles": [10]}, 3, ["2026-10-10"]),
    ("the first of the month", {"month_day": 1}, 31, ["2026-11-01"]),
    ("working days: the 31st and the 1st are a weekend", {"days": "weekdays"}, 4, ["2026-10-29", "2026-10-30"]),
]


@pytest.mark.parametrize(("schedule", "days", "expected"), [s[1:] for s in SCHEDULES], ids=[s[0] for s in SCHEDULES])
def test_a_schedule_names_the_business_days(schedule: dict[str, Any], days: int, expected: list[str]) -> None:
    planned = control(schedule={"at": "00:40", **schedule}, catch_up_days=days)
    assert [day.isoformat() for day in due_days(planned, SHANGHAI, NOW)] == expected


def test_the_day_before_is_that_of_the_schedule() -> None:
    assert day_before(control(schedule={"at": "00:40", "days": "weekdays"}), date(2026, 11, 2)) == date(2026, 10, 30)
    assert day_before(control(), DAY) == date(2026, 10, 31)
    assert day_before(control(schedule={"at": "00:40", "month_day": 31}), date(2026, 11, 30)) == date(2026, 10, 31)


def test_a_deadline_is_on_the_day_after_and_a_control_may_have_none() -> None:
    assert deadline(control(), SHANGHAI, DAY) is None
    until = deadline(control(deadline="12:00"), SHANGHAI, DAY)
    assert until == datetime.fromisoformat("2026-11-02T12:00:00+08:00")


def labelled(told: list[Outcome], probe: str) -> dict[tuple[str, str], float]:
    """Indicator and party or day of the latest outcome of a probe."""
    outcome = next(item for item in reversed(told) if item.probe == probe)
    return {
        (sample.indicator.removeprefix("reconciliation."), dict(sample.labels).get("party", "")): sample.value
        for sample in outcome.samples
    }


def test_a_round_watches_files_runs_what_is_due_and_tells_of_the_desk(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path)
    for path in (tmp_path / "exchange" / DAY.isoformat()).iterdir():
        os.utime(path, (1793548800, 1793548800))  # midnight of the 2nd in Shanghai
    told: list[Outcome] = []
    controls(store, tmp_path, told).round()
    assert {outcome.probe for outcome in told} == {"pay/reconcile", "pay/arrival", "pay/desk"}
    arrivals = labelled(told, "pay/arrival")
    assert {value for (name, _), value in arrivals.items()} == {0.0}
    assert {party for _, party in arrivals} == set(PARTIES)
    assert labelled(told, "pay/desk") == {("open_cases", ""): 1, ("overdue_cases", ""): 0}
    assert {row.party for row in rows(store, file_delivery)} == set(PARTIES)


def test_a_run_that_did_not_happen_by_its_deadline_is_a_fault(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is broken; at the deadline the day is missing, and once it has run it is not any more."""
    import bomc.assurance.runs as module

    deliver(tmp_path)
    told: list[Outcome] = []
    planned = control(deadline="12:00")
    found = Controls(store, tmp_path, [planned], SHANGHAI, lambda: NOW, taking(told), with_reports=False)
    with monkeypatch.context() as broken:
        broken.setattr(module, "run_match", lambda request: 1 / 0)
        found.round()
    assert labelled(told, "pay/missing") == {("run_missing", ""): 1}
    found.round()
    assert labelled(told, "pay/missing") == {("run_missing", ""): 0}


def test_a_storm_is_told_as_one_figure_of_the_run(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path)
    told: list[Outcome] = []
    for storm, classes in ((1, 1), (0, 0)):
        planned = control(limits={"storm": 1}).model_copy(
            update={"limits": control().limits.model_copy(update={"storm": storm})}
        )
        Controls(store, tmp_path, [planned], SHANGHAI, lambda: NOW, taking(told), with_reports=False).run_day(
            planned, DAY
        )
        names = [sample.indicator for sample in told[-1].samples]
        assert names.count("reconciliation.breaks") == classes
        assert names.count("reconciliation.breaks_total") == 1


def test_a_break_is_a_case_whatever_run_finds_it_again(store: Engine, tmp_path: Path) -> None:
    """The same day run again, and the next day that finds the same break, add no case."""
    deliver(tmp_path)
    told: list[Outcome] = []
    found = controls(store, tmp_path, told)
    found.catch_up()
    found.run_day(control(), DAY)
    [case] = rows(store, break_case)
    assert (case.control, case.business_key, case.state, case.business_day) == ("pay", "b", "open", "2026-11-01")
    assert case.deadline == NOW + timedelta(days=3)


def test_an_approved_back_fill_is_proven_by_the_next_day(store: Engine, tmp_path: Path) -> None:
    """Billing lacked a record; it is proposed by one person, approved by another, delivered late, and matched."""
    deliver(tmp_path)
    told: list[Outcome] = []
    controls(store, tmp_path, told).catch_up()
    [case] = rows(store, break_case)
    with writing(store) as connection:
        cases.assign(connection, [case.id], "li.wei", "li.wei", NOW)
        number = adjustments.propose(
            connection, case.id, "li.wei", "back_fill", "billing", 1000, "the call-back was lost", NOW
        )
        adjustments.approve(connection, number, "zhang.min", "", NOW)
    next_day = DAY + timedelta(days=1)
    folder = tmp_path / "exchange" / next_day.isoformat()
    folder.mkdir()
    for party in PARTIES:
        late = [record("b", "b-late", business_day=next_day.isoformat())] if party == "billing" else []
        write(folder / f"{party}.csv", party, next_day, late)
    later = controls(store, tmp_path, told, NOW + timedelta(days=1))
    assert later.catch_up() == 1
    assert [row.outcome for row in rows(store, control_run)] == ["breaks", "clean"]
    [adjustment] = rows(store, break_adjustment)
    assert adjustment.proven_by_run == rows(store, control_run)[-1].id
    assert rows(store, break_case)[0].state == "proven"
    before = (tmp_path / "runs" / "pay" / "2026-11-02" / "certificate.json").read_bytes()
    later.run_day(control(), next_day)
    assert (tmp_path / "runs" / "pay" / "2026-11-02" / "certificate.json").read_bytes() == before
    assert len(rows(store, control_run)) == 2
    verdict = verify(tmp_path / "runs" / "pay")
    assert verdict.sound, verdict.faults


def test_a_day_is_run_again_when_the_day_before_it_has_another_result(store: Engine, tmp_path: Path) -> None:
    """The 31st is delivered anew after the 1st was run; the chain is made whole by running the 1st again."""
    earlier = DAY - timedelta(days=1)
    deliver(tmp_path, earlier)
    deliver(tmp_path)
    told: list[Outcome] = []
    planned = control(catch_up_days=2)
    found = Controls(store, tmp_path, [planned], SHANGHAI, lambda: NOW, taking(told), with_reports=False)
    assert found.catch_up() == 2
    folder = tmp_path / "exchange" / earlier.isoformat()
    for party in PARTIES:
        write(folder / f"{party}.csv", party, earlier, [record("new", business_day=earlier.isoformat())])
    found.run_day(planned, earlier)
    assert found.catch_up() == 1
    assert found.catch_up() == 0
    verdict = verify(tmp_path / "runs" / "pay")
    assert verdict.sound, verdict.faults


def equation(name: str = "totals", of: str = "pay") -> EquationControl:
    return EquationControl.model_validate(
        {
            "name": name,
            "title": {"en": "Totals", "zh": "总额"},
            "kind": "equation",
            "schedule": {"at": "00:50"},
            "quantities": {"breaks": {"unit": "1", "run": {"control": of, "take": "breaks"}}},
            "formula": "breaks",
            "unit": "1",
            "balanced": {"tolerance": 0},
            "catch_up_days": 1,
        }
    )


def test_an_equation_over_a_run_is_made_after_it_with_its_reports(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path)
    told: list[Outcome] = []
    found = Controls(store, tmp_path, [equation(), control()], SHANGHAI, lambda: NOW, taking(told))
    assert found.catch_up() == 2
    by_kind = {row.kind: row for row in rows(store, control_run)}
    assert (by_kind["equation"].outcome, by_kind["equation"].breaks) == ("breaks", 1)
    assert labelled(told, "totals/reconcile")["balanced", ""] == 0
    assert {path.name for path in (tmp_path / by_kind["equation"].folder).iterdir()} >= {"report.xlsx", "report.pdf"}


def test_controls_are_run_after_those_that_they_read() -> None:
    names = [each.name for each in in_order([equation("a", of="b"), equation("b", of="pay"), control()])]
    assert names == ["pay", "b", "a"]


def test_an_equation_is_made_again_when_the_run_that_it_reads_has_another_result(store: Engine, tmp_path: Path) -> None:
    """The match is mended and run by hand; the equation over it follows by itself, once."""
    deliver(tmp_path)
    told: list[Outcome] = []
    both = [equation(), control()]
    found = Controls(store, tmp_path, both, SHANGHAI, lambda: NOW, taking(told), with_reports=False)
    assert found.catch_up() == 2
    write(tmp_path / "exchange" / DAY.isoformat() / "billing.csv", "billing", DAY, [record("a"), record("b")])
    found.run_day(control(), DAY)
    assert found.catch_up() == 1
    assert found.catch_up() == 0
    results = [(row.control, row.outcome) for row in rows(store, control_run)]
    assert results == [("pay", "breaks"), ("totals", "breaks"), ("pay", "clean"), ("totals", "clean")]
    assert labelled(told, "totals/reconcile")["balanced", ""] == 1
