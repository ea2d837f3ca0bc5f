"""The login page, which needs neither Dash nor scripts, and the way out.

A login gets a new session id; a failed one says neither whether the account exists nor which part was wrong, takes as
long as a good one, and counts against the account and the address (`core/people/throttle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from html import escape
from math import ceil
from pathlib import Path
from string import Template
from urllib.parse import quote

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from core.people import sessions
from core.people.users import User
from core.store.open import writing
from dashboards.answers import refusal
from dashboards.context import Console, current_viewer
from dashboards.entrance import CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE
from dashboards.gate import same
from dashboards.locale import LANGUAGES, Say, spoken
from dashboards.password import in_hashing, prove

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a login: a session, or how long to wait before the next try (zero: try again)."""

    session: sessions.Started | None
    wait: timedelta = timedelta()


def attempt(console: Console, name: str, password: str, address: str) -> Tried:
    """Try to log in; blocks for the time of one hashing. The hashing holds no transaction open."""

    def admit(connection: Connection, owner: User, _stored: str) -> sessions.Started:
        return sessions.begin(
            connection,
            owner=owner,
            address=address,
            idle=console.idle,
            lifetime=console.lifetime,
            now=console.clock(),
        )

    return Tried(*prove(console, name, password, address, admit))


def safe_next(target: str) -> str:
    """The path to go to after the login if it is one of ours, else the first page: never another site."""
    printable = target.isprintable() and "\\" not in target
    if not printable or not target.startswith("/") or target.startswith(("//", "/login", "/logout", "/_", "/live")):
        return "/"
    return target


def page(
    console: Console, language: str, target: str, *, message: str = "", name: str = "", status: int = 200
) -> HTMLResponse:
    """The login form in that language, with a sentence above it when there is something to say."""
    _ = Say(language)
    lang = {"zh_CN": "zh-Hans"}.get(language, language)
    links = []
    for code, own_name in LANGUAGES.items():
        current = ' aria-current="true"' if code == language else ""
        links.append(f'<a href="/login?language={code}&amp;next={quote(target, safe="")}"{current}>{own_name}</a>')
    demo = _("This is a demonstration: its data is generated.") if console.demo else ""
    html = _template().substitute(
        lang=lang,
        title=escape(f"{_('Log in')} · {console.operator}"),
        operator=escape(console.operator),
        what=escape(_("Operations monitoring and revenue assurance")),
        demo=f'<p class="demo">{escape(demo)}</p>' if demo else "",
        message=f'<p class="message" role="alert">{escape(message)}</p>' if message else "",
        next=escape(target),
        language=language,
        name=escape(name),
        name_label=escape(_("Account")),
        password_label=escape(_("Password")),
        submit=escape(_("Log in")),
        languages_label=escape(_("Language")),
        languages="".join(links),
        focus_name="" if name else "autofocus",
        focus_password="autofocus" if name else "",
    )
    return HTMLResponse(html, status)


def register(app: FastAPI, console: Console) -> None:
    """Add the login page, its style sheet, the login itself and the logout."""

    @app.get("/login", include_in_schema=False)
    async def show(request: Request) -> Response:
        query = request.query_params
        return page(console, _language(console, request, query.get("language")), safe_next(query.get("next", "/")))

    @app.get("/login/login.css", include_in_schema=False)
    async def style() -> Response:
        return Response((FOLDER / "login.css").read_bytes(), media_type="text/css")

    @app.post("/login", include_in_schema=False)
    async def enter(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=8)
        target = safe_next(_field(form, "next") or "/")
        language = _language(console, request, _field(form, "language"))
        name = _field(form, "name")[:64]
        address = request.client.host if request.client else "unknown"
        tried = await in_hashing(lambda: attempt(console, name, _field(form, "password"), address))
        if tried.session is None:
            return _not_in(console, language, target, name, tried.wait)
        answer = RedirectResponse(target, 303)
        age = int(console.lifetime.total_seconds())
        answer.set_cookie(
            SESSION_COOKIE, tried.session.cookie, max_age=age, httponly=True, secure=console.tls, samesite="lax"
        )
        answer.set_cookie(CSRF_COOKIE, tried.session.csrf, max_age=age, secure=console.tls, samesite="strict")
        return answer

    @app.post("/logout", include_in_schema=False)
    async def leave(request: Request) -> Response:
        viewer = current_viewer()
        sent = request.headers.get(CSRF_HEADER) or _field(await request.form(max_files=0, max_fields=8), "csrf")
        if not same(sent, viewer.csrf):
            return refusal(403, "This logout was not sent by the session's own page; nothing was changed.")
        await to_thread.run_sync(_end, console, viewer.session, viewer.name)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE, httponly=True, secure=console.tls, samesite="lax")
        answer.delete_cookie(CSRF_COOKIE, secure=console.tls, samesite="strict")
        return answer


def _not_in(console: Console, language: str, target: str, name: str, wait: timedelta) -> Response:
    _ = Say(language)
    if not wait:
        sentence = _("The account or the password is not right.")
        return page(console, language, target, message=sentence, name=name, status=401)
    minutes = ceil(wait / timedelta(minutes=1))
    sentence = _("Too many logins have failed. Wait {minutes} min, then try again.", minutes=minutes)
    answer = page(console, language, target, message=sentence, name=name, status=429)
    answer.headers["retry-after"] = str(ceil(wait.total_seconds()))
    return answer


def _language(console: Console, request: Request, asked: str | None) -> str:
    """The one asked for, else the browser's, else the operator's."""
    if asked:
        return spoken(asked)
    accepted = request.headers.get("accept-language", "").partition(",")[0].strip()
    return spoken(accepted or console.language)


def _end(console: Console, session_hash: str, name: str) -> None:
    with writing(console.engine) as connection:
        sessions.end(connection, session_hash, who=name, now=console.clock())


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


@cache
def _template() -> Template:
    return Template((FOLDER / "login.html").read_text(encoding="utf-8"))
