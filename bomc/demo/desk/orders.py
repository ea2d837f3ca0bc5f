"""Work orders of the demo: nine of the twelve kinds, in different states, with different parties, priorities and clocks.

Each is opened and moved by the demo's accounts at instants before the start, so that histories and clocks are those of
real work. The other three kinds the demo's own alerts and checks open, or the visitor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.tickets.book import Book
from alerts.tickets.commands import comment, do, open_ticket
from alerts.tickets.machine import Person
from core.people.rights import rights_of


@dataclass(frozen=True, slots=True)
class Step:
    """One doing of somebody, so many minutes before the start."""

    ago: int
    who: str
    doing: str  # of the flow of the kind, or comment
    said: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A work order: what it is, who opened it so many minutes before the start, and what was done since."""

    kind: str
    title: str
    ago: int
    by: str
    given: Mapping[str, object]
    steps: Sequence[Step] = ()
    priority: str = "normal"
    origin: str = ""
    department: str = ""


def open_all(connection: Connection, book: Book, now: datetime) -> list[int]:
    """Open and move them all, in the order of their instants; returns their numbers, the one near its breach first."""
    numbers = []
    for order in orders(now):
        number = open_ticket(
            connection,
            order.by,
            order.kind,
            order.title,
            now - timedelta(minutes=order.ago),
            description="此为演示数据。This is demo data.",
            priority=order.priority,
            demo=True,
            given=order.given,
            origin=order.origin,
            department=order.department,
            book=book,
        )
        for step in order.steps:
            at = now - timedelta(minutes=step.ago)
            if step.doing == "comment":
                comment(connection, number, step.who, step.said["text"], at)
            else:
                person = Person(step.who, rights_of(step.who))
                do(connection, number, step.doing, person, at, step.said, given=step.given, book=book)
        numbers.append(number)
    return numbers


def orders(now: datetime) -> tuple[Order, ...]:
    """All of them; their dates are days after `now`."""
    return (*_of_systems(now), *_of_customers(), *_of_parties(now))


def _of_systems(now: datetime) -> tuple[Order, ...]:
    return (
        Order(
            "fault",
            "演示：账单推送缓慢 · Demo: bills are pushed slowly",
            215,  # of the four hours that it has
            "operator",
            {"system": "mobile payment", "began_at": (now - timedelta(minutes=220)).isoformat(), "customers": 1200},
            (
                Step(208, "operator", "take"),
                Step(120, "operator", "comment", {"text": "演示：已扩大推送线程。Demo: more threads push now."}),
            ),
            priority="high",
            department="business_support",
        ),
        Order(
            "office_data",
            "演示：新增号段 199 · Demo: new number range 199",
            26 * 60,
            "operator",
            {
                "network_element": "HLR-01",
                "item": "number_segment",
                "change": "199-0000 .. 199-0999",
                "effective_at": (now + timedelta(days=1)).isoformat(),
                "back_out": "删除号段 delete the range",
            },
            (
                Step(25 * 60, "manager", "approve"),
                Step(24 * 60, "operator", "take"),
                Step(
                    23 * 60,
                    "operator",
                    "pause",
                    {
                        "waits_on": "网络部 Network department",
                        "reason": "演示：等待网元窗口。Demo: waits for the window.",
                    },
                ),
            ),
            origin="market",
            department="network",
        ),
        Order(
            "job_application",
            "演示：更换存储硬盘 · Demo: a disk of the storage is replaced",
            50,
            "operator",
            {
                "targets": "storage-A",
                "starts_at": (now + timedelta(hours=20)).isoformat(),
                "ends_at": (now + timedelta(hours=22)).isoformat(),
                "impact": "无 none",
                "back_out": "装回旧盘 put the old disk back",
            },
            (Step(35, "manager", "approve"),),
            department="main_integrator",
        ),
        Order(
            "maintenance",
            "演示：清理归档目录 · Demo: clean the archive folder",
            20,
            "operator",
            {"targets": "demo-shop-db"},
            (Step(18, "operator", "assign", {"assignee": "operator"}),),
            priority="low",
            department="business_support",
        ),
    )


def _of_customers() -> tuple[Order, ...]:
    return (
        Order(
            "support",
            "演示：投诉充值未到账 · Demo: complaint, a top-up has not arrived",
            3 * 60,
            "operator",
            {"system": "mobile payment", "need": "complaint", "subscriber": "13800000001"},
            (
                Step(172, "manager", "take"),
                Step(
                    60,
                    "manager",
                    "resolve",
                    {
                        "cause": "演示：渠道回调丢失。Demo: the channel's call-back was lost.",
                        "remedy": "演示：已补单。Demo: back-filled.",
                    },
                ),
            ),
            origin="city_branch",
            department="business_support",
        ),
        Order(
            "support",
            "演示：投诉重复扣费 · Demo: complaint, charged twice",
            30 * 60,
            "operator",
            {"system": "mobile payment", "need": "complaint", "subscriber": "13800000002"},
            (
                Step(30 * 60 - 12, "manager", "take"),
                Step(
                    27 * 60,
                    "manager",
                    "resolve",
                    {
                        "cause": "演示：渠道重复扣款。Demo: the channel charged twice.",
                        "remedy": "演示：已退款。Demo: refunded.",
                    },
                ),
                Step(26 * 60, "operator", "confirm"),
                Step(25 * 60, "operator", "close"),
            ),
            origin="city_branch",
            department="business_support",
        ),
        Order(
            "high_fee",
            "演示：漫游流量高额 · Demo: roaming data, out of all proportion",
            8,
            "operator",
            {
                "subscriber": "13800000003",
                "period": "demo",
                "amount": "3280.00 CNY",
                "usage": "roaming",
            },
            (Step(5, "operator", "assign", {"assignee": "manager"}),),
            priority="high",
            origin="revenue_assurance",
            department="customer_service",
        ),
    )


def _of_parties(now: datetime) -> tuple[Order, ...]:
    wanted_by = (now + timedelta(days=14)).date().isoformat()
    return (
        Order(
            "integrator_maintenance",
            "演示：计费接口偶发超时 · Demo: the charging interface times out now and then",
            90,
            "operator",
            {"contract": "DEMO-C-07", "system": "charging", "severity": "s2"},
            (Step(70, "manager", "assign", {"assignee": "operator"}), Step(66, "operator", "accept")),
            department="main_integrator",
        ),
        Order(
            "integrator_development",
            "演示：充值套餐 2.4 版开发 · Demo: development of the top-up offers 2.4",
            3 * 24 * 60,
            "operator",
            {"requirement": "DEMO-2047", "system": "mobile payment", "wanted_by": wanted_by, "effort_days": 12},
            (Step(3 * 24 * 60 - 30, "manager", "approve"), Step(2 * 24 * 60, "manager", "take")),
            priority="low",
            department="main_integrator",
        ),
        Order(
            "branch_maintenance",
            "演示：营业厅自助终端故障 · Demo: a self-service terminal of a shop is down",
            12,
            "operator",
            {"site": "演示营业厅 Demo shop", "equipment": "self-service terminal", "contact": "Demo", "terminals": 1},
            origin="city_branch",
            department="business_support",
        ),
        Order(
            "business_flow",
            "演示：资费公告会签 · Demo: a tariff notice goes round",
            50 * 60,
            "operator",
            {"document": "DEMO-2026-118", "subject": "演示：资费公告。Demo: tariff notice."},
            (
                Step(49 * 60, "manager", "take"),
                Step(
                    47 * 60,
                    "manager",
                    "resolve",
                    {"cause": "演示 Demo", "remedy": "演示：同意。Demo: agreed."},
                    {"answer": "同意 agreed"},
                ),
                Step(46 * 60, "operator", "confirm"),
                Step(45 * 60, "operator", "close"),
            ),
            origin="market",
            department="customer_service",
        ),
    )
