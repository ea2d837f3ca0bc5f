"""Desks, plans and people that the tests of the duty desk share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from alerts.duty.config import Desk
from alerts.duty.plan_config import Plan
from core.people import users

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in Shanghai
PASSWORD = "seven brown otters"
SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
"""For tables of cases in which the database has no part."""
DAY = {"name": "day", "title": {"en": "Day", "zh": "白班"}, "start": "08:00", "end": "20:00"}
NIGHT = {"name": "night", "title": {"en": "Night", "zh": "夜班"}, "start": "20:00", "end": "08:00"}


def desk(**given: Any) -> Desk:
    """A desk around the clock with two shifts and three groups, unless told otherwise."""
    raw: dict[str, Any] = {
        "name": "noc",
        "title": {"en": "Operations desk", "zh": "监控值班台"},
        "shifts": [DAY, NIGHT],
        "roster": {"since": "2026-01-05", "groups": [["li.wei"], ["zhang.min"], ["zhao.lei", "sun.yi"]]},
    }
    return Desk.model_validate(raw | given)


TICK = {"code": "backup", "title": {"en": "Backups ran", "zh": "备份完成"}}
ROOM = {
    "code": "room",
    "title": {"en": "Room temperature", "zh": "机房温度"},
    "kind": "number",
    "unit": "Cel",
    "least": 18,
    "most": 27,
}


def plan(**given: Any) -> Plan:
    """A daily job of two needed items, due at nine in the morning."""
    raw: dict[str, Any] = {
        "name": "morning-check",
        "title": {"en": "Morning check", "zh": "晨检"},
        "desk": "noc",
        "when": {"daily": "every"},
        "due": "09:00",
        "opens": "2h",
        "items": [TICK, ROOM],
    }
    return Plan.model_validate(raw | given)


def people(connection: Connection, *names: str, now: datetime = NOON) -> None:
    """Operators of these names."""
    for name in names:
        users.add(connection, name=name, role="operator", password=PASSWORD, by="test", now=now, language="en")
