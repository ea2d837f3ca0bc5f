"""Which targets, indicators and series there are: the configuration's and what probes bring, kept in step with the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from bomc.configuration.controls import KIND as CONTROL_KIND
from bomc.configuration.duty import KIND as DESK_KIND
from bomc.pipeline.probe_samples import SUFFIX as PROBE_SUFFIX
from checks.check import Series
from core.model import Indicator, Kind, Labels, Target, labels_of
from core.store.tables import indicator as indicator_table
from core.store.tables import series as series_table
from core.store.tables import target as target_table
from core.store.upsert import upsert

WITHOUT_PROBES = (CONTROL_KIND, DESK_KIND)
"""Kinds of target that the service itself tells of."""
Key = tuple[str, Labels]
"""Indicator and labels: what tells the series of one target apart."""


def sync_targets(connection: Connection, targets: Mapping[str, Target], now: datetime) -> dict[str, int]:
    """Make the store's targets those of the configuration; returns their numbers. Those taken out are retired, not lost."""
    known = {row.name: row.id for row in connection.execute(select(target_table.c.name, target_table.c.id))}
    for name, target in targets.items():
        values = {
            "kind": target.kind,
            "labels": dict(target.labels),
            "site": target.site,
            "system": target.system,
            "runs_on": list(target.runs_on),
            "depends_on": list(target.depends_on),
            "demo": target.demo,
            "retired_at": None,
        }
        if name in known:
            connection.execute(update(target_table).where(target_table.c.id == known[name]).values(values))
        else:
            made = insert(target_table).values(name=name, **values).returning(target_table.c.id)
            known[name] = connection.execute(made).scalar_one()
    gone = [number for name, number in known.items() if name not in targets]
    if gone:
        retired = target_table.c.id.in_(gone) & target_table.c.retired_at.is_(None)
        connection.execute(update(target_table).where(retired).values(retired_at=now))
    return {name: known[name] for name in targets}


def sync_indicators(connection: Connection, indicators: Iterable[Indicator]) -> None:
    """Keep what is known of these indicators in the store, for the pages."""
    rows = [
        {
            "name": item.name,
            "unit": item.unit,
            "kind": item.kind.value,
            "category": item.category,
            "description": item.description,
            "owner": item.owner,
        }
        for item in indicators
    ]
    if not rows:
        return
    statement = upsert(connection, indicator_table)
    others = {name: statement.excluded[name] for name in rows[0] if name != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=others), rows)


class Catalogue:
    """The series known by target, and the indicators by name; new ones are written within the caller's transaction."""

    def __init__(self, targets: Mapping[str, Target], every_s: Mapping[str, float]) -> None:
        self._targets = targets
        self._every_s = every_s
        self._target_ids: dict[str, int] = {}
        self.indicators: dict[str, Indicator] = {}
        self.by_target: dict[str, dict[Key, int]] = {name: {} for name in targets}
        self.by_probe: dict[str, list[int]] = {}
        self._homeless: dict[tuple[str, Key], int] = {}  # series whose probe is not configured any more

    def load(self, connection: Connection, indicators: Iterable[Indicator], now: datetime) -> list[Series]:
        """Bring the store in step with the configuration and return every series of its targets, in order of index."""
        self._target_ids = sync_targets(connection, self._targets, now)
        for row in connection.execute(select(indicator_table)):
            self.indicators[row.name] = Indicator(
                row.name, row.unit, Kind(row.kind), row.category, row.description, row.owner
            )
        self.learn(connection, indicators)
        names = {number: name for name, number in self._target_ids.items()}
        found: list[Series] = []
        for row in connection.execute(select(series_table).order_by(series_table.c.id)):
            name = names.get(row.target_id)
            if name is None:
                continue
            key = (row.indicator, labels_of(row.labels))
            if not self._has_home(name, row.probe):
                self._homeless[name, key] = row.id
                continue
            found.append(self._series(row.id, name, key, row.probe))
            self.place(len(found) - 1, name, key, row.probe)
        return found

    def learn(self, connection: Connection, indicators: Iterable[Indicator]) -> None:
        """Take up indicators that are new or declared differently."""
        changed = [item for item in indicators if self.indicators.get(item.name) != item]
        self.indicators.update((item.name, item) for item in changed)
        sync_indicators(connection, {item.name: item for item in changed}.values())

    def place(self, index: int, target: str, key: Key, probe: str) -> None:
        """Note where a series stands on the board."""
        self.by_target[target][key] = index
        self.by_probe.setdefault(probe, []).append(index)

    def _has_home(self, target: str, probe: str) -> bool:
        return self._targets[target].kind in WITHOUT_PROBES or probe.removesuffix(PROBE_SUFFIX) in self._every_s

    def create(self, connection: Connection, target: str, keys: list[Key], probe: str, now: datetime) -> list[Series]:
        """New series of one target, in the order of `keys`; those that a former probe brought go on as this one's."""
        former = {key: number for key in keys if (number := self._homeless.pop((target, key), None)) is not None}
        if former:
            moved = update(series_table).where(series_table.c.id == bindparam("number")).values(probe=probe)
            connection.execute(moved, [{"number": number} for number in former.values()])
        new = [key for key in keys if key not in former]
        made = self._insert(connection, target, new, probe, now) if new else {}
        return [self._series(number, target, key, probe) for key in keys for number in ((former | made)[key],)]

    def _insert(
        self, connection: Connection, target: str, keys: list[Key], probe: str, now: datetime
    ) -> dict[Key, int]:
        self.learn(
            connection, [Indicator(name, "") for name in {name for name, _ in keys} if name not in self.indicators]
        )
        rows = [
            {
                "target_id": self._target_ids[target],
                "indicator": name,
                "labels": dict(labels),
                "probe": probe,
                "created_at": now,
            }
            for name, labels in keys
        ]
        statement = insert(series_table).returning(series_table.c.id, sort_by_parameter_order=True)
        return dict(zip(keys, connection.execute(statement, rows).scalars(), strict=True))

    def _series(self, number: int, target: str, key: Key, probe: str) -> Series:
        name, labels = key
        indicator = self.indicators.get(name) or Indicator(name, "")
        return Series(number, self._targets[target], indicator, labels, probe, self._every_s.get(probe, 60.0))
