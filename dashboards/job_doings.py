"""What people do with a job: write down results, attach files, say that it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, ctx
from dash.dependencies import ALL
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.duty import jobs as commands
from alerts.duty.errors import DutyError
from alerts.tickets.book import Book
from dashboards.callbacks import guarded
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.doing import Done, done
from dashboards.queries import jobs
from dashboards.uploads import decoded


def register_jobs(app: Dash, console: Console) -> None:
    """The buttons under the checklist, and its files."""
    typed = (
        State("url", "search"),
        State({"type": "job-value", "item": ALL}, "value"),
        State({"type": "job-value", "item": ALL}, "id"),
        State({"type": "job-remark", "item": ALL}, "value"),
        State({"type": "job-remark", "item": ALL}, "id"),
    )

    def doing(button: str) -> Callable[..., Any]:
        return guarded(
            app,
            "duty.work",
            Output("job-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            *typed,
            prevent_initial_call=True,
        )

    def run(clicks: int | None, search: str, given: Mapping[str, tuple[str, str]], ends: bool) -> Done:
        number = whole(parse(search).get("job"))
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        _, who = speaking(console), current_viewer().name

        def act(connection: Connection, now: datetime) -> None:
            keep(connection, number, who, given, now, console.tickets)
            if ends:
                commands.finish(connection, number, who, now)

        return done(console, act, _("The job is done.") if ends else _("The results are kept."))

    @doing("job-save")
    def save(clicks: int | None, search: str, *given: Any) -> Done:
        return run(clicks, search, results(*given), False)

    @doing("job-finish")
    def finish(clicks: int | None, search: str, *given: Any) -> Done:
        return run(clicks, search, results(*given), True)

    @guarded(
        app,
        "duty.work",
        Output("job-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input({"type": "job-file", "item": ALL}, "contents"),
        State({"type": "job-file", "item": ALL}, "filename"),
        State({"type": "job-file", "item": ALL}, "id"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def attach(contents: Any, names: Any, ids: Any, search: str) -> Done:
        number, chosen = whole(parse(search).get("job")), ctx.triggered_id
        if number is None or not isinstance(chosen, dict) or not isinstance(contents, list):
            raise PreventUpdate
        place = next((at for at, known in enumerate(ids) if known.get("item") == chosen.get("item")), None)
        if place is None or not contents[place]:
            raise PreventUpdate
        _, who, item, name = speaking(console), current_viewer().name, str(chosen["item"]), str(names[place])

        def act(connection: Connection, now: datetime) -> str:
            digest = commands.attach(connection, number, who, item, name, arrived(contents[place]), now)
            return _("The file is kept; its SHA-256 begins with {print}.", print=digest[:12])

        return done(console, act)


def results(values: Any, value_ids: Any, remarks: Any, remark_ids: Any) -> dict[str, tuple[str, str]]:
    """What was typed, by the code of the item: result and remark; a result that is empty is none."""
    lists = (values, value_ids, remarks, remark_ids)
    if not all(isinstance(one, list) for one in lists):
        raise PreventUpdate
    said = {known["item"]: text for text, known in zip(remarks, remark_ids, strict=True)}
    return {
        str(known["item"]): (str(value), str(said.get(known["item"]) or ""))
        for value, known in zip(values, value_ids, strict=True)
        if value not in (None, "")
    }


def keep(
    connection: Connection,
    number: int,
    who: str,
    given: Mapping[str, tuple[str, str]],
    now: datetime,
    book: Book | None = None,
) -> None:
    """Write the results that are new or changed. Raises DutyError as the command does."""
    row = jobs.one(connection, number, now)
    known = row["results"] if row is not None else {}
    for code, (value, remark) in given.items():
        before = known.get(code, {})
        same = str(before.get("value")) == value or _number(before.get("value")) == _number(value) is not None
        if not (before and same and before.get("remark", "") == remark.strip()):
            commands.fill(connection, number, who, code, value, remark, now, book)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def arrived(contents: object) -> bytes:
    """The content of a file as a browser sends it. Raises DutyError when it is not whole."""
    content = decoded(contents)
    if content is None:
        raise DutyError("The file did not arrive whole; choose it again.")
    return content
