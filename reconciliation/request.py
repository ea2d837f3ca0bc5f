"""What is asked of a three-way reconciliation, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Request:
    """One day, three files, one folder for the result.

    `carried` is the folder of the previous day's result: its carried items join this run, and its certificate's hash is
    the one that this run's certificate is chained to, unless `previous_hash` says otherwise. Money is in minor units.
    """

    business_day: date
    billing: Path
    platform: Path
    payment: Path
    out: Path
    timezone: ZoneInfo = SHANGHAI
    cutoff_window: timedelta = timedelta(minutes=30)
    tolerance_minor: int = 0
    fee_tolerance_minor: int = 0
    control: str = "three-way"
    engine: str = "duckdb"
    previous_hash: str | None = None
    carried: Path | None = None
    memory_limit_bytes: int = 1536 * 1024 * 1024

    @property
    def files(self) -> dict[str, Path]:
        """The three files by party, in the order billing, platform, payment."""
        return {"billing": self.billing, "platform": self.platform, "payment": self.payment}
