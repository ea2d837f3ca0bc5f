"""Signatures: two people, a run that ties out, and breaks that are cared for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Row, func, select, update

from core.people import audit
from core.store.open import writing
from core.store.tables import audit as trail
from core.store.tables import break_case, control_run, run_signature
from reconciliation.desk import adjustments, cases, signatures
from reconciliation.desk.cases import open_cases
from reconciliation.desk.journal import DeskError
from reconciliation.desk.proof import expected_lines
from tests.reconciliation.desk.world import CONTROL, DAY, DEADLINE, NEXT, NOON, account_of, case_of, line, run_of

STATES = {
    (): "unsigned",
    ("prepared",): "prepared",
    ("prepared", "reviewed"): "signed",
    ("prepared", "reopened"): "reopened",
    ("prepared", "reviewed", "reopened"): "reopened",
    ("prepared", "reviewed", "reopened", "prepared"): "prepared",
    ("prepared", "reviewed", "reopened", "prepared", "reviewed"): "signed",
}
EQUATION: dict[str, Any] = {"kind": "equation", "quantities": {}, "result": "0", "balanced": True, "hash": "hash-e"}
TIES: dict[str, Any] = {"parties": {}, "rows_tie": True, "amounts_tie": True, "hash": "h"}
UNSIGNABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a refused run": (
        {"outcome": "refused", "certificate": None},
        "Run {run} was refused; there is no result to sign. Mend its files and run the day again.",
    ),
    "a run without a certificate": (
        {"certificate": None},
        "Run {run} was refused; there is no result to sign. Mend its files and run the day again.",
    ),
    "a certificate without a hash": (
        {"certificate": TIES | {"hash": ""}},
        "The certificate of run {run} has no hash, so it proves nothing; run the day again.",
    ),
    "rows that do not tie": (
        {"certificate": TIES | {"rows_tie": False}},
        "Run {run} does not tie out: not every row of its files is accounted for. Keep its files and report it.",
    ),
    "amounts that do not tie": (
        {"certificate": TIES | {"amounts_tie": False}},
        "Run {run} does not tie out: not every amount of its files is accounted for. Keep its files and report it.",
    ),
    "ties that are not told": (
        {"certificate": {"parties": {}, "hash": "h"}},
        "Run {run} does not tie out: not every row of its files is accounted for. Keep its files and report it.",
    ),
    "an equation without a result": (
        {"kind": "equation", "certificate": EQUATION | {"result": None}},
        "Run {run} has no result: a quantity of its equation is unknown. Bring it and run again.",
    ),
}


@pytest.mark.parametrize("acts", STATES, ids=lambda acts: "-".join(acts) or "none")
def test_the_state_is_that_after_the_last_act(acts: tuple[str, ...]) -> None:
    """Signatures are rows in order; none of them is ever changed."""
    rows: list[Any] = [SimpleNamespace(act=act, certificate_hash="h") for act in acts]
    assert signatures.state(rows) == signatures.state(rows, "h") == STATES[acts]
    assert signatures.state(rows, "another") == "unsigned"


@pytest.mark.parametrize("name", UNSIGNABLE)
def test_what_does_not_tie_out_is_not_signed(store: Engine, name: str) -> None:
    """Neither prepared nor, had it been prepared, reviewed."""
    over, sentence = UNSIGNABLE[name]
    with writing(store) as connection:
        run = run_of(connection)
        signatures.prepare(connection, run.id, "li", "", NOON)
        connection.execute(run_signature.delete())
        connection.execute(update(control_run).values(**over))
        for act in (signatures.prepare, signatures.review):
            if act is signatures.review:
                hash_ = (over["certificate"] or {}).get("hash") or "h"
                connection.execute(
                    run_signature.insert().values(
                        run_id=run.id, act="prepared", who="wu", at=NOON, comment="", certificate_hash=hash_
                    )
                )
            with pytest.raises(DeskError) as refused:
                act(connection, run.id, "li", "", NOON)
            assert str(refused.value) == sentence.format(run=run.id)


def test_a_clean_run_is_prepared_by_one_and_reviewed_by_another(store: Engine) -> None:
    """Each signature is of the certificate's hash, and in the trail."""
    with writing(store) as connection:
        run = run_of(connection)
        assert _state(connection, run) == "unsigned"
        signatures.prepare(connection, run.id, "li", " ties ", NOON)
        assert _state(connection, run) == "prepared"
        with pytest.raises(DeskError, match=f"li prepared run {run.id}; another person must review it."):
            signatures.review(connection, run.id, "li", "", NOON)
        signatures.review(connection, run.id, "boss", "", NOON)
        assert _state(connection, run) == "signed"
        rows = signatures.of_run(connection, run.id)
        assert [(row.act, row.who, row.comment, row.certificate_hash) for row in rows] == [
            ("prepared", "li", "ties", run.certificate["hash"]),
            ("reviewed", "boss", "", run.certificate["hash"]),
        ]
        done = connection.execute(select(trail.c.action, trail.c.object).order_by(trail.c.id)).all()
        assert [tuple(row) for row in done] == [
            ("run_prepared", f"run/{run.id}"),
            ("run_reviewed", f"run/{run.id}"),
        ]
        assert audit.verify(connection) == []


@pytest.mark.parametrize(("prepares", "reviews"), [("li", "terminal:lw"), ("terminal:lw", "li"), ("li", "Li")])
def test_one_person_is_not_two_by_way_of_the_terminal(light: Engine, prepares: str, reviews: str) -> None:
    """Who prepared a run on a page is not its reviewer at the terminal; a colleague there is."""
    with writing(light) as connection:
        account_of(connection, "li", "lw")
        run = run_of(connection)
        signatures.prepare(connection, run.id, prepares, "", NOON)
        with pytest.raises(DeskError, match=f"{reviews} prepared run {run.id}; another person must review it."):
            signatures.review(connection, run.id, reviews, "", NOON)
        signatures.review(connection, run.id, "terminal:boss", "", NOON)
        assert _state(connection, run) == "signed"


ACTS: dict[str, Callable[[Connection, int], None]] = {
    "prepare": lambda connection, run: signatures.prepare(connection, run, "wu", "", NOON),
    "review": lambda connection, run: signatures.review(connection, run, "boss", "", NOON),
    "reopen": lambda connection, run: signatures.reopen(connection, run, "boss", "a late file", NOON),
}
OUT_OF_TURN: dict[tuple[tuple[str, ...], str], str] = {
    ((), "review"): "Run {run} is unsigned; to be reviewed, it must be prepared.",
    ((), "reopen"): "Run {run} is unsigned; there is no signature to take off.",
    (("prepare",), "prepare"): "Run {run} is prepared already, by wu; reopen it to sign it anew.",
    (("prepare", "review"), "prepare"): "Run {run} is signed already, by boss; reopen it to sign it anew.",
    (("prepare", "review"), "review"): "Run {run} is signed; to be reviewed, it must be prepared.",
    (("prepare", "reopen"), "review"): "Run {run} is reopened; to be reviewed, it must be prepared.",
    (("prepare", "reopen"), "reopen"): "Run {run} is reopened; there is no signature to take off.",
}


@pytest.mark.parametrize(("before", "act"), OUT_OF_TURN, ids=lambda part: "-".join(part) if part else "none")
def test_acts_out_of_turn_are_refused(store: Engine, before: tuple[str, ...], act: str) -> None:
    """The sentence says how far the run is."""
    with writing(store) as connection:
        run = run_of(connection)
        for each in before:
            ACTS[each](connection, run.id)
        with pytest.raises(DeskError) as refused:
            ACTS[act](connection, run.id)
        assert str(refused.value) == OUT_OF_TURN[before, act].format(run=run.id)
        assert len(signatures.of_run(connection, run.id)) == len(before)


def test_reopening_needs_a_reason_and_allows_to_sign_anew(store: Engine) -> None:
    """The old signatures stay in the history."""
    with writing(store) as connection:
        run = run_of(connection)
        ACTS["prepare"](connection, run.id)
        with pytest.raises(DeskError, match="This needs a reason; nothing was written"):
            signatures.reopen(connection, run.id, "boss", " ", NOON)
        for act in ("review", "reopen", "prepare", "review"):
            ACTS[act](connection, run.id)
        assert _state(connection, run) == "signed"
        assert len(signatures.of_run(connection, run.id)) == 5


def test_a_run_that_is_not_there_is_told(store: Engine) -> None:
    """Whatever is asked of it."""
    with writing(store) as connection:
        for act in ACTS.values():
            with pytest.raises(DeskError, match=r"There is no run 7\."):
                act(connection, 7)


def test_every_break_needs_somebody_and_a_reason(store: Engine) -> None:
    """The refusal counts the breaks that lack them; carried items count for nothing."""
    lines = [line("T1"), line("T2"), line("T3"), line("T4", "in_doubt", payment=3, carried=True)]
    with writing(store) as connection:
        run = run_of(connection, DAY, lines)
        assert signatures.lacking(connection, run) == 3  # no case yet
        open_cases(connection, run, lines, NOON, DEADLINE)
        numbers = list(connection.scalars(select(break_case.c.id).order_by(break_case.c.id)))
        cases.assign(connection, numbers, "boss", "li", NOON)
        cases.set_reason(connection, numbers[:1], "li", "timing", NOON)
        with pytest.raises(DeskError) as refused:
            signatures.prepare(connection, run.id, "li", "", NOON)
        assert str(refused.value) == (
            f"2 of the 3 breaks of run {run.id} are neither settled nor have an owner and a reason code; give them both."
        )
        cases.set_reason(connection, numbers[1:2], "li", "timing", NOON)
        cases.explain(connection, numbers[2:], "li", "rounding", "a fraction", NOON)
        signatures.prepare(connection, run.id, "li", "", NOON)
        cases.reopen(connection, numbers[2:], "boss", "not so", NOON)
        connection.execute(update(break_case).where(break_case.c.id == numbers[2]).values(owner=None))
        with pytest.raises(DeskError, match="1 of the 3 breaks"):
            signatures.review(connection, run.id, "boss", "", NOON)


@pytest.mark.parametrize("state", ["approved", "proven", "written_off", "explained"])
def test_a_settled_break_needs_nobody(store: Engine, state: str) -> None:
    """What was decided by two people, or explained, holds no signature up."""
    with writing(store) as connection:
        made = line("T1")
        run = run_of(connection, DAY, [made])
        open_cases(connection, run, [made], NOON, DEADLINE)
        connection.execute(update(break_case).values(state=state))
        signatures.prepare(connection, run.id, "li", "", NOON)


def test_breaks_that_the_store_could_not_hold_hold_up_the_signature(store: Engine) -> None:
    """They have no case, so nobody cares for them."""
    with writing(store) as connection:
        run = run_of(connection, DAY, breaks=30_000, outcome="breaks")
        with pytest.raises(DeskError, match="30000 of the 30000 breaks"):
            signatures.prepare(connection, run.id, "li", "", NOON)


def test_a_run_of_other_files_is_unsigned_and_replaces_the_first(store: Engine) -> None:
    """Only the latest result of a day is signed; a refused attempt after it replaces nothing."""
    with writing(store) as connection:
        first = run_of(connection)
        ACTS["prepare"](connection, first.id)
        second = run_of(connection, mark="other files")
        run_of(connection, mark="refused", outcome="refused", certificate=None)
        run_of(connection, NEXT)
        run_of(connection, control="another")
        assert _state(connection, second) == "unsigned"
        with pytest.raises(DeskError) as refused:
            signatures.review(connection, first.id, "boss", "", NOON)
        assert str(refused.value) == f"Run {first.id} was replaced by run {second.id} of the same day; sign that one."
        signatures.prepare(connection, second.id, "li", "", NOON)


def test_a_certificate_exchanged_under_its_signatures_is_unsigned(store: Engine) -> None:
    """A signature counts only for the hash that was signed."""
    with writing(store) as connection:
        run = run_of(connection)
        ACTS["prepare"](connection, run.id)
        connection.execute(update(control_run).values(certificate={**run.certificate, "hash": "another"}))
        with pytest.raises(DeskError, match=f"Run {run.id} is unsigned; to be reviewed, it must be prepared."):
            signatures.review(connection, run.id, "boss", "", NOON)


def test_a_balanced_equation_is_signed(store: Engine) -> None:
    """It has a result instead of rows that tie."""
    with writing(store) as connection:
        run = run_of(connection, kind="equation", certificate=EQUATION)
        signatures.prepare(connection, run.id, "li", "", NOON)
        signatures.review(connection, run.id, "boss", "", NOON)
        assert _state(connection, run) == "signed"


def test_a_reversal_that_has_not_come_is_the_case_of_its_adjustment(store: Engine) -> None:
    """The next day's line of expected records opens no second case, and holds no signature up."""
    with writing(store) as connection:
        number = case_of(connection, line("T1", "duplicate_charge", payment=700))
        proposed = adjustments.propose(connection, number, "li", "reversal", "payment", 700, "twice", NOON)
        adjustments.approve(connection, proposed, "boss", "", NOON)
        (brought,) = expected_lines(connection, CONTROL, date.fromisoformat(NEXT))
        left = brought | {"class": "missing_in_payment", "carried": False}
        run = run_of(connection, NEXT, [left])
        assert signatures.lacking(connection, run) == 0
        assert open_cases(connection, run, [left], NOON, DEADLINE) == cases.Opened(new=0, known=1)
        assert open_cases(connection, run, [left], NOON, DEADLINE) == cases.Opened(new=0, known=1)
        assert connection.scalar(select(func.count()).select_from(break_case)) == 1
        signatures.prepare(connection, run.id, "li", "", NOON)
        cases.reopen(connection, [number], "boss", "the bank cannot", NOON)
        assert signatures.lacking(connection, run) == 1


def _state(connection: Connection, run: Row[Any]) -> str:
    return signatures.state(signatures.of_run(connection, run.id), run.certificate["hash"])
