"""Pages: the list equals the folder, each is registered, and what they render says the right words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dash import dcc, html
from dash.development.base_component import Component
from sqlalchemy import Connection, Engine, insert, select

import alerts as alert_package
from alerts.config import default_routes
from alerts.tickets import declared
from alerts.tickets.machine import EVENT_OF
from core.model import instant_ms
from core.store import tables
from dashboards import pages
from dashboards.components import alert_list, kpi_cards, ticket_cards, ticket_forms
from dashboards.components.filters import address, parse, whole
from dashboards.components.panels import as_of
from dashboards.components.rows import title
from dashboards.components.values import money, per_second, size, value
from dashboards.components.words import EVENT, TICKET_STATE
from dashboards.context import Viewer
from dashboards.locale import Say
from dashboards.pages import (
    alerts,
    break_case,
    find,
    kpi,
    overview,
    run,
    target,
    targets,
    threads,
    ticket,
    ticket_figures,
    ticket_new,
    tickets,
)
from dashboards.queries import alerts as alert_reads
from dashboards.queries import kpi as kpi_reads
from dashboards.queries import overview as overview_reads
from dashboards.queries import pools as pool_reads
from dashboards.queries import targets as target_reads
from dashboards.queries import tickets as ticket_reads
from dashboards.ticket_doings import DONE

EN = Say("en", "Asia/Shanghai", "Asia/Shanghai")
ZH = Say("zh_CN", "Asia/Shanghai", "Asia/Shanghai")
WORKS = Viewer("li.wei", "operator", "en", EN.zone)
LOOKS = Viewer("guest", "viewer", "en", EN.zone)


def texts(part: Any) -> Iterator[str]:
    """Every text of a component, its tips included, in the order of reading."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield str(part)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from texts(one)
    elif isinstance(part, Component):
        yield from texts(getattr(part, "title", None))
        yield from texts(getattr(part, "children", None))


def said(part: Any) -> str:
    """All texts in one line."""
    return " ".join(texts(part))


def links(part: Any) -> Iterator[str]:
    """Every address that a component leads to."""
    if isinstance(part, list | tuple):
        for one in part:
            yield from links(one)
    elif isinstance(part, Component):
        if isinstance(getattr(part, "href", None), str):
            yield part.href
        yield from links(getattr(part, "children", None))


def test_the_list_of_pages_equals_the_folder() -> None:
    folder = {path.stem for path in Path(pages.__file__).parent.glob("*.py")} - {"__init__"}
    assert {module.__name__.rsplit(".", 1)[1] for module in pages.MODULES} == folder


def test_every_page_has_its_parts_and_an_address_of_its_own() -> None:
    for module in pages.MODULES:
        assert module.PATH.startswith("/")
        assert module.TITLE
        assert callable(module.layout)
        assert callable(module.render)
        assert callable(module.register)
    assert len({module.PATH for module in pages.MODULES}) == len(pages.MODULES)


@pytest.mark.parametrize(
    ("path", "page", "segments"),
    [
        ("/", overview, []),
        ("/targets", targets, []),
        ("/targets/crm-web", target, ["crm-web"]),
        ("/targets/a%2Fb", target, ["a/b"]),
        ("/reconciliation/7", run, ["7"]),
        ("/breaks/7", break_case, ["7"]),
        ("/tickets/new", ticket_new, []),
        ("/tickets/figures", ticket_figures, []),
        ("/tickets/7", ticket, ["7"]),
    ],
)
def test_an_address_finds_its_page(path: str, page: Any, segments: list[str]) -> None:
    assert find(path) == (page, segments)


def test_an_address_that_is_of_no_page_finds_none() -> None:
    assert find("/targets/one/two") is None


def read_overview(connection: Connection, now: datetime) -> dict[str, Any]:
    end_ms = instant_ms(now)
    return {
        "targets": target_reads.targets(connection, now),
        "timeline": overview_reads.timeline(connection, end_ms - 86_400_000, end_ms),
        "alerts": alert_reads.alerts(connection, now, {}),
        "alert_load": alert_reads.load(connection, now),
        "ticket_load": ticket_reads.load(connection, now),
        "changes": overview_reads.recent(connection, end_ms),
        "pipeline": overview_reads.pipeline(connection, now),
    }


def test_the_overview_says_what_is_wrong_since_when_and_who_has_it(connection: Connection, now: datetime) -> None:
    shown = overview.render(read_overview(connection, now), now, EN)
    words = said(shown)
    assert "since 1 h 30 min li.wei" in words
    assert "nobody yet" in words
    assert "data as of 14:30:10" in words
    assert "demo data" in words
    assert "/alerts?severity=critical" in set(links(shown))


def test_the_overview_of_an_empty_store_says_so_in_sentences(now: datetime) -> None:
    empty = {
        "targets": [],
        "timeline": {},
        "alerts": [],
        "alert_load": {"by_severity": {}, "open": 0, "waiting": 0},
        "ticket_load": {"open": 0, "late": 0, "nobody": 0},
        "changes": [],
        "pipeline": {
            "last_sample_age_s": None,
            "pulse_age_s": None,
            "queue_depth": None,
            "probes": 0,
            "failing": 0,
            "skipped": 0,
            "refused": 0,
            "example": None,
        },
    }
    words = said(overview.render(empty, now, EN))
    assert "Nothing is watched yet." in words
    assert "No alert is open." in words
    assert "Unknown" in words
    assert "no data yet" in words


def test_what_is_stale_is_said_to_be_unknown() -> None:
    assert said(as_of(EN, None)) == "Unknown   no data yet"
    assert said(as_of(EN, datetime(2026, 3, 1, tzinfo=UTC), stale=True)).startswith("Unknown")


def test_alerts_are_rows_of_words_in_both_languages(connection: Connection, now: datetime) -> None:
    rows = alert_reads.alerts(connection, now, {"target": "billing-db-01"})
    (english,) = alert_list.grid_rows(rows, now, EN)
    (chinese,) = alert_list.grid_rows(rows, now, ZH)
    assert english["state"] == {"status": "critical", "word": "Critical"}
    assert chinese["state"] == {"status": "critical", "word": "严重"}
    assert english["alert"]["title"] == "billing-db-01: disk"
    assert english["why"] == "disk: 95.1 % of /u01 is in use; the critical limit is 95 %."
    assert english["who"] == {
        "text": "li.wei",
        "none": False,
        "acknowledged": "acknowledged at 2026-03-12 13:04:15",
        "ticket": {"text": "ticket #1", "href": "/tickets?ticket=1"},
    }
    assert chinese["who"]["ticket"]["text"] == "工单 #1"


def test_an_alert_without_a_summary_is_led_by_its_target_and_check() -> None:
    assert title({"annotations": {}, "target": "crm-web", "check_name": "threads"}) == "crm-web: threads"


def test_an_alert_of_a_business_day_says_which_and_a_target_that_its_summary_leaves_out(
    connection: Connection, now: datetime
) -> None:
    row = alert_reads.alerts(connection, now, {"target": "billing-db-01"})[0]
    row = row | {"annotations": {"summary": "The disk is full"}, "labels": {"business_day": "2026-03-11"}}
    (shown,) = alert_list.grid_rows([row], now, EN)
    assert shown["alert"]["where"] == "billing-db-01 · business day 2026-03-11"


@pytest.mark.parametrize(
    ("wanted", "shown", "room", "chosen"),
    [
        (9, None, False, 9),  # the address says which, even one that the filters leave out
        (None, None, True, 5),  # the first of the list
        (None, 7, True, 7),  # what is being read stays
        (None, 8, True, 5),  # ... unless it has left the list
        (None, 7, False, None),  # a phone shows the list first
    ],
)
def test_which_alert_is_shown_in_detail(wanted: int | None, shown: int | None, room: bool, chosen: int | None) -> None:
    assert alerts.choose([{"id": 5}, {"id": 7}], wanted, shown, room) == chosen


@pytest.mark.parametrize(
    ("viewport", "room"), [({"width": 1440}, True), ({"width": 390}, False), (None, False), ({"width": "x"}, False)]
)
def test_there_is_room_for_a_detail_when_the_window_says_so(viewport: object, room: bool) -> None:
    assert alerts.has_room(viewport) is room


def test_every_kind_of_event_that_alerts_and_tickets_write_has_a_word() -> None:
    """The kinds are read from the source that writes them, so that a new one needs its word."""
    folder = Path(alert_package.__file__).parent
    source = "\n".join(path.read_text() for path in folder.rglob("*.py"))
    forms = (
        r'now, "([a-z_]+)",',
        r'events\.append\(\("([a-z_]+)", ',
        r'_write_down\(connection, \w+, \w+, "([a-z_]+)"',
        r'_tell_alerts\([^")]*"([a-z_]+)"',
    )
    written = {kind for form in forms for kind in re.findall(form, source)}
    assert {"acknowledged", "unacknowledged", "not_delivered", "ticket", "alert_returned", "reopened"} <= written
    assert written <= set(EVENT)


def test_an_alert_in_detail_offers_acknowledgement_only_to_those_who_may(connection: Connection, now: datetime) -> None:
    rows = alerts.read(connection, default_routes(), 2, now)
    assert "Acknowledge" in said(alerts.render(rows, {}, now, WORKS, EN))
    assert "Acknowledge" not in said(alerts.render(rows, {}, now, LOOKS, EN))
    taken = alerts.read(connection, default_routes(), 1, now)
    assert "Give back" in said(alerts.render(taken, {}, now, WORKS, EN))
    assert "Give back" not in said(alerts.render(taken, {}, now, LOOKS, EN))
    assert "8 of 8 threads are busy" in said(alerts.render(rows, {}, now, LOOKS, EN))
    assert "There is no such alert." in said(
        alerts.render(alerts.read(connection, default_routes(), 999, now), {}, now, WORKS, EN)
    )


@pytest.mark.parametrize(("due_s", "words"), [(3600, "1 h left"), (60, "1 min left"), (-60, "late by 1 min")])
def test_a_ticket_says_how_long_until_it_is_late(now: datetime, due_s: int, words: str) -> None:
    row = {"state": "open", "due_at": now + timedelta(seconds=due_s)}
    assert words in said(ticket_cards.due(row, now, EN))


def test_tickets_stand_in_the_column_of_their_state(connection: Connection, now: datetime) -> None:
    rows = ticket_reads.tickets(connection, now, {})
    board = tickets.render(rows, {}, now, ZH)[0]
    assert [said(column).split(" ")[:2] for column in board.children] == [
        ["待派单", "2"],
        ["已派单", "1"],
        ["处理中", "0"],
        ["已挂起", "0"],
        ["已解决", "1"],
        ["已关闭", "1"],
    ]
    assert "故障工单" in said(board)


def test_a_target_is_drawn_on_one_axis_with_its_changes(connection: Connection, now: datetime) -> None:
    figure, remembered = target.whole(connection, "billing-db-01", {"range": "24h"}, now, 900, EN)
    assert figure is not None
    assert {trace["xaxis"] for trace in figure["data"]} == {"x"}
    assert len(figure["data"]) == 6
    assert figure["data"][0]["marker"]["symbol"] == ["triangle-up", "octagon"]
    assert remembered["raw"]
    assert figure["data"][1]["y"][-1] is not None


def test_a_tick_adds_only_what_came_since(connection: Connection, now: datetime) -> None:
    early = now - timedelta(minutes=3)
    _figure, remembered = target.whole(connection, "crm-app-01", {"range": "1h"}, early, 900, EN)
    added = target.more(connection, remembered, instant_ms(now), {})
    assert added is not None
    patch, _same, seen = added
    extended = [step for step in patch.to_plotly_json()["operations"] if step["operation"] == "Extend"]
    assert len(extended) == 10  # x and y of five series
    assert all(len(step["params"]["value"]) == 3 for step in extended)
    assert min(seen["last_ms"].values()) > max(remembered["last_ms"].values())


def test_a_tick_after_a_long_pause_or_a_new_change_draws_the_figure_whole(
    connection: Connection, now: datetime
) -> None:
    _figure, remembered = target.whole(connection, "crm-app-01", {"range": "1h"}, now - timedelta(minutes=10), 900, EN)
    assert target.more(connection, remembered, instant_ms(now), {}) is None
    _figure, remembered = target.whole(
        connection, "order-service", {"range": "6h"}, now - timedelta(minutes=9), 900, EN
    )
    assert target.more(connection, remembered, instant_ms(now), {}) is None


def test_a_zoomed_chart_keeps_its_zoom(connection: Connection, now: datetime) -> None:
    _figure, remembered = target.whole(connection, "crm-app-01", {}, now - timedelta(minutes=3), 900, EN)
    zoomed = target.more(connection, remembered, instant_ms(now), {"xaxis.range[0]": 1, "xaxis.range[1]": 2})
    assert zoomed is not None
    assert all("range" not in step["location"] for step in zoomed[0].to_plotly_json()["operations"])


@pytest.mark.parametrize(
    ("values", "back", "change"),
    [
        ([100.0] * 7 + [110.0], 7, 0.1),
        ([100.0] * 8, 7, 0.0),
        ([5.0], 7, None),
        ([0.0] * 7 + [3.0], 7, None),
        ([100.0, 80.0], 1, -0.2),
        ([], 1, None),
    ],
)
def test_a_kpi_is_compared_with_the_day_before_and_the_same_weekday_a_week_before(
    values: list[float], back: int, change: float | None
) -> None:
    days = [(date(2026, 3, 1) + timedelta(days=n), measured) for n, measured in enumerate(values)]
    found = kpi_cards.against(days, back)
    assert found == (None if change is None else pytest.approx(change))


def a_kpi(**values: Any) -> dict[str, Any]:
    """A row of an indicator by channel, two days over and one that runs."""
    days = [(date(2026, 3, 10), 100.0), (date(2026, 3, 11), 120.0), (date(2026, 3, 12), 7.0)]
    return {
        "target": "boss-business",
        "indicator": "business.orders",
        "labels": {"channel": "shop"},
        "description": "Orders of the business day",
        "owner": "Sales",
        "unit": "1",
        "kind": "gauge",
        "status": "ok",
        "stale": False,
        "daily": True,
        "days": days,
        "running": True,
        "moments": [],
    } | values


def test_the_running_day_is_named_set_apart_and_compared_with_nothing() -> None:
    words = said(kpi_cards.kpi_card([a_kpi(), a_kpi(labels={"channel": "web hall"})], EN))
    assert "2026-03-11 Wed" in words
    assert "+20%" in words
    assert "today so far" in words
    assert "the day that still runs" in words
    assert "2026-03-12 Thu: 7 so far" in words
    assert "−94" not in words


def test_an_indicator_is_one_card_with_a_row_for_each_dimension(connection: Connection, now: datetime) -> None:
    rows = [row for row in kpi_reads.indicators(connection, now, EN.zone) if row["target"] == "boss-business"]
    words = said(kpi.render(rows, EN))
    assert words.count("Orders of the business day") == 1
    assert "web hall" in words
    assert "today so far" not in words  # its days are all over


def test_a_reading_of_the_moment_has_no_days_and_no_change() -> None:
    words = said(kpi_cards.kpi_card([a_kpi(daily=False, running=False, moments=[(0, 3.0), (1, 5.0)])], EN))
    assert "now, and the last two hours" in words
    assert "vs day before" not in words
    assert " 5 " in words + " "


def test_kpi_money_is_exact_and_names_its_owner(connection: Connection, now: datetime) -> None:
    rows = kpi_reads.indicators(connection, now, EN.zone)
    revenue = next(row for row in rows if row["indicator"] == "business.revenue" and not row["demo"])
    words = said(kpi.render(rows, EN))
    assert money(int(kpi_cards.ended(revenue)[-1][1]), "CNY", EN) in words
    assert "owner: Finance" in words


def test_a_pool_is_judged_by_every_check_on_its_web_series(seeded: Engine, now: datetime) -> None:
    """A check on the busy ratio, a series that no strip draws, makes the pool critical and says why."""
    with seeded.connect() as connection, connection.begin() as undone:
        pool = next(row for row in pool_reads.pools(connection, now) if row["target"] == "crm-web")
        assert pool["status"] != "critical"
        target_id = connection.execute(select(tables.target.c.id).where(tables.target.c.name == "crm-web")).scalar_one()
        for labels, status in (({}, "critical"), ({"pool": "another"}, "warning")):
            series_id = connection.execute(
                insert(tables.series)
                .returning(tables.series.c.id)
                .values(
                    target_id=target_id,
                    indicator="web.threads.busy_ratio",
                    labels=labels,
                    probe="crm-web/tomcat",
                    created_at=now,
                )
            ).scalar_one()
            connection.execute(
                insert(tables.check_result).values(
                    check_name="threads-nearly-full",
                    series_id=series_id,
                    status=status,
                    value=0.97,
                    reason="97 %, above the critical limit 90 %",
                    held=status,
                    since_ms=instant_ms(now),
                )
            )
        (pool,) = [row for row in pool_reads.pools(connection, now) if row["target"] == "crm-web"]
        assert (pool["status"], pool["reason"]) == ("critical", "97 %, above the critical limit 90 %")
        words = said(threads.render([pool], {}, 0, 1, EN))
        assert "Critical" in words
        assert "97 %, above the critical limit 90 %" in words
        undone.rollback()


def test_a_pool_without_samples_says_so() -> None:
    assert "No sample of busy threads" in said(threads.gauge(None, 8.0, "unknown", EN))
    assert said(threads.gauge(8.0, 8.0, "critical", EN)) == "8  of 8 busy"


def test_a_filter_in_the_address_survives_a_round_trip() -> None:
    assert parse("?b=2&a=1&lang=en&empty=") == {"a": "1", "b": "2"}
    assert address("/alerts", {"a": "1", "b": "x y"}, a="", c="&") == "/alerts?b=x+y&c=%26"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (value(0.935, "1", "ratio", {}, EN), "93.5%"),
        (value(None, "1", "ratio", {}, EN), "–"),
        (value(31.0, "1/min", "gauge", {}, EN), "31 per min"),
        (value(1234.5, "1/min", "gauge", {}, ZH), "1,234/分"),
        (value(float("nan"), "s", "gauge", {}, EN), "–"),
        (value(0.035, "s", "gauge", {}, EN), "35 ms"),
        (value(123456789012, "fen", "money", {"currency": "CNY"}, ZH), "¥1,234,567,890.12"),
        (money(1234, "mixed", EN), "several currencies"),
        (size(1536 * 1024, EN), "1.5 MiB"),
        (per_second(2048, "By", EN), "2 KiB/s"),
    ],
)
def test_values_are_shown_in_peoples_units(shown: str, words: str) -> None:
    assert shown == words


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("", None), (None, None), ("-1", None), ("²", None), ("7x", None), ("9" * 30, None), (7, None)],
)
def test_only_a_plain_number_in_an_address_is_one(text: object, number: int | None) -> None:
    assert whole(text) == number


def test_an_address_that_is_no_text_has_no_filters() -> None:
    assert parse(None) == parse(12) == parse([{"x": 1}]) == {}


def test_a_class_whose_samples_stopped_ends_its_band_as_unknown_not_as_quiet(
    connection: Connection, now: datetime
) -> None:
    later = now + timedelta(minutes=10)
    end_ms = instant_ms(later)
    rows = [row for row in target_reads.targets(connection, later) if row["kind"] == "database"]
    spans = overview_reads.timeline(connection, end_ms - 86_400_000, end_ms)["database"]
    shown = overview.silenced(spans, rows, end_ms)
    assert [span["status"] for span in shown] == ["ok", "unknown"]
    assert (shown[0]["end_ms"], shown[1]["end_ms"]) == (shown[1]["start_ms"], end_ms)
    assert shown[1]["why"] == ["bass-dw", "billing-db", "crm-db"]
    assert overview.silenced(spans, [], end_ms) == spans


@pytest.mark.parametrize(
    ("doings", "shown"),
    [
        ((), {"ticket-writing"}),
        (
            ("assign", "take", "transfer", "resolve"),
            {
                "ticket-quick",
                "ticket-take",
                "ticket-assigning",
                "ticket-resolving",
                "ticket-reasoning",
                "ticket-transferring",
                "ticket-writing",
            },
        ),
        (("resume",), {"ticket-quick", "ticket-resume", "ticket-writing"}),
        (
            ("close", "reopen"),
            {"ticket-quick", "ticket-close", "ticket-reasoning", "ticket-reopen", "ticket-writing"},
        ),
        (None, set()),
    ],
)
def test_a_ticket_offers_what_may_be_done_with_it_now_to_those_who_may(
    doings: tuple[str, ...] | None, shown: set[str]
) -> None:
    whole_hidden, *parts = ticket_forms.hidden(doings, True)
    assert {form for form, hid in zip(ticket_forms.FORMS, parts, strict=True) if not hid} == shown
    assert whole_hidden is (not shown)
    assert all(ticket_forms.hidden(doings, False))


def test_forms_for_who_may_not_act_have_their_parts_and_no_button() -> None:
    """Dash asks the server once for every button that it is given, and the server would refuse each."""

    def named(works: bool) -> tuple[set[str], int]:
        parts = list(ticket_forms.ticket_forms(works, EN)._traverse())
        ids = {part.id for part in parts if isinstance(getattr(part, "id", None), str)}
        return ids, sum(isinstance(part, html.Button | dcc.Upload) for part in parts)

    mine, buttons = named(True)
    theirs, none = named(False)
    assert {ticket_forms.part_of(form) for form in ticket_forms.FORMS} <= theirs < mine
    assert set(ticket_forms.DOINGS) <= mine - theirs
    assert (buttons, none) == (17, 0)


def test_every_doing_has_a_button_a_word_and_a_sentence() -> None:
    """A move that data can declare can be made from the page, is named in the history and is told as done."""
    assert set(ticket_forms.DOINGS.values()) == set(declared.DOINGS) == set(EVENT_OF) == set(DONE)
    assert set(EVENT_OF.values()) <= set(EVENT)
    assert set(declared.STATES) == set(TICKET_STATE)
    assert {doing for doings in ticket_forms.PARTS.values() for doing in doings} == {
        *declared.DOINGS,
        "comment",
        "prioritise",
    }


def test_a_class_says_who_has_its_alerts_and_how_many_nobody_has() -> None:
    rows = [{"owners": ["li.wei"], "unowned": 0}, {"owners": ["zhang.min", "li.wei"], "unowned": 2}]
    assert said(overview.whose(rows, EN)) == "li.wei, zhang.min  ·  2 with nobody"
    assert said(overview.whose([{"owners": [], "unowned": 3}], EN)) == "nobody yet"
