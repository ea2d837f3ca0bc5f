"""Three changes of the demo: one that ended yesterday with its result, one planned for tonight, and one that is running.

The running one is about the order service, whose planted faults open alerts inside its window: those bear its mark.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from alerts.changes import commands
from bomc.demo.shop.days import ZONE

RUNS_FOR = timedelta(hours=8)


def plan(connection: Connection, now: datetime) -> list[int]:
    """Plan all three and bring them where they are; returns their numbers, the running one last."""
    return [_ended(connection, now), _tonight(connection, now), _running(connection, now)]


def _ended(connection: Connection, now: datetime) -> int:
    begins = _evening(now, days=-1)
    wanted = commands.Plan(
        requirement="DEMO-2031",
        title="演示：支付前置机换证书 · Demo: new certificate of the payment front end",
        targets=["demo-shop-front"],
        starts_at=begins,
        ends_at=begins + timedelta(hours=2),
        back_out="换回旧证书并重启前置。Put the former certificate back and restart the front end.",
        contact="演示 Demo, ext. 0000",
        risk="low",
        timezone=ZONE.key,
        demo=True,
    )
    number = commands.plan(connection, wanted, "operator", begins - timedelta(days=2))
    commands.approve(connection, number, "manager", begins - timedelta(days=1))
    commands.begin(connection, number, "operator", begins + timedelta(minutes=5))
    text = "新证书生效，探测正常。The new certificate is served and the probes are well."
    commands.end(connection, number, "operator", "done", text, begins + timedelta(minutes=50))
    return number


def _tonight(connection: Connection, now: datetime) -> int:
    begins = _evening(now, days=0)
    if begins <= now + timedelta(hours=1):
        begins += timedelta(days=1)
    wanted = commands.Plan(
        requirement="DEMO-2047",
        title="演示：充值套餐 2.4 版上线 · Demo: release 2.4 of the top-up offers",
        targets=["demo-shop", "demo-shop-db"],
        starts_at=begins,
        ends_at=begins + timedelta(hours=3),
        back_out="回退到 2.3 版，恢复 22:00 的数据库备份。Put 2.3 back and restore the database backup of 22:00.",
        contact="演示 Demo, ext. 0000",
        kind="release",
        risk="high",
        timezone=ZONE.key,
        demo=True,
    )
    return commands.plan(connection, wanted, "operator", now)


def _running(connection: Connection, now: datetime) -> int:
    wanted = commands.Plan(
        requirement="DEMO-2040",
        title="演示：订单服务扩容测试 · Demo: load test of the order service",
        targets=["demo-shop"],
        starts_at=now,
        ends_at=now + RUNS_FOR,
        back_out="停止压测。Stop the load.",
        contact="演示 Demo, ext. 0000",
        timezone=ZONE.key,
        demo=True,
    )
    number = commands.plan(connection, wanted, "operator", now)
    commands.approve(connection, number, "manager", now)
    commands.begin(connection, number, "operator", now)
    return number


def _evening(now: datetime, days: int) -> datetime:
    """22:00 by the operator's clocks, so many days from today."""
    return datetime.combine(now.astimezone(ZONE).date() + timedelta(days=days), time(22), ZONE).astimezone(now.tzinfo)
