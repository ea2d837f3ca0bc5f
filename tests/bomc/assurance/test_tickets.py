"""Cases hang on the tickets that the alerts of their run opened: the class's own first, then that of the whole run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from bomc.assurance.tickets import desk_figures, link_tickets
from core.store.open import reading, writing
from core.store.tables import alert, break_case, ticket
from reconciliation.desk.cases import explain
from tests.reconciliation.desk.world import CONTROL, DAY, NEXT, NOON, case_of, line, told


def opened(connection: Connection, day: str = DAY, check: str = "reconciliation-breaks", **labels: str) -> int:
    """An alert of the control and the ticket that a route opened for it; returns the ticket's number."""
    values = {
        "fingerprint": f"{check} {day} {labels}",
        "check_name": check,
        "target": CONTROL,
        "labels": {"alertname": check, "severity": "critical", "business_day": day, **labels},
        "annotations": {},
        "severity": "critical",
        "state": "firing",
        "opened_at": NOON,
        "updated_at": NOON,
        "demo": False,
    }
    number = connection.execute(insert(alert).values(values).returning(alert.c.id)).scalar_one()
    of_ticket: dict[str, Any] = {
        "kind": "fault",
        "title": check,
        "description": "",
        "priority": "high",
        "state": "open",
    }
    of_ticket |= {"opened_by": "routes", "opened_at": NOON, "alert_id": number, "demo": False}
    return int(connection.execute(insert(ticket).values(of_ticket).returning(ticket.c.id)).scalar_one())


def tied(connection: Connection) -> dict[int, Any]:
    """The ticket of each case."""
    return {row.id: row.ticket_id for row in connection.execute(select(break_case.c.id, break_case.c.ticket_id))}


def test_all_cases_of_a_run_hang_on_the_ticket_of_its_alert(store: Engine) -> None:
    """Whatever their class; done again, nothing is written."""
    with writing(store) as connection:
        first = case_of(connection, line("a"))
        second = case_of(connection, line("b", "duplicate_charge"))
        number = opened(connection)
        assert link_tickets(connection, NOON) == 2
        assert tied(connection) == {first: number, second: number}
        assert ("ticket", "assurance") in told(connection, first)
        before = told(connection, first)
        assert link_tickets(connection, NOON + timedelta(hours=1)) == 0
        assert told(connection, first) == before


def test_a_class_with_an_alert_of_its_own_has_its_ticket(store: Engine) -> None:
    """The others hang on that of the run, and where the run has none, on nothing."""
    with writing(store) as connection:
        plain, double = case_of(connection, line("a")), case_of(connection, line("b", "duplicate_charge"))
        own = opened(connection, check="reconciliation-duplicate_charge-pay", **{"class": "duplicate_charge"})
        assert link_tickets(connection, NOON) == 1
        assert tied(connection) == {plain: None, double: own}
        whole = opened(connection)
        assert link_tickets(connection, NOON) == 1
        assert tied(connection) == {plain: whole, double: own}


def test_each_day_has_its_own(store: Engine) -> None:
    with writing(store) as connection:
        first, second = case_of(connection, line("a"), DAY), case_of(connection, line("b"), NEXT)
        of_second = opened(connection, NEXT)
        assert link_tickets(connection, NOON) == 1
        assert tied(connection) == {first: None, second: of_second}
        of_first = opened(connection, DAY)
        assert link_tickets(connection, NOON) == 1
        assert tied(connection) == {first: of_first, second: of_second}


def test_alerts_that_are_not_of_breaks_take_no_case(store: Engine) -> None:
    """A file that was late, a run that was refused or missing before it found the breaks, another control's run."""
    with writing(store) as connection:
        number = case_of(connection, line("a"))
        opened(connection, check="reconciliation-file-late", party="payment")
        opened(connection, check="reconciliation-refused")
        opened(connection, check="reconciliation-run-missing")
        other = opened(connection)
        of_other = select(ticket.c.alert_id).where(ticket.c.id == other).scalar_subquery()
        connection.execute(update(alert).where(alert.c.id == of_other).values(target="another"))
        assert link_tickets(connection, NOON) == 0
        assert tied(connection) == {number: None}


def test_a_closed_case_is_left_alone(store: Engine) -> None:
    """What is settled needs no ticket any more."""
    with writing(store) as connection:
        number = case_of(connection, line("a"))
        explain(connection, [number], "li.wei", "timing", "it came the day after", NOON)
        opened(connection)
        assert link_tickets(connection, NOON) == 0
        assert tied(connection) == {number: None}


def test_without_cases_there_is_nothing_to_do(store: Engine) -> None:
    with writing(store) as connection:
        opened(connection)
        assert link_tickets(connection, NOON) == 0
        assert desk_figures(connection, NOON) == {}


def test_the_desk_counts_cases_at_work_and_those_past_their_deadline(store: Engine) -> None:
    """Closed ones do not count; exactly at its deadline a case is not late."""
    with writing(store) as connection:
        for key in "abc":
            case_of(connection, line(key))
        done = case_of(connection, line("d"))
        explain(connection, [done], "li.wei", "timing", "it came the day after", NOON)
        [deadline] = set(connection.scalars(select(break_case.c.deadline)))
        late = connection.scalars(select(break_case.c.id).order_by(break_case.c.id).limit(1)).one()
        earlier = deadline - timedelta(seconds=1)
        connection.execute(update(break_case).where(break_case.c.id == late).values(deadline=earlier))
    with reading(store) as connection:
        assert desk_figures(connection, deadline) == {CONTROL: (3, 1)}
        assert desk_figures(connection, deadline + timedelta(seconds=1)) == {CONTROL: (3, 3)}
