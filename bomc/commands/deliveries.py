"""`bomc alerts dead` and `bomc alerts resend`: messages that nobody took."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bomc.commands.common import HomeOption, engine_of, estate_of, fail, home_of, out
from bomc.commands.people import who


def register(app: typer.Typer) -> None:
    """Add the two commands to the group `bomc alerts`."""
    app.command("dead")(dead)
    app.command("resend")(resend)


def dead(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, for machines.")] = False,
) -> None:
    """Messages that could not be delivered: to whom, through what, why, and what became of them."""
    from rich.table import Table

    from alerts.delivery import letters
    from core.store.open import reading

    place = home_of(home)
    with reading(engine_of(place, estate_of(place))) as connection:
        rows = letters.dead(connection)
    if as_json:
        names = ("id", "receiver", "channel", "created_at", "done_at", "attempts", "last_error", "note")
        listed = [{name: getattr(row, name) for name in names} for row in rows]
        typer.echo(json.dumps(listed, ensure_ascii=False, default=str))
        return
    if not rows:
        out.print("Every message was delivered.")
        return
    table = Table("message", "receiver", "channel", "given up", "tries", "why", box=None)
    for row in rows:
        at = row.done_at.strftime("%Y-%m-%d %H:%M:%S UTC") if row.done_at else ""
        why = "; ".join(filter(None, (row.last_error, row.note)))
        table.add_row(str(row.id), row.receiver, row.channel, at, str(row.attempts), why)
    out.print(table)


def resend(message: int, home: HomeOption = None) -> None:
    """Send a dead message again: the workers of `bomc up` or `bomc run` take it at their next look."""
    from alerts.delivery import letters
    from bomc.service import clock
    from core.store.open import writing

    place = home_of(home)
    try:
        with writing(engine_of(place, estate_of(place))) as connection:
            letters.resend(connection, message, who(), clock())
    except letters.LetterError as error:
        fail(str(error))
    out.print(f"Message {message} is on its way again.")
