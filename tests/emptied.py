"""PostgreSQL databases that are emptied and lent again, since copying one takes as long as a hundred statements.

Each loan has a name of its own, so that who still holds the last loan's connection cannot meet the next one. What is
lent has the schema, and only the rows, of the pattern: a database whose schema a test has changed is thrown away.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import URL

KEPT = "alembic_version"
CATALOGS = {
    "pg_attrdef": "true",
    "pg_attribute": "attrelid >= 16384",
    "pg_class": "oid >= 16384",
    "pg_constraint": "oid >= 16384",
    "pg_event_trigger": "true",
    "pg_extension": "true",
    "pg_index": "indexrelid >= 16384",
    "pg_namespace": "nspname !~ '^pg_(toast_)?temp_'",
    "pg_policy": "true",
    "pg_proc": "oid >= 16384",
    "pg_rewrite": "oid >= 16384",
    "pg_sequence": "true",
    "pg_statistic": "starelid >= 16384",
    "pg_trigger": "true",
    "pg_type": "oid >= 16384",
}
"""Where PostgreSQL keeps a schema, and which rows of it are not its own; each change of a row gives it a new xmin."""

LINES = " union all ".join(
    f"select '{name}' || ctid::text || xmin::text as line from pg_catalog.{name} where {condition}"
    for name, condition in CATALOGS.items()
)
STATE = f"""
select count(*), sum(hashtextextended(line, 0)), (select string_agg(version_num, ' ') from {KEPT}),
       (select count(*) from pg_db_role_setting as s join pg_database as d on d.oid = s.setdatabase
         where d.datname = current_database())
  from ({LINES}) as lines"""
WRITTEN = """
select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
 where c.oid >= 16384 and c.relkind in ('r', 'm') and c.relname <> %s and pg_relation_size(c.oid) > 0"""
REWIND = """
select setval(seqrelid::regclass, seqstart, false) from pg_sequence
 where pg_sequence_last_value(seqrelid) is not null"""
OTHERS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid()"""

_numbers = itertools.count(1)


class Lender:
    """Lends databases like the pattern, a migrated database of a private server to which nobody is connected."""

    def __init__(self, pattern: URL) -> None:
        self.pattern = pattern
        self.free: list[str] = []
        self.server = self._connect("postgres")
        self.server.execute(sql.SQL("SET client_min_messages = warning"))
        with self._connect(str(pattern.database)) as connection:
            self.state = connection.execute(STATE).fetchone()
            written = [name for _, name in connection.execute(WRITTEN, [KEPT])]
        assert not written, f"the migrations fill {written}: say here how they are brought back"

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of a database like the pattern, for as long as the block lasts."""
        name = f"copy_{os.getpid()}_{next(_numbers)}"
        if self.free:
            self._do("ALTER DATABASE {} RENAME TO {}", self.free.pop(), name)
        else:
            self._do("CREATE DATABASE {} TEMPLATE {}", name, str(self.pattern.database))
        yield self.pattern.set(database=name).render_as_string(hide_password=False)
        if self._emptied(name):
            self.free.append(name)
        else:
            self._do("DROP DATABASE {} WITH (FORCE)", name)

    def _emptied(self, name: str) -> bool:
        """Whether the database is as the pattern again; False when its schema was changed."""
        with self._connect(name) as connection:
            connection.execute(OTHERS)
            connection.execute("SET session_replication_role = replica")  # neither foreign keys nor the audit's trigger
            written = [sql.Identifier(*names) for names in connection.execute(WRITTEN, [KEPT])]
            if written:
                connection.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in written))
                vacuum = sql.SQL("VACUUM (INDEX_CLEANUP ON, TRUNCATE ON) {}")
                connection.execute(vacuum.format(sql.SQL(", ").join(written)))
            connection.execute(REWIND)
            return connection.execute(STATE).fetchone() == self.state

    def _connect(self, database: str) -> psycopg.Connection:
        url = self.pattern.set(drivername="postgresql", database=database)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def _do(self, statement: str, *names: str) -> None:
        self.server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
