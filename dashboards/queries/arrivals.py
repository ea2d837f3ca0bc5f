"""Deliveries of files as the pages show them: what was expected with its state, and what came without being expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from core.store.tables import file_delivery
from dashboards.queries.rows import Row, rows

if TYPE_CHECKING:
    from reconciliation.deliveries import Expectation

WORST_FIRST = ("missing", "changed", "twice", "late", "expected", "on_time", "arrived")
"""States from the one that needs hands first; `arrived` is a file that nobody said when to expect."""
FAULTS = ("missing", "changed", "twice", "late")


def arrivals(
    connection: Connection, expectations: Sequence[Expectation], first: date, last: date, now: datetime
) -> list[Row]:
    """What became of each file of the days from `first` to `last`, the worst first.

    control, party, business_day (a date), state, reason, due_at and arrived_at (None where there is none), path, and
    versions: how many different contents or places were seen.
    """
    from reconciliation import deliveries

    wanted = [one for one in expectations if first <= one.business_day <= last]
    found = []
    for arrival in deliveries.arrivals(connection, wanted, now):
        expected = arrival.expectation
        found.append(
            {
                "control": expected.control,
                "party": expected.party,
                "business_day": expected.business_day,
                "state": arrival.state.value,
                "reason": arrival.reason,
                "due_at": expected.due_at,
                "arrived_at": arrival.arrived_at,
                "path": expected.path,
                "versions": len(arrival.deliveries),
            }
        )
    known = {(row["control"], row["party"], row["business_day"]) for row in found}
    found += [row for key, row in _came(connection, first, last).items() if key not in known]
    return sorted(
        found,
        key=lambda row: (
            WORST_FIRST.index(row["state"]),
            -row["business_day"].toordinal(),
            row["control"],
            row["party"],
        ),
    )


def _came(connection: Connection, first: date, last: date) -> Mapping[tuple[str, str, date], Row]:
    """What was delivered, by control, party and business day, whether it was expected or not."""
    statement = (
        select(file_delivery)
        .where(file_delivery.c.business_day.between(first.isoformat(), last.isoformat()))
        .order_by(file_delivery.c.arrived_at, file_delivery.c.id)
    )
    came: dict[tuple[str, str, date], list[Row]] = {}
    for row in rows(connection.execute(statement).mappings()):
        came.setdefault((row["control"], row["party"], date.fromisoformat(row["business_day"])), []).append(row)
    return {key: _delivered(key, several) for key, several in came.items()}


def _delivered(key: tuple[str, str, date], several: Sequence[Row]) -> Row:
    paths = {row["path"] for row in several}
    state = "twice" if len(paths) > 1 else "changed" if len(several) > 1 else "arrived"
    control, party, business_day = key
    return {
        "control": control,
        "party": party,
        "business_day": business_day,
        "state": state,
        "reason": "",
        "due_at": None,
        "arrived_at": several[0]["arrived_at"],
        "path": several[-1]["path"],
        "versions": len(several),
    }
