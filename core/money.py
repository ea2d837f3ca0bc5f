"""Exact money: integers of minor units with their currency, and Decimal only at the edges.

A float never appears here. Amounts of two currencies are never added or compared; trying to is a programmer's error.
The codes and the digits after the point are those of ISO 4217 (list one).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD
KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK
NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"

EXPONENTS: dict[str, int] = {
    code: digits
    for codes, digits in ((_TWO_DIGITS, 2), (_NO_DIGITS, 0), (_THREE_DIGITS, 3), (_FOUR_DIGITS, 4))
    for code in codes.split()
}
"""Digits after the point of each currency: 1 CNY is 10**2 fen."""

_DECIMAL_TEXT = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]+))?", re.ASCII)
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Raises ValueError when the currency is not an ISO 4217 code."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    def __add__(self, other: Self) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Self) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Self) -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: Self) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be combined; convert one of them first")
        return other.minor


def exponent(currency: str) -> int:
    """Digits after the point of a currency. Raises ValueError when it is not an ISO 4217 code."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code; write three capitals such as CNY") from None


def parse_minor(text: str, currency: str) -> int:
    """Minor units of an amount written in major units, `12.3` CNY -> 1230; nothing is ever rounded.

    Raises ValueError when the text is not a plain decimal number or has more digits than the currency (zeros aside).
    """
    digits = exponent(currency)
    found = _DECIMAL_TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an amount; write digits and a point, such as 12.30")
    part = (found["part"] or "").rstrip("0")
    if len(part) > digits:
        raise ValueError(f"{text!r} has more than the {digits} digits after the point that {currency} allows")
    minor = int(found["whole"]) * int(10**digits) + int(part.ljust(digits, "0") or "0")
    return -minor if found["sign"] else minor


def to_decimal(minor: int, currency: str) -> Decimal:
    """The amount in major units, exactly: 1230 CNY -> Decimal('12.30')."""
    digits = tuple(int(digit) for digit in str(abs(minor)))
    return Decimal((int(minor < 0), digits, -exponent(currency)))


def decimal_text(minor: int, currency: str) -> str:
    """The amount in major units as plain text with the currency's digits, `1230` CNY -> `12.30`, for files."""
    return f"{to_decimal(minor, currency):f}"


def format_minor(minor: int, currency: str, locale: str = "en") -> str:
    """The amount for a reader: thousands apart, `¥1,234.50` for zh and `CNY 1,234.50` for every other locale."""
    number = f"{to_decimal(abs(minor), currency):,f}"
    sign = "-" if minor < 0 else ""
    if locale.lower().startswith("zh") and currency in _SIGNS:
        return f"{sign}{_SIGNS[currency]}{number}"
    return f"{sign}{currency} {number}"
