"""Each of the 27 ready controls balances on a sound day and finds, on another, the fault planted there with its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.yaml_file import parse_yaml
from reconciliation import three_way
from reconciliation.controls import library
from reconciliation.controls.definition import EquationControl, MatchControl, load_control, read_controls
from reconciliation.controls.equation import run
from reconciliation.controls.match_request import request_of
from reconciliation.outcome import BREAKS, DONE
from reconciliation.standard_record import PARTIES, write
from tests.reconciliation.controls.estates import DAY, table
from tests.reconciliation.days import record

Tables = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True)
class Planted:
    """A sound day's files, those of them that the fault changes, and what the control then says."""

    sound: Tables
    faulty: Tables
    result: str
    at_risk_minor: int = 0
    sound_result: str = "0"


def stages(**records: int) -> list[dict[str, object]]:
    return [{"stage": stage, "records": count} for stage, count in records.items()]


def states(**counts: int) -> list[dict[str, object]]:
    return [{"state": state, "vouchers": count, "face_minor": count * 5000} for state, count in counts.items()]


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()


def balance(opening: int, top_up: int, usage: int, closing: int, **others: int) -> dict[str, object]:
    row = {
        "opening": opening,
        "top_up": top_up,
        "adjustment": 0,
        "usage": usage,
        "expiry": 0,
        "closing": closing,
        **others,
    }
    return {f"{name}_minor": value for name, value in row.items()}


def money(stage: str, amount_minor: int) -> dict[str, object]:
    return {"stage": stage, "amount_minor": amount_minor}


def dunned(amount_minor: int, state: str, days: object) -> dict[str, object]:
    return {"amount_minor": amount_minor, "state": state, "days": days}


ON_TIME, LATE = {"file": "a", "state": "on time"}, {"file": "b", "state": "late"}
SUBSCRIBER = {"subscriber": "1", "hlr": "active", "boss": "active"}
MEDIATION = {"in": 1000, "out": 900, "filtered": 50, "duplicate": 20, "rejected": 10, "suspended": 15, "merged": 5}
ACCOUNT = {"eligible": "yes", "billed": "yes"}

PLANTED: dict[str, Planted] = {
    "01-files-on-time": Planted(
        {"deliveries.csv": [ON_TIME] * 4}, {"deliveries.csv": [ON_TIME] * 3 + [LATE]}, "0.75", sound_result="1"
    ),
    "02-missing-sequence-numbers": Planted(
        {"cdr_files.csv": [{"sequence": n} for n in (7, 9, 8)]},
        {"cdr_files.csv": [{"sequence": n} for n in (7, 10, 7, 12)]},
        "3",
    ),
    "03-rows-against-trailer": Planted(
        {
            "detail.csv": [{"amount_minor": 400}, {"amount_minor": 600}],
            "trailers.csv": [{"file": "a", "records": 2, "amount_minor": 1000}],
        },
        {"detail.csv": [{"amount_minor": 400}]},
        "601",
        600,
    ),
    "04-mediation-input": Planted(
        {"mediation.csv": stages(**{"in": 990}), "switch_headers.csv": [{"cdrs": 980, "lost": 10}]},
        {"mediation.csv": stages(**{"in": 891})},
        "0.9",
        sound_result="1",
    ),
    "05-mediation-balance": Planted(
        {"mediation.csv": stages(**MEDIATION)}, {"mediation.csv": stages(**{**MEDIATION, "out": 893})}, "7"
    ),
    "06-gprs-volume": Planted(
        {"gprs_billed.csv": [{"volume_mb": "99.75"}], "gprs_gateway.csv": [{"volume_mb": "100.00"}]},
        {"gprs_billed.csv": [{"volume_mb": "90.5"}]},
        "0.905",
        sound_result="0.9975",
    ),
    "07-rating-suspended": Planted(
        {"rating.csv": stages(**{"in": 1000, "suspended": 1})},
        {"rating.csv": stages(**{"in": 1000, "suspended": 2})},
        "0.002",
        sound_result="0.001",
    ),
    "08-suspense-age": Planted(
        {"suspense.csv": [{"amount_minor": 1000, "opened_on": ago(30)}]},
        {"suspense.csv": [{"amount_minor": 900, "opened_on": ago(30)}, {"amount_minor": 100, "opened_on": ago(31)}]},
        "0.1",
        100,
    ),
    "09-re-rating-difference": Planted(
        {"rerating.csv": [{"charged_minor": 10_000, "rerated_minor": 10_000}]},
        {"rerating.csv": [{"charged_minor": 500, "rerated_minor": 510}, {"charged_minor": 500, "rerated_minor": 490}]},
        "0.02",
        20,
    ),
    "10-rated-not-billed": Planted(
        {"billing_stages.csv": [money("rated", 1000), money("billed", 900), money("rightly unbilled", 100)]},
        {"billing_stages.csv": [money("rated", 1000), money("billed", 900), money("rightly unbilled", 60)]},
        "40",
        40,
    ),
    "11-accounts-billed": Planted(
        {"accounts.csv": [ACCOUNT, ACCOUNT, {"eligible": "no", "billed": "no"}]},
        {"accounts.csv": [ACCOUNT, {"eligible": "yes", "billed": "no"}]},
        "0.5",
        sound_result="1",
    ),
    "12-hlr-boss": Planted(
        {"hlr_boss.csv": [SUBSCRIBER] * 5},
        {"hlr_boss.csv": [SUBSCRIBER] * 4 + [{**SUBSCRIBER, "boss": "barred"}, {**SUBSCRIBER, "hlr": ""}]},
        "0.4",
    ),
    "13-balances": Planted(
        {
            "prepaid_balances.csv": [balance(100, 50, 30, 120)],
            "agent_balances.csv": [balance(900, 0, 400, 500), balance(10, 0, 0, 10)],
        },
        {"agent_balances.csv": [balance(900, 0, 400, 507), balance(10, 0, 0, 3)]},  # they would hide each other
        "14",
        14,
    ),
    "15-payment-to-credit": Planted(
        {"credits.csv": [{"seconds": n} for n in [2] * 19 + [600]]},
        {"credits.csv": [{"seconds": n} for n in [2] * 18 + [75, 600]]},
        "75",
        sound_result="2",
    ),
    "16-vouchers": Planted(
        {"vouchers.csv": states(activated=100, redeemed=60, expired=10, live=30)},
        {"vouchers.csv": states(activated=100, redeemed=64, expired=10, live=30)},
        "-4",
        20_000,
    ),
    "18-channel-fee": Planted(
        {"channel_settlement.csv": [{"net_minor": 1_000_000, "fee_minor": 6_000}]},
        {"channel_settlement.csv": [{"net_minor": 1_000_000, "fee_minor": 10_000}]},
        "4000",
        4_000,
    ),
    "19-refunds-open": Planted(
        {"refunds.csv": [{"status": "pending", "requested_on": ago(1), "amount_minor": 700}]},
        {"refunds.csv": [{"status": "pending", "requested_on": ago(2), "amount_minor": 700}]},
        "1",
        700,
    ),
    "20-provider-claim": Planted(
        {"provider_settlement.csv": [{"claim_minor": 1000, "payable_minor": 1000}]},
        {"provider_settlement.csv": [{"claim_minor": 1100, "payable_minor": 1000}]},
        "0.1",
        100,
    ),
    "21-tap-charges": Planted(
        {
            "tap_records.csv": [{"charge_minor": 60}, {"charge_minor": 40}],
            "tap_files.csv": [{"audit_total_minor": 100}],
        },
        {"tap_files.csv": [{"audit_total_minor": 99}]},
        "1",
        1,
    ),
    "22-interconnect-minutes": Planted(
        {"interconnect.csv": [{"own_min": 1000, "partner_min": 1002}]},
        {"interconnect.csv": [{"own_min": 1000, "partner_min": 1020}]},
        "0.02",
        120,
        sound_result="0.002",
    ),
    "23-dunning": Planted(
        {"dunning.csv": [dunned(900, "collected", 15), dunned(100, "open", "")]},
        {"dunning.csv": [dunned(500, "collected", 3), dunned(500, "collected", 16)]},
        "0.5",
        500,
        sound_result="0.9",
    ),
    "24-discounts": Planted(
        {"discounts.csv": [{"gross_minor": 1000, "discount_minor": 120}]},
        {"discounts.csv": [{"gross_minor": 1000, "discount_minor": 150}]},
        "3",
        30,
    ),
    "25-high-fee-accounts": Planted(
        {"high_fee.csv": [{"account": "1", "verdict": "confirmed"}, {"account": "2", "verdict": "usual"}]},
        {"high_fee.csv": [{"account": "1", "verdict": ""}, {"account": "2", "verdict": "usual"}]},
        "0",
        sound_result="0.5",
    ),
    "26-leakage-recovered": Planted(
        {
            "leakage.csv": [
                {"kind": kind, "identified_minor": 1000, "recovered_minor": 900} for kind in ("prepaid", "postpaid")
            ]
        },
        {
            "leakage.csv": [
                {"kind": "prepaid", "identified_minor": 1000, "recovered_minor": 100},
                {"kind": "postpaid", "identified_minor": 9000, "recovered_minor": 9000},
            ]
        },
        "0.1",
        900,
        sound_result="0.9",
    ),
    "27-controls-running": Planted(
        {"risk_points.csv": [{"risk_point": "a", "state": "running"}, {"risk_point": "b", "state": "running"}]},
        {"risk_points.csv": [{"risk_point": "a", "state": "running"}, {"risk_point": "b", "state": "planned"}]},
        "0.5",
        sound_result="1",
    ),
}


def control(name: str) -> Any:
    document = parse_yaml(library.text(name), f"{name}.yaml")
    found = load_control(document)
    assert document.faults == []
    return found


def deliver(home: Path, tables: Tables) -> None:
    for name, rows in tables.items():
        table(home, name, rows)


def test_the_library_has_the_27_controls_of_the_reference_without_a_fault() -> None:
    controls, faults = read_controls(library.FOLDER)
    assert faults == []
    assert [found.number for found in controls] == list(range(1, 28))
    assert [found.name for found in controls] == list(library.names())
    assert all(found.runbook and found.owner and found.title.zh for found in controls)
    assert {*PLANTED, "14-top-ups-matched", "17-surplus-and-shortfall"} == {*library.names()}


@pytest.mark.parametrize("name", PLANTED)
def test_the_control_is_in_balance_on_a_sound_day(name: str, tmp_path: Path) -> None:
    deliver(tmp_path, PLANTED[name].sound)
    found = run(control(name), DAY, tmp_path, tmp_path / "out")
    assert (found.refused, found.exit_status, found.breaks) == ((), DONE, 0)
    assert found.certificate["result"] == PLANTED[name].sound_result


@pytest.mark.parametrize("name", PLANTED)
def test_the_control_finds_the_planted_fault_with_its_value(name: str, tmp_path: Path) -> None:
    planted = PLANTED[name]
    deliver(tmp_path, {**planted.sound, **planted.faulty})
    found = run(control(name), DAY, tmp_path, tmp_path / "out")
    assert (found.refused, found.exit_status, found.breaks) == ((), BREAKS, 1)
    assert found.certificate["result"] == planted.result
    assert found.certificate["lines"][0]["at_risk_minor"] == planted.at_risk_minor


@pytest.mark.parametrize("name", PLANTED)
def test_a_missing_file_is_a_refusal_and_never_a_balance(name: str, tmp_path: Path) -> None:
    found = run(control(name), DAY, tmp_path, tmp_path / "out")
    assert found.exit_status == 3
    assert "the file is missing" in found.refused[0]
    assert not (tmp_path / "out").exists()


def top_ups(home: Path, change: Callable[[dict[str, list[dict[str, object]]]], None]) -> None:
    """Four top-ups as three parties deliver them, and what a fault changes in them."""
    folder = home / "exchange" / DAY.isoformat()
    folder.mkdir(parents=True)
    rows: dict[str, list[dict[str, object]]] = {
        party: [record(key, occurred_at="2026-11-01T12:00:00+08:00") for key in ("a", "b", "c", "d")]
        for party in PARTIES
    }
    change(rows)
    for party in PARTIES:
        write(folder / f"{party}.csv", party, DAY, rows[party])


def matched(home: Path) -> Any:
    top_up = control("14-top-ups-matched")
    assert isinstance(top_up, MatchControl)
    out = home / "runs" / top_up.name / DAY.isoformat()
    return three_way.run(request_of(top_up, DAY, home, out))


def a_payment_that_nobody_booked(rows: dict[str, list[dict[str, object]]]) -> None:
    rows["billing"].pop()


def test_top_ups_that_nobody_booked_break_number_14_and_surplus_is_counted_by_number_17(tmp_path: Path) -> None:
    top_ups(tmp_path, a_payment_that_nobody_booked)
    found = matched(tmp_path)
    assert (found.refused, found.exit_status) == ((), BREAKS)
    assert found.certificate["classes"]["missing_in_billing"] == {"count": 1, "at_risk_minor": 1000}
    cash = run(control("17-surplus-and-shortfall"), DAY, tmp_path, tmp_path / "out")
    assert (cash.refused, cash.exit_status) == ((), BREAKS)
    assert cash.certificate["result"] == "2500"
    assert cash.certificate["quantities"]["surplus_value"]["value"] == "1000"
    assert cash.certificate["lines"][0]["at_risk_minor"] == 1000


def test_top_ups_that_all_agree_leave_numbers_14_and_17_in_balance(tmp_path: Path) -> None:
    top_ups(tmp_path, lambda rows: None)
    found = matched(tmp_path)
    assert (found.refused, found.exit_status) == ((), DONE)
    cash = run(control("17-surplus-and-shortfall"), DAY, tmp_path, tmp_path / "out")
    assert (cash.refused, cash.exit_status, cash.certificate["result"]) == ((), DONE, "0")


def test_number_17_is_refused_until_number_14_has_run(tmp_path: Path) -> None:
    cash = run(control("17-surplus-and-shortfall"), DAY, tmp_path, tmp_path / "out")
    assert cash.exit_status == 3
    assert all("run 14-top-ups-matched of that day first" in sentence for sentence in cash.refused)


def test_billing_cycles_are_due_on_their_days_alone() -> None:
    cycles = control("11-accounts-billed")
    assert isinstance(cycles, EquationControl)
    month = [date(2026, 11, 1) + timedelta(days=n) for n in range(30)]
    assert [day.day for day in month if cycles.schedule.covers(day)] == [1, 5, 10, 15, 20, 25]
