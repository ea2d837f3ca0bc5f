"""Dash's FastAPI back end with three doors closed: callbacks without a right, its WebSocket, and its catch-all.

A callback is run only when its entry names a right (`dashboards/callbacks.py`), the viewer has it, and the request has
the shape that the callback was registered with. What goes wrong inside is logged and answered with one sentence.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from dash import Dash
from dash.backends._fastapi import DashMiddleware, FastAPIDashServer
from dash.exceptions import DependencyException, InvalidResourceError, PreventUpdate
from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from dashboards.answers import refusal
from dashboards.callbacks import RIGHT, Refused
from dashboards.context import current_viewer

log = logging.getLogger(__name__)


class OpenMiddleware(DashMiddleware):  # type: ignore[misc]  # Dash ships no types
    """Dash's middleware, which lets errors out to the gate: there they are logged, here they would vanish."""

    async def _handle_error(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(error, PreventUpdate):
            await super()._handle_error(error, scope, receive, send)
        else:
            raise error


class ConsoleBackend(FastAPIDashServer):  # type: ignore[misc]  # Dash ships no types
    """What Dash asks of its web server, answered the console's way."""

    websocket_capability = False  # no _dash-ws-callback: pushes go over /live, changes over guarded requests

    @staticmethod
    def create_app(name: str = "bomc", config: dict[str, Any] | None = None) -> FastAPI:
        """The application without FastAPI's own documentation pages, which call outside hosts."""
        # Whole before anything is answered: what encodes answers asks it, also while a run has imported only half of it.
        import_module("pandas")
        return FastAPI(title="bomc", docs_url=None, redoc_url=None, openapi_url=None)

    def setup_backend(self, dash_app: Dash) -> None:
        """Add Dash's middleware, which gives callbacks their request."""
        self.server.add_middleware(
            OpenMiddleware, dash_app=dash_app, dash_server=self, before_request_funcs=self._before_request_funcs
        )

    def serve_component_suites(
        self, dash_app: Dash, package_name: str, fingerprinted_path: str, request: Request
    ) -> Response:
        """A script or style of a component library that the page uses; 404 for anything else."""
        try:
            found: Response = super().serve_component_suites(dash_app, package_name, fingerprinted_path, request)
        except (DependencyException, InvalidResourceError, OSError):
            return refusal(404, "There is no such file of a component library.")
        return found

    def _setup_catchall(self) -> None:
        """Nothing: `dashboards/server.py` routes the pages itself, after the API."""

    def serve_callback(self, dash_app: Dash) -> Any:
        """The endpoint behind `_dash-update-component`."""
        run = super().serve_callback(dash_app)

        async def dispatch(request: Request) -> Response:
            body = getattr(request.state, "json_body", None)
            output = body.get("output") if isinstance(body, dict) else None
            if not isinstance(body, dict) or not isinstance(output, str):
                return refusal(400, "The request is not that of a callback: its body names no output.")
            entry = dash_app.callback_map.get(output)
            if entry is None or "callback" not in entry:
                return refusal(404, "There is no such callback on the server; load the page again.")
            right = entry.get(RIGHT, "")
            if not current_viewer().may(right):
                return refusal(
                    403, f"Your role does not include the right {right or 'for this'}; ask an administrator."
                )
            if not (fits(body.get("inputs"), entry["inputs"]) and fits(body.get("state", []), entry["state"])):
                return refusal(400, "The callback was sent other inputs than it has; load the page again.")
            try:
                answer: Response = await run(request)
            except PreventUpdate:
                return Response(status_code=204)
            except Refused as refused:
                return refusal(403, str(refused))
            except Exception:
                log.exception("The callback %s failed for %s", output, current_viewer().name)
                return refusal(500, "The page could not be brought up to date; the reason is in the console's log.")
            answer.headers["content-type"] = "application/json"
            return answer

        return dispatch


def fits(sent: object, registered: list[dict[str, str]]) -> bool:
    """Whether the inputs sent are, in number, id and property, those that the callback was registered with."""
    if not isinstance(sent, list) or len(sent) != len(registered):
        return False
    return all(_one_fits(one, spec) for one, spec in zip(sent, registered, strict=True))


def _one_fits(sent: object, spec: dict[str, str]) -> bool:
    if isinstance(sent, list):  # a wildcard: every component that it matched
        return spec["id"].startswith("{") and all(_one_fits(one, spec) for one in sent)
    if not isinstance(sent, dict) or sent.get("property") != spec["property"]:
        return False
    return isinstance(sent.get("id"), dict) if spec["id"].startswith("{") else sent.get("id") == spec["id"]
