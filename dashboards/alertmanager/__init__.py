"""Alertmanager's API v2: a Prometheus server pushes to us, and amtool queries, silences and tests routes.

`pushing` takes alerts, `looking` shows them, `silencing` is about silences; `models` are the bodies and answers. Refusals
are a sentence as a JSON string with 4xx, as its clients expect, but for the gate's own (`{"error": sentence}`).
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.refused import RefusedError
from dashboards.alertmanager import looking, pushing, silencing
from dashboards.alertmanager.answers import Refused, refused
from dashboards.alertmanager.models import schemas_of_bodies
from dashboards.answers import refusal
from dashboards.api import needs, routes
from dashboards.context import Console, current_viewer

PREFIX = "/api/v2"


def register(app: FastAPI, console: Console) -> None:
    """Add API v2 with its description, and the reload of the routing."""
    pushing.register(app, console)
    looking.register(app, console, console.clock())
    silencing.register(app, console)
    app.add_exception_handler(Refused, _say_refused)

    @app.get(f"{PREFIX}/openapi.json", dependencies=needs("own.settings"), include_in_schema=False)
    def openapi() -> dict[str, Any]:
        ours = [route for route in routes(app) if route.path.startswith(PREFIX)]
        found = get_openapi(title="bomc, Alertmanager API", version="2", routes=ours)
        found["components"]["schemas"] |= schemas_of_bodies()
        return found

    @app.post("/-/reload", dependencies=needs("configuration.reload"), include_in_schema=False)
    def reload() -> Response:
        """Read the routing again; 400 with every fault, and then what runs goes on as it was."""
        if console.reload is None:
            return refusal(409, "Nothing was reloaded: this console does not know where its files are.")
        try:
            waiting = console.reload(current_viewer().name)
        except RefusedError as error:
            return refusal(400, str(error))
        return JSONResponse({"status": "reloaded", "at_next_start": list(waiting)})


async def _say_refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return refused(error.status, error.sentence)
