"""One run of one probe: its collector is asked within its limit, and what comes of it is an outcome, never an exception."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from collectors.errors import CollectError
from collectors.io import Io
from collectors.registry import COLLECTORS, collect
from core.model import Outcome, Probe, instant_ms

log = logging.getLogger("bomc.probes")


class Prober:
    """Runs probes; keeps each one's memory between its runs."""

    def __init__(self, home: Path, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._clock = clock
        self._memories: dict[str, dict[str, Any]] = {}

    def run(self, probe: Probe) -> Outcome:
        """Ask once. A collector that breaks down in a way of its own is a failure of that probe alone."""
        memory = self._memories.setdefault(probe.key, {})
        now, begun = self._clock(), time.perf_counter()
        started_ms = instant_ms(now)
        settings = probe.settings
        try:
            if not isinstance(settings, BaseModel):
                raise CollectError(f"the probe {probe.key} has no settings; this is a fault of bomc")
            io = Io(timeout_s=probe.timeout_s, home=self._home, memory=memory)
            reading = collect(probe.collector, settings, now, io)
        except CollectError as error:
            return Outcome(probe.key, probe.target, started_ms, time.perf_counter() - begun, error=str(error))
        except Exception as error:
            log.exception("The collector %s broke down on %s.", probe.collector, probe.key)
            sentence = f"the collector {probe.collector} broke down: {type(error).__name__}: {error}"
            return Outcome(probe.key, probe.target, started_ms, time.perf_counter() - begun, error=sentence)
        return Outcome(
            probe.key,
            probe.target,
            started_ms,
            time.perf_counter() - begun,
            reading.samples,
            notes=reading.notes,
            restates=bool(getattr(COLLECTORS[probe.collector], "RESTATES", False)),
            indicators=reading.indicators,
        )
