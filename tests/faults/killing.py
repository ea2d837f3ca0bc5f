"""A process that kills itself with SIGKILL at a chosen statement of its store, so that every statement is a kill point."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

COMMIT, ENDED = "COMMIT", "the end of a transaction"


@dataclass(frozen=True, slots=True)
class Point:
    """Die at the `number`-th step (from 0) of those that hold `only`, counted from the first one that holds `since`.

    A step is a statement or a commit, before it is made, or a connection given back, when its transaction is over.
    """

    number: int
    since: str = ""
    only: str = ""


class Killer:
    """Counts the steps of an engine; armed with a point, it ends the process there and says where."""

    def __init__(self, engine: Engine, note: Path) -> None:
        self._note = note
        self._lock = threading.Lock()
        self._point: Point | None = None
        self._counting = False
        self._count = 0
        self.seen = 0
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)
        event.listen(engine, "checkin", self._given_back)

    def arm(self, point: Point | None) -> None:
        """Count from now on; None disarms."""
        with self._lock:
            self._point, self._count = point, 0
            self._counting = point is not None and not point.since

    def _statement(self, _c: Connection, _cursor: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        self._pass(statement)

    def _commit(self, _connection: Connection) -> None:
        self._pass(COMMIT)

    def _given_back(self, _connection: Any, _record: Any) -> None:
        self._pass(ENDED)

    def _pass(self, statement: str) -> None:
        with self._lock:
            self.seen += 1
            point = self._point
            if point is None:
                return
            if not self._counting and point.since in statement:
                self._counting = True
            if not self._counting or point.only not in statement:
                return
            if self._count == point.number:
                self._note.write_text(" ".join(statement.split())[:100])
                os.kill(os.getpid(), signal.SIGKILL)
            self._count += 1
