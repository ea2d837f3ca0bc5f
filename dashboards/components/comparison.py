"""Two runs of a day side by side: files, classes, quantities, parameters, and the breaks that are gone or new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dash import dcc, html

from dashboards.components.equation import amount
from dashboards.components.filters import address
from dashboards.components.panels import empty, scrolling
from dashboards.components.run_facts import setting, setting_name
from dashboards.components.values import money
from dashboards.components.words import LOSER, PARTY, break_class, word
from dashboards.locale import Say
from dashboards.queries.rows import Row


def path_of(run: Row, **filters: str) -> str:
    """The page of a run, with a filter."""
    return address(f"/reconciliation/{run['id']}", filters)


def signed(difference: int | Decimal, shown: str) -> str:
    """A difference with its sign; what did not change has none."""
    return f"+{shown}" if difference > 0 else shown


def files(found: Sequence[Row], control: str, _: Say) -> html.Div | html.P:
    """Each party's file in both runs: name, rows, checksum, and whether it changed."""
    if not found:
        return html.Div(empty(_("Neither run tells of a file.")), className="row")
    heads = (
        (_("Party"), ""),
        (_("File"), ""),
        (_("rows before"), "num wide-only"),
        (_("rows after"), "num"),
        (_("SHA-256 before"), "wide-only"),
        (_("SHA-256 after"), "wide-only"),
    )
    return _table(heads, [_file(one, control, _) for one in found])


def _file(one: Row, control: str, _: Say) -> html.Tr:
    old, new = one["before"] or {}, one["after"] or {}
    same = old.get("sha256") == new.get("sha256")
    party = dcc.Link(
        word(PARTY, one["party"], _), href=address("/arrivals", {}, control=control, party=one["party"], days="31")
    )
    return html.Tr(
        [
            html.Th(party, scope="row"),
            html.Td([html.Div(new.get("file") or old.get("file") or "–", className="row-why"), changed(same, _)]),
            html.Td(_rows(old, _), className="num wide-only"),
            html.Td(_rows(new, _), className="num"),
            html.Td(_hash(old), className="wide-only"),
            html.Td(_hash(new), className="wide-only"),
        ]
    )


def changed(same: bool, _: Say) -> html.Span:
    """Whether something is the same in both runs, as shape and word."""
    words, status = (_("the same"), "ok") if same else (_("changed"), "unknown")
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(words)],
        className=f"state state-{status}",
    )


def _rows(party: Mapping[str, Any], _: Say) -> str:
    return _.number(party["rows"]) if "rows" in party else "–"


def _hash(party: Mapping[str, Any]) -> Any:
    return html.Code(str(party["sha256"])[:16], title=party["sha256"]) if party.get("sha256") else "–"


def classes(found: Sequence[Row], before: Row, after: Row, _: Say) -> html.Div | html.P:
    """Each class with number and money: before, after, difference; those that differ first."""
    if not found:
        return html.Div(empty(_("Neither run counted anything.")), className="row")
    heads = (
        (_("Class of break"), ""),
        (_("before"), "num wide-only"),
        (_("after"), "num"),
        (_("difference"), "num"),
        (_("money before"), "num wide-only"),
        (_("money after"), "num wide-only"),
        (_("difference"), "num"),
    )
    return _table(heads, [_class(one, before, after, _) for one in found])


def _class(one: Row, before: Row, after: Row, _: Say) -> html.Tr:
    n, minor = one["n_after"] - one["n_before"], one["minor_after"] - one["minor_before"]
    currency = one["currency"]
    only = {"class": one["class"]} if currency else {}  # what has no money at risk has no lines to be shown

    def counted(run: Row, number: int) -> Any:
        return dcc.Link(_.number(number), href=path_of(run, **only)) if number else "0"

    def amount_of(value: int) -> str:
        return money(value, currency, _) if currency else "–"

    return html.Tr(
        [
            html.Th(break_class(one["class"], _), scope="row"),
            html.Td(counted(before, one["n_before"]), className="num wide-only"),
            html.Td(counted(after, one["n_after"]), className="num"),
            html.Td(signed(n, _.number(n)), className="num" + ("" if n else " dim")),
            html.Td(amount_of(one["minor_before"]), className="num wide-only"),
            html.Td(amount_of(one["minor_after"]), className="num wide-only"),
            html.Td(signed(minor, amount_of(minor)), className="num" + ("" if minor else " dim")),
        ],
        className="" if n or minor else "unchanged",
    )


def quantities(found: Sequence[Row], before: Row, after: Row, _: Say) -> html.Div:
    """Each quantity of an equation: before, after, and whether what it was taken from changed."""
    heads = ((_("Quantity"), ""), (_("before"), "num"), (_("after"), "num"), (_("Source"), "wide-only"))
    body = []
    for one in found:
        old, new = one["before"] or {}, one["after"] or {}
        unit = str(new.get("unit") or old.get("unit") or "")
        same = old.get("sha256") == new.get("sha256") and old.get("value") == new.get("value")
        values = (
            dcc.Link(amount(each.get("value"), unit, run["currency"], _), href=path_of(run))
            for each, run in ((old, before), (new, after))
        )
        body.append(
            html.Tr(
                [
                    html.Th(html.Code(one["name"]), scope="row"),
                    *(html.Td(value, className="num") for value in values),
                    html.Td(changed(same, _), className="wide-only"),
                ]
            )
        )
    return _table(heads, body)


def parameters(found: Sequence[Row], _: Say) -> html.Div | html.P:
    """The parameters that differ."""
    if not found:
        return html.Div(empty(_("Both runs had the same parameters.")), className="row")
    heads = ((_("Parameter"), ""), (_("before"), ""), (_("after"), ""))
    names = {"control_version": _("Control version"), "engine": _("Engine")}
    body = [
        html.Tr(
            [
                html.Th(names.get(one["name"]) or setting_name(one["name"], _), scope="row"),
                *(html.Td("–" if value is None else setting(one["name"], value, _)) for value in (one["before"], one["after"])),
            ]
        )
        for one in found
    ]  # fmt: skip
    return _table(heads, body)


def breaks(n: int, found: Sequence[Row], run: Row, known: Mapping[str, int], _: Say) -> html.Div | html.P:
    """Breaks that only one of the runs has; each leads to its case, or to its class in its run where it has none."""
    if not n:
        return html.Div(empty(_("None.")), className="row")
    heads = (
        (_("Business key"), ""),
        (_("Class of break"), ""),
        (_("Who loses"), "wide-only"),
        (_("At risk"), "num"),
    )
    body = []
    for one in found:
        case = known.get(one["fingerprint"])
        href = f"/breaks/{case}" if case is not None else path_of(run, **{"class": one["class"]})
        body.append(
            html.Tr(
                [
                    html.Th(dcc.Link(one["business_key"], href=href), scope="row"),
                    html.Td(break_class(one["class"], _)),
                    html.Td(word(LOSER, one["loser"], _), className="wide-only"),
                    html.Td(money(one["at_risk_minor"], run["currency"], _), className="num"),
                ]
            )
        )
    capped = []
    if n > len(found):
        words = _("the first {shown} of {n} breaks", shown=_.number(len(found)), n=_.number(n))
        capped = [html.P(dcc.Link(words, href=path_of(run)), className="waterfall-note")]
    return html.Div([_table(heads, body), *capped])


def _table(heads: Sequence[tuple[str, str]], body: Sequence[html.Tr]) -> html.Div:
    head = html.Tr([html.Th(name, className=classes or None, scope="col") for name, classes in heads])
    return scrolling(html.Table([html.Thead(head), html.Tbody(list(body))], className="table snug"))
