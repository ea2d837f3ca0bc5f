"""What came of a control on one day, and can it be run again? Every run of the day, and what people asked for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address
from dashboards.components.heat_map import STATES, day_path, state_of
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty
from dashboards.components.places import places
from dashboards.components.rerun import rerun_panel
from dashboards.components.speaking import speaking
from dashboards.components.states import outcome
from dashboards.context import Console, current_viewer
from dashboards.controls import ControlCard
from dashboards.locale import Say, mark
from dashboards.queries import day_runs
from dashboards.queries.rows import Row
from dashboards.rerunning import day_of

PATH = "/control-days/<control>/<day>"
TITLE = mark("Business day")
SHAPES = {"missing": "critical", "waiting": "unjudged", "none": "unjudged"}


def layout(_: Say, control: str, day: str) -> list[Any]:
    """Head, a sentence on the state of the day, and the runs with their form."""
    return [
        dcc.Store(id="rerun-of", data={"control": control, "day": day}),
        html.Div(id="day-head", className="page-head"),
        places("", _),
        html.Div([html.Div(id="day-said"), rerun_panel(current_viewer().may, _)], className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Head and state on every tick; `rerunning` has the rest."""

    @guarded(
        app,
        "see.reconciliation",
        Output("day-head", "children"),
        Output("day-said", "children"),
        Input("rerun-of", "data"),
        Input("live", "data"),
    )
    def refresh(of: Any, _tick: Any) -> tuple[Any, ...]:
        now, _ = console.clock(), speaking(console)
        with reading(console.engine) as connection:
            asked_of = day_of(connection, of)
            if asked_of is None:
                return html.H1(_("There is no such day")), empty(_("A day is written as 2026-01-31."))
            control, day, _here = asked_of
            runs = day_runs.runs_of_day(connection, control, day.isoformat())
        card = next((one for one in console.controls if one.name == control), None)
        due = card is not None and day in card.scheduled(day, day)
        state = state_of(runs[0] if runs else None, card, day, due, now)
        return render_head(control, day, card, state, runs, _), render(card, state, runs, now, _)


def render_head(control: str, day: date, card: ControlCard | None, state: str, runs: list[Row], _: Say) -> list[Any]:
    """Which control and day, its state, and the days beside it."""
    back = dcc.Link(
        [icon("back"), html.Span(_("All runs"), className="unseen")], href="/reconciliation", className="shell-tool"
    )
    name = control if card is None else card.called(_.language)
    mark_of = (
        outcome(runs[0]["outcome"], _)
        if runs
        else html.Span(
            [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(_(STATES[state]))],
            className=f"state state-{SHAPES.get(state, 'unjudged')}",
        )
    )
    beside = [
        dcc.Link(words, href=day_path(control, date.fromordinal(day.toordinal() + step)), className="chip")
        for words, step in ((_("day before"), -1), (_("day after"), 1))
        if date.min.toordinal() <= day.toordinal() + step <= date.max.toordinal()
    ]
    title = dcc.Link(f"{name} · {_.day(day)}", href=address("/reconciliation", {}, control=control))
    return [back, html.H1(title), mark_of, html.Div(className="grow"), *beside]


def render(card: ControlCard | None, state: str, runs: list[Row], now: datetime, _: Say) -> list[Any]:
    """The sentence on the state of the day, and as of when that is."""
    return [html.P(sentence(card, state, runs, _)), as_of(_, now)]


def sentence(card: ControlCard | None, state: str, runs: list[Row], _: Say) -> str:
    """What the state of the day means, and what can be done."""
    if card is None:
        return _("This control has no file in the configuration, so it cannot be run from here.")
    if runs and runs[0]["outcome"] == "refused":
        return _("Nothing was matched: a missing file is one fault, not a million breaks.")
    if runs:
        return _("The run that counts is the newest one.")
    if state == "missing":
        return _("The run of this day did not happen by its deadline. Ask for it here, once its files are there.")
    if state == "waiting":
        return _("The run of this day is not due yet.")
    return _("Nothing was due on this day.")
