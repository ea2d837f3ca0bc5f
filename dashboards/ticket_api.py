"""The part of the JSON API that is about tickets: open, read, move, comment on, tie and attach; and what people take away.

Opening and moving follow the kinds of the operator's book. A body never says who does it: that is the token or session.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alerts.tickets import attachments, commands, links
from alerts.tickets.commands import Person, TicketError
from core.people.rights import rights_of
from core.store.open import reading, writing
from dashboards.answers import refusal
from dashboards.api import PREFIX, needs
from dashboards.components.filters import parse
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.downloads import added_file, as_csv
from dashboards.pages import ticket_figures
from dashboards.queries import ticket_figures as figure_rows
from dashboards.queries import tickets as rows
from dashboards.ticket_opening import open_one

_MOST_BASE64 = attachments.LARGEST_BYTES * 4 // 3 + 8
_LARGEST_NUMBER = 2**63 - 1


class Said(BaseModel):
    """A body that refuses names it does not know."""

    model_config = ConfigDict(extra="forbid")


class Opening(Said):
    """A ticket to be opened."""

    kind: str = Field(max_length=60)
    title: str = Field(min_length=1, max_length=300)
    description: str = Field(default="", max_length=20_000)
    priority: str | None = Field(default=None, max_length=20)
    origin: str = Field(default="", max_length=60)
    department: str = Field(default="", max_length=60)
    fields: dict[str, str] = Field(default={})
    alert: int | None = Field(default=None, ge=1, le=_LARGEST_NUMBER, description="The same as about: alert/NUMBER")
    about: str = Field(
        default="", max_length=60, description="What it is about: alert/12, break/5, run/3, job/7, change/2"
    )


class Doing(Said):
    """One move of a ticket, with what has to be said."""

    doing: str = Field(max_length=20)
    said: dict[str, str] = Field(default={}, description="assignee, department, reason, waits_on, cause, remedy, note")
    fields: dict[str, str] | None = Field(default=None, description="Fields of its kind, when it is resolved")


class Priority(Said):
    """Another priority, and why."""

    priority: str = Field(max_length=20)
    reason: str = Field(min_length=1, max_length=1000)


class Comment(Said):
    """What somebody writes on a ticket."""

    text: str = Field(min_length=1, max_length=4000)


class Link(Said):
    """What a ticket is tied to."""

    relation: str = Field(max_length=20)
    number: int = Field(ge=1, le=_LARGEST_NUMBER)


class File(Said):
    """A file to be kept with a ticket."""

    name: str = Field(min_length=1, max_length=255)
    content_base64: str = Field(min_length=1, max_length=_MOST_BASE64)


def register(app: FastAPI, console: Console) -> None:
    """Add the routes, each with the right that it needs."""
    _add_reads(app, console)
    _add_changes(app, console)
    _add_takings(app, console)


def me() -> Person:
    """The current viewer, with their rights, as tickets know people."""
    viewer = current_viewer()
    return Person(viewer.name, rights_of(viewer.role))


def _add_reads(app: FastAPI, console: Console) -> None:
    @app.get(f"{PREFIX}/tickets/figures", dependencies=needs("see.tickets"))
    def get_figures(kind: str = "", department: str = "", priority: str = "") -> dict[str, Any]:
        """Mean handling time and shares in time of the last six months, by month, kind and department."""
        filters = {"kind": kind, "department": department, "priority": priority}
        with reading(console.engine) as connection:
            return {"figures": figure_rows.figures(connection, console.clock(), console.timezone, filters)}

    @app.get(f"{PREFIX}/tickets/{{ticket_id}}", dependencies=needs("see.tickets"))
    def get_ticket(ticket_id: int) -> dict[str, Any]:
        """One ticket with its history, files and links, and what its reader may do with it now."""
        with reading(console.engine) as connection:
            return _whole(connection, console, ticket_id)


def _add_changes(app: FastAPI, console: Console) -> None:
    def change(ticket_id: int, act: Callable[[Connection], object]) -> dict[str, Any]:
        with writing(console.engine) as connection:
            _require(connection, ticket_id)
            try:
                act(connection)
            except TicketError as refused:
                raise HTTPException(409, str(refused)) from refused
            return _whole(connection, console, ticket_id)

    @app.post(f"{PREFIX}/tickets", dependencies=needs("tickets.work"), status_code=201)
    def open_ticket(said: Opening) -> dict[str, Any]:
        """Open a ticket."""
        with writing(console.engine) as connection:
            try:
                number = open_one(
                    connection,
                    current_viewer().name,
                    said.kind,
                    said.title,
                    console.clock(),
                    console.tickets,
                    _about(said),
                    description=said.description,
                    priority=said.priority,
                    given=said.fields,
                    origin=said.origin,
                    department=said.department,
                )
            except TicketError as refused:
                raise HTTPException(422, str(refused)) from refused
            return _whole(connection, console, number)

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/do", dependencies=needs("tickets.work"))
    def do(ticket_id: int, said: Doing) -> dict[str, Any]:
        """Move a ticket along the flow of its kind."""

        def act(connection: Connection) -> None:
            now, book = console.clock(), console.tickets
            commands.do(connection, ticket_id, said.doing, me(), now, said.said, given=said.fields, book=book)

        return change(ticket_id, act)

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/comments", dependencies=needs("tickets.work"))
    def comment(ticket_id: int, said: Comment) -> dict[str, Any]:
        """Write something on a ticket."""
        return change(ticket_id, lambda c: commands.comment(c, ticket_id, me().name, said.text, console.clock()))

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/links", dependencies=needs("tickets.work"))
    def link(ticket_id: int, said: Link) -> dict[str, Any]:
        """Tie a ticket to another one, an alert, a break or a run."""
        return change(
            ticket_id, lambda c: links.link(c, ticket_id, me().name, said.relation, said.number, console.clock())
        )

    @app.delete(f"{PREFIX}/tickets/{{ticket_id}}/links/{{relation}}/{{number}}", dependencies=needs("tickets.work"))
    def unlink(ticket_id: int, relation: str, number: int) -> dict[str, Any]:
        """Take a link off a ticket again."""
        known = number if 0 < number <= _LARGEST_NUMBER else 0
        return change(ticket_id, lambda c: links.unlink(c, ticket_id, me().name, relation, known, console.clock()))

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/priority", dependencies=needs("tickets.work"))
    def prioritise(ticket_id: int, said: Priority) -> dict[str, Any]:
        """Give a ticket another priority; both clocks are worked out anew."""

        def act(connection: Connection) -> None:
            now, book = console.clock(), console.tickets
            commands.prioritise(connection, ticket_id, me(), said.priority, said.reason, now, book=book)

        return change(ticket_id, act)

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/files", dependencies=needs("tickets.work"))
    def attach(ticket_id: int, said: File) -> dict[str, Any]:
        """Keep a file with a ticket."""
        try:
            content = base64.b64decode(said.content_base64, validate=True)
        except binascii.Error as error:
            raise HTTPException(422, f"content_base64 is not Base64: {error}.") from error
        return change(
            ticket_id, lambda c: attachments.attach(c, ticket_id, me().name, said.name, content, console.clock())
        )


def _add_takings(app: FastAPI, console: Console) -> None:
    @app.get("/exports/tickets/{ticket_id}/{file_id}", dependencies=needs("see.tickets"), include_in_schema=False)
    def file_of_ticket(ticket_id: int, file_id: int) -> Response:
        """One file of a ticket, to be saved."""
        known = 0 < ticket_id <= _LARGEST_NUMBER and 0 < file_id <= _LARGEST_NUMBER
        with reading(console.engine) as connection:
            row = attachments.fetch(connection, ticket_id, file_id) if known else None
        if row is None:
            return refusal(404, "That ticket has no such file.")
        return added_file(row.name, row.content, row.media_type)

    @app.get("/exports/tickets.csv", dependencies=needs("see.tickets"), include_in_schema=False)
    def export(request: Request) -> Response:
        """The figures as the page shows them with these filters, as CSV."""
        text = as_csv(ticket_figures.exported(console, parse(request.url.query), speaking(console)))
        named = {"content-disposition": 'attachment; filename="tickets.csv"'}
        return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=named)


def _about(said: Opening) -> tuple[str, int] | None:
    """What a ticket is to be about. Raises TicketError for what is nothing that one can be about."""
    if said.about.strip():
        return links.about(said.about)
    return None if said.alert is None else ("alert", said.alert)


def _require(connection: Connection, ticket_id: int) -> dict[str, Any]:
    row = rows.one(connection, ticket_id) if 0 < ticket_id <= _LARGEST_NUMBER else None
    if row is None:
        raise HTTPException(404, f"There is no ticket {ticket_id}.")
    return row


def _whole(connection: Connection, console: Console, ticket_id: int) -> dict[str, Any]:
    row = _require(connection, ticket_id)
    return {
        "ticket": row,
        "history": rows.events(connection, ticket_id),
        "files": rows.files(connection, ticket_id),
        "links": rows.links(connection, ticket_id),
        "doings": commands.doings(connection, ticket_id, me(), console.tickets),
    }
