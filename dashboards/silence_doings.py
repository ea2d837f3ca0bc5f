"""What people do on the page Silences: make one, extend, end and make it again; approve and reject proposals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.muting import proposals, silences
from alerts.muting.silences import SilenceError, Spec
from core.duration import parse_duration
from core.store.open import reading, writing
from dashboards.alert_doings import numbers
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.alert_actions import LENGTHS
from dashboards.components.filters import parse
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import mark
from dashboards.queries import silences as queries
from dashboards.sentences import told
from dashboards.silencing import register_form


def register_doings(app: Dash, console: Console) -> None:
    """The callbacks of the page's buttons and questions, each with its right."""
    register_form(app, console, "silence-new", "silences-done", "silence-new-modal")
    _asking(app, console)
    _on_the_chosen(app, console)
    _deciding(app, console)


def _asking(app: Dash, console: Console) -> None:
    """The question of a new silence, empty, or filled as the chosen one was."""

    @guarded(
        app,
        "alerts.silence",
        Output("silence-new-matchers", "value", allow_duplicate=True),
        Output("silence-new-comment", "value", allow_duplicate=True),
        Output("silence-new-modal", "opened", allow_duplicate=True),
        Input("silence-new", "n_clicks"),
        prevent_initial_call=True,
    )
    def new(clicks: Any) -> tuple[str, str, bool]:
        if not clicks:
            raise PreventUpdate
        return "", "", True

    @guarded(
        app,
        "alerts.silence",
        Output("silence-new-matchers", "value", allow_duplicate=True),
        Output("silence-new-comment", "value", allow_duplicate=True),
        Output("silence-new-modal", "opened", allow_duplicate=True),
        Input("silence-again", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def again(clicks: Any, search: Any) -> tuple[str, str, bool]:
        id = parse(search).get("silence")
        with reading(console.engine) as connection:
            one = queries.one(connection, id) if clicks and id else None
        if one is None:
            raise PreventUpdate
        return "\n".join(str(each) for each in one.matchers), one.comment, True


def _on_the_chosen(app: Dash, console: Console) -> None:
    """Extend and end the silence that the address names."""

    @guarded(
        app,
        "alerts.silence",
        Output("silences-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("silence-extend", "n_clicks"),
        State("silence-extend-for", "value"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def extend(clicks: Any, length: Any, search: Any) -> tuple[Any, Any]:
        longer = parse_duration(length) if isinstance(length, str) and length in LENGTHS else timedelta()

        def act(connection: Connection, id: str, who: str, now: datetime) -> None:
            one = silences.get(connection, id)
            spec = Spec(one.matchers, one.starts_at, one.ends_at + longer, one.comment)
            silences.change(connection, id, spec, who, now)

        return _done(console, clicks, search, act, mark("The silence lasts longer."))

    @guarded(
        app,
        "alerts.silence",
        Output("silences-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("silence-expire", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def expire(clicks: Any, search: Any) -> tuple[Any, Any]:
        return _done(console, clicks, search, silences.expire, mark("The silence has ended."))


def _done(
    console: Console,
    clicks: Any,
    search: Any,
    act: Callable[[Connection, str, str, datetime], object],
    sentence: str,
) -> tuple[Any, Any]:
    id = parse(search).get("silence")
    if not clicks or not id:
        raise PreventUpdate
    return _said(
        console, lambda connection, now: act(connection, id, current_viewer().name, now), speaking(console)(sentence)
    )


def _said(console: Console, act: Callable[[Connection, datetime], object], sentence: str) -> tuple[Any, Any]:
    """Do it in one transaction; a refusal is told as it was said."""
    _, now = speaking(console), console.clock()
    try:
        with writing(console.engine) as connection:
            act(connection, now)
    except SilenceError as error:
        return no_update, [notices.failed(_, told(str(error), _))]
    return now.isoformat(), [notices.done(_, sentence)]


def _deciding(app: Dash, console: Console) -> None:
    """Approve what another person proposed; reject it, or withdraw one's own."""

    @guarded(
        app,
        "alerts.approve",
        Output("silences-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Output("silence-approve-modal", "opened", allow_duplicate=True),
        Input("silence-approve", "n_clicks"),
        State("alerts-ids", "data"),
        prevent_initial_call=True,
    )
    def approve(clicks: Any, ids: Any) -> tuple[Any, ...]:
        chosen, _ = numbers(ids), speaking(console)
        if not clicks or not chosen:
            raise PreventUpdate
        who = current_viewer().name
        return *_said(
            console,
            lambda connection, now: proposals.approve(connection, chosen[0], who, now),
            _("The silence is approved and holds."),
        ), False

    @guarded(
        app,
        "alerts.silence",
        Output("silences-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Output("silence-reject-modal", "opened", allow_duplicate=True),
        Output("silence-reject-reason", "value"),
        Input("silence-reject", "n_clicks"),
        State("alerts-ids", "data"),
        State("silence-reject-reason", "value"),
        prevent_initial_call=True,
    )
    def reject(clicks: Any, ids: Any, reason: Any) -> tuple[Any, ...]:
        chosen, _, viewer = numbers(ids), speaking(console), current_viewer()
        if not clicks or not chosen:
            raise PreventUpdate
        why, may = reason if isinstance(reason, str) else "", viewer.may("alerts.approve")
        return (
            *_said(
                console,
                lambda connection, now: proposals.reject(connection, chosen[0], viewer.name, why, now, approves=may),
                _("The proposal is taken off."),
            ),
            False,
            "",
        )
