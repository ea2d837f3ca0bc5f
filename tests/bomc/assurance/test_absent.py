"""A file that is not there, or is damaged, is one alert: of the watch over arrivals, or of the run that refused the day."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from bomc.assurance.controls import Controls
from core.model import Outcome
from reconciliation.controls.entries import MatchControl
from reconciliation.standard_record import write
from tests.reconciliation.days import record

DAY = date(2026, 11, 1)
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
PARTIES = ("billing", "platform", "payment")
REFUSED, MISSING = ("refused", ""), ("arrival.missing", "payment")


def path_of(home: Path, party: str) -> Path:
    return home / "exchange" / f"{DAY}" / f"{party}.csv"


def deliver(home: Path, *parties: str) -> None:
    for party in parties:
        path_of(home, party).parent.mkdir(parents=True, exist_ok=True)
        write(
            path_of(home, party), party, DAY, [record("a", business_day=f"{DAY}", occurred_at=f"{DAY}T12:00:00+00:00")]
        )


def cut(home: Path, party: str) -> None:
    path = path_of(home, party)
    path.write_bytes(path.read_bytes()[:-20])


def absent(home: Path) -> None:
    deliver(home, "billing", "platform")


def damaged(home: Path) -> None:
    deliver(home, *PARTIES)
    cut(home, "payment")


@dataclass
class World:
    """A control whose files are due at 01:00, run at a time of its own, in a pipeline that comes by every ten minutes."""

    store: Engine
    home: Path
    at: str
    due: str | None = "01:00"
    now: datetime = MIDNIGHT
    said: dict[tuple[str, str], float] = field(default_factory=dict)
    ever: set[tuple[str, str]] = field(default_factory=set)
    pipeline: Controls | None = None

    def start(self) -> None:
        """A new process over the same store."""
        entry = {"due": self.due} if self.due else {}
        control = MatchControl.model_validate(
            {
                "name": "pay",
                "title": {"en": "Payments", "zh": "支付"},
                "kind": "match",
                "schedule": {"at": self.at},
                "catch_up_days": 1,
                "parties": {party: {"path": f"exchange/{{day}}/{party}.csv", **entry} for party in PARTIES},
            }
        )
        clock: Callable[[], datetime] = lambda: self.now  # noqa: E731
        self.pipeline = Controls(
            self.store, self.home, [control], ZoneInfo("UTC"), clock, self._take, with_reports=False
        )

    def _take(self, outcome: Outcome) -> bool:
        for sample in outcome.samples:
            name = sample.indicator.removeprefix("reconciliation.")
            if name in ("refused", "arrival.missing"):
                key = name, dict(sample.labels).get("party", "")
                self.said[key] = sample.value
                if sample.value:
                    self.ever.add(key)
        return True

    def until(self, minutes: int, restart: bool = False) -> None:
        end = MIDNIGHT + timedelta(minutes=minutes)
        while self.now <= end:
            if self.pipeline is None or restart:
                self.start()
            assert self.pipeline is not None
            self.pipeline.round()
            self.now += timedelta(minutes=10)

    def faults(self) -> set[tuple[str, str]]:
        return {key for key, value in self.said.items() if value}


@pytest.mark.parametrize("restart", [False, True], ids=["one process", "a new process each time"])
@pytest.mark.parametrize("fault", [absent, damaged], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize(
    ("at", "due", "expected"),
    [
        ("00:30", "01:00", REFUSED),
        ("01:00", "01:00", REFUSED),
        ("01:30", "01:00", MISSING),
        ("00:30", None, REFUSED),
    ],
    ids=["run before it is due", "run when it is due", "run after it was due", "never due"],
)
def test_one_file_is_one_alert(
    store: Engine,
    tmp_path: Path,
    at: str,
    due: str | None,
    expected: tuple[str, str],
    fault: Callable[[Path], None],
    restart: bool,
) -> None:
    """Only one of the two is ever told; both are over when the file is there."""
    fault(tmp_path)
    world = World(store, tmp_path, at, due)
    world.until(120, restart)
    assert world.ever == world.faults() == {expected}
    deliver(tmp_path, "payment")
    came = (world.now - timedelta(minutes=1)).timestamp()
    os.utime(path_of(tmp_path, "payment"), (came, came))
    world.until(150, restart)
    assert world.faults() == set()
    assert world.ever == {expected}


def test_a_refusal_that_says_more_is_told_beside(store: Engine, tmp_path: Path) -> None:
    """Payment was missing when it was due; platform came as another party's, which only the run sees."""
    deliver(tmp_path, "billing", "platform")
    write(path_of(tmp_path, "platform"), "billing", DAY, [record("a", business_day=f"{DAY}")])
    world = World(store, tmp_path, "01:30")
    world.until(120)
    assert world.faults() == {REFUSED, MISSING}
