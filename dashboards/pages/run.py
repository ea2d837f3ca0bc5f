"""Does it foot? One run: from file to file, what each party brought and whether it ties, its causes, breaks and signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from core.store.open import reading
from dashboards import files
from dashboards.callbacks import guarded
from dashboards.components.equation import equation
from dashboards.components.filters import chips, parse, whole
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.places import places
from dashboards.components.rerun import rerun_panel
from dashboards.components.run_breaks import chosen, columns, grid_rows
from dashboards.components.run_facts import about, causes
from dashboards.components.sign_off import sign_forms
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, outcome
from dashboards.components.tie_out import break_classes, party_ties, run_figures
from dashboards.components.waterfall import steps, waterfall
from dashboards.components.words import PARTY, party_order, word
from dashboards.context import Console, current_viewer
from dashboards.controls import titles
from dashboards.locale import Say, mark
from dashboards.queries import reconciliation
from dashboards.queries.rows import Row
from dashboards.rerunning import register_rerunning
from dashboards.sentences import told
from dashboards.signing import register_signing

PATH = "/reconciliation/<run>"
TITLE = mark("Run")
UNITS = {"rows": mark("rows"), "money": mark("money")}


def layout(_: Say, run: str) -> list[Any]:
    """Head, tie-out and classes, signatures and the runs of the day with their forms, and the grid of breaks."""
    return [
        dcc.Store(id="run-id", data=run),
        dcc.Store(id="run-done"),
        dcc.Store(id="run-columns"),
        dcc.Store(id="rerun-of", data={"run": run}),
        html.Div(id="run-head", className="page-head"),
        places("", _),
        html.Div(id="run-body", className="page-body"),
        html.Div(
            [
                html.Section(
                    [
                        html.Div(html.H2(_("Sign-off")), className="panel-head"),
                        html.Div(
                            [html.Div(id="run-signatures"), sign_forms(current_viewer().may, _)], className="panel-body"
                        ),
                        html.Div(id="run-signed-as-of", className="panel-foot"),
                    ],
                    className="panel",
                ),
                html.Div([html.Div(id="run-files"), rerun_panel(current_viewer().may, _)], className="page-body"),
            ],
            className="columns columns-2",
        ),
        html.Section(
            [
                html.Div(
                    [html.H2(_("Breaks")), html.Div(id="run-chosen", className="panel-actions")], className="panel-head"
                ),
                grid("run-breaks", columns((), _), _, empty=_("No break of this kind. Every key was matched.")),
                html.Div(id="run-as-of", className="panel-foot"),
            ],
            id="run-breaks-panel",
            className="panel ready",
        ),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the run; its breaks follow the class in the address."""

    @guarded(
        app,
        "see.reconciliation",
        Output("run-head", "children"),
        Output("run-body", "children"),
        Output("run-columns", "data"),
        Output("run-breaks", "rowData"),
        Output("run-chosen", "children"),
        Output("run-as-of", "children"),
        Output("run-files", "children"),
        Output("run-breaks-panel", "hidden"),
        Input("run-id", "data"),
        Input("url", "search"),
    )
    def refresh(run: str, search: str) -> tuple[Any, ...]:
        """A finished run never changes, so it follows the address and no tick."""
        filters, number, _ = parse(search), whole(run), speaking(console)
        with reading(console.engine) as connection:
            row = None if number is None else reconciliation.run(connection, number)
            if row is None:
                gone = html.H1(_("There is no such run")), empty(_("It may have been removed."))
                return *gone, [], [], None, None, None, True
            wanted = filters.get("class", "")
            read: dict[str, Any] = {
                "classes": reconciliation.by_class(connection, row["id"]),
                "presence": reconciliation.presence(connection, row["id"]),
                "before": reconciliation.chain(connection, row),
                "files": files.there(console.home, row),
            }
            breaks = reconciliation.breaks(connection, row["id"], (wanted,) if wanted else ())
            known = reconciliation.cases_of(connection, row)
            beside = reconciliation.neighbours(connection, row["control"], row["business_day"])
            beside |= reconciliation.of_same_day(connection, row)
        path = f"/reconciliation/{row['id']}"
        parties = party_order(row["certificate"] or {})
        return (
            render_head(row, beside, _, titles(console.controls, _.language)),
            render(row, read, filters, _),
            columns(parties, _),
            grid_rows(breaks, row["currency"], parties, known, _),
            chosen(filters, len(breaks), path, _),
            as_of(_, row["finished_at"], dated=True),
            files_panel(row, read["files"], _),
            row["kind"] == "equation" or row["outcome"] == "refused",
        )

    app.clientside_callback(
        ClientsideFunction("reconciliation", "pinned"),
        Output("run-breaks", "columnDefs"),
        Input("viewport", "data"),
        Input("run-columns", "data"),
        State("run-breaks", "columnDefs"),
    )
    register_signing(app, console)
    register_rerunning(app, console)


def render_head(
    row: Row, beside: Mapping[str, int], _: Say, called: Mapping[str, str] = MappingProxyType({})
) -> list[Any]:
    """Which run, its outcome, and the days beside it; `called` are the titles of controls by name."""
    return [
        dcc.Link(
            [icon("back"), html.Span(_("All runs"), className="unseen")], href="/reconciliation", className="shell-tool"
        ),
        html.H1(f"{called.get(row['control'], row['control'])} · {row['business_day']}", title=row["control"]),
        outcome(row["outcome"], _),
        *([demo(_)] if row["demo"] else []),
        html.Div(className="grow"),
        *(
            [dcc.Link(_("compare with the run before"), href=f"/reconciliation/{row['id']}/compare", className="chip")]
            if "earlier" in beside
            else []
        ),
        *(
            [
                dcc.Link(
                    _("newer run of this day"), href=f"/reconciliation/{beside['newest']}", className="chip chip-newer"
                )
            ]
            if "newest" in beside
            else []
        ),
        *(
            [dcc.Link(_("day before"), href=f"/reconciliation/{beside['before']}", className="chip")]
            if "before" in beside
            else []
        ),
        *(
            [dcc.Link(_("day after"), href=f"/reconciliation/{beside['after']}", className="chip")]
            if "after" in beside
            else []
        ),
    ]


def render(row: Row, read: Mapping[str, Any], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Reasons of a refusal; quantities and formula of an equation; or figures, waterfall, tie-out and classes."""
    certificate = row["certificate"] or {}
    foot = as_of(_, row["finished_at"], dated=True)
    shown_facts = about(row, certificate, read["before"], _)
    if row["outcome"] == "refused":
        reasons = html.Ul([html.Li(told(reason, _)) for reason in row["reasons"]], className="reasons")
        refused = [
            html.P(_("Nothing was matched: a missing file is one fault, not a million breaks.")),
            reasons,
            shown_facts,
        ]
        return [panel(_("Why it was refused"), refused, footer=foot)]
    if row["kind"] == "equation":
        shown = [equation(certificate, row["currency"], _)]
        return [
            html.Div(
                [
                    panel(_("What has to add up"), shown, footer=foot),
                    panel(_("Parameters and evidence"), shown_facts, footer=foot),
                ],
                className="columns columns-2",
            )
        ]
    path = f"/reconciliation/{row['id']}"
    classes = break_classes(read["classes"], row["currency"], path, filters.get("class", ""), _)
    return [
        run_figures(row, certificate, _),
        *_causes(row, _),
        html.Div(
            [
                panel(
                    _("From file to file"),
                    _from_file_to_file(row, certificate, read["presence"], filters, path, _),
                    footer=foot,
                    className="panel-flush",
                ),
                panel(_("Breaks by class"), classes, footer=foot, className="panel-flush"),
            ],
            className="columns columns-2",
        ),
        html.Div(
            [
                panel(_("What each party brought"), party_ties(certificate, row["currency"], _), footer=foot),
                panel(_("Parameters and evidence"), shown_facts, footer=foot),
            ],
            className="columns columns-2",
        ),
    ]


def _causes(row: Row, _: Say) -> list[Any]:
    found = causes(row, _)
    if found is None:
        return []
    return [panel(_("What the breaks have in common"), found, footer=as_of(_, row["finished_at"], dated=True))]


def _from_file_to_file(
    row: Row, certificate: Mapping[str, Any], found: Sequence[Row], filters: Mapping[str, str], path: str, _: Say
) -> Any:
    parties = party_order(certificate)
    if len(parties) < 2:
        return html.Div(empty(_("The run left no certificate.")), className="row")
    unit = filters["unit"] if filters.get("unit") in UNITS else "rows"
    first = filters["from"] if filters.get("from") in parties else parties[0]
    wanted = (filters.get("to", ""), parties[-1], parties[0])
    other = next(name for name in wanted if name in parties and name != first)
    names = [(party, word(PARTY, party, _)) for party in parties]
    kept = {**filters, "from": first, "to": other}
    bars = steps(certificate, found, first, other, unit, _)
    said = _("The axis starts where the bars can be told apart.")
    if any(bar.name == _("Not in the store") for bar in bars):
        said = _("Some breaks are not in the store, because there were too many; breaks.csv has all of them.")
    return html.Div(
        [
            html.Div(
                [
                    chips(_("From"), path, kept, "from", [one for one in names if one[0] != other]),
                    chips(_("To"), path, kept, "to", [one for one in names if one[0] != first]),
                    chips(_("In"), path, filters, "unit", [(code, _(name)) for code, name in UNITS.items()], "rows"),
                ],
                className="filters waterfall-filters",
            ),
            waterfall(bars, unit, row["currency"], _),
            html.P(said, className="dim waterfall-note"),
        ]
    )


def files_panel(row: Row, files: Sequence[str], _: Say) -> Any:
    """The files of the run, each to be taken away."""
    links = [
        html.A([icon("save"), name], href=f"/reconciliation/{row['id']}/files/{name}", className="button", download="")
        for name in files
    ]
    body = (
        html.Div(links, className="downloads")
        if links
        else empty(_("No file of this run can be taken away from here."))
    )
    return panel(_("Take away"), body, footer=as_of(_, row["finished_at"], dated=True))
