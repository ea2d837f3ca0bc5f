"""Money is exact at every size, and two currencies never mix."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import EXPONENTS, Money, decimal_text, exponent, format_minor, parse_minor, to_decimal

PARSED = {
    ("12.30", "CNY"): 1230,
    ("12.3", "CNY"): 1230,
    ("12", "CNY"): 1200,
    ("12.300", "CNY"): 1230,
    ("0.01", "CNY"): 1,
    ("-0.05", "CNY"): -5,
    ("007.10", "CNY"): 710,
    ("500", "JPY"): 500,
    ("1.234", "KWD"): 1234,
    ("92233720368547758.08", "CNY"): 2**63,
}
REFUSED = ["", "12.345", "1e3", "1,000.00", "NaN", "inf", " 1", "１２", "+1", "1.", ".5", "--1", "0x10"]


@pytest.mark.parametrize(("text", "currency"), PARSED)
def test_text_becomes_minor_units_by_the_digits_of_its_currency(text: str, currency: str) -> None:
    assert parse_minor(text, currency) == PARSED[text, currency]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_plain_amount_is_refused_and_never_rounded(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|more than the 2 digits"):
        parse_minor(text, "CNY")


def test_yen_have_no_digits_after_the_point() -> None:
    with pytest.raises(ValueError, match="0 digits"):
        parse_minor("1.5", "JPY")


def test_an_unknown_currency_is_refused_everywhere() -> None:
    for use in (exponent, lambda code: Money(1, code), lambda code: format_minor(1, code)):
        with pytest.raises(ValueError, match="ISO 4217"):
            use("RMB")


@given(st.integers(-(10**30), 10**30), st.sampled_from(sorted(EXPONENTS)))
def test_writing_and_reading_gives_the_same_amount_at_any_size(minor: int, currency: str) -> None:
    assert parse_minor(decimal_text(minor, currency), currency) == minor
    assert Fraction(to_decimal(minor, currency)) == Fraction(minor, 10 ** EXPONENTS[currency])
    shown = format_minor(minor, currency).replace(",", "").replace(f"{currency} ", "")
    assert parse_minor(shown, currency) == minor


@given(st.integers(), st.integers())
def test_sums_and_differences_are_exact(one: int, other: int) -> None:
    assert Money(one, "CNY") + Money(other, "CNY") == Money(one + other, "CNY")
    assert Money(one, "CNY") - Money(other, "CNY") == Money(one - other, "CNY")
    assert abs(-Money(one, "CNY")) == Money(abs(one), "CNY")
    assert (Money(one, "CNY") < Money(other, "CNY")) == (one < other)
    assert (Money(one, "CNY") <= Money(other, "CNY")) == (one <= other)


def test_two_currencies_are_never_combined_or_compared() -> None:
    yuan, dollars = Money(1, "CNY"), Money(1, "USD")
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(ValueError, match="cannot be combined"):
            combine(yuan, dollars)
    assert yuan != dollars


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (123450, "CNY", "zh", "¥1,234.50"),
        (-5, "CNY", "zh_Hans_CN", "-¥0.05"),
        (123450, "CNY", "en", "CNY 1,234.50"),
        (1234567, "JPY", "en", "JPY 1,234,567"),
        (1, "KWD", "zh", "KWD 0.001"),
        (0, "CNY", "zh", "¥0.00"),
    ],
)
def test_amounts_as_people_read_them(minor: int, currency: str, locale: str, shown: str) -> None:
    assert format_minor(minor, currency, locale) == shown
