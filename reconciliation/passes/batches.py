"""Batches of rows of two parties: what is alike in the columns of the pass, and agrees in its total.

A batch stands or falls as a whole. Besides totals that agree, each third party must have its records on one side alone,
or its money would be counted on both; and no key of it may wait for a party that neither side has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciliation.conservation import amount_sum
from reconciliation.passes import Batch
from reconciliation.passes.open_keys import WAITS, has
from reconciliation.validation import column

if TYPE_CHECKING:
    import ibis.expr.types as ir


def agreed(first: ir.Table, second: ir.Table, each: Batch, thirds: Sequence[str]) -> ir.Table:
    """The batches, with `group`, a number in the order of what they are alike in, and for each third party whether it
    has its records on the second side (`has_PARTY_1`) and whether it has none there (`lacks_PARTY_1`)."""
    import ibis

    one, other = _totals(first, each, 0, thirds), _totals(second, each, 1, thirds)
    alike = ["currency", "refund", *(f"by_{place}" for place in range(len(each.by)))]
    both = one.join(other, alike)
    fits = (both["total_0"] - both["total_1"]).abs() <= each.amount_minor
    for third in thirds:
        here, there = both[f"{has(third)}_0"], both[f"{has(third)}_1"]
        fits &= ~(here & there) & (there | ~both[f"awaits_{third}_0"]) & (here | ~both[f"awaits_{third}_1"])
    found = both.filter(fits)
    return found.select(
        *alike,
        group=ibis.row_number().over(ibis.window(order_by=alike)) + 1,
        **{f"{has(third)}_1": found[f"{has(third)}_1"] for third in thirds},
        **{f"lacks_{third}_1": ~found[f"{has(third)}_1"] for third in thirds},
    )


def members(rows: ir.Table, groups: ir.Table, side: int, each: Batch) -> ir.Table:
    """The rows of one side that are in a batch, with what `agreed` tells of it."""
    named = _named(rows, each, side)
    keyed = rows.mutate(**named)
    joined = keyed.join(groups, ["currency", "refund", *named])
    return joined.drop(*named)


def _totals(rows: ir.Table, each: Batch, side: int, thirds: Sequence[str]) -> ir.Table:
    named = _named(rows, each, side)
    keyed = rows.mutate(**named)
    keyed = keyed.filter([keyed[name].notnull() for name in named])
    states: dict[str, ir.Value] = {}
    for third in thirds:
        states[f"{has(third)}_{side}"] = keyed[has(third)].any()
        states[f"awaits_{third}_{side}"] = (keyed[WAITS] & ~keyed[has(third)]).any()
    grouped = keyed.group_by("currency", "refund", *named)
    return grouped.agg(**{f"total_{side}": amount_sum(keyed["amount"])}, **states)


def _named(rows: ir.Table, each: Batch, side: int) -> dict[str, ir.Value]:
    return {f"by_{place}": column(rows, pair[side]) for place, pair in enumerate(each.by)}
