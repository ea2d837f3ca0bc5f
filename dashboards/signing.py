"""The callbacks by which a run is prepared, reviewed and opened again; each is one command in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.filters import whole
from dashboards.components.panels import as_of
from dashboards.components.sign_off import FORMS, hidden, sign_off
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.files import SIGNED, find
from dashboards.locale import mark
from dashboards.queries import reconciliation
from dashboards.sentences import told
from reconciliation.desk import signatures
from reconciliation.desk.journal import DeskError

DOINGS: tuple[tuple[str, str, Callable[..., None], str], ...] = (
    ("run-prepare", "reconciliation.prepare", signatures.prepare, mark("The run is prepared.")),
    ("run-review", "reconciliation.sign", signatures.review, mark("The run is signed.")),
    ("run-reopen", "reconciliation.sign", signatures.reopen, mark("The run is open again.")),
)
"""Button, right, command, and what is told when it has gone through."""
TYPED = tuple(f"{button}-text" for button, *_rest in DOINGS)


def register_signing(app: Dash, console: Console) -> None:
    """The panel of signatures, which follows every tick, and a callback for each doing."""

    @guarded(
        app,
        "see.reconciliation",
        Output("run-signatures", "children"),
        Output("run-signed-as-of", "children"),
        Output("run-forms", "hidden"),
        *(Output(form, "hidden") for form in FORMS),
        Input("run-id", "data"),
        Input("live", "data"),
        Input("run-done", "data"),
    )
    def refresh(run: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        _, number, now, viewer = speaking(console), whole(run), console.clock(), current_viewer()
        with reading(console.engine) as connection:
            row = None if number is None else reconciliation.run(connection, number)
            given = [] if row is None else signatures.of_run(connection, row["id"])
        if row is None or not row["certificate"]:
            sentence = _("A run without a result cannot be signed.")
            return sentence, as_of(_, now), *hidden(None, prepares=False, signs=False)
        reached = signatures.state(given, row["certificate"].get("hash"))
        rights = {"prepares": viewer.may("reconciliation.prepare"), "signs": viewer.may("reconciliation.sign")}
        has_report = bool(given) and find(console.home, row, "report.pdf") is not None
        report = f"/reconciliation/{row['id']}/files/{SIGNED}" if has_report else ""
        shown = sign_off(reached, [dict(one._mapping) for one in given], report, _)
        return shown, as_of(_, now), *hidden(reached, **rights)

    for button, right, command, sentence in DOINGS:
        _doing(app, console, button, right, command, sentence)
    app.clientside_callback(
        ClientsideFunction("reconciliation", "emptied"),
        *(Output(field, "value") for field in TYPED),
        Input("run-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def _doing(app: Dash, console: Console, button: str, right: str, command: Callable[..., None], sentence: str) -> None:
    @guarded(
        app,
        right,
        Output("run-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input(button, "n_clicks"),
        State("run-id", "data"),
        State(f"{button}-text", "value"),
        prevent_initial_call=True,
    )
    def sign(clicks: int | None, run: str, text: str | None) -> tuple[Any, Any]:
        number, _ = whole(run), speaking(console)
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        now = console.clock()
        try:
            with writing(console.engine) as connection:
                command(connection, number, current_viewer().name, text or "", now)
        except DeskError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, _(sentence))]
