"""Every indicator that the house itself declares: of collectors, of the pipeline and of reconciliation."""

from __future__ import annotations

from bomc.assurance import telling
from bomc.pipeline import probe_samples
from collectors.registry import COLLECTORS
from core.model import Indicator
from reconciliation import deliveries, outcome


def declared() -> tuple[Indicator, ...]:
    """All of them, each name once."""
    found = {item.name: item for collector in COLLECTORS.values() for item in collector.INDICATORS}
    own = (*probe_samples.INDICATORS, *outcome.INDICATORS, *deliveries.INDICATORS, *telling.INDICATORS)
    found.update({item.name: item for item in own})
    return tuple(found.values())
