"""The phone page: one alert on one small page, without scripts and without a login; the link itself is the right to act.

GET only shows, whoever asks and how often: mail scanners follow every link. POST acknowledges or passes on, once. A link
that is over says so and leads to the login. The whole page, its style and its picture are one answer of less than 100 KB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse

from alerts.commands import AlertError
from alerts.delivery import phone, pictures
from alerts.delivery.phone import Link, LinkError
from alerts.delivery.texts import PHONE_MINUTES, impact_of, name_of, say
from core.quantity import show_quantity
from core.store.open import reading, writing
from dashboards.components.actors import actor
from dashboards.context import Console
from dashboards.gate import in_worker
from dashboards.locale import LANGUAGES, Say, spoken
from dashboards.queries import phone as queries
from dashboards.queries.rows import Row
from dashboards.sentences import judged, told

STATUS_OF = {"not_known": 404, "expired": 410, "already_used": 410}
SHAPES = {"critical": "■", "warning": "▲", "unknown": "◆", "resolved": "●"}
LONGEST_COMMENT = 500


def register(app: FastAPI, console: Console) -> None:
    """Add the page."""

    @app.get("/m/{token:path}", include_in_schema=False)
    async def show(request: Request, token: str) -> Response:
        _ = _speaking(console, request)
        return await in_worker(lambda: look(console, token, _))

    @app.post("/m/{token:path}", include_in_schema=False)
    async def act(request: Request, token: str) -> Response:
        _ = _speaking(console, request)
        form = await request.form(max_files=0, max_fields=8)
        sent = {name: value for name, value in form.items() if isinstance(value, str)}
        return await in_worker(lambda: do(console, token, sent, _))


def look(console: Console, token: str, _: Say) -> Response:
    """What the link shows; nothing is changed."""
    now = console.clock()
    with reading(console.engine) as connection:
        try:
            link = phone.read(connection, token, now)
        except LinkError as error:
            return _over(console, error, _)
        found = queries.card(connection, link.alert_id, now)
    return _page(console, _, token, card=_card(found, link, console, _) if found else "")


def do(console: Console, token: str, sent: Mapping[str, str], _: Say) -> Response:
    """Do what the form asks, once, and show how the alert stands then."""
    now = console.clock()
    acts: dict[str, tuple[Callable[..., Link], str]] = {
        "acknowledge": (phone.acknowledge, "acknowledged"),
        "pass_on": (phone.pass_on, "passed_on"),
    }
    act, done = acts.get(sent.get("act", ""), (None, ""))
    if act is None:
        return look(console, token, _)
    said = " ".join(sent.get("comment", "").split())[:LONGEST_COMMENT]
    try:
        with writing(console.engine) as connection:
            link = act(connection, token, said, now)
            found = queries.card(connection, link.alert_id, now)
    except LinkError as error:
        return _over(console, error, _)
    except AlertError as error:
        with reading(console.engine) as connection:
            link = phone.read(connection, token, now)
            found = queries.card(connection, link.alert_id, now)
        sentence = say("refused", _.language, why=told(str(error), _))
        card = _card(found, link, console, _) if found else ""
        return _page(console, _, token, card=card, message=sentence, status=409)
    return _page(console, _, token, card=_card(found, None, console, _) if found else "", message=say(done, _.language))


def _over(console: Console, error: LinkError, _: Say) -> Response:
    """The link does nothing any more: says so, and where to go instead."""
    sentence = say(error.why, _.language, minutes=PHONE_MINUTES)
    target = "/" if error.alert_id is None else f"/alerts?alert={error.alert_id}"
    login = f'<a href="/login?next={quote(target, safe="")}">{escape(say("login", _.language))}</a>'
    return _page(console, _, "", message=sentence, status=STATUS_OF[error.why], more=login)


def _page(
    console: Console, _: Say, token: str, *, card: str = "", message: str = "", status: int = 200, more: str = ""
) -> HTMLResponse:
    links = [more] if more else []
    links += [f'<a href="?lang={code}">{name}</a>' for code, name in LANGUAGES.items() if token and code != _.language]
    html = _template().substitute(
        lang={"zh_CN": "zh-Hans"}.get(_.language, _.language),
        title=escape(console.operator),
        operator=escape(console.operator),
        message=f'<p class="message" role="status">{escape(message)}</p>' if message else "",
        card=card,
        links="".join(links),
    )
    return HTMLResponse(html, status)


def _card(found: Row, link: Link | None, console: Console, _: Say) -> str:
    """The alert as HTML; with the forms when a link is given that may still act."""
    row, language = found["alert"], _.language
    notes = row["annotations"]
    state = "resolved" if row["resolved_at"] else row["severity"]
    words = name_of(state, language)
    title = notes.get("summary") or f"{row['target']}: {row['check_name']}"
    parts = [f'<p class="demo">{escape(say("demo", language))}</p>'] if row["demo"] else []
    parts += [
        f'<p class="state {escape(state)}"><span aria-hidden="true">{SHAPES.get(state, "◆")}</span> {escape(words)}</p>',
        f"<h1>{escape(judged(str(title), _))}</h1>",
        _facts(found, console, _),
        _picture(found, _),
    ]
    if link is not None and row["resolved_at"] is None:
        parts.append(_forms(row, link, language))
    events = "".join(_event(event, console, _) for event in found["events"])
    parts.append(f"<h2>{escape(say('history', language))}</h2><ol>{events}</ol>")
    console_link = f"/alerts?alert={row['id']}"
    parts.append(f'<p><a href="{escape(console_link)}">{escape(say("console", language))}</a></p>')
    return "".join(parts)


def _facts(found: Row, console: Console, _: Say) -> str:
    row, language = found["alert"], _.language
    notes = row["annotations"]
    since = row["opened_at"].astimezone(console.timezone).strftime("%Y-%m-%d %H:%M:%S")
    age = _.age((found["now"] - row["opened_at"]).total_seconds())
    order = found["ticket"]
    owner = row["acknowledged_by"] or (order["assignee"] if order else None) or say("nobody", language)
    if order:
        owner += f" · {say('ticket', language, n=order['id'])}"
    value = "" if row["value"] is None else show_quantity(row["value"], notes.get("unit", ""), found["kind"])
    pairs = [
        ("impact", judged(impact_of(row["labels"], notes, language), _)),
        ("since", f"{since} {console.timezone.key} · {age}"),
        ("value", value),
        ("reason", judged(str(notes.get("reason", "")), _)),
        ("owner", owner),
    ]
    shown = [(say(name, language), escape(str(text))) for name, text in pairs if text]
    if notes.get("runbook"):
        shown.append((say("runbook", language), _linked(str(notes["runbook"]))))
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{text}</dd>" for name, text in shown) + "</dl>"


def _linked(text: str) -> str:
    """A runbook as a link where it is an address and nothing else."""
    if text.startswith(("https://", "http://")) and len(text.split()) == 1:
        return f'<a href="{escape(text, quote=True)}" rel="noreferrer">{escape(text)}</a>'
    return escape(text)


def _picture(found: Row, _: Say) -> str:
    points = found["points"]
    if not points:
        return f'<p class="quiet">{escape(say("hour_empty", _.language))}</p>'
    unit = found["alert"]["annotations"].get("unit", "")
    values = [value for _at, value in points]
    lowest, highest, latest = (
        show_quantity(one, unit, found["kind"]) for one in (min(values), max(values), values[-1])
    )
    words = say("hour", _.language, lowest=lowest, highest=highest, latest=latest)
    drawn = pictures.svg(points, found["limit"], found["now"])
    return f'{drawn}<p class="quiet">{escape(words)}</p>'


def _forms(row: Row, link: Link, language: str) -> str:
    """Acknowledge, unless somebody else has it; and pass it on, with a reason."""
    parts = []
    if row["acknowledged_by"] in (None, link.who):
        parts.append(
            f'<form method="post"><input type="hidden" name="act" value="acknowledge">'
            f'<label for="note">{escape(say("note", language))}</label>'
            f'<input id="note" name="comment" maxlength="{LONGEST_COMMENT}" autocomplete="off">'
            f"<button>{escape(say('by_phone', language))}</button></form>"
        )
    parts.append(
        f'<form method="post"><input type="hidden" name="act" value="pass_on">'
        f'<label for="why">{escape(say("reason_for_passing", language))}</label>'
        f'<input id="why" name="comment" maxlength="{LONGEST_COMMENT}" required autocomplete="off">'
        f'<button class="second">{escape(say("cannot_take", language))}</button></form>'
    )
    return "".join(parts)


def _event(event: Row, console: Console, _: Say) -> str:
    at = event["at"].astimezone(console.timezone).strftime("%m-%d %H:%M:%S")
    key = f"event_{event['kind']}"
    kind = name_of(key, _.language)
    shown = event["kind"] if kind == key else kind
    return f"<li>{escape(at)} <b>{escape(shown)}</b> · {escape(actor(event['who'], _))}</li>"


def _speaking(console: Console, request: Request) -> Say:
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "").partition(",")[0].strip()
    return Say(spoken(asked or console.language), console.timezone.key, console.timezone.key)


@cache
def _template() -> Template:
    return Template((Path(__file__).parent / "phone.html").read_text(encoding="utf-8"))
