"""Silences as people make them on a page: what is proposed, what it would do, made alone or proposed to a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dash import Dash, Input, Output, State, html
from dash.exceptions import PreventUpdate

from alerts.muting import proposals, silences
from alerts.muting.silences import SilenceError, Spec
from alerts.routes.matchers import Matcher, MatcherError, matcher, parse_all
from core.duration import parse_duration
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.alert_actions import LENGTHS
from dashboards.components.icons import icon
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say
from dashboards.queries import silences as queries
from dashboards.queries.silences import Preview
from dashboards.sentences import told

MOST_VALUES = 20
NAMING = ("target", "alertname")
"""The labels of which a proposed silence names at least one."""


def proposed_matchers(labels: Sequence[Mapping[str, str]]) -> list[Matcher]:
    """What all of these alerts have in common, as conditions; where that names neither target nor check, both are listed.

    Pure. The severity is left out, so that a silence holds when it changes.
    """
    if not labels:
        return []
    shared = {pair for pair in labels[0].items() if all(each.get(pair[0]) == pair[1] for each in labels)}
    found = [matcher(name, "=", value) for name, value in sorted(shared) if name != "severity" and value]
    if any(name in NAMING for name, _value in shared):
        return found
    for name in NAMING:
        values = sorted({each[name] for each in labels if each.get(name)})
        if 0 < len(values) <= MOST_VALUES:
            found.append(matcher(name, "=~", "|".join(_literal(value) for value in values)))
    return found


def _literal(value: str) -> str:
    """The value as a regular expression that means just it, readable where it can be."""
    return "".join("\\" + one if one in r".^$*+?{}[]\|()" else one for one in value)


def typed(text: object) -> tuple[Matcher, ...]:
    """The conditions of a field, one a line or separated by commas. Raises MatcherError."""
    lines = text.splitlines() if isinstance(text, str) else []
    return parse_all(line for line in lines if line.strip())


def render_preview(found: Preview, _: Say) -> html.Div:
    """What the silence would do now, and why one person may not make it."""
    muted = _.number(found.muted)
    sentence = _("Mutes {n} of {m} open alerts now.", n=muted, m=_.number(found.open))
    parts: list[Any] = [html.Span([icon("bell-off"), sentence])]
    if found.too_broad:
        parts.append(html.Span([icon("block"), told(found.too_broad, _)], className="flood"))
    return html.Div(parts, className="silence-would")


def register_silencing(app: Dash, console: Console) -> None:
    """Fill in and make a silence from the alerts page."""

    @guarded(
        app,
        "alerts.silence",
        Output("alerts-silence-matchers", "value"),
        Input("alerts-silence-modal", "opened"),
        State("alerts-ids", "data"),
        prevent_initial_call=True,
    )
    def fill(opened: Any, ids: Any) -> str:
        """What the chosen alerts have in common."""
        if opened is not True:
            raise PreventUpdate
        chosen = [one for one in ids if isinstance(one, int)] if isinstance(ids, list) else []
        with reading(console.engine) as connection:
            labels = queries.labels_of(connection, [one for one in chosen if 0 < one < 2**53])
        return "\n".join(str(one) for one in proposed_matchers(labels))

    register_form(app, console, "alerts-silence", "alerts-done", "alerts-silence-modal")


def register_form(app: Dash, console: Console, prefix: str, done: str, modal: str) -> None:
    """A form of `components.alert_actions.silence_fields` in a question: its preview, and its two buttons."""

    @guarded(
        app,
        "alerts.silence",
        Output(f"{prefix}-preview", "children"),
        Output(f"{prefix}-make", "hidden"),
        Output(f"{prefix}-propose", "hidden"),
        Input(f"{prefix}-matchers", "value"),
        prevent_initial_call=True,
    )
    def show(text: Any) -> tuple[Any, bool, bool]:
        """What it would do, as it is typed."""
        _ = speaking(console)
        try:
            matchers = typed(text)
        except MatcherError as error:
            return html.Span(f"{error}.", className="flood"), False, True
        if not matchers:
            return html.Span(_("Write at least one condition."), className="dim"), False, True
        with reading(console.engine) as connection:
            found = queries.preview(connection, matchers)
        return render_preview(found, _), bool(found.too_broad), not found.too_broad

    inputs = [State(f"{prefix}-{name}", "value") for name in ("matchers", "for", "comment")]
    outputs = [
        Output(done, "data", allow_duplicate=True),
        Output(modal, "opened", allow_duplicate=True),
        Output(f"{prefix}-comment", "value", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
    ]

    def act(clicks: object, text: object, length: object, comment: object, *, alone: bool) -> tuple[Any, ...]:
        if not clicks:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        lasting = parse_duration(length) if isinstance(length, str) and length in LENGTHS else timedelta()
        why = comment if isinstance(comment, str) else ""
        try:
            matchers = typed(text)
            with writing(console.engine) as connection:
                if alone:
                    silences.create(connection, Spec(matchers, now, now + lasting, why), who, now)
                else:
                    proposals.propose(connection, matchers, lasting, why, who, now)
        except MatcherError as error:
            return now.isoformat(), True, why, [notices.failed(_, f"{error}.")]
        except SilenceError as error:
            return now.isoformat(), True, why, [notices.failed(_, told(str(error), _))]
        sentence = _("The silence holds.") if alone else _("The silence is proposed; another person approves it.")
        return now.isoformat(), False, "", [notices.done(_, sentence)]

    @guarded(app, "alerts.silence", *outputs, Input(f"{prefix}-make", "n_clicks"), *inputs, prevent_initial_call=True)
    def make(clicks: Any, text: Any, length: Any, comment: Any) -> tuple[Any, ...]:
        return act(clicks, text, length, comment, alone=True)

    @guarded(
        app, "alerts.silence", *outputs, Input(f"{prefix}-propose", "n_clicks"), *inputs, prevent_initial_call=True
    )
    def propose(clicks: Any, text: Any, length: Any, comment: Any) -> tuple[Any, ...]:
        return act(clicks, text, length, comment, alone=False)
