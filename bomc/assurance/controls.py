"""Standing controls: what is due is run, what came of it is told, and what is missing is said.

A run never alerts by itself: its outcome becomes samples that checks judge like any others. Running a day again with the
same files finds the same row and adds nothing. A day is run again when a run that it rests on - that of the day before, or one
that an equation reads - has another result by now, and when somebody asks for it (`requests`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bomc.assurance import absent, records, requests, telling
from bomc.assurance.arrivals import Arrivals
from bomc.assurance.calendar import Control, day_before, deadline, due_days, expectations_of, zone_of
from bomc.assurance.runs import Runs
from bomc.assurance.tickets import desk_figures, link_tickets
from core.model import Outcome
from core.store.open import reading, writing
from reconciliation import deliveries
from reconciliation.controls.entries import EquationControl
from reconciliation.deliveries import State
from reconciliation.outcome import Outcome as RunOutcome

log = logging.getLogger("bomc.assurance")


class LeftError(Exception):
    """A run was left because bomc stops."""

    def __init__(self, control: str, day: date) -> None:
        super().__init__(
            f"The run of {control} for {day} was left, because bomc stops; the next start begins it again."
        )


class Controls:
    """Runs what is due; to be called from one thread at a time. `submit` says whether it took an outcome."""

    def __init__(
        self,
        engine: Engine,
        home: Path,
        controls: Iterable[Control],
        operator: ZoneInfo,
        clock: Callable[[], datetime],
        submit: Callable[[Outcome], bool],
        language: str = "en",
        with_reports: bool = True,
    ) -> None:
        self._engine, self._operator, self._clock, self._submit = engine, operator, clock, submit
        self._home = home
        self._controls = in_order(controls)
        self._runs = Runs(engine, home, operator, clock, language, with_reports)
        self._arrivals = Arrivals(engine, home, self._controls, operator, clock)
        self._told: dict[tuple[str, date], str] = {}
        self._stopped = Event()

    def stop(self) -> None:
        """Begin nothing more. A run that the process does not see the end of is left, and begun again at the next start."""
        self._stopped.set()

    def round(self) -> None:
        """Everything that comes up again and again: files, runs asked for, due runs, what has to be told, tickets."""
        for doing in self._doings():
            if self._stopped.is_set():
                return
            try:
                doing()
            except LeftError as left:
                log.warning("%s", left)
            except (SQLAlchemyError, OSError) as error:
                log.warning("%s could not be done: %s. It is tried again.", doing.__name__.strip("_"), error)
            except Exception:
                if self._stopped.is_set():
                    log.warning("%s was left, because bomc stops; the next start does it.", doing.__name__.strip("_"))
                else:
                    log.exception("%s broke down. It is tried again.", doing.__name__.strip("_"))

    def _doings(self) -> tuple[Callable[[], object], ...]:
        files, cases = self._look_at_files, self._tend_cases
        return files, self.answer_requests, self.catch_up, self.tell, self._tell_missing, cases

    def answer_requests(self) -> int:
        """Run every day that somebody asked for, in the order of asking; returns how many requests came to their end.

        One whose run cannot be told yet, or during which the store went away, stays open and is taken up again.
        """
        count = 0
        while not self._stopped.is_set() and (asked := requests.take(self._engine, self._clock())) is not None:
            if not self._answer(asked):
                break
            count += 1
        return count

    def _answer(self, asked: Any) -> bool:
        control = next((one for one in self._controls if one.name == asked.control), None)
        day = date.fromisoformat(asked.business_day)
        fault = requests.fault_of(control, asked.control, self._operator, day, self._clock())
        if control is None or fault is not None:
            requests.fail(self._engine, asked, str(fault), self._clock())
            return True
        try:
            self.run_day(control, day)
        except (SQLAlchemyError, LeftError):
            raise
        except Exception as error:
            log.exception("%s of %s, asked for by %s, broke down.", control.name, day, asked.asked_by)
            requests.fail(self._engine, asked, requests.broke_down(control.name, day, error), self._clock())
            return True
        row = self._latest(control, day)
        if self._told.get((control.name, day)) != row.fingerprint:
            return False
        self._follow(day)
        requests.finish(self._engine, asked, row.id, self._clock())
        return True

    def _follow(self, day: date) -> None:
        """Run again what rests, from that day on, on a run that has another result by now."""
        for control in self._controls:
            today = self._clock().astimezone(zone_of(control, self._operator)).date()
            for later in (day + timedelta(days=number) for number in range((today - day).days)):
                self._run_if(self._has_to_follow, control, later)

    def catch_up(self) -> int:
        """Run every due day that has no result yet, was refused, does not stand in its folder as its row says, or rests
        on a run (of the day before, of another control) that has another result by now; returns how many were run."""
        count = 0
        for control in self._controls:
            for day in due_days(control, self._operator, self._clock()):
                count += self._run_if(self._is_due, control, day)
        return count

    def _run_if(self, is_wanted: Callable[[Control, date], bool], control: Control, day: date) -> bool:
        """Run the day if that is wanted, and say whether it was run; what kept it from that is logged."""
        try:
            if self._stopped.is_set() or not is_wanted(control, day):
                return False
            self.run_day(control, day)
        except LeftError:
            raise
        except (SQLAlchemyError, OSError) as error:
            log.warning("%s of %s could not be run: %s. It is tried again.", control.name, day, error)
            return False
        except Exception:
            log.exception("%s of %s broke down. It is tried again.", control.name, day)
            return False
        return True

    def run_day(self, control: Control, day: date) -> RunOutcome:
        """Run one control for one day, keep what came of it, and tell it.

        Raises LeftError when bomc stops meanwhile: a process that ends grants no more threads, and its store may be closed.
        """
        try:
            found, row = self._runs.run_day(control, day)
        except Exception as error:
            if self._stopped.is_set():
                raise LeftError(control.name, day) from error
            raise
        for sentence in (*found.refused, *found.notes):
            log.warning("%s of %s: %s", control.name, day, sentence)
        self._tell(control, day, found, row)
        return found

    def tell(self) -> None:
        """Tell the latest run of each due day unless this process has told it: a kill came between a run and its
        samples, the queue was full, or another process ran the day."""
        for control in self._controls:
            for day in due_days(control, self._operator, self._clock()):
                row = self._latest(control, day)
                if row is not None and self._told.get((control.name, day)) != row.fingerprint:
                    self._tell(control, day, telling.of_row(row), row)

    def _is_due(self, control: Control, day: date) -> bool:
        row = self._latest(control, day)
        if row is None or row.certificate is None or self._runs.standing(control.name, day) != row.certificate["hash"]:
            return True  # never run, refused, or killed while its result took the place of another
        return self._rests_on_another(control, day, row)

    def _has_to_follow(self, control: Control, day: date) -> bool:
        row = self._latest(control, day)
        return row is not None and row.certificate is not None and self._rests_on_another(control, day, row)

    def _rests_on_another(self, control: Control, day: date, row: Any) -> bool:
        """Whether a run that this one rests on has another result than when this one was made."""
        for name, other in _read_runs(control):
            taken = row.certificate["quantities"].get(name, {}).get("sha256")
            if self._runs.standing(other, day) not in (None, taken):
                return True
        before = day_before(control, day)
        earlier = None if before is None else self._latest(control, before)
        if earlier is None or earlier.certificate is None:
            return False
        return bool(row.certificate["previous_hash"] not in (None, earlier.certificate["hash"]))

    def _tell(self, control: Control, day: date, found: RunOutcome, row: Any) -> None:
        with reading(self._engine) as connection:
            before = records.certificates(connection, control.name, day)
        known = bool(found.refused) and not self._tells_more(control, day, row)
        told = telling.of_run(control.name, day, found, row.finished_at, control.limits.storm, before, known)
        if self._submit(told):
            self._told[control.name, day] = row.fingerprint

    def _tells_more(self, control: Control, day: date, refused: Any) -> bool:
        """Whether the row of a refused run says more than the watch over arrivals does."""
        owed = expectations_of(control, self._operator, day)
        with reading(self._engine) as connection:
            found = deliveries.arrivals(connection, owed, refused.finished_at)
            refusals = records.refusals(connection, control.name, [day])
        return absent.tells_more(refused.reasons, absent.told_by_watch(found, refusals, self._home), self._home)

    def _tell_missing(self) -> None:
        now = self._clock()
        for control in self._controls:
            found = {}
            for day in due_days(control, self._operator, now):
                until = deadline(control, self._operator, day)
                if until is not None and now >= until:
                    found[day] = self._latest(control, day) is None
            if found:
                self._submit(telling.of_missing(control.name, found, now))

    def _look_at_files(self) -> None:
        arrivals = self._arrivals.look()
        for control in self._controls:
            mine = [each for each in arrivals if each.expectation.control == control.name]
            if mine:
                days = {each.expectation.business_day for each in mine if each.state is State.MISSING}
                if days:
                    with reading(self._engine) as connection:
                        refusals = records.refusals(connection, control.name, sorted(days))
                    mine = absent.told_by_watch(mine, refusals, self._home)
                self._submit(telling.of_arrivals(control.name, mine, self._clock()))

    def _tend_cases(self) -> None:
        now = self._clock()
        with writing(self._engine) as connection:
            link_tickets(connection, now)
        with reading(self._engine) as connection:
            figures = desk_figures(connection, now)
        for control in self._controls:
            self._submit(telling.of_desk(control.name, *figures.get(control.name, (0, 0)), now))

    def _latest(self, control: Control, day: date) -> Any:
        with reading(self._engine) as connection:
            return records.latest(connection, control.name, day)


def in_order(controls: Iterable[Control]) -> Sequence[Control]:
    """The controls, each after those whose runs it reads; names that nobody has are left to the configuration's faults."""
    by_name = {control.name: control for control in controls}
    read = {name: sorted({other for _, other in _read_runs(by_name[name])} & set(by_name)) for name in sorted(by_name)}
    return tuple(by_name[name] for name in TopologicalSorter(read).static_order())


def _read_runs(control: Control) -> list[tuple[str, str]]:
    """The quantities that are taken from the run of another control, and that control."""
    quantities = control.quantities if isinstance(control, EquationControl) else {}
    return [(name, entry.run.control) for name, entry in quantities.items() if entry.run is not None]
