"""What is different from the run before? Two runs of one day: files, classes, and the breaks that are gone or new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dash import Dash, Input, Output, dcc, html
from sqlalchemy import Connection

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components import comparison
from dashboards.components.equation import amount
from dashboards.components.filters import address, chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, number, panel
from dashboards.components.places import places
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, outcome
from dashboards.components.values import money
from dashboards.components.words import in_order, party_order
from dashboards.context import Console
from dashboards.controls import titles
from dashboards.locale import Say, mark
from dashboards.queries import compare, day_runs, reconciliation
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/reconciliation/<run>/compare"
TITLE = mark("Compare")
FILTER = "with"
"""The filter that names the other run; without it, it is the run before."""


def layout(_: Say, run: str) -> list[Any]:
    """Head, the choice of the other run, and the comparison."""
    return [
        dcc.Store(id="compare-run", data=run),
        html.Div(id="compare-head", className="page-head"),
        places("", _),
        html.Div(id="compare-filters", className="filters"),
        html.Div(id="compare", className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Both runs as the address names them; finished runs never change, so no tick is followed."""

    @guarded(
        app,
        "see.reconciliation",
        Output("compare-head", "children"),
        Output("compare-filters", "children"),
        Output("compare", "children"),
        Input("compare-run", "data"),
        Input("url", "search"),
    )
    def refresh(run: str, search: str) -> tuple[Any, ...]:
        filters, asked, _ = parse(search), whole(run), speaking(console)
        with reading(console.engine) as connection:
            after = None if asked is None else reconciliation.run(connection, asked)
            if after is None:
                return html.H1(_("There is no such run")), None, empty(_("It may have been removed."))
            runs = day_runs.runs_of_day(connection, after["control"], after["business_day"])
            other = other_of(runs, after["id"], filters)
            before = None if other is None else reconciliation.run(connection, other)
            head = render_head(after, before, _, titles(console.controls, _.language))
            if before is None:
                return head, None, empty(_("This day has no run before this one."))
            found = read(connection, before, after)
        return head, render_filters(runs, before, after, filters, _), render(before, after, found, _)


def other_of(runs: Sequence[Row], here: int, filters: Mapping[str, str]) -> int | None:
    """The run that is compared with: the one that the address names if it is of that day, else the one before."""
    asked = whole(filters.get(FILTER, ""))
    if asked != here and any(row["id"] == asked for row in runs):
        return asked
    return next((row["id"] for row in runs if row["id"] < here), None)


def read(connection: Connection, before: Row, after: Row) -> dict[str, Any]:
    """What only the store can say of the two: breaks that are gone and new with their numbers, and the cases of both."""
    gone, new = (
        compare.only_in(connection, one["id"], other["id"]) for one, other in ((before, after), (after, before))
    )
    known = reconciliation.cases_of(connection, before) | reconciliation.cases_of(connection, after)
    return {"gone": gone, "new": new, "cases": known}


def render_head(after: Row, before: Row | None, _: Say, called: Mapping[str, str] = MappingProxyType({})) -> list[Any]:
    """Which runs of which day; `called` are the titles of controls by name."""
    back = dcc.Link(
        [icon("back"), html.Span(_("The run"), className="unseen")],
        href=comparison.path_of(after),
        className="shell-tool",
    )
    named = []
    if before is not None:
        words = _("run {before} and run {after}", before=before["id"], after=after["id"])
        named = [html.Span(words, className="dim")]
    return [
        back,
        html.H1(
            f"{_('Compare')} · {called.get(after['control'], after['control'])} · {after['business_day']}",
            title=after["control"],
        ),
        *named,
        *([demo(_)] if after["demo"] else []),
    ]


def render_filters(runs: Sequence[Row], before: Row, after: Row, filters: Mapping[str, str], _: Say) -> list[Any]:
    """The other runs of the day to choose from, where there are several."""
    others = [(str(row["id"]), _("run {n}", n=row["id"])) for row in runs if row["id"] != after["id"]]
    if len(others) < 2:
        return []
    path = f"/reconciliation/{after['id']}/compare"
    return [chips(_("Compared with"), path, {**filters, FILTER: str(before["id"])}, FILTER, others)]


def render(before: Row, after: Row, found: Mapping[str, Any], _: Say) -> list[Any]:
    """Both runs, how much is different, and then what."""
    foot = as_of(_, after["finished_at"], dated=True)
    of_party = {one["party"]: one for one in compare.files(before, after)}
    order = dict.fromkeys([*party_order(after["certificate"] or {}), *in_order(of_party)])
    files = [of_party[party] for party in order if party in of_party]
    shown: list[Any] = [
        html.Div(
            [
                panel(_("Before: run {n}", n=before["id"]), _one(before, _), footer=_as_of(before, _)),
                panel(_("After: run {n}", n=after["id"]), _one(after, _), footer=foot),
            ],
            className="columns columns-2",
        )
    ]
    if before["certificate"] is None or after["certificate"] is None:
        sentence = _("A refused run has no result, so that there is nothing to compare but its reasons.")
        return [*shown, panel(_("What changed"), empty(sentence), footer=foot)]
    settings = panel(
        _("Parameters that differ"),
        comparison.parameters(compare.settings(before, after), _),
        footer=foot,
        className="panel-flush",
    )
    if after["kind"] == "equation":
        table = comparison.quantities(compare.quantities(before, after), before, after, _)
        return [*shown, panel(_("Quantities"), table, footer=foot, className="panel-flush"), settings]
    counted = compare.classes(before, after)
    (n_gone, gone), (n_new, new) = found["gone"], found["new"]
    return [
        _figures(before, after, files, n_gone, n_new, _),
        *shown,
        panel(_("Files"), comparison.files(files, after["control"], _), footer=foot, className="panel-flush"),
        panel(_("Classes"), comparison.classes(counted, before, after, _), footer=foot, className="panel-flush"),
        html.Div(
            [
                panel(
                    _("Breaks that are gone: {n}", n=_.number(n_gone)),
                    comparison.breaks(n_gone, gone, before, found["cases"], _),
                    footer=foot,
                    className="panel-flush",
                ),
                panel(
                    _("Breaks that are new: {n}", n=_.number(n_new)),
                    comparison.breaks(n_new, new, after, found["cases"], _),
                    footer=foot,
                    className="panel-flush",
                ),
            ],
            className="columns columns-2",
        ),
        settings,
    ]


def _as_of(row: Row, _: Say) -> html.Span:
    return as_of(_, row["finished_at"], dated=True)


def _one(row: Row, _: Say) -> html.Div:
    """Outcome and figures of one run, or why it was refused; each leads to the run."""
    link = dcc.Link(_("open run {n}", n=row["id"]), href=comparison.path_of(row))
    if row["outcome"] == "refused":
        reasons = html.Ul([html.Li(told(reason, _)) for reason in row["reasons"]], className="reasons")
        return html.Div([html.P([outcome(row["outcome"], _), " ", link]), reasons])
    parts = [_.many("one break", "{n} breaks", row["breaks"])]
    if row["at_risk_minor"]:
        parts.append(_("{money} at risk", money=money(row["at_risk_minor"], row["currency"], _)))
    if row["carried"]:
        parts.append(_("{n} carried", n=_.number(row["carried"])))
    certificate = row["certificate"] or {}
    if row["kind"] == "equation":
        shown = amount(certificate.get("result"), str(certificate.get("unit", "")), row["currency"], _)
        parts.append(f"{certificate.get('formula', '')} = {shown}")
    return html.Div([html.P([outcome(row["outcome"], _), " ", link]), html.P(" · ".join(parts), className="dim")])


def _figures(before: Row, after: Row, files: Sequence[Row], n_gone: int, n_new: int, _: Say) -> html.Div:
    differing = sum((one["before"] or {}).get("sha256") != (one["after"] or {}).get("sha256") for one in files)
    n = after["breaks"] - before["breaks"]
    shown = [
        number(_.number(differing), _("files changed"), address_of_files(after)),
        number(comparison.signed(n, _.number(n)), _("breaks"), comparison.path_of(after)),
        number(_.number(n_gone), _("breaks are gone"), comparison.path_of(before)),
        number(_.number(n_new), _("breaks are new"), comparison.path_of(after), "critical" if n_new else ""),
    ]
    if before["currency"] == after["currency"] or not (before["at_risk_minor"] and after["at_risk_minor"]):
        minor = after["at_risk_minor"] - before["at_risk_minor"]
        currency = after["currency"] if after["at_risk_minor"] else before["currency"]
        words = comparison.signed(minor, money(minor, currency, _))
        shown.append(number(words, _("money at risk, difference"), comparison.path_of(after)))
    return html.Div(shown, className="numbers" + (" numbers-five" if len(shown) == 5 else ""))


def address_of_files(run: Row) -> str:
    """The arrivals of a run's control."""
    return address("/arrivals", {}, control=run["control"], days="31")
