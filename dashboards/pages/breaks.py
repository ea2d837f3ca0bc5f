"""What has to be settled, by whom, until when? Every case under filters that live in the address, and work on several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.control_kpis import AGE_NAMES
from dashboards.components.filters import address, chips, parse
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of
from dashboards.components.places import export, places
from dashboards.components.speaking import speaking
from dashboards.components.values import money
from dashboards.components.words import CASE_STATE, LOSER, REASON, break_class, word
from dashboards.context import Console, current_viewer
from dashboards.controls import titles
from dashboards.locale import Say, mark
from dashboards.pages.break_case import SHAPES
from dashboards.queries import cases
from dashboards.queries.rows import Row
from dashboards.sentences import told
from reconciliation.desk import cases as desk
from reconciliation.desk.journal import DeskError

PATH = "/breaks"
TITLE = mark("Breaks")


def layout(_: Say) -> list[Any]:
    """Filters, what can be done with several, and the grid."""
    reasons = [{"value": code, "label": _(name)} for code, name in REASON.items()]
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="cases-load", className="head-note")], className="page-head"),
        places(PATH, _),
        html.Div(id="cases-filters", className="filters"),
        html.Section(
            [
                html.Div(
                    [
                        html.Span(id="cases-count", className="dim"),
                        html.Div(
                            [
                                dmc.Select(
                                    id="cases-reason",
                                    data=reasons,
                                    placeholder=_("Reason code"),
                                    size="xs",
                                    clearable=True,
                                    className="cases-reason",
                                    **{"aria-label": _("Reason code")},
                                ),
                                *_taking(_),
                            ],
                            id="cases-doing",
                            className="panel-actions",
                        ),
                        html.Div(id="cases-export"),
                    ],
                    className="panel-head",
                ),
                grid("cases-grid", columns(_), _, empty=_("No break fits these filters."), select=True),
                html.Div(id="cases-as-of", className="panel-foot"),
            ],
            className="panel ready",
        ),
        dcc.Store(id="cases-ids", data=[]),
        dcc.Store(id="cases-done"),
    ]


def _taking(_: Say) -> list[html.Button]:
    """The button that takes the chosen ones, for those who may; it can be pressed once something is chosen."""
    if not current_viewer().may("reconciliation.work"):
        return []
    return [html.Button([icon("person"), _("Take selected")], id="cases-take", className="button", type="button")]


def columns(_: Say) -> list[dict[str, Any]]:
    """The grid's columns; on a phone only the first ones stay (`assets/reconciliation.js`)."""
    right = {"cellClass": "grid-num", "headerClass": "grid-num", "sortable": False}
    return [
        {"field": "key", "headerName": _("Business key"), "minWidth": 170, "flex": 2, "cellRenderer": "LinkCell"},
        {"field": "class", "headerName": _("Class of break"), "minWidth": 160, "flex": 1, "tooltipField": "class"},
        {"field": "risk", "headerName": _("At risk"), "width": 116, **right},
        {"field": "state", "headerName": _("State"), "width": 146, "cellRenderer": "StateCell", "sortable": False},
        {"field": "due", "headerName": _("Deadline"), "width": 164, "cellRenderer": "StateCell", "sortable": False},
        {"field": "owner", "headerName": _("Owner"), "width": 104},
        {"field": "loser", "headerName": _("Who loses"), "width": 100},
        {"field": "reason", "headerName": _("Reason code"), "width": 140},
        {"field": "day", "headerName": _("Business day"), "width": 112},
        {"field": "control", "headerName": _("Control"), "minWidth": 170, "flex": 1, "tooltipField": "control"},
    ]


def register(app: Dash, console: Console) -> None:
    """Grid, filters and load on every tick; taking several at once."""

    @guarded(
        app,
        "see.reconciliation",
        Output("cases-grid", "rowData"),
        Output("cases-filters", "children"),
        Output("cases-load", "children"),
        Output("cases-count", "children"),
        Output("cases-export", "children"),
        Output("cases-as-of", "children"),
        Output("cases-doing", "hidden"),
        Input("url", "search"),
        Input("live", "data"),
        Input("cases-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        today, called = now.astimezone(console.timezone).date(), titles(console.controls, _.language)
        with reading(console.engine) as connection:
            rows = cases.cases(connection, now, today, filters)
            sums = cases.totals(connection, now, today, filters)
            choices = cases.choices(connection)
        n = sum(one["n"] for one in sums)
        return (
            grid_rows(rows, now, _, called),
            render_filters(filters, choices, _, called),
            render(sums, _),
            _counted(len(rows), n, _),
            export("breaks", filters, _),
            as_of(_, now),
            not current_viewer().may("reconciliation.work"),
        )

    @guarded(
        app,
        "reconciliation.work",
        Output("cases-done", "data"),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Output("cases-grid", "deselectAll"),
        Input("cases-take", "n_clicks"),
        State("cases-ids", "data"),
        State("cases-reason", "value"),
        prevent_initial_call=True,
    )
    def take(clicks: int | None, ids: list[int], code: str | None) -> tuple[Any, Any, Any]:
        """Take all of them, with the reason code if one is chosen, or none of them."""
        if not clicks or not ids:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        try:
            with writing(console.engine) as connection:
                desk.assign(connection, ids, who, who, now)
                if code:
                    desk.set_reason(connection, ids, who, code, now)
        except DeskError as error:
            return no_update, [notices.failed(_, told(str(error), _))], False
        said = _.many("One break is yours.", "{n} breaks are yours.", len(ids))
        return now.isoformat(), [notices.done(_, said)], True

    app.clientside_callback(
        ClientsideFunction("reconciliation", "chosen"),
        Output("cases-ids", "data"),
        Input("cases-grid", "selectedRows"),
    )
    app.clientside_callback(
        ClientsideFunction("reconciliation", "fit"),
        Output("cases-grid", "columnDefs"),
        Input("viewport", "data"),
        State("cases-grid", "columnDefs"),
    )


def _counted(shown: int, n: int, _: Say) -> str:
    if n > shown:
        return _("the first {shown} of {n} breaks", shown=_.number(shown), n=_.number(n))
    return _.many("one break", "{n} breaks", n)


def render_filters(
    filters: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
    _: Say,
    called: Mapping[str, str] = MappingProxyType({}),
) -> list[Any]:
    """Links that change one filter each; `called` are the titles of controls by name."""
    states = [("", _("not settled")), ("untouched", _("nothing proposed"))]
    states += [(code, _(name)) for code, name in CASE_STATE.items() if code != "open"]
    shown: list[Any] = [
        chips(_("State"), PATH, filters, "state", [*states, ("all", _("all"))]),
        chips(_("Age"), PATH, filters, "age", [("", _("all")), *((code, _(name)) for code, name in AGE_NAMES.items())]),
        chips(_("Deadline"), PATH, filters, "late", [("", _("all")), ("yes", _("past"))]),
        chips(_("Owner"), PATH, filters, "owner", _owners(choices["owner"], filters, _)),
    ]
    words: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("control", _("Control"), lambda name: called.get(name, name)),
        ("class", _("Class of break"), lambda name: break_class(name, _)),
    )
    for name, label, said in words:
        if len(choices[name]) > 1 or filters.get(name):
            options = [("", _("all")), *((one, said(one)) for one in choices[name])]
            shown.append(chips(label, PATH, filters, name, options))
    if filters.get("loser"):
        shown.append(_taken_away("loser", word(LOSER, filters["loser"], _), filters))
    if filters.get("q"):
        shown.append(_taken_away("q", filters["q"], filters))
    return shown


def _owners(known: Sequence[str], filters: Mapping[str, str], _: Say) -> list[tuple[str, str]]:
    me = _viewer()
    some = [name for name in known[:8] if name != me]
    if filters.get("owner") and filters["owner"] not in (*some, me, "none"):
        some.append(filters["owner"])
    return [("", _("all")), ("none", _("nobody")), *([(me, _("me"))] if me else []), *((name, name) for name in some)]


def _viewer() -> str:
    try:
        return current_viewer().name
    except LookupError:  # rendered outside of a request
        return ""


def _taken_away(name: str, words: str, filters: Mapping[str, str]) -> dcc.Link:
    return dcc.Link([words, icon("close")], href=address(PATH, filters, **{name: ""}), className="chip chip-on")


def render(sums: Sequence[Row], _: Say) -> list[Any]:
    """How much money, how many are late, how many nobody has."""
    late, nobody = sum(one["late"] for one in sums), sum(one["nobody"] for one in sums)
    return [
        *(html.Span(_("{money} at risk", money=money(one["at_risk_minor"], one["currency"], _))) for one in sums),
        html.Span(_("{n} late", n=_.number(late)), className="flood" if late else ""),
        html.Span(_("{n} with nobody", n=_.number(nobody))),
    ]


def grid_rows(
    rows: Sequence[Row], now: datetime, _: Say, called: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Rows as the grid shows them; `called` are the titles of controls by name."""
    return [
        {
            "id": str(row["id"]),
            "key": {
                "text": row["business_key"],
                "href": f"{PATH}/{row['id']}",
            },
            "class": break_class(row["class"], _),
            "risk": money(row["at_risk_minor"], row["currency"], _),
            "state": {"status": SHAPES.get(row["state"], "ok"), "word": word(CASE_STATE, row["state"], _)},
            "control": called.get(row["control"], row["control"]),
            "loser": word(LOSER, row["loser"], _),
            "owner": row["owner"] or _("nobody"),
            "reason": word(REASON, row["reason_code"] or "", _) or "–",
            "day": row["business_day"],
            "due": _due(row, now, _),
        }
        for row in rows
    ]


def _due(row: Row, now: datetime, _: Say) -> dict[str, str]:
    if row["closed_at"] is not None:
        return {"status": "ok", "word": _("settled")}
    left_s = (row["deadline"] - now).total_seconds()
    if left_s < 0:
        return {"status": "critical", "word": _("late by {age}", age=_.age(-left_s))}
    return {"status": "unjudged", "word": _("{age} left", age=_.age(left_s))}


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """The breaks that the list shows with these filters, as rows of text."""
    now = console.clock()
    today: date = now.astimezone(console.timezone).date()
    with reading(console.engine) as connection:
        rows = cases.cases(connection, now, today, filters)
    names = (
        "id", "control", "business_day", "business_key", "kind", "class", "loser", "at_risk_minor", "currency", "state",
        "owner", "reason_code", "deadline", "opened_at", "closed_at", "ticket_id",
    )  # fmt: skip
    return [list(names), *([_plain(row[name]) for name in names] for row in rows)]


def _plain(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
