"""Whether a run foots: its figures, what each party brought, and its breaks by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.panels import empty, number, scrolling
from dashboards.components.values import money
from dashboards.components.words import LOSER, PARTY, break_class, in_order, word
from dashboards.locale import Say
from dashboards.queries.reconciliation import MATCHED
from dashboards.queries.rows import Row


def run_figures(row: Row, certificate: Mapping[str, Any], _: Say) -> html.Div:
    """Matched, broken, at risk, carried, rejected."""
    counted = certificate.get("classes", {})
    matched = sum(counted.get(name, {}).get("count", 0) for name in MATCHED)
    keys = sum(one.get("count", 0) for name, one in counted.items())
    return html.Div(
        [
            number(_.number(matched), _("matched keys")),
            number(_.share(matched / keys, 2) if keys else "–", _("match rate")),
            number(_.number(row["breaks"]), _("breaks"), None, "critical" if row["breaks"] else ""),
            number(
                money(row["at_risk_minor"], row["currency"], _),
                _("at risk"),
                None,
                "critical" if row["at_risk_minor"] else "",
            ),
            number(_.number(row["carried"]), _("carried to the next day")),
            number(_.number(row["rejected"]), _("rejected rows"), None, "warning" if row["rejected"] else ""),
        ],
        className="numbers",
    )


def party_ties(certificate: Mapping[str, Any], currency: str, _: Say) -> Any:
    """What each party brought and where it ended, and whether that ties."""
    parties = certificate.get("parties", {})
    if not parties:
        return empty(_("The run left no certificate."))
    head = html.Tr(
        [
            html.Th(_("Party")),
            *(
                html.Th(name, className="num")
                for name in (_("rows"), _("rejected"), _("duplicates"), _("standing"), _("amount"))
            ),
        ]
    )
    lines = [
        html.Tr(
            [
                html.Td(
                    [
                        word(PARTY, name, _),
                        html.Div(party.get("file", ""), className="row-why", title=party.get("sha256")),
                    ]
                ),
                *(
                    html.Td(_.number(party.get(part, 0)), className="num")
                    for part in ("rows", "rejected", "duplicates", "standing")
                ),
                html.Td(money(party.get("amount_minor", 0), currency, _), className="num"),
            ]
        )
        for name, party in ((name, parties[name]) for name in in_order(parties))
    ]
    ties = [
        _tie(
            certificate.get("rows_tie"),
            _("every row is in exactly one place"),
            _("rows are missing from the tie-out"),
            _,
        ),
        _tie(certificate.get("amounts_tie"), _("every amount adds up to its file"), _("amounts do not add up"), _),
    ]
    return html.Div(
        [
            scrolling(html.Table([html.Thead(head), html.Tbody(lines)], className="table tight")),
            html.Div(ties, className="ties"),
        ]
    )


def _tie(holds: Any, fine: str, broken: str, _: Say) -> html.Span:
    status = "ok" if holds is True else "critical" if holds is False else "unknown"
    words = fine if holds is True else broken if holds is False else _("not known whether it ties")
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(words)],
        className=f"state state-{status}",
    )


def break_classes(rows: list[Row], currency: str, path: str, wanted: str, _: Say) -> Any:
    """Each class with its number and its money; a click shows only its breaks."""
    if not rows:
        return html.Div(empty(_("No break: everything that was sold was booked and paid.")), className="row")
    most = max(row["at_risk_minor"] for row in rows) or 1
    lines = []
    for row in rows:
        chosen = row["class"] == wanted
        name = break_class(row["class"], _)
        lines.append(
            html.Tr(
                [
                    html.Td(
                        dcc.Link(
                            name,
                            href=address(path, {}, **{"class": "" if chosen else row["class"]}),
                            className="chip" + (" chip-on" if chosen else ""),
                        )
                    ),
                    html.Td(_("carried") if row["carried"] else word(LOSER, row["loser"], _), className="dim"),
                    html.Td(_.number(row["n"]), className="num"),
                    html.Td(money(row["at_risk_minor"], currency, _), className="num"),
                    html.Td(
                        html.Div(
                            html.Span(
                                style={"width": f"{row['at_risk_minor'] / most:.1%}"},
                                className="fill" + ("" if row["carried"] else " fill-risk"),
                            ),
                            className="meter",
                        ),
                        className="wide-only meter-cell",
                    ),
                ]
            )
        )
    head = html.Tr(
        [
            html.Th(_("Class of break")),
            html.Th(_("Who loses")),
            html.Th(_("number"), className="num"),
            html.Th(_("at risk"), className="num"),
            html.Th("", className="wide-only"),
        ]
    )
    return html.Div(html.Table([html.Thead(head), html.Tbody(lines)], className="table tight"), className="table-wrap")
