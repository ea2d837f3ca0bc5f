"""Tables that are only ever appended to, and rows that are sealed: triggers with which the database itself refuses more.

They keep the program and a slip of the hand from changing what was said; who owns the database can take a trigger off,
so what has to be proven to strangers is chained by hashes besides (`core.people.audit`).
"""

from __future__ import annotations

from collections.abc import Sequence


def append_only(dialect: str, table: str, sentence: str, keys: Sequence[str] = ("id",)) -> tuple[str, ...]:
    """Statements after which rows of the table can be added, and neither changed nor deleted.

    `keys` are its unique columns: SQLite's INSERT OR REPLACE deletes the row in its way without any delete trigger.
    `sentence` is what the database says; it must hold no quote.
    """
    if dialect == "postgresql":
        return (
            _raising(f"{table}_append_only", sentence),
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
        )
    there = " OR ".join(f"{key} = NEW.{key}" for key in keys)
    return tuple(
        f"CREATE TRIGGER {table}_no_{name} BEFORE {verb} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        for name, verb in (
            ("update", f"UPDATE ON {table}"),
            ("delete", f"DELETE ON {table}"),
            ("replace", f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {there})"),  # noqa: S608  # names of ours
        )
    )


def sealed(dialect: str, table: str, state: str, sentence: str) -> tuple[str, ...]:
    """Statements after which a row whose column `state` has this value can neither be changed nor deleted."""
    if dialect == "postgresql":
        return (
            _raising(f"{table}_sealed", sentence),
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW WHEN (OLD.state = '{state}') EXECUTE FUNCTION {table}_sealed()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_sealed()",
        )
    return tuple(
        f"CREATE TRIGGER {table}_no_{name} BEFORE {verb} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        for name, verb in (
            ("update", f"UPDATE ON {table} WHEN OLD.state = '{state}'"),
            ("delete", f"DELETE ON {table} WHEN OLD.state = '{state}'"),
            (
                "replace",
                f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id AND state = '{state}')",  # noqa: S608
            ),
        )
    )


def _raising(name: str, sentence: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{sentence}'; END $$"
