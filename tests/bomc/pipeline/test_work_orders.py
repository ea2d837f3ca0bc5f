"""Work orders through real cycles and rounds, on both databases and over restarts: storms, ends, warnings, escalation."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.config import RoutesFile
from alerts.tickets import commands
from alerts.tickets.book import default_book
from alerts.tickets.commands import Person
from bomc.assurance.work_orders import WorkOrders
from bomc.pipeline.cycle import Cycle
from core.people.rights import rights_of
from core.store.open import reading, writing
from core.store.tables import alert, delivery, ticket, ticket_event, ticket_link
from tests.bomc.pipeline.world import NOON, ROUTES, after, outcome, rows, rules

HOSTS = tuple(f"host-{number}" for number in range(1, 8))
LI = Person("li", rights_of("operator"))
STORM = ROUTES.model_copy(update={"route": ROUTES.route.model_copy(update={"group_by": ("alertname",)})})
LEAD = RoutesFile.model_validate(
    {
        "route": {
            "receiver": "ops",
            "group_wait": "0s",
            "group_by": ["alertname", "ticket"],
            "ticket": {"kind": "fault", "priority": "high"},
            "routes": [
                {"matchers": ['alertname=~"ticket-.*"', 'severity="critical"', 'priority="high"'], "receiver": "lead"}
            ],
        },
        "receivers": [
            {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:9/{name}"}]} for name in ("ops", "lead")
        ],
    }
)


class Pipeline:
    """A cycle and the round over the clocks of tickets, begun anew as often as a test likes."""

    def __init__(self, store: Engine, routes: RoutesFile) -> None:
        self.store, self.routes, self.now = store, routes, NOON
        self.start()

    def start(self) -> None:
        self.cycle = Cycle(self.store, rules(HOSTS, routes=self.routes))
        self.orders = WorkOrders(self.store, self.routes, default_book(), lambda: self.now)

    def tick(self, seconds: float, value: float, *hosts: str) -> None:
        """One cycle with this value of each host, and one round."""
        self.now = after(seconds)
        self.cycle.run([outcome(self.now, value, target=host) for host in hosts], self.now)
        self.orders.round()

    def do(self, number: int, doing: str, **said: str) -> None:
        with writing(self.store) as connection:
            commands.do(connection, number, doing, LI, self.now, said)

    def tickets(self) -> dict[int, Any]:
        return {row.id: row for row in rows(self.store, ticket)}

    def kinds(self, number: int) -> list[str]:
        query = select(ticket_event.c.kind).where(ticket_event.c.ticket_id == number).order_by(ticket_event.c.id)
        with reading(self.store) as connection:
            return list(connection.scalars(query))


def children(store: Engine) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows(store, ticket_link):
        found.setdefault(row.other_id, []).append(row.ticket_id)
    return found


def test_a_storm_is_one_ticket_with_its_children_and_ends_with_the_last(store: Engine) -> None:
    """Five hosts in a minute, two more after a restart; all recover but one that somebody works on."""
    pipeline = Pipeline(store, STORM)
    pipeline.tick(0, 0.5, *HOSTS)
    pipeline.tick(10, 0.99, *HOSTS[:3])
    assert children(store) == {}
    pipeline.tick(20, 0.99, *HOSTS[3:5])
    ((parent, five),) = children(store).items()
    assert (len(five), pipeline.tickets()[parent].alert_id) == (5, None)
    pipeline.start()
    pipeline.tick(60, 0.99, *HOSTS[5:])
    assert [len(members) for members in children(store).values()] == [7]
    pipeline.do(five[0], "take")
    pipeline.tick(120, 0.1, *HOSTS)
    pipeline.start()
    pipeline.tick(130, 0.1, *HOSTS)
    states = {number: row.state for number, row in pipeline.tickets().items()}
    assert states[parent] == "open"  # one child is still worked on
    assert sorted(states[number] for number in children(store)[parent]) == ["accepted", *["closed"] * 6]
    assert pipeline.tickets()[five[0]].alert_cleared_at == after(120)
    assert pipeline.kinds(five[0]) == ["opened", "linked", "taken", "alert_cleared"]


def test_a_ticket_whose_alert_clears_says_so_and_one_that_nobody_touched_is_closed(store: Engine) -> None:
    pipeline = Pipeline(store, ROUTES)
    pipeline.tick(0, 0.99, "host-1", "host-2")
    touched, alone = sorted(pipeline.tickets())
    pipeline.do(touched, "take")
    pipeline.start()
    pipeline.tick(60, 0.1, "host-1", "host-2")
    found = pipeline.tickets()
    assert (found[touched].state, found[touched].alert_cleared_at) == ("accepted", after(60))
    assert (found[alone].state, found[alone].resolved_by) == ("closed", None)
    pipeline.tick(120, 0.99, "host-1")
    assert pipeline.tickets()[touched].alert_cleared_at is None
    assert pipeline.kinds(touched) == ["opened", "taken", "alert_cleared", "alert_returned"]


@pytest.mark.parametrize("restarts", [False, True])
def test_warned_before_the_breach_and_escalated_at_it_once(store: Engine, restarts: bool) -> None:
    """A fault of high priority: 15 minutes to answer, 4 hours to resolve; the lead is told of breaches, ops of warnings."""
    pipeline = Pipeline(store, LEAD)
    pipeline.tick(0, 0.99, "host-1")
    (number,) = pipeline.tickets()
    told = []
    for minute in (11, 12, 13, 14, 15, 16, 179, 180, 181, 239, 240, 241):
        if minute == 179:
            pipeline.do(number, "take")
        pipeline.tick(minute * 60, 0.99, "host-1")
        told.append((minute, messages(store)))
        if restarts:
            pipeline.start()
    assert [kind for kind in pipeline.kinds(number) if kind.endswith(("warned", "late"))] == [
        "respond_warned",
        "respond_late",
        "resolve_warned",
        "resolve_late",
    ]
    lead = {minute: seen.count(("lead", "critical")) for minute, seen in told}
    assert lead == {11: 0, 12: 0, 13: 0, 14: 0, 15: 1, 16: 1, 179: 1, 180: 1, 181: 1, 239: 1, 240: 2, 241: 2}
    assert told[-1][1].count(("ops", "warning")) == 2
    assert len(pipeline.tickets()) == 1  # an alert about a ticket opens none


def messages(store: Engine) -> list[tuple[str, str]]:
    """Receiver and severity of the messages that say that something of a ticket fires, in order."""
    return [
        (row.receiver, one["labels"]["severity"])
        for row in rows(store, delivery)
        for one in row.message["body"]["alerts"]
        if one["labels"]["alertname"].startswith("ticket-") and one["status"] == "firing"
    ]


def test_a_breach_is_over_when_the_ticket_is_done(store: Engine) -> None:
    pipeline = Pipeline(store, LEAD)
    pipeline.tick(0, 0.99, "host-1")
    (number,) = pipeline.tickets()
    pipeline.tick(16 * 60, 0.99, "host-1")
    pipeline.do(number, "resolve", cause="c", remedy="r")
    pipeline.start()
    pipeline.tick(17 * 60, 0.99, "host-1")
    (told,) = [row for row in rows(store, alert) if row.check_name == "ticket-answer"]
    assert (told.severity, told.resolved_at) == ("critical", after(17 * 60))
    assert pipeline.tickets()[number].respond_due_at == after(15 * 60)
