"""Lines of lists that several pages show: an alert, a change of status, an event of a history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html

from dashboards.components.actors import actor
from dashboards.components.filters import segment
from dashboards.components.icons import icon
from dashboards.components.states import demo, state
from dashboards.components.words import EVENT, word
from dashboards.locale import Say
from dashboards.queries.rows import Row
from dashboards.sentences import judged, told


def age_s(at: datetime, now: datetime) -> float:
    """Seconds since an instant."""
    return (now - at).total_seconds()


def who(owner: str | None, _: Say) -> html.Span:
    """The person who has it, or that nobody has."""
    return html.Span(owner, className="who") if owner else html.Span(_("nobody yet"), className="who who-nobody")


def title(row: Row) -> str:
    """An alert in one line for people: its check's summary; target and check when it has none."""
    return str(row["annotations"].get("summary") or f"{row['target']}: {row['check_name']}")


def titled(row: Row, _: Say) -> str:
    """The title in the viewer's language where bomc gave it; one that people or other programs gave stays as it is."""
    return judged(title(row), _)


def why(row: Row, _: Say) -> str:
    """Why an alert's check judged so, in the viewer's language where a check of bomc said it; empty when nothing was said."""
    return judged(str(row["annotations"].get("reason", "")), _)


def where(row: Row, _: Say) -> str:
    """What an alert's summary leaves open: the target that it does not name, its business day, the changes that explain it."""
    known = [] if row["target"] in title(row) else [row["target"]]
    day = row["labels"].get("business_day")
    known += [_("business day {day}", day=day)] if day else []
    return " · ".join(known + [_("change {n}", n=number) for number in row.get("changes", ())])


def holder(row: Row) -> str | None:
    """Who has an alert: whoever acknowledged it, else whoever has its ticket."""
    return row["acknowledged_by"] or row.get("assignee")


def has_it(row: Row, _: Say) -> html.Span:
    """Who has an alert; a tick says that it was acknowledged, which a ticket alone does not."""
    if not row["acknowledged_by"]:
        return who(holder(row), _)
    at = _("acknowledged at {at}", at=_.instant(row["acknowledged_at"]))
    return html.Span([icon("check", _("acknowledged")), row["acknowledged_by"]], className="who who-has", title=at)


def alert_line(row: Row, now: datetime, _: Say) -> html.Li:
    """One alert: state and summary, since when, who has it, and the reason below."""
    return html.Li(
        dcc.Link(
            [
                state(row["severity"], _),
                html.Span(titled(row, _), className="row-main"),
                html.Span(
                    [_.age(age_s(row["opened_at"], now)), " · ", has_it(row, _)],
                    className="row-age",
                ),
                html.Span(
                    [
                        " · ".join(filter(None, [why(row, _), where(row, _)])) + " ",
                        *([demo(_)] if row["demo"] else []),
                    ],
                    className="row-why",
                    title=row["check_name"],
                ),
            ],
            href=f"/alerts?alert={row['id']}",
            className="row alert-row",
        )
    )


def change_line(row: Row, _: Say) -> html.Li:
    """One change of status: when, to what, of what, and why."""
    link = {"href": f"/targets/{segment(row['target'])}"} if row.get("target") else {}
    return html.Li(
        (dcc.Link if link else html.Div)(
            [
                html.Span(_.instant_ms(row["at_ms"])[11:], className="row-age"),
                html.Span([state(row["new"], _, quiet=False)]),
                html.Span(
                    [
                        html.Span(row.get("target") or row["indicator"], className="row-main"),
                        " ",
                        html.Span(judged(row["reason"], _), className="dim"),
                    ],
                    className="row-why",
                ),
            ],
            className="row change-row",
            **link,
        )
    )


def history(events: Sequence[Row], _: Say, words: dict[str, str] = EVENT) -> list[html.Div]:
    """What happened, newest first: when, what, by whom, and its detail; `words` names the kinds of events."""
    return [
        html.Div(
            [
                html.Span(_.instant(event["at"]), className="event-at"),
                html.Span(
                    [html.B(word(words, event["kind"], _)), html.Span(f" · {actor(event['who'], _)}", className="dim")]
                ),
                html.Span(told(event["detail"], _), className="event-detail"),
            ],
            className="event",
        )
        for event in events
    ]
