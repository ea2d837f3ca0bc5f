"""A day whose three files disagree in many ways, in two currencies, with cells that a spreadsheet would evaluate."""

from __future__ import annotations

from pathlib import Path

from reconciliation.outcome import Outcome
from tests.reconciliation.days import Row, reconcile, record

EVIL = ("=1+1|cmd", "+86", "-2+3", "@SUM(A1)", "'quoted", "http://example.com/x", "000123", "1e5", "9" * 30)
"""Keys that must come out of every report letter by letter."""


def rows() -> dict[str, list[Row]]:
    """Records of the three parties."""
    dollars = {"currency": "USD"}
    billing = [record(f"all-{number}") for number in range(20)]
    platform, payment = list(billing), list(billing)
    billing += [record(key, amount_minor=100 + place) for place, key in enumerate(EVIL)]
    billing += [
        record("short", amount_minor=5000),
        record("dollars", **dollars),
        record("twice"),
        record("twice", "twice-2"),
    ]
    platform += [record("short", amount_minor=5000), record("dollars", **dollars), record("twice")]
    payment += [record("short", amount_minor=4999), record("twice"), record("paid alone", amount_minor=123456)]
    payment += [
        record("doubt", status="pending"),
        record("bad", amount_minor="=1+1"),
        record("夜间充值", amount_minor=77),
    ]
    return {"billing": billing, "platform": platform, "payment": payment}


def result(folder: Path) -> Outcome:
    """The result of that day."""
    outcome = reconcile(folder, rows())
    assert outcome.refused == ()
    return outcome
