"""One alert in detail: what, where, since when, who has it; its last hour, its ticket, its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html

from alerts.muting.muting import SHELVED, Mute
from core.model import instant_ms
from dashboards.components.alert_actions import buttons_of
from dashboards.components.alert_tree import mutes_of
from dashboards.components.change_parts import linked_changes, with_bands
from dashboards.components.charts import chart
from dashboards.components.figures import Strip, strips
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import age_s, has_it, history, titled, why
from dashboards.components.states import demo, state
from dashboards.components.target_links import target_link
from dashboards.components.tied_tickets import tied_tickets
from dashboards.components.words import STATUS, word
from dashboards.context import Viewer
from dashboards.locale import Say
from dashboards.queries.causes import Standing
from dashboards.queries.rows import Row
from dashboards.sentences import told


def alert_detail(rows: dict[str, Any], filters: Mapping[str, str], now: datetime, viewer: Viewer, _: Say) -> Any:
    """One alert: what, where, since when, who; its last hour, ticket and history; what the viewer may do with it."""
    row = rows["alert"]
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address("/alerts", filters, alert=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Detail"), empty(_("There is no such alert.")), actions=[back])
    still, standing = row["resolved_at"] is None, rows.get("standing")
    mutes = standing.mutes if standing is not None else ()
    shown = row["severity"] if still else "resolved"
    offers = still and viewer.may("tickets.work")
    acknowledged = row["acknowledged_by"] and _(
        "{who} at {at}", who=row["acknowledged_by"], at=_.instant(row["acknowledged_at"])
    )
    return panel(
        titled(row, _),
        [
            html.Div(
                [
                    state(shown, _),
                    *([demo(_)] if row["demo"] else []),
                    html.Span(_.age(age_s(row["opened_at"], row["resolved_at"] or now)), className="dim"),
                    *([has_it(row, _)] if still else []),
                ],
                className="detail-line",
            ),
            html.P(why(row, _), className="reason"),
            *_said(row, _),
            html.Div(
                buttons_of(row, _shelved(mutes), viewer, _) if still else [], className="detail-line alert-doings"
            ),
            mutes_of(mutes, _),
            _chart(rows, _),
            facts(
                [
                    (_("Follows from"), _cause(standing, _)),
                    (_("Check"), row["check_name"]),
                    (_("Target"), target_link(row["target"], row["kind"], row["labels"], _)),
                    (_("Change"), linked_changes(row.get("changes", ()), _)),
                    (_("Opened"), _.instant(row["opened_at"])),
                    (_("Resolved"), _.instant(row["resolved_at"]) if row["resolved_at"] else None),
                    (_("Acknowledged"), acknowledged),
                    (
                        _("Acknowledged until"),
                        _.instant(row["acknowledged_until"]) if row["acknowledged_until"] else None,
                    ),
                    (_("Comment"), row["acknowledgement"]),
                    (_("Runbook"), row["annotations"].get("runbook")),
                    (_("What it measures"), row["annotations"].get("description")),
                    (_("Labels"), ", ".join(f"{name}={text}" for name, text in sorted(row["labels"].items()))),
                ]
            ),
            *_who_is_told(rows.get("told", ()), rows["events"], _),
            *tied_tickets(rows["tickets"], "alert", row["id"], offers, _("No ticket was opened for it."), _),
            html.H3(_("History")),
            html.Div(history(rows["events"], _)),
            _before(rows["occurrences"], row["id"], _),
        ],
        footer=as_of(_, now),
        actions=[back] if filters.get("alert") else [],
        className="alert-panel",
    )


def kept_quiet(events: Sequence[Row]) -> list[str]:
    """Why receivers are not told of an alert now, from its history, newest first: for each the latest word holds."""
    latest: dict[str, Row] = {}
    for event in events:
        receiver, colon, _rest = event["detail"].partition(": ")
        if event["kind"] in ("kept_quiet", "let_through") and colon and receiver.startswith("receiver "):
            latest.setdefault(receiver, event)
    return [event["detail"] for event in latest.values() if event["kind"] == "kept_quiet"]


def _said(row: Row, _: Say) -> list[Any]:
    """The end of what a job said, where the alert is about a job."""
    output = row["annotations"].get("output")
    return [html.H3(_("Output")), html.Pre(output, className="said", tabIndex=0)] if output else []


def _shelved(mutes: Sequence[Mute]) -> bool:
    return any(one.kind == SHELVED for one in mutes)


def _cause(standing: Standing | None, _: Say) -> Any:
    if standing is None or standing.cause is None:
        return None
    return dcc.Link(_("alert {n}", n=standing.cause), href=f"/alerts?alert={standing.cause}")


def _who_is_told(standings: Sequence[tuple[str, str]], events: Sequence[Row], _: Say) -> list[Any]:
    """Why somebody was or was not told: how the alert stands with each receiver now, and what the history last said."""
    if not standings:
        return []
    lines = [html.Li(told(sentence, _)) for _receiver, sentence in standings]
    lines += [html.Li(told(one, _), className="dim") for one in kept_quiet(events)]
    return [html.H3(_("Who is told, and why")), html.Ul(lines, className="list told-list")]


def _chart(rows: dict[str, Any], _: Say) -> Any:
    subject = rows["subject"]
    if subject is None:
        return None
    strip = Strip(subject["indicator"], subject["unit"], subject["kind"], (subject,))
    happened = [
        {
            "at_ms": instant_ms(event["at"]),
            "new": rows["alert"]["severity"] if event["kind"] == "opened" else "ok",
            "check_name": rows["alert"]["check_name"],
            "reason": told(event["detail"], _),
        }
        for event in rows["events"]
        if event["kind"] in ("opened", "resolved") and instant_ms(event["at"]) >= rows["start_ms"]
    ]
    figure = strips([strip], rows["curves"], happened, rows["start_ms"], rows["end_ms"], _)
    figure = with_bands(figure, rows.get("bands", ()), _)
    return chart("alert-chart", figure, _("The last hour of {indicator}", indicator=subject["indicator"]))


def _before(rows: list[Row], alert_id: int, _: Say) -> Any:
    others = [row for row in rows if row["id"] != alert_id]
    if not others:
        return None
    return html.Div(
        [
            html.H3(_("Earlier occurrences")),
            *(
                dcc.Link(
                    f"{_.instant(row['opened_at'])} · {word(STATUS, row['severity'], _)}",
                    href=f"/alerts?alert={row['id']}&state=all",
                    className="block-link",
                )
                for row in others[:5]
            ),
        ]
    )
