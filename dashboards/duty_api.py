"""The JSON API of the change calendar and the duty desk, and what people take away from their pages.

Instants are ISO 8601 with an offset; errors are `{"error": sentence}`. A machine's token acts under its own name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alerts.changes import commands
from alerts.changes.commands import ChangeError, Plan
from alerts.duty import jobs as job_commands
from core.store.open import reading, writing
from dashboards.answers import refusal
from dashboards.api import PREFIX, Number, needs
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.downloads import added_file, as_csv
from dashboards.duty_export import exported as duty_log_rows
from dashboards.pages.changes import span
from dashboards.queries import changes
from dashboards.queries import duty as duty_rows

ATTACHMENT: Final = "application/octet-stream"


class PlannedChange(BaseModel):
    """A change or release to be planned."""

    requirement: str = Field(max_length=60, description="Number of the requirement that it comes from.")
    title: str = Field(max_length=200)
    targets: list[str] = Field(max_length=commands.MOST_TARGETS, description="Names of targets.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    back_out: str = Field(max_length=4000, description="How it is taken back.")
    contact: str = Field(max_length=200)
    kind: Literal["change", "release"] = "change"
    risk: Literal["low", "medium", "high"] = "medium"


class Ending(BaseModel):
    """How a change ended."""

    result: Literal["done", "backed_out", "failed"]
    text: str = Field(min_length=1, max_length=4000)


class Reason(BaseModel):
    """Why."""

    reason: str = Field(min_length=1, max_length=1000)


def register(app: FastAPI, console: Console) -> None:
    """Add the routes, each with the right that it needs."""
    _add_reads(app, console)
    _add_changes(app, console)
    _add_downloads(app, console)


def _add_reads(app: FastAPI, console: Console) -> None:
    @app.get(f"{PREFIX}/changes", dependencies=needs("see.duty"))
    def get_changes(state: str = "", target: str = "", limit: Number = 200) -> dict[str, Any]:
        """Changes of the last and the next month, and those that are over without a result, by the begin of their windows."""
        first, last = span({"span": "31d"}, console.clock())
        with reading(console.engine) as connection:
            found = changes.changes(connection, first, last, {"state": state, "target": target})
        return {"changes": found[:limit], "total": len(found)}

    @app.get(f"{PREFIX}/changes/{{change_id}}", dependencies=needs("see.duty"))
    def get_change(change_id: int) -> dict[str, Any]:
        """One change with its history."""
        with reading(console.engine) as connection:
            row = changes.one(connection, change_id) if 0 < change_id < 2**63 else None
            if row is None:
                raise HTTPException(404, f"There is no change {change_id}.")
            return {"change": row, "events": changes.events(connection, change_id)}

    @app.get(f"{PREFIX}/duty", dependencies=needs("see.duty"))
    def get_duty() -> dict[str, Any]:
        """Who is on duty now, by desk."""
        now = console.clock()
        found: dict[str, Any] = {}
        with reading(console.engine) as connection:
            for desk in console.duty.desks:
                here = next((shift for shift in duty_rows.on_duty(connection, desk, now) if shift.start <= now), None)
                found[desk.name] = here and {
                    "shift": here.key,
                    "start": here.start,
                    "end": here.end,
                    "people": list(here.people),
                }
        return {"desks": found}


def _add_changes(app: FastAPI, console: Console) -> None:
    @app.post(f"{PREFIX}/changes", dependencies=needs("changes.plan"), status_code=201)
    def plan(said: PlannedChange) -> dict[str, Any]:
        """Plan a change; `overlaps` are the other changes on its targets at that time."""
        wanted = Plan(**said.model_dump(), timezone=console.timezone.key)
        with writing(console.engine) as connection:
            try:
                overlaps = [row.id for row in commands.overlaps(connection, wanted)]
                number = commands.plan(connection, wanted, current_viewer().name, console.clock())
            except ChangeError as refused:
                raise HTTPException(409, str(refused)) from refused
            return {"change": changes.one(connection, number), "overlaps": overlaps}

    @app.post(f"{PREFIX}/changes/{{change_id}}/approve", dependencies=needs("changes.approve"))
    def approve(change_id: int) -> dict[str, Any]:
        """Approve a change that somebody else planned."""
        return _change(console, change_id, commands.approve)

    @app.post(f"{PREFIX}/changes/{{change_id}}/begin", dependencies=needs("changes.plan"))
    def begin(change_id: int) -> dict[str, Any]:
        """Say that an approved change begins."""
        return _change(console, change_id, commands.begin)

    @app.post(f"{PREFIX}/changes/{{change_id}}/end", dependencies=needs("changes.plan"))
    def end(change_id: int, said: Ending) -> dict[str, Any]:
        """Say how a change that is under way ended."""

        def act(connection: Connection, number: int, who: str, now: datetime) -> None:
            commands.end(connection, number, who, said.result, said.text, now)

        return _change(console, change_id, act)

    @app.post(f"{PREFIX}/changes/{{change_id}}/cancel", dependencies=needs("changes.plan"))
    def cancel(change_id: int, said: Reason) -> dict[str, Any]:
        """Give up a change that has not begun."""

        def act(connection: Connection, number: int, who: str, now: datetime) -> None:
            commands.cancel(connection, number, who, said.reason, now)

        return _change(console, change_id, act)


def _change(console: Console, number: int, act: Callable[[Connection, int, str, datetime], None]) -> dict[str, Any]:
    """Act on a change and return it as it is then. Raises HTTPException 404 or 409 with a sentence."""
    with writing(console.engine) as connection:
        if not 0 < number < 2**63 or changes.one(connection, number) is None:
            raise HTTPException(404, f"There is no change {number}.")
        try:
            act(connection, number, current_viewer().name, console.clock())
        except ChangeError as refused:
            raise HTTPException(409, str(refused)) from refused
        return {"change": changes.one(connection, number)}


def _add_downloads(app: FastAPI, console: Console) -> None:
    @app.get("/exports/evidence/{number}", dependencies=needs("see.duty"), include_in_schema=False)
    def evidence(number: str) -> Response:
        """A file that was attached to a job, to be saved, never shown by the browser itself."""
        wanted = whole(number)
        with reading(console.engine) as connection:
            row = None if wanted is None else job_commands.evidence(connection, wanted)
        if row is None:
            return refusal(404, f"There is no evidence {number[:16]}.")
        return added_file(row.name, row.content, ATTACHMENT)

    @app.get("/exports/duty/log.csv", dependencies=needs("see.duty"), include_in_schema=False)
    def duty_log(request: Request) -> Response:
        """The duty log with these filters, as CSV."""
        text = as_csv(duty_log_rows(console, parse(request.url.query), speaking(console)))
        named = {"content-disposition": 'attachment; filename="duty-log.csv"'}
        return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=named)
