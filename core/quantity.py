"""How a measured number is shown with its unit: `93 %`, `1.2 GiB`, `35 ms`. Exact for counts; never used for money."""

from __future__ import annotations

import math

BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def show_quantity(value: float | None, unit: str, kind: str = "gauge") -> str:
    """`value` in words for a reader: three significant digits, a prefix that fits. None is `no value`."""
    if value is None:
        return "no value"
    if not math.isfinite(value):
        return str(value)
    if kind == "ratio" or unit == "ratio":
        return f"{_digits(value * 100)} %"
    if unit in ("By", "By/s"):
        return _bytes(value) + ("/s" if unit == "By/s" else "")
    if unit == "s":
        return _seconds(value)
    return _digits(value) + ("" if unit in ("", "1") else f" {unit}")


def _digits(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 999.5:  # what three digits would round to 1e+03
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _bytes(value: float) -> str:
    power = 0
    while abs(value) >= 1024 and power < len(BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{_digits(value)} {BINARY[power]}"


def _seconds(value: float) -> str:
    size = abs(value)
    if size and size < 999.5e-6:
        return f"{_digits(value * 1e6)} µs"
    if size and size < 999.5e-3:
        return f"{_digits(value * 1e3)} ms"
    for length, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if size >= 2 * length:
            return f"{_digits(value / length)} {name}"
    return f"{_digits(value)} s"
