"""The console as one ASGI application: pages, callbacks, login, API, live push and health behind one gate."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from dash import Dash, html
from dash.backends._fastapi import reset_current_request, set_current_request
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from core.people import rights
from dashboards import alertmanager, api, downloads, duty_api, feeds, live, login, phone, pings, ticket_api
from dashboards.answers import refusal, security_headers
from dashboards.backend import ConsoleBackend
from dashboards.callbacks import unguarded
from dashboards.context import Console, Viewer, viewing
from dashboards.entrance import CSRF_COOKIE, CSRF_HEADER
from dashboards.gate import Gate

ASSETS = Path(__file__).parent / "assets"
COMPRESSED_FROM_BYTES = 1024
COMPRESSION = 5
"""Beyond this level zlib takes twice the time for two percent less."""
_INLINE_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL | re.IGNORECASE)


class Unguarded(Exception):
    """A callback or a route names no right; the console does not start."""


def create_app(console: Console, register_pages: Callable[[Dash], None] | None) -> FastAPI:
    """The console's application; `register_pages` gives Dash its layout and its guarded callbacks.

    Raises Unguarded when a callback or an API route was registered without a right.
    """
    dash = Dash(
        "bomc",
        backend=ConsoleBackend,
        title=console.operator,
        update_title=None,
        serve_locally=True,
        assets_folder=str(ASSETS),
        use_pages=False,
        suppress_callback_exceptions=True,
        csrf_token_name=CSRF_COOKIE,
        csrf_header_name=CSRF_HEADER,
        enable_mcp=False,
        add_log_handler=False,
    )
    with viewing(Viewer("nobody", "", console.language, console.timezone)):  # Dash tries the layout once by itself
        if register_pages is not None:
            register_pages(dash)
        if dash.layout is None:
            dash.layout = html.Div()
        dash._setup_server()
    app: FastAPI = dash.server
    app.state.dash = dash
    app.state.console = console
    login.register(app, console)
    api.register(app, console)
    alertmanager.register(app, console)
    duty_api.register(app, console)
    live.register(app, console)
    ticket_api.register(app, console)
    downloads.register(app, console)
    phone.register(app, console)
    pings.register(app, console)
    feeds.register(app, console)
    _serve_pages(app, dash)
    require_guards(app, dash)
    headers = security_headers(tls=console.tls, script_hashes=inline_scripts(app, dash))
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION)
    app.add_middleware(Gate, console=console, headers=lambda: headers)
    app.add_exception_handler(HTTPException, _say_http)
    return app


def require_guards(app: FastAPI, dash: Dash) -> None:
    """Raises Unguarded when anything that the server could run for somebody names no right."""
    bare = [f"the callback {name}" for name in unguarded(dash)]
    for route in api.routes(app):
        if not rights.known(api.right_of(route) or ""):
            bare.append(f"the route {route.path}")
    if bare:
        raise Unguarded(f"These have no right and would be open to all: {'; '.join(bare)}. Register them with one.")


def inline_scripts(app: FastAPI, dash: Dash) -> list[str]:
    """The CSP hashes of the scripts inside the page's own frame, which is the same for everybody."""
    token = set_current_request(Request({"type": "http", "method": "GET", "path": "/", "headers": [], "app": app}))
    try:
        page = dash.index()
    finally:
        reset_current_request(token)
    codes = [*_codes(page), *dash._inline_scripts]
    return sorted({f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in codes})


def _codes(page: str) -> Iterable[str]:
    for found in _INLINE_SCRIPT.finditer(page):
        if "src=" not in found["attributes"] and "application/json" not in found["attributes"]:
            yield found["code"]


def _serve_pages(app: FastAPI, dash: Dash) -> None:
    """Any path that nothing else answers is a page's address: its frame is served, and the page router fills it."""

    async def page(request: Request, path: str) -> Response:
        if path.startswith(("_", "api/", "assets/", "-/")):
            return refusal(404, f"There is nothing at /{path}.")
        token = set_current_request(request)
        try:
            return Response(dash.index(), media_type="text/html")
        finally:
            reset_current_request(token)

    app.add_api_route("/{path:path}", page, methods=["GET"], include_in_schema=False)


async def _say_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return refusal(error.status_code, str(error.detail), error.headers)
