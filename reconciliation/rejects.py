"""The quarantine: one line of `rejects.csv` for each row that could not be used, by party and line.

Columns: party, file, line, column (empty when the row as a whole is at fault), reason, value (the offending cell, at
most 100 characters, control characters made visible; never an account). A row with several faults shows the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciliation.matching import Party
from reconciliation.mending import SET_ASIDE_COLUMNS
from reconciliation.sources import Loaded
from reconciliation.spreadsheet import neutral
from reconciliation.validation import FAULTS, TEXT_FAULTS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine

FILE: Final = "rejects.csv"
_LONGEST_VALUE = 100


def listed(engine: Engine, loaded: Mapping[str, Loaded], parties: Mapping[str, Party]) -> ir.Table:
    """Every rejected row of every party, in the order in which they are published."""
    import ibis

    parts: list[ir.Table] = []
    names = list(loaded)
    for order, name in enumerate(names):
        parts.append(_faulty(loaded[name], order))
        repeated = parties[name].repeated
        if repeated is not None:
            parts.append(_repeated(loaded[name], order, repeated))
        mended = loaded[name].mended
        if mended is not None:
            aside = engine.read_csv(mended.set_aside, SET_ASIDE_COLUMNS)
            text = {column: aside[column].fill_null("") for column in ("column", "reason", "value")}
            parts.append(_line(aside, loaded[name], order, aside["line"].cast("int64"), **text))
    table = parts[0]
    for part in parts[1:]:
        table = table.union(part)
    table = table.order_by(["order", "line"])
    text = {name: neutral(table[name]) for name in ("file", "column", "reason", "value")}
    return table.select(
        party=ibis.cases(*((table["order"] == order, name) for order, name in enumerate(names)), else_=""),
        file=text["file"],
        line=table["line"],
        column=text["column"],
        reason=text["reason"],
        value=text["value"],
    )


def _faulty(loaded: Loaded, order: int) -> ir.Table:
    import ibis

    rows = loaded.rows.filter(loaded.rows["fault"] > 0)
    numbered = tuple(enumerate((*FAULTS, *TEXT_FAULTS), start=1))
    value = rows["offending"].re_replace(r"[\x00-\x1f\x7f]", "?").substr(0, _LONGEST_VALUE).fill_null("")
    return _line(
        rows,
        loaded,
        order,
        rows["row"] + loaded.first_line,
        column=ibis.cases(*((rows["fault"] == code, column) for code, (column, _) in numbered), else_=""),
        reason=ibis.cases(*((rows["fault"] == code, reason) for code, (_, reason) in numbered), else_=""),
        value=value,
    )


def _repeated(loaded: Loaded, order: int, rows: ir.Table) -> ir.Table:
    import ibis

    first = (rows["first_row"] + loaded.first_line).cast("string")
    return _line(
        rows,
        loaded,
        order,
        rows["row"] + loaded.first_line,
        column=ibis.literal("record_id"),
        reason=ibis.literal("is used already by the row on line ") + first,
        value=ibis.literal(""),
    )


def _line(rows: ir.Table, loaded: Loaded, order: int, line: ir.Value, **text: ir.Value) -> ir.Table:
    import ibis

    file = loaded.delivered.path.name
    return rows.select(order=ibis.literal(order, "int8"), file=ibis.literal(file), line=line, **text)
