"""The duty desk of the demo: jobs of two past days, one of them left undone, handovers, and the duty log.

What was due is found by the plans themselves, as if the console had run since the day before yesterday.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from alerts.duty import handovers, jobs, log, watch
from alerts.duty.collect import Moment
from alerts.duty.config import Desk
from alerts.duty.shifts import shift_at
from alerts.occurrences import AnyRow
from bomc.configuration.estate import Estate
from bomc.demo.shop.days import ZONE
from core.store.tables import handover, job

DESK = "demo-desk"
LEFT_UNDONE = "demo-evening-round"
SINCE = timedelta(days=3)
EARLY = timedelta(minutes=40)
FILE = "演示数据，不是真实截图。\nDemo data; there is no picture.\n".encode()


def do_jobs(connection: Connection, estate: Estate, now: datetime) -> dict[str, list[int]]:
    """Store what was due and do it, but for the latest evening round; returns the numbers of done and missed jobs."""
    plans = [plan for plan in estate.plans.plans if plan.desk == DESK]
    for plan in plans:
        watch.see(connection, "plan", plan.name, now - SINCE)
    jobs.store_due(connection, plans, estate.duty.by_name, now)
    over = connection.execute(
        select(job).where(job.c.desk == DESK, job.c.missed_at <= now).order_by(job.c.due_at)
    ).all()
    missed = next((row.id for row in reversed(over) if row.plan == LEFT_UNDONE), None)
    done = [row for row in over if row.id != missed]
    for row in done:
        _do(connection, row)
    return {"done": [row.id for row in done], "missed": [] if missed is None else [missed]}


def _do(connection: Connection, row: AnyRow) -> None:
    at = row.due_at - EARLY
    values = {"yes_no": "yes", "text": "演示：一切正常。Demo: nothing to report."}
    for item in row.items:
        if item["kind"] == "evidence":
            jobs.attach(connection, row.id, "operator", item["code"], "demo-evidence.txt", FILE, at)
        else:
            value = values.get(item["kind"]) or f"{(item['least'] + item['most']) / 2:g}"
            jobs.fill(connection, row.id, "operator", item["code"], value, "", at)
    jobs.finish(connection, row.id, "operator", at + timedelta(minutes=10))


def hand_over(connection: Connection, estate: Estate, now: datetime) -> dict[str, int]:
    """The shift before this one was accepted; that to this one is prepared and waits for somebody to check and sign it."""
    desk = estate.duty.by_name.get(DESK)
    shift = None if desk is None else shift_at(desk, now)
    if desk is None or shift is None:
        return {}
    before = shift_at(desk, shift.start - timedelta(milliseconds=1))
    watch.see(connection, "desk", DESK, (before or shift).start - timedelta(milliseconds=1))
    handovers.begin_due(connection, [desk], now)
    rows = connection.execute(select(handover).where(handover.c.desk == DESK).order_by(handover.c.changes_at)).all()
    states = {}
    for row in rows[:-1]:
        _prepare(connection, desk, row, row.changes_at)
        digest = connection.scalars(select(handover.c.sha256).where(handover.c.id == row.id)).one()
        at = row.changes_at + timedelta(minutes=6)
        handovers.accept(connection, row.id, _of(connection, desk, row.incoming), digest, desk, Moment(DESK, at))
        states["accepted"] = row.id
    for row in rows[-1:]:
        _prepare(connection, desk, row, now)
        states["prepared"] = row.id
    return states


def _prepare(connection: Connection, desk: Desk, row: AnyRow, at: datetime) -> None:
    to_do = "演示：请核对付款与账单的差异，22:00 有上线。Demo: look at payments without a bill; there is a release at 22:00."
    handovers.prepare(connection, row.id, _of(connection, desk, row.outgoing), {}, to_do, Moment(DESK, at))


def _of(connection: Connection, desk: Desk, shift: str) -> str:
    return handovers.people_of(connection, desk, shift)[0]


def write_log(connection: Connection, estate: Estate, now: datetime, *, ticket: int, change: int) -> None:
    """Four entries: an event, a visit to the machine room that has ended, a telephone call and a piece of work."""
    if DESK not in estate.duty.by_name:
        return
    visit = {"visitor": "演示访客 Demo visitor", "company": "演示集成商 Demo integrator", "room": "A-201"}
    visit |= {
        "purpose": "更换硬盘 disk replaced",
        "escort": "operator",
        "left_at": _clock(now - timedelta(minutes=110)),
    }
    entries: tuple[tuple[int, str, str, str, dict[str, str], str], ...] = (
        (150, "operator", "visit", "演示：机房出入登记。Demo: entry to the machine room.", visit, ""),
        (95, "manager", "phone", "演示：客服询问充值到账延迟。Demo: customer service asks about late top-ups.", {}, ""),
        (
            40,
            "operator",
            "event",
            "演示：账单推送变慢，见故障单。Demo: bills are pushed slowly.",
            {},
            f"ticket/{ticket}",
        ),
        (5, "operator", "work", "演示：压测开始。Demo: the load test begins.", {}, f"change/{change}"),
    )
    for ago, who, kind, text, fields, link in entries:
        log.write(connection, DESK, who, kind, text, now, at=now - timedelta(minutes=ago), fields=fields, link=link)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M}"
