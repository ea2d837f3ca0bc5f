"""Silences, proposals and what is on the shelf, as lines of lists and one silence in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html

from alerts.muting.proposals import Proposal
from alerts.muting.silences import Silence, State
from alerts.routes.matchers import Matcher
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import titled
from dashboards.components.states import state
from dashboards.components.words import DECISION, SILENCE_STATE, word
from dashboards.context import Viewer
from dashboards.locale import Say
from dashboards.queries.rows import Row

PATH = "/silences"


def state_of(code: str, _: Say) -> html.Span:
    """Active, pending or expired as colour, shape and word."""
    return html.Span(
        [
            html.Span(className="state-shape", **{"aria-hidden": "true"}),
            html.Span(word(SILENCE_STATE, code, _), className="state-word"),
        ],
        className=f"state state-silence-{code}",
    )


def matchers_of(matchers: Sequence[Matcher]) -> html.Span:
    """Conditions, each as it is written."""
    return html.Span([html.Span(str(one), className="matcher") for one in matchers], className="matchers")


def muted_link(one: Silence, muted: Mapping[str, int], now: datetime, _: Say) -> Any:
    """How many open alerts it mutes now, leading to them; nothing for one that mutes nobody yet or any more."""
    if one.state(now) is not State.ACTIVE:
        return None
    count = muted.get(one.id, 0)
    return dcc.Link(
        _.many("mutes one open alert", "mutes {n} open alerts", count),
        href=address("/alerts", {"silence": one.id, "symptoms": "shown"}),
    )


def silence_line(one: Silence, muted: Mapping[str, int], filters: Mapping[str, str], now: datetime, _: Say) -> html.Li:
    """One silence: its state, which alerts, until when, who, why, how many it mutes."""
    code, chosen = one.state(now), filters.get("silence") == one.id
    if code is State.PENDING:
        when = _("from {at}", at=_.instant(one.starts_at))
    elif code is State.ACTIVE:
        when = _("{age} left", age=_.age((one.ends_at - now).total_seconds()))
    else:
        when = _("ended {at}", at=_.instant(one.ends_at))
    link = dcc.Link(matchers_of(one.matchers), href=address(PATH, filters, silence=one.id), className="row-main")
    count = muted_link(one, muted, now, _)
    why = [html.Span(f"{one.created_by}: {one.comment} "), *([count] if count is not None else [])]
    return html.Li(
        html.Div(
            [
                state_of(code.value, _),
                link,
                html.Span(when, className="row-age"),
                html.Span(why, className="row-why"),
            ],
            className="row silence-row" + (" row-chosen" if chosen else ""),
        )
    )


def silence_detail(
    one: Silence | None, muted: Mapping[str, int], filters: Mapping[str, str], now: datetime, _: Say
) -> html.Section:
    """One silence with all that it says."""
    close = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, filters, silence=""),
        className="shell-tool",
    )
    if one is None:
        return panel(_("Silence"), empty(_("There is no such silence.")), actions=[close])
    pairs = [
        (_("State"), state_of(one.state(now).value, _)),
        (_("Which alerts"), matchers_of(one.matchers)),
        (_("Open alerts"), muted_link(one, muted, now, _)),
        (_("Why"), one.comment),
        (_("Made by"), one.created_by),
        (_("From"), _.instant(one.starts_at)),
        (_("Until"), _.instant(one.ends_at)),
        (_("Id"), html.Code(one.id)),
    ]
    return panel(_("Silence"), facts(pairs), actions=[close], footer=as_of(_, now))


def proposals_panel(found: Sequence[Proposal], viewer: Viewer, now: datetime, _: Say) -> html.Section | None:
    """Silences that wait for a second person, and what became of earlier ones; nothing when there are none."""
    if not found:
        return None
    lines = [_proposal(one, viewer, now, _) for one in found]
    return panel(
        _("Silences that need two people"),
        html.Ul(lines, className="list"),
        footer=as_of(_, now),
        className="panel-flush",
        id="silence-proposals",
    )


def _proposal(one: Proposal, viewer: Viewer, now: datetime, _: Say) -> html.Li:
    waits = one.waits(now)
    if waits:
        left = _.age((one.lapses_at - now).total_seconds())
        stands: Any = [state("warning", _, quiet=True), html.B(_("waits for a second person, {left} left", left=left))]
    elif one.decision is None:
        stands = html.Span(_("lapsed: nobody approved it in time"), className="dim")
    else:
        stands = html.Span(
            _("{decision} by {who}", decision=word(DECISION, one.decision, _), who=one.decided_by)
            + (f": {one.note}" if one.note else ""),
            className="dim",
        )
    said = _(
        "{who}, for {length}: {why}", who=one.proposed_by, why=one.reason, length=_.age(one.length.total_seconds())
    )
    buttons = _deciding(one, viewer, _) if waits else []
    return html.Li(
        html.Div(
            [
                html.Div([matchers_of(one.matchers), html.Div(said, className="row-why")], className="grow"),
                html.Div(stands, className="detail-line"),
                *buttons,
            ],
            className="proposal-line",
        )
    )


def _deciding(one: Proposal, viewer: Viewer, _: Say) -> list[html.Button]:
    """What the viewer can decide; who proposed it can only withdraw it."""
    mine = viewer.name == one.proposed_by
    found = []
    if viewer.may("alerts.approve") and not mine:
        found.append(_button(_("Approve"), "check", "silence-approve-modal", one.id, "silence-approve-one"))
    if mine or viewer.may("alerts.approve"):
        label = _("Withdraw") if mine else _("Reject")
        found.append(_button(label, "close", "silence-reject-modal", one.id, "silence-reject-one"))
    return found


def shelf_panel(rows: Sequence[Row], viewer: Viewer, now: datetime, _: Say) -> html.Section:
    """What is put aside, until when, by whom and why; who may brings it back."""
    lines = [_aside(row, viewer, now, _) for row in rows]
    body = html.Ul(lines, className="list") if lines else empty(_("Nothing is on the shelf."))
    return panel(_("On the shelf"), body, footer=as_of(_, now), className="panel-flush", id="silence-shelf")


def _aside(row: Row, viewer: Viewer, now: datetime, _: Say) -> html.Li:
    one = row["alert"]
    if one is None:
        head: Any = html.Code(row["fingerprint"])
    else:
        shown = one["severity"] if one["resolved_at"] is None else "resolved"
        head = dcc.Link([state(shown, _), " ", titled(one, _)], href=f"/alerts?alert={one['id']}")
    left = _.age((row["until"] - now).total_seconds())
    back = []
    if one is not None and viewer.may("alerts.shelve"):
        back = [_button(_("Bring back"), "back", "alerts-unshelve-modal", one["id"], "alert-unshelve-one")]
    return html.Li(
        html.Div(
            [
                html.Div([head, html.Div(f"{row['who']}: {row['reason']}", className="row-why")], className="grow"),
                html.Span(_("until {at}, {left} left", at=_.instant(row["until"]), left=left), className="row-age"),
                *back,
            ],
            className="shelf-line",
        )
    )


def _button(label: str, picture: str, question: str, number: int, name: str) -> html.Button:
    """A button that names its question and whom it means (`assets/alert_actions.js`)."""
    return html.Button(
        [icon(picture), label],
        className=f"button {name}",
        type="button",
        **{"data-asks": question, "data-alert": str(number)},
    )
