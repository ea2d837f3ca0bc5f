"""A story of two days of revenue assurance, told step by step with a clock of its own, that can be killed in each step.

The first day has breaks, which become an alert, a ticket and cases; people propose and approve a back-fill and sign the
run; the second day proves it. Then its files are mended, somebody asks for it to be run again, and the pipeline answers. A step
that was killed is told again from its beginning, as a restarted pipeline does.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis.backends.duckdb  # noqa: F401 - what a run loads by itself, here once for all processes that are forked
import weasyprint  # noqa: F401
import xlsxwriter  # noqa: F401
from sqlalchemy import Engine, select

import bomc.assurance.runs
from bomc.assurance.controls import Controls
from bomc.configuration.estate import load_estate
from bomc.pipeline.cycle import Cycle
from core.model import Outcome
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import break_adjustment, break_case, control_run, run_request
from reconciliation.desk import adjustments, reruns, signatures
from reconciliation.match import run as run_match
from reconciliation.standard_record import PARTIES, write
from tests.faults.killing import Killer, Point
from tests.faults.story import rules_of
from tests.reconciliation.days import Row, record

ZONE = ZoneInfo("Asia/Shanghai")
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
FIRST = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
NOTE = "killed.txt"
PREPARER, REVIEWER = "li.wei", "zhang.min"
PAY = """
name: pay
title: {en: Payments, zh: 支付}
kind: match
schedule: {at: "00:40"}
deadline: "12:30"
catch_up_days: 1
dimensions: [channel]
parties:
  billing: {path: "exchange/{day}/billing.csv", due: "00:30"}
  platform: {path: "exchange/{day}/platform.csv", due: "00:30"}
  payment: {path: "exchange/{day}/payment.csv", due: "00:30"}
"""
TOTALS = """
name: totals
title: {en: Breaks, zh: 差异}
kind: equation
schedule: {at: "00:50"}
catch_up_days: 1
quantities:
  found: {unit: "1", run: {control: pay, take: breaks}}
formula: found
unit: "1"
balanced: {tolerance: 0}
limits: {breaks: {warning: 1}}
"""
ROUTES = """
route: {receiver: nobody, group_by: [alertname, target, business_day], group_wait: 0s, ticket: {kind: fault}}
receivers: [{name: nobody}]
"""


def begin(home: Path, *, with_totals: bool = False) -> None:
    """A home with the match, with the equation over it if wanted, a store, and the files of both days, each delivered at
    midnight."""
    (home / "config" / "controls").mkdir(parents=True)
    controls = {"controls/pay": PAY, **({"controls/totals": TOTALS} if with_totals else {})}
    for name, text in (*controls.items(), ("routes", ROUTES)):
        (home / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")
    lost, booked = {"b"}, ["a", *(f"k{number}" for number in range(8))]
    for party in PARTIES:
        rows = [record(key, channel="7", business_day=DAY.isoformat(), occurred_at=noon(DAY)) for key in booked]
        if party != "billing":
            rows += [record(key, channel="9") for key in sorted(lost)]
        deliver(home, party, DAY, rows, FIRST - timedelta(hours=12))
        deliver_next(home, party, ["x", "y"] if party == "payment" else ["x"], SECOND - timedelta(hours=12))
    engine = open_store(store_of(home))
    upgrade(engine)
    engine.dispose()


def deliver(home: Path, party: str, day: date, rows: list[Row], came: datetime) -> None:
    """A party's file of a day, which came at that moment."""
    path = home / "exchange" / day.isoformat() / f"{party}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, party, day, rows)
    os.utime(path, (came.timestamp(), came.timestamp()))


def deliver_next(home: Path, party: str, keys: list[str], came: datetime) -> None:
    """A party's file of the second day; billing's has the record that it lacked on the first."""
    of_day: Row = {"business_day": NEXT.isoformat(), "occurred_at": noon(NEXT)}
    rows = [record(key, None, channel="7", **of_day) for key in keys]
    if party == "billing":
        rows.append(record("b", "b-late", channel="9", **of_day))
    deliver(home, party, NEXT, rows, came)


def noon(day: date) -> str:
    """Noon of that day in its zone."""
    return f"{day.isoformat()}T12:00:00+08:00"


def store_of(home: Path) -> str:
    """The store's URL."""
    return f"sqlite:///{home / 'bomc.db'}"


@dataclass(frozen=True, slots=True)
class Kill:
    """Where to die: at a step of the store's, as a stage of the match begins, or before a change below `runs`."""

    point: Point | None = None
    stage: str = ""
    change: int = -1


class Changes:
    """Counts what is about to be made, moved or removed below a folder, and dies before the change of that number."""

    CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")

    def __init__(self, folder: Path, die_at: int, note: Path) -> None:
        self._folder, self._die_at, self._note = str(folder), die_at, note
        self.seen = 0
        sys.addaudithook(self._hear)

    def _hear(self, name: str, arguments: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if not (writes or name in self.CHANGING) or self._folder not in str(arguments[0]):
            return
        if self.seen == self._die_at:
            self._die_at = -1
            self._note.write_text(f"{name} {arguments[0]}")
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1


def tell(home: Path, step: int, kill: Kill | None, with_reports: bool) -> tuple[int, int]:
    """Tell one step; how many steps of the store's and changes below `runs` that took. Dies at `kill`, if given."""
    kill = kill or Kill()
    estate = load_estate(home / "config")
    engine, judging = open_store(store_of(home)), open_store(store_of(home))
    killer = Killer(engine, home / NOTE)
    killer.arm(kill.point)
    changes = Changes(home / "runs", kill.change, home / NOTE)
    now, doing = STEPS[step]

    def progress(stage: str) -> None:
        if stage == kill.stage:
            (home / NOTE).write_text(stage)
            os.kill(os.getpid(), signal.SIGKILL)

    bomc.assurance.runs.run_match = functools.partial(run_match, progress=progress)  # type: ignore[attr-defined]
    cycle = Cycle(judging, rules_of(estate, leader=None))

    def submit(outcome: Outcome) -> bool:
        cycle.run([outcome], now)
        return True

    controls = Controls(engine, home, estate.controls, ZONE, lambda: now, submit, with_reports=with_reports)
    try:
        doing(controls, engine, now, home)
    finally:
        engine.dispose()
        judging.dispose()
    return killer.seen, changes.seen


def _round(controls: Controls, engine: Engine, now: datetime, home: Path) -> None:
    controls.round()


def _people(controls: Controls, engine: Engine, now: datetime, home: Path) -> None:
    """Propose and approve the back-fill, sign the run: whatever of it is not done yet."""
    with reading(engine) as connection:
        case = connection.execute(select(break_case).where(break_case.c.business_key == "b")).one()
        run = connection.execute(select(control_run).where(control_run.c.control == "pay")).one()
        signed = signatures.state(signatures.of_run(connection, run.id))
    acts: list[Callable[[Any], object]] = []
    if case.state == "open":
        acts.append(lambda c: adjustments.propose(c, case.id, PREPARER, "back_fill", "billing", 1000, "lost", now))
    if case.state in ("open", "proposed"):
        acts.append(lambda c: adjustments.approve(c, c.scalar(select(break_adjustment.c.id)), REVIEWER, "", now))
    if signed == "unsigned":
        acts.append(lambda c: signatures.prepare(c, run.id, PREPARER, "", now))
    if signed in ("unsigned", "prepared"):
        acts.append(lambda c: signatures.review(c, run.id, REVIEWER, "", now))
    for act in acts:
        with writing(engine) as connection:
            act(connection)


def _ask(controls: Controls, engine: Engine, now: datetime, home: Path) -> None:
    """Deliver what billing and platform lacked on the second day, and ask for it to be run again, unless that is done."""
    for party in ("billing", "platform"):
        deliver_next(home, party, ["x", "y"], now)
    with writing(engine) as connection:
        if connection.scalar(select(run_request.c.id)) is None:
            reruns.ask(connection, "pay", NEXT, PREPARER, "The files were mended.", now)


STEPS: tuple[tuple[datetime, Callable[[Controls, Engine, datetime, Path], None]], ...] = (
    (FIRST, _round),
    (FIRST + timedelta(minutes=1), _round),
    (FIRST + timedelta(hours=2), _people),
    (SECOND, _round),
    (SECOND + timedelta(minutes=1), _round),
    (SECOND + timedelta(hours=2), _ask),
    (SECOND + timedelta(hours=2, minutes=1), _round),
)
"""When each step is told, and what is done in it: a day's round, the next one, people's work, the next day's two, the wish to
have it run again and the round that does."""


def copy(source: Path, target: Path, die_at: int) -> None:
    """Copy a file in small parts, as a sender does, and die after so many bytes."""
    with source.open("rb") as given, target.open("wb", buffering=0) as taken:
        while part := given.read(16):
            taken.write(part)
            if taken.tell() >= die_at:
                os.kill(os.getpid(), signal.SIGKILL)
    shutil.copystat(source, target)
