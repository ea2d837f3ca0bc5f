"""All kinds x all states x all doings, from the tables of the flows; and who may do what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alerts.tickets.book import default_book
from alerts.tickets.declared import AT_WORK, CODES, DOINGS, OVER, STATES, Flow
from alerts.tickets.machine import Person, TicketError, move_of, permitted, state_after
from tests.alerts.tickets.world import BOSS, GUEST, LI, WANG

BOOK = default_book()
FLOW_OF = {
    "support": "request",
    "coordination": "request",
    "handling": "direct",
    "fault": "direct",
    "maintenance": "direct",
    "office_data": "permitted",
    "integrator_maintenance": "request",
    "integrator_development": "permitted",
    "job_application": "permitted",
    "branch_maintenance": "permitted",
    "high_fee": "request",
    "business_flow": "request",
}
# For each flow and state, what somebody who may do everything can do: doing -> state afterwards.
WAYS: dict[str, dict[str, dict[str, str]]] = {
    "direct": {
        "open": {
            "assign": "assigned",
            "take": "accepted",
            "transfer": "open",
            "resolve": "resolved",
            "cancel": "cancelled",
        },
        "assigned": {
            "assign": "assigned",
            "take": "accepted",
            "accept": "accepted",
            "transfer": "open",
            "resolve": "resolved",
            "cancel": "cancelled",
        },
        "accepted": {
            "assign": "assigned",
            "transfer": "open",
            "pause": "paused",
            "resolve": "resolved",
            "cancel": "cancelled",
        },
        "paused": {"resume": "accepted", "cancel": "cancelled"},
        "resolved": {"close": "closed", "reopen": "assigned"},
        "closed": {"reopen": "assigned"},
        "cancelled": {},
    },
    "permitted": {
        "open": {"approve": "approved", "reject": "cancelled", "cancel": "cancelled"},
        "approved": {"assign": "assigned", "take": "accepted", "transfer": "approved", "cancel": "cancelled"},
        "assigned": {
            "assign": "assigned",
            "take": "accepted",
            "accept": "accepted",
            "transfer": "approved",
            "resolve": "resolved",
            "cancel": "cancelled",
        },
        "accepted": {
            "assign": "assigned",
            "transfer": "approved",
            "pause": "paused",
            "resolve": "resolved",
            "cancel": "cancelled",
        },
        "paused": {"resume": "accepted", "cancel": "cancelled"},
        "resolved": {"confirm": "confirmed", "reopen": "assigned"},
        "confirmed": {"close": "closed", "reopen": "assigned"},
        "closed": {"reopen": "assigned"},
        "cancelled": {},
    },
}
WAYS["request"] = {
    **WAYS["direct"],
    "resolved": {"confirm": "confirmed", "reopen": "assigned"},
    "confirmed": {"close": "closed", "reopen": "assigned"},
}
ALMIGHTY = Person("li", BOSS.rights)


def a_row(kind: str, state: str, **known: Any) -> Any:
    """A ticket in that state that li has, wang opened and chen resolved."""
    values = {"id": 7, "kind": kind, "state": state, "assignee": "li", "opened_by": "wang", "resolved_by": "chen"}
    return SimpleNamespace(**values | {"department": "network", "passed_on_at": None} | known)


@pytest.mark.parametrize("kind", CODES)
def test_every_kind_moves_as_its_flow_says_and_in_no_other_way(kind: str) -> None:
    """From every state every doing leads where the table says, or is refused with a sentence that says why."""
    assert BOOK.kinds[kind].flow == FLOW_OF[kind]
    flow, ways = BOOK.flow(kind), WAYS[FLOW_OF[kind]]
    assert set(flow.states) == set(ways)
    for state in STATES:
        for doing in DOINGS:
            row, expected = a_row(kind, state), ways.get(state, {}).get(doing)
            if expected is None:
                with pytest.raises(TicketError, match=rf"Ticket 7 is .*{doing}"):
                    move_of(BOOK, row, doing, ALMIGHTY)
            else:
                move = move_of(BOOK, row, doing, ALMIGHTY)
                assert state_after(BOOK, row, move, "li") == expected, (state, doing)
        assert set(permitted(BOOK, a_row(kind, state), ALMIGHTY)) == set(ways.get(state, {}))


@pytest.mark.parametrize("kind", CODES)
def test_every_kind_comes_to_an_end_from_wherever_it_is(kind: str) -> None:
    """No state is a dead end: some way leads from it to closed or cancelled."""
    flow = BOOK.flow(kind)
    ending = set(OVER)
    for _round in STATES:
        ending |= {state for move in flow.moves if move.to in ending for state in move.start}
    assert set(flow.states) <= ending


WHO = [
    ("a viewer works on nothing", "fault", "open", "take", GUEST, "guest has no right to work on tickets"),
    ("only its assignee accepts", "fault", "assigned", "accept", WANG, "It is for its assignee to accept ticket 7"),
    ("its assignee accepts", "fault", "assigned", "accept", LI, None),
    ("who opened it cancels", "fault", "open", "cancel", WANG, None),
    ("a manager cancels", "fault", "open", "cancel", BOSS, None),
    ("nobody else cancels", "fault", "open", "cancel", LI, "It is for who opened it or an approver to cancel ticket 7"),
    ("an operator permits nothing", "office_data", "open", "approve", LI, "It is for an approver to approve"),
    ("a manager permits", "office_data", "open", "approve", BOSS, None),
    (
        "not even a manager permits what they asked for",
        "office_data",
        "open",
        "approve",
        Person("wang", BOSS.rights),
        "wang opened ticket 7; another person must approve it",
    ),
    ("who asked confirms", "high_fee", "resolved", "confirm", WANG, None),
    (
        "who did the work does not",
        "high_fee",
        "resolved",
        "confirm",
        Person("chen", BOSS.rights),
        "chen resolved ticket 7; another person must confirm it",
    ),
    ("nobody else confirms", "high_fee", "resolved", "confirm", LI, "It is for who opened it or an approver"),
]


@pytest.mark.parametrize(("kind", "state", "doing", "person", "why"), [row[1:] for row in WHO], ids=[r[0] for r in WHO])
def test_who_may_do_it(kind: str, state: str, doing: str, person: Person, why: str | None) -> None:
    """Rights, the assignee, who opened it, and the second person."""
    row = a_row(kind, state)
    if why is None:
        assert move_of(BOOK, row, doing, person).doing == doing
        assert doing in permitted(BOOK, row, person)
    else:
        with pytest.raises(TicketError, match=why):
            move_of(BOOK, row, doing, person)
        assert doing not in permitted(BOOK, row, person)


def test_a_ticket_that_nobody_has_is_not_assigned_when_it_is_reopened() -> None:
    """It waits for somebody again, where its flow has people wait."""
    for kind, expected in (("fault", "open"), ("office_data", "approved")):
        row = a_row(kind, "closed", assignee=None)
        assert state_after(BOOK, row, move_of(BOOK, row, "reopen", LI), None) == expected


def test_a_kind_that_is_not_declared_any_more_can_do_nothing() -> None:
    """Its tickets are still shown; a move is refused in words."""
    assert permitted(BOOK, a_row("gone", "open"), ALMIGHTY) == ()
    with pytest.raises(TicketError, match="kind gone"):
        move_of(BOOK, a_row("gone", "open"), "take", ALMIGHTY)


BAD_FLOWS = [
    ([{"doing": "close", "from": ["open"], "to": "closed"}] * 2, "stands twice"),
    ([{"doing": "close", "from": ["resolved"], "to": "closed"}], "no move leads to resolved"),
    ([{"doing": "take", "from": ["open"], "to": "accepted"}], "no move leads to closed"),
]


@pytest.mark.parametrize(("moves", "why"), BAD_FLOWS, ids=[row[1] for row in BAD_FLOWS])
def test_a_flow_that_cannot_be_walked_is_refused(moves: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Flow.model_validate({"moves": moves})


def test_states_at_work_and_over_are_states() -> None:
    assert set(AT_WORK) | set(OVER) | {"resolved", "confirmed"} == set(STATES)
