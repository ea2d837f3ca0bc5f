"""Which of several pipelines on one store leads: the one whose name stands in the lease, as long as it renews it.

The lease is a row that the leader renews in the very transaction of each cycle, so a pipeline that lost it cannot write
another batch: its transaction finds another name there, and is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, select, update

from core.store.open import writing
from core.store.tables import pulse
from core.store.upsert import upsert

LEASE = "lead"
NOBODY = ""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXPIRES_AFTER = timedelta(seconds=10)


class LeadLost(Exception):
    """Another pipeline has taken the lead; this one must stop writing."""


def take_lead(
    engine: Engine, name: str, now: datetime, ended: Callable[[str], bool] = lambda holder: False
) -> str | None:
    """Take the lead for `name` if it is free or its holder silent or `ended`; None when taken, else who has it."""
    with writing(engine) as connection:
        free = upsert(connection, pulse).values(name=LEASE, at=EPOCH, detail={"holder": NOBODY})
        connection.execute(free.on_conflict_do_nothing())  # so that there is a row to lock, even the first time
        row = connection.execute(select(pulse).where(pulse.c.name == LEASE).with_for_update()).one()
        holder = str(row.detail["holder"])
        if holder not in (name, NOBODY) and now - row.at < EXPIRES_AFTER and not ended(holder):
            return holder
        connection.execute(update(pulse).where(pulse.c.name == LEASE).values(at=now, detail={"holder": name}))
    return None


def keep_lead(connection: Connection, name: str, now: datetime) -> None:
    """Renew the lease within the caller's transaction. Raises LeadLost when another has it."""
    row = connection.execute(select(pulse.c.detail).where(pulse.c.name == LEASE).with_for_update()).one_or_none()
    holder = NOBODY if row is None else row.detail["holder"]
    if holder != name:
        raise LeadLost(f"{f'The pipeline {holder}' if holder else 'Nobody'} leads now; this one stops.")
    connection.execute(update(pulse).where(pulse.c.name == LEASE).values(at=now))


def give_up_lead(engine: Engine, name: str) -> None:
    """Let another take over at once."""
    with writing(engine) as connection:
        row = connection.execute(select(pulse).where(pulse.c.name == LEASE).with_for_update()).one_or_none()
        if row is not None and row.detail["holder"] == name:
            connection.execute(update(pulse).where(pulse.c.name == LEASE).values(detail={"holder": NOBODY}))
