"""What was refused, counted by where it came from and why, with the latest example: nothing that is refused vanishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from core.store.tables import refusal
from core.store.upsert import upsert


@dataclass(slots=True)
class Refused:
    """Counts by (source, reason), and the latest example of each in words."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, source: str, reason: str, example: str) -> None:
        """Count one thing refused; `source` is a probe, or who pushed."""
        key = (source, reason)
        self.counts[key] = self.counts.get(key, 0) + 1
        self.examples[key] = example

    def write(self, connection: Connection, now: datetime) -> None:
        """Add the counts to the store's."""
        if not self.counts:
            return
        rows = [
            {
                "probe": source,
                "reason": reason,
                "count": count,
                "last_at": now,
                "example": self.examples[source, reason],
            }
            for (source, reason), count in self.counts.items()
        ]
        statement = upsert(connection, refusal)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["probe", "reason"],
            set_={"count": refusal.c.count + new["count"], "last_at": new.last_at, "example": new.example},
        )
        connection.execute(statement, rows)
