"""An alert's title and reason are in the reader's language wherever they stand, if bomc wrote them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboards.components.alert_list import grid_rows
from dashboards.components.rows import titled, why
from dashboards.components.ticket_cards import ticket_card
from dashboards.locale import Say

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HERE = Say("zh_CN", "Asia/Shanghai")


def row(summary: str, reason: str) -> dict[str, Any]:
    """An open alert as the queries give it."""
    return {
        "id": 7,
        "severity": "critical",
        "target": "db-1",
        "check_name": "connections",
        "labels": {},
        "annotations": {"summary": summary, "reason": reason},
        "opened_at": NOW,
        "resolved_at": None,
        "acknowledged_by": None,
        "acknowledged_at": None,
        "ticket_id": None,
        "demo": False,
    }


def ticket(title: str) -> dict[str, Any]:
    """A ticket that was opened for such an alert."""
    return {
        "id": 12,
        "kind": "fault",
        "title": title,
        "priority": "high",
        "state": "open",
        "demo": False,
        "assignee": None,
        "money_at_risk": None,
        "due_at": None,
    }


@pytest.mark.parametrize(
    ("summary", "reason", "title", "because"),
    [
        (
            "The job nightly-export is late",
            "27, above the critical limit 20 (2 of the last 3 samples)",
            "作业 nightly-export 超时未上报",
            "27，高于严重限值 20（最近 3 个采样中有 2 个）",
        ),
        (
            "Ticket 3 is late: to resolve it was due at 2026-03-02T11:26:30Z.",
            "nothing to judge: refused",
            "工单 3 已超时：应于 2026-03-02 19:26:30 前解决。",
            "无法判定：refused",
        ),
        (
            "Ticket 15 is late: to answer it was due at 2026-03-02T11:26:30Z. pay: the billing file of 2026-03-01 is missing",
            "nothing to judge: refused",
            "工单 15 已超时：应于 2026-03-02 19:26:30 前响应。pay：2026-03-01 的计费文件缺失",
            "无法判定：refused",
        ),
        ("pay: 2026-03-01 cannot be reconciled", "", "pay：2026-03-01 无法对账", ""),
        ("Watchdog of another program", "Its own words", "Watchdog of another program", "Its own words"),
    ],
)
def test_what_bomc_says_of_an_alert_is_chinese_on_a_chinese_page(
    summary: str, reason: str, title: str, because: str
) -> None:
    alert = row(summary, reason)
    assert titled(alert, HERE) == title
    (shown,) = grid_rows([alert], NOW, HERE)
    assert shown["alert"]["title"] == title
    assert shown["alert"]["reason"] == because == why(alert, HERE)
    card = ticket_card(ticket(summary), {}, NOW, HERE)
    assert title in json.dumps(card.to_plotly_json(), default=lambda part: part.to_plotly_json(), ensure_ascii=False)
