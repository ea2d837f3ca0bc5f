"""Push without pile-up: open pages are told that something changed, and ask for it themselves when they are ready.

One task in a process, alive while anybody listens, looks once a second at the store's counters and remembers the latest
tick; each connection sends only the latest one, so a slow page misses ticks instead of collecting them. A tick says
which subjects changed: `{"tick": 7, "at": "2026-01-31T08:00:00+00:00", "changed": ["alerts"]}`. Samples change all the
time and are told at most every two seconds; without any change there is a tick every five. When the store is away
there is none, and the page says since when (`assets/live.js`). `/live/now` answers the same once, for pages whose
socket does not come through. A connection is closed when its session ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.store.open import reading
from dashboards.context import Console, current_viewer
from dashboards.entrance import still_there
from dashboards.locale import Say
from dashboards.queries.status import versions

LOOK_EVERY_S = 1.0
SAMPLES_EVERY_S = 2.0
AT_LEAST_EVERY_S = 5.0
LISTENERS = 500  # open pages in a process; more are refused and poll instead

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """What is known of the store's changes, and who waits for the next one."""

    console: Console
    tick: int = 0
    at: str = ""
    changed: tuple[str, ...] = ()
    listeners: int = 0
    known: dict[str, int] = field(default_factory=dict)
    told_s: float = 0.0
    samples_told_s: float = 0.0
    fresh: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: asyncio.Task[None] | None = None

    def message(self) -> str:
        """The latest tick as the text that is sent."""
        return json.dumps({"tick": self.tick, "at": self.at, "changed": self.changed})

    def notice(self, found: dict[str, int], elapsed_s: float) -> tuple[str, ...] | None:
        """Which subjects to tell of, given the counters and a monotonic time; None when there is nothing to tell yet."""
        changed = {name for name, value in found.items() if self.known.get(name) != value}
        if "samples" in changed and elapsed_s - self.samples_told_s < SAMPLES_EVERY_S:
            changed.discard("samples")  # stays unknown, so it is told later
        if not changed and elapsed_s - self.told_s < AT_LEAST_EVERY_S:
            return None
        if "samples" in changed:
            self.samples_told_s = elapsed_s
        self.known.update({name: found[name] for name in changed})
        self.told_s = elapsed_s
        return tuple(sorted(changed))

    async def run(self) -> None:
        """Look at the counters until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        try:
            found = await to_thread.run_sync(self._read)
        except SQLAlchemyError:
            log.exception("The store did not answer; open pages are told of no change until it does")
            return
        changed = self.notice(found, time.monotonic())
        if changed is None:
            return
        async with self.fresh:
            self.tick, self.at, self.changed = self.tick + 1, self.console.clock().isoformat(), changed
            self.fresh.notify_all()

    def _read(self) -> dict[str, int]:
        with reading(self.console.engine) as connection:
            return versions(connection)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Keep the task alive for the length of the block."""
        self.listeners += 1
        if self.task is None or self.task.done():
            self.known = {}
            self.task = asyncio.create_task(self.run(), name="bomc-live")
        try:
            yield
        finally:
            self.listeners -= 1
            if self.listeners == 0 and self.task is not None:
                self.task.cancel()
                self.task = None

    async def after(self, tick: int) -> None:
        """Wait for a tick later than that one."""
        async with self.fresh:
            await self.fresh.wait_for(lambda: self.tick > tick)


def register(app: FastAPI, console: Console) -> None:
    """Add the WebSocket and its substitute; the gate has let only logged-in people of our own pages come so far."""
    watch = Watch(console)

    @app.get("/live/now", include_in_schema=False)
    def now() -> dict[str, object]:
        _ = Say(current_viewer().language)
        words = {"lost": _("Connection lost since {at}; what is shown may be out of date.")}
        with reading(console.engine) as connection:
            found = versions(connection)
        return {"at": console.clock().isoformat(), "versions": found, "words": words}

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        if watch.listeners >= LISTENERS:
            await socket.close(4429, "Too many pages are open; this one asks by itself.")
            return
        session, tick = current_viewer().session, watch.tick
        await socket.accept()
        async with watch.listening():
            telling = asyncio.create_task(_tell(socket, watch, session, tick))
            hearing = asyncio.create_task(_hear(socket))
            done, left = await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            for task in done:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    task.result()


async def _hear(socket: WebSocket) -> None:
    """Wait for the page to go away; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _tell(socket: WebSocket, watch: Watch, session: str, sent: int) -> None:
    """Send each latest tick after the one `sent`, until the session ends."""
    looked_s = time.monotonic()
    while True:
        await watch.after(sent)
        if time.monotonic() - looked_s >= AT_LEAST_EVERY_S:
            looked_s = time.monotonic()
            if not await to_thread.run_sync(still_there, watch.console, session):
                await socket.close(4401, "The session has ended.")
                return
        sent = watch.tick
        await socket.send_text(watch.message())
