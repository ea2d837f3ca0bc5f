"""What the controls achieve: match rate, breaks, money at risk, ageing of what is open, and how many ran and were signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.heat_map import Line
from dashboards.components.panels import empty, number
from dashboards.components.sparks import spark
from dashboards.components.values import money
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

AGE_NAMES = {
    "d1": mark("0 to 1 day"),
    "d3": mark("2 to 3 days"),
    "d7": mark("4 to 7 days"),
    "d30": mark("8 to 30 days"),
    "more": mark("over 30 days"),
}
PER = 10_000


@dataclass(slots=True)
class Kpi:
    """Figures of one control, or of all, over the days that are shown; counts unless the name says otherwise."""

    keys: int = 0
    matched: int = 0
    breaks: int = 0
    key_breaks: int = 0  # of those, the ones of runs that match keys
    due: int = 0
    ran: int = 0
    signable: int = 0
    signed: int = 0
    at_risk_minor: dict[str, int] = field(default_factory=dict)
    breaks_by_day: list[int] = field(default_factory=list)

    @property
    def match_ratio(self) -> float | None:
        """Matched keys of all keys; None when no run told."""
        return self.matched / self.keys if self.keys else None

    @property
    def per_ten_thousand(self) -> float | None:
        """Breaks per 10,000 keys; None when no run told."""
        return PER * self.key_breaks / self.keys if self.keys else None

    @property
    def ran_ratio(self) -> float | None:
        """Runs that happened, of those that were due; None when none was."""
        return self.ran / self.due if self.due else None

    @property
    def signed_ratio(self) -> float | None:
        """Runs that were signed, of those that can be; None when none can."""
        return self.signed / self.signable if self.signable else None


def measure(found: Sequence[Line]) -> Kpi:
    """The figures of these lines together; a refused run has not done its work, so it did not run."""
    kpi = Kpi(breaks_by_day=[0] * (len(found[0].cells) if found else 0))
    for line in found:
        for at, cell in enumerate(line.cells):
            row = cell.row
            kpi.due += cell.state not in ("none", "waiting")
            if row is None or cell.state == "refused":
                continue
            kpi.ran += 1
            kpi.signable += 1
            kpi.signed += row["act"] == "reviewed"
            kpi.keys += row["keys"] or 0
            kpi.matched += row["matched"] or 0
            kpi.breaks += row["breaks"]
            kpi.key_breaks += row["breaks"] if row["keys"] else 0
            kpi.breaks_by_day[at] += row["breaks"]
            if row["at_risk_minor"]:
                risk = kpi.at_risk_minor
                risk[row["currency"]] = risk.get(row["currency"], 0) + row["at_risk_minor"]
    return kpi


def running(found: Sequence[Line]) -> tuple[int, int]:
    """Controls whose latest due run is there and was not refused, and controls that are known (number 27 of the list)."""
    alive = 0
    for line in found:
        due = [cell for cell in line.cells if cell.state not in ("none", "waiting")]
        alive += bool(due) and due[-1].state not in ("missing", "refused")
    return alive, len(found)


def figures(found: Sequence[Line], open_cases: Sequence[Row], _: Say) -> html.Div:
    """The figures of all controls together."""
    kpi, (alive, known) = measure(found), running(found)
    waiting, late = sum(row["n"] for row in open_cases), sum(row["late"] for row in open_cases)
    return html.Div(
        [
            number(
                f"{alive} / {known}",
                _("controls that ran when last due"),
                None,
                "critical" if alive < known else "",
            ),
            number(_ratio(kpi.match_ratio, _), _("match rate")),
            number(_decimal(kpi.per_ten_thousand, _), _("breaks per 10,000")),
            *(
                number(money(amount, currency, _), _("at risk"), "/breaks")
                for currency, amount in sorted(kpi.at_risk_minor.items())
            ),
            number(_.number(waiting), _("open cases"), "/breaks"),
            number(_.number(late), _("past their deadline"), "/breaks?late=yes", "critical" if late else ""),
            number(_ratio(kpi.signed_ratio, _), _("of the runs signed")),
        ],
        className="numbers numbers-many",
    )


def table(found: Sequence[Line], open_cases: Sequence[Row], today: date, _: Say) -> Any:
    """A row for each control."""
    if not found:
        return html.Div(empty(_("No control is known yet.")), className="row")
    waiting = {row["control"]: row for row in open_cases}
    heads = (
        (_("Control"), ""),
        (_("Runs / due"), "num"),
        (_("Match rate"), "num"),
        (_("Breaks by day"), "wide-only"),
        (_("Breaks"), "num"),
        (_("per 10,000"), "num wide-only"),
        (_("At risk"), "num"),
        (_("Open cases"), "num wide-only"),
        (_("Oldest"), "num wide-only"),
        (_("Signed"), "num wide-only"),
    )
    head = html.Tr([html.Th(name, className=classes or None, scope="col") for name, classes in heads])
    most = max((n for line in found for n in measure([line]).breaks_by_day), default=0)
    body = [_row(line, waiting.get(line.name), most, today, _) for line in found]
    return html.Div(html.Table([html.Thead(head), html.Tbody(body)], className="table snug"), className="table-wrap")


def _row(line: Line, waiting: Row | None, most: int, today: date, _: Say) -> html.Tr:
    kpi = measure([line])
    risk = [money(amount, currency, _) for currency, amount in sorted(kpi.at_risk_minor.items())]
    oldest = "–" if waiting is None else _("{n} d", n=(today - date.fromisoformat(waiting["oldest"])).days)
    cases = address("/breaks", {}, control=line.name)
    return html.Tr(
        [
            html.Th(dcc.Link(line.called(_), href=address("/reconciliation", {}, control=line.name)), scope="row"),
            html.Td(f"{kpi.ran} / {kpi.due}", className="num"),
            html.Td(_ratio(kpi.match_ratio, _), className="num"),
            html.Td(
                html.Div(
                    spark(kpi.breaks_by_day, most), className="bars", role="img", **{"aria-label": _("Breaks by day")}
                ),
                className="wide-only spark-cell",
            ),
            html.Td(_.number(kpi.breaks), className="num"),
            html.Td(_decimal(kpi.per_ten_thousand, _), className="num wide-only"),
            html.Td([html.Div(text) for text in risk] or "–", className="num"),
            html.Td(dcc.Link(_.number(waiting["n"]), href=cases) if waiting else "0", className="num wide-only"),
            html.Td(oldest, className="num wide-only"),
            html.Td(_ratio(kpi.signed_ratio, _), className="num wide-only"),
        ]
    )


def ageing(open_cases: Sequence[Row], filters: Mapping[str, str], _: Say) -> Any:
    """How old the open cases are; a click leads to them."""
    counts = {code: sum(row[code] for row in open_cases) for code in AGE_NAMES}
    most = max(counts.values(), default=0) or 1
    lines = [
        dcc.Link(
            [
                html.Span(_(name), className="ageing-name"),
                html.Span(
                    html.Span(style={"width": f"{counts[code] / most:.1%}"}, className="fill"), className="meter"
                ),
                html.Span(_.number(counts[code]), className="ageing-count"),
            ],
            href=address("/breaks", {}, age=code, control=filters.get("control")),
            className="ageing-row",
        )
        for code, name in AGE_NAMES.items()
    ]
    return html.Div(lines, className="ageing")


def _ratio(value: float | None, _: Say) -> str:
    return "–" if value is None else _.share(value, 2)


def _decimal(value: float | None, _: Say) -> str:
    return "–" if value is None else _.number(value, 2)
