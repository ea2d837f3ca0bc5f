"""What has to be done today, and was everything done in time? Jobs of now, the calendar of a month, one job's checklist."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, State, ctx, html, no_update
from dash import dcc as dash_core
from dash.dependencies import ALL
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.duty import jobs as commands
from alerts.duty.config import DutyFile
from alerts.duty.errors import DutyError
from alerts.duty.plan_config import Plan
from alerts.duty.plan_days import due_days
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.filters import chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.job_parts import (
    PATH,
    checklist,
    job_detail,
    job_list,
    month_days,
    month_of,
    month_table,
    shares,
)
from dashboards.components.panels import as_of, panel
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import jobs
from dashboards.queries.rows import Row
from dashboards.sentences import told

__all__ = ["PATH", "TITLE", "layout", "register", "render"]

TITLE = mark("Job plans")
MONTHS_BACK = 2
"""Months before the one shown whose share in time is told as well."""


def layout(_: Say) -> list[Any]:
    """Head, filters, what is due, and the side with one job; the checklist stays while the rest is renewed."""
    works = current_viewer().may("duty.work")
    buttons = [
        html.Button([icon("save"), _("Save results")], id="job-save", className="button", type="button"),
        html.Button(
            [icon("check"), _("Finish the job")], id="job-finish", className="button button-main", type="button"
        ),
    ]
    form = html.Div(
        [
            html.Div(id="job-checklist", className="form"),
            html.Div(buttons if works else [], className="form-line form-end"),
        ],
        id="job-form",
        className="panel ticket-forms",
        hidden=True,
    )
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="jobs-load", className="head-note")], className="page-head"),
        html.Div(id="jobs-filters", className="filters"),
        html.Div(
            [
                html.Div(id="jobs-body", className="page-body"),
                html.Div([html.Div(id="job-detail"), form], id="job-side", className="detail"),
            ],
            id="jobs-columns",
            className="columns",
        ),
        dash_core.Store(id="job-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """Lists and detail on every tick; the checklist once for each job; results and files as they are given."""

    @guarded(
        app,
        "see.duty",
        Output("jobs-body", "children"),
        Output("jobs-filters", "children"),
        Output("jobs-load", "children"),
        Input("url", "search"),
        Input("live", "data"),
        Input("job-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = read(connection, console, filters, now)
        return render(rows, filters, now, _), render_filters(console.duty, rows["first"], filters, _), _load(rows, _)

    @guarded(
        app,
        "see.duty",
        Output("job-detail", "children"),
        Output("jobs-columns", "className"),
        Output("job-form", "hidden"),
        Input("url", "search"),
        Input("live", "data"),
        Input("job-done", "data"),
    )
    def detail(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        wanted = whole(filters.get("job"))
        if wanted is None:
            return None, "columns", True
        with reading(console.engine) as connection:
            row = jobs.one(connection, wanted, now)
            events = jobs.events(connection, wanted)
            files = jobs.files(connection, wanted)
        works = current_viewer().may("duty.work") and row is not None and row["state"] == "open"
        shown = job_detail(row, events, files, plans_of(console), filters, now, _)
        return shown, "columns columns-side has-detail", not works

    @guarded(
        app,
        "see.duty",
        Output("job-checklist", "children"),
        Input("url", "search"),
        Input("job-done", "data"),
    )
    def fields(search: str, _done: Any) -> Any:
        """Only when another job is opened or a result was kept, so that nothing typed is lost to a tick."""
        wanted = whole(parse(search).get("job")) if current_viewer().may("duty.work") else None
        with reading(console.engine) as connection:
            row = None if wanted is None else jobs.one(connection, wanted, console.clock())
        return checklist(row, speaking(console)) if row is not None and row["state"] == "open" else []

    _commands(app, console)


def _commands(app: Dash, console: Console) -> None:
    typed = (
        State("url", "search"),
        State({"type": "job-value", "item": ALL}, "value"),
        State({"type": "job-value", "item": ALL}, "id"),
        State({"type": "job-remark", "item": ALL}, "value"),
        State({"type": "job-remark", "item": ALL}, "id"),
    )

    def doing(button: str) -> Callable[..., Any]:
        return guarded(
            app,
            "duty.work",
            Output("job-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            *typed,
            prevent_initial_call=True,
        )

    def run(clicks: int | None, search: str, given: Mapping[str, tuple[str, str]], ends: bool) -> tuple[Any, Any]:
        number = whole(parse(search).get("job"))
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        _, who, now = speaking(console), current_viewer().name, console.clock()
        try:
            with writing(console.engine) as connection:
                keep(connection, number, who, given, now)
                if ends:
                    commands.finish(connection, number, who, now)
        except DutyError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, _("The job is done.") if ends else _("The results are kept."))]

    @doing("job-save")
    def save(clicks: int | None, search: str, *given: Any) -> tuple[Any, Any]:
        return run(clicks, search, results(*given), False)

    @doing("job-finish")
    def finish(clicks: int | None, search: str, *given: Any) -> tuple[Any, Any]:
        return run(clicks, search, results(*given), True)

    @guarded(
        app,
        "duty.work",
        Output("job-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input({"type": "job-file", "item": ALL}, "contents"),
        State({"type": "job-file", "item": ALL}, "filename"),
        State({"type": "job-file", "item": ALL}, "id"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def attach(contents: Any, names: Any, ids: Any, search: str) -> tuple[Any, Any]:
        number, chosen = whole(parse(search).get("job")), ctx.triggered_id
        if number is None or not isinstance(chosen, dict) or not isinstance(contents, list):
            raise PreventUpdate
        place = next((at for at, known in enumerate(ids) if known.get("item") == chosen.get("item")), None)
        if place is None or not contents[place]:
            raise PreventUpdate
        _, now = speaking(console), console.clock()
        try:
            content = decoded(contents[place])
            with writing(console.engine) as connection:
                item, name = str(chosen["item"]), str(names[place])
                digest = commands.attach(connection, number, current_viewer().name, item, name, content, now)
        except DutyError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [
            notices.done(_, _("The file is kept; its SHA-256 begins with {print}.", print=digest[:12]))
        ]


def results(values: Any, value_ids: Any, remarks: Any, remark_ids: Any) -> dict[str, tuple[str, str]]:
    """What was typed, by the code of the item: result and remark; a result that is empty is none."""
    lists = (values, value_ids, remarks, remark_ids)
    if not all(isinstance(one, list) for one in lists):
        raise PreventUpdate
    said = {known["item"]: text for text, known in zip(remarks, remark_ids, strict=True)}
    return {
        str(known["item"]): (str(value), str(said.get(known["item"]) or ""))
        for value, known in zip(values, value_ids, strict=True)
        if value not in (None, "")
    }


def keep(connection: Connection, number: int, who: str, given: Mapping[str, tuple[str, str]], now: datetime) -> None:
    """Write the results that are new or changed. Raises DutyError as the command does."""
    row = jobs.one(connection, number, now)
    known = row["results"] if row is not None else {}
    for code, (value, remark) in given.items():
        before = known.get(code, {})
        same = str(before.get("value")) == value or _number(before.get("value")) == _number(value) is not None
        if not (before and same and before.get("remark", "") == remark.strip()):
            commands.fill(connection, number, who, code, value, remark, now)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def decoded(content: Any) -> bytes:
    """The bytes of a file as a browser sends it: data:TYPE;base64,.... Raises DutyError for anything else."""
    kind, comma, text = str(content).partition(",")
    try:
        if not comma or not kind.endswith(";base64"):
            raise ValueError(kind)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise DutyError("The file did not arrive whole; choose it again.") from error


def plans_of(console: Console) -> dict[str, Plan]:
    """The configured plans by name."""
    return {plan.name: plan for plan in console.plans.plans}


def read(connection: Connection, console: Console, filters: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Everything that the page shows beside the chosen job."""
    desk = filters.get("desk", "")
    where = console.duty.by_name.get(desk)
    zone: ZoneInfo = where.zone if where else console.timezone
    today = now.astimezone(zone).date()
    first = month_of(filters.get("month", ""), today)
    days = month_days(first)
    chosen = [plan for plan in console.plans.plans if desk in ("", plan.desk)]
    desks = console.duty.by_name
    since = first
    for _back in range(MONTHS_BACK):
        since = (since - timedelta(days=1)).replace(day=1)
    return {
        "first": first,
        "days": days,
        "today": today,
        "plans": plans_of(console),
        "current": jobs.current(connection, now, desk),
        "stored": jobs.between(connection, days[0], days[-1], now, desk),
        "dues": {
            plan.name: due_days(plan, desks[plan.desk].workdays, days[0], days[-1])
            for plan in chosen
            if plan.desk in desks
        },
        "shares": jobs.in_time(connection, now, since, days[-1], desk),
    }


def render(rows: dict[str, Any], filters: Mapping[str, str], now: datetime, _: Say) -> list[Any]:
    """What is due now, the month, and the share done in time."""
    plans, foot = rows["plans"], as_of(_, now)
    return [
        panel(_("Today"), job_list(rows["current"], plans, filters, now, _), className="panel-flush", footer=foot),
        panel(
            _("Month {month}", month=rows["first"].strftime("%Y-%m")),
            month_table(rows["dues"], rows["stored"], plans, rows["days"], filters, rows["today"], _),
            className="panel-flush",
            footer=as_of(_, now),
        ),
        panel(_("Done in time"), shares(rows["shares"], plans, _), className="panel-flush", footer=as_of(_, now)),
    ]


def render_filters(duty: DutyFile, first: date, filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links to the desks and to the months around."""
    kept = {name: value for name, value in filters.items() if name != "job"}
    before = (first - timedelta(days=1)).replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    months: Sequence[tuple[str, str]] = [(f"{month:%Y-%m}", f"{month:%Y-%m}") for month in (before, first, after)]
    shown = [chips(_("Month"), PATH, {**kept, "month": f"{first:%Y-%m}"}, "month", months)]
    if len(duty.desks) > 1:
        desks = [(desk.name, desk.title.called(_.language)) for desk in duty.desks]
        shown.insert(0, chips(_("Duty desk"), PATH, kept, "desk", [("", _("all")), *desks]))
    return shown


def _load(rows: Row, _: Say) -> list[Any]:
    found = jobs.load(rows["current"])
    return [
        html.Span(_("{n} to do", n=_.number(found["open"]))),
        html.Span(_("{n} missed", n=_.number(found["missed"])), className="flood" if found["missed"] else ""),
        html.Span(_("{n} done", n=_.number(found["done"]))),
    ]
