"""A pipeline in small for the tests: targets, checks, a clock that stands where the test puts it, and a look into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, select

from alerts.config import RoutesFile
from bomc.pipeline.cycle import Cycle, Done, Rules
from bomc.pipeline.indicators import declared
from checks.check import Check
from checks.registry import PARAMS
from core.model import Outcome, Probe, Sample, Target, instant_ms
from core.store.open import reading

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USED = "host.memory.used_ratio"
FULL = "memory-full"
SILENT = "memory-silent"
ROUTES = RoutesFile.model_validate(
    {
        "route": {
            "receiver": "ops",
            "group_by": ["alertname", "target"],
            "group_wait": "0s",
            "ticket": {"kind": "fault", "priority": "high"},
        },
        "receivers": [{"name": "ops", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}],
    }
)


def after(seconds: float) -> datetime:
    """Noon and so many seconds."""
    return NOON + timedelta(seconds=seconds)


def check(name: str = FULL, judge: str = "limit", indicator: str = USED, **settings: Any) -> Check:
    """A check; a limit of 0.9 unless the test says otherwise."""
    given = settings or ({"above": {"critical": 0.9}} if judge == "limit" else {})
    return Check(name, judge, indicator, PARAMS[judge].model_validate(given), annotations=(("summary", "{target}"),))


def rules(
    targets: Sequence[str] = ("host-1",),
    checks: Sequence[Check] | None = None,
    probe: str = "memory",
    leader: str | None = None,
    routes: RoutesFile = ROUTES,
) -> Rules:
    """Hosts with one probe each, judged by one limit unless the test says otherwise."""
    probes = [Probe(name, "this_machine", 5.0, 4.0, None, probe) for name in targets]
    return Rules(
        targets={name: Target(name, "host", labels=(("team", "ops"),)) for name in targets},
        probes={one.key: one for one in probes},
        checks=[check()] if checks is None else checks,
        routes=routes,
        indicators=declared(),
        external_url="http://127.0.0.1:8050",
        leader=leader,
    )


def outcome(
    at: datetime,
    value: float | None = 0.5,
    *,
    target: str = "host-1",
    probe: str = "memory",
    error: str | None = None,
    samples: Sequence[Sample] | None = None,
    restates: bool = False,
) -> Outcome:
    """What one run brought: one value of memory in use, unless the test says otherwise."""
    at_ms = instant_ms(at)
    brought = samples if samples is not None else [] if value is None else [Sample(USED, value, at_ms)]
    return Outcome(f"{target}/{probe}", target, at_ms, 0.0, list(brought), error=error, restates=restates)


def failed(at: datetime, error: str = "connection refused", target: str = "host-1", probe: str = "memory") -> Outcome:
    """A run that brought nothing."""
    return outcome(at, None, target=target, probe=probe, error=error)


def run(cycle: Cycle, now: datetime, *outcomes: Outcome) -> Done:
    """One cycle at `now`."""
    return cycle.run(list(outcomes), now)


def rows(engine: Engine, table: Table) -> list[Any]:
    """All rows of a table, in the order of its key."""
    with reading(engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)))


def everything(engine: Engine) -> Mapping[str, list[tuple[Any, ...]]]:
    """The whole store, for comparing before and after."""
    from core.store.tables import metadata

    return {table.name: [tuple(row) for row in rows(engine, table)] for table in metadata.sorted_tables}
