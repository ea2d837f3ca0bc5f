"""What people do with alerts, one or many at once: acknowledge, give back, shelve, bring back, silence, assign.

Of several alerts each is done for itself: what is refused is told, the others are done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts import commands
from alerts.muting import shelving
from alerts.tickets import owning
from core.duration import parse_duration
from core.people.rights import rights_of
from core.refused import RefusedError
from core.store.open import reading, writing
from dashboards.callbacks import guarded, text
from dashboards.components import notices
from dashboards.components.alert_actions import LENGTHS, STICKY
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say
from dashboards.queries import tickets
from dashboards.sentences import told
from dashboards.silencing import register_silencing

MOST = 1000
"""So many alerts are done at once; it is what the list shows at most."""
TOLD = 3
"""So many refusals are told one by one."""
DONE = Output("alerts-done", "data", allow_duplicate=True)
NOTICES = Output("notices", "sendNotifications", allow_duplicate=True)
Doing = Callable[[Connection, int], object]


def register_doings(app: Dash, console: Console) -> None:
    """The callbacks of the questions in `components/alert_actions.py`, and how their buttons wake."""
    _acknowledging(app, console)
    _shelving(app, console)
    _assigning(app, console)
    register_silencing(app, console)
    app.clientside_callback(
        ClientsideFunction("alertActions", "selectable"),
        Output("alerts-bulk", "data-selected"),
        Input("alerts-grid", "selectedRows"),
    )


def numbers(ids: object) -> list[int]:
    """The ids of alerts that a page sent, each once; what is none is left out."""
    found = ids if isinstance(ids, list) else []
    sound = (one for one in found if isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**53)
    return list(dict.fromkeys(sound))[:MOST]


def length_of(text: object) -> timedelta | None:
    """The time of one of the choices; None for what is none of them."""
    return parse_duration(text) if isinstance(text, str) and text in LENGTHS else None


def each(console: Console, ids: object, doing: Doing, said_of: Callable[[Say, int], str]) -> list[dict[str, Any]]:
    """Do it to every alert in one transaction, each for itself, and say what came of it."""
    _, refused, done = speaking(console), list[str](), 0
    with writing(console.engine) as connection:
        for number in numbers(ids):
            try:
                with connection.begin_nested():
                    doing(connection, number)
                done += 1
            except RefusedError as error:
                refused.append(str(error))
    said = [notices.failed(_, told(sentence, _)) for sentence in refused[:TOLD]]
    if len(refused) > TOLD:
        rest = len(refused) - TOLD
        said.append(notices.failed(_, _.many("One more was refused.", "{n} more were refused.", rest)))
    if done:
        said.append(notices.done(_, said_of(_, done)))
    return said


def _acknowledging(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "alerts.acknowledge",
        DONE,
        Output("alerts-modal", "opened", allow_duplicate=True),
        Output("alerts-comment", "value"),
        Output("alerts-for", "value"),
        NOTICES,
        Output("alerts-grid", "deselectAll", allow_duplicate=True),
        Input("alerts-acknowledge", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-comment", "value"),
        State("alerts-for", "value"),
        prevent_initial_call=True,
    )
    def acknowledge(clicks: int | None, ids: Any, comment: Any, taken: Any) -> tuple[Any, ...]:
        """Take them, for good or for a time."""
        who, now = _asked(console, clicks)
        length = length_of(taken)
        until = None if length is None else now + length
        said = each(
            console,
            ids,
            lambda connection, number: commands.acknowledge(connection, number, who, text(comment), now, until),
            lambda _, n: _.many("One alert is acknowledged.", "{n} alerts are acknowledged.", n),
        )
        return f"acknowledged {now.isoformat()}", False, "", STICKY, said, True

    @guarded(
        app,
        "alerts.acknowledge",
        DONE,
        Output("alerts-back-modal", "opened", allow_duplicate=True),
        Output("alerts-back-comment", "value"),
        NOTICES,
        Input("alerts-give-back", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-back-comment", "value"),
        prevent_initial_call=True,
    )
    def give_back(clicks: int | None, ids: Any, comment: Any) -> tuple[Any, ...]:
        """Give an alert back, so that it is sent again."""
        who, now = _asked(console, clicks)
        said = each(
            console,
            ids,
            lambda connection, number: commands.unacknowledge(connection, number, who, text(comment), now),
            lambda _, n: _("The alert is given back; its messages go on."),
        )
        return f"back {now.isoformat()}", False, "", said


def _shelving(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "alerts.shelve",
        DONE,
        Output("alerts-shelve-modal", "opened", allow_duplicate=True),
        Output("alerts-shelve-reason", "value"),
        NOTICES,
        Output("alerts-grid", "deselectAll", allow_duplicate=True),
        Input("alerts-shelve", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-shelve-reason", "value"),
        State("alerts-shelve-for", "value"),
        prevent_initial_call=True,
    )
    def shelve(clicks: int | None, ids: Any, reason: Any, aside: Any) -> tuple[Any, ...]:
        """Put them aside; without a reason the question stays open."""
        who, now = _asked(console, clicks)
        until = now + (length_of(aside) or timedelta())
        said = each(
            console,
            ids,
            lambda connection, number: shelving.shelve(connection, number, who, text(reason), until, now),
            lambda _, n: _.many("One alert is shelved.", "{n} alerts are shelved.", n),
        )
        kept = not text(reason).strip()
        return f"shelved {now.isoformat()}", kept, text(reason) if kept else "", said, not kept

    @guarded(
        app,
        "alerts.shelve",
        DONE,
        Output("alerts-unshelve-modal", "opened", allow_duplicate=True),
        NOTICES,
        Input("alerts-unshelve", "n_clicks"),
        State("alerts-ids", "data"),
        prevent_initial_call=True,
    )
    def unshelve(clicks: int | None, ids: Any) -> tuple[Any, ...]:
        """Bring it back before its time."""
        who, now = _asked(console, clicks)
        said = each(
            console,
            ids,
            lambda connection, number: shelving.unshelve(connection, number, who, now),
            lambda _, n: _("The alert is back."),
        )
        return f"unshelved {now.isoformat()}", False, said


def _assigning(app: Dash, console: Console) -> None:
    @guarded(app, "tickets.work", Output("alerts-assignee", "data"), Input("alerts-assign-modal", "opened"))
    def people(_opened: Any) -> list[str]:
        with reading(console.engine) as connection:
            return tickets.people(connection)

    @guarded(
        app,
        "tickets.work",
        DONE,
        Output("alerts-assign-modal", "opened", allow_duplicate=True),
        NOTICES,
        Output("alerts-grid", "deselectAll", allow_duplicate=True),
        Input("alerts-assign", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-assignee", "value"),
        prevent_initial_call=True,
    )
    def assign(clicks: int | None, ids: Any, assignee: Any) -> tuple[Any, ...]:
        """Give their tickets to somebody."""
        who, now = _asked(console, clicks)
        rights = rights_of(current_viewer().role)
        said = each(
            console,
            ids,
            lambda connection, number: owning.give(
                connection, number, who, text(assignee), console.routes, now, rights=rights, book=console.tickets
            ),
            lambda _, n: _.many("One alert has its owner.", "{n} alerts have their owner.", n),
        )
        kept = not text(assignee)
        return f"assigned {now.isoformat()}", kept, said, not kept


def _asked(console: Console, clicks: object) -> tuple[str, datetime]:
    """Who clicked, and when; a page that was just put in place calls once without a click."""
    if not clicks:
        raise PreventUpdate
    return current_viewer().name, console.clock()
