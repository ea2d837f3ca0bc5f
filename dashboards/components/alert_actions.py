"""What can be done with one alert or several, as buttons and the questions that they ask in front of the page.

Every button names the question that it opens (`data-asks`) and whom it means: the selection, or one alert
(`assets/alert_actions.js`); so a click is not lost while the page is being refreshed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from core.duration import parse_duration
from dashboards.components.icons import icon
from dashboards.context import Viewer
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

STICKY = "sticky"
LENGTHS = ("15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "3d", "7d")
"""How long something is acknowledged, shelved or silenced for."""
DOINGS = (
    # what, its icon, its word, the question, the right
    ("acknowledge", "check", mark("Acknowledge"), "alerts-modal", "alerts.acknowledge"),
    ("shelve", "shelf", mark("Shelve"), "alerts-shelve-modal", "alerts.shelve"),
    ("silence", "bell-off", mark("Silence"), "alerts-silence-modal", "alerts.silence"),
    ("assign", "person", mark("Assign"), "alerts-assign-modal", "tickets.work"),
)
KEYS = (
    ("j  ↓", mark("the next alert")),
    ("k  ↑", mark("the alert before")),
    ("Enter", mark("open it at the side")),
    ("x", mark("select it, or no longer")),
    ("f", mark("unfold or fold its symptoms")),
    ("a", mark("acknowledge the selected ones, or this one")),
    ("h", mark("shelve them")),
    ("s", mark("silence what is like them")),
    ("?", mark("these keys")),
)


def lengths(_: Say, most: str = "7d") -> list[dict[str, str]]:
    """Choices of a time, up to the longest."""
    kept = LENGTHS[: LENGTHS.index(most) + 1]
    return [{"value": one, "label": _.age(parse_duration(one).total_seconds())} for one in kept]


def bulk_bar(viewer: Viewer, _: Say) -> html.Div:
    """The buttons over the list; they mean what is selected, with the symptoms of selected causes if that is ticked."""
    names = {"acknowledge": "alerts-ack-selected"}
    buttons = [
        html.Button(
            [icon(picture), _(label)],
            id=names.get(what, f"alerts-{what}-selected"),
            className="button",
            type="button",
            disabled=True,
            **{"data-asks": question, "data-bulk": "yes"},
        )
        for what, picture, label, question, right in DOINGS
        if viewer.may(right)
    ]
    with_symptoms = dmc.Checkbox(id="alerts-with-symptoms", label=_("with their symptoms"), size="xs", checked=False)
    keys = html.Button(
        "?", id="alerts-keys-open", className="button", type="button", title=_("Keys"), **{"aria-label": _("Keys")}
    )
    parts = [with_symptoms, *buttons, keys] if buttons else [keys]
    return html.Div(
        parts, id="alerts-bulk", className="bulk", role="toolbar", **{"aria-label": _("For the selected alerts")}
    )


def buttons_of(row: Row, shelved: bool, viewer: Viewer, _: Say) -> list[html.Button]:
    """What the viewer can do with one open alert."""
    found = []
    for what, picture, label, question, right in DOINGS:
        if not viewer.may(right):
            continue
        name, main = f"alert-{what}-one", ""
        if what == "acknowledge":
            name, main = "alert-ack-one", " button-main"
            if row["acknowledged_by"]:
                name, main, picture, label = "alert-give-back", "", "back", mark("Give back")
                question = "alerts-back-modal"
        elif what == "shelve" and shelved:
            name, picture, label, question = "alert-unshelve-one", "back", mark("Bring back"), "alerts-unshelve-modal"
        found.append(
            html.Button(
                [icon(picture), _(label)],
                id=name,
                className="button" + main,
                type="button",
                **{"data-asks": question, "data-alert": str(row["id"])},
            )
        )
    return found


def questions(viewer: Viewer, _: Say) -> list[Any]:
    """Every question that a button of the viewer's can ask, and the keys."""
    asked = {question for _what, _picture, _label, question, right in DOINGS if viewer.may(right)}
    asked |= {"alerts-back-modal"} if viewer.may("alerts.acknowledge") else set()
    asked |= {"alerts-unshelve-modal"} if viewer.may("alerts.shelve") else set()
    return [*(one for one in _questions(_) if one.id in asked), _keys(_)]


def _questions(_: Say) -> list[dmc.Modal]:
    return [
        question(
            _("Acknowledge"),
            "alerts-modal",
            [
                text_field("alerts-comment", _("What do you know, and what will you do?"), _example(_)),
                length_field("alerts-for", _("For how long?"), STICKY, _, sticky=True),
            ],
            [("alerts-acknowledge", _("Acknowledge"))],
            _,
        ),
        question(
            _("Give back"),
            "alerts-back-modal",
            [
                text_field(
                    "alerts-back-comment",
                    _("Why do you give it back?"),
                    _("For example: end of shift, not found yet"),
                )
            ],
            [("alerts-give-back", _("Give back"))],
            _,
        ),
        question(
            _("Shelve"),
            "alerts-shelve-modal",
            [
                html.P(_("Nobody is told of it until it comes back by itself."), className="dim"),
                text_field(
                    "alerts-shelve-reason", _("Why can it wait?"), _("For example: spare part comes on Tuesday")
                ),
                length_field("alerts-shelve-for", _("For how long?"), "2h", _),
            ],
            [("alerts-shelve", _("Shelve"))],
            _,
        ),
        bringing_back(_),
        question(_("Silence"), "alerts-silence-modal", silence_fields("alerts-silence", _), SILENCING, _),
        question(
            _("Assign"),
            "alerts-assign-modal",
            [
                html.P(
                    _("The ticket of each alert gets this owner; one is opened where there is none."), className="dim"
                ),
                dmc.Select(id="alerts-assignee", label=_("Who has it"), data=[], searchable=True, size="sm"),
            ],
            [("alerts-assign", _("Assign"))],
            _,
        ),
    ]


SILENCING = [
    ("alerts-silence-make", mark("Silence")),
    ("alerts-silence-propose", mark("Propose to a second person")),
]


def bringing_back(_: Say) -> dmc.Modal:
    """The question before an alert comes back from the shelf; more than one page asks it."""
    return question(
        _("Bring back"),
        "alerts-unshelve-modal",
        [html.P(_("It comes back from the shelf now, and is told of as before."))],
        [("alerts-unshelve", _("Bring back"))],
        _,
    )


def silence_fields(prefix: str, _: Say) -> list[Any]:
    """Matchers, time and comment of a silence, with what it would do; ids are PREFIX-matchers, -for, -comment, -preview."""
    return [
        dmc.Textarea(
            id=f"{prefix}-matchers",
            label=_("Which alerts? One condition a line; all of them must hold."),
            placeholder='target="db-1"',
            autosize=True,
            minRows=3,
            debounce=400,
            className="mono",
        ),
        html.Div(id=f"{prefix}-preview", className="silence-preview", **{"aria-live": "polite"}),
        length_field(f"{prefix}-for", _("For how long?"), "2h", _),
        text_field(
            f"{prefix}-comment", _("Why is nobody to be told?"), _("For example: disks are replaced until noon")
        ),
    ]


def question(title: str, id: str, body: list[Any], buttons: Sequence[tuple[str, str]], _: Say) -> dmc.Modal:
    """A question in front of the page; the first of its buttons is the main one, further ones show when needed."""
    made = [
        html.Button(
            _(words), id=name, className="button" + ("" if at else " button-main"), type="button", hidden=bool(at)
        )
        for at, (name, words) in enumerate(buttons)
    ]
    return dmc.Modal(
        [html.Div(body, className="form"), html.Div(made, className="modal-actions")],
        id=id,
        title=title,
        opened=False,
        closeButtonProps={"aria-label": _("Close")},
    )


def text_field(id: str, label: str, example: str = "") -> dmc.Textarea:
    """A field for a sentence."""
    return dmc.Textarea(id=id, label=label, placeholder=example, autosize=True, minRows=2, **{"data-autofocus": True})


def length_field(id: str, label: str, chosen: str, _: Say, *, sticky: bool = False) -> dmc.Select:
    """A choice of a time; `sticky` offers no end as well."""
    first = [{"value": STICKY, "label": _("until it is resolved")}] if sticky else []
    return dmc.Select(id=id, label=label, data=first + lengths(_), value=chosen, allowDeselect=False, size="sm")


def _example(_: Say) -> str:
    return _("For example: disk is being cleaned, back in 20 minutes")


def _keys(_: Say) -> dmc.Modal:
    table = html.Dl(
        [html.Div([html.Dt([html.Kbd(one) for one in keys.split()]), html.Dd(_(words))]) for keys, words in KEYS],
        className="keys",
    )
    switch = dmc.Checkbox(id="alerts-keys-on", label=_("Use these keys on this page"), checked=True, size="sm")
    return dmc.Modal(
        [table, switch],
        id="alerts-keys",
        title=_("Keys"),
        opened=False,
        closeButtonProps={"aria-label": _("Close")},
    )
