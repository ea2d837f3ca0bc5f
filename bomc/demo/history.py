"""Whole past business days for a demo that has just begun: generated from their date, so every start makes the same.

A generated day has ORDERS orders, a few of them declined or refunded, and the planted faults of `plantings`; besides
those, one channel loses its call-backs for half an hour, and some orders straddle the cut-off.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import Engine, insert, select

from bomc.demo.plantings import CALLBACKS_LOST, PLANTINGS, Planting
from bomc.demo.shop.catalogue import activity, draw_order
from bomc.demo.shop.database import PARTIES, Row, insert_rows, known_day, planted
from bomc.demo.shop.days import business_day, end_ms, start_ms
from bomc.demo.shop.orders import BACK_END_S, CALLBACK_MS, DECLINED_SHARE
from bomc.demo.shop.records import BILLING, PAYMENT, PLATFORM, Records, expected_rows, record

ORDERS = 3_000
PAST_DAYS = 3
"""So many days before today exist at every start, which is as far as the control catches up."""
REFUNDED_SHARE = 0.012
HOUR_MS = 3_600_000
LOST_MS = HOUR_MS // 2
LATE_MS = HOUR_MS // 3
STRADDLING = 4


@dataclass
class Day:
    """Everything that a generated day adds to the database."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {party: [] for party in PARTIES})
    planted: list[Row] = field(default_factory=list)

    def add(self, records: Records, planting: Planting | None = None, at_risk_minor: int = 0) -> None:
        """Take one order's records over, and write down what a reconciliation has to find of them."""
        for party, rows in records.items():
            self.rows[party] += rows
        fault, outcome = (planting.fault, planting.outcome) if planting else ("cut_off", "matched")
        self.planted += expected_rows(records, fault, outcome, at_risk_minor)


def generate_day(day: date) -> Day:
    """The records and planted faults of one business day, drawn from its date alone."""
    rng = random.Random(f"demo operator, {day.isoformat()}")
    first_ms, last_ms = start_ms(day), end_ms(day)
    generated = Day()
    orders = [_order(rng, f"D{day:%Y%m%d}{n:06d}", at_ms) for n, at_ms in enumerate(sorted(_instants(rng, first_ms)))]
    paid = [records for records in orders if records[BILLING]]
    for records in orders:
        if not records[BILLING]:
            generated.add(records)  # declined: it has no effect anywhere
    paid += _refunds(rng, paid, first_ms + 20 * HOUR_MS)

    spoilt = dict.fromkeys(_lost(rng, paid, first_ms), CALLBACKS_LOST)
    for planting in PLANTINGS:
        apt = [n for n, records in enumerate(paid) if n not in spoilt and _is_apt(planting, records, first_ms)]
        spoilt |= dict.fromkeys(rng.sample(apt, planting.a_day), planting)
    late = [n for n, records in enumerate(paid) if _began_ms(records) >= last_ms - LATE_MS]
    unbilled, *delayed = rng.sample(late, 1 + STRADDLING)
    spoilt[unbilled] = CALLBACKS_LOST

    for n, records in enumerate(paid):
        if n in spoilt:
            result, at_risk_minor = spoilt[n].spoil(records)
            generated.add(result, spoilt[n], at_risk_minor)
        else:
            generated.add(_straddle(rng, records, last_ms) if n in delayed else records)
    return generated


def _began_ms(records: Records) -> int:
    return int(records[PLATFORM][0]["occurred_ms"])


def _is_apt(planting: Planting, records: Records, first_ms: int) -> bool:
    """Whether the planting may spoil this order: the right kind, and away from both ends of the day."""
    kind = "refund" if planting.refunds else "payment"
    return records[PLATFORM][0]["kind"] == kind and HOUR_MS <= _began_ms(records) - first_ms < 23 * HOUR_MS


def _instants(rng: random.Random, first_ms: int) -> Iterator[int]:
    """Instants of the day, as dense as the customers are active."""
    left = ORDERS
    while left:
        hour = rng.uniform(0, 24)
        if rng.random() <= activity(hour):
            left -= 1
            yield first_ms + int(hour * HOUR_MS)


def _order(rng: random.Random, key: str, at_ms: int) -> Records:
    order = draw_order(rng)
    paid_ms = at_ms + round(rng.uniform(*BACK_END_S) * 1000)
    if rng.random() < DECLINED_SHARE:
        declined = record(PAYMENT, key, order, paid_ms, "failed")
        return {BILLING: [], PLATFORM: [record(PLATFORM, key, order, at_ms, "failed")], PAYMENT: [declined]}
    return {
        BILLING: [record(BILLING, key, order, paid_ms + CALLBACK_MS, "success")],
        PLATFORM: [record(PLATFORM, key, order, at_ms, "success")],
        PAYMENT: [record(PAYMENT, key, order, paid_ms, "success")],
    }


def _refunds(rng: random.Random, paid: list[Records], before_ms: int) -> list[Records]:
    """The whole refunds of some orders of the day's first 20 hours, one to three hours after them."""
    early = [records for records in paid if records[PLATFORM][0]["occurred_ms"] < before_ms]
    refunds = []
    for records in rng.sample(early, round(len(paid) * REFUNDED_SHARE)):
        later_ms = rng.randrange(HOUR_MS, 3 * HOUR_MS)
        refunds.append({party: [_refund(rows[0], later_ms)] for party, rows in records.items()})
    return refunds


def _refund(row: Row, later_ms: int) -> Row:
    record_id = row["record_id"][0] + "R" + row["business_key"]
    return {**row, "record_id": record_id, "kind": "refund", "occurred_ms": row["occurred_ms"] + later_ms}


def _lost(rng: random.Random, paid: list[Records], first_ms: int) -> list[int]:
    """Every payment of one channel in one half hour of the day's busy part, by its place in `paid`."""
    channel = rng.choice(("wechat", "alipay"))
    begin_ms = first_ms + rng.randrange(9 * HOUR_MS, 21 * HOUR_MS)
    return [
        n
        for n, records in enumerate(paid)
        if records[PLATFORM][0]["channel"] == channel
        and records[PLATFORM][0]["kind"] == "payment"
        and begin_ms <= _began_ms(records) < begin_ms + LOST_MS
    ]


def _straddle(rng: random.Random, records: Records, midnight_ms: int) -> Records:
    """The same order with its payment and bill within the first minute after the cut-off."""
    late_ms = midnight_ms + rng.randrange(1_000, 55_000)
    delayed = {PAYMENT: late_ms, BILLING: late_ms + CALLBACK_MS}
    return {
        party: [{**row, "occurred_ms": delayed[party], "business_day": business_day(delayed[party])} for row in rows]
        if party in delayed
        else rows
        for party, rows in records.items()
    }


def missing_days(engine: Engine, today: date) -> list[date]:
    """Those of the last PAST_DAYS days that the database knows nothing of, oldest first."""
    with engine.connect() as connection:
        known = set(connection.scalars(select(known_day.c.business_day)))
    return [day for n in range(PAST_DAYS, 0, -1) if (day := today - timedelta(days=n)) not in known]


def fill(engine: Engine, today: date) -> list[date]:
    """Generate the missing past days, each in one transaction, and return them."""
    days = missing_days(engine, today)
    for day in days:
        generated = generate_day(day)
        with engine.begin() as connection:
            for party, table in PARTIES.items():
                insert_rows(connection, table, generated.rows[party])
            insert_rows(connection, planted, generated.planted)
            connection.execute(insert(known_day).values(business_day=day, origin="history"))
    return days
