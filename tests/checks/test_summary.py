"""Titles of alerts: everything known is filled in, what cannot be is refused when the configuration is read."""

from __future__ import annotations

import pytest

from checks import summary
from core.model import Indicator, Kind
from tests.checks.series import check, series

DISK = series(labels=(("mount", "/data"),), indicator=Indicator("disk.used_ratio", "1", Kind.RATIO))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{target}: {mount} is {value} full", "host-1: /data is 97 % full"),
        ("{indicator} {check} {kind} {site} {system} {team}", "disk.used_ratio the-check host north billing storage"),
        ("{probe}", "host-1/disk"),
        ("{nosuchlabel}|", "|"),
        ("no places at all", "no places at all"),
        ("", "host-1: disk.used_ratio is 97 %"),
        ("{value} and {value}", "97 % and 97 %"),
    ],
)
def test_what_a_summary_says(template: str, expected: str) -> None:
    """Every name that is known is filled in; a label that the series lacks is nothing."""
    given = check("limit", {"above": {"warning": 1}}, annotations=(("summary", template),))
    assert summary.fill(given, DISK, 0.97) == expected


def test_no_value_is_said_in_words() -> None:
    """An alert on silence has no value, and its title says so."""
    given = check("absence", {}, annotations=(("summary", "{target} shows {value}"),))
    assert summary.fill(given, DISK, None) == "host-1 shows no value"


def test_a_label_named_like_one_of_ours_does_not_hide_ours() -> None:
    """`target` is the target, even if a series has a label of that name."""
    odd = series(labels=(("target", "somebody else"),))
    given = check("limit", {"above": {"warning": 1}}, annotations=(("summary", "{target}"),))
    assert summary.fill(given, odd, 1.0) == "host-1"


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{}", "names nothing"),
        ("{two words}", "names nothing"),
        ("{target", "stands alone"),
        ("target}", "stands alone"),
        ("{{target}}", "stands alone"),
        ("{target!r}", "names nothing"),
    ],
)
def test_a_template_that_cannot_be_filled_is_a_fault(template: str, fault: str) -> None:
    """Faults are sentences, and a good template has none."""
    assert any(fault in sentence for sentence in summary.faults(template))
    assert list(summary.faults("{target}: {value}")) == []
