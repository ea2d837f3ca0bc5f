"""What is asked of a match, as one immutable value: a day, the parties' files, the rules, and a folder for the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reconciliation.passes import Pass

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
STANDARD: Final = "standard"
"""The source that reads standard records, in whatever container the file's name tells."""


@dataclass(frozen=True, slots=True)
class PartyFile:
    """One party's file of the day: `source` names its format (`sources.STATEMENTS`), `settings` are that format's own."""

    name: str
    path: Path
    source: str = STANDARD
    settings: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One day, two or more parties in the order in which they are compared, one folder for the result.

    `rules` names the rules by which a key is classified (`rules.RULES`); `losers` says who loses by a class where the
    rules leave it open. `carried` is the folder of the previous day's result: its carried items join this run, and its
    certificate's hash is the one that this run's certificate is chained to, unless `previous_hash` says otherwise.
    `adjusted` is a Parquet file in the shape of `breaks.parquet` whose records are brought into this run, since an
    approved adjustment lets their counterpart be expected. Money is in minor units. `report` asks for the workbook, the
    printed report and the causes besides the files for machines; `dimensions` are the columns that causes look at.
    """

    business_day: date
    parties: tuple[PartyFile, ...]
    out: Path
    rules: str = "three_way"
    timezone: ZoneInfo = SHANGHAI
    cutoff: time = time(0)  # local; at which a business day ends
    cutoff_window: timedelta = timedelta(minutes=30)
    tolerance_minor: int = 0
    fee_tolerance_minor: int = 0
    time_tolerance: timedelta | None = None  # instants of one key that are farther apart differ (general rules)
    losers: Mapping[str, str] = field(default_factory=dict)
    passes: tuple[Pass, ...] = ()
    control: str = "three-way"
    control_version: str = "1"
    engine: str = "duckdb"
    previous_hash: str | None = None
    carried: Path | None = None
    adjusted: Path | None = None
    dimensions: tuple[str, ...] = ()
    report: bool = False
    language: str = "en"
    title: str = ""
    memory_limit_bytes: int = 1536 * 1024 * 1024

    @property
    def names(self) -> tuple[str, ...]:
        """The parties' names, in order."""
        return tuple(party.name for party in self.parties)
