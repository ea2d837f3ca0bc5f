"""The runs of a day of a control, who asked for another one and what came of it, and the form by which that is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboards.components.icons import icon
from dashboards.components.panels import empty
from dashboards.components.states import outcome
from dashboards.components.words import SIGNATURE, word
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row
from dashboards.sentences import told

STATES = {
    "waiting": mark("waiting"),
    "running": mark("running"),
    "done": mark("done"),
    "failed": mark("could not be run"),
}
SHAPES = {"waiting": "unjudged", "running": "unjudged", "done": "ok", "failed": "critical"}


def day_runs(runs: Sequence[Row], here: int | None, _: Say) -> Any:
    """Every run of the day, the newest first; `here` is the one whose page this is."""
    if not runs:
        return empty(_("There is no run of this day."))
    lines = []
    for at, row in enumerate(runs):
        name = _("run {n}", n=row["id"])
        shown = html.B(name) if row["id"] == here else dcc.Link(name, href=f"/reconciliation/{row['id']}")
        signed = (
            [html.Span(f"{word(SIGNATURE, row['act'], _)}: {row['signer']}", className="dim")] if row["act"] else []
        )
        before = []
        if at + 1 < len(runs):
            link = f"/reconciliation/{row['id']}/compare"
            before = [dcc.Link(_("compare with the run before"), href=link, className="day-compare")]
        when = html.Span(_.instant(row["finished_at"]), className="dim")
        lines.append(html.Li([shown, outcome(row["outcome"], _), when, *signed, *before]))
    return html.Ul(lines, className="day-runs")


def requests(asked: Sequence[Row], _: Say) -> list[Any]:
    """Who asked for a run, when and why, and what came of it, the newest first."""
    return [_request(one, _) for one in asked]


def _request(one: Row, _: Say) -> html.Div:
    state = one["state"]
    words: Any = _(STATES[state])
    if state == "done":
        words = dcc.Link(_("done: run {n}", n=one["run_id"]), href=f"/reconciliation/{one['run_id']}")
    since = {"running": one["begun_at"], "done": one["ended_at"], "failed": one["ended_at"]}.get(state)
    came = [
        html.Span(
            [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(words)],
            className=f"state state-{SHAPES[state]}",
        ),
        *([html.Span(f" · {_.instant(since)}", className="dim")] if since else []),
    ]
    fault = [html.Span(told(one["fault"], _), className="event-detail")] if one["fault"] else []
    return html.Div(
        [
            html.Span(_.instant(one["asked_at"]), className="event-at"),
            html.Span(
                [_("asked for by {who}", who=one["asked_by"]), html.Span(f" · {one['reason']}", className="dim")]
            ),
            html.Span(came, className="event-detail"),
            *fault,
        ],
        className="event",
    )


def rerun_panel(may: Callable[[str], bool], _: Say) -> html.Section:
    """The panel with everything of the above; its form stays while the rest is renewed, so that nothing typed is lost.

    The button is left out for those who have no right to it: Dash asks once for each button that is put in place.
    """
    button = html.Button([icon("clock"), _("Ask for a run")], id="rerun-ask", className="button", type="button")
    form = html.Div(
        [
            html.P(id="rerun-signed", className="dim"),
            dmc.Textarea(id="rerun-reason", label=_("Reason for the run"), autosize=True, minRows=1, size="sm"),
            *([button] if may("reconciliation.run") else []),
        ],
        id="rerun-form",
        className="form rerun-form",
        hidden=True,
    )
    return html.Section(
        [
            html.Div(html.H2(_("Runs of this day")), className="panel-head"),
            html.Div([html.Div(id="rerun-runs"), html.Div(id="rerun-asked"), form], className="panel-body"),
            html.Div(id="rerun-as-of", className="panel-foot"),
            dcc.Store(id="rerun-done"),
        ],
        className="panel",
    )


def about_signature(runs: Sequence[Row], _: Say) -> str:
    """What another run does to the signatures of the latest one; nothing where there is none."""
    if not runs or runs[0]["act"] not in ("prepared", "reviewed"):
        return ""
    return _("Run {n} has signatures: with the same files they stay, with others a new run that nobody has signed counts.",
             n=runs[0]["id"])  # fmt: skip
