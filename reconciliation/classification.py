"""Rules 2 to 10: what the standing records of one key say to each other, who loses by it, and how much is at risk.

`classified` takes the table of `matching.side_by_side` and gives every key exactly one class, the first rule that fits,
as Ibis expressions that any engine can carry out. Rule 1 (duplicates) concerns rows and stands in `matching`. Amounts are
minor units. Class names that no row has are absent from the result.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from reconciliation.standard_record import PARTIES
from reconciliation.validation import PENDING, SUCCESS, Day, near

if TYPE_CHECKING:
    import ibis.expr.types as ir

LOSERS: Final[dict[str, str]] = {
    "in_doubt": "none",
    "no_effect": "none",
    "awaiting_cutoff": "none",
    "missing_in_payment": "operator",
    "missing_in_platform": "partner",
    "missing_in_billing": "customer",
    "billing_only": "operator",
    "platform_only": "operator",  # a false success pays out a partner
    "payment_only": "customer",
    "status_book_failed": "customer",
    "status_payment_failed": "operator",
    "status_platform_failed": "partner",
    "status_platform_only": "operator",  # as platform_only
    "currency_mismatch": "none",
    "amount_surplus": "customer",
    "amount_shortfall": "operator",
    "over_credited": "operator",
    "under_credited": "customer",
    "fee_mismatch": "operator",
    "matched": "none",
    "duplicate_booking": "operator",
    "duplicate_charge": "customer",
}
"""Who loses by each class of a collection; for a refund, customer and operator change places."""

CLASSES: Final = tuple(LOSERS)
CODES: Final = {name: code for code, name in enumerate(CLASSES)}
QUIET: Final = ("no_effect", "matched")  # stand in the certificate alone
CARRIED: Final = ("in_doubt", "awaiting_cutoff")  # become breaks only when their time is up
DUPLICATES: Final = {
    "billing": "duplicate_booking",
    "platform": "duplicate_booking",
    "payment": "duplicate_charge",
}
_AT_DIFFERENCE: Final = ("amount_surplus", "amount_shortfall")
_AT_CREDIT: Final = ("over_credited", "under_credited")


def classified(
    keys: ir.Table, day: Day, *, tolerance_minor: int, fee_tolerance_minor: int, looked_back: bool
) -> ir.Table:
    """One row for each key: class (a code), refund, at_risk, carried, cleared, and each party's row and amount.

    `looked_back` says that the items carried from the day before are among the rows, so that a record at the start of
    the day that still lacks a party has been looked for already.
    """
    import ibis

    amount = {party: keys[f"{party}_amount"] for party in PARTIES}
    present = {party: keys[f"{party}_row"].notnull() for party in PARTIES}
    success = {party: _says(keys, party, SUCCESS) for party in PARTIES}
    pending = {party: _says(keys, party, PENDING) for party in PARTIES}
    brought = {party: _brought(keys[f"{party}_row"], looked_back) for party in PARTIES}
    billing, platform, payment = (success[party] for party in PARTIES)
    someone_absent = ~_all(present.values())
    waits = someone_absent & ~_any(brought.values()) & _explained(keys, day, looked_back)
    alike = (keys["billing_currency"] == keys["platform_currency"]) & (
        keys["billing_currency"] == keys["payment_currency"]
    )
    surplus = amount["payment"] - amount["billing"]
    credit = amount["platform"] - amount["billing"]
    at_rest = _all(
        [
            *(keys[f"{party}_status"] == SUCCESS for party in PARTIES),
            alike,
            *(amount["billing"] == amount[party] for party in PARTIES[1:]),
            *(keys["billing_fee"].identical_to(keys[f"{party}_fee"]) for party in PARTIES[1:]),
        ]
    )
    rules: list[tuple[ir.Value, str]] = [
        (at_rest, "matched"),  # most keys: nothing below applies to three successes that agree in everything
        (_any(pending.values()), "in_doubt"),
        (~_any(success.values()), "no_effect"),
        (waits, "awaiting_cutoff"),
        (someone_absent & billing & platform, "missing_in_payment"),
        (someone_absent & billing & payment, "missing_in_platform"),
        (someone_absent & platform & payment, "missing_in_billing"),
        (someone_absent & billing, "billing_only"),
        (someone_absent & platform, "platform_only"),
        (someone_absent, "payment_only"),
        (payment & ~billing, "status_book_failed"),
        (billing & ~payment, "status_payment_failed"),
        (billing & ~platform, "status_platform_failed"),
        (~billing, "status_platform_only"),
        (~alike, "currency_mismatch"),
        (surplus > tolerance_minor, "amount_surplus"),
        (surplus < -tolerance_minor, "amount_shortfall"),
        (credit > tolerance_minor, "over_credited"),
        (credit < -tolerance_minor, "under_credited"),
        (_fee_difference(keys) > fee_tolerance_minor, "fee_mismatch"),
    ]
    code = ibis.cases(*((when, _code(name)) for when, name in rules), else_=_code("matched"))
    table = keys.select(
        "refund",
        class_code=code,
        cleared=_any(brought.values()),
        overdue=_any(pending[party] & brought[party] for party in PARTIES),
        **{f"{party}_{column}": keys[f"{party}_{column}"] for party in PARTIES for column in ("row", "amount", "fee")},
    )
    amount = {party: table[f"{party}_amount"] for party in PARTIES}
    return table.select(
        "class_code",
        "refund",
        "cleared",
        at_risk=ibis.cases(
            (_is(table, *QUIET), 0),
            (_is(table, *_AT_DIFFERENCE), (amount["payment"] - amount["billing"]).abs()),
            (_is(table, *_AT_CREDIT), (amount["platform"] - amount["billing"]).abs()),
            (_is(table, "fee_mismatch"), _fee_difference(table)),
            (
                _is(table, "currency_mismatch"),
                ibis.greatest(*(ibis.coalesce(value, 0) for value in amount.values())),
            ),
            else_=ibis.coalesce(amount["billing"], amount["payment"], amount["platform"]),
        ),
        carried=_is(table, "awaiting_cutoff", "in_doubt") & ~(_is(table, "in_doubt") & table["overdue"]),
        **{f"{party}_{column}": table[f"{party}_{column}"] for party in PARTIES for column in ("row", "amount")},
    )


def loser(class_code: ir.Value, refund: ir.Value) -> ir.Value:
    """Who loses by a class, as text."""
    import ibis

    other = {"customer": "operator", "operator": "customer"}
    paid = ibis.cases(*((class_code == CODES[name], who) for name, who in LOSERS.items()), else_="none")
    back = ibis.cases(*((class_code == CODES[name], other.get(who, who)) for name, who in LOSERS.items()), else_="none")
    return ibis.ifelse(refund, back, paid)


def _explained(keys: ir.Table, day: Day, looked_back: bool) -> ir.Value:
    """Whether every standing record lies within the cut-off window of the same end of the day."""
    import ibis

    boundaries = (day.end,) if looked_back else (day.end, day.start)
    return _any(
        _all(
            keys[f"{party}_row"].isnull()
            | near(keys[f"{party}_occurred_at"], boundary, day.window).fill_null(ibis.literal(False))
            for party in PARTIES
        )
        for boundary in boundaries
    )


def _fee_difference(keys: ir.Table) -> ir.Value:
    """The highest less the lowest of the fees given; null when none is."""
    import ibis

    fees = [keys[f"{party}_fee"] for party in PARTIES]
    given = [ibis.coalesce(fee, *fees) for fee in fees]
    return ibis.greatest(*given) - ibis.least(*given)


def _says(keys: ir.Table, party: str, status: int) -> ir.BooleanValue:
    return (keys[f"{party}_status"] == status).fill_null(False)


def _brought(row: ir.Value, looked_back: bool) -> ir.BooleanValue:
    """Whether a standing row was carried from the day before, by its negative number."""
    import ibis

    return (row < 0).fill_null(False) if looked_back else ibis.literal(False)


def _code(name: str) -> ir.Value:
    import ibis

    return ibis.literal(CODES[name], "int8")


def _is(table: ir.Table, *names: str) -> ir.BooleanValue:
    return table["class_code"].isin([CODES[name] for name in names])


def _any(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return functools.reduce(operator.or_, conditions)


def _all(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return functools.reduce(operator.and_, conditions)
