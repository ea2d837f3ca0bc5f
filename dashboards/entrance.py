"""Who a request comes from: the session behind its cookie, or the token in its Authorization header.

These functions read the store and block; the gate runs them in worker threads.
"""

from __future__ import annotations

import base64
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import HTTPConnection

from core.people import sessions, tokens
from core.store.open import reading, writing_if_free
from dashboards.context import Console, Viewer

SESSION_COOKIE = "bomc_session"
CSRF_COOKIE = "bomc_csrf"  # readable by the page's scripts: Dash repeats it in the header CSRF_HEADER
CSRF_HEADER = "X-CSRFToken"
TIMEZONE_COOKIE = "bomc_timezone"  # set by the page's script: the browser knows its zone, the server does not


def person(console: Console, request: HTTPConnection) -> Viewer | None:
    """The logged-in person whose session cookie the request carries; None when there is no session in force."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    now = console.clock()
    with reading(console.engine) as connection:
        session = sessions.find(connection, cookie, idle=console.idle, now=now)
    if session is None:
        return None
    if session.to_note(now):
        # A page does not wait for whoever writes a storm of alerts: its next request notes the use as well.
        with writing_if_free(console.engine) as connection:
            if connection is not None:
                sessions.note(connection, session.id_hash, now)
    zone = _zone(request.cookies.get(TIMEZONE_COOKIE), console.timezone)
    return Viewer(session.name, session.role, session.language, zone, session.csrf, session.id_hash)


def still_there(console: Console, session_hash: str) -> bool:
    """Whether that session is still in force; looking does not count as using it."""
    with reading(console.engine) as connection:
        return sessions.find_by_hash(connection, session_hash, idle=console.idle, now=console.clock()) is not None


def bearer(request: HTTPConnection) -> str | None:
    """The secret of `Authorization: Bearer ...`; None when the request has no such header."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def name_and_password(request: HTTPConnection) -> tuple[str, str] | None:
    """Those of `Authorization: Basic ...` (RFC 7617, UTF-8); empty ones when the header holds none that could be right,
    and None when the request has no such header."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (name, password) if colon and name.isprintable() and "\0" not in password else ("", "")


def machine(console: Console, secret: str) -> Viewer | None:
    """The machine whose token that is; None when there is no such token in force."""
    with reading(console.engine) as connection:
        token = tokens.find(connection, secret, now=console.clock())
    if token is None:
        return None
    return Viewer(f"token:{token.name}", token.role, console.language, console.timezone)


def _zone(key: str | None, fallback: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(key) if key else fallback
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback
