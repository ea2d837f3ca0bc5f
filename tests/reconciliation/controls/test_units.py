"""Units: what is added has one unit, * and / combine and cancel."""

from __future__ import annotations

import pytest

from reconciliation.controls.formula import parse
from reconciliation.controls.units import UnitError, parse_unit, show_unit, unit_of

UNITS = {
    "money": parse_unit("fen"),
    "calls": parse_unit("1"),
    "length": parse_unit("min"),
    "share": parse_unit("ratio"),
}


@pytest.mark.parametrize(
    ("formula", "unit"),
    [
        ("money / length", "fen/min"),
        ("money / length * length", "fen"),
        ("money / money", "1"),
        ("calls + share + 3", "1"),
        ("max(0, money - money)", "fen"),
        ("-abs(length)", "min"),
        ("money * length", "fen.min"),
        ("1 / length", "1/min"),
    ],
)
def test_the_unit_of_a_formula(formula: str, unit: str) -> None:
    found = unit_of(parse(formula), UNITS)
    assert found is not None
    assert show_unit(found) == unit
    assert parse_unit(unit) == found


@pytest.mark.parametrize("formula", ["money + length", "money + 1", "min(money, calls)", "money - money * money"])
def test_what_has_two_units_does_not_add_up(formula: str) -> None:
    with pytest.raises(UnitError, match="unbalanced"):
        unit_of(parse(formula), UNITS)


@pytest.mark.parametrize("text", ["", "fen/", "2", "a b", "/s", "fen*s", "fen-s"])
def test_what_is_no_unit_is_said(text: str) -> None:
    with pytest.raises(UnitError, match="is no unit"):
        parse_unit(text)
