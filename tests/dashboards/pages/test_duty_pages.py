"""The pages of the duty desk say the right words for rows: shares, months, overlaps, marks of alerts and bands of charts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine, insert, select, update

from alerts.changes import commands as changes
from alerts.duty.errors import DutyError
from core.store.open import reading, writing
from core.store.tables import job, target
from dashboards.components.change_parts import timeline, with_bands
from dashboards.components.duty_forms import hidden as handover_hidden
from dashboards.components.job_parts import job_state, month_days, month_of, shares
from dashboards.components.open_items import renamed
from dashboards.job_doings import arrived, results
from dashboards.locale import Say
from dashboards.pages import changes as changes_page
from dashboards.queries import alerts as alert_reads
from dashboards.queries import changes as change_reads
from dashboards.queries import jobs as job_reads
from dashboards.sentences.tickets import event_detail
from tests.alerts.duty.test_handovers import a_job, an_alert
from tests.dashboards.pages.test_pages import links, said

EN, ZH = Say("en", "Asia/Shanghai", "Asia/Shanghai"), Say("zh_CN", "Asia/Shanghai", "Asia/Shanghai")
NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@SQLITE
def test_the_share_done_in_time_counts_each_job_once(store: Engine) -> None:
    """In time, late, missed; what is still in time counts for nothing."""
    with writing(store) as connection:
        for number, (state, done) in enumerate(
            [("done", -1), ("done", -2), ("done", 5), ("open", None), ("dropped", 0)], start=1
        ):
            ended = None if done is None else NOON + timedelta(hours=done)
            a_job(connection, number, state, plan="walk", day=f"2026-03-0{number}", missed_at=NOON, done_at=ended)
        a_job(connection, 6, plan="walk", day="2026-03-12", missed_at=NOON + timedelta(days=1))
        found = job_reads.in_time(connection, NOON, date(2026, 3, 1), date(2026, 3, 31))
    assert found == [{"plan": "walk", "month": "2026-03", "due": 4, "in_time": 2, "late": 1, "missed": 1}]
    assert said(shares(found, {}, EN)).endswith("walk 2026-03 4 2 1 1 50%")


@pytest.mark.parametrize(("shown", "look"), [("missed", "critical"), ("late", "warning"), ("done", "ok")])
def test_a_job_is_shape_colour_and_word(shown: str, look: str) -> None:
    found = job_state(shown, ZH)
    assert look in found.className
    assert said(found)


@pytest.mark.parametrize(
    ("text", "first"), [("2026-02", "2026-02-01"), ("", "2026-03-01"), ("x", "2026-03-01"), ("9999-12", "2026-03-01")]
)
def test_a_month_of_the_address(text: str, first: str) -> None:
    found = month_of(text, date(2026, 3, 12))
    assert found == date.fromisoformat(first)
    assert len(month_days(found)) in (28, 31)


@pytest.mark.parametrize("content", ["", "data:,x", "data:image/png;base64", "data:image/png;base64,***", None])
def test_a_file_that_did_not_arrive_is_refused(content: Any) -> None:
    with pytest.raises(DutyError, match="did not arrive whole"):
        arrived(content)


def test_what_was_typed_becomes_results() -> None:
    ids = [{"type": "x", "item": name} for name in ("a", "b", "c")]
    assert results(["yes", "", 5], ids, ["so", None, None], ids) == {"a": ("yes", "so"), "c": ("5", "")}
    with pytest.raises(PreventUpdate):
        results("forged", ids, [], [])


FORMS = {
    "nothing yet": ((None, None), (False, True, True)),
    "a draft": (("draft", None), (True, False, True)),
    "prepared by me": (("prepared", "li.wei"), (True, False, True)),
    "prepared by another": (("prepared", "zhang.min"), (True, True, False)),
    "given back": (("refused", "zhang.min"), (True, False, True)),
}


@pytest.mark.parametrize(("state", "expected"), FORMS.values(), ids=FORMS)
def test_which_form_a_handover_shows(state: tuple[str | None, str | None], expected: tuple[bool, ...]) -> None:
    assert handover_hidden(*state, "li.wei", True) == expected
    assert handover_hidden(*state, "li.wei", False) == (True, True, True)


@SQLITE
def test_alerts_and_charts_carry_the_change(store: Engine) -> None:
    """Shown on the list and in the detail, and as a band on the charts of its target and of what stands on it."""
    made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": []}
    with writing(store) as connection:
        rows = [{"name": "host-1", "runs_on": [], **made}, {"name": "db", "runs_on": ["host-1"], **made}]
        connection.execute(insert(target), rows)
        plan = changes.Plan(
            "REQ-1", "<b>x</b>", ["host-1"], NOON, NOON + timedelta(hours=1), "back", "li.wei", timezone="UTC"
        )
        number = changes.plan(connection, plan, "li.wei", NOON - timedelta(hours=1))
        changes.approve(connection, number, "boss", NOON)
        an_alert(connection, 1, target="db", opened_at=NOON + timedelta(minutes=5))
        an_alert(connection, 2, target="host-1", opened_at=NOON + timedelta(hours=2))
    with reading(store) as connection:
        listed = {row["id"]: row["changes"] for row in alert_reads.alerts(connection, NOON + timedelta(hours=3), {})}
        one = alert_reads.one(connection, 1)
        start_ms = int(NOON.timestamp() * 1000)
        bands = change_reads.bands(connection, "db", start_ms - 60_000, start_ms + 60_000)
        assert change_reads.bands(connection, "host-9", start_ms, start_ms + 1) == []
    assert listed == {1: [number], 2: []}
    assert one is not None
    assert one["changes"] == [number]
    assert [(band["start_ms"], band["end_ms"]) for band in bands] == [(start_ms, start_ms + 60_000)]
    figure = with_bands({"data": [], "layout": {"shapes": [1]}}, bands, EN)
    assert [shape if shape == 1 else shape["type"] for shape in figure["layout"]["shapes"]] == [1, "rect"]
    assert figure["layout"]["annotations"][0]["hovertext"] == "REQ-1 &lt;b&gt;x&lt;/b&gt;"


def test_an_event_of_a_ticket_has_its_instant_in_the_readers_zone() -> None:
    said = event_detail("resolve_late", "Ticket 3 is late: to resolve it was due at 2026-03-02T12:15:00Z.", ZH)
    assert said == "工单 3 已超时：应于 2026-03-02 20:15:00 前解决。"


@SQLITE
def test_a_change_that_is_over_says_so(store: Engine) -> None:
    with writing(store) as connection:
        made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": [], "runs_on": []}
        connection.execute(insert(target).values(name="host-1", **made))
        plan = changes.Plan("REQ-1", "Disk", ["host-1"], NOON, NOON + timedelta(hours=1), "back", "li.wei")
        changes.plan(connection, plan, "li.wei", NOON)
        later = NOON + timedelta(days=60)
        rows = change_reads.changes(connection, later - timedelta(days=2), later, {})
    assert said(changes_page.render_load(rows, later, EN)) == "0 under way 1 to be approved 1 without a result"
    shown = changes_page.render(rows, {}, later, EN)
    assert "no result" in said(shown)
    assert "/changes?change=1" in list(links(shown))
    assert "One change overlaps" in said(changes_page.overlapping(rows, EN))
    assert "有 1 项变更与之重叠" in said(changes_page.overlapping(rows, ZH))


@SQLITE
def test_a_job_done_in_its_grace_was_in_time(store: Engine) -> None:
    with writing(store) as connection:
        a_job(connection, 1, due_at=NOON, missed_at=NOON + timedelta(minutes=30))
        connection.execute(update(job).values(state="done", done_at=NOON + timedelta(minutes=10)))
        row = job_reads.one(connection, 1, NOON + timedelta(days=1))
        assert connection.execute(select(job.c.state)).scalar_one() == "done"
    assert row is not None
    assert row["shown"] == "done"


def test_open_things_of_a_handover_are_called_by_their_titles() -> None:
    """A job by its plan's title, a run by its control's; what nobody gave a title, and a ticket's own words, stay."""
    items = {
        "jobs": [{"key": "job/3", "title": "round 2026-03-02"}, {"key": "job/4", "title": "other 2026-03-02"}],
        "runs": [{"key": "run/1", "title": "payment 2026-03-02"}],
        "tickets": [{"key": "ticket/1", "title": "round the clock"}],
    }
    found = renamed(items, {"job": {"round": "早班巡检"}, "run": {"payment": "三方对账"}})
    assert [item["title"] for item in found["jobs"]] == ["早班巡检 2026-03-02", "other 2026-03-02"]
    assert found["runs"][0]["title"] == "三方对账 2026-03-02"
    assert found["tickets"] == items["tickets"]


def test_the_state_of_a_change_is_beside_its_bar_as_shape_and_word() -> None:
    """Colour alone says nothing to who cannot see it."""
    row = {"id": 3, "title": "Release", "state": "running", "starts_at": NOON, "ends_at": NOON + timedelta(hours=1)}
    over = row | {"id": 4, "ends_at": NOON - timedelta(minutes=1), "starts_at": NOON - timedelta(hours=1)}
    drawn = timeline([row, over], NOON - timedelta(days=1), NOON + timedelta(days=1), NOON, EN)
    assert drawn.children.figure["data"][0]["y"] == ["#3 ▲ Under way", "#4 ■ no result"]
