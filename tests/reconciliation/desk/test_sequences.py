"""Whatever people do in whatever order: two people decide on money, and everything leaves its trace."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, Engine, func, select

from core.people import audit
from core.store.open import reading, writing
from core.store.tables import audit as trail
from core.store.tables import break_adjustment, break_case, break_event, control_run
from reconciliation.desk import adjustments, cases
from reconciliation.desk.cases import CLOSED, REASONS, open_cases
from reconciliation.desk.journal import DeskError
from tests.reconciliation.desk.world import DEADLINE, NEXT, NOON, case_of, line, run_of

PEOPLE = st.sampled_from(["li", "wu", "boss"])
TEXTS = st.sampled_from(["", "so it was"])
CASES = st.integers(0, 2)
_numbers = itertools.count(1)


def test_no_sequence_of_doings_breaks_the_rules(store: Engine) -> None:
    """No adjustment is decided by its proposer, one open proposal a case at most, closed cases have an end, each doing
    has its event and its row of the trail, a refused one has none, and the trail is whole."""

    class Desk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            mark = str(next(_numbers))
            with writing(store) as connection:
                made = [line(f"{mark}-{number}", payment=100, platform=100) for number in range(3)]
                self.cases = [case_of(connection, one) for one in made]
                self.first = run_of(connection, mark=mark, lines=made)
                self.later = run_of(connection, NEXT, made, mark=mark)
            self.made = made

        @initialize()
        def begin(self) -> None:
            """One case waits for its proof, so that every walk comes by what follows an approval."""
            with writing(store) as connection:
                number = adjustments.propose(connection, self.cases[0], "li", "reversal", "payment", 100, "r", NOON)
                adjustments.approve(connection, number, "boss", "", NOON)

        def attempt(self, doing: Callable[[Connection], object]) -> None:
            """Do it in a transaction of its own: an event and a row of the trail, or neither."""
            before = _events(store, self.cases), _rows(store)
            done, sentence = 1, ""
            try:
                with writing(store) as connection:
                    doing(connection)
            except DeskError as refused:
                done, sentence = 0, str(refused)
            assert done or sentence.endswith(".")
            assert (_events(store, self.cases), _rows(store)) == (before[0] + done, before[1] + done)

        @rule(case=CASES, who=PEOPLE, owner=PEOPLE)
        def assign(self, case: int, who: str, owner: str) -> None:
            self.attempt(lambda connection: cases.assign(connection, [self.cases[case]], who, owner, NOON))

        @rule(case=CASES, who=PEOPLE, code=st.sampled_from([*REASONS[:2], "nonsense"]))
        def give_a_reason(self, case: int, who: str, code: str) -> None:
            self.attempt(lambda connection: cases.set_reason(connection, [self.cases[case]], who, code, NOON))

        @rule(case=CASES, who=PEOPLE, text=TEXTS)
        def explain(self, case: int, who: str, text: str) -> None:
            self.attempt(lambda connection: cases.explain(connection, [self.cases[case]], who, "timing", text, NOON))

        @rule(case=CASES, who=PEOPLE, text=TEXTS)
        def reopen(self, case: int, who: str, text: str) -> None:
            self.attempt(lambda connection: cases.reopen(connection, [self.cases[case]], who, text, NOON))

        @rule(
            case=CASES,
            who=PEOPLE,
            what=st.sampled_from([("write_off", None), ("reversal", "payment"), ("back_fill", "billing")]),
            amount=st.sampled_from([100, 100, 100, 0, 101]),
        )
        def propose(self, case: int, who: str, what: tuple[str, str | None], amount: int) -> None:
            number = self.cases[case]
            self.attempt(lambda connection: adjustments.propose(connection, number, who, *what, amount, "r", NOON))

        @rule(
            case=CASES,
            who=PEOPLE,
            text=TEXTS,
            doing=st.sampled_from([adjustments.approve, adjustments.approve, adjustments.reject, adjustments.withdraw]),
        )
        def decide(self, case: int, who: str, text: str, doing: Callable[..., None]) -> None:
            number = _last_adjustment(store, self.cases[case])
            self.attempt(lambda connection: doing(connection, number, who, text, NOON))

        @rule(case=CASES, later=st.booleans())
        def prove(self, case: int, later: bool) -> None:
            number = _last_adjustment(store, self.cases[case])
            run = self.later if later else self.first
            self.attempt(lambda connection: adjustments.prove(connection, number, run.id, NOON))

        @rule(later=st.booleans())
        def run_again(self, later: bool) -> None:
            run = self.later if later else self.first
            with writing(store) as connection:
                assert open_cases(connection, run, self.made, NOON, DEADLINE) == cases.Opened(new=0, known=3)
            events = _events(store, self.cases)
            with writing(store) as connection:
                open_cases(connection, run, self.made, NOON, DEADLINE)
            assert _events(store, self.cases) == events

        @invariant()
        def rules_hold(self) -> None:
            with reading(store) as connection:
                for number in self.cases:
                    _rules_hold(connection, number)

    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with reading(store) as connection:
        assert audit.verify(connection) == []


def _rules_hold(connection: Connection, number: int) -> None:
    case = connection.execute(select(break_case).where(break_case.c.id == number)).one()
    assert (case.closed_at is not None) == (case.state in CLOSED)
    of_case = break_adjustment.c.case_id == number
    rows = connection.execute(select(break_adjustment).where(of_case).order_by(break_adjustment.c.id)).all()
    waiting = [row for row in rows if row.decision is None]
    assert len(waiting) == (case.state == "proposed")
    for row in rows:
        if row.decision in ("approved", "rejected"):
            assert row.decided_by != row.proposed_by
        assert (row.decision == "rejected") <= bool(row.comment)
        assert 0 < row.amount_minor <= case.at_risk_minor
        assert (row.proven_at is None) == (row.proven_by_run is None)
        assert row.proven_at is None or (row.decision == "approved" and row.kind != "write_off")
    if case.state == "approved":
        assert rows[-1].decision == "approved"
        assert rows[-1].proven_at is None
    if case.state in ("proven", "written_off"):
        assert rows[-1].decision == "approved"
    kinds = list(
        connection.scalars(select(break_event.c.kind).where(break_event.c.case_id == number).order_by(break_event.c.id))
    )
    assert kinds.count("proposed") == len(rows)
    for decision in ("approved", "rejected", "withdrawn"):
        assert kinds.count(decision) == sum(row.decision == decision for row in rows)
    assert kinds.count("proven") == sum(row.proven_at is not None for row in rows)
    closings = kinds.count("proven") + kinds.count("explained")
    closings += sum(row.kind == "write_off" and row.decision == "approved" for row in rows)
    reopened_unproven = sum(
        row.decision == "approved" and row.kind != "write_off" and row.proven_at is None for row in rows
    ) - (case.state == "approved")
    assert kinds.count("reopened") == closings - (case.state in CLOSED) + reopened_unproven


def _last_adjustment(store: Engine, case: int) -> int:
    with reading(store) as connection:
        return connection.scalar(select(func.max(break_adjustment.c.id)).where(break_adjustment.c.case_id == case)) or 0


def _events(store: Engine, numbers: list[int]) -> int:
    with reading(store) as connection:
        return connection.scalar(select(func.count()).where(break_event.c.case_id.in_(numbers))) or 0


def _rows(store: Engine) -> int:
    with reading(store) as connection:
        return connection.scalar(select(func.count()).select_from(trail)) or 0


def test_two_people_who_propose_at_once_leave_one_proposal(store: Engine) -> None:
    """The second waits for the first, and is refused."""
    with writing(store) as connection:
        number = case_of(connection)

    def propose(who: str) -> bool:
        try:
            with writing(store) as connection:
                adjustments.propose(connection, number, who, "write_off", None, 5000, "r", NOON)
        except DeskError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(propose, ["li", "wu", "boss", "chen"])) == 1
    with reading(store) as connection:
        assert connection.scalar(select(func.count()).select_from(break_adjustment)) == 1


def test_runs_that_bring_the_same_break_at_once_open_one_case(store: Engine) -> None:
    """Whichever comes first opens it; the others find it again, and one run told twice counts once."""
    lines = [line(f"T{number}") for number in range(50)]
    with writing(store) as connection:
        runs = [run_of(connection, mark="one"), run_of(connection, mark="two")]

    def bring(run_id: int) -> int:
        with writing(store) as connection:
            run = connection.execute(select(control_run).where(control_run.c.id == run_id)).one()
            return open_cases(connection, run, lines, NOON, DEADLINE).new

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(bring, [run.id for run in runs] * 2)) == 50
    with reading(store) as connection:
        kinds = connection.execute(select(break_event.c.kind, func.count()).group_by(break_event.c.kind)).all()
    assert sorted(map(tuple, kinds)) == [("found", 50), ("found_again", 50)]
