"""Did every control run, and did it balance? Controls over days, what they achieve, and every run with its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components import control_kpis
from dashboards.components.filters import address, chips, parse
from dashboards.components.heat_map import STATES, Line, heat_map, lines, span
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.places import export, places
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, outcome
from dashboards.components.values import money
from dashboards.components.words import OUTCOME, SIGNATURE, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import cases, day_runs, reconciliation
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/reconciliation"
TITLE = mark("Reconciliation")
DAYS = ("14", "31")
RUNS = 200
"""Runs that the list shows at most; the map and the export have all of them."""


def layout(_: Say) -> list[Any]:
    """Filters, the map of controls and days, their figures, and the list of runs."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="runs-count", className="head-note")], className="page-head"),
        places(PATH, _),
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
        today = now.astimezone(console.timezone).date()
        days = span(today, days_of(filters))
        with reading(console.engine) as connection:
            rows = reconciliation.latest(connection, days[0], today)
            first_days = reconciliation.first_days(connection)
            waiting = cases.open_by_control(connection, now, today)
            asked = day_runs.asked_for(connection)
        found = lines(rows, console.controls, first_days, days, now, asked)
        shown = chosen(found, filters)
        names = {line.name for line in shown}
        fitting = [row for row in rows if row["control"] in names and fits(row, filters)]
        return (
            render(shown, fitting, [row for row in waiting if row["control"] in names], filters, today, now, _),
            render_filters(found, filters, _),
            _.many("one run", "{n} runs", len(fitting)),
        )


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """The map as it is shown with these filters, as rows of text."""
    now = console.clock()
    today = now.astimezone(console.timezone).date()
    days = span(today, days_of(filters))
    with reading(console.engine) as connection:
        rows = reconciliation.latest(connection, days[0], today)
        first_days = reconciliation.first_days(connection)
    return listed(chosen(lines(rows, console.controls, first_days, days, now), filters), _)


def days_of(filters: Mapping[str, str]) -> int:
    """How many business days the address asks for."""
    return int(filters["days"]) if filters.get("days") in DAYS else int(DAYS[0])


def chosen(found: Sequence[Line], filters: Mapping[str, str]) -> list[Line]:
    """The lines that fit: of that control, of that owner, and with a day in that state."""
    return [
        line
        for line in found
        if filters.get("control", line.name) == line.name
        and filters.get("owner", _owner(line)) == _owner(line)
        and ("state" not in filters or any(cell.state == filters["state"] for cell in line.cells))
    ]


def fits(row: Row, filters: Mapping[str, str]) -> bool:
    """Whether a run fits the filter of outcomes."""
    return bool(filters.get("outcome", row["outcome"]) == row["outcome"])


def _owner(line: Line) -> str:
    return line.card.owner if line.card else ""


def render_filters(found: Sequence[Line], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that choose days, state, owner and outcome, and one that takes the control away again."""
    present = [code for code in STATES if any(cell.state == code for line in found for cell in line.cells)]
    owners = sorted({_owner(line) for line in found} - {""})
    shown: list[Any] = [
        chips(_("Days"), PATH, filters, "days", [(n, n) for n in DAYS], DAYS[0]),
        chips(
            _("With a day"), PATH, filters, "state", [("", _("all")), *((code, _(STATES[code])) for code in present)]
        ),
        chips(
            _("Outcome"),
            PATH,
            filters,
            "outcome",
            [("", _("all")), *((code, _(name)) for code, name in OUTCOME.items())],
        ),
    ]
    if owners:
        shown.append(chips(_("Owner"), PATH, filters, "owner", [("", _("all")), *((one, one) for one in owners)]))
    if filters.get("control"):
        shown.append(
            dcc.Link(
                [_named(found, filters["control"], _), icon("close")],
                href=address(PATH, filters, control=""),
                className="chip chip-on",
            )
        )
    return shown


def _named(found: Sequence[Line], control: str, _: Say) -> str:
    return next((line.called(_) for line in found if line.name == control), control)


def render(
    found: Sequence[Line],
    rows: Sequence[Row],
    waiting: Sequence[Row],
    filters: Mapping[str, str],
    today: date,
    now: datetime,
    _: Say,
) -> list[Any]:
    """The map, the figures of all controls and of each, the ages of open cases, then the runs."""
    if not found:
        sentence = _("No control has run yet. The first run appears here with its outcome, refused ones too.")
        if filters:
            sentence = _("No control fits these filters.")
        return [panel(_(TITLE), empty(sentence), footer=as_of(_, now))]
    days = len(found[0].cells)
    return [
        control_kpis.figures(found, waiting, _),
        panel(
            _("Controls over the last {n} business days", n=days),
            heat_map(found, PATH, _),
            footer=as_of(_, now),
            actions=[export("reconciliation", filters, _)],
            className="panel-flush",
        ),
        html.Div(
            [
                panel(
                    _("What the controls achieve in {n} days", n=days),
                    control_kpis.table(found, waiting, today, _),
                    footer=as_of(_, now),
                    className="panel-flush",
                ),
                panel(_("Age of the open cases"), control_kpis.ageing(waiting, filters, _), footer=as_of(_, now)),
            ],
            className="columns columns-wide",
        ),
        panel(
            _("Runs"),
            _list(rows, {line.name: line.called(_) for line in found}, _),
            footer=as_of(_, now),
            className="panel-flush",
        ),
    ]


def _list(rows: Sequence[Row], titles: Mapping[str, str], _: Say) -> Any:
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
            html.Th(_("Signed"), className="wide-only"),
            html.Th(_("Finished"), className="num wide-only"),
        ]
    )
    newest = sorted(rows, key=lambda row: (row["business_day"], row["finished_at"]), reverse=True)
    table = html.Table(
        [html.Thead(head), html.Tbody([_run(row, titles, _) for row in newest[:RUNS]])], className="table runs"
    )
    return html.Div(table, className="table-wrap")


def _run(row: Row, titles: Mapping[str, str], _: Say) -> html.Tr:
    reasons = [html.Div(told(reason, _), className="row-why") for reason in row["reasons"]]
    signed = row["act"] in ("prepared", "reviewed")
    return html.Tr(
        [
            html.Td(dcc.Link(row["business_day"], href=f"{PATH}/{row['id']}")),
            html.Td(
                [titles.get(row["control"], row["control"]), " ", *([demo(_)] if row["demo"] else [])],
                title=row["control"],
            ),
            html.Td([outcome(row["outcome"], _), *reasons]),
            html.Td(_.number(row["breaks"]), className="num"),
            html.Td(money(row["at_risk_minor"], row["currency"], _), className="num"),
            html.Td(_.number(row["carried"]), className="num wide-only"),
            html.Td(_.number(row["rejected"]), className="num wide-only"),
            html.Td(f"{word(SIGNATURE, row['act'], _)}: {row['signer']}" if signed else "–", className="dim wide-only"),
            html.Td(_.instant(row["finished_at"]), className="num dim wide-only"),
        ]
    )


def listed(found: Sequence[Line], _: Say) -> list[list[str]]:
    """The map as rows of text for an export: a heading, then a row for each control and day."""
    heads = [
        _("Control"), _("Business day"), _("State"), _("Breaks"), _("At risk (minor units)"), _("Currency"), _("Carried"),
        _("Rejected rows"), _("Keys"), _("Matched"), _("Signature"), _("Who"),
    ]  # fmt: skip
    body = []
    for line in found:
        for cell in line.cells:
            row: Mapping[str, Any] = cell.row or {}
            names = ("breaks", "at_risk_minor", "currency", "carried", "rejected", "keys", "matched")
            shown = ["" if row.get(name) is None else str(row[name]) for name in names]
            act = row.get("act")
            signed = [word(SIGNATURE, act, _), str(row["signer"])] if act else ["", ""]
            body.append([line.name, cell.day.isoformat(), _(STATES[cell.state]), *shown, *signed])
    return [heads, *body]
