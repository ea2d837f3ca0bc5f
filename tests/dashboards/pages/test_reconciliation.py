"""The pages about reconciliation: what each says of a store whose runs, cases and files are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine

from core.store.open import open_store, reading, upgrade, writing
from dashboards.components import case_actions, control_kpis, heat_map, records, sign_off, waterfall
from dashboards.components.equation import allowed, amount
from dashboards.components.words import CASE_EVENT, REASON, break_class, in_order
from dashboards.context import Viewer
from dashboards.controls import ControlCard
from dashboards.files import there
from dashboards.pages import arrivals, break_case, breaks, leakage, reconciliation, run
from dashboards.queries import arrivals as file_reads
from dashboards.queries import cases as case_reads
from dashboards.queries import reconciliation as run_reads
from reconciliation.desk import cases as desk_cases
from reconciliation.desk import signatures
from tests.dashboards import seeded
from tests.dashboards.desk import CARDS, EQUATION, MATCH, RUN, every_day, expectations, furnish
from tests.dashboards.pages.test_pages import EN, ZH, links, said

NOW = datetime(2026, 3, 12, 6, 30, 15, tzinfo=UTC)
TODAY = date(2026, 3, 12)
DAYS = heat_map.span(TODAY, 14)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    """The furnished runs and their home folder; nobody writes to them."""
    home = tmp_path_factory.mktemp("furnished-desk")
    engine = open_store(f"sqlite:///{home / 'store.db'}")
    upgrade(engine)
    with writing(engine) as connection:
        seeded._runs(connection, NOW)
    furnish(engine, NOW, home)
    yield engine, home
    engine.dispose()


@pytest.fixture
def connection(house: tuple[Engine, Path]) -> Iterator[Connection]:
    """A transaction that only reads."""
    with reading(house[0]) as made:
        yield made


def the_lines(connection: Connection, cards: tuple[ControlCard, ...] = CARDS) -> list[heat_map.Line]:
    """The lines of the map over 14 days."""
    rows = run_reads.latest(connection, DAYS[0], TODAY)
    return heat_map.lines(rows, cards, run_reads.first_days(connection), DAYS, NOW)


def read_run(connection: Connection, number: int, home: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run and what its page reads besides."""
    row = run_reads.run(connection, number)
    assert row is not None
    return row, {
        "classes": run_reads.by_class(connection, number),
        "presence": run_reads.presence(connection, number),
        "before": run_reads.chain(connection, row),
        "files": there(home, row),
    }


A_CARD = ControlCard("c", scheduled=every_day, deadline=lambda day: datetime(2026, 3, 12, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("row", "card", "due", "now_h", "state"),
    [
        ({"outcome": "clean", "carried": 0}, A_CARD, True, 5, "balanced"),
        ({"outcome": "clean", "carried": 3}, A_CARD, True, 5, "carried"),
        ({"outcome": "breaks", "carried": 3}, A_CARD, True, 5, "breaks"),
        ({"outcome": "refused", "carried": 0}, A_CARD, True, 5, "refused"),
        (None, A_CARD, True, 3, "waiting"),
        (None, A_CARD, True, 4, "missing"),  # the deadline itself has passed
        (None, A_CARD, False, 5, "none"),  # not a day of its schedule
        (None, None, False, 5, "none"),  # nobody knows when it is due
        (None, ControlCard("c", scheduled=every_day), True, 5, "waiting"),  # without a deadline nothing is late
    ],
)
def test_the_state_of_a_day(row: Any, card: ControlCard | None, due: bool, now_h: int, state: str) -> None:
    now = datetime(2026, 3, 12, now_h, tzinfo=UTC)
    assert heat_map.state_of(row, card, date(2026, 3, 11), due, now) == state


def test_a_missing_run_is_a_fault_and_a_day_before_the_first_run_is_not(connection: Connection) -> None:
    """The second control left out a day; the third never ran at all; the first is ten days old."""
    match, equation, vouchers = the_lines(connection)
    assert [cell.state for cell in match.cells][:5] == ["none"] * 4 + ["balanced"]
    assert [cell.day.isoformat() for cell in equation.cells if cell.state == "missing"] == ["2026-03-10"]
    assert {cell.state for cell in vouchers.cells} == {"missing"}
    since = ControlCard("card-vouchers", scheduled=every_day, deadline=CARDS[2].deadline, since=date(2026, 3, 11))
    (late,) = [line for line in the_lines(connection, (since,)) if line.name == since.name]
    assert [cell.state for cell in late.cells].count("missing") == 1


def test_a_control_that_only_its_runs_tell_of_has_a_line_too(connection: Connection) -> None:
    found = the_lines(connection, ())
    assert [line.name for line in found] == [MATCH, EQUATION]
    assert not any(cell.state == "missing" for line in found for cell in line.cells)


def test_the_map_says_state_number_and_signature_in_words_and_leads_to_the_runs(connection: Connection) -> None:
    shown = heat_map.heat_map(the_lines(connection), "/reconciliation", EN)
    words = said(shown)
    assert "2026-03-11 Wed: Breaks, 13 breaks, CNY 494.50 at risk, 4 carried" in words
    assert "2026-03-09 Mon: Balanced, Signed: zhao.lei" in words
    assert "Missing run" in words
    assert f"/reconciliation/{RUN}" in set(links(shown))
    assert "移动支付三方对账" in said(heat_map.heat_map(the_lines(connection), "/reconciliation", ZH))


def test_the_figures_of_the_controls_are_those_of_their_runs(connection: Connection) -> None:
    found = the_lines(connection)
    kpi = control_kpis.measure(found[:1])
    assert (kpi.ran, kpi.due, kpi.breaks, kpi.signed, kpi.signable) == (9, 10, 26, 1, 9)
    assert kpi.at_risk_minor == {"CNY": 98_900}
    assert kpi.match_ratio == pytest.approx(1 - 34 / (9 * 4_188))
    assert kpi.per_ten_thousand == pytest.approx(26 / (9 * 4_188) * 10_000)
    assert control_kpis.running(found) == (2, 3)
    nothing = control_kpis.measure([])
    assert (nothing.match_ratio, nothing.ran_ratio, nothing.signed_ratio, nothing.per_ten_thousand) == (None,) * 4


def test_the_page_has_map_figures_ages_and_a_refusal_with_its_reason(connection: Connection) -> None:
    found = the_lines(connection)
    rows = run_reads.latest(connection, DAYS[0], TODAY)
    waiting = case_reads.open_by_control(connection, NOW, TODAY)
    words = said(reconciliation.render(found, rows, waiting, {}, TODAY, NOW, EN))
    assert "the file has 4,102" in words
    assert "2 / 3 controls that ran when last due" in words
    assert "data as of 14:30:15" in words
    empty = said(reconciliation.render([], [], [], {}, TODAY, NOW, EN))
    assert "No control has run yet." in empty
    assert reconciliation.chosen(found, {"state": "refused"}) == found[:1]
    assert reconciliation.chosen(found, {"owner": "billing"}) == found[1:]
    assert reconciliation.days_of({"days": "1000000000"}) == 14


def test_the_waterfall_leads_from_file_to_file_and_ends_at_the_other_files_own_total(connection: Connection) -> None:
    """In rows and in money, between any two parties, without a step that nobody can explain."""
    row, read = read_run(connection, RUN)
    certificate = row["certificate"]
    parties = certificate["parties"]
    for unit, part in (("rows", "rows"), ("money", "amount_minor")):
        for first in parties:
            for other in set(parties) - {first}:
                found = waterfall.steps(certificate, read["presence"], first, other, unit, EN)
                assert (found[0].value, found[-1].value) == (parties[first][part], parties[other][part])
                reached = waterfall.levels(found)
                totals = [at for at, step in enumerate(found) if step.total][1:]
                assert all(reached[at - 1] == found[at].value for at in totals), (unit, first, other)
                assert not {"Not in the store", "Without effect"} & {step.name for step in found}
    rows = waterfall.steps(certificate, read["presence"], "billing", "payment", "rows", EN)
    assert ("Matched", 4_171, True) in [(step.name, step.value, step.total) for step in rows]


def test_breaks_that_the_store_does_not_hold_show_as_a_step_of_their_own(connection: Connection) -> None:
    row, read = read_run(connection, RUN)
    fewer = [one for one in read["presence"] if one["class"] != "missing_in_billing"]
    found = waterfall.steps(row["certificate"], fewer, "billing", "payment", "rows", EN)
    assert [(step.name, step.value) for step in found if step.name == "Not in the store"] == [("Not in the store", 5)]


@pytest.mark.parametrize(("low", "high", "start"), [(0, 10, 0), (50, 100, 0), (4_000, 4_020, 3_980), (-5, 10, -5)])
def test_the_axis_of_the_waterfall_starts_where_its_steps_can_be_told_apart(low: int, high: int, start: int) -> None:
    assert waterfall.axis_start(low, high) == start


def test_a_run_ties_out_says_its_causes_and_shows_each_record_with_file_and_line(
    connection: Connection, house: tuple[Engine, Path]
) -> None:
    row, read = read_run(connection, RUN, house[1])
    words = said(run.render(row, read, {}, ZH))
    assert "每一行都有且仅有一个去向" in words
    assert "已付未入账" in words
    assert "13 条差错中有 9 条来自渠道 7" in words
    known = run_reads.cases_of(connection, row)
    found = run_reads.breaks(connection, RUN, ("payment_only",))
    first = run.grid_rows(found, "CNY", ("billing", "platform", "payment"), known, EN)[0]
    assert first["of_billing"] is None
    assert first["of_payment"]["where"].startswith("payment-2026-03-11.csv:")
    assert first["key"]["href"].startswith("/breaks/")
    assert read["files"] == ["breaks.csv", "rejects.csv", "certificate.json", "report.pdf"]
    assert f"/reconciliation/{RUN}/files/report.pdf" in set(links(run.files_panel(row, read["files"], EN)))


def test_a_refused_run_says_why_and_an_equation_shows_what_has_to_add_up(connection: Connection) -> None:
    row, read = read_run(connection, 7)
    assert "the file has 4,102" in said(run.render(row, read, {}, EN))
    off = next(
        one for one in run_reads.latest(connection, DAYS[0], TODAY) if one["kind"] == "equation" and one["breaks"]
    )
    row, read = read_run(connection, off["id"])
    words = said(run.render(row, read, {}, EN))
    assert "opening + top_up - usage - closing  =  CNY -12.50" in words or "-CNY 12.50" in words
    assert "the equation does not hold" in words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "fen", "–"),
        (1_250, "fen", "CNY 12.50"),
        (1_250, "USD", "USD 12.50"),
        (1_250, "1", "1,250"),
        (0.9993, "1", "0.9993"),
        ("0.9993", "1", "0.9993"),
        (12, "minutes", "12 minutes"),
    ],
)
def test_a_quantity_is_shown_in_its_unit(value: Any, unit: str, words: str) -> None:
    assert amount(value, unit, "CNY", EN) == words


def test_what_an_equation_allows_is_said() -> None:
    assert allowed(100, "fen", "CNY", EN) == "± CNY 1.00"
    assert allowed({"at_least": "0.999"}, "1", "CNY", EN) == "at least 0.999"
    assert allowed({"between": ["0.9", "1.1"]}, "1", "CNY", EN) == "between 0.9 and 1.1"
    assert allowed({"tolerance": "100"}, "fen", "CNY", ZH) == "± ¥1.00"
    assert allowed(None, "1", "CNY", EN) == ""


def test_fields_that_differ_are_marked_with_a_sign_and_a_word() -> None:
    """An empty field differs from nothing; instants of different systems always differ and are left out."""
    told = {
        "billing": {
            "record_id": "B1",
            "amount_minor": 100,
            "status": "success",
            "occurred_at": "2026-03-11T01:00:00+00:00",
        },
        "payment": {
            "record_id": "P1",
            "amount_minor": 90,
            "status": "success",
            "fee_minor": 1,
            "file": "p.csv",
            "line": 7,
        },
    }
    assert records.differing(told) == {"amount_minor"}
    words = said(records.side_by_side(("billing", "platform", "payment"), told, "CNY", EN))
    assert words.count("≠  differs") == 2
    assert "no record" in words
    assert "p.csv:7" in words


def test_a_case_says_who_loses_how_much_what_was_decided_and_by_whom(connection: Connection) -> None:
    row = case_reads.one(connection, 1)
    shown = break_case.render(row, case_reads.adjustments(connection, 1), case_reads.events(connection, 1), NOW, EN)
    words = said(shown)
    assert "proven by run 9" in words
    assert "Approved · zhao.lei" in words
    assert "Found · reconciliation" in words.replace("  ", " ")
    assert "There is no such break" in said(break_case.render_head(None, EN))


def a_viewer(name: str, role: str) -> Viewer:
    return Viewer(name, role, "en", ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("state", "waiting", "viewer", "shown"),
    [
        ("open", None, ("li.wei", "operator"), {"assigning", "reasoning", "proposing", "explaining", "ticketing", "commenting"}),
        ("open", None, ("sun.yi", "auditor"), {"assigning", "reasoning", "proposing", "explaining", "commenting"}),
        ("open", None, ("guest", "viewer"), set()),
        ("proposed", "li.wei", ("li.wei", "operator"), {"withdrawing", "assigning", "reasoning", "ticketing", "commenting"}),
        ("proposed", "li.wei", ("wang.fang", "operator"), {"assigning", "reasoning", "ticketing", "commenting"}),
        ("proposed", "li.wei", ("zhao.lei", "manager"), {"deciding", "assigning", "reasoning", "ticketing", "commenting"}),
        ("proposed", "zhao.lei", ("zhao.lei", "manager"), {"withdrawing", "assigning", "reasoning", "ticketing", "commenting"}),
        ("approved", None, ("li.wei", "operator"), {"assigning", "reasoning", "reopening", "ticketing", "commenting"}),
        ("proven", None, ("li.wei", "operator"), {"reopening", "ticketing", "commenting"}),
    ],
)  # fmt: skip
def test_a_case_offers_what_its_state_and_the_viewers_role_allow(
    state: str, waiting: str | None, viewer: tuple[str, str], shown: set[str]
) -> None:
    """Nobody is offered to decide on their own proposal."""
    row = {"state": state, "ticket_id": None}
    whole, *parts = case_actions.hidden(row, waiting, a_viewer(*viewer))
    found = {form for form, hid in zip(case_actions.FORMS, parts, strict=True) if not hid}
    assert found == {f"case-{name}" for name in shown}
    assert whole is (not shown)


@pytest.mark.parametrize(
    ("reached", "prepares", "signs", "shown"),
    [
        ("unsigned", True, False, {"run-preparing"}),
        ("unsigned", False, False, set()),
        ("prepared", True, False, set()),
        ("prepared", True, True, {"run-reviewing", "run-reopening"}),
        ("signed", True, True, {"run-reopening"}),
        ("reopened", True, True, {"run-preparing"}),
        (None, True, True, set()),
    ],
)
def test_a_run_offers_the_next_signature(reached: str | None, prepares: bool, signs: bool, shown: set[str]) -> None:
    whole, *parts = sign_off.hidden(reached, prepares=prepares, signs=signs)
    assert {form for form, hid in zip(sign_off.FORMS, parts, strict=True) if not hid} == shown
    assert whole is (not shown)


def test_every_state_event_and_reason_of_the_desk_has_a_word() -> None:
    """A state or code that the desk invents needs its word on the pages."""
    assert set(desk_cases.REASONS) == set(REASON)
    assert set(desk_cases.STATES) == set(break_case.CASE_STATE)
    assert set(signatures.AFTER.values()) | {"unsigned"} == set(sign_off.STATES)
    kinds = {"found", "found_again", "assigned", "reason", "comment", "explained", "reopened", "ticket", "proposed"}
    assert kinds | {"withdrawn", "approved", "rejected", "proven"} <= set(CASE_EVENT)


def test_pages_call_a_control_by_its_title(connection: Connection) -> None:
    """The name of its file stays in the address and in the tip."""
    called = {MATCH: "手机支付三方对账"}
    row = run_reads.run(connection, RUN)
    assert row is not None
    assert run.render_head(row, {}, ZH, called)[1].children == f"手机支付三方对账 · {row['business_day']}"
    found = case_reads.cases(connection, NOW, TODAY, {})
    assert {one["control"] for one in breaks.grid_rows(found, NOW, ZH, called)} >= {"手机支付三方对账"}
    case = case_reads.one(connection, 1)
    assert "手机支付三方对账" in said(break_case.render(case, [], [], NOW, ZH, called))
    periods = [day.isoformat() for day in DAYS]
    rows = case_reads.leakage(connection, DAYS[0], TODAY, seeded.ZONE, {})
    shown = leakage.render(rows, periods, {}, NOW, ZH, called)
    assert "手机支付三方对账" in said(shown)
    assert any(f"control={MATCH}" in link for link in links(shown))


def test_the_ticket_of_a_break_is_called_in_the_viewers_language(connection: Connection) -> None:
    case = dict(case_reads.one(connection, 1) or {})
    case |= {"ticket_id": 12, "ticket_title": "x-1: 74 breaks on 2026-11-28", "ticket_state": "open"}
    assert "x-1：2026-11-28 有 74 条差错" in said(break_case.render(case, [], [], NOW, ZH))


def test_breaks_are_rows_of_words_with_a_deadline(connection: Connection) -> None:
    rows = breaks.grid_rows(case_reads.cases(connection, NOW, TODAY, {}), NOW, EN)
    assert rows[0]["due"]["status"] == "critical"
    assert rows[0]["due"]["word"].startswith("late by ")
    assert rows[-1]["due"]["word"].endswith(" left")
    sums = case_reads.totals(connection, NOW, TODAY, {})
    assert "9 late" in said(breaks.render(sums, EN))
    choices = case_reads.choices(connection)
    filters = breaks.render_filters({"class": "payment_only"}, choices, ZH)
    assert "渠道单边长款" in said(filters)
    assert "/breaks?class=payment_only&state=all" in set(links(filters))


def test_files_say_what_is_wrong_with_them_and_when_they_came(connection: Connection) -> None:
    rows = file_reads.arrivals(connection, expectations(NOW), DAYS[0], DAYS[-1], NOW)
    words = said(arrivals.render(rows, DAYS, {}, CARDS, NOW, EN))
    assert "It came 47 min after it was due." in words
    assert "is looked for; ask " in words
    assert "2026-03-08 Sun: Missing, due 2026-03-09 08:00:00" in words
    assert "2026-03-10 Tue: Late, due 2026-03-11 08:00:00, came 2026-03-11 08:47:00" in words
    assert [row["state"] for row in rows if arrivals.fits(row, {"state": "faults"})] == [
        "missing",
        "changed",
        "twice",
        "late",
    ]
    assert "No file was expected" in said(arrivals.render([], DAYS, {}, (), NOW, EN))


def test_leakage_shows_each_currency_by_itself_and_its_recovery(connection: Connection) -> None:
    rows = case_reads.leakage(connection, DAYS[0], TODAY, seeded.ZONE, {})
    dollars = [row | {"currency": "USD", "amount_minor": 7} for row in rows[:1]]
    periods = [day.isoformat() for day in DAYS]
    words = said(leakage.render([*rows, *dollars], periods, {}, NOW, EN))
    assert "Identified against recovered, CNY" in words
    assert "Identified against recovered, USD" in words
    sums = leakage.summed(rows)
    assert leakage.recovery(sums) == pytest.approx(sums["recovered"] / sums["identified"])
    assert leakage.recovery({"identified": 0, "recovered": 0}) is None
    assert "No break was found" in said(leakage.render([], periods, {}, NOW, EN))


@pytest.mark.parametrize(
    ("back", "first"), [(0, date(2026, 3, 1)), (2, date(2026, 1, 1)), (3, date(2025, 12, 1)), (14, date(2025, 1, 1))]
)
def test_months_are_counted_back_over_new_year(back: int, first: date) -> None:
    assert leakage.months_before(TODAY, back) == first


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("missing_in_billing", "Missing in billing", "已付未入账"),
        ("missing_in_bank", "Missing in bank", "bank缺记录"),
        ("missing_in_bank_and_billing", "Missing in bank, Billing", "bank、计费缺记录"),
        ("bank_only", "Only in bank", "仅bank有"),
        ("duplicate_in_bank", "Duplicate in bank", "bank重复"),
        ("something_new", "something_new", "something_new"),
    ],
)
def test_a_class_of_any_parties_has_a_name(code: str, english: str, chinese: str) -> None:
    assert (break_class(code, EN), break_class(code, ZH)) == (english, chinese)


def test_parties_stand_in_the_order_of_a_sale_and_others_by_name() -> None:
    assert in_order(["zeta", "payment", "billing", "bank"]) == ("billing", "payment", "bank", "zeta")


def test_a_control_is_called_by_its_title_in_the_viewers_language() -> None:
    card = ControlCard("c", {"en": "English", "zh": "中文"})
    assert (card.called("zh_CN"), card.called("en"), ControlCard("c").called("en")) == ("中文", "English", "c")
    assert not card.overdue(TODAY, NOW + timedelta(days=900))
