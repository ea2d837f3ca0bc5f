"""What the people of the demo operator did before the visitor came: work orders, a handover, jobs, changes and silences.

All of it is made up and says so where it shows. It is done once for each store, through the same commands and with the same
history and audit as what people do by hand, in one transaction: it is whole or not there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select

from bomc.configuration.estate import Estate
from bomc.demo.desk import changes, duty, orders, quiet
from bomc.demo.pinging import WHO, fall_silent
from bomc.pipeline.catalogue import sync_targets
from core.people import audit
from core.store.open import reading, writing
from core.store.tables import audit as trail

DONE = "demo.desk"


def fill(engine: Engine, estate: Estate, now: datetime) -> bool:
    """Do it, unless it was done in this store; says whether it was."""
    done = select(trail.c.id).where(trail.c.action == DONE).limit(1)
    with reading(engine) as connection:
        if connection.scalar(done) is not None:
            return False
    with writing(engine) as connection:
        if connection.scalar(done) is not None:
            return False
        sync_targets(connection, estate.targets, now)
        fall_silent(connection, now)
        silences = quiet.make(connection, now)
        planned = changes.plan(connection, now)
        tickets = orders.open_all(connection, estate.tickets, now)
        jobs = duty.do_jobs(connection, estate, now)
        handed = duty.hand_over(connection, estate, now)
        duty.write_log(connection, estate, now, ticket=tickets[0], change=planned[-1])
        detail = {"silences": silences, "changes": planned, "tickets": tickets, "jobs": jobs, "handovers": handed}
        audit.record(connection, at=now, who=WHO, action=DONE, object="demo/desk", detail=detail)
    return True
