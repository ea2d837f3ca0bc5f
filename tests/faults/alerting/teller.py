"""Where the processes that tell come from: forked from one that has told a story and knows how its statements are compiled.

That saves each of them half a second. Of any store they know nothing before they read it: the one that they come from keeps
no connection, and what it told was another store's story.
"""

from __future__ import annotations

import gc
import os
import traceback
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from core.store.open import open_store
from tests.faults.alerting.story import Story
from tests.faults.alerting.telling import Telling, estate_of, tell
from tests.faults.forking import context, start

ENDS_WITHIN_S = 120.0


class Teller:
    """The process that the others are forked from; one for each kind of database."""

    def __init__(self) -> None:
        self._orders, theirs = context().Pipe()
        self._process = start(serve, theirs)
        theirs.close()
        self._pid = 0

    def start(self, telling: Telling, story: Story) -> int:
        """Begin to tell in a process of its own; its number."""
        self._orders.send((telling, story))
        pid: int = self._orders.recv()
        self._pid = pid
        return pid

    def wait(self) -> int:
        """The exit status of the process that was begun last, -9 when it was killed. Raises TimeoutError."""
        if not self._orders.poll(ENDS_WITHIN_S):
            os.kill(self._pid, 9)
            raise TimeoutError(f"the telling did not end within {ENDS_WITHIN_S:g} s")
        code: int = self._orders.recv()
        return code

    def end(self) -> None:
        """No more tellings."""
        self._orders.close()
        self._process.join()


class _Aim:
    """Which store an engine connects to."""

    url = ""

    def connect(self, dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        """Turn a new connection to that store."""
        given, more = dialect.create_connect_args(make_url(self.url))
        arguments[:] = given
        named.update(more)


def serve(orders: Connection) -> None:
    """Tell what comes through `orders`: the first story here, to be warm, every other one in a process of its own."""
    engine: Engine | None = None
    aim = _Aim()
    while True:
        try:
            telling, story = orders.recv()
        except (EOFError, ConnectionResetError):
            return
        aim.url = telling.url
        if engine is None:
            engine = open_store(telling.url)
            event.listen(engine, "do_connect", aim.connect)
            orders.send(os.getpid())
            orders.send(_told(engine, telling, story))
            continue
        estate_of(telling.home)
        gc.freeze()  # what is shared stays shared
        pid = os.fork()
        if pid == 0:
            os._exit(_told(engine, telling, story))
        orders.send(pid)
        orders.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _told(engine: Engine, telling: Telling, story: Story) -> int:
    """Tell; 0 when it came to its end."""
    try:
        tell(engine, telling, story)
    except BaseException:  # noqa: BLE001  # whatever it is: the process that asked is to know and to show it
        traceback.print_exc()
        return 1
    return 0
