"""Does it foot? One run: what each party brought and whether it ties, breaks by class, and each break with its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import parse, whole
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo
from dashboards.components.tie_out import break_classes, party_ties, run_figures
from dashboards.components.values import money
from dashboards.components.words import BREAK_CLASS, LOSER, PARTY, RECORD_KIND, RECORD_STATUS, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.pages.reconciliation import outcome
from dashboards.queries import reconciliation
from dashboards.queries.rows import Row

PATH = "/reconciliation/<run>"
TITLE = mark("Run")
PARTIES = ("billing", "platform", "payment")
QUIET_CLASSES = ("matched", "no_effect", "cutoff")


def layout(_: Say, run: str) -> list[Any]:
    """Head, tie-out and classes, and the grid of breaks."""
    return [
        dcc.Store(id="run-id", data=run),
        html.Div(id="run-head", className="page-head"),
        html.Div(id="run-body", className="page-body"),
        html.Section(
            [
                html.Div(
                    [html.H2(_("Breaks")), html.Div(id="run-chosen", className="panel-actions")], className="panel-head"
                ),
                grid("run-breaks", columns(_), _, empty=_("No break of this kind. Every key was matched.")),
                html.Div(id="run-as-of", className="panel-foot"),
            ],
            className="panel ready",
        ),
    ]


def columns(_: Say) -> list[dict[str, Any]]:
    """The grid's columns: the break, then the raw record of each party."""
    return [
        {"field": "key", "headerName": _("Business key"), "width": 180, "pinned": "left"},
        {"field": "class", "headerName": _("Class of break"), "width": 150},
        {"field": "kind", "headerName": _("Kind"), "width": 80},
        {"field": "loser", "headerName": _("Who loses"), "width": 100},
        {
            "field": "risk",
            "headerName": _("At risk"),
            "width": 120,
            "cellClass": "grid-num",
            "headerClass": "grid-num",
            "sortable": False,
        },
        *(
            {
                "field": party,
                "headerName": _(PARTY[party]),
                "cellRenderer": "RecordCell",
                "cellRendererParams": {"absent": _("no record")},
                "flex": 1,
                "minWidth": 230,
                "sortable": False,
            }
            for party in PARTIES
        ),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the run; its breaks follow the class in the address."""

    @guarded(
        app,
        "see.reconciliation",
        Output("run-head", "children"),
        Output("run-body", "children"),
        Output("run-breaks", "rowData"),
        Output("run-chosen", "children"),
        Output("run-as-of", "children"),
        Input("run-id", "data"),
        Input("url", "search"),
    )
    def refresh(run: str, search: str) -> tuple[Any, ...]:
        """A finished run never changes, so it follows the address and no tick."""
        filters, number, _ = parse(search), whole(run), speaking(console)
        with reading(console.engine) as connection:
            row = None if number is None else reconciliation.run(connection, number)
            if row is None:
                return html.H1(_("There is no such run")), empty(_("It may have been removed.")), [], None, None
            classes = reconciliation.by_class(connection, row["id"])
            wanted = filters.get("class", "")
            breaks = reconciliation.breaks(connection, row["id"], (wanted,) if wanted else ())
            beside = reconciliation.neighbours(connection, row["control"], row["business_day"])
        path = f"/reconciliation/{row['id']}"
        return (
            render_head(row, beside, _),
            render(row, classes, path, wanted, _),
            grid_rows(breaks, row["currency"], _),
            _chosen(wanted, len(breaks), path, _),
            as_of(_, row["finished_at"], dated=True),
        )


def render_head(row: Row, beside: Mapping[str, int], _: Say) -> list[Any]:
    """Which run, its outcome, and the days beside it."""
    return [
        dcc.Link(
            [icon("back"), html.Span(_("All runs"), className="unseen")], href="/reconciliation", className="shell-tool"
        ),
        html.H1(f"{row['control']} · {row['business_day']}"),
        outcome(row["outcome"], _),
        *([demo(_)] if row["demo"] else []),
        html.Div(className="grow"),
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


def render(row: Row, classes: list[Row], path: str, wanted: str, _: Say) -> list[Any]:
    """Reasons of a refusal, or figures, tie-out and classes."""
    certificate = row["certificate"] or {}
    took_s = (row["finished_at"] - row["started_at"]).total_seconds()
    about = facts(
        [
            (_("Engine"), row["engine"]),
            (_("Took"), _("{n} s", n=_.number(took_s, 1))),
            (_("Started"), _.instant(row["started_at"])),
            (_("Control version"), str(certificate.get("control_version", ""))),
            (_("Certificate"), html.Code(str(certificate.get("hash", ""))[:16] or "–", title=certificate.get("hash"))),
            (_("Evidence"), row["folder"]),
        ]
    )
    if row["outcome"] == "refused":
        reasons = html.Ul([html.Li(reason) for reason in row["reasons"]], className="reasons")
        return [
            panel(
                _("Why it was refused"),
                [html.P(_("Nothing was matched: a missing file is one fault, not a million breaks.")), reasons, about],
                footer=as_of(_, row["finished_at"], dated=True),
            )
        ]
    return [
        run_figures(row, certificate, _),
        html.Div(
            [
                panel(
                    _("What each party brought"),
                    [party_ties(certificate, row["currency"], _), about],
                    footer=as_of(_, row["finished_at"], dated=True),
                ),
                panel(
                    _("Breaks by class"),
                    break_classes(classes, row["currency"], path, wanted, _),
                    footer=as_of(_, row["finished_at"], dated=True),
                    className="panel-flush",
                ),
            ],
            className="columns columns-2",
        ),
    ]


def _chosen(wanted: str, n: int, path: str, _: Say) -> Any:
    counted = html.Span(_.many("one row", "{n} rows", n), className="dim")
    if not wanted:
        return [counted]
    return [counted, dcc.Link([word(BREAK_CLASS, wanted, _), icon("close")], href=path, className="chip chip-on")]


def grid_rows(rows: list[Row], currency: str, _: Say) -> list[dict[str, Any]]:
    """Rows as the grid shows them: the break, and each party's raw record with its file and line."""
    return [
        {
            "id": str(row["id"]),
            "key": row["business_key"],
            "class": word(BREAK_CLASS, row["class"], _) + (f" ({_('carried')})" if row["carried"] else ""),
            "kind": word(RECORD_KIND, row["kind"], _),
            "loser": word(LOSER, row["loser"], _),
            "risk": money(row["at_risk_minor"], currency, _),
            **{party: record(row["records"].get(party), currency, _) for party in PARTIES},
        }
        for row in rows
    ]


def record(raw: Mapping[str, Any] | None, currency: str, _: Say) -> dict[str, str] | None:
    """A raw record in one line and where it stands; None when the party has none."""
    if not raw or raw.get("record_id") in (None, ""):
        return None
    amount = raw.get("amount_minor")
    shown = "–" if amount is None else money(int(amount), raw.get("currency") or currency, _)
    return {
        "text": f"{shown} · {word(RECORD_STATUS, str(raw.get('status', '')), _)} · {raw['record_id']}",
        "where": f"{raw.get('file', '')}:{raw.get('line', '')}",
    }
