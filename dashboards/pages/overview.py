"""Is anything wrong, and who has it? Classes of targets over their last day, what needs hands, and the pipeline itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.model import instant_ms
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, number, panel
from dashboards.components.rows import alert_line, change_line, who
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.words import STATUS, TARGET_KIND, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import alerts, overview, targets, tickets
from dashboards.queries.rows import WORST_FIRST, Row, worst

PATH = "/"
TITLE = mark("Overview")
HOURS = 24
LISTED = 10
"""Open alerts that stand on the page, the worst; of the others it says how many there are."""
FRESH_S = 60.0
"""A pipeline whose newest sample is older than this shows it as a fault."""


def layout(_: Say) -> list[Any]:
    """Empty parts, filled at once and again on every tick."""
    return [html.H1(_(TITLE), className="unseen"), html.Div(id="overview", className="page-body")]


def register(app: Dash, console: Console) -> None:
    """Fill the page again on every tick."""

    @guarded(app, "see.monitoring", Output("overview", "children"), Input("live", "data"))
    def refresh(_tick: Any) -> Any:
        now = console.clock()
        end_ms = instant_ms(now)
        with reading(console.engine) as connection:
            rows = {
                "targets": targets.targets(connection, now),
                "timeline": overview.timeline(connection, end_ms - HOURS * 3_600_000, end_ms),
                "alerts": alerts.alerts(connection, now, {}, limit=LISTED),
                "alert_load": alerts.load(connection, now),
                "ticket_load": tickets.load(connection, now),
                "changes": overview.recent(connection, end_ms),
                "pipeline": overview.pipeline(connection, now),
            }
        return render(rows, now, speaking(console))


def render(rows: dict[str, Any], now: datetime, _: Say) -> list[Any]:
    """Figures, classes over their day, open alerts, latest changes, pipeline."""
    newest = max((row["fresh_at"] for row in rows["targets"] if row["fresh_at"]), default=None)
    health = rows["pipeline"]
    stale = health["last_sample_age_s"] is None or health["last_sample_age_s"] > FRESH_S
    return [
        _figures(rows, _),
        panel(
            _("Last 24 hours by class"),
            _classes(rows["targets"], rows["timeline"], now, _),
            footer=[as_of(_, newest, stale=stale), _legend(_)],
            className="panel-flush",
        ),
        html.Div(
            [
                panel(
                    _("Needs hands"),
                    _alerts(rows["alerts"], rows["alert_load"]["open"], now, _),
                    footer=as_of(_, now),
                    actions=[dcc.Link(_("All alerts"), href="/alerts")],
                    className="panel-flush",
                ),
                html.Div(
                    [
                        panel(
                            _("Latest changes"),
                            html.Ul([change_line(row, _) for row in rows["changes"][:8]], className="list")
                            if rows["changes"]
                            else html.Div(empty(_("Nothing changed its state in the last 24 hours.")), className="row"),
                            footer=as_of(_, now),
                            className="panel-flush",
                        ),
                        panel(_("Pipeline"), _pipeline(health, _), footer=as_of(_, newest, stale=stale)),
                    ],
                    className="columns",
                ),
            ],
            className="columns columns-2",
        ),
    ]


def _figures(rows: dict[str, Any], _: Say) -> html.Div:
    load, work, health = rows["alert_load"], rows["ticket_load"], rows["pipeline"]
    by_severity = load["by_severity"]

    def severity(name: str, label: str) -> Any:
        count = by_severity.get(name, 0)
        return number(_.number(count), label, address("/alerts", {"severity": name}), name if count else "")

    late = health["last_sample_age_s"] is None or health["last_sample_age_s"] > FRESH_S
    return html.Div(
        [
            severity("critical", _("critical")),
            severity("warning", _("warning")),
            severity("unknown", _("no data")),
            number(_.number(load["waiting"]), _("not acknowledged"), address("/alerts", {"acknowledged": "no"})),
            number(_.number(work["open"]), _("open tickets"), "/tickets"),
            number(
                _.number(work["nobody"]),
                _("tickets nobody has"),
                address("/tickets", {"assignee": "none"}),
                "warning" if work["nobody"] else "",
            ),
            number(_.number(work["late"]), _("tickets late"), "/tickets", "critical" if work["late"] else ""),
            number(_.age(health["last_sample_age_s"]), _("since last sample"), "/targets", "unknown" if late else ""),
        ],
        className="numbers",
    )


def _classes(rows: list[Row], timeline: dict[str, list[Row]], now: datetime, _: Say) -> Any:
    if not rows:
        return html.Div(
            empty(_("Nothing is watched yet. Add targets to the configuration and start again.")), className="row"
        )
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    order = sorted(by_kind, key=lambda kind: (WORST_FIRST.index(worst(row["status"] for row in by_kind[kind])), kind))
    end_ms = instant_ms(now)
    return html.Div(
        [*(_class(kind, by_kind[kind], timeline.get(kind, []), end_ms, _) for kind in order), _axis(end_ms, _)],
        className="classes",
    )


def _class(kind: str, rows: list[Row], spans: list[Row], end_ms: int, _: Say) -> html.Div:
    status = worst(row["status"] for row in rows)
    bad = [row for row in rows if row["status"] == status]
    since_ms = min((row["since_ms"] for row in bad if row["since_ms"]), default=None)
    fine = sum(row["status"] == "ok" for row in rows)
    ill = status not in ("ok", "unjudged")
    open_alerts = sum(row["alerts"] for row in rows)
    summary = _("{n} of {all}", n=len(bad), all=len(rows)) if ill else _("{n} of {all} OK", n=fine, all=len(rows))
    tile = dcc.Link(
        [
            icon(kind),
            html.Span(word(TARGET_KIND, kind, _), className="class-name"),
            html.Span(
                [
                    state(status, _),
                    html.Span(summary, className="dim"),
                    *([demo(_)] if all(row["demo"] for row in rows) else []),
                ],
                className="class-state",
            ),
        ],
        href=address("/alerts", {"kind": kind}) if open_alerts else address("/targets", {"kind": kind}),
        className="class-tile",
    )
    beside = [
        html.Span(_("since {age}", age=_.age((end_ms - since_ms) / 1000)) if ill and since_ms else ""),
        whose(bad, _)
        if ill
        else html.Span(_.many("{n} series", "{n} series", sum(row["series"] for row in rows)), className="dim"),
    ]
    return html.Div(
        [
            tile,
            html.Div(band(silenced(spans, rows, end_ms), end_ms, _), className="band-cell"),
            html.Div(beside, className="class-who"),
        ],
        className=f"class-row class-{status}",
    )


def whose(rows: list[Row], _: Say) -> html.Span:
    """Who has the open alerts of these targets, and how many of them nobody has."""
    people = sorted({name for row in rows for name in row["owners"]})
    free = sum(row["unowned"] for row in rows)
    if not people or not free:
        return who(", ".join(people), _)
    return html.Span(
        [who(", ".join(people), _), " · ", html.Span(_("{n} with nobody", n=free), className="who-nobody")]
    )


def silenced(spans: list[Row], rows: list[Row], end_ms: int) -> list[Row]:
    """The spans with UNKNOWN at their end where a quiet class has targets that no sample comes from any more."""
    silent = [row for row in rows if row["stale"] and row["since_ms"] and row["status"] == "unknown"]
    if not silent or not spans or spans[-1]["status"] != "ok":
        return spans
    since_ms = max(min(row["since_ms"] for row in silent), spans[-1]["start_ms"])
    return [
        *spans[:-1],
        spans[-1] | {"end_ms": since_ms},
        {"start_ms": since_ms, "end_ms": end_ms, "status": "unknown", "why": sorted(row["name"] for row in silent)[:3]},
    ]


def band(spans: list[Row], end_ms: int, _: Say, hours: int = HOURS) -> html.Div:
    """A day as a bar of spans; each says its status, its length and what made it so when pointed at."""
    whole_ms = hours * 3_600_000
    start_ms = end_ms - whole_ms
    return html.Div(
        [
            html.Span(
                className=f"span span-{span['status']}",
                style={
                    "left": f"{(span['start_ms'] - start_ms) / whole_ms:.4%}",
                    "width": f"{(span['end_ms'] - span['start_ms']) / whole_ms:.4%}",
                },
                title=_title(span, _),
            )
            for span in spans
        ],
        className="band",
        role="img",
        **{
            "aria-label": "; ".join(_title(span, _) for span in spans if span["status"] not in ("ok", "unjudged"))
            or _("no change")
        },
    )


def _title(span: Row, _: Say) -> str:
    when = f"{_.instant_ms(span['start_ms'])[11:16]}–{_.instant_ms(span['end_ms'])[11:16]}"
    names = f" · {', '.join(span['why'])}" if span["why"] else ""
    return f"{when} {word(STATUS, span['status'], _)}{names}"


def _axis(end_ms: int, _: Say) -> html.Div:
    """Hours of the viewer's zone below the bands, every four."""
    start = datetime.fromtimestamp(end_ms / 1000, UTC) - timedelta(hours=HOURS)
    first = start.astimezone(_.zone).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    marks = []
    for step in range(HOURS):
        at = first + timedelta(hours=step)
        share = (at - start) / timedelta(hours=HOURS)
        if at.hour % 4 == 0 and 0.02 < share < 0.94:
            marks.append(html.Span(at.strftime("%H:%M"), style={"left": f"{share:.3%}"}))
    return html.Div(
        [
            html.Div(),
            html.Div(
                [*marks, html.Span(_("now"), style={"left": "100%"})],
                className="axis",
            ),
            html.Div(),
        ],
        className="class-row class-axis",
        **{"aria-hidden": "true"},
    )


def _legend(_: Say) -> html.Span:
    return html.Span([state(name, _) for name in ("ok", "warning", "critical", "unknown")], className="legend")


def _alerts(rows: list[Row], fitting: int, now: datetime, _: Say) -> Any:
    if not rows:
        return html.Div(empty(_("No alert is open. Quiet is good; the bands above show since when.")), className="row")
    more = fitting - len(rows)
    lines: list[Any] = [alert_line(row, now, _) for row in rows]
    if more > 0:
        lines.append(html.Li(dcc.Link(_("{n} more", n=_.number(more)), href="/alerts", className="row")))
    return html.Ul(lines, className="list")


def _pipeline(health: Row, _: Say) -> Any:
    queue = health["queue_depth"]
    return html.Div(
        [
            facts(
                [
                    (_("Last sign of life"), _.age(health["pulse_age_s"])),
                    (_("Queue"), "–" if queue is None else _.number(queue)),
                    (_("Probes"), dcc.Link(_.number(health["probes"]), href="/targets")),
                    (
                        _("Failing"),
                        dcc.Link(_.number(health["failing"]), href="/targets?status=unknown"),
                    ),
                    (_("Skipped"), _.number(health["skipped"])),
                    (_("Refused values"), _.number(health["refused"])),
                ]
            ),
            html.P(_("Latest refusal: {what}", what=health["example"]), className="dim small")
            if health["example"]
            else None,
        ]
    )
