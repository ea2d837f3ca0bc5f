"""Alerts that nothing can resolve any more, because what judged them was taken out of the configuration.

That is so when the check, the target or the probe is gone, and when the check does not choose the series any more. The
result goes with the alert, so that the series starts afresh if it ever comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection, delete, select

from core.model import Finding, Indicator, Kind, Result, Status, Target, instant_ms, labels_of
from core.store.tables import alert, check_result, indicator, series, target

Judged = Callable[[str, int], bool]
"""Whether a check of this name judges the series of this number."""


def forget_results(connection: Connection, judged: Judged) -> None:
    """Delete the results that are not kept up any more."""
    rows = connection.execute(select(check_result.c.check_name, check_result.c.series_id)).all()
    for row in rows:
        if not judged(row.check_name, row.series_id):
            gone = (check_result.c.check_name == row.check_name) & (check_result.c.series_id == row.series_id)
            connection.execute(delete(check_result).where(gone))


def retired_findings(
    connection: Connection, judged: Judged, checks: Collection[str], targets: Collection[str], now: datetime
) -> list[Finding]:
    """A finding that resolves each open alert which nothing judges any more."""
    rows = connection.execute(
        select(
            alert.c.check_name,
            alert.c.series_id,
            alert.c.target,
            series.c.indicator,
            series.c.labels,
            target.c.kind.label("target_kind"),
            target.c.demo,
            indicator.c.unit,
            indicator.c.kind,
            check_result.c.status,
        )
        .join_from(alert, series, series.c.id == alert.c.series_id)
        .join(target, target.c.id == series.c.target_id)
        .outerjoin(indicator, indicator.c.name == series.c.indicator)
        .outerjoin(
            check_result,
            (check_result.c.check_name == alert.c.check_name) & (check_result.c.series_id == alert.c.series_id),
        )
        .where(alert.c.resolved_at.is_(None))
    )
    findings = []
    for row in rows:
        if judged(row.check_name, row.series_id):
            continue
        findings.append(
            Finding(
                check=row.check_name,
                series_id=row.series_id,
                target=Target(row.target, row.target_kind, demo=row.demo),
                indicator=Indicator(row.indicator, row.unit or "", Kind(row.kind or "gauge")),
                series_labels=labels_of(row.labels),
                old=Status(row.status or "unknown"),
                new=Status.OK,
                result=Result(Status.OK, None, _why(row.check_name in checks, row.target in targets), instant_ms(now)),
            )
        )
    return findings


def _why(has_check: bool, has_target: bool) -> str:
    if has_check and has_target:
        return "its check does not judge this series any more, or its probe is gone: the configuration changed"
    return f"its {'target' if has_check else 'check'} was taken out of the configuration"
