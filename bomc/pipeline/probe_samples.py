"""What the pipeline itself measures of every probe: did it bring anything, and how long did it take.

Emits `probe.up` (1 or 0) and `probe.duration` (s), both with the label `probe`. They have a probe key of their own, so a
probe that fails still has them.
"""

from __future__ import annotations

from core.model import Indicator, Kind, Outcome, Sample

UP = Indicator("probe.up", "1", Kind.GAUGE, "probe", "1 when the probe's latest run brought samples, 0 when it failed")
DURATION = Indicator("probe.duration", "s", Kind.GAUGE, "probe", "Wall-clock time of one run of the probe")
INDICATORS = (UP, DURATION)
SUFFIX = "#probe"


def of_outcome(outcome: Outcome) -> Outcome:
    """The outcome that tells of `outcome`; what may be told again, such as a run of a control, is told again with it."""
    labels = (("probe", outcome.probe.rpartition("/")[2]),)
    ended_ms = outcome.started_ms + round(outcome.took_s * 1000)
    return Outcome(
        probe=f"{outcome.probe}{SUFFIX}",
        target=outcome.target,
        started_ms=outcome.started_ms,
        took_s=outcome.took_s,
        samples=(
            Sample(UP.name, 0.0 if outcome.error else 1.0, ended_ms, labels),
            Sample(DURATION.name, outcome.took_s, ended_ms, labels),
        ),
        restates=outcome.restates,
    )
