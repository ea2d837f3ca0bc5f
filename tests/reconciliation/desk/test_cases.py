"""Cases: opened once for each break, and moved only from the states that allow it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, update

from core.people import audit
from core.store.open import reading, writing
from core.store.tables import audit as trail
from core.store.tables import break_case, break_event, ticket
from reconciliation.desk import cases
from reconciliation.desk.cases import REASONS, STATES, Opened, open_cases
from reconciliation.desk.journal import DeskError
from tests.reconciliation.desk.world import (
    CONTROL,
    DAY,
    DEADLINE,
    NEXT,
    NOON,
    case_of,
    force,
    line,
    run_of,
    the_case,
    told,
)

Command = Callable[[Connection, int], None]
MOVES: dict[str, Command] = {
    "assign": lambda connection, number: cases.assign(connection, [number], "boss", "li", NOON),
    "set_reason": lambda connection, number: cases.set_reason(connection, [number], "li", "timing", NOON),
    "comment": lambda connection, number: cases.comment(connection, [number], "li", "asked the bank", NOON),
    "explain": lambda connection, number: cases.explain(connection, [number], "li", "timing", "came late", NOON),
    "reopen": lambda connection, number: cases.reopen(connection, [number], "boss", "again", NOON),
}
ALLOWED = {
    "assign": ("open", "proposed", "approved"),
    "set_reason": ("open", "proposed", "approved"),
    "comment": STATES,
    "explain": ("open",),
    "reopen": ("approved", "proven", "written_off", "explained"),
}
REFUSED: dict[str, tuple[Command, str]] = {
    "no owner": (
        lambda connection, number: cases.assign(connection, [number], "boss", " ", NOON),
        "This needs somebody to have it; nothing was written.",
    ),
    "no comment": (
        lambda connection, number: cases.comment(connection, [number], "li", "", NOON),
        "This needs a comment; nothing was written.",
    ),
    "no sentence": (
        lambda connection, number: cases.explain(connection, [number], "li", "timing", "", NOON),
        "This needs a sentence that explains it; nothing was written.",
    ),
    "unknown reason": (
        lambda connection, number: cases.set_reason(connection, [number], "li", "bad luck", NOON),
        f"There is no reason code 'bad luck'; choose one of {', '.join(REASONS)}.",
    ),
    "unknown reason of an explanation": (
        lambda connection, number: cases.explain(connection, [number], "li", "", "so it is", NOON),
        f"There is no reason code ''; choose one of {', '.join(REASONS)}.",
    ),
    "no reason to reopen": (
        lambda connection, number: cases.reopen(connection, [number], "li", "", NOON),
        "This needs a reason; nothing was written.",
    ),
    "no such case": (
        lambda connection, number: cases.assign(connection, [number, 99_999], "boss", "li", NOON),
        "There is no break 99999.",
    ),
    "none chosen": (
        lambda connection, number: cases.assign(connection, [], "boss", "li", NOON),
        "There is no break chosen to assign; choose one.",
    ),
    "no such ticket": (
        lambda connection, number: cases.link_ticket(connection, [number], 99_999, "li", NOON),
        "There is no ticket 99999; open it first.",
    ),
}


def test_one_case_for_each_break_and_none_for_carried_items(store: Engine) -> None:
    """Surplus rows of one key have a case each; what is carried has none yet."""
    surplus = [line("T1", "duplicate_charge", payment={"record_id": f"p{n}", "amount_minor": 700}) for n in (1, 2)]
    lines = [line("T1"), *surplus, line("T2", "awaiting_cutoff", payment=100, carried=True)]
    with writing(store) as connection:
        run = run_of(connection, DAY, lines)
        assert open_cases(connection, run, lines, NOON, DEADLINE) == Opened(new=3, known=0)
        rows = connection.execute(select(break_case).order_by(break_case.c.id)).all()
    assert sorted(row._mapping["class"] for row in rows) == [
        "duplicate_charge",
        "duplicate_charge",
        "missing_in_billing",
    ]
    first = next(row for row in rows if row._mapping["class"] == "missing_in_billing")
    assert (first.state, first.owner, first.deadline, first.currency) == ("open", None, DEADLINE, "CNY")
    assert (first.at_risk_minor, first.business_day, first.run_id) == (5000, DAY, run.id)
    assert first.records["payment"]["line"] == 3


def test_the_same_run_again_adds_nothing(store: Engine) -> None:
    """No case, no event and no row of the trail."""
    lines = [line("T1"), line("T2")]
    with writing(store) as connection:
        run = run_of(connection, DAY, lines)
        open_cases(connection, run, lines, NOON, DEADLINE)
        before = _counts(connection)
        assert open_cases(connection, run, lines[::-1], NOON, DEADLINE) == Opened(new=0, known=2)
        assert _counts(connection) == before


def test_a_later_run_that_finds_a_break_again_says_so_once(store: Engine) -> None:
    """Its case keeps its first day; other breaks of that run are new."""
    with writing(store) as connection:
        number = case_of(connection)
        lines = [line("T1"), line("T9")]
        later = run_of(connection, NEXT, lines)
        assert open_cases(connection, later, lines, NOON, DEADLINE) == Opened(new=1, known=1)
        assert open_cases(connection, later, lines, NOON, DEADLINE) == Opened(new=0, known=2)
        assert told(connection, number) == [("found", "reconciliation"), ("found_again", "reconciliation")]
        assert the_case(connection, number).business_day == DAY


def test_lines_of_the_store_open_the_same_cases(store: Engine) -> None:
    """A line as control_break holds it, without a currency of its own, is the same break."""
    with writing(store) as connection:
        number = case_of(connection)
        run = run_of(connection, DAY, mark="again")
        stored = {name: the_case(connection, number)._mapping[name] for name in ("business_key", "kind", "class")}
        stored |= {"loser": "customer", "at_risk_minor": 5000, "carried": False}
        stored |= {"records": the_case(connection, number).records}
        assert open_cases(connection, run, [stored], NOON, DEADLINE) == Opened(new=0, known=1)
        stored["business_key"] = "T5"
        assert open_cases(connection, run, [stored], NOON, DEADLINE) == Opened(new=1, known=0)
        currency = select(break_case.c.currency).where(break_case.c.business_key == "T5")
        assert connection.scalar(currency) == "CNY"


def test_twenty_thousand_breaks_are_opened_in_seconds(store: Engine) -> None:
    """A bad day does not hold the store for minutes, nor does running it again."""
    lines = [line(f"T{number}") for number in range(20_000)]
    with writing(store) as connection:
        run = run_of(connection, DAY)
        started = time.monotonic()
        assert open_cases(connection, run, lines, NOON, DEADLINE) == Opened(new=20_000, known=0)
        assert open_cases(connection, run, lines, NOON, DEADLINE) == Opened(new=0, known=20_000)
        everything = connection.scalars(select(break_case.c.id)).all()
        cases.assign(connection, everything, "boss", "li", NOON)
        took_s = time.monotonic() - started
        owners = select(func.count()).where(break_case.c.owner == "li")
        assert connection.scalar(owners) == 20_000
    assert took_s < 60


@pytest.mark.parametrize("doing", MOVES)
def test_each_state_allows_what_it_should_and_refuses_the_rest(store: Engine, doing: str) -> None:
    """Every command in every state: done with an event and a row of the trail, or refused with nothing written."""
    with writing(store) as connection:
        for state in STATES:
            number = case_of(connection, line(state))
            force(connection, number, state)
            before = _counts(connection)
            if state in ALLOWED[doing]:
                MOVES[doing](connection, number)
                assert _counts(connection)[1:] == (before[1] + 1, before[2] + 1)
            else:
                with pytest.raises(DeskError, match=f"Break {number} is {state}; to .* it, it must be "):
                    MOVES[doing](connection, number)
                assert _counts(connection) == before
                assert the_case(connection, number).state == state


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_incomplete_is_refused_with_a_sentence(store: Engine, name: str) -> None:
    """The sentence says what is lacking, and nothing is written."""
    command, sentence = REFUSED[name]
    with writing(store) as connection:
        number = case_of(connection)
        before = _counts(connection), the_case(connection, number)
        with pytest.raises(DeskError) as refused:
            command(connection, number)
        assert str(refused.value) == sentence
        assert (_counts(connection), the_case(connection, number)) == before


def test_a_command_on_many_does_all_or_none(store: Engine) -> None:
    """One closed case among them holds up the rest."""
    with writing(store) as connection:
        one, two = case_of(connection, line("T1")), case_of(connection, line("T2"))
        cases.explain(connection, [one], "li", "timing", "came late", NOON)
        with pytest.raises(DeskError, match=f"Break {one} is explained"):
            cases.assign(connection, [two, one], "boss", "li", NOON)
        assert the_case(connection, two).owner is None
        cases.reopen(connection, [one], "boss", "not so", NOON)
        cases.assign(connection, [two, one, two], "boss", "li", NOON)
        assert {the_case(connection, number).owner for number in (one, two)} == {"li"}
        last = connection.execute(select(trail).order_by(trail.c.id.desc()).limit(1)).one()
        assert last.detail == {"owner": "li", "cases": sorted([one, two])}


def test_explaining_closes_and_reopening_undoes_it(store: Engine) -> None:
    """The money at risk of what is explained away is in the trail."""
    with writing(store) as connection:
        number = case_of(connection)
        cases.explain(connection, [number], "li", "timing", "came late", NOON)
        case = the_case(connection, number)
        assert (case.state, case.reason_code, case.closed_at) == ("explained", "timing", NOON)
        told_of = connection.execute(select(trail).where(trail.c.action == "break_explained")).one()
        assert told_of.detail["at_risk_minor"] == {"CNY": 5000}
        assert told_of.object == f"break_case/{number}"
        cases.reopen(connection, [number], "boss", "not so", NOON)
        case = the_case(connection, number)
        assert (case.state, case.closed_at) == ("open", None)
        assert audit.verify(connection) == []


def test_many_cases_are_tied_to_one_ticket(store: Engine) -> None:
    """A storm has one ticket for its run."""
    with writing(store) as connection:
        numbers = [case_of(connection, line(key)) for key in ("T1", "T2")]
        values: dict[str, object] = {
            "kind": "fault",
            "title": "t",
            "description": "",
            "priority": "normal",
            "state": "open",
        }
        values |= {"opened_by": "li", "opened_at": NOON, "demo": False}
        opened = connection.execute(insert(ticket).values(values).returning(ticket.c.id)).scalar_one()
        cases.link_ticket(connection, numbers, opened, "li", NOON)
        assert {the_case(connection, number).ticket_id for number in numbers} == {opened}


def test_a_case_is_overdue_once_its_deadline_has_passed_and_until_it_is_closed(store: Engine) -> None:
    """An approved adjustment without proof is overdue too; the deadline itself is still in time."""
    with writing(store) as connection:
        number = case_of(connection)
        force(connection, number, "approved")
        case_of(connection, line("T2"))
        cases.explain(connection, [number + 1], "li", "timing", "came late", NOON)
        assert cases.overdue(connection, DEADLINE) == []
        late = DEADLINE + timedelta(milliseconds=1)
        assert [row.id for row in cases.overdue(connection, late)] == [number]
        assert [row.id for row in cases.overdue(connection, late, CONTROL)] == [number]
        assert cases.overdue(connection, late, "another") == []


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (-1, "0-1"),
        (0, "0-1"),
        (1, "0-1"),
        (2, "2-3"),
        (3, "2-3"),
        (4, "4-7"),
        (7, "4-7"),
        (8, "8-30"),
        (30, "8-30"),
        (31, ">30"),
    ],
)
def test_ages_fall_into_their_buckets(store: Engine, age: int, bucket: str) -> None:
    """Both ends of every bucket; the others stand there empty."""
    with reading(store) as connection:
        case_of(connection)
        aged = cases.ageing(connection, date.fromisoformat(DAY) + timedelta(days=age))
    assert [one.bucket for one in aged] == ["0-1", "2-3", "4-7", "8-30", ">30"]
    assert {one.bucket: one.at_risk_minor for one in aged if one.cases} == {bucket: {"CNY": 5000}}


def test_ageing_adds_no_currencies_and_leaves_out_what_is_closed(store: Engine) -> None:
    """Each currency has its own sum, and closed cases have no age."""
    with writing(store) as connection:
        for key, amount in (("T1", 100), ("T2", 250), ("T3", 4000)):
            case_of(connection, line(key, payment=amount))
        closed = case_of(connection, line("T4", payment=9))
        cases.explain(connection, [closed], "li", "rounding", "a fraction", NOON)
        connection.execute(update(break_case).where(break_case.c.business_key == "T3").values(currency="USD"))
        aged = cases.ageing(connection, date.fromisoformat(DAY))
        assert aged[0] == cases.Aged("0-1", 3, {"CNY": 350, "USD": 4000})
        assert cases.ageing(connection, date.fromisoformat(DAY), "another")[0] == cases.Aged("0-1", 0, {})


def _counts(connection: Connection) -> tuple[int, ...]:
    """Cases, events, rows of the trail."""
    counts = (connection.scalar(select(func.count()).select_from(table)) for table in (break_case, break_event, trail))
    return tuple(count or 0 for count in counts)
