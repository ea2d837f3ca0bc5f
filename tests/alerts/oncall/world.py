"""A small oncall.yaml for tests, and rows laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerts.oncall.config import OnCallFile, Schedule
from alerts.oncall.shifts import Absence, Override

PEOPLE = ("li.wei", "zhang.min", "zhao.lei")


def utc(text: str) -> datetime:
    """`2026-03-02 09:00` as an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def layer(**fields: Any) -> dict[str, Any]:
    """A weekly layer of three people from 2026-01-05, a Monday, but for what the test says."""
    made = {"name": "base", "rotation": "weekly", "handoff": "09:00", "start": "2026-01-05", "people": list(PEOPLE)}
    return made | fields


def plan(*layers: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A schedule in Shanghai with these layers."""
    return {"name": "platform", "timezone": "Asia/Shanghai", "layers": list(layers) or [layer()], **fields}


def schedule(*layers: Mapping[str, Any], **fields: Any) -> Schedule:
    """The same, read."""
    return Schedule.model_validate(plan(*layers, **fields))


def file(**fields: Any) -> OnCallFile:
    """An oncall.yaml with these three people and one schedule, but for what the test says."""
    made = {"people": [{"name": name} for name in PEOPLE], "schedules": [plan()]}
    return OnCallFile.model_validate(made | fields)


def over(person: str, start: str, end: str, number: int = 1, made: str = "2026-01-01 00:00") -> Override:
    """An override of the schedule."""
    return Override(number, "platform", person, utc(start), utc(end), "zhao.lei", "a favour", utc(made))


def gone(person: str, start: str, end: str, number: int = 1) -> Absence:
    """An absence."""
    return Absence(number, person, utc(start), utc(end), "on leave")
