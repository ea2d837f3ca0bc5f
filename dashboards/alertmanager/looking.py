"""What API v2 shows: alerts, their groups, receivers, and the status that every client asks for first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.responses import Response

from core.store.open import reading
from dashboards.alertmanager import shown
from dashboards.alertmanager.answers import ANSWERED, answer
from dashboards.alertmanager.models import AlertGroup, AlertmanagerStatus, GettableAlert, Receiver
from dashboards.alertmanager.original import original
from dashboards.alertmanager.shown import Wanted
from dashboards.api import needs
from dashboards.context import Console

Filter = Annotated[list[str] | None, Query(alias="filter", description='Matchers, all of which must hold: a="b"')]
Yes = Annotated[bool, Query()]
Pattern = Annotated[str | None, Query(description="A regular expression that the whole name of a receiver must fit")]


def register(app: FastAPI, console: Console, started: datetime) -> None:
    """Add what only reads; `started` is since when the console runs."""
    _add_alerts(app, console)

    @app.get(
        "/api/v2/receivers",
        dependencies=needs("see.alerts"),
        response_model=list[Receiver],
        responses=ANSWERED,
        tags=["receiver"],
    )
    def get_receivers() -> Response:
        """Everybody who can be told."""
        return answer([{"name": one.name} for one in console.routes.receivers])

    @app.get(
        "/api/v2/status",
        dependencies=needs("see.monitoring"),
        response_model=AlertmanagerStatus,
        responses=ANSWERED,
        tags=["general"],
    )
    def get_status() -> Response:
        """What runs here, since when, and how alerts are routed."""
        version = {"version": console.version or "0", "revision": "", "branch": "", "buildUser": "", "buildDate": ""}
        return answer(
            {
                "cluster": {"status": "disabled", "peers": []},
                "versionInfo": {**version, "goVersion": ""},
                "config": {"original": original(console.routes)},
                "uptime": started,
            }
        )


def _add_alerts(app: FastAPI, console: Console) -> None:
    @app.get(
        "/api/v2/alerts",
        dependencies=needs("see.alerts"),
        response_model=list[GettableAlert],
        responses=ANSWERED,
        tags=["alert"],
    )
    def get_alerts(
        active: Yes = True,
        silenced: Yes = True,
        inhibited: Yes = True,
        unprocessed: Yes = True,
        filters: Filter = None,
        receiver: Pattern = None,
    ) -> Response:
        """The alerts that are not resolved and fit, by fingerprint."""
        wanted = _wanted(active, silenced, inhibited, unprocessed, filters, receiver)
        with reading(console.engine) as connection:
            found = shown.alerts(connection, console.routes, wanted, console.clock(), console.external_url)
        return answer(found)

    @app.get(
        "/api/v2/alerts/groups",
        dependencies=needs("see.alerts"),
        response_model=list[AlertGroup],
        responses=ANSWERED,
        tags=["alertgroup"],
    )
    def get_groups(
        active: Yes = True,
        silenced: Yes = True,
        inhibited: Yes = True,
        filters: Filter = None,
        receiver: Pattern = None,
    ) -> Response:
        """The same by receiver and group labels."""
        wanted = _wanted(active, silenced, inhibited, True, filters, receiver)
        with reading(console.engine) as connection:
            found = shown.groups(connection, console.routes, wanted, console.clock(), console.external_url)
        return answer(found)


def _wanted(
    active: bool, silenced: bool, inhibited: bool, unprocessed: bool, filters: list[str] | None, receiver: str | None
) -> Wanted:
    matchers = shown.matchers_of(filters or [])
    return Wanted(active, silenced, inhibited, unprocessed, matchers, shown.receiver_of(receiver))
