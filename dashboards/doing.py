"""One doing of a person on a page: one transaction, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dash import no_update
from sqlalchemy import Connection

from core.refused import RefusedError
from core.store.open import writing
from dashboards.components import notices
from dashboards.components.speaking import speaking
from dashboards.context import Console
from dashboards.sentences import told

Done = tuple[Any, Any]
"""When it was done, for the store that renews the page, and what is told of it."""


def done(console: Console, act: Callable[[Connection, datetime], object], sentence: str | None = None) -> Done:
    """Do it and tell the sentence, or what `act` returns where there is none; a refusal is told as it was said."""
    _, now = speaking(console), console.clock()
    try:
        with writing(console.engine) as connection:
            said = act(connection, now)
    except RefusedError as error:
        return no_update, [notices.failed(_, told(str(error), _))]
    return now.isoformat(), [notices.done(_, str(said) if sentence is None else sentence)]
