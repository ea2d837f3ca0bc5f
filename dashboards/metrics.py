"""The console's own health in Prometheus' text format 0.0.4; what nobody can know is left out, never zero.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Mapping

MEDIA_TYPE = "text/plain; version=0.0.4"

FIGURES = (
    ("running", "bomc_pipeline_running", "gauge", "1 while the pipeline gives a pulse."),
    ("targets", "bomc_targets", "gauge", "Targets in the configuration."),
    ("series", "bomc_series", "gauge", "Series known."),
    ("samples_last_minute", "bomc_samples_last_minute", "gauge", "Samples stored within the last minute."),
    ("last_sample_age_s", "bomc_last_sample_age_seconds", "gauge", "Age of the newest sample."),
    ("pulse_age_s", "bomc_pipeline_pulse_age_seconds", "gauge", "Age of the pipeline's latest sign of life."),
    ("queue_depth", "bomc_queue_depth", "gauge", "Outcomes that wait for the writer."),
    ("probes", "bomc_probes", "gauge", "Probes scheduled."),
    ("failing_probes", "bomc_probes_failing", "gauge", "Probes whose latest run brought nothing."),
    ("skipped_probes", "bomc_probes_skipped_total", "counter", "Runs skipped because the one before still ran."),
    ("refused_samples", "bomc_samples_refused_total", "counter", "Samples refused: NaN, future, out of order."),
    ("open_alerts", "bomc_alerts_open", "gauge", "Alerts that are not resolved."),
    ("open_tickets", "bomc_tickets_open", "gauge", "Tickets that nobody has resolved."),
    ("pending_deliveries", "bomc_deliveries_pending", "gauge", "Messages that wait to be sent."),
    ("dead_deliveries", "bomc_deliveries_dead", "gauge", "Messages that were given up."),
    ("reconciliation_runs", "bomc_reconciliation_runs_total", "counter", "Runs of the controls."),
)
"""(key of the status, metric name, type, help)."""


def text(figures: Mapping[str, object]) -> str:
    """The exposition of those figures of `dashboards.queries.status.status` that are known."""
    lines: list[str] = []
    for key, name, kind, words in FIGURES:
        value = figures.get(key)
        if not isinstance(value, bool | int | float):
            continue
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}", f"{name} {float(value):.10g}"]
    return "\n".join(lines) + "\n"
