"""Who answers now, and next? Each schedule's now and next, its lanes over two weeks, changes, fairness, one's calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from alerts.oncall.config import OnCallFile, Schedule
from alerts.oncall.fairness import fairness
from alerts.oncall.roster import Roster
from alerts.oncall.rotation import Shift, instant
from alerts.oncall.shifts import gaps, next_shift, shifts
from core.store.open import reading
from dashboards.calendar_address import buttons
from dashboards.callbacks import guarded
from dashboards.components.doings import without_doings
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.on_call_forms import forms
from dashboards.components.on_call_lanes import lanes, minute, period, shown
from dashboards.components.panels import as_of, empty, panel, scrolling
from dashboards.components.speaking import speaking
from dashboards.components.states import state
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.on_call_changes import register_changes
from dashboards.page_testing import register_testing, trial_panel
from dashboards.queries import on_call
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/on-call"
TITLE = mark("On-call")
DAYS = timedelta(days=14)
AHEAD = timedelta(days=60)
GAPS_WITHIN = timedelta(days=30)
LOAD = timedelta(days=28)
SHOWN_GAPS = 5
SHOWN_WITHIN = timedelta(days=1100)
"""No day further away than this is shown."""


def layout(_: Say) -> list[Any]:
    """Filters, who is on call, lanes, forms, changes, fairness, one's calendar."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="on-call-note", className="head-note")], className="page-head"),
        html.Div(id="on-call-filters", className="filters"),
        html.Div(id="on-call-now"),
        html.Div(id="on-call-lanes"),
        html.Div(
            panel(
                _("Change the schedule"), forms(_) if current_viewer().may("oncall.work") else without_doings(forms(_))
            ),
            id="on-call-changing",
            hidden=True,
        ),
        html.Div([html.Div(id="on-call-changes"), html.Div(id="on-call-load")], className="columns columns-2"),
        trial_panel(current_viewer().may("oncall.work"), _),
        panel(_("My calendar"), buttons("on-call-feed", _)),
        dcc.Store(id="on-call-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """What is shown; `on_call_changes` has what people do."""

    @guarded(
        app,
        "see.oncall",
        Output("on-call-filters", "children"),
        Output("on-call-now", "children"),
        Output("on-call-lanes", "children"),
        Output("on-call-changes", "children"),
        Output("on-call-load", "children"),
        Input("url", "search"),
        Input("live", "data"),
        Input("on-call-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        start = first_day(filters.get("from"), now, _)
        with reading(console.engine) as connection:
            roster = on_call.roster(connection, min(start, now - LOAD))
            changes = on_call.overrides(connection, now), on_call.absences(connection, now)
        return render(console.oncall, roster, changes, filters, start, now, current_viewer().may("oncall.work"), _)

    @guarded(
        app,
        "see.oncall",
        Output("on-call-changing", "hidden"),
        Output("on-call-schedule", "data"),
        Output("on-call-schedule", "value"),
        Output("on-call-person", "data"),
        Output("on-call-away", "data"),
        Input("url", "search"),
        State("on-call-schedule", "value"),
    )
    def choices(search: str, value: str | None) -> tuple[Any, ...]:
        file, filters = console.oncall, parse(search)
        schedules = [{"value": one.name, "label": one.shown} for one in file.schedules]
        people = [{"value": one.name, "label": f"{one.shown} ({one.name})"} for one in file.people]
        wanted = filters.get("schedule") or value
        first = wanted if wanted in file.schedule else next(iter(file.schedule), None)
        return not current_viewer().may("oncall.work"), schedules, first, people, people

    register_changes(app, console)
    register_testing(app, console)


def first_day(asked: str | None, now: datetime, _: Say) -> datetime:
    """The midnight, in the viewer's zone, at which the lanes begin: that of the day asked for, else of today."""
    try:
        day = date.fromisoformat(asked or "")
        if abs(day - now.date()) > SHOWN_WITHIN:
            raise ValueError("nobody plans so far")
        return instant(datetime(day.year, day.month, day.day), _.zone)  # noqa: DTZ001  # `instant` gives it the zone
    except (ValueError, OverflowError):
        today = now.astimezone(_.zone).date()
        return instant(datetime(today.year, today.month, today.day), _.zone)  # noqa: DTZ001  # as above


def render(
    file: OnCallFile,
    roster: Roster,
    changes: tuple[Sequence[Row], Sequence[Row]],
    filters: Mapping[str, str],
    start: datetime,
    now: datetime,
    works: bool,
    _: Say,
) -> tuple[Any, ...]:
    """The five parts of the page: filters, now and next, lanes, changes in force (overrides, absences), load."""
    chosen = [one for one in file.schedules if filters.get("schedule", one.name) == one.name]
    return (
        render_filters(file, filters, start, _),
        render_now(file, chosen, roster, now, _),
        render_lanes(file, chosen, roster, start, now, _),
        render_changes(file, *changes, works, now, _),
        render_load(file, chosen, roster, filters, now, _),
    )


def render_filters(file: OnCallFile, filters: Mapping[str, str], start: datetime, _: Say) -> list[Any]:
    """Which schedule, which two weeks."""
    if not file.schedules:
        return []
    names = [("", _("all")), *((one.name, one.shown) for one in file.schedules)]
    day = start.astimezone(_.zone).date()
    moved = {-1: _("two weeks earlier"), 1: _("two weeks later")}
    steps = [
        dcc.Link(words, href=address(PATH, filters, **{"from": str(day + way * DAYS)}), className="chip")
        for way, words in moved.items()
    ]
    today = dcc.Link(_("today"), href=address(PATH, filters, **{"from": ""}), className="chip")
    return [
        chips(_("Schedule"), PATH, filters, "schedule", names),
        html.Div([steps[0], today, steps[1]], className="chips"),
    ]


def render_now(file: OnCallFile, chosen: Sequence[Schedule], roster: Roster, now: datetime, _: Say) -> html.Section:
    """Who is on call, until when and why; who comes next; gaps before they bite."""
    if not chosen:
        return panel(
            _("Now and next"),
            empty(_("No schedule is configured; oncall.yaml says who is on call.")),
            footer=as_of(_, now),
        )
    lines, warnings = [], []
    for schedule in chosen:
        rota = shifts(schedule, roster.overrides, roster.absences, now, now + AHEAD)
        current, coming = _current(rota.final), next_shift(rota.final, now)
        lines.append(_now_line(file, schedule, current, coming, _))
        ahead = [one for one in gaps(rota) if one.start < now + GAPS_WITHIN]
        most = SHOWN_GAPS if schedule.gaps == "refused" else 1
        warnings += [_gap_line(schedule, one, _) for one in ahead[:most]]
        if len(ahead) > most:
            warnings.append(
                html.Li(
                    _("{schedule}: {n} more gaps within 30 days", schedule=schedule.shown, n=len(ahead) - most),
                    className="on-call-gap",
                )
            )
    heads = [html.Th(words, scope="col") for words in (_("Schedule"), _("On call now"), _("Until"), _("Next"))]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(lines)], className="table on-call-table")
    body: list[Any] = [scrolling(table)]
    if warnings:
        body.append(html.Ul(warnings, className="list on-call-gaps"))
    return panel(_("Now and next"), body, footer=as_of(_, now))


def _current(final: Sequence[Shift]) -> Shift:
    """The first shift with what its person has after it without a break."""
    first = final[0]
    for one in final[1:]:
        if one.person != first.person:
            break
        first = Shift(first.start, one.end, first.person, first.layer, first.number, first.reason)
    return first


def _now_line(file: OnCallFile, schedule: Schedule, current: Shift, coming: Shift | None, _: Say) -> html.Tr:
    who: list[Any] = [html.B(shown(file, current.person, _))]
    if current.person is None:
        mark_of = [state("critical", _, quiet=True)] if schedule.gaps == "refused" else []
        who = [*mark_of, html.B(_("Nobody on call"), className="on-call-nobody" if mark_of else "dim")]
    why = html.Div(told(current.reason, _), className="row-why")
    following: Any = _("nobody else within 60 days")
    if coming is not None:
        following = [html.B(shown(file, coming.person, _)), html.Div(minute(coming.start, _), className="row-why")]
    link = dcc.Link(schedule.shown, href=address(PATH, {}, schedule=schedule.name))
    return html.Tr(
        [
            html.Td([link, html.Div(schedule.timezone, className="row-why")]),
            html.Td([html.Div(who, className="on-call-who"), why], **{"data-label": _("On call now")}),
            html.Td(minute(current.end, _), **{"data-label": _("Until")}),
            html.Td(following, **{"data-label": _("Next")}),
        ]
    )


def _mark_of_gap(schedule: Schedule, _: Say) -> html.Span:
    """A warning, unless the schedule is meant to have gaps."""
    if schedule.gaps == "refused":
        return state("warning", _, quiet=True)
    return icon("quiet", _("Gaps are allowed here"))


def _gap_line(schedule: Schedule, gap: Shift, _: Say) -> html.Li:
    sentence = _("{schedule}: nobody is on call {period}", schedule=schedule.shown, period=period(gap, _))
    return html.Li(
        [_mark_of_gap(schedule, _), html.Span(sentence), html.Span(told(gap.reason, _), className="row-why")],
        className="on-call-gap",
    )


def render_lanes(
    file: OnCallFile, chosen: Sequence[Schedule], roster: Roster, start: datetime, now: datetime, _: Say
) -> list[Any]:
    """Two weeks of each chosen schedule."""
    found = []
    for schedule in chosen:
        rota = shifts(schedule, roster.overrides, roster.absences, start, start + DAYS)
        body = lanes(file, schedule, rota, start, start + DAYS, now, _)
        found.append(
            panel(schedule.shown, body, footer=[as_of(_, now), html.Span(_("times of {zone}", zone=_.timezone))])
        )
    return found


def render_changes(
    file: OnCallFile, overrides: Sequence[Row], absences: Sequence[Row], works: bool, now: datetime, _: Say
) -> html.Section:
    """Overrides and absences in force, each to be taken back by who may."""
    lines = []
    for row in overrides:
        who, known = shown(file, row["person"], _), file.schedule.get(row["schedule"])
        what = _("{who} takes {schedule}", who=who, schedule=known.shown if known else row["schedule"])
        lines.append(_change(file, "override", row, what, works, _))
    for row in absences:
        what = _("{who} is away", who=shown(file, row["person"], _))
        lines.append(_change(file, "absence", row, what, works, _))
    body: Any = html.Ul(lines, className="list") if lines else empty(_("No override and no absence is in force."))
    return panel(_("Overrides and absences"), body, footer=as_of(_, now))


def _change(file: OnCallFile, what: str, row: Row, words: str, works: bool, _: Say) -> html.Li:
    when = f"{minute(row['starts_at'], _)} – {minute(row['ends_at'], _)}"
    said = _("by {who}", who=shown(file, row["by"], _)) + (f": {row['reason']}" if row["reason"] else "")
    button = html.Button(
        [icon("back"), _("Take back")],
        id={"type": "on-call-cancel", "what": what, "number": row["id"]},
        className="button",
        type="button",
    )
    return html.Li(
        [
            html.Div([html.B(words), html.Div(when), html.Div(said, className="row-why")], className="grow"),
            *([button] if works else []),
        ],
        className="on-call-change",
    )


def render_load(
    file: OnCallFile, chosen: Sequence[Schedule], roster: Roster, filters: Mapping[str, str], now: datetime, _: Say
) -> html.Section:
    """Hours by person over four weeks, and how many of them at night, at weekends and on public holidays."""
    ahead = filters.get("load") == "ahead"
    start, end = (now, now + LOAD) if ahead else (now - LOAD, now)
    choice = chips(_("Period"), PATH, filters, "load", [("", _("the last 4 weeks")), ("ahead", _("the next 4 weeks"))])
    names = (_("Person"), _("Shifts"), _("Hours"), _("At night"), _("At weekends"), _("On holidays"))
    body: list[Any] = [choice]
    for schedule in chosen:
        rota = shifts(schedule, roster.overrides, roster.absences, start, end)
        lines = [
            html.Tr(
                [
                    html.Th(shown(file, load.person, _), scope="row"),
                    html.Td(_.number(load.shifts), className="num"),
                    *(
                        html.Td(_hours(one, _), className="num")
                        for one in (load.total, load.night, load.weekend, load.holiday)
                    ),
                ]
            )
            for load in fairness(schedule, rota.final)
        ]
        head = html.Tr(
            [html.Th(words, scope="col", className="" if at == 0 else "num") for at, words in enumerate(names)]
        )
        body += [
            html.H3(schedule.shown),
            scrolling(html.Table([html.Thead(head), html.Tbody(lines)], className="table tight")),
        ]
    return panel(
        _("How the load is shared"),
        body if chosen else empty(_("No schedule is configured; oncall.yaml says who is on call.")),
        footer=as_of(_, now),
    )


def _hours(length: timedelta, _: Say) -> str:
    return _.number(length / timedelta(hours=1), 1)
