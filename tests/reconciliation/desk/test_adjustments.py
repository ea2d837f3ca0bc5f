"""Adjustments: proposed by one person, decided by another, and only where they can correct the break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select, update

from core.people import audit
from core.store.open import writing
from core.store.tables import audit as trail
from core.store.tables import break_adjustment, break_case, break_event
from reconciliation.desk import adjustments, cases
from reconciliation.desk.journal import DeskError
from tests.reconciliation.desk.world import NEXT, NOON, account_of, case_of, force, line, run_of, the_case, told

DUPLICATE = line("T1", "duplicate_charge", payment=700)
FEES = line("T1", "fee_mismatch", billing=300, platform=300, payment=300)
SHORT = line("T1", "amount_shortfall", billing=500, platform=500, payment=400, at_risk_minor=100)
FAILED = line("T1", "status_book_failed", billing={"amount_minor": 500, "status": "failed"}, platform=500, payment=500)
DOLLARS = line("T1", "currency_mismatch", billing=500, platform=500, payment={"amount_minor": 80, "currency": "USD"})

MISFITS: dict[str, tuple[dict[str, Any], tuple[str, str | None, int, str], str]] = {
    "no reason": (line("T1"), ("write_off", None, 5000, " "), "This needs a reason; nothing was written."),
    "no such kind": (
        line("T1"),
        ("gift", None, 5000, "r"),
        "There is no kind of adjustment 'gift'; choose one of back_fill, reversal, write_off.",
    ),
    "nothing": (
        line("T1"),
        ("write_off", None, 0, "r"),
        "The amount 0 does not lie between 1 and 5000, the money at risk of break {case} in minor units.",
    ),
    "more than is at risk": (
        line("T1"),
        ("reversal", "payment", 5001, "r"),
        "The amount 5001 does not lie between 1 and 5000, the money at risk of break {case} in minor units.",
    ),
    "a write-off of a party": (
        line("T1"),
        ("write_off", "billing", 5000, "r"),
        "A write-off corrects no party's records; leave the party out.",
    ),
    "no party": (
        line("T1"),
        ("back_fill", None, 5000, "r"),
        "None is no party of mobile-payment; choose one of billing, payment, platform.",
    ),
    "an unknown party": (
        line("T1"),
        ("back_fill", "bank", 5000, "r"),
        "'bank' is no party of mobile-payment; choose one of billing, payment, platform.",
    ),
    "a reversal of what is not there": (
        line("T1"),
        ("reversal", "billing", 5000, "r"),
        "billing has no successful record in break {case} that it could reverse; name who has.",
    ),
    "a reversal of what failed": (
        FAILED,
        ("reversal", "billing", 500, "r"),
        "billing has no successful record in break {case} that it could reverse; name who has.",
    ),
    "a back-fill where nobody else has anything": (
        DUPLICATE,
        ("back_fill", "payment", 700, "r"),
        "No other party has a successful record in break {case}, so none of payment's can be lacking; "
        "reverse it or write it off.",
    ),
    "a part of a record": (
        line("T1"),
        ("back_fill", "billing", 4999, "r"),
        "A back-fill at billing brings the whole record of break {case}; its amount is 5000.",
    ),
    "more than the record has": (
        DOLLARS,
        ("reversal", "payment", 81, "r"),
        "payment's record in break {case} is of 80; reverse no more than that.",
    ),
    "fees": (
        FEES,
        ("reversal", "payment", 300, "r"),
        "Break {case} is one of fees, which no record corrects; explain it or write it off.",
    ),
}
FITS: dict[str, tuple[dict[str, Any], str, str | None, int, str]] = {
    "a lacking record": (line("T1"), "back_fill", "billing", 5000, "CNY"),
    "a failed record made good": (FAILED, "back_fill", "billing", 500, "CNY"),
    "a refund of what was not booked": (line("T1"), "reversal", "payment", 5000, "CNY"),
    "a refund of a part": (line("T1"), "reversal", "payment", 1, "CNY"),
    "a refund of a second charge": (DUPLICATE, "reversal", "payment", 700, "CNY"),
    "a part of a difference": (SHORT, "back_fill", "payment", 99, "CNY"),
    "a reversal in the record's own currency": (DOLLARS, "reversal", "payment", 80, "USD"),
    "a record in the currency of the rest": (DOLLARS, "back_fill", "payment", 500, "CNY"),
    "a write-off of fees": (FEES, "write_off", None, 300, "CNY"),
}
Doing = Callable[[Connection, int, str, str], None]
DECISIONS: dict[str, Doing] = {
    name: lambda connection, number, who, text, doing=doing: doing(connection, number, who, text, NOON)  # type: ignore[misc]
    for name, doing in {
        "approve": adjustments.approve,
        "reject": adjustments.reject,
        "withdraw": adjustments.withdraw,
    }.items()
}
REFUSED_DECISIONS = {
    "approving one's own": ("approve", "li", "", "li proposed adjustment {it}; another person must approve it."),
    "rejecting one's own": ("reject", "li", "no", "li proposed adjustment {it}; another person must reject it."),
    "rejecting without a word": ("reject", "boss", " ", "This needs a comment that says why; nothing was written."),
    "withdrawing another's": (
        "withdraw",
        "boss",
        "",
        "Adjustment {it} was proposed by li; only they can withdraw it.",
    ),
}


def _propose(connection: Connection, number: int, kind: str = "reversal", party: str | None = "payment") -> int:
    return adjustments.propose(connection, number, "li", kind, party, 5000, "charged, not booked", NOON)


@pytest.mark.parametrize("name", MISFITS)
def test_what_cannot_correct_the_break_is_refused(store: Engine, name: str) -> None:
    """The sentence says why, and nothing is written."""
    made, (kind, party, amount, reason), sentence = MISFITS[name]
    with writing(store) as connection:
        number = case_of(connection, made)
        before = _counts(connection)
        with pytest.raises(DeskError) as refused:
            adjustments.propose(connection, number, "li", kind, party, amount, reason, NOON)
        assert str(refused.value) == sentence.format(case=number)
        assert _counts(connection) == before
        assert the_case(connection, number).state == "open"


@pytest.mark.parametrize("name", FITS)
def test_what_can_correct_the_break_is_proposed(store: Engine, name: str) -> None:
    """It waits for another person's decision, in the currency of what is corrected."""
    made, kind, party, amount, currency = FITS[name]
    with writing(store) as connection:
        number = case_of(connection, made)
        proposed = adjustments.propose(connection, number, "li", kind, party, amount, "so it was", NOON)
        row = connection.execute(select(break_adjustment).where(break_adjustment.c.id == proposed)).one()
        assert (row.case_id, row.kind, row.party, row.amount_minor, row.currency) == (
            number,
            kind,
            party,
            amount,
            currency,
        )
        assert (row.proposed_by, row.proposed_at, row.decision) == ("li", NOON, None)
        assert the_case(connection, number).state == "proposed"
        assert told(connection, number)[-1] == ("proposed", "li")


@pytest.mark.parametrize("state", ["approved", "proven", "written_off", "explained"])
def test_only_an_open_case_takes_a_proposal(store: Engine, state: str) -> None:
    """A closed one is reopened first, an approved one waits for its proof."""
    with writing(store) as connection:
        number = case_of(connection)
        force(connection, number, state)
        with pytest.raises(DeskError, match=f"Break {number} is {state}; to propose an adjustment, it must be open."):
            _propose(connection, number)


def test_there_is_one_open_proposal_at_most(store: Engine) -> None:
    """The second is refused, naming who made the first; after a withdrawal there may be another."""
    with writing(store) as connection:
        number = case_of(connection)
        first = _propose(connection, number)
        with pytest.raises(DeskError, match=f"Break {number} has a proposal by li; decide or withdraw that one first."):
            _propose(connection, number)
        adjustments.withdraw(connection, first, "li", "", NOON)
        assert _propose(connection, number) != first


@pytest.mark.parametrize("name", REFUSED_DECISIONS)
def test_who_may_not_decide_is_refused(store: Engine, name: str) -> None:
    """One person proposes, another decides; only the proposer withdraws."""
    doing, who, text, sentence = REFUSED_DECISIONS[name]
    with writing(store) as connection:
        number = case_of(connection)
        proposed = _propose(connection, number)
        before = _counts(connection)
        with pytest.raises(DeskError) as refused:
            DECISIONS[doing](connection, proposed, who, text)
        assert str(refused.value) == sentence.format(it=proposed)
        assert _counts(connection) == before
        assert the_case(connection, number).state == "proposed"


@pytest.mark.parametrize("console", [True, False], ids=["console", "terminal"])
def test_one_person_is_not_two_by_way_of_the_terminal(light: Engine, console: bool) -> None:
    """Proposed on a page and decided at the terminal, or the other way round: the same person, who may only withdraw."""
    names = ("li", "terminal:lw") if console else ("terminal:lw", "li")
    with writing(light) as connection:
        account_of(connection, "li", "lw")
        number = case_of(connection)
        proposed = adjustments.propose(connection, number, names[0], "reversal", "payment", 5000, "twice", NOON)
        for doing in ("approve", "reject"):
            with pytest.raises(
                DeskError, match=f"{names[1]} proposed adjustment {proposed}; another person must {doing}"
            ):
                DECISIONS[doing](connection, proposed, names[1], "no")
        DECISIONS["withdraw"](connection, proposed, names[1], "")
        assert the_case(connection, number).state == "open"


@pytest.mark.parametrize("second", DECISIONS)
@pytest.mark.parametrize(("first", "by", "word"), [("approve", "boss", "approved"), ("withdraw", "li", "withdrawn")])
def test_a_decision_is_made_once(store: Engine, first: str, by: str, word: str, second: str) -> None:
    """Whoever comes second is told who was first."""
    with writing(store) as connection:
        proposed = _propose(connection, case_of(connection))
        DECISIONS[first](connection, proposed, by, "fine")
        with pytest.raises(DeskError, match=f"Adjustment {proposed} is {word} by {by} already."):
            DECISIONS[second](connection, proposed, "chen", "fine")


@pytest.mark.parametrize(
    ("doing", "kind", "decision", "state", "closed"),
    [
        ("approve", "reversal", "approved", "approved", False),
        ("approve", "write_off", "approved", "written_off", True),
        ("reject", "reversal", "rejected", "open", False),
        ("reject", "write_off", "rejected", "open", False),
        ("withdraw", "reversal", "withdrawn", "open", False),
    ],
)
def test_decisions_move_the_case(store: Engine, doing: str, kind: str, decision: str, state: str, closed: bool) -> None:
    """An approved write-off closes its case, another approval waits for its proof, anything else opens it again."""
    who = "li" if doing == "withdraw" else "boss"
    with writing(store) as connection:
        number = case_of(connection)
        proposed = _propose(connection, number, kind, None if kind == "write_off" else "payment")
        DECISIONS[doing](connection, proposed, who, "seen")
        row = connection.execute(select(break_adjustment).where(break_adjustment.c.id == proposed)).one()
        assert (row.decision, row.decided_by, row.decided_at, row.comment) == (decision, who, NOON, "seen")
        case = the_case(connection, number)
        assert (case.state, case.closed_at) == (state, NOON if closed else None)
        assert told(connection, number)[-1] == (decision, who)
        assert audit.verify(connection) == []


def test_what_does_not_exist_is_told(store: Engine) -> None:
    """A case, an adjustment and a run that are not there."""
    with writing(store) as connection:
        with pytest.raises(DeskError, match=r"There is no break 7\."):
            _propose(connection, 7)
        for doing in DECISIONS.values():
            with pytest.raises(DeskError, match=r"There is no adjustment 7\."):
                doing(connection, 7, "boss", "fine")
        with pytest.raises(DeskError, match=r"There is no adjustment 7\."):
            adjustments.prove(connection, 7, 1, NOON)
        proposed = _propose(connection, case_of(connection))
        adjustments.approve(connection, proposed, "boss", "", NOON)
        with pytest.raises(DeskError, match=r"There is no run 99999\."):
            adjustments.prove(connection, proposed, 99_999, NOON)


def test_a_later_run_proves_an_approved_adjustment_once(store: Engine) -> None:
    """The case is closed with it, and the run is named."""
    with writing(store) as connection:
        number = case_of(connection)
        proposed = _propose(connection, number)
        adjustments.approve(connection, proposed, "boss", "", NOON)
        run = run_of(connection, NEXT)
        adjustments.prove(connection, proposed, run.id, NOON)
        row = connection.execute(select(break_adjustment).where(break_adjustment.c.id == proposed)).one()
        assert (row.proven_at, row.proven_by_run) == (NOON, run.id)
        case = the_case(connection, number)
        assert (case.state, case.closed_at) == ("proven", NOON)
        assert told(connection, number)[-1] == ("proven", "reconciliation")
        with pytest.raises(DeskError, match=f"Adjustment {proposed} does not wait for a proof: its break is proven."):
            adjustments.prove(connection, proposed, run.id, NOON)


@pytest.mark.parametrize(
    "over",
    [{"day": "2026-11-01"}, {"day": "2026-10-31"}, {"outcome": "refused"}, {"control": "another"}],
    ids=["the same day", "an earlier day", "a refused run", "another control"],
)
def test_not_every_run_is_a_proof(store: Engine, over: dict[str, Any]) -> None:
    """It takes a result of the same control for a later day."""
    with writing(store) as connection:
        proposed = _propose(connection, case_of(connection))
        adjustments.approve(connection, proposed, "boss", "", NOON)
        run = run_of(connection, mark="other", **({"day": NEXT} | over))
        with pytest.raises(DeskError, match=f"Run {run.id} proves nothing of break"):
            adjustments.prove(connection, proposed, run.id, NOON)


def test_only_the_last_approval_of_a_reopened_case_is_proven(store: Engine) -> None:
    """The approval before the reopening stays in the history, and no run proves it any more."""
    with writing(store) as connection:
        number = case_of(connection)
        first = _propose(connection, number)
        adjustments.approve(connection, first, "boss", "", NOON)
        cases.reopen(connection, [number], "boss", "the bank cannot", NOON)
        run = run_of(connection, NEXT)
        with pytest.raises(DeskError, match="does not wait for a proof: its break is open"):
            adjustments.prove(connection, first, run.id, NOON)
        second = _propose(connection, number, "back_fill", "billing")
        adjustments.approve(connection, second, "boss", "", NOON)
        with pytest.raises(DeskError, match=f"Adjustment {first} was followed by another of break {number}"):
            adjustments.prove(connection, first, run.id, NOON)
        adjustments.prove(connection, second, run.id, NOON)


def test_a_case_without_money_at_risk_takes_no_adjustment(store: Engine) -> None:
    """There is nothing to correct; it can be explained."""
    with writing(store) as connection:
        number = case_of(connection)
        connection.execute(update(break_case).values(at_risk_minor=0))
        with pytest.raises(DeskError, match="does not lie between 1 and 0"):
            _propose(connection, number)
        cases.explain(connection, [number], "li", "rounding", "nothing was due", NOON)


def _counts(connection: Connection) -> list[int | None]:
    tables = (break_adjustment, break_event, trail)
    return [connection.scalar(select(func.count()).select_from(table)) for table in tables]
