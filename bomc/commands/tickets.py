"""`bomc ticket`: open, list, show and move tickets from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bomc.commands.common import HomeOption, carry_out, estate_of, fail, home_of, out
from bomc.commands.people import who

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from alerts.tickets.book import Book

ticket_app = typer.Typer(help="Tickets (work orders).", no_args_is_help=True)
Answer = TypeVar("Answer")
Number = Annotated[int, typer.Argument(help="The ticket's number.")]
FieldOption = Annotated[
    list[str] | None, typer.Option("--field", help="A field of its kind, NAME=VALUE; can be given several times.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
DOINGS_HELP = "approve, reject, take, accept, transfer, pause, resume, resolve, confirm, close, reopen or cancel"


@ticket_app.command("kinds")
def kinds(home: HomeOption = None) -> None:
    """Show the kinds of ticket with the fields that each needs."""
    from rich.table import Table

    book = estate_of(home_of(home)).tickets
    table = Table("kind", "names", "flow", "fields (* to open, + to resolve)")
    marks = {"opening": "*", "resolving": "+", None: ""}
    for code, entry in book.kinds.items():
        fields = ", ".join(f"{one.name}{marks[one.needed]}" for one in entry.fields)
        table.add_row(code, f"{entry.zh} / {entry.en}", entry.flow, fields)
    out.print(table)


@ticket_app.command("open")
def open_one(
    kind: Annotated[str, typer.Argument(help="The kind's code; `bomc ticket kinds` shows them.")],
    title: Annotated[str, typer.Argument(help="What it is about, in one line.")],
    home: HomeOption = None,
    priority: Annotated[str | None, typer.Option(help="high, normal or low; the kind's own if not given.")] = None,
    description: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    origin: Annotated[str, typer.Option("--from", help="Code of the party that asks.")] = "",
    department: Annotated[str, typer.Option("--to", help="Code of the party that is to do it.")] = "",
    about: Annotated[str, typer.Option(help="What it is about: alert/12, break/5, run/3, job/7 or change/2.")] = "",
    field: FieldOption = None,
) -> None:
    """Open a ticket and print its number."""
    from alerts.tickets import links
    from dashboards.ticket_opening import open_one as open_ticket

    given = _pairs(field)

    def act(connection: Connection, now: datetime, book: Book) -> int:
        return open_ticket(
            connection,
            who(),
            kind,
            title,
            now,
            book,
            links.about(about) if about.strip() else None,
            description=description,
            priority=priority,
            given=given,
            origin=origin,
            department=department,
        )

    typer.echo(_do(home, act))


@ticket_app.command("list")
def list_tickets(
    home: HomeOption = None,
    state: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    kind: Annotated[str, typer.Option(help="Only those of this kind.")] = "",
    department: Annotated[str, typer.Option(help="Only those that this party has.")] = "",
    assignee: Annotated[str, typer.Option(help="Only those of this person; none: nobody's.")] = "",
    late: Annotated[bool, typer.Option("--late", help="Only late ones.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the tickets at work, the next to be late first."""
    from rich.table import Table

    from dashboards.queries import tickets as rows

    filters = {"state": state, "kind": kind, "department": department, "assignee": assignee}
    filters["late"] = "yes" if late else ""
    found = _do(home, lambda connection, now, book: rows.tickets(connection, now, filters))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    table = Table("ticket", "kind", "priority", "state", "who", "due", "title")
    for row in found:
        due = f"{row['due_at']:%Y-%m-%d %H:%M} UTC" if row["due_at"] else ""
        has_it = row["assignee"] or row["department"] or ""
        table.add_row(str(row["id"]), row["kind"], row["priority"], row["state"], has_it, due, row["title"])
    out.print(table)


@ticket_app.command("show")
def show(number: Number, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one ticket with its files, links and history."""
    from dashboards.queries import tickets as rows

    def read(connection: Connection, now: datetime, book: Book) -> dict[str, Any] | None:
        row = rows.one(connection, number)
        if row is None:
            return None
        hanging = {"files": rows.files(connection, number), "links": rows.links(connection, number)}
        return {**row, **hanging, "history": rows.events(connection, number)}

    found = _do(home, read)
    if found is None:
        fail(f"There is no ticket {number}.")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    events, files, links = (found.pop(name) for name in ("history", "files", "links"))
    for name, value in found.items():
        if value is not None and value != {}:
            out.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
    for file in files:
        out.print(f"file: {file['name']} ({file['size_bytes']} bytes, SHA-256 {file['sha256']})", highlight=False)
    for link in links:
        relation = link["relation"].replace("_", " ") + (" (of the other)" if link["backward"] else "")
        out.print(f"link: {relation} {link['number']} {link['title'] or ''}".rstrip(), highlight=False)
    for event in reversed(events):
        out.print(f"{event['at']:%Y-%m-%d %H:%M:%S} {event['kind']} {event['who']}: {event['detail']}", highlight=False)


@ticket_app.command("assign")
def assign(number: Number, person: str, home: HomeOption = None) -> None:
    """Give a ticket to somebody."""
    _move(home, number, "assign", {"assignee": person}, None)


@ticket_app.command("do")
def do(
    number: Number,
    doing: Annotated[str, typer.Argument(help=DOINGS_HELP)],
    home: HomeOption = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    waits_on: Annotated[str, typer.Option(help="For whom a paused ticket waits.")] = "",
    department: Annotated[str, typer.Option("--to", help="Code of the party that it goes to.")] = "",
    cause: Annotated[str, typer.Option(help="Why it happened.")] = "",
    remedy: Annotated[str, typer.Option(help="What was done.")] = "",
    note: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    field: FieldOption = None,
) -> None:
    """Move a ticket along its flow."""
    said = {"reason": reason, "waits_on": waits_on, "department": department, "cause": cause, "remedy": remedy}
    _move(home, number, doing, {**said, "note": note}, _pairs(field) if field else None)


@ticket_app.command("comment")
def comment(number: Number, text: str, home: HomeOption = None) -> None:
    """Write something on a ticket."""
    from alerts.tickets import commands

    _do(home, lambda connection, now, book: commands.comment(connection, number, who(), text, now))
    out.print(f"The comment is on ticket {number}.", highlight=False)


@ticket_app.command("priority")
def priority(
    number: Number,
    priority: Annotated[str, typer.Argument(help="high, normal or low.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    home: HomeOption = None,
) -> None:
    """Give a ticket another priority; both clocks are worked out anew."""
    from alerts.tickets import commands
    from core.people.rights import ADMIN, rights_of

    def act(connection: Connection, now: datetime, book: Book) -> None:
        commands.prioritise(
            connection, number, commands.Person(who(), rights_of(ADMIN)), priority, reason, now, book=book
        )

    _do(home, act)
    out.print(f"Ticket {number} has the priority {priority}.", highlight=False)


@ticket_app.command("link")
def link(
    number: Number,
    relation: Annotated[
        str, typer.Argument(help="duplicate_of, child_of, caused_by, alert, break, run, job or change.")
    ],
    other: Annotated[int, typer.Argument(help="Number of what it is tied to.")],
    off: Annotated[bool, typer.Option("--off", help="Take the link off again.")] = False,
    home: HomeOption = None,
) -> None:
    """Tie a ticket to another one, an alert, a break, a run, a job or a change."""
    from alerts.tickets import links

    act = links.unlink if off else links.link
    _do(home, lambda connection, now, book: act(connection, number, who(), relation, other, now))
    out.print(f"The link is {'off' if off else 'on'} ticket {number}.", highlight=False)


@ticket_app.command("attach")
def attach(
    number: Number, file: Annotated[Path, typer.Argument(help="The file to be kept.")], home: HomeOption = None
) -> None:
    """Keep a file with a ticket, in the store."""
    from alerts.tickets import attachments

    try:
        with file.open("rb") as opened:
            content = opened.read(attachments.LARGEST_BYTES + 1)
    except OSError as error:
        fail(f"The file {file} cannot be read: {error.strerror or error}.")
    _do(home, lambda connection, now, book: attachments.attach(connection, number, who(), file.name, content, now))
    out.print(f"The file {file.name} is with ticket {number}.", highlight=False)


def _move(home: Path | None, number: int, doing: str, said: dict[str, str], given: dict[str, str] | None) -> None:
    from alerts.tickets import commands
    from core.people.rights import ADMIN, rights_of
    from dashboards.queries import tickets as rows

    def act(connection: Connection, now: datetime, book: Book) -> str:
        person = commands.Person(who(), rights_of(ADMIN))
        commands.do(connection, number, doing, person, now, said, given=given, book=book)
        found = rows.one(connection, number)
        return str(found["state"]) if found else ""

    state = _do(home, act)
    out.print(f"Ticket {number} is {state}.", highlight=False)


def _pairs(fields: list[str] | None) -> dict[str, str]:
    found = {}
    for text in fields or ():
        name, equals, value = text.partition("=")
        if not equals:
            fail(f"--field {text!r} is not NAME=VALUE.")
        found[name.strip()] = value
    return found


def _do(home: Path | None, act: Callable[[Connection, datetime, Book], Answer]) -> Answer:
    return carry_out(home, lambda connection, estate, now: act(connection, now, estate.tickets))
