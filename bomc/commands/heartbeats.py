"""`bomc heartbeat`: the jobs that tell the console that they ran, and their URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bomc.commands.common import HomeOption, engine_of, estate_of, fail, home_of, out
from bomc.commands.people import who

if TYPE_CHECKING:
    from pathlib import Path

heartbeat_app = typer.Typer(help="Heartbeats of jobs.", no_args_is_help=True)


@heartbeat_app.command("list")
def listed(home: HomeOption = None) -> None:
    """How each job of heartbeats.yaml stands."""
    from rich.table import Table

    from alerts.heartbeats import pings
    from bomc.service import clock
    from core.store.open import reading

    place = home_of(home)
    estate = estate_of(place)
    with reading(engine_of(place, estate)) as connection:
        states = pings.states(connection, estate.heartbeats, clock())
    if not states:
        out.print(f"There are no heartbeats in {place.config / 'heartbeats.yaml'}.", highlight=False)
        return
    table = Table("job", "state", "expected", "reason", box=None)
    for name, state in states.items():
        expected = state.expected_at.strftime("%Y-%m-%d %H:%M:%S UTC") if state.expected_at else ""
        table.add_row(name, state.status, expected, state.reason)
    out.print(table)


@heartbeat_app.command("url")
def url(name: str, home: HomeOption = None) -> None:
    """Make a job's URL and show it, once."""
    _show(home, name, again=False)


@heartbeat_app.command("renew")
def renew(name: str, home: HomeOption = None) -> None:
    """Make a new URL for a job; the earlier one is worth nothing from then on."""
    _show(home, name, again=True)


def _show(home: Path | None, name: str, *, again: bool) -> None:
    from alerts.heartbeats import pings
    from bomc.service import ServiceError, address_of, clock
    from core.store.open import writing

    place = home_of(home)
    estate = estate_of(place)
    if name not in {one.name for one in estate.heartbeats}:
        fail(f"There is no heartbeat {name!r} in {place.config / 'heartbeats.yaml'}.")
    try:
        base = address_of(estate).external_url.rstrip("/")
    except ServiceError as error:
        fail(str(error))
    with writing(engine_of(place, estate)) as connection:
        if not again and pings.has_url(connection, name):
            fail(f"The URL of {name} was shown when it was made and is not kept; `bomc heartbeat renew` makes another.")
        token = pings.renew(connection, name, who(), clock())
    out.print(f"{base}/ping/{token}", highlight=False, soft_wrap=True)
