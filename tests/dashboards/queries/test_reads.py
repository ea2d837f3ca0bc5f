"""What the queries find in a store whose content is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, insert, select

from core.model import instant_ms
from core.store.tables import alert, check_result, series, target
from dashboards.queries import alerts, kpi, overview, pools, reconciliation, targets, tickets
from dashboards.queries.rows import worst

DAY_MS = 86_400_000


def test_targets_come_worst_first_with_who_has_them(connection: Connection, now: datetime) -> None:
    rows = targets.targets(connection, now)
    assert [row["status"] for row in rows][:6] == ["critical", "critical", "critical", "warning", "unknown", "ok"]
    disk = next(row for row in rows if row["name"] == "billing-db-01")
    assert (disk["alerts"], disk["owner"], disk["checks"], disk["series"]) == (1, "li.wei", 3, 5)
    assert disk["since_ms"] == instant_ms(now) - 5_400_000


def test_a_target_whose_probes_all_missed_two_intervals_is_unknown_never_ok(
    connection: Connection, now: datetime
) -> None:
    rows = {row["name"]: row for row in targets.targets(connection, now + timedelta(seconds=60))}
    assert rows["crm-app-01"]["status"] == "unknown"
    assert rows["crm-app-01"]["stale"]
    assert rows["boss-business"]["status"] == "ok"  # asked every five minutes, so a minute is no silence
    assert rows["billing-db-01"]["status"] == "critical"  # what was bad is not hidden by silence


@pytest.mark.parametrize(("age_s", "gone"), [(29, False), (30, False), (31, True)])
def test_two_whole_intervals_may_pass_and_no_more(now: datetime, age_s: int, gone: bool) -> None:
    assert targets.missed(now - timedelta(seconds=age_s), 15.0, now) is gone


def test_the_worst_status_wins_and_none_is_unjudged() -> None:
    assert worst(["ok", "unknown", "warning"]) == "warning"
    assert worst([]) == "unjudged"


def test_the_timeline_covers_the_window_without_holes_and_names_what_was_bad(
    connection: Connection, now: datetime
) -> None:
    end_ms = instant_ms(now)
    bands = overview.timeline(connection, end_ms - DAY_MS, end_ms)
    for spans in bands.values():
        assert (spans[0]["start_ms"], spans[-1]["end_ms"]) == (end_ms - DAY_MS, end_ms)
        assert all(left["end_ms"] == right["start_ms"] for left, right in pairwise(spans))
    web = [(span["status"], span["why"]) for span in bands["web_server"]]
    assert web == [("ok", []), ("critical", ["order-service"]), ("ok", []), ("critical", ["order-service"])]
    assert [span["status"] for span in bands["host"]] == ["ok", "warning", "critical"]


def test_the_pipeline_tells_its_age_its_queue_and_what_it_refused(connection: Connection, now: datetime) -> None:
    health = overview.pipeline(connection, now)
    assert (health["pulse_age_s"], health["last_sample_age_s"], health["queue_depth"]) == (2.0, 5.0, 3)
    assert (health["failing"], health["skipped"], health["refused"]) == (1, 2, 7)
    assert "2031-01-01" in health["example"]


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({}, 5),
        ({"severity": "critical"}, 3),
        ({"state": "resolved"}, 2),
        ({"state": "all"}, 7),
        ({"kind": "host"}, 2),
        ({"acknowledged": "no"}, 4),
        ({"acknowledged": "yes", "state": "all"}, 2),
        ({"target": "order-service", "state": "all"}, 2),
        ({"q": "bill"}, 1),
        ({"q": "100%_"}, 0),
        ({"severity": "'; drop table alert; --"}, 0),
    ],
)
def test_alerts_are_filtered_as_the_address_says(
    connection: Connection, now: datetime, filters: dict[str, str], n: int
) -> None:
    assert len(alerts.alerts(connection, now, filters)) == n


def test_the_alarm_load_counts_and_names_the_loudest(connection: Connection, now: datetime) -> None:
    load = alerts.load(connection, now)
    assert (load["open"], load["waiting"], load["ten_minutes"], load["day"], load["flood"]) == (5, 4, 1, 7, False)
    assert load["sources"][0] == ("order-service", 2)


def test_tickets_come_by_what_is_left_until_they_are_late(connection: Connection, now: datetime) -> None:
    rows = tickets.tickets(connection, now, {"priority": "high"})
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert [row["id"] for row in tickets.tickets(connection, now, {"assignee": "none"})] == [2, 3]
    assert tickets.load(connection, now + timedelta(hours=2)) | {"by_state": 0} == {
        "by_state": 0,
        "open": 3,
        "late": 1,
        "nobody": 2,
    }


def test_every_pool_has_its_parts(connection: Connection, now: datetime) -> None:
    rows = pools.pools(connection, now)
    assert {row["target"] for row in rows} == {"crm-web", "hall-web", "order-service"}
    assert all(set(row["parts"]) == set(pools.PARTS) for row in rows)


def test_a_business_day_ends_at_midnight_and_has_its_last_value(connection: Connection, now: datetime) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    rows = kpi.indicators(connection, now, zone)
    assert len(rows) == 8
    assert all(row["days"][-1][0] == date(2026, 3, 11) for row in rows)
    assert len(rows[0]["days"]) == 30


def test_runs_classes_and_breaks_agree(connection: Connection, now: datetime) -> None:
    rows = reconciliation.runs(connection)
    assert [row["outcome"] for row in rows][:4] == ["breaks", "clean", "clean", "refused"]
    latest = rows[0]["id"]
    classes = reconciliation.by_class(connection, latest)
    found = reconciliation.breaks(connection, latest)
    assert sum(row["n"] for row in classes) == len(found) == rows[0]["breaks"] + rows[0]["carried"]
    real = sum(row["at_risk_minor"] for row in classes if not row["carried"])
    assert real == rows[0]["at_risk_minor"]
    assert len(reconciliation.breaks(connection, latest, ("payment_only",))) == 2
    assert reconciliation.neighbours(connection, "mobile-payment", rows[0]["business_day"]) == {"before": rows[1]["id"]}


def test_time_before_a_series_was_born_is_not_judged_and_not_silence(connection: Connection, now: datetime) -> None:
    born_ms = instant_ms(now - timedelta(days=30))
    bands = overview.timeline(connection, born_ms - DAY_MS, instant_ms(now))
    assert all(
        spans[0] == {"start_ms": born_ms - DAY_MS, "end_ms": born_ms, "status": "unjudged", "why": []}
        for spans in bands.values()
    )


def test_series_that_stay_what_they_are_are_read_as_one_row(
    connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty thousand series may be judged, and few of them change in a day; nothing of that is seen in the bands."""
    looked_at: list[int] = []
    original = overview.bands

    def bands(members: list[tuple[str, list[tuple[int, str]]]], end_ms: int) -> list[dict[str, Any]]:
        looked_at.append(len(members))
        return original(members, end_ms)

    monkeypatch.setattr(overview, "bands", bands)
    end_ms = instant_ms(now)
    before, alone = overview.timeline(connection, end_ms - DAY_MS, end_ms), sum(looked_at)
    where = connection.scalar(select(target.c.id).where(target.c.name == "crm-app-01"))
    born = now - timedelta(days=30)
    with connection.begin_nested() as point:
        for number in range(300):
            values = {"target_id": where, "indicator": "host.load.1m", "labels": {"n": str(number)}, "probe": "p"}
            made = connection.execute(insert(series).values(**values, created_at=born)).inserted_primary_key
            judged = {"series_id": made[0], "check_name": "still", "status": "ok", "held": False, "reason": "fine"}
            connection.execute(insert(check_result).values(**judged, since_ms=end_ms - 2 * DAY_MS))
        looked_at.clear()
        assert overview.timeline(connection, end_ms - DAY_MS, end_ms) == before
        assert sum(looked_at) <= alone + 1
        point.rollback()


def test_a_storm_of_warnings_hides_no_critical_alert(connection: Connection, now: datetime) -> None:
    """The list is the worst of all that fit, not of the newest; what it has no room for is counted."""
    labels = {"alertname": "slow", "severity": "warning"}
    made = {"check_name": "slow", "target": "crm-web", "labels": labels, "annotations": {}, "severity": "warning"}
    made |= {"state": "firing", "opened_at": now, "updated_at": now, "demo": False}
    storm = [{**made, "fingerprint": f"storm-{n}"} for n in range(alerts.LIMIT + 20)]
    with connection.begin_nested() as point:
        connection.execute(insert(alert), storm)
        found = alerts.alerts(connection, now, {})
        counts = [alerts.count(connection, now, filters) for filters in ({}, {"severity": "critical"})]
        few = alerts.alerts(connection, now, {}, limit=10)
        point.rollback()
    assert [row["severity"] for row in found[:4]] == ["critical"] * 3 + ["warning"]
    assert (len(found), counts, len(few)) == (alerts.LIMIT, [alerts.LIMIT + 25, 3], 10)
