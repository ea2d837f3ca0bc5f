"""Running an equation: verdict, money at risk, the same bytes again, and the chain from day to day."""

from __future__ import annotations

import fcntl
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation import certificate, outcome
from reconciliation.breaks import read_breaks
from reconciliation.controls.definition import Balance, EquationControl
from reconciliation.controls.equation import excess, run, shown
from reconciliation.reports import document
from reconciliation.verify import verify
from tests.reconciliation.controls.estates import DAY, equation, table


def pair(balanced: str = "{tolerance: 0}", more: str = "") -> EquationControl:
    return equation(
        'quantities:\n  a: {unit: fen, file: {path: "exchange/{day}/in.csv", sum: a}}\n'
        '  b: {unit: fen, file: {path: "exchange/{day}/in.csv", sum: b}}\n'
        f'formula: "a - b"\nunit: fen\nbalanced: {balanced}\n{more}'
    )


@pytest.mark.parametrize(
    ("balance", "result", "expected"),
    [
        ({"tolerance": 5}, 5, 0),
        ({"tolerance": 5}, -5, 0),
        ({"tolerance": 5}, 6, 1),
        ({"tolerance": 5}, -7, -2),
        ({"at_least": "0.9"}, "0.9", 0),
        ({"at_least": "0.9"}, "0.85", "-0.05"),
        ({"at_most": 3}, 3, 0),
        ({"at_most": 3}, 4, 1),
        ({"between": [1, 2]}, 1, 0),
        ({"between": [1, 2]}, 2, 0),
        ({"between": [1, 2]}, 0, -1),
        ({"between": [1, 2]}, 5, 3),
    ],
)
def test_how_far_a_result_is_out_of_balance(balance: dict[str, object], result: object, expected: object) -> None:
    assert excess(Balance.model_validate(balance), Decimal(str(result))) == Decimal(str(expected))


def test_out_of_balance_is_one_break_with_the_difference_at_risk(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 100, "b": 130}])
    found = run(pair(more="loser: customer\n"), DAY, tmp_path, tmp_path / "out")
    assert (found.exit_status, found.breaks, found.carried, found.rejected) == (outcome.BREAKS, 1, 0, 0)
    line = {"class": "out_of_balance", "loser": "customer", "at_risk_minor": 30, "currency": "CNY", "carried": False}
    expected = {"business_key": "2026-11-01", "kind": "equation", **line}
    assert read_breaks(tmp_path / "out") == [expected]
    assert (tmp_path / "out" / "breaks.csv").read_text() == (
        "business_key,kind,class,loser,at_risk_minor,currency,carried\n"
        "2026-11-01,equation,out_of_balance,customer,30,CNY,false\n"
    )
    stated = certificate.load(tmp_path / "out")
    assert stated == found.certificate
    assert (stated["kind"], stated["result"], stated["unit"], stated["balanced"]) == ("equation", "-30", "fen", False)
    assert stated["quantities"]["a"]["value"] == "100"
    assert stated["quantities"]["a"]["source"] == "sum of a in exchange/2026-11-01/in.csv"
    assert len(stated["quantities"]["a"]["sha256"]) == 64
    values = {sample.indicator: sample.value for sample in outcome.samples(found, 0)}
    assert values["reconciliation.at_risk"] == 30
    assert values["reconciliation.breaks_total"] == 1


def test_in_balance_is_no_break_and_says_so(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 130, "b": 130}])
    found = run(pair(), DAY, tmp_path, tmp_path / "out")
    assert (found.exit_status, found.breaks, found.certificate["balanced"]) == (outcome.DONE, 0, True)
    assert read_breaks(tmp_path / "out") == []
    values = {sample.indicator: sample.value for sample in outcome.samples(found, 0)}
    assert (values["reconciliation.refused"], values["reconciliation.breaks_total"]) == (0, 0)


@pytest.mark.parametrize(
    ("balanced", "at_risk"),
    [("{tolerance: 5}", 30), ("{at_least: -10}", 20), ("{between: [-29, 0]}", 1), ("{at_least: 0}", 30)],
)
def test_money_at_risk_is_the_difference_or_what_is_beyond_the_bound(
    balanced: str, at_risk: int, tmp_path: Path
) -> None:
    table(tmp_path, "in.csv", [{"a": 100, "b": 130}])
    found = run(pair(balanced), DAY, tmp_path, tmp_path / "out")
    assert found.certificate["lines"][0]["at_risk_minor"] == at_risk


def test_the_same_inputs_give_the_same_bytes_again(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 100, "b": 130}])
    for out in ("one", "two", "one"):
        run(pair(), DAY, tmp_path, tmp_path / out, previous_hash="f" * 64)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in ("one", "two"))
    assert first == second
    assert sorted(first) == ["breaks.csv", "breaks.parquet", "certificate.json", "rejects.csv"]


def test_each_days_certificate_is_chained_to_the_one_before(tmp_path: Path) -> None:
    chain, previous = [], None
    for days in range(3):
        day = DAY + timedelta(days=days)
        table(tmp_path, "in.csv", [{"a": days, "b": 0}], day)
        found = run(pair(), day, tmp_path, tmp_path / str(days), previous_hash=previous)
        previous = found.certificate["hash"]
        chain.append(found.certificate)
    assert certificate.verify_chain(chain) == []
    assert certificate.verify_chain([chain[0], chain[2]])


def test_a_result_is_verified_offline_and_a_change_of_it_is_found(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 100, "b": 130}])
    out = tmp_path / "runs" / "x" / DAY.isoformat()
    run(pair(), DAY, tmp_path, out)
    assert verify(out).faults == ()
    lines = (out / "breaks.csv").read_text()
    (out / "breaks.csv").write_text(lines.replace(",30,", ",3,"))
    assert verify(out).faults


def test_a_refused_run_names_every_reason_and_leaves_an_older_result_alone(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 1, "b": 1}])
    run(pair(), DAY, tmp_path, tmp_path / "out")
    before = (tmp_path / "out" / certificate.FILE).read_bytes()
    table(tmp_path, "in.csv", [{"a": "x", "b": "y"}])
    found = run(pair(), DAY, tmp_path, tmp_path / "out")
    assert found.exit_status == outcome.REFUSED
    assert [sentence[:2] for sentence in found.refused] == ["a:", "b:"]
    assert (tmp_path / "out" / certificate.FILE).read_bytes() == before


def test_a_division_by_zero_is_a_refusal_and_never_a_balance(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 1, "b": 0}])
    ratio = equation(
        'quantities:\n  a: {unit: fen, file: {path: "exchange/{day}/in.csv", sum: a}}\n'
        '  b: {unit: fen, file: {path: "exchange/{day}/in.csv", sum: b}}\n  share: {is: "a / b"}\n'
        'formula: "share"\nunit: "1"\nbalanced: {at_most: 1}\n'
    )
    found = run(ratio, DAY, tmp_path, tmp_path / "out")
    assert found.exit_status == outcome.REFUSED
    assert found.refused == ("share: b is 0, and nothing can be divided by it",)


def test_money_at_risk_beyond_64_bits_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 2**63 - 1, "b": 0}, {"a": 1, "b": 0}])
    found = run(pair(), DAY, tmp_path, tmp_path / "out")
    assert "beyond 64 bits" in found.refused[0]


def test_a_run_brings_its_reports_and_one_without_leaves_none_of_an_earlier_result(tmp_path: Path) -> None:
    """The checksums are of what stands there, and a run whose reports are not asked for has no stale ones beside it."""
    table(tmp_path, "in.csv", [{"a": 100, "b": 130}])
    found = run(pair(), DAY, tmp_path, tmp_path / "out", report=True, title="a - b")
    assert {"report.xlsx", "report.pdf", "SHA256SUMS"} <= set(found.paths)
    assert all(path.exists() for path in found.paths.values())
    verdict = verify(tmp_path / "out")
    assert verdict.sound, verdict.faults
    run(pair(), DAY, tmp_path, tmp_path / "out")
    assert not {"report.xlsx", "report.pdf", "SHA256SUMS"} & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_report_that_cannot_be_made_is_a_note_and_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise document.DocumentError("libpango is missing")

    monkeypatch.setattr(document, "write", fails)
    table(tmp_path, "in.csv", [{"a": 1, "b": 1}])
    found = run(pair(), DAY, tmp_path, tmp_path / "out", report=True)
    assert found.notes == ("report.pdf was not written: libpango is missing. report.xlsx is there",)
    assert (found.exit_status, "report.xlsx" in found.paths) == (outcome.DONE, True)
    assert verify(tmp_path / "out").sound


def test_two_runs_at_once_do_not_write_the_same_folder(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 1, "b": 1}])
    (tmp_path / "out").mkdir()
    place = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        found = run(pair(), DAY, tmp_path, tmp_path / "out")
        assert "another run is writing" in found.refused[0]
    finally:
        os.close(place)
    assert run(pair(), DAY, tmp_path, tmp_path / "out").exit_status == outcome.DONE


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    table(tmp_path, "in.csv", [{"a": 1, "b": 1}])
    left = tmp_path / "out" / ".running-left"
    left.mkdir(parents=True)
    (left / "breaks.csv").write_text("half a")
    run(pair(), DAY, tmp_path, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "breaks.csv",
        "breaks.parquet",
        "certificate.json",
        "rejects.csv",
    ]


@pytest.mark.parametrize(("number", "text"), [("1.500", "1.5"), ("-0.0", "0"), ("1E+3", "1000"), ("100", "100")])
def test_numbers_are_shown_plainly(number: str, text: str) -> None:
    assert shown(Decimal(number)) == text
