"""Numbers with units, as a reader sees them: three digits, a prefix that fits, never 1e+03."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.quantity import show_quantity


@pytest.mark.parametrize(
    ("value", "unit", "kind", "shown"),
    [
        (0.934, "1", "ratio", "93.4 %"),
        (0.07, "1", "ratio", "7 %"),
        (1.0, "ratio", "gauge", "100 %"),
        (0, "By", "gauge", "0 B"),
        (1023, "By", "gauge", "1,023 B"),
        (1024, "By", "gauge", "1 KiB"),
        (1_288_490_189, "By", "gauge", "1.2 GiB"),
        (-2048, "By/s", "gauge", "-2 KiB/s"),
        (2.0**70, "By", "gauge", "1,048,576 PiB"),
        (0.035, "s", "gauge", "35 ms"),
        (0.00002, "s", "gauge", "20 µs"),
        (0.9996, "s", "gauge", "1 s"),
        (0.0009996, "s", "gauge", "1 ms"),
        (0, "s", "gauge", "0 s"),
        (119, "s", "gauge", "119 s"),
        (120, "s", "gauge", "2 min"),
        (7_200, "s", "gauge", "2 h"),
        (200_000, "s", "gauge", "2.31 d"),
        (-0.5, "s", "gauge", "-500 ms"),
        (999.6, "1", "gauge", "1,000"),
        (999.4, "1", "gauge", "999"),
        (1234.5, "", "gauge", "1,234"),
        (1_000_000, "1/s", "counter", "1,000,000 1/s"),
        (0.00001234, "1", "gauge", "1.23e-05"),
        (1e300, "1", "gauge", f"{1e300:,.0f}"),
        (None, "s", "gauge", "no value"),
        (float("nan"), "s", "gauge", "nan"),
        (float("inf"), "By", "gauge", "inf"),
    ],
)
def test_how_it_is_shown(value: float | None, unit: str, kind: str, shown: str) -> None:
    """The table of units and prefixes."""
    assert show_quantity(value, unit, kind) == shown


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=0.001, max_value=1e12), st.sampled_from(["1", "s", "By"])
)
def test_ordinary_numbers_are_never_shown_in_powers_of_ten(value: float, unit: str) -> None:
    """1e+03 is for machines."""
    assert "e+" not in show_quantity(value, unit)
