"""What must I know? Who is on duty, the handover with its two signatures, and the duty log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html
from sqlalchemy import Connection

from alerts.duty.collect import collect, differences
from alerts.duty.config import Desk
from alerts.duty.log import KINDS
from core.people.identity import seen_by
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.duty_forms import FORMS, handover_forms, hidden, log_form, roster_form
from dashboards.components.duty_parts import (
    PATH,
    handover_fields,
    handover_list,
    handover_view,
    log_lines,
    on_duty,
    shift_name,
)
from dashboards.components.filters import address, chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.open_items import by_title, titled_content
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.words import ENTRY_KIND, HANDOVER_STATE, word
from dashboards.context import Console, current_viewer
from dashboards.dutying import register_duty
from dashboards.locale import Say, mark
from dashboards.queries import duty

__all__ = ["PATH", "TITLE", "layout", "register", "render"]

TITLE = mark("Duty desk")


def layout(_: Say) -> list[Any]:
    """Head, who is on duty, the handover with its forms, and the log with its form."""
    may = current_viewer().may
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="duty-note", className="head-note")], className="page-head"),
        html.Div(id="duty-filters", className="filters"),
        html.Div(
            [
                html.Div(
                    [
                        _panel(_("On duty"), [html.Div(id="duty-now"), roster_form(may, _)], "duty-now-foot"),
                        _panel(_("Handover"), [html.Div(id="handover-view"), handover_forms(may, _)], "handover-foot"),
                    ],
                    className="page-body",
                ),
                html.Div(
                    [
                        _panel(_("Duty log"), [log_form(may, _), html.Div(id="duty-log")], "duty-log-foot"),
                        html.Div(id="handover-list"),
                    ],
                    className="page-body",
                ),
            ],
            className="columns columns-2",
        ),
        dcc.Store(id="duty-done"),
        dcc.Store(id="handover-seen"),
    ]


def _panel(title: str, children: list[Any], foot: str) -> html.Section:
    """A panel whose foot a callback fills."""
    head = html.Div(html.H2(title), className="panel-head")
    return html.Section(
        [head, html.Div(children, className="panel-body"), html.Div(id=foot, className="panel-foot")], className="panel"
    )


def register(app: Dash, console: Console) -> None:
    """Everything but the fields on every tick; `dutying` has the doings."""

    @guarded(
        app,
        "see.duty",
        *(
            Output(part, "children")
            for part in (
                "duty-now",
                "duty-log",
                "handover-list",
                "duty-filters",
                "duty-note",
                "duty-now-foot",
                "duty-log-foot",
            )
        ),
        Input("url", "search"),
        Input("live", "data"),
        Input("duty-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        desk = chosen(console, filters)
        if desk is None:
            nothing = empty(_("No duty desk is configured; duty.yaml holds them."))
            return nothing, None, None, None, None, as_of(_, now), as_of(_, now)
        with reading(console.engine) as connection:
            rows = read(connection, desk, filters, now)
        return render(desk, rows, filters, now, console, _)

    @guarded(
        app,
        "see.duty",
        Output("handover-view", "children"),
        Output("handover-foot", "children"),
        Output("handover-seen", "data"),
        *(Output(form, "hidden") for form in FORMS),
        Input("url", "search"),
        Input("live", "data"),
        Input("duty-done", "data"),
    )
    def view(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        """The handover, what changed since it was frozen, and which content the viewer has before them."""
        now, filters, _, viewer = console.clock(), parse(search), speaking(console), current_viewer()
        desk, works = chosen(console, filters), viewer.may("duty.work")
        if desk is None:
            return None, as_of(_, now), None, True, True, True
        with reading(console.engine) as connection:
            row = wanted(connection, desk, filters)
            if row is None:
                said = empty(_("There was no handover yet; the first one comes with the next change of shifts."))
                return said, as_of(_, now), {"id": None}, *hidden(None, None, viewer.name, works)
            since = row["since_prepared"]
            if row["state"] == "prepared":
                moment = duty.moment(connection, desk.name, console.expectations(now), now)
                since = differences(row["content"]["sections"], collect(connection, moment))
            events = duty.events(connection, row["id"])
            preparer = seen_by(connection, viewer.name, row["prepared_by"])
        since = None if since is None else by_title(console, since, _)
        shown = handover_view(desk, titled_content(console, row, _), since, events, _)
        state = None if row["state"] == "accepted" else row["state"]
        seen = {"id": row["id"], "sha256": row["sha256"], "state": row["state"]}
        return shown, as_of(_, now), seen, *hidden(state, preparer, viewer.name, works)

    @guarded(
        app,
        "see.duty",
        Output("handover-fields", "children"),
        Output("handover-to-do", "value"),
        Input("url", "search"),
        Input("duty-done", "data"),
    )
    def fields(search: str, _done: Any) -> tuple[Any, Any]:
        """Only when the handover changes, so that nothing typed is lost to a tick; signing collects everything anew."""
        now, filters, _, viewer = console.clock(), parse(search), speaking(console), current_viewer()
        desk = chosen(console, filters)
        if desk is None or not viewer.may("duty.work"):
            return None, ""
        with reading(console.engine) as connection:
            row = wanted(connection, desk, filters)
            if (
                row is None
                or row["state"] == "accepted"
                or hidden(row["state"], seen_by(connection, viewer.name, row["prepared_by"]), viewer.name, True)[1]
            ):
                return None, ""
            moment = duty.moment(connection, desk.name, console.expectations(now), now)
            collected = by_title(console, collect(connection, moment), _)
            return handover_fields(collected, row["remarks"], _), row["to_do"]

    @guarded(
        app,
        "see.duty",
        Output("roster-shift", "data"),
        Output("roster-people", "data"),
        Input("url", "search"),
        Input("duty-done", "data"),
    )
    def choices(search: str, _done: Any) -> tuple[Any, Any]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        desk = chosen(console, filters)
        if desk is None:
            return [], []
        with reading(console.engine) as connection:
            found, people = duty.on_duty(connection, desk, now), duty.people(connection)
        return [{"value": shift.key, "label": shift_name(desk, shift, _)} for shift in found], people

    @guarded(app, "see.duty", Output("entry-visit", "hidden"), Input("entry-kind", "value"))
    def visit(kind: Any) -> bool:
        return bool(kind != "visit")

    register_duty(app, console, chosen, wanted)


def chosen(console: Console, filters: Mapping[str, str]) -> Desk | None:
    """The desk that the address names, else the first; None when none is configured."""
    desks = console.duty.by_name
    return desks.get(filters.get("desk", "")) or next(iter(console.duty.desks), None)


def wanted(connection: Connection, desk: Desk, filters: Mapping[str, str]) -> dict[str, Any] | None:
    """The handover that the address names, else the desk's current one."""
    number = whole(filters.get("handover"))
    row = duty.one(connection, number) if number is not None else duty.current(connection, desk.name)
    return row if row is not None and row["desk"] == desk.name else None


def read(connection: Connection, desk: Desk, filters: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Who is on duty, the log, and the latest handovers."""
    return {
        "on_duty": duty.on_duty(connection, desk, now),
        "log": duty.log(connection, desk.name, filters, desk.zone),
        "latest": duty.latest(connection, desk.name),
        "current": duty.current(connection, desk.name),
    }


def render(
    desk: Desk, rows: dict[str, Any], filters: Mapping[str, str], now: datetime, console: Console, _: Say
) -> tuple[Any, ...]:
    """Who is on duty, the log, the latest handovers, the filters, the note, and two feet."""
    current = rows["current"]
    note = []
    if current is not None and current["state"] != "accepted":
        late = now >= current["changes_at"] + desk.accept_within
        said = _("handover: {state}", state=word(HANDOVER_STATE, current["state"], _))
        note.append(
            html.Span(said + (" · " + _("not accepted in time") if late else ""), className="flood" if late else "")
        )
    kept = {name: value for name, value in filters.items() if name in ("desk", "kind", "who", "from", "to", "words")}
    export = html.A(
        [icon("save"), _("Export as CSV")],
        href=address("/exports/duty/log.csv", {**kept, "desk": desk.name}),
        className="button",
        download="",
    )
    return (
        on_duty(desk, rows["on_duty"], now, _),
        [
            _log_filters(filters, _),
            html.Div(log_lines(rows["log"], _), className="tall"),
            html.Div(export, className="downloads"),
        ],
        panel(
            _("Latest handovers"),
            handover_list(rows["latest"], desk, filters, _),
            className="panel-flush",
            footer=as_of(_, now),
        ),
        _desks(console, filters, _),
        note,
        as_of(_, now),
        as_of(_, now),
    )


def _desks(console: Console, filters: Mapping[str, str], _: Say) -> list[Any]:
    shown: list[Any] = []
    if len(console.duty.desks) > 1:
        desks = [(desk.name, desk.title.called(_.language)) for desk in console.duty.desks]
        shown.append(chips(_("Duty desk"), PATH, {"desk": filters.get("desk", desks[0][0])}, "desk", desks))
    links = (("/job-plans", _("Job plans")), ("/changes", _("Changes")))
    shown += [dcc.Link(text, href=href, className="chip") for href, text in links]
    if filters.get("handover"):
        back = [_("handover {n}", n=filters["handover"]), icon("close")]
        shown.append(dcc.Link(back, href=address(PATH, filters, handover=""), className="chip chip-on"))
    return shown


def _log_filters(filters: Mapping[str, str], _: Say) -> html.Div:
    kinds = [("", _("all")), *((kind, word(ENTRY_KIND, kind, _)) for kind in KINDS)]
    shown = [chips(_("Kind"), PATH, filters, "kind", kinds)]
    for name in ("who", "from", "to", "words"):
        if filters.get(name):
            text = [filters[name], icon("close")]
            shown.append(dcc.Link(text, href=address(PATH, filters, **{name: ""}), className="chip chip-on"))
    return html.Div(shown, className="filters")
