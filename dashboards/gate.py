"""The one door of the console: nobody passes who is not known, nothing changes that its page did not send.

Every path is closed unless `is_public` opens it. A page asked for by a stranger answers 303 to the login, anything else 401;
a change without the session's CSRF value, from another origin or in another content type answers 403; all with one
sentence. Machines come with a bearer token or basic authentication to `/api/`, `/metrics` and `/-/reload` only. They need
no CSRF value: no browser sends a token by itself, and with a password that a browser does send, a change from another
site is refused by its origin. The only WebSocket is `/live`, and it is refused before it is accepted. Every response,
an error's too, carries the security headers.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from math import ceil
from typing import TypeVar
from urllib.parse import quote, urlsplit

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import entrance, password
from dashboards.answers import Headers, refusal
from dashboards.context import Console, Viewer, viewing

PUBLIC = frozenset(
    {
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/login/login.css"),
        ("GET", "/-/healthy"),
        ("HEAD", "/-/healthy"),
        ("GET", "/-/ready"),
        ("HEAD", "/-/ready"),
    }
)
FOR_MACHINES = frozenset({"/metrics", "/-/reload"})  # and everything below /api/
WITH_PASSWORD = ("/api/v2/", "/-/reload")
"""Where a stranger is told of basic authentication: tools of other makers come here, and no page asks for it."""
BEARER = {"www-authenticate": "Bearer"}
EITHER = {"www-authenticate": 'Bearer, Basic realm="bomc", charset="UTF-8"'}
FEED = "/on-call/feed/"
CHANGE_FEED = "/changes/feed/"
PUBLIC_BELOW = {
    "/m/": frozenset({"GET", "POST"}),
    "/ping/": frozenset({"GET", "HEAD", "POST"}),
}
"""Addresses that carry a secret of their own: links of the phone page, and what jobs tell that they ran."""
CALENDAR = re.compile(f"(?:{re.escape(FEED)}|{re.escape(CHANGE_FEED)})" + r"[^/]+\.ics")
"""A personal calendar: the secret in its address is all that a calendar program can send."""
UNMEASURED = "/ping/"  # its handler reads as much as it keeps, whatever a job's output is
LIVE = "/live"
FORMS = frozenset({"/logout"})  # whose handlers compare the CSRF value in the form itself
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
STRANGERS_BODY_BYTES = 16 * 1024
LOOKUPS = 8  # entrance look-ups that run at once in a process

T = TypeVar("T")
log = logging.getLogger(__name__)
_lookups: RunVar[CapacityLimiter] = RunVar("bomc_entrance_lookups")


class Gate:
    """The ASGI middleware; `headers` are added to every response."""

    def __init__(self, app: ASGIApp, console: Console, headers: Callable[[], Headers]) -> None:
        self.app = app
        self.console = console
        self.headers = headers
        self.proven = password.Proven()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, refuse, or explain."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                message["headers"].extend(self.headers())
                if "cache-control" not in headers:
                    headers["cache-control"] = "private, no-cache" if "etag" in headers else "no-store"
            await send(message)

        try:
            answer = await self._decide(scope, receive, send_with_headers)
        except SQLAlchemyError:
            log.exception("The store did not answer while %s %s was served", scope["method"], scope["path"])
            answer = refusal(503, "The console cannot reach its store at the moment; try again in a minute.")
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = refusal(500, "The console failed to answer; the reason is in its log.")
        if answer is not None:
            if started:
                raise RuntimeError(
                    f"{scope['method']} {scope['path']} failed in the middle of its answer; see the log."
                )
            await answer(scope, receive, send_with_headers)

    async def _decide(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        request = HTTPConnection(scope)
        method, path = scope["method"], scope["path"]
        if is_public(method, path):
            refused = self._stranger_may_send(method, path, request)
            if refused is None:
                await self.app(scope, receive, send)
            return refused
        viewer, refused = await self._viewer(path, method, request)
        if viewer is None:
            return refused
        if viewer.session and method not in SAFE:
            refused = self._meant(path, viewer, request)
            if refused is not None:
                return refused
        with viewing(viewer):
            await self.app(scope, receive, send)
        return None

    def _stranger_may_send(self, method: str, path: str, request: HTTPConnection) -> Response | None:
        if method in SAFE or path.startswith(UNMEASURED):
            return None
        if not same_origin(self.console, request, required=False):
            return refusal(403, "This form was sent from another site; open the login page and try again.")
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > STRANGERS_BODY_BYTES:
            return refusal(413, f"Before the login at most {STRANGERS_BODY_BYTES} bytes are read, their number stated.")
        return None

    async def _viewer(self, path: str, method: str, request: HTTPConnection) -> tuple[Viewer | None, Response | None]:
        for_machines = path.startswith("/api/") or path in FOR_MACHINES
        ways = EITHER if path.startswith(WITH_PASSWORD) else BEARER
        if for_machines and (secret := entrance.bearer(request)) is not None:
            viewer = await in_worker(lambda: entrance.machine(self.console, secret))
            return viewer, refusal(401, "The bearer token is unknown, revoked or expired.", ways)
        if for_machines and (login := entrance.name_and_password(request)) is not None:
            return await self._by_password(method, request, *login)
        viewer = await in_worker(lambda: entrance.person(self.console, request))
        if viewer is not None:
            return viewer, None
        if for_machines:
            sentence = "Send a bearer token, or name and password, in the header Authorization; or log in."
            return None, refusal(401, sentence, ways)
        return None, stranger(method, path, request)

    async def _by_password(
        self, method: str, request: HTTPConnection, name: str, secret: str
    ) -> tuple[Viewer | None, Response | None]:
        """Whoever has that name and password, unless another site made a browser send them."""
        if method not in SAFE and not same_origin(self.console, request, required=False):
            return None, refusal(403, "This change was sent from another site and was refused; nothing was changed.")
        viewer = await in_worker(lambda: password.remembered(self.console, self.proven, name, secret))
        if viewer is not None:
            return viewer, None
        address = request.client.host if request.client else "unknown"
        viewer, pause = await password.in_hashing(
            lambda: password.basic(self.console, self.proven, name, secret, address)
        )
        if pause:
            seconds = ceil(pause.total_seconds())
            sentence = f"Too many logins have failed; wait {seconds} s, then try again."
            return None, refusal(429, sentence, {"retry-after": str(seconds)})
        return viewer, refusal(401, "The account or the password is not right.", EITHER)

    def _meant(self, path: str, viewer: Viewer, request: HTTPConnection) -> Response | None:
        """Why this change was not sent by our own page, if so."""
        if not same_origin(self.console, request, required=False):
            return refusal(403, "This change was sent from another site and was refused; nothing was changed.")
        if path in FORMS:
            return None
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(403, "A change is sent as application/json; nothing was changed.")
        if not same(request.headers.get(entrance.CSRF_HEADER, ""), viewer.csrf):
            return refusal(
                403, f"The header {entrance.CSRF_HEADER} does not belong to this session; load the page again."
            )
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        viewer = None
        if scope["path"] == LIVE and same_origin(self.console, request, required=True):
            viewer = await in_worker(lambda: entrance.person(self.console, request))
        if viewer is None:
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": "Log in first."})
            return
        with viewing(viewer):
            await self.app(scope, receive, send)


def is_public(method: str, path: str) -> bool:
    """Whether anybody may ask this, logged in or not."""
    if method == "GET" and CALENDAR.fullmatch(path):
        return True
    return (method, path) in PUBLIC or any(
        path.startswith(below) and method in methods for below, methods in PUBLIC_BELOW.items()
    )


def stranger(method: str, path: str, request: HTTPConnection) -> Response:
    """Where a stranger is sent: from a page to the login and back, from anything else away."""
    wants_page = "text/html" in request.headers.get("accept", "") or "*/*" in request.headers.get("accept", "*/*")
    part_of_page = path.startswith(("/_", "/assets/", LIVE, "/-/"))
    if method == "GET" and wants_page and not part_of_page:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/login?next={quote(path + query, safe='')}", 303)
    return refusal(401, "Nobody is logged in, or the session has ended; log in again.")


def same_origin(console: Console, request: HTTPConnection, *, required: bool) -> bool:
    """Whether the Origin header names this console; browsers send it with every change and every WebSocket."""
    origin = request.headers.get("origin")
    if origin is None:
        return not required and request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    sent, ours = urlsplit(origin), urlsplit(console.external_url)
    if (sent.scheme, sent.netloc) == (ours.scheme, ours.netloc):
        return True
    schemes = ("https",) if console.tls else ("http", "https")
    return sent.scheme in schemes and sent.netloc == request.headers.get("host", "")


def same(sent: str, expected: str) -> bool:
    """Compare a secret in a time that tells nothing about it; an empty one never fits."""
    return bool(expected) and hmac.compare_digest(sent.encode(), expected.encode())


async def in_worker(function: Callable[[], T]) -> T:
    """Run a blocking look-up of the entrance in a worker thread; a few at once."""
    try:
        limiter = _lookups.get()
    except LookupError:
        limiter = CapacityLimiter(LOOKUPS)
        _lookups.set(limiter)
    return await to_thread.run_sync(function, limiter=limiter)
