"""What did not arrive? Messages that nobody took, why and to whom, the channels that fail, and a way to send again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from alerts.delivery import letters
from alerts.delivery.letters import LetterError
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.filters import address, chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import titled
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.words import CHANNEL, DELIVERY_STATE, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import deliveries
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/deliveries"
TITLE = mark("Deliveries")
SHAPES = {"dead": "critical", "pending": "warning", "sent": "ok", "merged": "ok", "settled": "ok"}


def layout(_: Say) -> list[Any]:
    """Filters, the channels that fail, the messages, and one of them with the button that sends it again."""
    button = html.Button([icon("send"), _("Send again")], id="letter-resend", className="button", type="button")
    seen = html.Button([icon("check"), _("Seen to")], id="letter-settle", className="button", type="button")
    again = [button, seen] if current_viewer().may("alerts.resend") else []
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="letters-load", className="head-note")], className="page-head"),
        html.Div(id="letters-filters", className="filters"),
        html.Div(
            [
                html.Div(id="letters-list", className="page-body ready"),
                html.Div(
                    [
                        html.Div(id="letter-detail"),
                        html.Div(again, id="letter-form", className="form detail-line", hidden=True),
                    ],
                    className="detail",
                ),
            ],
            id="letters-body",
            className="columns",
        ),
        dcc.Store(id="letters-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """List and detail on every tick, and the doing."""

    @guarded(
        app,
        "see.alerts",
        Output("letters-list", "children"),
        Output("letters-filters", "children"),
        Output("letters-load", "children"),
        Output("letter-detail", "children"),
        Output("letter-form", "hidden"),
        Output("letters-body", "className"),
        Input("url", "search"),
        Input("live", "data"),
        Input("letters-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        number = whole(filters.get("letter"))
        with reading(console.engine) as connection:
            found = deliveries.letters(connection, filters)
            troubles = deliveries.troubles(connection)
            load = deliveries.load(connection)
            names = deliveries.receivers(connection)
            chosen = None if number is None else deliveries.one(connection, number)
        hidden = chosen is None or chosen["state"] != "dead" or not current_viewer().may("alerts.resend")
        return (
            render(found, troubles, filters, now, _),
            render_filters(names, filters, _),
            render_load(load, _),
            None if number is None else render_detail(chosen, filters, now, _),
            hidden,
            "columns" if number is None else "columns columns-side has-detail",
        )

    _command(app, console, "letter-resend", letters.resend, mark("The message is on its way again."))
    _command(app, console, "letter-settle", letters.settle, mark("The message is seen to; it is kept in the store."))


def _command(app: Dash, console: Console, button: str, act: Callable[..., None], sentence: str) -> None:
    """One doing on the chosen message, and what is told of it."""

    @guarded(
        app,
        "alerts.resend",
        Output("letters-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input(button, "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def do(clicks: int | None, search: str) -> tuple[Any, Any]:
        now, _ = console.clock(), speaking(console)
        number = whole(parse(search).get("letter"))
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        try:
            with writing(console.engine) as connection:
                act(connection, number, current_viewer().name, now)
        except LetterError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, _(sentence))]


def render_filters(names: list[str], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Dead ones or those that wait, and of whom."""
    kept = {name: value for name, value in filters.items() if name != "letter"}
    states = [("dead", _("not delivered")), ("pending", _("waiting to be sent"))]
    return [
        chips(_("State"), PATH, kept, "state", states, "dead"),
        chips(_("Receiver"), PATH, kept, "receiver", [("", _("all")), *((name, name) for name in names)]),
    ]


def render_load(load: Row, _: Say) -> list[Any]:
    """How many are dead, wait, and how many channels fail."""
    return [
        html.Span(_("{n} not delivered", n=_.number(load["dead"])), className="flood" if load["dead"] else ""),
        html.Span(_("{n} waiting", n=_.number(load["waiting"]))),
        html.Span(
            _.many("one channel fails", "{n} channels fail", load["failing"]) if load["failing"] else "",
            className="flood",
        ),
    ]


def render(found: list[Row], troubles: list[Row], filters: Mapping[str, str], now: datetime, _: Say) -> list[Any]:
    """The channels that fail, if any does, and the messages."""
    parts = []
    if troubles:
        failing = html.Ul([_trouble(row, now, _) for row in troubles], className="list")
        parts.append(panel(_("Channels that fail"), failing, footer=as_of(_, now), className="panel-flush"))
    waiting = filters.get("state") == "pending"
    nothing = _("No message waits to be sent.") if waiting else _("Every message was delivered.")
    lines = html.Ul([_line(row, filters, now, _) for row in found], className="list") if found else empty(nothing)
    name = _("Messages that wait") if waiting else _("Messages that were not delivered")
    return [*parts, panel(name, lines, footer=as_of(_, now), className="panel-flush")]


def _trouble(row: Row, now: datetime, _: Say) -> html.Li:
    age = _.age((now - row["failing_since"]).total_seconds())
    return html.Li(
        html.Div(
            [
                html.Span(
                    [
                        html.Span(className="state-shape", **{"aria-hidden": "true"}),
                        html.Span(_("failing"), className="state-word"),
                    ],
                    className="state state-critical",
                ),
                html.Span(f"{row['receiver']} · {word(CHANNEL, row['channel'], _)}", className="row-main"),
                html.Span(_("fails since {age}", age=age), className="row-age"),
                html.Span(
                    f"{told(row['error'], _)} ({_.many('one try', '{n} tries', row['tries'])})",
                    className="row-why",
                ),
            ],
            className="row alert-row letter-row",
        )
    )


def mark_of(code: str, _: Say) -> html.Span:
    """The state of a message as colour, shape and word."""
    return html.Span(
        [
            html.Span(className="state-shape", **{"aria-hidden": "true"}),
            html.Span(word(DELIVERY_STATE, code, _), className="state-word"),
        ],
        className=f"state state-{SHAPES.get(code, 'unknown')}",
    )


def _line(row: Row, filters: Mapping[str, str], now: datetime, _: Say) -> html.Li:
    age = _.age((now - deliveries.last_try(row)).total_seconds())
    count = _.many("one alert", "{n} alerts", len(row["alert_ids"]))
    chosen = filters.get("letter") == str(row["id"])
    return html.Li(
        dcc.Link(
            [
                mark_of(row["state"], _),
                html.Span(
                    f"{row['receiver']} · {word(CHANNEL, row['channel'], _)} · {row['title'] or count}",
                    className="row-main",
                ),
                html.Span(age, className="row-age"),
                html.Span(
                    [
                        " · ".join(filter(None, [count, told(row["last_error"] or "", _), told(row["note"] or "", _)]))
                        + " ",
                        *([demo(_)] if row["demo"] else []),
                    ],
                    className="row-why",
                ),
            ],
            href=address(PATH, filters, letter=str(row["id"])),
            className="row alert-row letter-row" + (" row-chosen" if chosen else ""),
        )
    )


def render_detail(row: Row | None, filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """One message: to whom, why not, how often, what became of it, and its alerts."""
    close = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, filters, letter=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Message"), empty(_("There is no such message.")), actions=[close])
    pairs = [
        (_("State"), mark_of(row["state"], _)),
        (_("Receiver"), row["receiver"]),
        (_("Channel"), word(CHANNEL, row["channel"], _)),
        (_("Made"), _.instant(row["created_at"])),
        (_("Given up"), _.instant(row["done_at"]) if row["state"] == "dead" else None),
        (_("Tries"), _.number(row["attempts"])),
        (_("Reason"), told(row["last_error"] or "", _)),
        (_("Note"), told(row["note"] or "", _)),
    ]
    alerts = [
        html.Li(
            dcc.Link(
                [state(one["severity"], _), " ", titled(one, _)],
                href=f"/alerts?alert={one['id']}",
            )
        )
        for one in row["alerts"]
    ]
    return panel(
        _("Message {n}", n=row["id"]),
        [facts(pairs), html.H3(_("Alerts in it")), html.Ul(alerts, className="list")],
        actions=[close],
        footer=as_of(_, now),
    )
