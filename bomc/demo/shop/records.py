"""How one order's records look in the three tables, and what a reconciliation of each day has to say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bomc.demo.shop.catalogue import CURRENCY, Order, bill_cycle, fee_minor
from bomc.demo.shop.database import Row
from bomc.demo.shop.days import before_cutoff, business_day

BILLING, PLATFORM, PAYMENT = "billing", "platform", "payment"
LETTER = {BILLING: "B", PLATFORM: "P", PAYMENT: "C"}

Records = dict[str, list[Row]]
"""The records of one order and kind, by party; a party without one has an empty list."""


def record(party: str, key: str, order: Order, at_ms: int, status: str, *, kind: str = "payment") -> Row:
    """One party's record of an order; its business day is that of the instant, its fee that of the channel."""
    row: Row = {
        "record_id": LETTER[party] + ("R" if kind == "refund" else "") + key,
        "business_key": key,
        "kind": kind,
        "business_day": business_day(at_ms),
        "occurred_ms": at_ms,
        "amount_minor": order.amount_minor,
        "currency": CURRENCY,
        "status": status,
        "fee_minor": None if party == BILLING else fee_minor(order.channel, order.amount_minor),
        "account": order.account,
        "channel": order.channel,
        "product": order.product,
        "region": order.region,
    }
    return {**row, "bill_cycle": bill_cycle(order.account)} if party == BILLING else row


def amount_at_stake(records: Mapping[str, Sequence[Row]]) -> int:
    """The amount of the standing record of billing, else payment, else platform, in fen; 0 when there is none."""
    for party in (BILLING, PAYMENT, PLATFORM):
        if records.get(party):
            return int(records[party][0]["amount_minor"])
    return 0


def expected_rows(records: Records, fault: str, outcome: str, at_risk_minor: int) -> list[Row]:
    """What each day's reconciliation has to find of one order whose final class is `outcome`; nothing when it matches.

    A party that is missing on a day whose other records all lie in its cut-off window is awaited on that day, and the
    final class shows the day after. What is in doubt is carried for one day, and is a break on the next.
    """
    days: list[date] = sorted({row["business_day"] for rows in records.values() for row in rows})
    found: list[Row] = []
    for day in days:
        known = {party: [row for row in rows if row["business_day"] <= day] for party, rows in records.items()}
        if _is_awaited(known, day):
            found.append(_planted(known, day, fault, "awaiting_cutoff", amount_at_stake(known), carried=True))
    last = days[-1]
    awaited = bool(found) and found[-1]["business_day"] == last
    if outcome != "matched":
        if outcome == "in_doubt":
            found.append(_planted(records, last, fault, outcome, at_risk_minor, carried=True))
        shown = last + timedelta(days=1) if awaited or outcome == "in_doubt" else last
        found.append(_planted(records, shown, fault, outcome, at_risk_minor, carried=False))
    return found


def _is_awaited(records: Records, day: date) -> bool:
    present = [rows[0] for rows in records.values() if rows]
    return (
        len(present) < len(LETTER)
        and any(row["status"] == "success" for row in present)
        and all(row["status"] != "pending" and before_cutoff(row["occurred_ms"], day) for row in present)
    )


def _planted(records: Records, day: date, fault: str, outcome: str, at_risk_minor: int, *, carried: bool) -> Row:
    row = next(rows[0] for rows in records.values() if rows)
    return {
        "business_day": day,
        "business_key": row["business_key"],
        "kind": row["kind"],
        "fault": fault,
        "expected_class": outcome,
        "at_risk_minor": at_risk_minor,
        "carried": carried,
    }
