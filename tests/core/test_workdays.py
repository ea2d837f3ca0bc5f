"""Working days: Chinese holidays with their swapped days, other countries, years not announced, own exceptions."""

from __future__ import annotations

from datetime import date

import pytest

from core.workdays import Workdays, WorkdaysError

CHINESE = [
    (date(2026, 10, 1), False, "National Day"),
    (date(2026, 10, 10), True, None),  # a Saturday worked for National Day
    (date(2026, 10, 11), False, None),  # a Sunday
    (date(2026, 11, 30), True, None),
    (date(2026, 2, 17), False, "Spring Festival"),
]


@pytest.mark.parametrize(("day", "works", "holiday"), CHINESE)
def test_chinese_days_are_those_announced(day: date, works: bool, holiday: str | None) -> None:
    found = Workdays("CN")
    assert found.works(day) is works
    assert found.holiday(day) == holiday
    assert found.announced(day)


def test_a_year_that_is_not_announced_has_its_fixed_holidays_and_says_so() -> None:
    found = Workdays("CN")
    new_year = date(2040, 1, 1)
    assert not found.announced(new_year)
    assert not found.works(new_year)
    assert found.works(date(2040, 1, 4))
    assert found.holiday(date(2040, 1, 4)) is None


def test_other_countries_and_none() -> None:
    assert Workdays("DE").holiday(date(2026, 12, 25)) is not None
    assert not Workdays("DE").works(date(2026, 12, 25))
    assert Workdays(None).works(date(2026, 12, 25))
    assert not Workdays(None).works(date(2026, 12, 26))


def test_own_exceptions_win() -> None:
    found = Workdays("CN", {date(2026, 10, 1): True, date(2026, 11, 30): False})
    assert found.works(date(2026, 10, 1))
    assert not found.works(date(2026, 11, 30))


def test_an_unknown_country_is_refused_in_a_sentence() -> None:
    with pytest.raises(WorkdaysError, match="'XX' is no country"):
        Workdays("XX")
