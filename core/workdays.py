"""Working days and public holidays of a country, Chinese ones with their swapped working days.

China announces a year's holidays, and the Saturdays and Sundays worked for them, late in the year before; until then its days
are told by weekday and by the holidays whose dates are known, and `announced` is false.
Sources: the State Council's notices as kept by the package chinesecalendar; the package holidays for other countries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holidays import HolidayBase

CHINA: Final = "CN"
_SATURDAY: Final = 5


class WorkdaysError(ValueError):
    """There is no such country; the sentence says which are known."""


@dataclass(frozen=True)
class Workdays:
    """The working days of a country (two letters of ISO 3166-1, or none: Monday to Friday) with the operator's own
    exceptions, which win: True is a working day, False is not. Raises WorkdaysError for an unknown country."""

    country: str | None = CHINA
    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from holidays import list_supported_countries

        if self.country is not None and self.country not in list_supported_countries():
            raise WorkdaysError(
                f"{self.country!r} is no country whose holidays are known; write two letters like CN or DE"
            )

    def works(self, day: date) -> bool:
        """Whether people work on that day."""
        if day in self.exceptions:
            return self.exceptions[day]
        if self.country == CHINA and self.announced(day):
            from chinese_calendar import is_workday

            return bool(is_workday(day))
        return day.weekday() < _SATURDAY and self.holiday(day) is None

    def holiday(self, day: date) -> str | None:
        """The English name of the public holiday of that day, if it is one."""
        if self.country is None:
            return None
        if self.country == CHINA and self.announced(day):
            from chinese_calendar import get_holiday_detail, is_workday

            name = get_holiday_detail(day)[1]
            return None if is_workday(day) or name is None else str(name)
        known = self._known.get(day)
        return None if known is None else str(known)

    def announced(self, day: date) -> bool:
        """Whether the holidays of that day's year are known for certain."""
        if self.country != CHINA:
            return True
        from chinese_calendar.constants import holidays as listed

        first, last = min(listed), max(listed)
        return bool(first.year <= day.year <= last.year)

    @cached_property
    def _known(self) -> HolidayBase:
        from holidays import country_holidays

        return country_holidays(str(self.country), language="en_US" if self.country == CHINA else None)
