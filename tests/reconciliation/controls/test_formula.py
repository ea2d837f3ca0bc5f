"""Formulas: exact arithmetic, unknown values that stay unknown, and nothing but FormulaError for any text at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciliation.controls.formula import (
    DEEPEST,
    LONGEST,
    Applied,
    Formula,
    FormulaError,
    Named,
    Node,
    Number,
    Value,
    parse,
    written,
)

NAMES = ("in", "out", "is", "a_1", "lambda")
AMOUNTS = st.decimals(min_value=-(2**63), max_value=2**63, places=4, allow_nan=False)
LITERALS = st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False).map(Number)
EXACT_NODES = st.recursive(
    LITERALS | st.sampled_from(NAMES).map(Named),
    lambda nodes: (
        st.builds(
            lambda sign, a, b: Applied(sign, (a, b)), st.sampled_from(["+", "-", "*", "min", "max"]), nodes, nodes
        )
        | st.builds(lambda sign, a: Applied(sign, (a,)), st.sampled_from(["negative", "abs"]), nodes)
    ),
    max_leaves=12,
)


def fraction_of(node: Node, values: dict[str, Decimal]) -> Fraction:
    """The same arithmetic by another road."""
    if isinstance(node, Number):
        return Fraction(node.number)
    if isinstance(node, Named):
        return Fraction(values[node.name])
    parts = [fraction_of(operand, values) for operand in node.operands]
    match node.operator:
        case "+":
            return parts[0] + parts[1]
        case "-":
            return parts[0] - parts[1]
        case "*":
            return parts[0] * parts[1]
        case "/":
            return parts[0] / parts[1]
        case "negative":
            return -parts[0]
        case "abs":
            return abs(parts[0])
        case "min":
            return min(parts)
    return max(parts)


def known(values: dict[str, Decimal]) -> dict[str, Value]:
    return {name: Value(number) for name, number in values.items()}


@given(EXACT_NODES, st.fixed_dictionaries(dict.fromkeys(NAMES, AMOUNTS)))
def test_sums_and_products_are_exactly_those_of_fractions(node: Node, values: dict[str, Decimal]) -> None:
    text = written(node)
    assume(len(text) <= LONGEST)
    found = parse(text).evaluate(known(values))
    assert found.number is not None
    assert Fraction(found.number) == fraction_of(node, values)


@given(AMOUNTS, AMOUNTS.filter(bool))
def test_a_quotient_is_that_of_fractions_to_28_digits(above: Decimal, below: Decimal) -> None:
    found = parse("a / b").evaluate(known({"a": above, "b": below})).number
    assert found is not None
    exact = Fraction(above) / Fraction(below)
    assert abs(Fraction(found) - exact) <= abs(exact) * Fraction(1, 10**27)


@given(st.text(max_size=LONGEST + 5) | st.text(alphabet="ab1.+-*/(), \n'\"_\\", max_size=200))
def test_a_random_text_is_a_formula_or_a_sentence(text: str) -> None:
    try:
        formula = parse(text)
    except FormulaError:
        return
    found = formula.evaluate(known({name: Decimal(3) for name in formula.names}))
    assert (found.number is None) == bool(found.reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("-2 - -3", "1"),
        ("0.1 + 0.2", "0.3"),
        ("007", "7"),
        ("min(3, 2, 1) + max(1, 2) + abs(-4)", "7"),
        ("1 / 3", "0.3333333333333333333333333333"),
        ("2 - 1\n - 1", "0"),
        ("9223372036854775807 * 9223372036854775807", "85070591730234615847396907784232501249"),
    ],
)
def test_what_a_formula_is_worth(text: str, expected: str) -> None:
    assert parse(text).evaluate({}).number == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no formula"),
        ("a +", "is no formula"),
        ("(a", "is no formula"),
        ("a b", "is no formula"),
        ("1 2", "is no formula"),
        ("a ** b", "is no formula"),
        ("a // b", "is no formula"),
        ("+a", "only names, numbers"),
        ("a, b", "only names, numbers"),
        ("a.b", "cannot stand"),
        ("1e5", "cannot stand"),
        ("1_000", "cannot stand"),
        ("0x1f", "cannot stand"),
        ("a == b", "cannot stand"),
        ("[a]", "cannot stand"),
        ("'a'", "cannot stand"),
        ("金额", "cannot stand"),
        ("__import__(a)", "there is no function __import__"),
        ("abs", "abs is a function"),
        ("abs(a, b)", "abs takes one argument, not 2"),
        ("min(a)", "min takes 2 to 20 arguments, not 1"),
        ("abs(*a)", "only names, numbers"),
        ("(a)(b)", "there is no function a"),
        ("1" * 41, "more than 40 digits"),
        ("a+" * 600 + "a", f"longer than {LONGEST} characters"),
        ("-" * 60 + "a", f"deeper than {DEEPEST} levels"),
        ("(" * 400 + "a" + ")" * 400, "is no formula"),
    ],
)
def test_what_is_no_formula_is_said_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words.replace("(", r"\(")):
        parse(text)


def test_words_of_python_are_names_like_any_other() -> None:
    assert parse("in - out - lambda + None").names == ("in", "out", "lambda", "None")


def test_an_unknown_value_makes_the_result_unknown_with_its_reason() -> None:
    found = parse("0 * a + b").evaluate({"a": Value(None, "a is not here"), "b": Value(Decimal(1))})
    assert found == Value(None, "a is not here")


def test_a_division_by_zero_is_unknown_and_never_zero() -> None:
    found = parse("a / (b - b)").evaluate(known({"a": Decimal(0), "b": Decimal(5)}))
    assert found == Value(None, "(b - b) is 0, and nothing can be divided by it")


def test_a_name_that_nobody_measured_is_unknown() -> None:
    assert parse("a").evaluate({}) == Value(None, "a was not asked for")


def test_more_digits_than_are_computed_with_are_unknown_and_not_rounded() -> None:
    huge: Formula = parse("a + b")
    found = huge.evaluate(known({"a": Decimal("1e200000"), "b": Decimal("1")}))
    assert found.number is None
    assert "more digits" in found.reason
