"""Rules 2 to 10 of the three-way match: what billing, platform and payment say to each other, who loses by it, and how
much is at risk. Every key has exactly one class, the first rule that fits; amounts are minor units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciliation.rules import QUIET, Rules
from reconciliation.rules.shared import Brought, Keys, among, any_of, code_of, fee_difference, priced
from reconciliation.standard_record import PARTIES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.request import Request
    from reconciliation.validation import Day

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

CODES: Final = {name: code for code, name in enumerate(LOSERS)}
DUPLICATES: Final = {
    "billing": "duplicate_booking",
    "platform": "duplicate_booking",
    "payment": "duplicate_charge",
}


def rules(request: Request) -> Rules:
    """The rules with the tolerances of a request. Raises ValueError unless its parties are the three."""
    if request.names != PARTIES:
        raise ValueError(f"the three-way rules are for {', '.join(PARTIES)}, in this order; these are {request.names}")
    if request.passes or request.losers:
        raise ValueError("the three-way rules have their own losers and one exact pass; choose the general rules")

    def classify(keys: ir.Table, day: Day, came: Brought) -> ir.Table:
        return classified(
            keys,
            day,
            came,
            tolerance_minor=request.tolerance_minor,
            fee_tolerance_minor=request.fee_tolerance_minor,
        )

    return Rules(PARTIES, LOSERS, DUPLICATES, ("billing", "payment", "platform"), classify)


def classified(table: ir.Table, day: Day, came: Brought, *, tolerance_minor: int, fee_tolerance_minor: int) -> ir.Table:
    """One row for each key, as `Rules.classify` promises."""
    import ibis

    keys = Keys(table, PARTIES, day, came)
    amount = keys.each("amount")
    billing, platform, payment = keys.success.values()
    absent = keys.someone_absent()
    surplus = amount["payment"] - amount["billing"]
    credit = amount["platform"] - amount["billing"]
    rules: list[tuple[ir.Value, str]] = [
        (keys.at_rest(), "matched"),
        (any_of(keys.pending.values()), "in_doubt"),
        (~any_of([billing, platform, payment]), "no_effect"),
        (keys.waits(), "awaiting_cutoff"),
        (absent & billing & platform, "missing_in_payment"),
        (absent & billing & payment, "missing_in_platform"),
        (absent & platform & payment, "missing_in_billing"),
        (absent & billing, "billing_only"),
        (absent & platform, "platform_only"),
        (absent, "payment_only"),
        (payment & ~billing, "status_book_failed"),
        (billing & ~payment, "status_payment_failed"),
        (billing & ~platform, "status_platform_failed"),
        (~billing, "status_platform_only"),
        (~keys.alike("currency"), "currency_mismatch"),
        (surplus > tolerance_minor, "amount_surplus"),
        (surplus < -tolerance_minor, "amount_shortfall"),
        (credit > tolerance_minor, "over_credited"),
        (credit < -tolerance_minor, "under_credited"),
        (fee_difference(table, PARTIES) > fee_tolerance_minor, "fee_mismatch"),
    ]
    settled = keys.settled(code_of(CODES, rules, "matched"))
    amount = {party: settled[f"{party}_amount"] for party in PARTIES}
    at_risk = ibis.cases(
        (among(settled, CODES, *QUIET), 0),
        (among(settled, CODES, "amount_surplus", "amount_shortfall"), (amount["payment"] - amount["billing"]).abs()),
        (among(settled, CODES, "over_credited", "under_credited"), (amount["platform"] - amount["billing"]).abs()),
        (among(settled, CODES, "fee_mismatch"), fee_difference(settled, PARTIES)),
        (
            among(settled, CODES, "currency_mismatch"),
            ibis.greatest(*(ibis.coalesce(value, 0) for value in amount.values())),
        ),
        else_=ibis.coalesce(amount["billing"], amount["payment"], amount["platform"]),
    )
    return priced(settled, PARTIES, CODES, at_risk)
