"""`bomc change`: plan changes and releases from a terminal or a pipeline of releases, and say how they went."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bomc.commands.common import HomeOption, carry_out, engine_of, estate_of, home_of, out
from bomc.commands.people import who

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bomc.configuration.estate import Estate

change_app = typer.Typer(help="Planned changes and releases.", no_args_is_help=True)
Answer = TypeVar("Answer")
Number = Annotated[int, typer.Argument(help="The number of the change.", min=1)]


@change_app.command("plan")
def plan(
    title: Annotated[str, typer.Argument(help="What is changed.")],
    requirement: Annotated[str, typer.Option(help="Number of the requirement that it comes from.")],
    target: Annotated[list[str], typer.Option(help="A target; may be given several times.")],
    start: Annotated[
        str, typer.Option("--from", help="2026-11-30 22:00, in the operator's time zone, or with an offset.")
    ],
    end: Annotated[str, typer.Option("--until", help="As --from.")],
    back_out: Annotated[str, typer.Option(help="How it is taken back.")],
    contact: Annotated[str, typer.Option(help="Whom to call.")],
    kind: Annotated[str, typer.Option(help="change or release.")] = "change",
    risk: Annotated[str, typer.Option(help="low, medium or high.")] = "medium",
    home: HomeOption = None,
) -> None:
    """Plan a change; somebody else approves it in the console."""
    from zoneinfo import ZoneInfo

    from alerts.changes import commands

    def act(connection: Connection, estate: Estate, now: datetime) -> tuple[int, list[int]]:
        zone = ZoneInfo(estate.settings.operator.timezone)
        times = commands.local(start, zone), commands.local(end, zone)
        wanted = commands.Plan(requirement, title, target, *times, back_out, contact, kind, risk, zone.key)
        overlaps = [row.id for row in commands.overlaps(connection, wanted)]
        return commands.plan(connection, wanted, who(), now), overlaps

    number, overlaps = carry_out(home, act)
    out.print(f"Change {number} is planned; another person approves it.", highlight=False)
    for other in overlaps:
        out.print(f"It overlaps with change {other} on the same target.", style="yellow", highlight=False)


@change_app.command("begin")
def begin(number: Number, home: HomeOption = None) -> None:
    """Say that an approved change begins."""
    from alerts.changes import commands

    carry_out(home, lambda connection, _estate, now: commands.begin(connection, number, who(), now))
    out.print(f"Change {number} is under way; alerts on its targets are marked.", highlight=False)


@change_app.command("end")
def end(
    number: Number,
    result: Annotated[str, typer.Option(help="done, backed_out or failed.")],
    text: Annotated[str, typer.Option(help="How it went, in words.")],
    home: HomeOption = None,
) -> None:
    """Say how a change that is under way ended."""
    from alerts.changes import commands

    carry_out(home, lambda connection, _estate, now: commands.end(connection, number, who(), result, text, now))
    out.print(f"Change {number} is {result}.", highlight=False)


@change_app.command("cancel")
def cancel(
    number: Number, reason: Annotated[str, typer.Option(help="Why it is given up.")], home: HomeOption = None
) -> None:
    """Give up a change that has not begun."""
    from alerts.changes import commands

    carry_out(home, lambda connection, _estate, now: commands.cancel(connection, number, who(), reason, now))
    out.print(f"Change {number} is cancelled.", highlight=False)


@change_app.command("list")
def show(home: HomeOption = None) -> None:
    """Show the changes of the last and the next month, and those that are over without a result."""
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    from rich.table import Table

    from bomc.service import clock
    from core.store.open import reading
    from dashboards.queries.changes import changes

    place = home_of(home)
    estate = estate_of(place)
    now, month, zone = clock(), timedelta(days=31), ZoneInfo(estate.settings.operator.timezone)
    with reading(engine_of(place, estate)) as connection:
        found = changes(connection, now - month, now + month, {})
    table = Table("number", "state", "from", "until", "requirement", "title", "targets")
    for row in found:
        times = (f"{row[name].astimezone(zone):%Y-%m-%d %H:%M}" for name in ("starts_at", "ends_at"))
        table.add_row(str(row["id"]), row["state"], *times, row["requirement"], row["title"], ", ".join(row["targets"]))
    out.print(table)
