"""Controls over days: whether each ran, balanced and was signed; a run that should be there and is not is a fault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dash import dcc, html

from dashboards.components.filters import segment
from dashboards.components.values import money
from dashboards.components.words import SIGNATURE, word
from dashboards.controls import ControlCard
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

STATES = {
    "balanced": mark("Balanced"),
    "carried": mark("Only carried items"),
    "breaks": mark("Breaks"),
    "refused": mark("Refused"),
    "missing": mark("Missing run"),
    "waiting": mark("Not yet due"),
    "none": mark("No run"),
}
SHORT = {
    "balanced": mark("OK"),
    "carried": mark("carried"),
    "refused": mark("refused"),
    "missing": mark("missing"),
    "waiting": mark("to come"),
}
FAULTS = ("missing", "refused", "breaks")


@dataclass(frozen=True, slots=True)
class Cell:
    """One control on one business day."""

    day: date
    state: str
    row: Row | None
    asked: bool = False  # somebody asked for a run, and it has not ended


@dataclass(frozen=True, slots=True)
class Line:
    """One control with its days."""

    name: str
    card: ControlCard | None
    cells: tuple[Cell, ...]

    def called(self, _: Say) -> str:
        """The control's title in the viewer's language, its name where nobody wrote one."""
        return self.name if self.card is None else self.card.called(_.language)


def span(today: date, days: int) -> list[date]:
    """The business days up to yesterday, oldest first."""
    return [today - timedelta(days=back) for back in range(days, 0, -1)]


def lines(
    rows: Iterable[Row],
    cards: Sequence[ControlCard],
    first_days: Mapping[str, str],
    days: Sequence[date],
    now: datetime,
    asked: Collection[tuple[str, str]] = (),
) -> list[Line]:
    """A line for each control that is known or has run, the known ones first and in their order.

    A control answers for its days since its first run (`first_days`) unless its card says since when; one that never ran
    answers for all of them. `asked` are the controls and days for which a run is asked for.
    """
    ran = {(row["control"], row["business_day"]): row for row in rows}
    known = {card.name: card for card in cards}
    names = [*known, *sorted({control for control, _day in ran} - known.keys())]
    found = []
    for name in names:
        card = known.get(name)
        since = first_days.get(name, "") if card is None or card.since is None else card.since.isoformat()
        scheduled = card.scheduled(days[0], days[-1]) if card and days else ()
        due = frozenset(day for day in scheduled if day.isoformat() >= since)
        cells = []
        for day in days:
            row = ran.get((name, day.isoformat()))
            is_asked = (name, day.isoformat()) in asked
            cells.append(Cell(day, state_of(row, card, day, day in due, now), row, is_asked))
        found.append(Line(name, card, tuple(cells)))
    return found


def state_of(row: Row | None, card: ControlCard | None, day: date, due: bool, now: datetime) -> str:
    """The state of a cell, one of STATES; without a card nobody can say that a run is missing."""
    if row is None:
        if card is None or not due:
            return "none"
        return "missing" if card.overdue(day, now) else "waiting"
    if row["outcome"] == "clean":
        return "carried" if row["carried"] else "balanced"
    return str(row["outcome"])


def heat_map(found: Sequence[Line], path: str, _: Say) -> html.Div:
    """The table of cells, under a legend."""
    days = [cell.day for cell in found[0].cells] if found else []
    wide = len(days) <= 14
    head = html.Tr(
        [
            html.Th(_("Control"), scope="col"),
            *(html.Th(day.strftime("%m-%d"), className="cell-head", scope="col", title=_.day(day)) for day in days),
        ]
    )
    body = [
        html.Tr(
            [
                html.Th(_name(line, _), scope="row"),
                *(html.Td(_cell(cell, line, path, wide, _), className="cell") for cell in line.cells),
            ]
        )
        for line in found
    ]
    table = html.Table([html.Thead(head), html.Tbody(body)], className="table heat" + (" heat-wide" if wide else ""))
    return html.Div([html.Div(table, className="table-wrap"), _legend(_)])


def _name(line: Line, _: Say) -> Any:
    number = line.card.number if line.card else None
    parts: list[Any] = [html.Span(line.called(_), className="heat-name")]
    if number is not None:
        parts.insert(0, html.Span(str(number), className="heat-number", title=_("Control {n} of the list", n=number)))
    owner = line.card.owner if line.card else ""
    return html.Span(parts, className="heat-title", title=" · ".join(filter(None, [line.name, owner])))


def _cell(cell: Cell, line: Line, path: str, wide: bool, _: Say) -> Any:
    said = sentence(cell, _)
    classes = f"heat-cell heat-{cell.state}"
    row = cell.row
    asked = [html.Span(_("a run is asked for"), className="heat-asked")] if cell.asked else []
    if row is None:
        short = SHORT.get(cell.state)
        words = html.Span(_(short) if short else _("No run"), className="heat-word" if wide and short else "unseen")
        if line.card is None:  # nobody could run it
            return html.Span(words, className=classes, title=said)
        return dcc.Link([words, *asked], href=day_path(line.name, cell.day), className=classes, title=said)
    if cell.state == "breaks":
        shown = [
            html.Span(_.number(row["breaks"]) if row["breaks"] else "≠"),
            html.Span(_("breaks"), className="unseen"),
        ]
    else:
        shown = [html.Span(_(SHORT[cell.state]), className="heat-word" if wide else "unseen")]
    if row["act"] in ("prepared", "reviewed"):
        shown.append(html.Span(word(SIGNATURE, row["act"], _), className=f"heat-signed heat-{row['act']}"))
    return dcc.Link([*shown, *asked], href=f"{path}/{row['id']}", className=classes, title=said)


def day_path(control: str, day: date) -> str:
    """The page of a day of a control."""
    return f"/control-days/{segment(control)}/{day.isoformat()}"


def sentence(cell: Cell, _: Say) -> str:
    """All that a cell says, for tips, readers and exports."""
    parts = [f"{_.day(cell.day)}: {_(STATES[cell.state])}"]
    row = cell.row
    if row is not None:
        if row["breaks"]:
            parts.append(_.many("one break", "{n} breaks", row["breaks"]))
        if row["at_risk_minor"]:
            parts.append(_("{money} at risk", money=money(row["at_risk_minor"], row["currency"], _)))
        if row["carried"]:
            parts.append(_("{n} carried", n=_.number(row["carried"])))
        if row["act"] in ("prepared", "reviewed"):
            parts.append(f"{word(SIGNATURE, row['act'], _)}: {row['signer']}")
    if cell.asked:
        parts.append(_("a run is asked for"))
    return ", ".join(parts)


def _legend(_: Say) -> html.Div:
    marks = [
        html.Span([html.Span(className=f"heat-cell heat-{code} heat-sample"), _(name)]) for code, name in STATES.items()
    ]
    signed = [
        html.Span(
            [html.Span(html.Span(className=f"heat-signed heat-{act}"), className="heat-cell heat-sample"), _(name)]
        )
        for act, name in SIGNATURE.items()
        if act != "reopened"
    ]
    asked = html.Span(
        [html.Span(html.Span(className="heat-asked"), className="heat-cell heat-sample"), _("Run asked for")]
    )
    return html.Div([*marks, *signed, asked], className="heat-legend")
