"""An order's way through the operator: platform order, payment at the channel, its call-back, and the bill.

Each step is its own transaction, as between real parties. A service killed between two steps leaves an order half
way; `recover` ends those at the next start, so that only planted faults remain as differences.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from bomc.demo.shop.catalogue import Order
from bomc.demo.shop.database import Row, bill, insert_rows, known_day, payment, planted, platform_order
from bomc.demo.shop.days import business_day
from bomc.demo.shop.faults import Fault, FaultKind, active, suffers
from bomc.demo.shop.records import BILLING, PAYMENT, PLATFORM, Records, expected_rows, record
from core.model import instant_ms

BACK_END_S = (0.06, 0.35)
"""Shortest and longest time that the channel takes when nothing is wrong."""
SLOW_BACK_END_S = (18.0, 22.0)
"""The same while threads_full is active: longer than 16 threads can bear at the customers' usual rate."""
CALLBACK_MS = 1
"""Time between a payment and its bill, when the call-back arrives."""
DECLINED_SHARE = 0.01
COUPON_MINOR = 100


@dataclass(frozen=True)
class Walk:
    """What an order needs of the world. One write at a time: SQLite has one writer, and waiting here is cheaper."""

    engine: Engine
    clock: Callable[[], datetime]
    timetable: Sequence[Fault]
    rng: random.Random
    back_end_s: tuple[float, float] = BACK_END_S
    slow_back_end_s: tuple[float, float] = SLOW_BACK_END_S
    started_s: float = field(default_factory=time.monotonic)
    stopping: threading.Event = field(default_factory=threading.Event)
    writing: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an order, for the customer."""

    business_key: str
    paid: bool


def elapsed_s(walk: Walk) -> float:
    """Seconds since the service started, which is what the timetable counts in."""
    return time.monotonic() - walk.started_s


def place(walk: Walk, order: Order) -> Placed:
    """Take an order through all its steps and say whether it was paid."""
    began_ms, began_s = instant_ms(walk.clock()), time.monotonic()
    faults = active(walk.timetable, elapsed_s(walk))
    key = f"D{business_day(began_ms):%Y%m%d}{uuid.uuid4().hex[:12]}"
    ordered = record(PLATFORM, key, order, began_ms, "pending")
    _write(walk, lambda connection: _accept(connection, ordered))

    slow = suffers(faults, FaultKind.THREADS_FULL, order.channel)
    walk.stopping.wait(walk.rng.uniform(*(walk.slow_back_end_s if slow else walk.back_end_s)))
    paid_ms = began_ms + round((time.monotonic() - began_s) * 1000)
    declined = walk.rng.random() < DECLINED_SHARE or suffers(faults, FaultKind.CHANNEL_REFUSES, order.channel)
    ordered["status"] = "failed" if declined else "success"
    if declined:
        refused = record(PAYMENT, key, order, paid_ms, "failed")
        _write(walk, lambda connection: _paid(connection, ordered, [refused], []))
        return Placed(key, paid=False)

    charges, fault, outcome, at_risk_minor = _charge(record(PAYMENT, key, order, paid_ms, "success"), faults)
    called_back = not suffers(faults, FaultKind.CALLBACKS_LOST, order.channel)
    if not called_back:
        fault, outcome, at_risk_minor = FaultKind.CALLBACKS_LOST, "missing_in_billing", charges[0]["amount_minor"]
    billed = [record(BILLING, key, order, paid_ms + CALLBACK_MS, "success")] if called_back else []
    records: Records = {PLATFORM: [ordered], PAYMENT: charges, BILLING: billed}
    expected = expected_rows(records, fault, outcome, at_risk_minor)
    _write(walk, lambda connection: _paid(connection, ordered, charges, expected))
    if billed:
        _write(walk, lambda connection: insert_rows(connection, bill, billed))
    return Placed(key, paid=True)


def _charge(charged: Row, faults: Sequence[Fault]) -> tuple[list[Row], str, str, int]:
    """The channel's records of one charge under the active faults, with the fault, its class and the fen at risk."""
    if suffers(faults, FaultKind.SHORT_PAYMENT, charged["channel"]):
        paid_minor = max(0, charged["amount_minor"] - COUPON_MINOR)
        lost_minor = charged["amount_minor"] - paid_minor
        return [{**charged, "amount_minor": paid_minor}], FaultKind.SHORT_PAYMENT, "amount_shortfall", lost_minor
    if suffers(faults, FaultKind.DOUBLE_CHARGE, charged["channel"]):
        again = {**charged, "record_id": charged["record_id"] + "-2"}
        return [charged, again], FaultKind.DOUBLE_CHARGE, "duplicate_charge", charged["amount_minor"]
    return [charged], "cut_off", "matched", 0


def _write(walk: Walk, step: Callable[[Connection], None]) -> None:
    with walk.writing, walk.engine.begin() as connection:
        step(connection)


def _accept(connection: Connection, ordered: Row) -> None:
    insert_rows(connection, platform_order, [ordered])
    day = ordered["business_day"]
    if connection.scalar(select(known_day.c.origin).where(known_day.c.business_day == day)) is None:
        connection.execute(insert(known_day).values(business_day=day, origin="lived"))


def _paid(connection: Connection, ordered: Row, charges: Sequence[Row], expected: Sequence[Row]) -> None:
    mine = platform_order.c.record_id == ordered["record_id"]
    connection.execute(update(platform_order).where(mine).values(status=ordered["status"]))
    insert_rows(connection, payment, charges)
    insert_rows(connection, planted, expected)


def recover(engine: Engine) -> int:
    """End the orders that a killed service left half way, and say how many.

    Without a payment the order fails; with one but neither bill nor planted fault it gets the bill that it would have had.
    """
    by_history = select(known_day.c.business_day).where(known_day.c.origin == "history")
    live = platform_order.c.business_day.not_in(by_history)
    with engine.begin() as connection:
        failed = connection.execute(
            update(platform_order).where(live, platform_order.c.status == "pending").values(status="failed")
        ).rowcount
        explained = select(planted.c.business_key).where(planted.c.fault == FaultKind.CALLBACKS_LOST)
        half_way = connection.execute(
            select(platform_order, payment.c.occurred_ms.label("paid_ms"))
            .join(payment, payment.c.business_key == platform_order.c.business_key)
            .outerjoin(bill, bill.c.business_key == payment.c.business_key)
            .where(live, payment.c.status == "success", bill.c.record_id.is_(None))
            .where(payment.c.business_key.not_in(explained), payment.c.record_id.not_like("%-2"))
        )
        bills = [_bill_of(dict(row)) for row in half_way.mappings()]
        insert_rows(connection, bill, bills)
    return failed + len(bills)


def _bill_of(ordered: Row) -> Row:
    order = Order(*(ordered[name] for name in ("account", "product", "channel", "region", "amount_minor")))
    return record(BILLING, ordered["business_key"], order, ordered["paid_ms"] + CALLBACK_MS, "success")
