"""What has to be done today, and was everything done in time? Jobs of now, the calendar of a month, one job's checklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, html
from dash import dcc as dash_core
from sqlalchemy import Connection

from alerts.duty.config import DutyFile
from alerts.duty.plan_config import Plan
from alerts.duty.plan_days import due_days
from core.store.open import reading
from dashboards.callbacks import guarded
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
from dashboards.job_doings import register_jobs
from dashboards.locale import Say, mark
from dashboards.queries import jobs
from dashboards.queries.about import tickets_about
from dashboards.queries.rows import Row

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
            tickets = tickets_about(connection, "job", wanted)
        works = current_viewer().may("duty.work") and row is not None and row["state"] == "open"
        opens = current_viewer().may("tickets.work")
        shown = job_detail(row, events, files, tickets, plans_of(console), filters, now, opens, _)
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

    register_jobs(app, console)


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
