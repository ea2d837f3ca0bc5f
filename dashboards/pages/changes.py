"""What is being changed, when, on what, and how does it come back? The change calendar, one change, and a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, dcc, html

from alerts.changes import commands
from core.people.identity import seen_by
from core.store.open import reading
from dashboards.calendar_address import buttons
from dashboards.callbacks import guarded
from dashboards.changing import planned, register_changing, register_feed
from dashboards.components.change_forms import FORMS, change_forms, hidden, plan_form
from dashboards.components.change_parts import PATH, change_detail, change_list, timeline, window
from dashboards.components.filters import address, chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, panel
from dashboards.components.speaking import speaking
from dashboards.components.words import CHANGE_STATE, RISK, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import changes
from dashboards.queries.about import tickets_about
from dashboards.queries.rows import Row

__all__ = ["PATH", "TITLE", "layout", "register", "render"]

TITLE = mark("Changes")
SPANS = {"14d": (2, 14), "31d": (7, 31), "92d": (92, 31)}
"""Days before and after now that the list shows."""
DEFAULT_SPAN = "14d"


def layout(_: Say) -> list[Any]:
    """Head, filters, the list, the form for a new one, and the side with one change and what can be done with it."""
    viewer = current_viewer()
    new = html.Section(
        [
            html.Div(html.H2(_("Plan a change")), className="panel-head"),
            html.Div(plan_form(viewer.may, viewer.timezone.key, _), className="panel-body"),
        ],
        id="change-new",
        className="panel",
        hidden=True,
    )
    planning = (
        [dcc.Link([icon("plus"), _("Plan a change")], href=address(PATH, {}, new="1"), className="button button-main")]
        if viewer.may("changes.plan")
        else []
    )
    return [
        html.Div(
            [
                html.H1(_(TITLE)),
                html.Div(id="changes-load", className="head-note"),
                html.Div(planning, className="head-actions"),
            ],
            className="page-head",
        ),
        html.Div(id="changes-filters", className="filters"),
        html.Div(
            [
                html.Div(
                    [
                        new,
                        html.Div(id="changes-body", className="page-body"),
                        panel(_("My calendar"), buttons("change-feed", _)),
                    ],
                    className="page-body",
                ),
                html.Div([html.Div(id="change-detail"), change_forms(viewer.may, _)], className="detail"),
            ],
            id="changes-columns",
            className="columns",
        ),
        dcc.Store(id="change-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """List and detail on every tick; overlaps while a plan is typed; the doings."""

    @guarded(
        app,
        "see.duty",
        Output("changes-body", "children"),
        Output("changes-filters", "children"),
        Output("changes-load", "children"),
        Output("change-new", "hidden"),
        Input("url", "search"),
        Input("live", "data"),
        Input("change-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        first, last = span(filters, now)
        with reading(console.engine) as connection:
            rows = changes.changes(connection, first, last, filters)
        plans = current_viewer().may("changes.plan")
        new = plans and filters.get("new") == "1"
        return render(rows, filters, now, _), render_filters(filters, _), render_load(rows, now, _), not new

    @guarded(
        app,
        "see.duty",
        Output("change-detail", "children"),
        Output("changes-columns", "className"),
        Output("change-forms", "hidden"),
        *(Output(form, "hidden") for form in FORMS),
        Input("url", "search"),
        Input("live", "data"),
        Input("change-done", "data"),
    )
    def detail(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _, viewer = console.clock(), parse(search), speaking(console), current_viewer()
        wanted = whole(filters.get("change"))
        rights = {"plans": viewer.may("changes.plan"), "approves": viewer.may("changes.approve")}
        if wanted is None:
            return None, "columns", *hidden(None, "", viewer.name, **rights)
        with reading(console.engine) as connection:
            row = changes.one(connection, wanted)
            events = changes.events(connection, wanted)
            tickets = tickets_about(connection, "change", wanted)
            requester = seen_by(connection, viewer.name, row["requested_by"] if row else None) or ""
        state = row["state"] if row else None
        shown = change_detail(row, events, tickets, filters, now, viewer.may("tickets.work"), _)
        return shown, "columns columns-side has-detail", *hidden(state, requester, viewer.name, **rights)

    @guarded(app, "see.duty", Output("change-targets", "data"), Input("change-new", "hidden"))
    def targets(is_hidden: Any) -> list[str]:
        if is_hidden is not False:
            return []
        with reading(console.engine) as connection:
            return changes.target_names(connection)

    @guarded(
        app,
        "see.duty",
        Output("change-overlaps", "children"),
        Input("change-targets", "value"),
        Input("change-starts", "value"),
        Input("change-ends", "value"),
    )
    def overlaps(names: Any, starts: Any, ends: Any) -> Any:
        """The other changes at that time on these targets, as soon as the window can be read."""
        _ = speaking(console)
        wanted = planned({"targets": names, "starts": starts, "ends": ends})
        if wanted is None or not wanted.targets:
            return None
        with reading(console.engine) as connection:
            found = [dict(row._mapping) for row in commands.overlaps(connection, wanted)]
        return overlapping(found, _)

    register_changing(app, console)
    register_feed(app, console)


def span(filters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """The time that the list shows."""
    before, after = SPANS.get(filters.get("span", ""), SPANS[DEFAULT_SPAN])
    return now - timedelta(days=before), now + timedelta(days=after)


def overlapping(found: Sequence[Row], _: Say) -> Any:
    """The other changes of the same time and target, each leading to itself."""
    if not found:
        return html.P(_("No other change has these targets at that time."), className="dim")
    lines = [
        html.Li([dcc.Link(f"#{row['id']} {row['title']}", href=f"{PATH}?change={row['id']}"), f" · {window(row, _)}"])
        for row in found
    ]
    said = _.many("One change overlaps with it:", "{n} changes overlap with it:", len(found))
    return html.Div([html.P(said, className="flood"), html.Ul(lines, className="items")])


def render(found: list[Row], filters: Mapping[str, str], now: datetime, _: Say) -> list[Any]:
    """The timeline and the list."""
    first, last = span(filters, now)
    shown = {name: value for name, value in filters.items() if name != "new"}
    chart = timeline(found, first, last, now, _)
    panels = [panel(_("Calendar"), chart, footer=as_of(_, now))] if chart is not None else []
    listed = change_list(found, shown, now, _)
    return [*panels, panel(_("Changes and releases"), listed, className="panel-flush", footer=as_of(_, now))]


def render_filters(filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that change one filter each."""
    kept = {name: value for name, value in filters.items() if name not in ("change", "new")}
    spans = [("14d", _("14 days")), ("31d", _("a month")), ("92d", _("a quarter back"))]
    states = [
        ("", _("all")),
        ("open", _("not ended")),
        *((state, word(CHANGE_STATE, state, _)) for state in CHANGE_STATE),
    ]
    shown: list[Any] = [
        chips(_("Time"), PATH, kept, "span", spans, DEFAULT_SPAN),
        chips(_("State"), PATH, kept, "state", states),
        chips(_("Risk"), PATH, kept, "risk", [("", _("all")), *((risk, word(RISK, risk, _)) for risk in RISK)]),
    ]
    for name in ("target", "words", "kind"):
        if kept.get(name):
            text = [kept[name], icon("close")]
            shown.append(dcc.Link(text, href=address(PATH, kept, **{name: ""}), className="chip chip-on"))
    return shown


def render_load(found: list[Row], now: datetime, _: Say) -> list[Any]:
    """How many are under way, wait for approval, and are over without a result."""
    load = changes.load(found, now)
    return [
        html.Span(_("{n} under way", n=load["running"])),
        html.Span(_("{n} to be approved", n=load["planned"])),
        html.Span(_("{n} without a result", n=load["over"]), className="flood" if load["over"] else ""),
    ]
