"""The JSON API for machines, version 1; every route names the right it needs, or the console does not start.

A machine sends `Authorization: Bearer TOKEN`; a logged-in person's browser may use it too, with the CSRF header for
changes. Errors are `{"error": sentence}`. Instants are ISO 8601 in UTC, money is in minor units with its currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerts import commands as alert_commands
from alerts.commands import AlertError
from alerts.tickets import commands as ticket_commands
from alerts.tickets.commands import TicketError
from core.people.rights import rights_of
from core.store.open import StoreError, reading, schema_fault, writing
from dashboards import metrics
from dashboards.answers import refusal
from dashboards.context import Console, current_viewer
from dashboards.queries import alerts as alert_rows
from dashboards.queries import reconciliation as reconciliation_rows
from dashboards.queries import targets as target_rows
from dashboards.queries import tickets as ticket_rows
from dashboards.queries.status import status

PREFIX = "/api/v1"
GUARDED = ("/api/", "/reconciliation/", "/exports/", "/-/reload")
"""Routes below these are answered to those who have the right that each of them names."""
DESCRIBED = (f"{PREFIX}/", "/metrics", "/reconciliation/", "/exports/")
"""What this API's own description is about; API v2 has its own (`dashboards/alertmanager`)."""
Number = Annotated[int, Query(ge=1, le=1000)]


class Acknowledgement(BaseModel):
    """What is said with an acknowledgement."""

    comment: str = Field(default="", max_length=2000)


class Assignment(BaseModel):
    """Who is to work on a ticket."""

    assignee: str = Field(min_length=1, max_length=64)


class Resolution(BaseModel):
    """Why it happened, and what was done."""

    cause: str = Field(min_length=1, max_length=4000)
    remedy: str = Field(min_length=1, max_length=4000)


class Needs:
    """A route's dependency: refuses viewers that lack the right. `right` is read by the check at start."""

    def __init__(self, right: str) -> None:
        self.right = right

    async def __call__(self) -> None:
        """Raises HTTPException 403 with a sentence."""
        viewer = current_viewer()
        if not viewer.may(self.right):
            raise HTTPException(403, f"The role {viewer.role} does not include the right {self.right}.")


def needs(right: str) -> list[Any]:
    """`dependencies=needs("see.alerts")`: what every route of the API must have."""
    return [Depends(Needs(right))]


def routes(app: FastAPI) -> Iterator[APIRoute]:
    """The routes that must name a right: the API's, the metrics, and what people take away."""
    for route in app.routes:
        if isinstance(route, APIRoute) and (route.path.startswith(GUARDED) or route.path == "/metrics"):
            yield route


def right_of(route: APIRoute) -> str | None:
    """The right that a route names; None when it names none."""
    for dependency in route.dependencies:
        if isinstance(dependency.dependency, Needs):
            return dependency.dependency.right
    return None


def register(app: FastAPI, console: Console) -> None:
    """Add the API, the metrics and the two health endpoints."""
    _add_reads(app, console)
    _add_changes(app, console)
    _add_health(app, console)
    app.add_exception_handler(RequestValidationError, _say_invalid)

    @app.get(f"{PREFIX}/openapi.json", dependencies=needs("own.settings"), include_in_schema=False)
    def openapi() -> dict[str, Any]:
        ours = [route for route in routes(app) if route.path.startswith(DESCRIBED)]
        return get_openapi(title="bomc", version=console.version or "0", routes=ours)


def _add_reads(app: FastAPI, console: Console) -> None:
    @app.get(f"{PREFIX}/status", dependencies=needs("see.monitoring"))
    def get_status() -> dict[str, Any]:
        """How the installation does, in figures."""
        with reading(console.engine) as connection:
            return status(connection, console.clock())

    @app.get(f"{PREFIX}/targets", dependencies=needs("see.monitoring"))
    def get_targets() -> dict[str, Any]:
        """Every target with its worst status and the age of its samples, worst first."""
        with reading(console.engine) as connection:
            return {"targets": target_rows.targets(connection, console.clock())}

    @app.get(f"{PREFIX}/alerts", dependencies=needs("see.alerts"))
    def get_alerts(
        state: str = "open", severity: str = "", target: str = "", kind: str = "", limit: Number = 200
    ) -> dict[str, Any]:
        """Alerts, worst and newest first; `state` is open, firing, unknown, resolved or all."""
        filters = {"state": state, "severity": severity, "target": target, "kind": kind}
        with reading(console.engine) as connection:
            found = alert_rows.alerts(connection, console.clock(), filters)
        return {"alerts": found[:limit], "total": len(found)}

    @app.get(f"{PREFIX}/tickets", dependencies=needs("see.tickets"))
    def get_tickets(state: str = "", assignee: str = "", limit: Number = 200) -> dict[str, Any]:
        """Tickets that are open or were closed within a week, the next to be late first."""
        with reading(console.engine) as connection:
            found = ticket_rows.tickets(connection, console.clock(), {"state": state, "assignee": assignee})
        return {"tickets": found[:limit], "total": len(found)}

    @app.get(f"{PREFIX}/reconciliation/runs", dependencies=needs("see.reconciliation"))
    def get_runs(limit: Number = 100) -> dict[str, Any]:
        """Runs of the controls, the newest business day first."""
        with reading(console.engine) as connection:
            return {"runs": reconciliation_rows.runs(connection, limit)}


def _add_changes(app: FastAPI, console: Console) -> None:
    @app.post(f"{PREFIX}/alerts/{{alert_id}}/acknowledge", dependencies=needs("alerts.acknowledge"))
    def acknowledge(alert_id: int, said: Acknowledgement) -> dict[str, Any]:
        """Say that somebody has seen the alert and is on it."""

        def act(connection: Connection) -> None:
            alert_commands.acknowledge(connection, alert_id, current_viewer().name, said.comment, console.clock())

        return {"alert": _change(console, alert_rows.one, alert_id, f"alert {alert_id}", act)}

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/assign", dependencies=needs("tickets.work"))
    def assign(ticket_id: int, said: Assignment) -> dict[str, Any]:
        """Give the ticket to somebody."""

        def act(connection: Connection) -> None:
            viewer, now = current_viewer(), console.clock()
            rights, book = rights_of(viewer.role), console.tickets
            ticket_commands.assign(connection, ticket_id, viewer.name, said.assignee, now, rights=rights, book=book)

        return {"ticket": _change(console, ticket_rows.one, ticket_id, f"ticket {ticket_id}", act)}

    @app.post(f"{PREFIX}/tickets/{{ticket_id}}/resolve", dependencies=needs("tickets.work"))
    def resolve(ticket_id: int, said: Resolution) -> dict[str, Any]:
        """Say that the work is done, with cause and remedy."""

        def act(connection: Connection) -> None:
            viewer, now = current_viewer(), console.clock()
            rights, book = rights_of(viewer.role), console.tickets
            ticket_commands.resolve(
                connection, ticket_id, viewer.name, said.cause, said.remedy, now, rights=rights, book=book
            )

        return {"ticket": _change(console, ticket_rows.one, ticket_id, f"ticket {ticket_id}", act)}


def _change(
    console: Console,
    find: Callable[[Connection, int], dict[str, Any] | None],
    number: int,
    what: str,
    act: Callable[[Connection], None],
) -> dict[str, Any]:
    """Find the row, act on it and return it as it is then; all in one transaction.

    Raises HTTPException 404 when there is no such row, 409 with the command's own sentence when it refuses.
    """
    with writing(console.engine) as connection:
        if not 0 < number < 2**63 or find(connection, number) is None:
            raise HTTPException(404, f"There is no {what}.")
        try:
            act(connection)
        except (AlertError, TicketError) as refused:
            raise HTTPException(409, str(refused)) from refused
        changed = find(connection, number)
    if changed is None:
        raise HTTPException(404, f"There is no {what} any more.")
    return changed


def _add_health(app: FastAPI, console: Console) -> None:
    @app.get("/metrics", dependencies=needs("see.monitoring"), include_in_schema=False)
    def get_metrics() -> Response:
        with reading(console.engine) as connection:
            figures = status(connection, console.clock())
        return PlainTextResponse(metrics.text(figures), media_type=metrics.MEDIA_TYPE)

    @app.api_route("/-/healthy", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "alive"}

    @app.api_route("/-/ready", methods=["GET", "HEAD"], include_in_schema=False)
    def ready() -> Response:
        # Strangers may ask this, so the sentence names neither the database nor the schema.
        try:
            fault = schema_fault(console.engine)
        except StoreError:
            return refusal(503, "The store does not answer.")
        if fault is not None:
            return refusal(503, "The store's schema is not the one that this version speaks.")
        return JSONResponse({"status": "ready"})


async def _say_invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:20]
    )
    return refusal(422, f"The request was not understood: {faults}.")
