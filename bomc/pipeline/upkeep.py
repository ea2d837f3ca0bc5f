"""What the store needs from time to time: roll-ups every five minutes, forgetting what is old every hour."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.delivery import phone
from alerts.retention import forget_sent, forget_silences
from bomc.configuration.models import Retention
from core.store.open import writing
from core.store.rollups import forget, roll_up

log = logging.getLogger("bomc.upkeep")
ROLL_UP_EVERY_S = 300
FORGET_EVERY_S = 3_600


def schedule_upkeep(
    scheduler: BackgroundScheduler, engine: Engine, retention: Retention, clock: Callable[[], datetime]
) -> None:
    """Add the jobs to `scheduler`, which must have an executor named `slow`."""
    kept = {300: retention.rollup_5m, 3_600: retention.rollup_1h, 86_400: retention.rollup_1d}

    def roll() -> None:
        try:
            roll_up(engine, clock())
        except SQLAlchemyError as error:
            log.warning("Roll-ups could not be made: %s. The next round makes them up.", error)

    def clean() -> None:
        try:
            deleted = forget(engine, clock(), retention.raw, kept)
            with writing(engine) as connection:
                deleted += forget_sent(connection, clock())
                deleted += forget_silences(connection, clock())
                deleted += phone.forget(connection, clock())
            log.info("%d rows past their retention were deleted.", deleted)
        except SQLAlchemyError as error:
            log.warning("Old samples could not be deleted: %s. The next round does it.", error)

    start = clock()
    common = {"executor": "slow", "misfire_grace_time": None, "coalesce": True}
    scheduler.add_job(roll, _every(ROLL_UP_EVERY_S, start), id="roll up", **common)
    scheduler.add_job(clean, _every(FORGET_EVERY_S, start), id="forget", **common)


def _every(seconds: int, start: datetime) -> IntervalTrigger:
    return IntervalTrigger(seconds=seconds, start_date=start, timezone="UTC")
