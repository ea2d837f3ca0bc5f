"""Values in people's units: shares as percent, bytes by 1024, seconds as s or ms, money exactly from minor units."""

from __future__ import annotations

from collections.abc import Mapping

from core.money import EXPONENTS, format_minor
from dashboards.locale import Say

BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def value(measured: float | None, unit: str, kind: str, labels: Mapping[str, str], _: Say) -> str:
    """A measured value with its unit; a dash when there is none."""
    if measured is None or measured != measured:
        return "–"
    if kind == "money":
        return money(round(measured), labels.get("currency", "CNY"), _)
    if kind == "ratio":
        return _.share(measured)
    if unit == "By":
        return size(measured, _)
    if unit in ("s", "ms"):
        return seconds(measured if unit == "s" else measured / 1000, _)
    if unit == "d":
        return _("{n} days", n=_.number(measured, 1))
    if unit == "1/min":
        return _("{n} per min", n=_.number(measured, 0 if abs(measured) >= 100 else 1))
    shown = _.number(measured, 0 if abs(measured) >= 1000 or measured == int(measured) else 2)
    return shown if unit in ("1", "") else f"{shown} {unit}"


def per_second(measured: float | None, unit: str, _: Say) -> str:
    """A counter's rate."""
    if measured is None or measured != measured:
        return "–"
    if unit == "By":
        return size(measured, _) + "/s"
    return f"{_.number(measured, 2 if measured < 100 else 0)}{'' if unit in ('1', '') else ' ' + unit}/s"


def size(measured: float, _: Say) -> str:
    """Bytes with a binary prefix."""
    power = 0
    while abs(measured) >= 1024 and power < len(BYTES) - 1:
        measured /= 1024
        power += 1
    return f"{_.number(measured, 1 if power and abs(measured) < 100 else 0)} {BYTES[power]}"


def seconds(measured: float, _: Say) -> str:
    """A time: milliseconds below a second, an age above two minutes."""
    if abs(measured) < 1:
        return f"{_.number(measured * 1000, 1 if abs(measured) < 0.1 else 0)} ms"
    return _.age(measured) if abs(measured) >= 120 else f"{_.number(measured, 1)} s"


def money(minor: int, currency: str, _: Say) -> str:
    """An amount of minor units, exact to the last one; where currencies are mixed there is no sum to show."""
    if currency not in EXPONENTS:
        return _("several currencies")
    return format_minor(int(minor), currency, _.language)
