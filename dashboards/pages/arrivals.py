"""Did every file come, in time, once, and unchanged? Controls and parties over days; what is not as it should be first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse
from dashboards.components.heat_map import span
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, number, panel, scrolling
from dashboards.components.places import export, places
from dashboards.components.speaking import speaking
from dashboards.components.words import ARRIVAL, PARTY, word
from dashboards.context import Console
from dashboards.controls import ControlCard
from dashboards.locale import Say, mark
from dashboards.queries import arrivals
from dashboards.queries.arrivals import FAULTS, WORST_FIRST
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/arrivals"
TITLE = mark("Arrivals")
DAYS = ("7", "14", "31")
LISTED = 200
SHAPES = {"missing": "critical", "changed": "unknown", "twice": "unknown", "late": "warning", "expected": "unjudged"}


def layout(_: Say) -> list[Any]:
    """Filters, the map of files and days, and the list."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="arrivals-load", className="head-note")], className="page-head"),
        places(PATH, _),
        html.Div(id="arrivals-filters", className="filters"),
        html.Div(id="arrivals", className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the deliveries again on every tick."""

    @guarded(
        app,
        "see.reconciliation",
        Output("arrivals", "children"),
        Output("arrivals-filters", "children"),
        Output("arrivals-load", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        filters, now, _ = parse(search), console.clock(), speaking(console)
        days, rows = read(console, filters, now)
        shown = [row for row in rows if fits(row, filters)]
        return (
            render(shown, days, filters, console.controls, now, _),
            render_filters(rows, filters, _),
            _.many("one file", "{n} files", len(shown)),
        )


def read(console: Console, filters: Mapping[str, str], now: datetime) -> tuple[list[date], list[Row]]:
    """The days that the address asks for, today included, and what came or should come for them."""
    today = now.astimezone(console.timezone).date()
    asked = int(filters["days"]) if filters.get("days") in DAYS else int(DAYS[0])
    days = span(today, asked)
    with reading(console.engine) as connection:
        return days, arrivals.arrivals(connection, console.expectations(now), days[0], days[-1], now)


def fits(row: Row, filters: Mapping[str, str]) -> bool:
    """Whether a file fits the filters of control, party and state; the state `faults` is any that needs hands."""
    wanted = filters.get("state", row["state"])
    return (
        filters.get("control", row["control"]) == row["control"]
        and filters.get("party", row["party"]) == row["party"]
        and (row["state"] in FAULTS if wanted == "faults" else row["state"] == wanted)
    )


def render_filters(rows: Sequence[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that choose days, state and party, and one that takes the control away again."""
    present = [code for code in WORST_FIRST if any(row["state"] == code for row in rows)]
    parties = sorted({row["party"] for row in rows})
    states = [("", _("all")), ("faults", _("needs hands")), *((code, _(ARRIVAL[code])) for code in present)]
    shown: list[Any] = [
        chips(_("Days"), PATH, filters, "days", [(n, n) for n in DAYS], DAYS[0]),
        chips(_("State"), PATH, filters, "state", states),
    ]
    if len(parties) > 1:
        choices = [("", _("all")), *((name, word(PARTY, name, _)) for name in parties)]
        shown.append(chips(_("Party"), PATH, filters, "party", choices))
    if filters.get("control"):
        gone = address(PATH, filters, control="")
        shown.append(dcc.Link([filters["control"], icon("close")], href=gone, className="chip chip-on"))
    return shown


def render(
    rows: Sequence[Row],
    days: Sequence[date],
    filters: Mapping[str, str],
    cards: Sequence[ControlCard],
    now: datetime,
    _: Say,
) -> list[Any]:
    """How many of each, the map, and the list, the worst first."""
    if not rows:
        sentence = _("No file was expected or came in these days. A control with files says when each is due.")
        return [panel(_(TITLE), empty(sentence), footer=as_of(_, now))]
    titles = {card.name: card.called(_.language) for card in cards}
    return [
        _figures(rows, filters, _),
        panel(
            _("Files over the last {n} business days", n=len(days)),
            _map(rows, days, titles, _),
            footer=as_of(_, now),
            actions=[export("arrivals", filters, _)],
            className="panel-flush",
        ),
        panel(
            _("Files, those that need hands first"),
            _list(rows, titles, _),
            footer=as_of(_, now),
            className="panel-flush",
        ),
    ]


def _figures(rows: Sequence[Row], filters: Mapping[str, str], _: Say) -> html.Div:
    counts = {code: sum(row["state"] == code for row in rows) for code in ARRIVAL}
    over = counts["on_time"] + sum(counts[code] for code in FAULTS)
    figures = [number(_.share(counts["on_time"] / over) if over else "–", _("on time, of those that were due"))]
    for code in WORST_FIRST:
        if counts[code] or code in FAULTS:
            status = SHAPES.get(code, "") if counts[code] and code in FAULTS else ""
            figures.append(number(_.number(counts[code]), _(ARRIVAL[code]), address(PATH, filters, state=code), status))
    return html.Div(figures, className="numbers")


def _map(rows: Sequence[Row], days: Sequence[date], titles: Mapping[str, str], _: Say) -> html.Div:
    found = {(row["control"], row["party"], row["business_day"]): row for row in rows}
    names = sorted({(row["control"], row["party"]) for row in rows})
    wide = len(days) <= 14
    head = html.Tr(
        [
            html.Th(_("Control and party"), scope="col"),
            *(html.Th(day.strftime("%m-%d"), className="cell-head", scope="col", title=_.day(day)) for day in days),
        ]
    )
    body = [
        html.Tr(
            [
                html.Th(
                    [
                        html.Span(titles.get(control, control), className="heat-name"),
                        html.Span(word(PARTY, party, _), className="heat-party"),
                    ],
                    scope="row",
                ),
                *(html.Td(_cell(found.get((control, party, day)), day, wide, _), className="cell") for day in days),
            ]
        )
        for control, party in names
    ]
    return scrolling(html.Table([html.Thead(head), html.Tbody(body)], className="table heat"))


def _cell(row: Row | None, day: date, wide: bool, _: Say) -> html.Span:
    if row is None:
        said = f"{_.day(day)}: {_('nothing expected')}"
        return html.Span(html.Span("–", className="unseen"), className="heat-cell heat-none", title=said)
    at = "" if row["arrived_at"] is None else row["arrived_at"].astimezone(_.zone).strftime("%H:%M")
    words = [
        html.Span(_(ARRIVAL[row["state"]]), className="unseen"),
        *([html.Span(at or _(ARRIVAL[row["state"]]), className="heat-word")] if wide else []),
    ]
    return html.Span(words, className=f"heat-cell file-{row['state']}", title=sentence(row, _))


def sentence(row: Row, _: Say) -> str:
    """State, due time and arrival of one file, for tips and lists."""
    parts = [f"{_.day(row['business_day'])}: {_(ARRIVAL[row['state']])}"]
    if row["due_at"] is not None:
        parts.append(_("due {at}", at=_.instant(row["due_at"])))
    if row["arrived_at"] is not None:
        parts.append(_("came {at}", at=_.instant(row["arrived_at"])))
    return ", ".join(parts)


def _list(rows: Sequence[Row], titles: Mapping[str, str], _: Say) -> html.Div:
    heads = (
        (_("Business day"), ""),
        (_("Control and party"), ""),
        (_("State"), ""),
        (_("Due"), "wide-only"),
        (_("Came"), "wide-only"),
        (_("File"), "wide-only"),
    )
    head = html.Tr([html.Th(name, className=classes or None, scope="col") for name, classes in heads])
    body = [_line(row, titles, _) for row in rows[:LISTED]]
    return html.Div(html.Table([html.Thead(head), html.Tbody(body)], className="table runs"), className="table-wrap")


def _line(row: Row, titles: Mapping[str, str], _: Say) -> html.Tr:
    state = html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(_(ARRIVAL[row["state"]]))],
        className=f"state state-{SHAPES.get(row['state'], 'ok')}",
    )
    control = dcc.Link(
        titles.get(row["control"], row["control"]), href=address("/reconciliation", {}, control=row["control"])
    )
    versions = _.many("one content", "{n} contents", row["versions"]) if row["versions"] > 1 else ""
    return html.Tr(
        [
            html.Td(row["business_day"].isoformat()),
            html.Td([control, html.Div(word(PARTY, row["party"], _), className="dim")]),
            html.Td([state, html.Div(why(row, _), className="row-why")]),
            html.Td(_.instant(row["due_at"]), className="wide-only"),
            html.Td(_.instant(row["arrived_at"]), className="wide-only"),
            html.Td([html.Code(row["path"]), html.Div(versions, className="dim")], className="wide-only"),
        ]
    )


def why(row: Row, _: Say) -> str:
    """What is wrong with a file and what to do, in the viewer's language; nothing for one that is as it should be."""
    if row["state"] == "missing":
        return _("{path} is looked for; ask {party} for it.", path=row["path"], party=word(PARTY, row["party"], _))
    if row["state"] == "late" and row["arrived_at"] is not None and row["due_at"] is not None:
        return _("It came {age} after it was due.", age=_.age((row["arrived_at"] - row["due_at"]).total_seconds()))
    return told(str(row["reason"]), _) if row["state"] in FAULTS else ""


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """The files that the list shows with these filters, as rows of text."""
    _days, rows = read(console, filters, console.clock())
    names = ("control", "party", "business_day", "state", "due_at", "arrived_at", "path", "versions", "reason")
    return [list(names), *([_plain(row[name]) for name in names] for row in rows if fits(row, filters))]


def _plain(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)
