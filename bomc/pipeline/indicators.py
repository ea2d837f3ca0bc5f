"""Every indicator that the house itself declares: of collectors, of the pipeline and of reconciliation."""

from __future__ import annotations

from bomc.pipeline import probe_samples
from collectors.registry import COLLECTORS
from core.model import Indicator
from reconciliation import outcome


def declared() -> tuple[Indicator, ...]:
    """All of them, each name once."""
    found = {item.name: item for collector in COLLECTORS.values() for item in collector.INDICATORS}
    found.update({item.name: item for item in (*probe_samples.INDICATORS, *outcome.INDICATORS)})
    return tuple(found.values())
