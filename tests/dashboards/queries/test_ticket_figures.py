"""Figures of tickets: what counts in which month, and what does not count at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, insert, update

from core.store.open import writing
from core.store.tables import break_case, ticket
from dashboards.components.ticket_cards import ticket_card
from dashboards.locale import Say
from dashboards.queries.ticket_figures import PARTS, figures, members
from dashboards.queries.tickets import load, tickets
from tests.reconciliation.desk.world import case_of, line

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 12, 6, 0, tzinfo=UTC)


def add(connection: Connection, minutes: int, resolved_at: datetime | None, **known: object) -> None:
    """A ticket that took so many minutes, with an hour to resolve and ten minutes to answer."""
    opened_at = (resolved_at or NOW) - timedelta(minutes=minutes)
    values = {
        "kind": "high_fee",
        "title": "t",
        "description": "",
        "priority": "high",
        "state": "resolved" if resolved_at else "accepted",
        "opened_by": "li",
        "opened_at": opened_at,
        "due_at": opened_at + timedelta(hours=1),
        "respond_due_at": opened_at + timedelta(minutes=10),
        "responded_at": opened_at + timedelta(minutes=5),
        "resolved_at": resolved_at,
        "resolved_by": "li" if resolved_at else None,
        "department": "customer_service",
        "demo": False,
    }
    connection.execute(insert(ticket).values(values | known))


def test_mean_time_and_shares_by_month_kind_and_department(store: Engine) -> None:
    march, february = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    with writing(store) as connection:
        add(connection, 30, march, handled_s=600)
        add(connection, 90, march, handled_s=1200, responded_at=march - timedelta(minutes=75))
        add(connection, 60, march, department="business_support")
        add(connection, 60, february, due_at=None, respond_due_at=None)
        add(connection, 10, datetime(2026, 2, 28, 16, 30, tzinfo=UTC), kind="fault")  # already 1 March in Shanghai
        add(connection, 10, march, resolved_by=None)  # the alert closed it by itself
        add(connection, 10, None)  # nobody is done
        add(connection, 10, datetime(2025, 8, 1, tzinfo=UTC))  # too long ago
        found = figures(connection, NOW, SHANGHAI, {})
        only = figures(connection, NOW, SHANGHAI, {"department": "business_support", "kind": "high_fee"})
    counts = ("tickets", "elapsed_minutes", "answered", "answered_in_time", "resolved", "resolved_in_time")
    shown = [(row["month"], row["kind"], row["department"], *(row[name] for name in counts)) for row in found]
    assert shown == [
        ("2026-03", "fault", "customer_service", 1, 10.0, 1, 1, 1, 1),
        ("2026-03", "high_fee", "business_support", 1, 60.0, 1, 1, 1, 1),
        ("2026-03", "high_fee", "customer_service", 2, 60.0, 2, 1, 2, 1),
        ("2026-02", "high_fee", "customer_service", 1, 60.0, 0, 0, 0, 0),
    ]
    assert [row["department"] for row in only] == ["business_support"]
    assert [row["handled_minutes"] for row in found] == [None, None, 15.0, None]


def test_each_share_leads_to_the_tickets_that_make_it_up(store: Engine) -> None:
    """What is counted and what is listed are the same tickets, whatever the clocks of each."""
    march = datetime(2026, 3, 2, tzinfo=UTC)
    late = {"responded_at": march - timedelta(minutes=75)}
    with writing(store) as connection:
        add(connection, 30, march, title="both in time")
        add(connection, 90, march, title="both late", **late)
        add(connection, 90, march, title="answer in time")
        add(connection, 30, march, title="no clocks", due_at=None, respond_due_at=None)
        add(connection, 30, march, title="never answered", responded_at=None)
        add(connection, 30, march, title="with nobody", department=None)
        add(connection, 30, march, title="closed by its alert", resolved_by=None)
        add(connection, 30, march, title="of another kind", kind="fault")
        (line,) = [row for row in figures(connection, NOW, SHANGHAI, {"kind": "high_fee"}) if row["department"]]
        own = {"month": "2026-03", "kind": "high_fee", "department": "customer_service"}
        listed = {part: members(connection, SHANGHAI, own | {"part": part}) for part in ("", *PARTS)}
        nobody = members(connection, SHANGHAI, own | {"department": "none"})
        assert members(connection, SHANGHAI, own | {"month": "2026-13"}) == []
    names = {part: sorted(row["title"] for row in rows) for part, rows in listed.items()}
    assert names["answered"] == ["answer in time", "both in time"]
    assert names["answered_late"] == ["both late", "never answered"]
    assert names["resolved"] == ["both in time", "never answered"]
    assert names["resolved_late"] == ["answer in time", "both late"]
    assert len(names[""]) == line["tickets"] == 5
    assert (line["answered"], line["answered_in_time"]) == (4, 2)
    assert [row["title"] for row in nobody] == ["with nobody"]


def test_the_board_sorts_by_the_clock_that_runs_out_first_and_filters(store: Engine) -> None:
    """An answer that is due comes before a remedy that is; paused tickets come last."""
    with writing(store) as connection:
        add(connection, 5, None, title="answer soon", responded_at=None)
        add(connection, 50, None, title="resolve soon")
        add(connection, 5, None, title="paused", state="paused", due_at=None, waits_on="x")
        add(connection, 90, None, title="late", department="network", assignee="li")
        add(connection, 1, None, title="cancelled", state="cancelled", closed_at=NOW - timedelta(days=9))
        rows = tickets(connection, NOW, {})
        assert [row["title"] for row in rows] == ["late", "answer soon", "resolve soon", "paused"]
        late = tickets(connection, NOW, {"late": "yes"})
        assert [row["title"] for row in late] == ["late"]
        assert [row["title"] for row in tickets(connection, NOW, {"department": "network"})] == ["late"]
        assert load(connection, NOW) == {"by_state": {"accepted": 3, "paused": 1}, "open": 4, "late": 1, "nobody": 3}


def test_cards_show_the_money_that_waits_for_their_ticket(store: Engine) -> None:
    """What its open breaks put at risk, an amount for each currency; settled ones and other tickets' are left out."""
    with writing(store) as connection:
        add(connection, 5, None, title="breaks")
        add(connection, 5, None, title="none")
        number, other = (row["id"] for row in tickets(connection, NOW, {}))
        cases = [case_of(connection, line(f"T{n}"), day=f"2026-03-0{n}") for n in range(1, 5)]
        money = [(300, "CNY", number), (45, "CNY", number), (7, "HKD", number), (9, "CNY", None)]
        for case, (minor, currency, of) in zip(cases, money, strict=True):
            values = {"at_risk_minor": minor, "currency": currency, "ticket_id": of}
            connection.execute(update(break_case).where(break_case.c.id == case).values(values))
        rows = {row["id"]: row for row in tickets(connection, NOW, {})}
        assert (rows[number]["at_risk"], rows[other]["at_risk"]) == ([(345, "CNY"), (7, "HKD")], [])
        connection.execute(update(break_case).where(break_case.c.id == cases[0]).values(closed_at=NOW))
        rows = {row["id"]: row for row in tickets(connection, NOW, {})}
        assert rows[number]["at_risk"] == [(45, "CNY"), (7, "HKD")]
    card = ticket_card(rows[number], {}, NOW, Say("en"))
    assert "CNY 0.45 at risk" in str(card)


def test_of_what_is_done_the_latest_comes_first(light: Engine) -> None:
    with writing(light) as connection:
        for hours in (5, 1, 9):
            add(connection, 30, NOW - timedelta(hours=hours), title=f"{hours} h ago")
        assert [row["title"] for row in tickets(connection, NOW, {})] == ["1 h ago", "5 h ago", "9 h ago"]
