"""The pages on which a day is asked to be run again and two runs are compared, and what the map says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from dash import html
from sqlalchemy import Connection, Engine

from core.store.open import open_store, reading, upgrade, writing
from dashboards.components import comparison, heat_map, rerun, run_facts
from dashboards.pages import compare, control_day, find, run
from dashboards.queries import day_runs, reconciliation
from dashboards.queries.rows import Row
from dashboards.rerunning import day_of
from reconciliation.desk import reruns
from tests.dashboards import seeded
from tests.dashboards.desk import CARDS, EQUATION, MATCH, furnish, run_again
from tests.dashboards.pages.test_pages import EN, ZH, links, said

NOW = datetime(2026, 3, 12, 6, 30, 15, tzinfo=UTC)
TODAY = date(2026, 3, 12)
FIRST, REFUSED = 4, 7


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The furnished store with a day that was run twice; nobody writes to it."""
    home = tmp_path_factory.mktemp("run-again")
    made = open_store(f"sqlite:///{home / 'store.db'}")
    upgrade(made)
    with writing(made) as connection:
        seeded._runs(connection, NOW)
    furnish(made, NOW, Path(home))
    run_again(made, NOW)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with reading(engine) as made:
        yield made


@pytest.fixture
def again(connection: Connection) -> int:
    """The second run of the day of run 4."""
    return int(day_runs.runs_of_day(connection, MATCH, "2026-03-05")[0]["id"])


def a_run(connection: Connection, number: int) -> Row:
    found = reconciliation.run(connection, number)
    assert found is not None
    return found


def requested(connection: Connection, control: str, day: str) -> str:
    return said(html.Div(rerun.requests(day_runs.requests_of_day(connection, control, day, 5), EN)))


def test_a_request_says_who_asked_when_and_what_came_of_it(connection: Connection, again: int) -> None:
    words = requested(connection, MATCH, "2026-03-05")
    assert "asked for by sun.yi" in words
    assert f"done: run {again}" in words
    assert "waiting" in requested(connection, "card-vouchers", "2026-03-11")
    failed = requested(connection, EQUATION, "2026-03-10")
    assert "could not be run" in failed
    assert "broke down (the disk is full)" in failed
    rows = day_runs.requests_of_day(connection, EQUATION, "2026-03-10", 5)
    chinese = said(html.Div(rerun.requests(rows, ZH)))
    assert "li.wei 请求运行" in chinese
    assert "运行中断（the disk is full）" in chinese
    running = [rows[0] | {"state": "running", "fault": None}]
    assert "running" in said(html.Div(rerun.requests(running, EN)))


def test_every_state_of_a_request_has_a_word_and_a_shape() -> None:
    assert set(rerun.STATES) == set(rerun.SHAPES) == set(reruns.STATES)


def test_the_runs_of_a_day_lead_to_each_other_and_to_the_comparison(connection: Connection, again: int) -> None:
    runs = day_runs.runs_of_day(connection, MATCH, "2026-03-05")
    shown = rerun.day_runs(runs, again, EN)
    assert set(links(shown)) == {f"/reconciliation/{again}/compare", f"/reconciliation/{FIRST}"}
    assert "There is no run of this day." in said(rerun.day_runs([], None, EN))


def test_what_another_run_does_to_signatures_is_said_before_it_is_asked_for(connection: Connection) -> None:
    signed = day_runs.runs_of_day(connection, MATCH, "2026-03-09")
    assert rerun.about_signature(signed, EN) == (
        "Run 8 has signatures: with the same files they stay, with others a new run that nobody has signed counts."
    )
    assert rerun.about_signature(day_runs.runs_of_day(connection, MATCH, "2026-03-05"), EN) == ""
    assert rerun.about_signature([], EN) == ""


@pytest.mark.parametrize(("right", "there"), [("reconciliation.run", True), ("reconciliation.sign", False)])
def test_the_form_has_a_button_for_those_who_may_ask(right: str, there: bool) -> None:
    parts = rerun.rerun_panel(lambda asked: asked == right, EN)._traverse()
    assert ("rerun-ask" in [getattr(part, "id", "") for part in parts]) is there


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"run": "4"}, (MATCH, date(2026, 3, 5), 4)),
        ({"control": "a", "day": "2026-03-05"}, ("a", date(2026, 3, 5), None)),
        ({"control": "a", "day": "the 5th"}, None),
        ({"control": 7, "day": "2026-03-05"}, None),
        ({"run": "999"}, None),
        ({"run": ["4"]}, None),
        (None, None),
        (10**12, None),
    ],
)
def test_a_page_is_about_a_day_or_about_none(connection: Connection, kept: Any, found: Any) -> None:
    assert day_of(connection, kept) == found


def test_a_day_without_a_run_leads_from_the_map_to_where_it_is_asked_for(connection: Connection) -> None:
    days = heat_map.span(TODAY, 14)
    rows = reconciliation.latest(connection, days[0], TODAY)
    first = reconciliation.first_days(connection)
    asked = day_runs.asked_for(connection)
    shown = heat_map.heat_map(heat_map.lines(rows, CARDS, first, days, NOW, asked), "/reconciliation", EN)
    assert "/control-days/card-vouchers/2026-03-11" in set(links(shown))
    assert f"/control-days/{EQUATION}/2026-03-10" in set(links(shown))
    assert "2026-03-11 Wed: Missing run, a run is asked for" in said(shown)
    unknown = heat_map.heat_map(heat_map.lines(rows, (), first, days, NOW), "/reconciliation", EN)
    assert not [link for link in links(unknown) if link.startswith("/control-days/")]


@pytest.mark.parametrize(
    ("state", "n", "words"),
    [
        ("missing", 0, "did not happen by its deadline"),
        ("waiting", 0, "is not due yet"),
        ("none", 0, "Nothing was due"),
        ("breaks", 1, "the newest one"),
        ("refused", 1, "Nothing was matched"),
    ],
)
def test_the_page_of_a_day_says_what_its_state_means(state: str, n: int, words: str) -> None:
    runs = [{"outcome": state}] * n
    assert words in control_day.sentence(CARDS[0], state, runs, EN)
    assert "no file in the configuration" in control_day.sentence(None, state, runs, EN)


def test_the_head_of_a_day_names_the_control_and_the_days_beside_it() -> None:
    head = html.Div(control_day.render_head(EQUATION, date(2026, 3, 10), CARDS[1], "missing", [], ZH))
    assert "预付费余额平衡 · 2026-03-10 周二" in said(head)
    assert f"/control-days/{EQUATION}/2026-03-09" in set(links(head))
    assert find(f"/control-days/{EQUATION}/2026-03-10") == (control_day, [EQUATION, "2026-03-10"])
    assert find("/reconciliation/4/compare") == (compare, ["4"])


def test_two_runs_are_compared_and_each_number_leads_to_what_it_counts(connection: Connection, again: int) -> None:
    before, after = a_run(connection, FIRST), a_run(connection, again)
    shown = compare.render(before, after, compare.read(connection, before, after), EN)
    words, found = said(html.Div(shown)), set(links(html.Div(shown)))
    assert "Breaks that are gone: 3" in words
    assert "Breaks that are new: 1" in words
    assert "-CNY 36.70" in words
    assert "+CNY 77.00" in words
    assert {f"/reconciliation/{FIRST}", f"/reconciliation/{again}"} <= found
    assert f"/reconciliation/{FIRST}?class=missing_in_payment" in found
    assert f"/reconciliation/{again}?class=payment_only" in found
    assert "/arrivals?control=mobile-payment&days=31&party=billing" in found
    assert [link for link in found if link.startswith("/breaks/")]
    assert "Control version 1 2" in " ".join(words.split())
    chinese = said(html.Div(compare.render(before, after, compare.read(connection, before, after), ZH)))
    assert "已消失的差错：3" in chinese


def test_a_refused_run_is_compared_by_its_reasons_and_an_equation_by_its_quantities(connection: Connection) -> None:
    refused, after = a_run(connection, REFUSED), a_run(connection, FIRST)
    words = said(html.Div(compare.render(refused, after, compare.read(connection, refused, after), ZH)))
    assert "清单文件写的是 4,180 行，文件有 4,102 行；请重新索取。" in words
    assert "被拒绝的批次没有结果" in words
    rows = [row["id"] for row in reconciliation.runs(connection) if row["control"] == EQUATION]
    one, other = a_run(connection, rows[-1]), a_run(connection, rows[0])
    words = said(html.Div(compare.render(one, other, compare.read(connection, one, other), EN)))
    assert "Quantities" in words
    assert "top_up" in words
    assert "Both runs had the same parameters." in words


@pytest.mark.parametrize(
    ("asked", "found"),
    [({}, 4), ({"with": "9"}, 9), ({"with": "7"}, 4), ({"with": "1"}, 4), ({"with": "x"}, 4), ({"with": "4"}, 4)],
)
def test_the_other_run_is_the_one_before_unless_the_address_names_one_of_the_day(
    asked: dict[str, str], found: int
) -> None:
    runs = [{"id": 9}, {"id": 7}, {"id": 4}]
    assert compare.other_of(runs, 7, asked) == found
    assert compare.other_of([{"id": 7}], 7, asked) is None
    chips = html.Div(compare.render_filters(runs, {"id": 4}, {"id": 7}, {}, EN))
    assert set(links(chips)) == {"/reconciliation/7/compare?with=4", "/reconciliation/7/compare?with=9"}


def test_a_long_list_of_breaks_says_how_many_there_are(connection: Connection) -> None:
    row = a_run(connection, FIRST)
    breaks = reconciliation.breaks(connection, FIRST)[:2]
    words = said(comparison.breaks(7_000, breaks, row, {}, EN))
    assert "the first 2 of 7,000 breaks" in words
    assert "None." in said(comparison.breaks(0, [], row, {}, EN))


def test_the_run_page_offers_the_comparison_and_the_newer_run(connection: Connection, again: int) -> None:
    row = a_run(connection, again)
    head = html.Div(run.render_head(row, {"earlier": FIRST}, EN))
    assert f"/reconciliation/{again}/compare" in set(links(head))
    head = html.Div(run.render_head(row, {"newest": 99}, EN))
    assert "/reconciliation/99" in set(links(head))
    assert f"/reconciliation/{again}/compare" not in set(links(head))


def test_the_parameters_of_a_run_have_words() -> None:
    assert run_facts.setting_name("cutoff_window_s", ZH) == "日切窗口（秒）"
    assert run_facts.setting_name("something_new", ZH) == "something new"
    assert run_facts.setting("losers", {"payment_only": "operator"}, ZH) == "渠道单边长款: 运营商"
