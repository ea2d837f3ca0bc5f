"""What stands below a target's chart: what the checks say, its changes, its indicators, its probes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import dcc, html

from dashboards.components.figures import grouped, label
from dashboards.components.filters import address
from dashboards.components.panels import empty
from dashboards.components.rows import change_line
from dashboards.components.states import state
from dashboards.components.values import value
from dashboards.locale import Say
from dashboards.queries import targets
from dashboards.queries.rows import Row
from dashboards.sentences import judged


def results_list(rows: list[Row], _: Say) -> Any:
    """What each check says of the target, the worst first."""
    if not rows:
        return html.Div(
            empty(_("No check judges this target; it is watched but nothing is concluded.")), className="row"
        )
    return html.Ul(
        [
            html.Li(
                html.Div(
                    [
                        state(row["status"], _),
                        html.Span(
                            [row["check_name"], html.Span(f" · {row['indicator']} {label(row)}", className="dim")],
                            className="row-main",
                        ),
                        html.Span(_.instant_ms(row["since_ms"]), className="row-age"),
                        html.Span(judged(row["reason"], _), className="row-why"),
                    ],
                    className="row alert-row",
                )
            )
            for row in rows[:12]
        ],
        className="list",
    )


def changes_list(rows: list[Row], _: Say) -> Any:
    """Its latest changes of status."""
    if not rows:
        return html.Div(empty(_("Nothing changed its state in the last 24 hours.")), className="row")
    return html.Ul([change_line(row, _) for row in rows[:12]], className="list")


def series_list(
    rows: list[Row],
    latest: Mapping[int, tuple[int, float]],
    filters: Mapping[str, str],
    path: str,
    now: datetime,
    _: Say,
) -> Any:
    """Every indicator with its newest values, each leading to its own strip."""
    if not rows:
        return html.Div(empty(_("No sample has come yet.")), className="row")
    groups = grouped(rows)
    lines = []
    for group in groups:
        first = group.series[0]
        values = []
        for row in group.series[:3]:
            _at_ms, measured = latest.get(row["id"], (0, float("nan")))
            if group.kind == "counter":
                values.append(_("{n} in all", n=value(measured, row["unit"], "gauge", row["labels"], _)))
            else:
                values.append(value(measured, group.unit, group.kind, row["labels"], _))
        more = f" +{len(group.series) - 3}" if len(group.series) > 3 else ""
        newest_ms = max((latest[row["id"]][0] for row in group.series if row["id"] in latest), default=None)
        lines.append(
            html.Tr(
                [
                    html.Td(
                        dcc.Link(group.title, href=address(path, filters, show=group.title)),
                        title=first["description"] or None,
                    ),
                    html.Td("  ·  ".join(values) + more, className="num"),
                    html.Td("–" if newest_ms is None else _.instant_ms(newest_ms)[11:], className="num dim wide-only"),
                ]
            )
        )
    head = html.Thead(
        html.Tr(
            [
                html.Th(_("Indicator")),
                html.Th(_("Latest"), className="num"),
                html.Th(_("At"), className="num wide-only"),
            ]
        )
    )
    return html.Div(html.Table([head, html.Tbody(lines)], className="table"), className="table-wrap tall")


def probes_list(rows: list[Row], now: datetime, _: Say) -> Any:
    """Who asks it, how often, and how that went."""
    if not rows:
        return html.Div(
            empty(_("No probe asks this target; its samples are pushed or come from a control.")), className="row"
        )
    head = html.Thead(
        html.Tr(
            [
                html.Th(_("Probe")),
                html.Th(_("Every"), className="num"),
                html.Th(_("Took"), className="num"),
                html.Th(_("Last success"), className="num"),
                html.Th(_("Failed"), className="num"),
                html.Th(_("Skipped"), className="num"),
            ]
        )
    )
    lines = []
    for row in rows:
        late = targets.missed(row["last_success_at"], row["every_s"], now)
        lines.append(
            html.Tr(
                [
                    html.Td(
                        [row["probe"], html.Div(judged(row["error"], _), className="row-why")]
                        if row["error"]
                        else row["probe"]
                    ),
                    html.Td(value(row["every_s"], "s", "gauge", {}, _), className="num"),
                    html.Td(value(row["last_took_s"], "s", "gauge", {}, _), className="num"),
                    html.Td(
                        [state("unknown", _, quiet=True), " ", _.clock(row["last_success_at"])]
                        if late
                        else _.clock(row["last_success_at"]),
                        className="num",
                    ),
                    html.Td(_.number(row["failures"]), className="num"),
                    html.Td(_.number(row["skipped"]), className="num"),
                ]
            )
        )
    return html.Div(html.Table([head, html.Tbody(lines)], className="table"), className="table-wrap")
