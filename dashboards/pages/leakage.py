"""How much leaks, and how much comes back? Money identified against recovered and written off, each currency by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from types import MappingProxyType
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.money import EXPONENTS, exponent
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.charts import chart
from dashboards.components.figures import base
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, number, panel
from dashboards.components.places import export, places
from dashboards.components.speaking import speaking
from dashboards.components.values import money
from dashboards.components.words import LEAKAGE, break_class
from dashboards.context import Console
from dashboards.controls import titles
from dashboards.locale import Say, mark
from dashboards.queries import cases
from dashboards.queries.rows import Row

PATH = "/leakage"
TITLE = mark("Leakage and recovery")
STEPS = {"day": mark("by day"), "month": mark("by month")}
DAYS, MONTHS = 31, 12
HEIGHT_PX = 300
LOOKS = {
    "identified": ("#7b8794", ""),
    "recovered": ("#3f7fd0", ""),
    "written_off": ("#c98a2b", "/"),
    "explained": ("#9aa7b4", "."),
}
"""Colour and hatching of each bar, so that nobody has to tell colours apart."""


def layout(_: Say) -> list[Any]:
    """Filters, then charts and tables."""
    return [
        html.Div([html.H1(_(TITLE))], className="page-head"),
        places(PATH, _),
        html.Div(id="leakage-filters", className="filters"),
        html.Div(id="leakage", className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the cases again on every tick."""

    @guarded(
        app,
        "see.reconciliation",
        Output("leakage", "children"),
        Output("leakage-filters", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        filters, now, _ = parse(search), console.clock(), speaking(console)
        days, rows = read(console, filters, now)
        with reading(console.engine) as connection:
            choices = cases.choices(connection)
        called = titles(console.controls, _.language)
        return render(rows, days, filters, now, _, called), render_filters(filters, choices, _, called)


def step_of(filters: Mapping[str, str]) -> str:
    """`day` or `month`, as the address asks."""
    return filters["step"] if filters.get("step") in STEPS else "day"


def read(console: Console, filters: Mapping[str, str], now: datetime) -> tuple[list[str], list[Row]]:
    """The periods that are shown, oldest first, and what happened in them."""
    today = now.astimezone(console.timezone).date()
    if step_of(filters) == "month":
        first = months_before(today, MONTHS - 1)
        periods = [months_before(today, back).isoformat()[:7] for back in range(MONTHS - 1, -1, -1)]
    else:
        first = today - timedelta(days=DAYS - 1)
        periods = [(first + timedelta(days=n)).isoformat() for n in range(DAYS)]
    with reading(console.engine) as connection:
        return periods, cases.leakage(connection, first, today, console.timezone, filters)


def months_before(day: date, back: int) -> date:
    """The first day of the month that lies so many months before."""
    years, month = divmod(day.year * 12 + day.month - 1 - back, 12)
    return date(years, month + 1, 1)


def render_filters(
    filters: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
    _: Say,
    called: Mapping[str, str] = MappingProxyType({}),
) -> list[Any]:
    """Links that choose the period and the control, and one that takes the class away again; `called` are the titles of
    controls by name."""
    shown: list[Any] = [
        chips(_("Shown"), PATH, filters, "step", [(code, _(name)) for code, name in STEPS.items()], "day")
    ]
    if len(choices["control"]) > 1 or filters.get("control"):
        options = [("", _("all")), *((name, called.get(name, name)) for name in choices["control"])]
        shown.append(chips(_("Control"), PATH, filters, "control", options))
    if filters.get("class"):
        gone = address(PATH, filters, **{"class": ""})
        shown.append(dcc.Link([break_class(filters["class"], _), icon("close")], href=gone, className="chip chip-on"))
    return shown


def render(
    rows: Sequence[Row],
    periods: Sequence[str],
    filters: Mapping[str, str],
    now: datetime,
    _: Say,
    called: Mapping[str, str] = MappingProxyType({}),
) -> list[Any]:
    """For each currency: figures, trend, and where it comes from; `called` are the titles of controls by name."""
    if not rows:
        sentence = _("No break was found and none was settled in this time.")
        return [panel(_(TITLE), empty(sentence), footer=as_of(_, now))]
    shown: list[Any] = []
    for currency in sorted({row["currency"] for row in rows}):
        mine = [row for row in rows if row["currency"] == currency]
        sums = summed(mine)
        name = currency if currency in EXPONENTS else _("several currencies")
        shown += [
            _figures(sums, currency, _),
            panel(
                _("Identified against recovered, {currency}", currency=name),
                _trend(mine, periods, currency, _),
                footer=as_of(_, now),
                actions=[export("leakage", filters, _)],
            ),
            html.Div(
                [
                    panel(
                        _("By class of break"),
                        _table(mine, "class", currency, filters, called, _),
                        footer=as_of(_, now),
                        className="panel-flush",
                    ),
                    panel(
                        _("By control"),
                        _table(mine, "control", currency, filters, called, _),
                        footer=as_of(_, now),
                        className="panel-flush",
                    ),
                ],
                className="columns columns-wide",
            ),
        ]
    return shown


def summed(rows: Sequence[Row]) -> dict[str, int]:
    """Money by what became of it, in minor units."""
    return {what: sum(row["amount_minor"] for row in rows if row["what"] == what) for what in LEAKAGE}


def recovery(sums: Mapping[str, int]) -> float | None:
    """Recovered of identified (number 26 of the list); None when nothing was identified."""
    return sums["recovered"] / sums["identified"] if sums["identified"] else None


def _figures(sums: Mapping[str, int], currency: str, _: Say) -> html.Div:
    ratio = recovery(sums)
    figures = [number(money(sums[what], currency, _), _(name)) for what, name in LEAKAGE.items()]
    figures.append(number("–" if ratio is None else _.share(ratio), _("recovered of identified")))
    return html.Div(figures, className="numbers")


def _trend(rows: Sequence[Row], periods: Sequence[str], currency: str, _: Say) -> Any:
    unit = 10 ** (exponent(currency) if currency in EXPONENTS else 0)
    traces = []
    for what, name in LEAKAGE.items():
        by_period = dict.fromkeys(periods, 0)
        for row in rows:
            period = row["day"][: len(periods[0])]
            if row["what"] == what and period in by_period:
                by_period[period] += row["amount_minor"]
        colour, hatch = LOOKS[what]
        traces.append(
            {
                "type": "bar",
                "name": _(name),
                "x": list(by_period),
                "y": [amount / unit for amount in by_period.values()],
                "customdata": [money(amount, currency, _) for amount in by_period.values()],
                "hovertemplate": f"%{{x}} {escape(_(name))}: %{{customdata}}<extra></extra>",
                "marker": {
                    "color": colour,
                    "pattern": {"shape": hatch, "fillmode": "overlay", "fgcolor": "#14181d", "fgopacity": 0.6},
                },
            }
        )
    layout = base(HEIGHT_PX) | {
        "barmode": "group",
        "bargap": 0.25,
        "hovermode": "closest",
        "margin": {"l": 58, "r": 14, "t": 30, "b": 34, "pad": 2},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.12, "yanchor": "bottom", "font": {"size": 12}},
        "xaxis": _axis(periods),
        "yaxis": {"fixedrange": True, "rangemode": "tozero", "nticks": 5, "tickformat": "~s"},
    }
    sums = summed(rows)
    said = "; ".join(f"{_(name)}: {money(sums[what], currency, _)}" for what, name in LEAKAGE.items())
    return chart(f"leakage-{currency}", {"data": traces, "layout": layout}, said)


def _axis(periods: Sequence[str]) -> dict[str, Any]:
    """A category for each period; every fifth day is named, or every third month, so that a phone can show the names."""
    daily = len(periods[0]) == len("2026-01-31")
    named = list(periods[:: 5 if daily else 3])
    return {
        "type": "category",
        "fixedrange": True,
        "showgrid": False,
        "tickangle": 0,
        "tickvals": named,
        "ticktext": [period[5:] if daily else period for period in named],
    }


def _table(
    rows: Sequence[Row], by: str, currency: str, filters: Mapping[str, str], called: Mapping[str, str], _: Say
) -> html.Div:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    ordered = sorted(groups.items(), key=lambda pair: -summed(pair[1])["identified"])
    heads = [
        html.Th(_("Class of break") if by == "class" else _("Control"), scope="col"),
        html.Th(_("Cases"), className="num wide-only", scope="col"),
        *(html.Th(_(name), className="num" + _narrow(what), scope="col") for what, name in LEAKAGE.items()),
        html.Th(_("Share"), className="num", scope="col"),
    ]
    body = []
    for name, members in ordered:
        sums, n = summed(members), sum(row["n"] for row in members if row["what"] == "identified")
        ratio = recovery(sums)
        words = break_class(name, _) if by == "class" else called.get(name, name)
        cells = (html.Td(money(sums[what], currency, _), className="num" + _narrow(what)) for what in LEAKAGE)
        body.append(
            html.Tr(
                [
                    html.Th(dcc.Link(words, href=address(PATH, filters, **{by: name})), scope="row"),
                    html.Td(
                        dcc.Link(_.number(n), href=address("/breaks", {}, **{by: name, "state": "all"})),
                        className="num wide-only",
                    ),
                    *cells,
                    html.Td("–" if ratio is None else _.share(ratio), className="num"),
                ]
            )
        )
    return html.Div(
        html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], className="table snug"), className="table-wrap"
    )


def _narrow(what: str) -> str:
    """What a phone leaves out."""
    return "" if what in ("identified", "recovered") else " wide-only"


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """What was identified and what became of it with these filters, as rows of text."""
    _periods, rows = read(console, filters, console.clock())
    names = ("day", "what", "control", "class", "currency", "n", "amount_minor")
    return [list(names), *([str(row[name]) for name in names] for row in rows)]
