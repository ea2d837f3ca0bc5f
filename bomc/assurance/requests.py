"""What people ask the pipeline to run: taken in its turn, and answered with the run that came of it or with a sentence."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from bomc.assurance.calendar import Control, is_over
from core.store.open import writing
from reconciliation.desk import reruns


def take(engine: Engine, now: datetime) -> Any:
    """The request whose turn it is, marked as begun, or None."""
    with writing(engine) as connection:
        return reruns.take(connection, now)


def finish(engine: Engine, asked: Any, run_id: int, now: datetime) -> None:
    """Answer a request with its run."""
    with writing(engine) as connection:
        reruns.finish(connection, asked.id, run_id, now)


def fail(engine: Engine, asked: Any, sentence: str, now: datetime) -> None:
    """Answer a request with the sentence that says why there is no run."""
    with writing(engine) as connection:
        reruns.fail(connection, asked.id, sentence, now)


def fault_of(control: Control | None, name: str, operator: ZoneInfo, day: date, now: datetime) -> str | None:
    """Why a day of a control cannot be run, and what to do; None when it can."""
    if control is None:
        return f"There is no control {name} in the configuration of the pipeline; add its file and ask again."
    if not control.schedule.covers(day):
        return f"The schedule of {name} leaves {day} out; ask for one of its business days."
    if not is_over(control, operator, day, now):
        return f"The business day {day} of {name} is not over yet; ask again when it is."
    return None


def broke_down(name: str, day: date, error: Exception) -> str:
    """What is said of a run that ended in a fault of the program or of the machine."""
    what = str(error).strip().splitlines()
    told = what[0][:200] if what else type(error).__name__
    return f"The run of {name} for {day} broke down ({told}); the log of the pipeline says more. Mend it and ask again."
