"""Runs that people ask for: answered once, in their order, after a kill too, and with all that rests on them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from bomc.assurance.controls import Controls
from core.model import Outcome
from core.store.open import reading, writing
from core.store.tables import control_run, run_request, run_signature
from reconciliation.desk import cases, reruns, signatures
from reconciliation.standard_record import write
from reconciliation.verify import verify
from tests.bomc.assurance.test_controls import DAY, NOW, SHANGHAI, control, controls, deliver, equation, taking
from tests.bomc.pipeline.world import rows
from tests.reconciliation.days import record

BEFORE = DAY - timedelta(days=1)
LONG_AGO = DAY - timedelta(days=9)


def ask(store: Engine, day: date = DAY, name: str = "pay") -> int:
    with writing(store) as connection:
        return reruns.ask(connection, name, day, "sun.yi", "The file was mended.", NOW)


def answers(store: Engine) -> list[tuple[str, Any]]:
    """State and run or sentence of every request."""
    return [(reruns.state(row), row.run_id or row.fault) for row in rows(store, run_request)]


def mend(home: Path, day: date = DAY) -> None:
    """Billing delivers the record that it lacked."""
    lines = [record(key, business_day=day.isoformat()) for key in ("a", "b")]
    write(home / "exchange" / day.isoformat() / "billing.csv", "billing", day, lines)


def test_a_day_is_run_again_as_asked_and_the_request_names_the_new_run(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path)
    told: list[Outcome] = []
    found = controls(store, tmp_path, told)
    found.catch_up()
    mend(tmp_path)
    ask(store)
    assert found.answer_requests() == 1
    assert found.answer_requests() == 0
    assert [row.outcome for row in rows(store, control_run)] == ["breaks", "clean"]
    assert answers(store) == [("done", 2)]
    assert told[-1].probe == "pay/reconcile"


def test_the_same_files_are_the_same_run_and_the_request_names_it(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path)
    found = controls(store, tmp_path, [])
    found.catch_up()
    ask(store)
    found.round()
    assert len(rows(store, control_run)) == 1
    assert answers(store) == [("done", 1)]


def test_a_day_that_never_ran_and_is_not_due_any_more_is_run_when_asked_for(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path, LONG_AGO)
    ask(store, LONG_AGO)
    controls(store, tmp_path, []).answer_requests()
    [row] = rows(store, control_run)
    assert (row.business_day, row.outcome) == (LONG_AGO.isoformat(), "breaks")
    assert answers(store) == [("done", row.id)]


def test_a_refusal_is_an_outcome_like_any_other(store: Engine, tmp_path: Path) -> None:
    deliver(tmp_path, missing=True)
    ask(store)
    controls(store, tmp_path, []).answer_requests()
    [row] = rows(store, control_run)
    assert row.outcome == "refused"
    assert answers(store) == [("done", row.id)]


@pytest.mark.parametrize(
    ("name", "day", "sentence"),
    [
        ("gone", DAY, "There is no control gone in the configuration of the pipeline; add its file and ask again."),
        ("pay", DAY + timedelta(days=1), "The business day 2026-11-02 of pay is not over yet; ask again when it is."),
        ("weekly", DAY, "The schedule of weekly leaves 2026-11-01 out; ask for one of its business days."),
    ],
)
def test_what_cannot_be_run_is_answered_with_a_sentence(
    store: Engine, tmp_path: Path, name: str, day: date, sentence: str
) -> None:
    weekly = control(schedule={"at": "00:40", "days": "weekdays"}).model_copy(update={"name": "weekly"})
    found = Controls(store, tmp_path, [control(), weekly], SHANGHAI, lambda: NOW, taking([]), with_reports=False)
    ask(store, day, name)
    assert found.answer_requests() == 1
    assert answers(store) == [("failed", sentence)]
    assert rows(store, control_run) == []


def test_a_run_that_breaks_down_is_said_and_the_next_request_is_answered(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bomc.assurance.runs as module

    deliver(tmp_path)
    deliver(tmp_path, BEFORE)
    ask(store)
    found = controls(store, tmp_path, [])
    with monkeypatch.context() as broken:
        broken.setattr(module, "run_match", lambda request: 1 / 0)
        assert found.answer_requests() == 1
    ask(store, BEFORE)
    assert found.answer_requests() == 1
    assert answers(store) == [
        (
            "failed",
            "The run of pay for 2026-11-01 broke down (division by zero); the log of the pipeline says more. "
            "Mend it and ask again.",
        ),
        ("done", 1),
    ]


def test_a_request_that_a_killed_pipeline_had_begun_is_taken_up_again(store: Engine, tmp_path: Path) -> None:
    """Before its run, and after it: in both cases there is one run, and the request is answered."""
    deliver(tmp_path)
    ask(store)
    with writing(store) as connection:
        reruns.take(connection, NOW)
    later = controls(store, tmp_path, [])
    later.round()
    assert answers(store) == [("done", 1)]

    ask(store)
    with writing(store) as connection:
        reruns.take(connection, NOW)
    controls(store, tmp_path, []).run_day(control(), DAY)
    controls(store, tmp_path, []).round()
    assert answers(store) == [("done", 1), ("done", 1)]
    assert len(rows(store, control_run)) == 1


def test_a_request_stays_open_while_the_store_is_away_or_nobody_can_be_told(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bomc.assurance.runs as module

    def away(request: object) -> object:
        raise OperationalError("select", {}, Exception("the server went away"))

    deliver(tmp_path, LONG_AGO)
    ask(store, LONG_AGO)
    full, told = [True], list[Outcome]()

    def take(outcome: Outcome) -> bool:
        if not full[0]:
            told.append(outcome)
        return not full[0]

    found = Controls(store, tmp_path, [control()], SHANGHAI, lambda: NOW, take, with_reports=False)
    with monkeypatch.context() as broken:
        broken.setattr(module, "run_match", away)
        found.round()
    assert answers(store) == [("running", None)]
    assert found.answer_requests() == 0
    assert answers(store) == [("running", None)]
    full[0] = False
    assert found.answer_requests() == 1
    assert answers(store) == [("done", 1)]
    assert [outcome.probe for outcome in told] == ["pay/reconcile"]


def test_what_rests_on_a_day_that_was_asked_for_follows_it_however_long_ago(store: Engine, tmp_path: Path) -> None:
    """The days after it and the equation over it; a day that never ran is not begun."""
    days = [LONG_AGO + timedelta(days=number) for number in range(3)]
    both = [equation(), control()]
    found = Controls(store, tmp_path, both, SHANGHAI, lambda: NOW, taking([]), with_reports=False)
    for day in days:
        deliver(tmp_path, day)
        found.run_day(control(), day)
    found.run_day(equation(), days[0])
    mend(tmp_path, days[0])
    ask(store, days[0])
    assert found.answer_requests() == 1
    made = [(row.control, row.business_day) for row in rows(store, control_run)][4:]
    assert made == [
        ("pay", days[0].isoformat()),
        ("pay", days[1].isoformat()),
        ("pay", days[2].isoformat()),
        ("totals", days[0].isoformat()),
    ]
    verdict = verify(tmp_path / "runs" / "pay")
    assert verdict.sound, verdict.faults
    assert answers(store) == [("done", 5)]


def test_a_signed_day_stays_signed_with_the_same_files_and_is_unsigned_with_others(
    store: Engine, tmp_path: Path
) -> None:
    """A signature is of one certificate."""
    deliver(tmp_path)
    found = controls(store, tmp_path, [])
    found.catch_up()
    with writing(store) as connection:
        cases.assign(connection, [1], "li.wei", "li.wei", NOW)
        cases.set_reason(connection, [1], "li.wei", "timing", NOW)
        signatures.prepare(connection, 1, "li.wei", "", NOW)
        signatures.review(connection, 1, "sun.yi", "", NOW)

    def signed(number: int) -> str:
        [run] = [row for row in rows(store, control_run) if row.id == number]
        with reading(store) as connection:
            return signatures.state(signatures.of_run(connection, number), run.certificate["hash"])

    ask(store)
    found.answer_requests()
    assert signed(1) == "signed"
    mend(tmp_path)
    ask(store)
    found.answer_requests()
    assert (signed(1), signed(2)) == ("signed", "unsigned")
    assert len(rows(store, run_signature)) == 2


def test_a_run_during_which_bomc_stops_is_left_and_begun_again_at_the_next_start(
    light: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line of the log says so, without a traceback; a day that was asked for is not answered with a fault."""
    deliver(tmp_path)
    deliver(tmp_path, LONG_AGO)
    ask(light, LONG_AGO)
    found = controls(light, tmp_path, [])

    def stopping(*_: Any, **__: Any) -> Any:
        found.stop()
        raise RuntimeError("cannot schedule new futures after shutdown")

    with monkeypatch.context() as patched:
        patched.setattr("bomc.assurance.runs.run_match", stopping)
        found.round()
    assert [(line.levelname, line.getMessage(), line.exc_info) for line in caplog.records] == [
        (
            "WARNING",
            f"The run of pay for {LONG_AGO} was left, because bomc stops; the next start begins it again.",
            None,
        )
    ]
    assert (rows(light, control_run), answers(light)) == ([], [("running", None)])
    controls(light, tmp_path, []).round()
    assert [row.business_day for row in rows(light, control_run)] == [LONG_AGO.isoformat(), DAY.isoformat()]
    assert answers(light) == [("done", 1)]


def test_a_due_run_during_which_bomc_stops_is_the_last_thing_begun(
    light: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither another day nor anything else of the round is begun behind it."""
    deliver(tmp_path)
    told: list[Outcome] = []
    found = controls(light, tmp_path, told)

    def stopping(*_: Any, **__: Any) -> Any:
        told.clear()
        found.stop()
        raise RuntimeError("cannot schedule new futures after shutdown")

    monkeypatch.setattr("bomc.assurance.runs.run_match", stopping)
    found.round()
    assert (told, len(caplog.records)) == ([], 1)
    found.round()
    assert (told, len(caplog.records)) == ([], 1)
