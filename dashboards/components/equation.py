"""An equation control's run: each quantity with its value and where it came from, the formula, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dash import html

from core.money import EXPONENTS
from dashboards.components.panels import facts, scrolling
from dashboards.components.values import money
from dashboards.locale import Say, mark
from dashboards.sentences.sources import source_said

BOUNDS = {
    "tolerance": mark("± {value}"),
    "at_least": mark("at least {value}"),
    "at_most": mark("at most {value}"),
    "between": mark("between {value}"),
}
"""What a result may be, by the name that the control's file gives it."""


def equation(certificate: Mapping[str, Any], currency: str, _: Say) -> html.Div:
    """The quantities as a table, then the formula with its result."""
    quantities = certificate.get("quantities", {})
    head = html.Tr(
        [
            html.Th(_("Quantity"), scope="col"),
            html.Th(_("Value"), className="num", scope="col"),
            html.Th(_("Source"), className="wide-only", scope="col"),
        ]
    )
    body = [
        html.Tr(
            [
                html.Th(html.Code(name), scope="row"),
                html.Td(amount(one.get("value"), str(one.get("unit", "")), currency, _), className="num"),
                html.Td(
                    [
                        html.Div(source_said(str(one.get("source") or ""), _) or _("derived"), className="row-why"),
                        *([html.Code(str(one["sha256"])[:16], title=one["sha256"])] if one.get("sha256") else []),
                    ],
                    className="wide-only",
                ),
            ]
        )
        for name, one in quantities.items()
    ]
    unit = str(certificate.get("unit", ""))
    status, words = _judged(certificate.get("balanced"), _)
    mark = html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(words)],
        className=f"state state-{status}",
    )
    return html.Div(
        [
            scrolling(html.Table([html.Thead(head), html.Tbody(body)], className="table snug")),
            html.P(
                [
                    html.Code(str(certificate.get("formula", ""))),
                    " = ",
                    html.B(amount(certificate.get("result"), unit, currency, _)),
                ],
                className="formula",
            ),
            html.Div(mark, className="ties"),
            facts(
                [
                    (
                        _("Allowed"),
                        allowed(certificate.get("condition") or certificate.get("tolerance"), unit, currency, _),
                    )
                ]
            ),
        ]
    )


def amount(value: Any, unit: str, currency: str, _: Say) -> str:
    """A quantity in its unit; a dash where nobody knows it."""
    if value is None:
        return "–"
    number = Decimal(str(value))  # exact decimals are kept as text
    whole = number == number.to_integral_value()
    if whole and (unit in EXPONENTS or unit == "fen"):
        return money(int(number), unit if unit in EXPONENTS else "CNY", _)
    shown = _.number(number, 0 if whole else 9)
    return shown if unit in ("", "1") else f"{shown} {unit}"


def allowed(tolerance: Any, unit: str, currency: str, _: Say) -> str:
    """What the result may be, in words."""
    if isinstance(tolerance, Mapping):
        said = []
        for name, bound in tolerance.items():
            bounds = bound if isinstance(bound, list) else [bound]
            said.append(
                _(
                    BOUNDS.get(str(name), str(name)),
                    value=_(" and ").join(amount(one, unit, currency, _) for one in bounds),
                )
            )
        return ", ".join(said)
    return "" if tolerance is None else "± " + amount(tolerance, unit, currency, _)


def _judged(balanced: Any, _: Say) -> tuple[str, str]:
    if balanced is True:
        return "ok", _("the equation holds")
    if balanced is False:
        return "critical", _("the equation does not hold")
    return "unknown", _("not known whether it holds")
