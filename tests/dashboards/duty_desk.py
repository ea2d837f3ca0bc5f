"""A duty desk at work for the tests of pages: shifts that changed an hour ago, open and missed jobs, log, changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from alerts.changes import commands as changes
from alerts.duty import handovers, jobs, log
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from core.store.open import writing
from core.store.tables import target
from tests.dashboards.seeded import ZONE

GROUPS = [["li.wei"], ["zhang.min"]]


def duty_file(now: datetime) -> DutyFile:
    """One desk whose shifts change every twelve hours, the last time an hour before `now`."""
    local = now.astimezone(ZONE)
    one, other = sorted(f"{(local.hour - 1 + back) % 24:02}:{local.minute:02}" for back in (0, 12))
    shifts = [
        {"name": "early", "title": {"en": "Early shift", "zh": "早班"}, "start": one, "end": other},
        {"name": "late", "title": {"en": "Late shift", "zh": "晚班"}, "start": other, "end": one},
    ]
    since = (now - timedelta(days=10)).date().isoformat()
    desk = {
        "name": "noc",
        "title": {"en": "Operations duty desk", "zh": "监控值班台"},
        "shifts": shifts,
        "roster": {"since": since, "groups": GROUPS},
    }
    return DutyFile.model_validate({"desks": [desk]})


def _plan(name: str, en: str, zh: str, due: str, items: list[dict[str, Any]], **given: Any) -> dict[str, Any]:
    raw = {"name": name, "title": {"en": en, "zh": zh}, "desk": "noc", "when": {"daily": "every"}, "due": due}
    return {**raw, "items": items, "opens": "23h", "grace": "30m", **given}


def plans_file(now: datetime) -> PlansFile:
    """A job that is due within the hour, one that was missed, one of the month's end."""
    soon = (now.astimezone(ZONE) + timedelta(hours=1)).strftime("%H:%M")
    earlier = (now.astimezone(ZONE) - timedelta(hours=2)).strftime("%H:%M")
    tick = {"code": "backup", "title": {"en": "All backups ran", "zh": "备份全部完成"}}
    room = {
        "code": "room",
        "title": {"en": "Room temperature", "zh": "机房温度"},
        "kind": "number",
        "unit": "°C",
        "least": 18,
        "most": 27,
    }
    photo = {
        "code": "photo",
        "title": {"en": "Photo of the rack", "zh": "机柜照片"},
        "kind": "evidence",
        "needed": False,
    }
    note = {"code": "note", "title": {"en": "Observations", "zh": "观察"}, "kind": "text", "needed": False}
    return PlansFile.model_validate(
        {
            "plans": [
                _plan("room-walk", "Walk through the machine room", "机房巡检", soon, [tick, room, photo, note]),
                _plan("log-check", "Check of the logs", "日志检查", earlier, [tick]),
                _plan(
                    "month-end", "Close of the month", "月末结账", soon, [tick], when={"calendar": "last_working_day"}
                ),
            ]
        }
    )


def furnish(engine: Engine, now: datetime, duty: DutyFile, plans: PlansFile) -> None:
    """Jobs, a handover in draft, entries of the log, and changes on the first target in three states."""
    start = now - timedelta(hours=4)
    with writing(engine) as connection:
        jobs.store_due(connection, plans.plans, duty.by_name, start)
        jobs.store_due(connection, plans.plans, duty.by_name, now)
        handovers.begin_due(connection, duty.desks, start)
        handovers.begin_due(connection, duty.desks, now)
        log.write(connection, "noc", "li.wei", "phone", "Shop 7 asked about slow payments.", now - timedelta(hours=2))
        fields = {"visitor": "Chen Hao", "company": "Integrator", "room": "A-301"}
        entry = log.write(connection, "noc", "li.wei", "visit", "Changed a disk.", now, fields=fields)
        log.write(connection, "noc", "li.wei", "visit", "Changed two disks.", now, fields=fields, corrects=entry)
        name = connection.scalars(select(target.c.name).order_by(target.c.id)).first()
        for title, hours, state in (("New release of the shop", 0, "running"), ("Kernel update", 30, "planned")):
            begin = now + timedelta(hours=hours) - timedelta(minutes=20)
            plan = changes.Plan(
                requirement="REQ-2026-118",
                title=title,
                targets=[str(name)],
                starts_at=begin,
                ends_at=begin + timedelta(hours=3),
                back_out="Put the old one back.",
                contact="li.wei",
                timezone=ZONE.key,
            )
            number = changes.plan(connection, plan, "zhang.min", now)
            if state == "running":
                changes.approve(connection, number, "zhao.lei", now)
                changes.begin(connection, number, "zhang.min", now)
