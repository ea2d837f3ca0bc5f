"""Every indicator that the house itself declares: of collectors, of the pipeline, of reconciliation and the duty desk."""

from __future__ import annotations

from bomc.assurance import telling
from bomc.duty import telling as duty_telling
from bomc.pipeline import probe_samples
from collectors.registry import COLLECTORS
from core.model import Indicator
from reconciliation import deliveries, outcome


def declared() -> tuple[Indicator, ...]:
    """All of them, each name once."""
    found = {item.name: item for collector in COLLECTORS.values() for item in collector.INDICATORS}
    own = (*probe_samples.INDICATORS, *outcome.INDICATORS, *deliveries.INDICATORS, *telling.INDICATORS)
    own += duty_telling.INDICATORS
    found.update({item.name: item for item in own})
    return tuple(found.values())
