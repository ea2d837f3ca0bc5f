"""Alerts that nothing can resolve any more, because their check or their target was taken out of the configuration."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from core.model import Finding, Indicator, Kind, Result, Status, Target, instant_ms, labels_of
from core.store.tables import alert, check_result, indicator, series, target


def retired_findings(
    connection: Connection, checks: Collection[str], targets: Collection[str], now: datetime
) -> list[Finding]:
    """A finding that resolves each open alert whose check or target is not in the configuration any more."""
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
        if row.check_name in checks and row.target in targets:
            continue
        what = "target" if row.check_name in checks else "check"
        findings.append(
            Finding(
                check=row.check_name,
                series_id=row.series_id,
                target=Target(row.target, row.target_kind, demo=row.demo),
                indicator=Indicator(row.indicator, row.unit or "", Kind(row.kind or "gauge")),
                series_labels=labels_of(row.labels),
                old=Status(row.status or "unknown"),
                new=Status.OK,
                result=Result(Status.OK, None, f"its {what} was taken out of the configuration", instant_ms(now)),
            )
        )
    return findings
