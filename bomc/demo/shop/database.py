"""The order service's database: platform orders, payments and bills, what was planted, and which days there are.

The three tables are what three parties of a reconciliation would each keep; `planted` says, beside them, what a
reconciliation of each business day has to find. Instants are integer milliseconds since the epoch, amounts are fen.
Runs on SQLite (WAL, one writer at a time) and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)

from bomc.demo.shop.catalogue import CURRENCY

metadata = MetaData()
Row = dict[str, Any]

BUSY_S = 15  # a write waits this long for another process's write


def _party(name: str, *more: Column[Any]) -> Table:
    table = Table(
        name,
        metadata,
        Column("record_id", Text, primary_key=True),
        Column("business_key", Text, nullable=False),
        Column("kind", Text, nullable=False),  # payment, refund
        Column("business_day", Date, nullable=False),  # that party's own accounting day
        Column("occurred_ms", BigInteger, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", Text, nullable=False, default=CURRENCY),
        Column("status", Text, nullable=False),  # success, failed, pending
        Column("fee_minor", BigInteger),
        Column("account", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("product", Text, nullable=False),
        Column("region", Text, nullable=False),
        *more,
    )
    Index(f"ix_{name}_business_day", table.c.business_day)
    Index(f"ix_{name}_business_key", table.c.business_key)
    Index(f"ix_{name}_occurred_ms", table.c.occurred_ms)
    return table


bill = _party("bill", Column("bill_cycle", Integer, nullable=False))
platform_order = _party("platform_order")
payment = _party("payment")

PARTIES = {"billing": bill, "platform": platform_order, "payment": payment}
"""Each party of the reconciliation by its name there, with the table that holds its records."""

planted = Table(
    "planted",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("business_day", Date, nullable=False),  # the day whose reconciliation has to find it
    Column("business_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fault", Text, nullable=False),  # why: the fault of the timetable or of the history
    Column("expected_class", Text, nullable=False),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("carried", Boolean, nullable=False),  # awaiting_cutoff and in_doubt are no breaks yet
)
Index("ix_planted_business_day", planted.c.business_day)

known_day = Table(
    "known_day",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("origin", Text, nullable=False),  # history: generated whole; lived: the service ran on it
)


def open_database(url: str, connections: int = 24) -> Engine:
    """An engine on the database at `url` with its tables made; SQLite files get WAL and foreign waits."""
    sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = create_engine(url, pool_size=connections, max_overflow=0)
    if sqlite:

        @event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA busy_timeout={BUSY_S * 1000}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

    metadata.create_all(engine)
    return engine


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add the rows, if there are any; every row has the same columns."""
    if rows:
        connection.execute(table.insert(), list(rows))
