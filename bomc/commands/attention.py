"""`bomc alerts acknowledge`, `shelve` and `unshelve`: what a person does with one alert from the terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bomc.commands.common import HomeOption, carry_out, fail, out
from bomc.commands.people import who

if TYPE_CHECKING:
    from sqlalchemy import Connection

NumberArgument = Annotated[int, typer.Argument(help="The alert's number, as the alerts page shows it.")]


def acknowledge(
    number: NumberArgument,
    comment: Annotated[str, typer.Option("--comment", "-c", help="What you are doing about it.")] = "",
    length: Annotated[
        str | None, typer.Option("--for", help="How long you have it, e.g. 2h; until it is resolved if not given.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Take an open alert: its repeats stop, for good or for a time."""
    from alerts import commands

    taken = None if length is None else _length(length)

    def act(connection: Connection, now: datetime) -> None:
        commands.acknowledge(connection, number, who(), comment, now, None if taken is None else now + taken)

    _do(home, act)
    out.print(f"Alert {number} is with {who()}.", highlight=False)


def shelve(
    number: NumberArgument,
    reason: Annotated[str, typer.Option("--comment", "-c", help="Why it can wait.")],
    length: Annotated[str, typer.Option("--for", help="How long, e.g. 2h; at most 7d.")],
    home: HomeOption = None,
) -> None:
    """Put one alert aside for a time; nobody is told of it until it comes back."""
    from alerts.muting import shelving

    aside = _length(length)

    def act(connection: Connection, now: datetime) -> None:
        shelving.shelve(connection, number, who(), reason, now + aside, now)

    _do(home, act)
    out.print(f"Alert {number} is shelved for {length}.", highlight=False)


def unshelve(number: NumberArgument, home: HomeOption = None) -> None:
    """Bring a shelved alert back before its time."""
    from alerts.muting import shelving

    _do(home, lambda connection, now: shelving.unshelve(connection, number, who(), now))
    out.print(f"Alert {number} is back.", highlight=False)


def _do(home: Path | None, act: Callable[[Connection, datetime], None]) -> None:
    carry_out(home, lambda connection, _estate, now: act(connection, now))


def _length(text: str) -> timedelta:
    from core.duration import parse_duration

    try:
        found = parse_duration(text)
    except ValueError as error:
        fail(f"--for: {error}.")
    if found > timedelta(days=3650):
        fail("--for: that is longer than anybody waits.")
    return found
