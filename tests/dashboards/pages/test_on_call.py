"""The page On-call: what it says of schedules, gaps, changes and load, in both languages, and to whom it offers what."""

from __future__ import annotations

from typing import Any

import pytest
from dash.development.base_component import Component

from alerts.oncall.config import OnCallFile
from alerts.oncall.roster import Roster
from dashboards.components.on_call_lanes import lanes
from dashboards.locale import Say
from dashboards.pages import on_call
from tests.alerts.oncall.world import PEOPLE, file, gone, layer, over, plan, utc

NOW = utc("2026-01-06 04:00")
EN, ZH = Say("en", "Asia/Shanghai", "Asia/Shanghai"), Say("zh_CN", "Asia/Shanghai", "Asia/Shanghai")
FILE = file(people=[{"name": "li.wei", "title": "李伟"}, *({"name": name} for name in PEOPLE[1:])])
NO_CHANGES = Roster()
EVERYBODY = Roster((), tuple(gone(name, "2026-01-08 00:00", "2026-01-09 00:00", n) for n, name in enumerate(PEOPLE)))


def texts(part: Any) -> str:
    """All words of a component, its hints included."""
    if part is None or isinstance(part, str | int | float):
        return str(part or "")
    if isinstance(part, list | tuple):
        return " ".join(texts(one) for one in part)
    assert isinstance(part, Component)
    return " ".join([str(getattr(part, "title", "") or ""), texts(getattr(part, "children", None))])


def shown(
    of: OnCallFile = FILE, roster: Roster = NO_CHANGES, say: Say = EN, *, works: bool = True, **filters: str
) -> list[str]:
    rows = (
        [
            {
                "id": 7,
                "schedule": "platform",
                "person": "li.wei",
                "starts_at": NOW,
                "ends_at": NOW,
                "by": "x",
                "reason": "why",
            },
        ],
        [{"id": 8, "person": "zhao.lei", "starts_at": NOW, "ends_at": NOW, "by": "x", "reason": ""}],
    )
    start = on_call.first_day(filters.get("from"), NOW, say)
    return [texts(part) for part in on_call.render(of, roster, rows, filters, start, NOW, works, say)]


def test_now_and_next_with_the_reason() -> None:
    now = shown()[1]
    for words in ("李伟", "turn 1 of layer base", "2026-01-12 09:00", "zhang.min"):
        assert words in now
    assert "nobody is on call" not in now
    assert "值班层 base 第 1 轮" in shown(say=ZH)[1]


def test_a_gap_is_told_before_it_bites() -> None:
    """In the summary with its period and reason, and in the lanes."""
    _, now, drawn, _, _ = shown(roster=EVERYBODY)
    assert "platform: nobody is on call 2026-01-08 08:00 – 2026-01-09 08:00" in now
    assert "and so is everybody else of the layer" in now
    assert "Nobody on call · 2026-01-08 08:00 – 2026-01-09 08:00" in drawn
    assert "该层其他人也都不在岗" in shown(roster=EVERYBODY, say=ZH)[1]


def test_gaps_that_are_allowed_are_one_line() -> None:
    office = layer(only=[{"days": "workdays", "from": "09:00", "to": "18:00"}])
    now = shown(file(schedules=[plan(office, gaps="allowed")]))[1]
    assert now.count("nobody is on call") == 1
    assert "more gaps within 30 days" in now
    assert "Gaps are allowed here" in now


def test_who_may_not_change_is_offered_nothing() -> None:
    for works in (True, False):
        changes = shown(works=works)[3]
        assert "李伟 takes platform" in changes
        assert "zhao.lei is away" in changes
        assert changes.count("Take back") == 2 * works


def test_the_load_of_the_past_or_the_coming_weeks() -> None:
    past, ahead = shown()[4], shown(load="ahead")[4]
    assert "李伟" in past
    assert past != ahead


def test_without_a_schedule_the_page_says_where_it_comes_from() -> None:
    assert "oncall.yaml says who is on call" in shown(OnCallFile())[1]
    assert "请在 oncall.yaml 中配置值班人员" in shown(OnCallFile(), say=ZH)[1]


DAYS = [
    ("2026-02-01", "2026-01-31 16:00"),
    (None, "2026-01-05 16:00"),
    ("yesterday", "2026-01-05 16:00"),
    ("9999-12-31", "2026-01-05 16:00"),
    ("0001-01-01", "2026-01-05 16:00"),
]


@pytest.mark.parametrize(("asked", "expected"), DAYS)
def test_the_first_day_shown(asked: str | None, expected: str) -> None:
    """Midnight of the viewer's zone; a day that cannot be or is too far away is today."""
    assert on_call.first_day(asked, NOW, EN) == utc(expected)


def test_blocks_lie_where_their_times_are() -> None:
    """An override of the second day of ten begins at a tenth of its lane."""
    of = FILE.schedules[0]
    start, end = utc("2026-01-06 00:00"), utc("2026-01-16 00:00")
    roster = Roster((over("zhao.lei", "2026-01-07 00:00", "2026-01-08 00:00"),))
    rota = on_call.shifts(of, roster.overrides, (), start, end)
    drawn = lanes(FILE, of, rota, start, end, utc("2026-01-11 00:00"), EN)
    tree = str(drawn.to_plotly_json())
    assert "{'left': '10.0000%', 'width': '10.0000%'}" in tree
    assert "{'left': '50.0000%'}" in tree
    assert tree.count("lane-override") == 1
