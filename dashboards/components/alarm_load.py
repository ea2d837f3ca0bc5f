"""The load that alerts are to people, and where it comes from; every number leads to the alerts that it counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.panels import as_of, empty, number, panel
from dashboards.components.states import state
from dashboards.components.words import STATUS, word
from dashboards.locale import Say, mark
from dashboards.queries.alarm_load import FINE, FLOOD, MEANT
from dashboards.queries.rows import Row

PATH = "/alerts"
JUDGEMENT = {
    "fine": ("ok", mark("fine")),
    "busy": ("warning", mark("busy")),
    "flood": ("critical", mark("a flood")),
}


def alarm_load(load: Row, now: datetime, _: Say) -> html.Section:
    """`load` is what `queries.alarm_load.burden` found."""
    return panel(
        _("Alarm load"),
        [
            html.Div(_numbers(load, _), className="numbers load-numbers"),
            html.P(_rule(load, _), className="dim small"),
            html.Div([_sources(load, _), _spread(load, _)], className="columns columns-2 load-columns"),
        ],
        id="alarm-load",
        footer=as_of(_, now),
    )


def _numbers(load: Row, _: Say) -> list[Any]:
    status, judged = JUDGEMENT[load["judgement"]]
    shape = "" if status == "ok" else status
    each = _.number(load["each_now"], 1)
    return [
        number(
            each,
            _("an operator, last 10 min: {judged}", judged=_(judged)),
            address(PATH, {"state": "all", "opened": "10m"}),
            shape,
        ),
        number(
            _.number(load["each_mean"], 1),
            _("an operator in 10 min, mean of 24 h"),
            address(PATH, {"state": "all", "opened": "24h"}),
            "" if load["each_mean"] <= FINE else "warning",
        ),
        number(
            _.number(load["stale"]),
            _("stale: open over a day, untouched"),
            address(PATH, {"stale": "yes"}),
            "warning" if load["stale"] else "",
        ),
        number(_.number(load["waiting"]), _("not acknowledged"), address(PATH, {"acknowledged": "no"})),
    ]


def _rule(load: Row, _: Say) -> str:
    people = load["operators"]
    known = (
        _.many("one operator on duty", "{n} operators on duty", people) if people else _("nobody known to be on duty")
    )
    return _(
        "{people}; {fine} in 10 minutes an operator is fine, more than {flood} are a flood.",
        people=known,
        fine=FINE,
        flood=FLOOD,
    )


def _sources(load: Row, _: Say) -> html.Div:
    if not load["sources"]:
        return html.Div([html.H3(_("Worst sources, 24 h")), empty(_("Nothing opened in 24 hours."))])
    most = max(count for _name, count in load["sources"])
    lines = [
        html.Li(
            dcc.Link(
                [
                    html.Span(name, className="load-name"),
                    html.Span(
                        html.Span(className="fill", style={"width": f"{100 * count / most:.0f}%"}), className="meter"
                    ),
                    html.Span(_.number(count), className="load-count"),
                ],
                href=address(PATH, {"state": "all", "opened": "24h", "target": name}),
                className="load-line",
            )
        )
        for name, count in load["sources"]
    ]
    return html.Div([html.H3(_("Worst sources, 24 h")), html.Ol(lines, className="list load-list")])


def _spread(load: Row, _: Say) -> html.Div:
    total = sum(load["spread"].values())
    lines = []
    for severity in ("critical", "warning", "unknown"):
        count = load["spread"].get(severity, 0)
        share = count / total if total else 0.0
        meant = MEANT.get(severity)
        note = _("meant: at most {share}", share=_.share(meant, 0)) if meant is not None else _("meant: what can wait")
        over = meant is not None and share > meant
        if over:
            note = _("{note} – too many", note=note)
        lines.append(
            html.Li(
                dcc.Link(
                    [
                        state(severity, _),
                        html.Span(f"{_.share(share, 0)} ({_.number(count)})", className="load-count"),
                        html.Span(note, className="dim" + (" load-over" if over else "")),
                    ],
                    href=address(PATH, {"state": "all", "opened": "24h", "severity": severity}),
                    className="load-line",
                    title=word(STATUS, severity, _),
                )
            )
        )
    return html.Div([html.H3(_("Spread of priorities, 24 h")), html.Ul(lines, className="list load-list load-spread")])
