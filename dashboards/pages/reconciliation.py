"""Did every control run, and did it balance? Controls over days, and every run with its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.values import money
from dashboards.components.words import OUTCOME, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import reconciliation
from dashboards.queries.rows import Row

PATH = "/reconciliation"
TITLE = mark("Reconciliation")
DAYS = 14
STATUS = {"clean": "ok", "breaks": "critical", "refused": "unknown"}


def layout(_: Say) -> list[Any]:
    """Filters, the map of controls and days, and the list of runs."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="runs-count", className="head-note")], className="page-head"),
        html.Div(id="runs-filters", className="filters"),
        html.Div(id="runs", className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the runs again on every tick."""

    @guarded(
        app,
        "see.reconciliation",
        Output("runs", "children"),
        Output("runs-filters", "children"),
        Output("runs-count", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = reconciliation.runs(connection)
        today = now.astimezone(console.timezone).date()
        shown = [
            row for row in rows if all(filters.get(name, row[name]) == row[name] for name in ("control", "outcome"))
        ]
        return (
            render(rows, shown, today, now, _),
            render_filters(rows, filters, _),
            _.many("one run", "{n} runs", len(shown)),
        )


def render_filters(rows: list[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that choose outcome and control."""
    controls = sorted({row["control"] for row in rows})
    shown = [
        chips(
            _("Outcome"),
            PATH,
            filters,
            "outcome",
            [("", _("all")), *((code, _(name)) for code, name in OUTCOME.items())],
        )
    ]
    if len(controls) > 1:
        shown.append(
            chips(_("Control"), PATH, filters, "control", [("", _("all")), *((name, name) for name in controls)])
        )
    elif filters.get("control"):
        shown.append(
            dcc.Link(
                [filters["control"], icon("close")], href=address(PATH, filters, control=""), className="chip chip-on"
            )
        )
    return shown


def render(rows: list[Row], shown: list[Row], today: date, now: datetime, _: Say) -> list[Any]:
    """The map, then the list."""
    if not rows:
        return [
            panel(
                _(TITLE),
                empty(_("No control has run yet. The first run appears here with its outcome, refused ones too.")),
                footer=as_of(_, now),
            )
        ]
    return [
        panel(
            _("Controls over the last {n} business days", n=DAYS),
            _map(rows, today, _),
            footer=as_of(_, now),
            className="panel-flush",
        ),
        panel(_("Runs"), _list(shown, _), footer=as_of(_, now), className="panel-flush"),
    ]


def _map(rows: list[Row], today: date, _: Say) -> Any:
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    latest: dict[tuple[str, str], Row] = {}
    for row in rows:  # newest first, so the first of a day is the one that counts
        latest.setdefault((row["control"], row["business_day"]), row)
    controls = sorted({row["control"] for row in rows})
    head = html.Tr([html.Th(_("Control")), *(html.Th(day.strftime("%m-%d"), className="cell-head") for day in days)])
    lines = [
        html.Tr(
            [
                html.Th(control, scope="row"),
                *(html.Td(_cell(latest.get((control, day.isoformat())), day, _), className="cell") for day in days),
            ]
        )
        for control in controls
    ]
    return html.Div(html.Table([html.Thead(head), html.Tbody(lines)], className="table heat"), className="table-wrap")


def _cell(row: Row | None, day: date, _: Say) -> Any:
    if row is None:
        return html.Span(
            state("unjudged", _, quiet=True), title=f"{_.day(day)}: {_('no run')}", className="heat-cell heat-none"
        )
    said = f"{_.day(day)}: {word(OUTCOME, row['outcome'], _)}"
    number = _.number(row["breaks"]) if row["breaks"] else ""
    return dcc.Link(
        [
            html.Span(
                className=f"state state-{STATUS.get(row['outcome'], 'unknown')} bare-state",
                children=html.Span(className="state-shape"),
            ),
            number,
            html.Span(said, className="unseen"),
        ],
        href=f"{PATH}/{row['id']}",
        className=f"heat-cell heat-{row['outcome']}",
        title=said,
    )


def _list(rows: list[Row], _: Say) -> Any:
    if not rows:
        return html.Div(empty(_("No run fits these filters.")), className="row")
    head = html.Tr(
        [
            html.Th(_("Business day")),
            html.Th(_("Control")),
            html.Th(_("Outcome")),
            html.Th(_("Breaks"), className="num"),
            html.Th(_("At risk"), className="num"),
            html.Th(_("Carried"), className="num wide-only"),
            html.Th(_("Rejected rows"), className="num wide-only"),
            html.Th(_("Finished"), className="num wide-only"),
        ]
    )
    return html.Div(
        html.Table([html.Thead(head), html.Tbody([_run(row, _) for row in rows[:200]])], className="table"),
        className="table-wrap",
    )


def _run(row: Row, _: Say) -> html.Tr:
    reasons = [html.Div(reason, className="row-why") for reason in row["reasons"]]
    return html.Tr(
        [
            html.Td(dcc.Link(row["business_day"], href=f"{PATH}/{row['id']}")),
            html.Td([row["control"], " ", *([demo(_)] if row["demo"] else [])]),
            html.Td([outcome(row["outcome"], _), *reasons]),
            html.Td(_.number(row["breaks"]), className="num"),
            html.Td(money(row["at_risk_minor"], row["currency"], _), className="num"),
            html.Td(_.number(row["carried"]), className="num wide-only"),
            html.Td(_.number(row["rejected"]), className="num wide-only"),
            html.Td(_.instant(row["finished_at"]), className="num dim wide-only"),
        ]
    )


def outcome(code: str, _: Say) -> html.Span:
    """The outcome of a run as colour, shape and word."""
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(word(OUTCOME, code, _))],
        className=f"state state-{STATUS.get(code, 'unknown')}",
    )
