"""Generated past days: complete, the same every time, and with exactly the differences that were planted."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bomc.demo.export import Planted, planted_on
from bomc.demo.history import ORDERS, STRADDLING, fill, generate_day, missing_days
from bomc.demo.plantings import PLANTINGS
from bomc.demo.shop.database import PARTIES
from bomc.demo.shop.days import end_ms, start_ms
from tests.bomc.demo.conftest import DAYS, TODAY
from tests.bomc.demo.shops import database, rows

Found = Counter[tuple[str, str, str, int]]


def recount(tables: dict[str, list[dict[str, Any]]], day: date) -> Found:
    """The differences of one day as a person with the three tables would find them, with the day before at hand."""
    near_ms = 30 * 60 * 1000
    found: Found = Counter()
    standing: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for party, records in tables.items():
        near = [row for row in records if row["business_day"] in (day, day - timedelta(days=1))]
        for row in sorted(near, key=lambda row: (row["occurred_ms"], row["record_id"])):
            place = standing.setdefault((row["business_key"], row["kind"]), {})
            if party not in place:
                place[party] = row
            elif row["business_day"] == day:
                name = "duplicate_charge" if party == "payment" else "duplicate_booking"
                found[row["business_key"], row["kind"], name, row["amount_minor"]] += 1
    for (key, kind), place in standing.items():
        today = [row for row in place.values() if row["business_day"] == day]
        before = [row for row in place.values() if row["business_day"] < day]
        left_over = bool(before) and (
            any(row["status"] == "pending" for row in before)
            or (len(before) < 3 and all(end_ms(row["business_day"]) - row["occurred_ms"] <= near_ms for row in before))
        )
        if not today and not (left_over and before[0]["business_day"] == day - timedelta(days=1)):
            continue
        stake = next(place[party]["amount_minor"] for party in ("billing", "payment", "platform") if party in place)
        name, at_risk = judge(place, stake)
        if name.startswith(("missing", "billing_only", "platform_only", "payment_only")) and not before:
            awaited = all(end_ms(day) - row["occurred_ms"] <= near_ms for row in today)
            name = "awaiting_cutoff" if awaited else name
        if name not in ("matched", "no_effect"):
            found[key, kind, name, at_risk] += 1
    return found


def judge(place: dict[str, dict[str, Any]], stake: int) -> tuple[str, int]:
    """Class and fen at risk of one key, by the table of breaks, without any of the product's code."""
    said = "".join(place[party]["status"][0] if party in place else "-" for party in ("billing", "platform", "payment"))
    if "p" in said:
        return "in_doubt", stake
    if "s" not in said:
        return "no_effect", 0
    by_pattern = {
        "ss-": "missing_in_payment",
        "s-s": "missing_in_platform",
        "-ss": "missing_in_billing",
        "s--": "billing_only",
        "-s-": "platform_only",
        "--s": "payment_only",
        "fss": "status_book_failed",
        "ssf": "status_payment_failed",
        "sfs": "status_platform_failed",
        "fsf": "status_platform_only",
    }
    if said != "sss":
        return by_pattern[said], stake
    billed, ordered, paid = (place[party] for party in ("billing", "platform", "payment"))
    if len({row["currency"] for row in place.values()}) > 1:
        return "currency_mismatch", max(row["amount_minor"] for row in place.values())
    if paid["amount_minor"] != billed["amount_minor"]:
        difference = paid["amount_minor"] - billed["amount_minor"]
        return ("amount_surplus" if difference > 0 else "amount_shortfall"), abs(difference)
    if ordered["amount_minor"] != billed["amount_minor"]:
        difference = ordered["amount_minor"] - billed["amount_minor"]
        return ("over_credited" if difference > 0 else "under_credited"), abs(difference)
    if ordered["fee_minor"] != paid["fee_minor"]:
        return "fee_mismatch", abs(ordered["fee_minor"] - paid["fee_minor"])
    return "matched", 0


def as_found(planted: tuple[Planted, ...]) -> Found:
    return Counter((one.business_key, one.kind, one.expected_class, one.at_risk_minor) for one in planted)


def check_days(engine: Engine, days: list[date]) -> None:
    tables = {party: rows(engine, table) for party, table in PARTIES.items()}
    for day in (*days, days[-1] + timedelta(days=1)):
        assert recount(tables, day) == as_found(planted_on(engine, day))


def test_the_planted_breaks_of_each_day_are_those_that_a_recount_of_the_three_tables_finds(
    past: Path, tmp_path: Path
) -> None:
    with database(tmp_path, past) as engine:
        check_days(engine, DAYS)


def test_the_same_holds_over_a_leap_day(tmp_path: Path) -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    with database(tmp_path) as engine:
        began = time.process_time()
        assert fill(engine, date(2024, 3, 2)) == days
        assert time.process_time() - began < 5  # a visitor waits for this at the first start
        check_days(engine, days)


def test_a_day_is_drawn_from_its_date_alone() -> None:
    again = generate_day(DAYS[0])
    assert generate_day(DAYS[0]) == again
    assert generate_day(DAYS[1]).rows != again.rows


def test_every_planted_fault_is_there_in_its_number_and_lost_callbacks_lie_in_one_channel_and_half_an_hour() -> None:
    day = generate_day(DAYS[0])
    by_fault = Counter(row["fault"] for row in day.planted if not row["carried"])
    assert {planting.fault: planting.a_day for planting in PLANTINGS}.items() <= by_fault.items()
    late_ms = end_ms(DAYS[0]) - 30 * 60 * 1000
    lost = {row["business_key"] for row in day.planted if row["fault"] == "callbacks_lost"}
    payments = [
        row
        for row in day.rows["payment"]
        if row["business_key"] in lost and row["kind"] == "payment" and row["occurred_ms"] < late_ms
    ]
    assert len(payments) >= 5
    assert len({row["channel"] for row in payments}) == 1
    instants = [row["occurred_ms"] for row in payments]
    assert max(instants) - min(instants) <= 31 * 60 * 1000


def test_orders_that_straddle_the_cut_off_are_awaited_and_have_their_other_records_just_after_midnight() -> None:
    day = generate_day(DAYS[0])
    awaited = {row["business_key"] for row in day.planted if row["expected_class"] == "awaiting_cutoff"}
    after = [row for row in day.rows["payment"] if row["business_key"] in awaited and row["business_day"] == DAYS[1]]
    assert len(after) >= STRADDLING
    assert all(0 <= row["occurred_ms"] - start_ms(DAYS[1]) < 60_000 for row in after)


def test_a_day_is_complete_and_its_records_lie_in_it() -> None:
    day = generate_day(DAYS[1])
    orders = [row for row in day.rows["platform"] if row["kind"] == "payment"]
    assert ORDERS - 20 < len(orders) <= ORDERS
    hours = Counter((row["occurred_ms"] - start_ms(DAYS[1])) // 3_600_000 for row in orders)
    assert set(hours) == set(range(24))
    assert sum(hours[hour] for hour in range(14, 18)) > 1.3 * sum(hours[hour] for hour in range(2, 6))
    for records in day.rows.values():
        ids = [row["record_id"] for row in records]
        assert len(ids) == len(set(ids))
        assert all(start_ms(row["business_day"]) <= row["occurred_ms"] < end_ms(row["business_day"]) for row in records)


def test_an_empty_database_misses_the_last_three_days(tmp_path: Path) -> None:
    with database(tmp_path) as engine:
        assert missing_days(engine, TODAY) == DAYS


def test_days_that_exist_are_left_alone_and_only_the_missing_ones_are_made(past: Path, tmp_path: Path) -> None:
    with database(tmp_path, past) as engine:
        before = {party: rows(engine, table) for party, table in PARTIES.items()}
        assert fill(engine, TODAY) == []
        assert before == {party: rows(engine, table) for party, table in PARTIES.items()}
        assert missing_days(engine, TODAY + timedelta(days=2)) == [TODAY, TODAY + timedelta(days=1)]
