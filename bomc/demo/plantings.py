"""The faults that are planted in generated history: what each does to one order's records, and what it then puts at risk.

A planting takes the records of an order that went well and returns them spoilt, with the fen at risk by the rules of
the classification (docs of the reconciliation: presence and status the standing amount, amount and fee the difference).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bomc.demo.shop.database import Row
from bomc.demo.shop.records import BILLING, PAYMENT, PLATFORM, Records, amount_at_stake

Spoil = Callable[[Records], tuple[Records, int]]


@dataclass(frozen=True, slots=True)
class Planting:
    """One kind of fault: its story in a word, the class that a reconciliation must give it, how many a day, and how."""

    fault: str
    outcome: str
    a_day: int
    spoil: Spoil
    refunds: bool = False  # spoils refunds, not payments


def without(*parties: str) -> Spoil:
    """The records of these parties are missing."""

    def spoil(records: Records) -> tuple[Records, int]:
        left = {party: [] if party in parties else rows for party, rows in records.items()}
        return left, amount_at_stake(left)

    return spoil


def failed(*parties: str) -> Spoil:
    """These parties say `failed`."""

    def spoil(records: Records) -> tuple[Records, int]:
        spoilt = {party: _with(rows, status="failed") if party in parties else rows for party, rows in records.items()}
        return spoilt, amount_at_stake(spoilt)

    return spoil


def pending(party: str) -> Spoil:
    """This party does not know yet."""

    def spoil(records: Records) -> tuple[Records, int]:
        spoilt = {**records, party: _with(records[party], status="pending")}
        return spoilt, amount_at_stake(spoilt)

    return spoil


def amount_off(party: str, by_minor: int) -> Spoil:
    """This party's amount is off by so many fen."""

    def spoil(records: Records) -> tuple[Records, int]:
        amount = records[party][0]["amount_minor"] + by_minor
        return {**records, party: _with(records[party], amount_minor=amount)}, abs(by_minor)

    return spoil


def fee_off(by_minor: int) -> Spoil:
    """The channel kept another fee than the platform expects."""

    def spoil(records: Records) -> tuple[Records, int]:
        fee = records[PAYMENT][0]["fee_minor"] + by_minor
        return {**records, PAYMENT: _with(records[PAYMENT], fee_minor=fee)}, abs(by_minor)

    return spoil


def other_currency(party: str, currency: str) -> Spoil:
    """This party booked another currency."""

    def spoil(records: Records) -> tuple[Records, int]:
        largest = max(rows[0]["amount_minor"] for rows in records.values() if rows)
        return {**records, party: _with(records[party], currency=currency)}, largest

    return spoil


def twice(party: str, after_ms: int) -> Spoil:
    """This party has the order a second time, a moment later."""

    def spoil(records: Records) -> tuple[Records, int]:
        (first,) = records[party]
        again = {**first, "record_id": first["record_id"] + "-2", "occurred_ms": first["occurred_ms"] + after_ms}
        return {**records, party: [first, again]}, first["amount_minor"]

    return spoil


def _with(rows: list[Row], **changes: object) -> list[Row]:
    return [{**row, **changes} for row in rows]


CALLBACKS_LOST = Planting("callbacks_lost", "missing_in_billing", 0, without(BILLING))
"""Planted not by number: it takes every order of one channel in one stretch of time."""

PLANTINGS: tuple[Planting, ...] = (
    Planting("channel_lost_record", "missing_in_payment", 5, without(PAYMENT)),
    Planting("refund_not_paid_out", "missing_in_payment", 2, without(PAYMENT), refunds=True),
    Planting("platform_lost_record", "missing_in_platform", 3, without(PLATFORM)),
    Planting("billed_by_hand", "billing_only", 2, without(PLATFORM, PAYMENT)),
    Planting("false_success", "platform_only", 2, without(BILLING, PAYMENT)),
    Planting("order_dropped", "payment_only", 4, without(BILLING, PLATFORM)),
    Planting("bill_refused", "status_book_failed", 2, failed(BILLING)),
    Planting("payment_reversed", "status_payment_failed", 3, failed(PAYMENT)),
    Planting("platform_gave_up", "status_platform_failed", 2, failed(PLATFORM)),
    Planting("false_platform_success", "status_platform_only", 1, failed(BILLING, PAYMENT)),
    Planting("coupon_unknown_to_billing", "amount_shortfall", 8, amount_off(PAYMENT, -100)),
    Planting("tariff_change_missed", "amount_surplus", 3, amount_off(PAYMENT, 200)),
    Planting("partner_share_too_high", "over_credited", 2, amount_off(PLATFORM, 50)),
    Planting("partner_share_too_low", "under_credited", 2, amount_off(PLATFORM, -50)),
    Planting("roaming_currency", "currency_mismatch", 1, other_currency(PAYMENT, "HKD")),
    Planting("fee_rate_changed", "fee_mismatch", 3, fee_off(7)),
    Planting("charged_twice", "duplicate_charge", 4, twice(PAYMENT, 900)),
    Planting("billed_twice", "duplicate_booking", 2, twice(BILLING, 1200)),
    Planting("channel_undecided", "in_doubt", 2, pending(PAYMENT)),
)
"""Everything else that goes wrong on a generated day, each so many times."""
