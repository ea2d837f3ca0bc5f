"""Which job has fallen silent? Every job that is to be heard of, when it was, when it is expected, and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo
from dashboards.components.words import HEARTBEAT, PING, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import heartbeats
from dashboards.queries.rows import Row
from dashboards.sentences import judged, told

PATH = "/heartbeats"
TITLE = mark("Heartbeats")
SHAPES = {
    "failed": "critical",
    "late": "critical",
    "due": "warning",
    "running": "ok",
    "up": "ok",
    "waiting": "unjudged",
}
PING_SHAPES = {"success": "ok", "fail": "critical", "start": "unjudged"}


def layout(_: Say) -> list[Any]:
    """Filters, the jobs, and one of them with what was heard of it."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="heartbeats-load", className="head-note")], className="page-head"),
        html.Div(id="heartbeats-filters", className="filters"),
        html.Div(
            [
                html.Div(id="heartbeats-list", className="page-body ready"),
                html.Div(id="heartbeat-detail", className="detail"),
            ],
            id="heartbeats-body",
            className="columns",
        ),
    ]


def register(app: Dash, console: Console) -> None:
    """Everything again on every tick."""

    @guarded(
        app,
        "see.monitoring",
        Output("heartbeats-list", "children"),
        Output("heartbeats-filters", "children"),
        Output("heartbeats-load", "children"),
        Output("heartbeat-detail", "children"),
        Output("heartbeats-body", "className"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        name = filters.get("job", "")
        with reading(console.engine) as connection:
            rows = heartbeats.jobs(connection, console.heartbeats, now)
            own = heartbeats.outward(connection)
            job = next((row for row in rows if row["name"] == name), None)
            heard = heartbeats.history(connection, name) if job else []
        return (
            render(rows, own, filters, now, _),
            render_filters(rows, filters, _),
            render_load(rows, _),
            render_detail(job, heard, filters, now, _) if name else None,
            "columns columns-side has-detail" if name else "columns",
        )


def render_filters(rows: list[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """By state and by owner."""
    kept = {name: value for name, value in filters.items() if name != "job"}
    owners = sorted({row["owner"] for row in rows if row["owner"]})
    states = [("", _("all")), *((code, _(words)) for code, words in HEARTBEAT.items())]
    shown = [chips(_("State"), PATH, kept, "state", states)]
    if owners:
        names = [("", _("all")), *((name, name) for name in owners)]
        shown.append(chips(_("Owner"), PATH, kept, "owner", names))
    return shown


def render_load(rows: list[Row], _: Say) -> list[Any]:
    """How many jobs there are, and how many are late or failed."""
    bad = sum(row["status"] in ("late", "failed") for row in rows)
    return [
        html.Span(_.many("one job", "{n} jobs", len(rows))),
        html.Span(_("{n} late or failed", n=_.number(bad)), className="flood" if bad else ""),
    ]


def render(rows: list[Row], own: Row | None, filters: Mapping[str, str], now: datetime, _: Say) -> list[Any]:
    """The console's own heartbeat, and the jobs that the filters leave."""
    shown = [row for row in rows if all(filters.get(name) in (None, row[key]) for name, key in FILTERS)]
    nothing = _("No job fits the filter.") if rows else _("No job is to be heard of; heartbeats.yaml declares them.")
    lines = html.Ul([_line(row, filters, now, _) for row in shown], className="list") if shown else empty(nothing)
    return [
        panel(_("The console's own heartbeat"), _own(own, now, _), footer=as_of(_, now)),
        panel(_("Jobs"), lines, footer=as_of(_, now), className="panel-flush"),
    ]


FILTERS = (("state", "status"), ("owner", "owner"))


def _own(own: Row | None, now: datetime, _: Say) -> Any:
    if own is None:
        return empty(_("Nobody outside is told that this console is alive; set `heartbeat` in bomc.yaml."))
    if own["failing_since"] is not None:
        age = _.age((now - own["failing_since"]).total_seconds())
        return html.Div(
            [
                _state("critical", _("not taken")),
                " ",
                _("fails since {age}", age=age),
                f" · {told(own['error'] or '', _)}",
            ],
            className="detail-line",
        )
    if own["sent_at"] is None:
        return html.Div(_state("unjudged", _("not sent yet")), className="detail-line")
    age = _.age((now - own["sent_at"]).total_seconds())
    return html.Div([_state("ok", _("taken")), " ", _("{age} ago", age=age)], className="detail-line")


def _state(shape: str, words: str) -> html.Span:
    """A state as colour, shape and word."""
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(words, className="state-word")],
        className=f"state state-{shape}",
    )


def _line(row: Row, filters: Mapping[str, str], now: datetime, _: Say) -> html.Li:
    heard = _("never heard of")
    if row["heard_at"] is not None:
        heard = _("heard of {age} ago", age=_.age((now - row["heard_at"]).total_seconds()))
    return html.Li(
        dcc.Link(
            [
                _state(SHAPES[row["status"]], word(HEARTBEAT, row["status"], _)),
                html.Span(row["name"], className="row-main"),
                html.Span(heard, className="row-age"),
                html.Span(
                    [
                        " · ".join(filter(None, [_rhythm(row, _), _expected(row, _), row["owner"]])) + " ",
                        *([demo(_)] if row["demo"] else []),
                    ],
                    className="row-why",
                ),
            ],
            href=address(PATH, filters, job=row["name"]),
            className="row alert-row",
        )
    )


def _rhythm(row: Row, _: Say) -> str:
    if row["every_s"] is not None:
        return _("every {length}", length=_.age(row["every_s"]))
    return f"{row['rhythm']} ({row['timezone']})"


def _expected(row: Row, _: Say) -> str:
    if row["expected_at"] is None:
        return _("never expected again")
    return _("expected {at}", at=_.instant(row["expected_at"]))


def render_detail(row: Row | None, heard: list[Row], filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """One job: its rhythm, why it stands so, and what was heard of it, the newest first."""
    close = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, filters, job=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Job"), empty(_("There is no such job.")), actions=[close])
    pairs = [
        (_("State"), _state(SHAPES[row["status"]], word(HEARTBEAT, row["status"], _))),
        (_("Reason"), judged(row["reason"], _)),
        (_("Rhythm"), _rhythm(row, _)),
        (_("Grace"), _.age(row["grace_s"])),
        (_("Expected next"), _.instant(row["expected_at"])),
        (_("Owner"), row["owner"]),
        (_("Runbook"), row["runbook"]),
    ]
    advice = [] if row["has_url"] else [html.P(_("It has no URL yet; `bomc heartbeat url NAME` makes one."))]
    return panel(
        row["name"],
        [
            facts(pairs),
            *advice,
            html.H3(_("Heard of")),
            *([_ping(one, _) for one in heard] or [empty(_("Nothing yet."))]),
        ],
        actions=[*([demo(_)] if row["demo"] else []), close],
        footer=as_of(_, now),
    )


def _ping(one: Row, _: Say) -> html.Div:
    status = [] if one["exit_status"] is None else [" · ", _("exit status {n}", n=one["exit_status"])]
    said = [html.Pre(one["output"], className="event-detail said", tabIndex=0)] if one["output"] else []
    return html.Div(
        [
            html.Span(_.instant(one["at"]), className="event-at"),
            html.Span([_state(PING_SHAPES[one["kind"]], word(PING, one["kind"], _)), *status]),
            *said,
        ],
        className="event",
    )
