"""What people do on the page Silences: make one, extend, end and make it again; approve and reject proposals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, State
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.muting import proposals, silences
from alerts.muting.silences import Spec
from core.duration import parse_duration
from core.store.open import reading
from dashboards.alert_doings import numbers
from dashboards.callbacks import guarded
from dashboards.components.alert_actions import LENGTHS
from dashboards.components.filters import parse
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.doing import Done, done
from dashboards.locale import mark
from dashboards.queries import silences as queries
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
    def extend(clicks: Any, length: Any, search: Any) -> Done:
        longer = parse_duration(length) if isinstance(length, str) and length in LENGTHS else timedelta()

        def act(connection: Connection, id: str, who: str, now: datetime) -> None:
            one = silences.get(connection, id)
            spec = Spec(one.matchers, one.starts_at, one.ends_at + longer, one.comment)
            silences.change(connection, id, spec, who, now)

        return _chosen(console, clicks, search, act, mark("The silence lasts longer."))

    @guarded(
        app,
        "alerts.silence",
        Output("silences-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("silence-expire", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def expire(clicks: Any, search: Any) -> Done:
        return _chosen(console, clicks, search, silences.expire, mark("The silence has ended."))


def _chosen(
    console: Console,
    clicks: Any,
    search: Any,
    act: Callable[[Connection, str, str, datetime], object],
    sentence: str,
) -> Done:
    """Do it to the silence that the address names."""
    id = parse(search).get("silence")
    if not clicks or not id:
        raise PreventUpdate
    who = current_viewer().name
    return done(console, lambda connection, now: act(connection, id, who, now), speaking(console)(sentence))


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
        return *done(
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
            *done(
                console,
                lambda connection, now: proposals.reject(connection, chosen[0], viewer.name, why, now, approves=may),
                _("The proposal is taken off."),
            ),
            False,
            "",
        )
