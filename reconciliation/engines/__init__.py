"""The engines that can carry out the same Ibis expressions; each one file, loaded only when it is asked for.

An engine reads files and writes results in its own way; everything between is Ibis, so that the controls are written
once. `ENGINES` is the explicit list.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

ENGINES = {"duckdb": "reconciliation.engines.duckdb", "spark": "reconciliation.engines.spark"}


class ReadError(Exception):
    """The engine's fast reader cannot read a file as it stands; the sentence says why."""


class MissingEngine(Exception):
    """What an engine needs is not installed; the sentence says what to install."""


class Engine(Protocol):
    """What a reconciliation asks of an engine. Tables are Ibis expressions bound to it."""

    def read_csv(self, path: Path, columns: Sequence[str]) -> ir.Table:
        """A view of a CSV file with a header, every column as text; an empty field is null."""

    def read_parquet(self, path: Path) -> ir.Table:
        """A view of a Parquet file with its own types."""

    def number(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows` once, in the order of its source, adding `row`, 0 for the first, to rows that have none of their
        own. Raises ReadError."""

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows` once and return the stored result, which keeps their order where `rows` has one."""

    def keep_any(self, name: str, rows: ir.Table) -> ir.Table | None:
        """The same, or None when there is no row, so that what follows need not ask."""

    def fetch(self, rows: ir.Table) -> list[dict[str, Any]]:
        """The rows of a small result."""

    def export(self, rows: ir.Table, path: Path) -> None:
        """Write the rows, in their order, as CSV or Parquet by the name of the path."""


@runtime_checkable
class Columnar(Engine, Protocol):
    """What an engine can do besides whose tables lie in this process: whole columns come as arrays."""

    def arrays(self, rows: ir.Table, count: int | None = None) -> dict[str, numpy.ndarray[Any, Any]]:
        """The columns of a result, none of which has nulls, in the order of the rows of its source; `count` is how many
        there should be, where that is known. Raises ReadError."""

    def clear(self) -> None:
        """Forget all stored tables."""


class Opener(Protocol):
    """Each engine's module has `connect`, which opens it for one run with a folder for what does not fit in memory."""

    def connect(self, folder: Path, memory_limit_bytes: int) -> AbstractContextManager[Engine]:
        """Open the engine; leaving the context releases what it holds."""


def connect(name: str, folder: Path, memory_limit_bytes: int) -> AbstractContextManager[Engine]:
    """Open the engine of that name. Raises ValueError when there is no such engine."""
    if name not in ENGINES:
        raise ValueError(f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}")
    return cast(Opener, importlib.import_module(ENGINES[name])).connect(folder, memory_limit_bytes)
