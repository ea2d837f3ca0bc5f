"""Which record, how much, whose? One break: the records side by side, what was decided, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.money import EXPONENTS, decimal_text
from core.people.identity import seen_by
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.actors import actor
from dashboards.components.case_actions import FORMS, case_forms, hidden
from dashboards.components.filters import address, segment, whole
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, number, panel
from dashboards.components.places import places
from dashboards.components.records import side_by_side
from dashboards.components.speaking import speaking
from dashboards.components.states import demo
from dashboards.components.values import money
from dashboards.components.words import (
    ADJUSTMENT,
    CASE_EVENT,
    CASE_STATE,
    DECISION,
    DIMENSION,
    LOSER,
    PARTY,
    REASON,
    RECORD_KIND,
    TICKET_STATE,
    break_class,
    in_order,
    word,
)
from dashboards.context import Console, current_viewer
from dashboards.controls import titles
from dashboards.locale import Say, mark
from dashboards.queries import cases
from dashboards.queries.rows import Row
from dashboards.sentences import judged
from dashboards.sentences.history import event_detail
from dashboards.settling import register_settling

PATH = "/breaks/<case>"
TITLE = mark("Break")
SHAPES = {"open": "warning", "proposed": "unjudged", "approved": "unjudged", "written_off": "unjudged"}
"""The shape of each state; what is settled has the quiet one."""


def layout(_: Say, case: str) -> list[Any]:
    """Head, records and history, and the forms, which stay while the rest is renewed."""
    return [
        dcc.Store(id="case-id", data=case),
        dcc.Store(id="case-done"),
        html.Div(id="case-head", className="page-head"),
        places("", _),
        html.Div(
            [
                html.Div(id="case-body", className="page-body"),
                html.Div(case_forms(current_viewer().may, _), className="detail-free"),
            ],
            className="columns columns-side case-columns",
        ),
    ]


def register(app: Dash, console: Console) -> None:
    """The case on every tick; the choices of the forms once; and what people do."""

    @guarded(
        app,
        "see.reconciliation",
        Output("case-head", "children"),
        Output("case-body", "children"),
        Output("case-forms", "hidden"),
        *(Output(form, "hidden") for form in FORMS),
        Input("case-id", "data"),
        Input("live", "data"),
        Input("case-done", "data"),
    )
    def refresh(case: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        number_, now, _ = whole(case), console.clock(), speaking(console)
        with reading(console.engine) as connection:
            row = None if number_ is None else cases.one(connection, number_)
            found = [] if row is None else cases.adjustments(connection, row["id"])
            events = [] if row is None else cases.events(connection, row["id"])
            waiting = next((one for one in found if one["decision"] is None), None)
            proposer = None if waiting is None else seen_by(connection, current_viewer().name, waiting["proposed_by"])
        return (
            render_head(row, _),
            render(row, found, events, now, _, titles(console.controls, _.language)),
            *hidden(row, proposer, current_viewer()),
        )

    @guarded(
        app,
        "see.reconciliation",
        Output("case-owner", "data"),
        Output("case-party", "data"),
        Output("case-amount", "value"),
        Output("case-reason", "value"),
        Input("case-id", "data"),
    )
    def choices(case: str) -> tuple[Any, ...]:
        """What the forms offer, once a case, so that nothing is changed under a hand."""
        number_, _ = whole(case), speaking(console)
        with reading(console.engine) as connection:
            row = None if number_ is None else cases.one(connection, number_)
            people = cases.people(connection)
        if row is None:
            return [], [], "", None
        parties = [{"value": party, "label": word(PARTY, party, _)} for party in in_order(row["parties"])]
        known = row["currency"] in EXPONENTS
        return people, parties, decimal_text(row["at_risk_minor"], row["currency"]) if known else "", row["reason_code"]

    register_settling(app, console)


def render_head(row: Row | None, _: Say) -> list[Any]:
    """Which break, and where it stands."""
    back = dcc.Link(
        [icon("back"), html.Span(_("All breaks"), className="unseen")], href="/breaks", className="shell-tool"
    )
    if row is None:
        return [back, html.H1(_("There is no such break"))]
    return [
        back,
        html.H1(f"{break_class(row['class'], _)} · {row['business_key']}"),
        case_state(row["state"], _),
        *([demo(_)] if row["demo"] else []),
    ]


def case_state(code: str, _: Say) -> html.Span:
    """The state of a case as colour, shape and word."""
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(word(CASE_STATE, code, _))],
        className=f"state state-{SHAPES.get(code, 'ok')}",
    )


def render(
    row: Row | None,
    found: Sequence[Row],
    events: Sequence[Row],
    now: datetime,
    _: Say,
    called: Mapping[str, str] = MappingProxyType({}),
) -> list[Any]:
    """Money and time, the records, the adjustments, and the history; `called` are the titles of controls by name."""
    if row is None:
        return [panel(_(TITLE), empty(_("It may have been removed.")), footer=as_of(_, now))]
    settled = row["closed_at"] is not None
    late = not settled and row["deadline"] < now
    left_s = (row["deadline"] - now).total_seconds()
    figures = html.Div(
        [
            number(money(row["at_risk_minor"], row["currency"], _), _("at risk")),
            number(word(LOSER, row["loser"], _), _("who loses")),
            number(_.age(((row["closed_at"] or now) - row["opened_at"]).total_seconds()), _("age")),
            number(
                "–" if settled else _.age(abs(left_s)),
                _("settled") if settled else _("late by") if late else _("until the deadline"),
                None,
                "critical" if late else "",
            ),
        ],
        className="numbers",
    )
    return [
        figures,
        panel(
            _("What each party says"),
            [side_by_side(in_order(row["parties"]), row["records"], row["currency"], _), _about(row, called, _)],
            footer=as_of(_, now),
        ),
        panel(_("Adjustments"), _adjustments(found, _), footer=as_of(_, now)),
        panel(_("History"), html.Div([_event(one, _) for one in events]), footer=as_of(_, now)),
    ]


def _about(row: Row, called: Mapping[str, str], _: Say) -> html.Dl:
    ticket: Any = None
    if row["ticket_id"] is not None:
        ticket = dcc.Link(
            f"#{row['ticket_id']} {judged(row['ticket_title'], _)} · {word(TICKET_STATE, row['ticket_state'], _)}",
            href=f"/tickets?ticket={row['ticket_id']}",
        )
    dimensions = row["dimensions"] or {}
    return facts(
        [
            (
                _("Control"),
                dcc.Link(
                    called.get(row["control"], row["control"]),
                    href=address("/reconciliation", {}, control=row["control"]),
                ),
            ),
            (
                _("Found by the run of"),
                dcc.Link(row["business_day"], href=f"/reconciliation/{segment(str(row['run_id']))}"),
            ),
            (_("Kind"), word(RECORD_KIND, row["kind"], _)),
            (_("Owner"), row["owner"] or html.Span(_("nobody yet"), className="who-nobody")),
            (_("Reason code"), word(REASON, row["reason_code"] or "", _)),
            (_("Opened"), _.instant(row["opened_at"])),
            (_("Deadline"), _.instant(row["deadline"])),
            (_("Closed"), _.instant(row["closed_at"]) if row["closed_at"] else None),
            (_("Ticket"), ticket),
            *(
                (word(DIMENSION, name, _), str(value))
                for name, value in sorted(dimensions.items())
                if value not in (None, "")
            ),
        ]
    )


def _adjustments(found: Sequence[Row], _: Say) -> Any:
    if not found:
        return empty(_("Nothing was proposed yet."))
    return html.Div([_adjustment(one, _) for one in found])


def _adjustment(one: Row, _: Say) -> html.Div:
    what = [
        html.B(word(ADJUSTMENT, one["kind"], _)),
        f" {money(one['amount_minor'], one['currency'], _)}",
        *([f" · {word(PARTY, one['party'], _)}"] if one["party"] else []),
        f" · {one['proposed_by']}",
    ]
    lines = [html.Span(one["reason"], className="event-detail")]
    if one["decision"]:
        said = f"{word(DECISION, one['decision'], _)} · {one['decided_by']} · {_.instant(one['decided_at'])}"
        lines.append(html.Span([html.B(said), f" {one['comment'] or ''}"], className="event-detail"))
    else:
        lines.append(html.Span(_("waits for another person"), className="event-detail who-nobody"))
    if one["proven_at"]:
        proof = dcc.Link(_("proven by run {n}", n=one["proven_by_run"]), href=f"/reconciliation/{one['proven_by_run']}")
        lines.append(html.Span([proof, f" · {_.instant(one['proven_at'])}"], className="event-detail"))
    at = html.Span(_.instant(one["proposed_at"]), className="event-at")
    return html.Div([at, html.Span(what), *lines], className="event")


def _event(one: Row, _: Say) -> html.Div:
    detail = event_detail(one["kind"], one["detail"], _)
    return html.Div(
        [
            html.Span(_.instant(one["at"]), className="event-at"),
            html.Span(
                [html.B(word(CASE_EVENT, one["kind"], _)), html.Span(f" · {actor(one['who'], _)}", className="dim")]
            ),
            html.Span(detail, className="event-detail"),
        ],
        className="event",
    )
