"""What people add to a ticket whatever its state: comments, links, files; and another priority while it is at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from alerts.tickets import attachments, commands, links
from dashboards.callbacks import guarded, text
from dashboards.components.filters import whole
from dashboards.context import Console
from dashboards.doing import Done
from dashboards.locale import mark
from dashboards.ticket_doings import me, run
from dashboards.uploads import decoded


def register_writing(app: Dash, console: Console) -> None:
    """The callbacks behind these forms."""

    def command(*wanted: Any) -> Callable[[Any], Any]:
        return guarded(
            app,
            "tickets.work",
            Output("tickets-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            *wanted,
            State("url", "pathname"),
            State("url", "search"),
            prevent_initial_call=True,
        )

    @command(Input("ticket-comment", "n_clicks"), State("ticket-text", "value"))
    def comment(clicks: Any, words: Any, path: Any, search: Any) -> Done:
        if not clicks:
            raise PreventUpdate
        return run(
            console,
            path,
            search,
            lambda connection, number: commands.comment(connection, number, me().name, text(words), console.clock()),
            mark("The comment is on the ticket."),
        )

    @command(Input("ticket-tie", "n_clicks"), State("ticket-relation", "value"), State("ticket-other", "value"))
    def tie(clicks: Any, relation: Any, other: Any, path: Any, search: Any) -> Done:
        if not clicks:
            raise PreventUpdate
        return run(
            console,
            path,
            search,
            lambda connection, number: links.link(
                connection, number, me().name, text(relation), numbered(text(other)), console.clock()
            ),
            mark("The link is on the ticket."),
        )

    @command(Input({"ticket-unlink": ALL}, "n_clicks"))
    def untie(clicks: Any, path: Any, search: Any) -> Done:
        chosen = ctx.triggered_id
        if not isinstance(chosen, dict) or not any(
            clicks or ()
        ):  # links that were just shown call once without a click
            raise PreventUpdate
        relation, _slash, other = text(chosen.get("ticket-unlink")).partition("/")
        to, now = whole(other) or 0, console.clock()
        return run(
            console,
            path,
            search,
            lambda connection, number: links.unlink(connection, number, me().name, relation, to, now),
            mark("The link is off the ticket."),
        )

    @command(
        Input("ticket-prioritise", "n_clicks"),
        State("ticket-priority", "value"),
        State("ticket-priority-reason", "value"),
    )
    def prioritise(clicks: Any, priority: Any, reason: Any, path: Any, search: Any) -> Done:
        if not clicks:
            raise PreventUpdate
        now, book = console.clock(), console.tickets
        return run(
            console,
            path,
            search,
            lambda connection, number: commands.prioritise(
                connection, number, me(), text(priority), text(reason), now, book=book
            ),
            mark("The ticket has another priority; its clocks are worked out anew."),
        )

    @command(Input("ticket-upload", "contents"), State("ticket-upload", "filename"))
    def upload(contents: Any, name: Any, path: Any, search: Any) -> Done:
        content = decoded(contents)
        if content is None:
            raise PreventUpdate
        return run(
            console,
            path,
            search,
            lambda connection, number: attachments.attach(
                connection, number, me().name, text(name), content, console.clock()
            ),
            mark("The file is with the ticket."),
        )


def numbered(words: str) -> int:
    """The number that somebody typed, with or without its sign. Raises TicketError for what is none."""
    number = whole(words.strip().lstrip("#"))
    if number is None:
        raise commands.TicketError(f"{words.strip()[:20]!r} is no number; write digits, such as 12.")
    return number
