"""Alerts as a grid, led by the sentence that says what is wrong; its filters, and the load that alerts are to people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address, chips
from dashboards.components.icons import icon
from dashboards.components.rows import holder, titled, where, why
from dashboards.components.words import MUTE, STATUS, TARGET_KIND, word
from dashboards.locale import Say
from dashboards.queries.causes import KINDS
from dashboards.queries.rows import Row

PATH = "/alerts"


def columns(_: Say) -> list[dict[str, Any]]:
    """State, alert, since when, who has it; on a phone the alert's cell says all of it (`assets/alerts.js`)."""
    return [
        {"field": "state", "headerName": _("State"), "cellRenderer": "StateCell", "width": 116, "sortable": False},
        {
            "field": "alert",
            "headerName": _("Alert"),
            "cellRenderer": "AlertCell",
            "flex": 1,
            "minWidth": 220,
            "sortable": False,
            "wrapText": True,
            "autoHeight": True,
            "tooltipField": "why",
        },
        {"field": "age", "headerName": _("For"), "width": 108, "sortable": False},
        {"field": "who", "headerName": _("Who has it"), "cellRenderer": "WhoCell", "width": 142, "sortable": False},
    ]


def grid_rows(rows: list[Row], now: datetime, _: Say, chosen: int | None = None) -> list[dict[str, Any]]:
    """Rows as the grid shows them; the chosen one is marked."""
    found = []
    for row in rows:
        shown = "resolved" if row["resolved_at"] else row["severity"]
        reason = why(row, _)
        age = _.age(((row["resolved_at"] or now) - row["opened_at"]).total_seconds())
        found.append(
            {
                "id": str(row["id"]),
                "chosen": row["id"] == chosen,
                "state": {"status": shown, "word": word(STATUS, shown, _)},
                "alert": {
                    "title": titled(row, _),
                    "reason": reason,
                    "where": where(row, _),
                    "demo": _("demo data") if row["demo"] else "",
                    "state": {"status": shown, "word": word(STATUS, shown, _)},
                    "age": age,
                },
                "why": f"{row['check_name']}: {reason}" if reason else row["check_name"],
                "age": age,
                "who": _who(row, _),
            }
        )
    return found


def _who(row: Row, _: Say) -> dict[str, Any]:
    """Who has it, whether that was said by acknowledging, and its ticket."""
    person = holder(row)
    nobody = person is None and row["resolved_at"] is None
    return {
        "text": person or (_("nobody yet") if nobody else "–"),
        "none": nobody,
        "acknowledged": _("acknowledged at {at}", at=_.instant(row["acknowledged_at"]))
        if row["acknowledged_by"]
        else "",
        "ticket": {
            "text": _("ticket #{n}", n=row["ticket_id"]),
            "href": f"/tickets?ticket={row['ticket_id']}",
        }
        if row["ticket_id"]
        else {},
    }


def render_count(shown: int, fitting: int, _: Say) -> str:
    """How many alerts fit the filters, and how many of them the list shows when that is not all."""
    said = _.many("one alert", "{n} alerts", fitting)
    if shown >= fitting:
        return said
    return f"{said} – " + _("the worst {n} are shown, filters narrow", n=_.number(shown))


def render_filters(filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that change one filter each."""
    kept = {name: value for name, value in filters.items() if name != "alert"}
    kinds = [("", _("all")), *((kind, _(label)) for kind, label in TARGET_KIND.items() if kind != "service")]
    shown: list[Any] = [
        chips(
            _("State"),
            PATH,
            kept,
            "state",
            [("open", _("open")), ("resolved", _("resolved, 7 days")), ("all", _("all"))],
            "open",
        ),
        chips(
            _("Severity"),
            PATH,
            kept,
            "severity",
            [("", _("all")), *((name, word(STATUS, name, _)) for name in ("critical", "warning", "unknown"))],
        ),
        chips(_("Acknowledged"), PATH, kept, "acknowledged", [("", _("all")), ("no", _("not yet")), ("yes", _("yes"))]),
        chips(_("Class"), PATH, kept, "kind", kinds),
        chips(
            _("Kept quiet"),
            PATH,
            kept,
            "muted",
            [
                ("", _("all")),
                ("no", _("no")),
                ("yes", _("for any reason")),
                *((kind, word(MUTE, kind, _)) for kind in KINDS),
            ],
        ),
        chips(_("Symptoms"), PATH, kept, "symptoms", [("", _("under their cause")), ("shown", _("all shown"))]),
    ]
    named = {"opened": _opened(kept.get("opened", ""), _), "stale": _("stale") if kept.get("stale") == "yes" else ""}
    if kept.get("silence"):
        named["silence"] = _("silence {id}", id=kept["silence"][:8])
    for name in ("target", "system", "q", "opened", "stale", "silence"):
        if kept.get(name):
            words = [named.get(name) or kept[name], icon("close")]
            shown.append(dcc.Link(words, href=address(PATH, kept, **{name: ""}), className="chip chip-on"))
    return shown


def _opened(within: str, _: Say) -> str:
    return {"10m": _("opened in 10 min"), "24h": _("opened in 24 h")}.get(within, "")


def render_load(load: Row, _: Say) -> list[Any]:
    """The console's own alarm load: opened in ten minutes, in a day, and the loudest source."""
    loudest = load["sources"][0] if load["sources"] else None
    flood = load["flood"]
    return [
        html.Span(
            _("{n} opened in 10 min", n=_.number(load["ten_minutes"])) + (" – " + _("a flood") if flood else ""),
            className="flood" if flood else "",
        ),
        html.Span(_("{n} in 24 h", n=_.number(load["day"]))),
        html.Span(
            [
                _("loudest: "),
                dcc.Link(loudest[0], href=address(PATH, {"target": loudest[0], "state": "all"})),
                f" ({loudest[1]})",
            ]
        )
        if loudest
        else None,
    ]
