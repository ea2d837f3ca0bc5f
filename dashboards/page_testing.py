"""The test page of On-call: one test message to a person or a receiver, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate

from alerts.config import RoutesFile
from alerts.occurrences import AnyRow
from alerts.oncall import trying
from alerts.oncall.commands import OnCallError
from alerts.oncall.config import PERSON, OnCallFile
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.icons import icon
from dashboards.components.on_call_lanes import shown
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.words import CHANNEL, DELIVERY_STATE, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say
from dashboards.sentences import told

SHOWN_WITHIN = timedelta(days=7)
SHAPES = {"sent": "ok", "merged": "ok", "settled": "ok", "pending": "warning", "dead": "critical"}


def trial_panel(works: bool, _: Say) -> html.Section:
    """Whom to test, the button for who may, and what came of the latest tests."""
    form = html.Div(
        [
            dmc.Select(
                id="on-call-test-receiver",
                label=_("Whom to test"),
                data=[],
                searchable=True,
                size="sm",
                className="grow",
            ),
            html.Button([icon("send"), _("Send a test")], id="on-call-test", className="button", type="button"),
        ],
        className="form-line",
    )
    hint = html.P(
        _("It says that it is a test, goes the way that every message goes, and opens no alert."), className="dim small"
    )
    return panel(_("Test page"), [*([form, hint] if works else []), html.Div(id="on-call-tests")])


def register_testing(app: Dash, console: Console) -> None:
    """Send a test; show what came of the latest ones on every tick."""

    @guarded(
        app,
        "see.oncall",
        Output("on-call-tests", "children"),
        Input("live", "data"),
        Input("on-call-done", "data"),
    )
    def results(_tick: Any, _done: Any) -> Any:
        now, _ = console.clock(), speaking(console)
        with reading(console.engine) as connection:
            found = trying.latest_tests(connection, now - SHOWN_WITHIN)
        return render_tests(found, console.oncall, now, _)

    @guarded(app, "oncall.work", Output("on-call-test-receiver", "data"), Input("on-call-test-receiver", "id"))
    def choices(_id: Any) -> list[dict[str, str]]:
        return choices_of(console.routes, console.oncall, speaking(console))

    @guarded(
        app,
        "oncall.work",
        Output("on-call-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("on-call-test", "n_clicks"),
        State("on-call-test-receiver", "value"),
        prevent_initial_call=True,
    )
    def send(clicks: Any, receiver: Any) -> tuple[Any, Any]:
        if not clicks:
            raise PreventUpdate
        _, now, name = speaking(console), console.clock(), receiver if isinstance(receiver, str) else ""
        if not name:
            return no_update, [notices.failed(_, _("Choose whom to test; nothing was sent."))]
        try:
            with writing(console.engine) as connection:
                who = current_viewer().name
                trying.send_test(connection, console.routes, name, who, now, console.external_url)
        except OnCallError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, _("The test is on its way; below stands what comes of it."))]


def choices_of(routes: RoutesFile, file: OnCallFile, _: Say) -> list[dict[str, str]]:
    """People first, then the receivers of routes.yaml."""
    return [{"value": name, "label": _named(name, file, _)} for name in trying.receivers_of(routes)]


def render_tests(found: Sequence[AnyRow], file: OnCallFile, now: datetime, _: Say) -> list[Any]:
    """What came of the latest tests: delivered, waiting and why, or given up and why."""
    if not found:
        return [empty(_("Nobody was tested in the last seven days.")), as_of(_, now)]
    return [html.Ul([_line(row, file, now, _) for row in found], className="list"), as_of(_, now)]


def _line(row: AnyRow, file: OnCallFile, now: datetime, _: Say) -> html.Li:
    state = html.Span(
        [
            html.Span(className="state-shape", **{"aria-hidden": "true"}),
            html.Span(word(DELIVERY_STATE, row.state, _), className="state-word"),
        ],
        className=f"state state-{SHAPES.get(row.state, 'unknown')}",
    )
    after = row.done_at - row.created_at if row.done_at is not None else now - row.created_at
    took = _("after {age}", age=_.age(after.total_seconds()))
    why = f": {told(row.last_error, _)}" if row.last_error else ""
    where = f"{_named(row.receiver, file, _)} · {word(CHANNEL, row.channel, _)}"
    return html.Li(
        [
            html.Div([html.B(where), html.Div(_.instant(row.created_at), className="row-why")], className="grow"),
            state,
            html.Span(f"{took}{why}", className="dim"),
        ],
        className="on-call-change",
    )


def _named(receiver: str, file: OnCallFile, _: Say) -> str:
    if receiver.startswith(PERSON):
        return shown(file, receiver.removeprefix(PERSON), _)
    return receiver
