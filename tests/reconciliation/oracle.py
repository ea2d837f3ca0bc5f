"""Rules 1 to 10 in plain Python, one key at a time: slow, and written apart from the engine's expressions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

PARTIES = ("billing", "platform", "payment")
START = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
END = START + timedelta(days=1)


class Line(NamedTuple):
    """One expected line: of breaks.csv, or (with class matched or no_effect) of the certificate alone."""

    business_key: str
    kind: str
    name: str
    loser: str
    at_risk_minor: int
    record_ids: tuple[str, ...]


def expected(
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    tolerance: int = 0,
    fee_tolerance: int = 0,
    window: timedelta = timedelta(minutes=30),
) -> list[Line]:
    """Every line that the rules give."""
    groups: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for party in PARTIES:
        for row in rows.get(party, ()):
            groups[row["business_key"], row["kind"]][party].append(row)
    found = []
    for (key, kind), parties in groups.items():
        standing = {}
        for party, delivered in parties.items():
            first, *others = sorted(delivered, key=lambda row: (_instant(row), row["record_id"]))
            standing[party] = first
            name, loser = ("duplicate_charge", "customer") if party == "payment" else ("duplicate_booking", "operator")
            found += [
                Line(key, kind, name, _swap(loser, kind), row["amount_minor"], (row["record_id"],)) for row in others
            ]
        name, loser, at_risk = _judge(standing, tolerance, fee_tolerance, window)
        ids = tuple(standing[party]["record_id"] if party in standing else "" for party in PARTIES)
        found.append(Line(key, kind, name, _swap(loser, kind), at_risk, ids))
    return sorted(found)


def _judge(
    standing: Mapping[str, Mapping[str, Any]], tolerance: int, fee_tolerance: int, window: timedelta
) -> tuple[str, str, int]:
    status = {party: row["status"] for party, row in standing.items()}
    says = {party for party, value in status.items() if value == "success"}
    money = next(standing[party]["amount_minor"] for party in ("billing", "payment", "platform") if party in standing)
    if "pending" in status.values():
        return "in_doubt", "none", money
    if not says:
        return "no_effect", "none", 0
    if len(standing) < 3:
        for boundary in (START, END):
            if all(abs(_instant(row) - boundary) <= window for row in standing.values()):
                return "awaiting_cutoff", "none", money
        return (
            *{
                ("billing", "platform"): ("missing_in_payment", "operator"),
                ("billing", "payment"): ("missing_in_platform", "partner"),
                ("platform", "payment"): ("missing_in_billing", "customer"),
                ("billing",): ("billing_only", "operator"),
                ("platform",): ("platform_only", "operator"),
                ("payment",): ("payment_only", "customer"),
            }[tuple(party for party in PARTIES if party in says)],
            money,
        )
    if len(says) < 3:
        if "payment" in says and "billing" not in says:
            return "status_book_failed", "customer", money
        if "billing" in says and "payment" not in says:
            return "status_payment_failed", "operator", money
        if says == {"billing", "payment"}:
            return "status_platform_failed", "partner", money
        return "status_platform_only", "operator", money
    billing, platform, payment = (standing[party] for party in PARTIES)
    if len({row["currency"] for row in standing.values()}) > 1:
        return "currency_mismatch", "none", max(row["amount_minor"] for row in standing.values())
    over = payment["amount_minor"] - billing["amount_minor"]
    if abs(over) > tolerance:
        return ("amount_surplus", "customer", over) if over > 0 else ("amount_shortfall", "operator", -over)
    credit = platform["amount_minor"] - billing["amount_minor"]
    if abs(credit) > tolerance:
        return ("over_credited", "operator", credit) if credit > 0 else ("under_credited", "customer", -credit)
    fees = [row["fee_minor"] for row in standing.values() if row["fee_minor"] is not None]
    if fees and max(fees) - min(fees) > fee_tolerance:
        return "fee_mismatch", "operator", max(fees) - min(fees)
    return "matched", "none", 0


def _instant(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["occurred_at"])


def _swap(loser: str, kind: str) -> str:
    return {"customer": "operator", "operator": "customer"}.get(loser, loser) if kind == "refund" else loser
