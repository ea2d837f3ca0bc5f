"""Every collector, in one explicit table; adding one is its file, a line in MODULES, and a test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import BaseModel

from collectors import (
    apache_status,
    business_kpi,
    database,
    http,
    linux_ssh,
    nginx_status,
    prometheus_exporter,
    this_machine,
    tomcat_manager,
)
from collectors.bounded.limits import MAX_SAMPLES
from collectors.errors import CollectError
from collectors.io import Io
from collectors.reading import Reading, not_finite
from core.model import Indicator


class Collector(Protocol):
    """The shape of a collector: a module of two functions, its settings, and the indicators it can bring."""

    __name__: str

    @property
    def Config(self) -> type[BaseModel]: ...

    @property
    def INDICATORS(self) -> tuple[Indicator, ...]: ...

    def fetch(self, config: Any, io: Io) -> Any:
        """Touch the world within the deadline. Raises CollectError."""

    def parse(self, raw: Any, now: datetime) -> Reading:
        """Turn what was fetched into samples, touching nothing. Raises CollectError when it is garbage."""


MODULES: tuple[Collector, ...] = (
    apache_status,
    business_kpi,
    database,
    http,
    linux_ssh,
    nginx_status,
    prometheus_exporter,
    this_machine,
    tomcat_manager,
)

COLLECTORS: Mapping[str, Collector] = MappingProxyType(
    {module.__name__.rpartition(".")[2]: module for module in MODULES}
)


def collect(name: str, settings: BaseModel, now: datetime, io: Io) -> Reading:
    """Run one collector with its validated Config. Raises CollectError when it brings nothing, KeyError when unknown.

    Values that are not finite numbers are taken out and counted in the notes.
    """
    collector = COLLECTORS[name]
    reading = collector.parse(collector.fetch(settings, io), now)
    if len(reading.samples) > MAX_SAMPLES:
        raise CollectError(f"{name} brought {len(reading.samples):,} samples; a probe may bring {MAX_SAMPLES:,}")
    finite = [sample for sample in reading.samples if math.isfinite(sample.value)]
    refused = len(reading.samples) - len(finite)
    if not refused:
        return reading
    return reading._replace(samples=finite, notes=(*reading.notes, not_finite(refused)))
