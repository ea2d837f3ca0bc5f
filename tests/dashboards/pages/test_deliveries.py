"""The pages of deliveries and heartbeats: what they say in both languages, from rows alone; and the doing on the first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from alerts.heartbeats import OUTWARD, pings
from alerts.heartbeats.config import Heartbeat
from core.store.open import reading, writing
from core.store.tables import channel_trouble, delivery, pulse
from dashboards.locale import Say
from dashboards.pages import deliveries as page
from dashboards.pages import heartbeats as heart_page
from dashboards.queries import deliveries, heartbeats
from tests.alerts.world import NOON, after, finding, routes, with_series
from tests.dashboards.pages.test_pages import EN, ZH, links, said


def _furnish(store: Engine) -> None:
    from alerts import pipeline

    with_series(store)
    with writing(store) as connection:
        pipeline.handle(connection, [finding(), finding(host="host-2")], routes(group_wait="0s"), NOON)
        connection.execute(
            delivery.update().values(
                state="dead", done_at=NOON, attempts=7, last_error="answered 500", note="receiver duty is told instead"
            )
        )
        place = {"receiver": "ops", "channel": "webhook", "settings": 0, "failing_since": NOON, "tried_at": NOON}
        connection.execute(insert(channel_trouble).values(**place, tries=7, error="answered 500"))


def _shown(store: Engine, _: Say, **filters: str) -> tuple[str, str, list[str]]:
    with reading(store) as connection:
        found = deliveries.letters(connection, filters)
        troubles = deliveries.troubles(connection)
        one = deliveries.one(connection, 1)
    now = after(minutes=5)
    listed = page.render(found, troubles, filters, now, _)
    return said(listed), said(page.render_detail(one, filters, now, _)), list(links(listed))


def test_what_did_not_arrive_is_shown(store: Engine) -> None:
    """To whom, through what, why, how often, what became of it; the failing channel; and as of when."""
    _furnish(store)
    listed, detail, addresses = _shown(store, EN)
    for words in ("Not delivered", "ops · Webhook", "answered 500", "receiver duty is told instead", "data as of"):
        assert words in listed
    assert "Channels that fail" in listed
    assert "fails since 5 min" in listed
    assert "7 tries" in listed
    assert addresses == ["/deliveries?letter=1"]
    assert "Alerts in it" in detail
    assert detail.count("host-") >= 2


def test_in_chinese(store: Engine) -> None:
    """The notes of the outbox too."""
    _furnish(store)
    listed, detail, _addresses = _shown(store, ZH)
    for words in ("未送达", "故障的通知渠道", "已改为通知接收人 duty"):
        assert words in listed
    assert "所含告警" in detail


def test_nothing_to_show_is_a_sentence(store: Engine) -> None:
    """Of each list, and of a message that is not there."""
    with reading(store) as connection:
        assert deliveries.load(connection) == {"dead": 0, "waiting": 0, "failing": 0}
    assert "Every message was delivered." in said(page.render([], [], {}, NOON, EN))
    assert "No message waits" in said(page.render([], [], {"state": "pending"}, NOON, EN))
    assert "There is no such message." in said(page.render_detail(None, {}, NOON, EN))


def test_filters_are_in_the_address(store: Engine) -> None:
    """By state and receiver; one of another receiver shows nothing."""
    _furnish(store)
    with reading(store) as connection:
        assert deliveries.letters(connection, {"receiver": "nobody"}) == []
        assert deliveries.letters(connection, {"state": "pending"}) == []
        assert len(deliveries.letters(connection, {"state": "nonsense", "receiver": "ops"})) == 1
    shown = list(links(page.render_filters(["ops"], {"letter": "1"}, EN)))
    assert shown == ["/deliveries", "/deliveries?state=pending", "/deliveries", "/deliveries?receiver=ops"]


def _jobs(store: Engine) -> list[dict[str, Any]]:
    jobs = [
        Heartbeat.model_validate({"name": name, "every": "1h", "grace": "5m", "owner": "wang.fang"})
        for name in ("a-well", "b-late", "c-failed", "d-new")
    ]
    with writing(store) as connection:
        pings.watch(connection, [one.name for one in jobs], NOON - timedelta(hours=3))
        tokens = {one.name: pings.renew(connection, one.name, "test", NOON) for one in jobs[:3]}
        pings.hear(connection, tokens["a-well"], "success", after(minutes=-5))
        pings.hear(connection, tokens["b-late"], "success", after(minutes=-90))
        pings.hear(connection, tokens["c-failed"], "fail", after(minutes=-4), 2, b"<b>no space left</b>")
        pings.watch(connection, ["d-new"], NOON)
        rows = heartbeats.jobs(connection, jobs[:3], NOON)
    return rows


def test_jobs_stand_worst_first(store: Engine) -> None:
    """Failed, late, well; each with its word, and what it said."""
    rows = _jobs(store)
    assert [(row["name"], row["status"]) for row in rows] == [
        ("c-failed", "failed"),
        ("b-late", "late"),
        ("a-well", "up"),
    ]
    listed = said(heart_page.render(rows, None, {}, NOON, EN))
    for words in ("Job failed", "Job late", "Job well", "heard of 5 min ago", "every 1 h", "data as of"):
        assert words in listed
    assert "Nobody outside is told" in listed
    with reading(store) as connection:
        heard = heartbeats.history(connection, "c-failed")
    detail = said(heart_page.render_detail(rows[0], heard, {}, NOON, EN))
    for words in ("exit status 2", "<b>no space left</b>", "Grace", "wang.fang"):
        assert words in detail
    assert "作业失败" in said(heart_page.render(rows, None, {}, NOON, ZH))


def test_filters_leave_what_fits(store: Engine) -> None:
    """By state and owner; nothing left is a sentence."""
    rows = _jobs(store)
    assert "b-late" not in said(heart_page.render(rows, None, {"state": "failed"}, NOON, EN))
    assert "No job fits the filter." in said(heart_page.render(rows, None, {"owner": "x"}, NOON, EN))
    assert "heartbeats.yaml declares them" in said(heart_page.render([], None, {}, NOON, EN))
    assert "There is no such job." in said(heart_page.render_detail(None, [], {}, NOON, EN))


OWN = {
    "taken": ({"sent_at": NOON.isoformat(), "failing_since": None, "error": ""}, "taken"),
    "failing": ({"sent_at": None, "failing_since": NOON.isoformat(), "error": "answered 500"}, "answered 500"),
    "new": ({"sent_at": None, "failing_since": None, "error": ""}, "not sent yet"),
}


@pytest.mark.parametrize(("detail", "words"), OWN.values(), ids=OWN.keys())
def test_the_consoles_own_heartbeat(store: Engine, detail: dict[str, Any], words: str) -> None:
    """Taken, failing with its reason, or not sent yet."""
    with writing(store) as connection:
        connection.execute(insert(pulse).values(name=OUTWARD, at=NOON, detail=detail))
    with reading(store) as connection:
        own = heartbeats.outward(connection)
        assert connection.execute(select(pulse.c.name)).all()
    assert words in said(heart_page.render([], own, {}, after(minutes=1), EN))
