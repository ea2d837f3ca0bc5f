"""Pairs of rows that lie within a tolerance of each other, the nearest first, each row in at most one pair.

The pairs are those that a walk over all candidates in their total order would take (greedy by difference in money, then
in time, then by record ids): a pair that is the first for both of its rows is taken, its rows leave, and so on until no
candidate is left. Candidates are found by equal buckets of money and time, so that no row is compared with all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.passes import Fuzzy, Tolerance
from reconciliation.passes.open_keys import WAITS, has, may_join
from reconciliation.validation import column, micros

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine

_ROUNDS: Final = 12
"""Rounds that the engine makes; what a long chain of near neighbours leaves after them is walked through here."""
_ORDER: Final = ("money", "time", "unlike", "id_0", "id_1", "row_0", "row_1")


def nearest(
    engine: Engine,
    name: str,
    first: ir.Table,
    second: ir.Table,
    each: Tolerance | Fuzzy,
    thirds: Sequence[str],
    folder: Path,
) -> ir.Table:
    """Pairs as row_0, row_1 and group, a number in the order of the first row's record id.

    `first` and `second` are rows as `open_keys.lone` gives them, `thirds` the parties that are not looked between.
    """
    import ibis

    left = engine.keep(f"{name}_candidates", _candidates(first, second, each, thirds))
    found: list[ir.Table] = []
    for turn in range(_ROUNDS):
        taken = engine.keep_any(f"{name}_taken_{turn}", _first_for_both(left))
        if taken is None:
            break
        found.append(taken)
        left = engine.keep(
            f"{name}_left_{turn}",
            left.anti_join(taken.select("row_0"), "row_0").anti_join(taken.select("row_1"), "row_1"),
        )
    else:
        found.append(_walked(engine, left, folder / f"{name}.parquet"))
    if not found:
        found = [left.select("row_0", "row_1", "id_0")]
    pairs = found[0]
    for more in found[1:]:
        pairs = pairs.union(more)
    numbered = pairs.mutate(group=ibis.row_number().over(ibis.window(order_by=["id_0", "row_0"])) + 1)
    return engine.keep(f"{name}_pairs", numbered.select("row_0", "row_1", "group"))


def _candidates(first: ir.Table, second: ir.Table, each: Tolerance | Fuzzy, thirds: Sequence[str]) -> ir.Table:
    import ibis

    seconds = max(1, int(each.time.total_seconds()))
    same = each.same if isinstance(each, Tolerance) else ()
    one = _side(first, 0, same, each.amount_minor, seconds, thirds)
    other = _side(second, 1, same, each.amount_minor, seconds, thirds)
    wide = each.amount_minor
    near = [
        other.mutate(money_at=(other["money_at"] + money).cast("decimal(38, 0)"), time_at=other["time_at"] + time)
        for money in ((-wide, 0, wide) if wide else (0,))
        for time in (-1, 0, 1)
    ]
    around = near[0]
    for more in near[1:]:
        around = around.union(more)
    alike = ["currency", "refund", "money_at", "time_at", *(f"same_{place}" for place in range(len(same)))]
    both = one.join(around, alike)
    both = both.mutate(
        money=(both["amount_0"] - both["amount_1"]).abs(),
        time=(both["micros_0"] - both["micros_1"]).abs(),
        unlike=_unlike(both) if isinstance(each, Fuzzy) else ibis.literal(0, "int64"),
    )
    fits = (both["money"] <= each.amount_minor) & (both["time"] <= seconds * 1_000_000)
    if isinstance(each, Fuzzy):
        fits &= both["unlike"] <= round((1 - each.likeness) * 1_000_000)
    for third in thirds:
        fits &= may_join(both, third)
    return both.filter(fits).select(*_ORDER)


def _side(
    rows: ir.Table, side: int, same: tuple[str, ...], money: int, seconds: int, thirds: Sequence[str]
) -> ir.Table:
    """One party's rows with the buckets they lie in; a bucket is as wide as the tolerance, so that only neighbours fit."""
    chosen = {f"same_{place}": column(rows, name) for place, name in enumerate(same)}
    beyond = rows["amount"] % max(1, money)  # a quotient would be a float, which cannot hold every amount
    return rows.select(
        "currency",
        "refund",
        money_at=(rows["amount"] - beyond).cast("decimal(38, 0)"),
        time_at=(rows["occurred_at"].epoch_seconds().cast("int64") // seconds).cast("int64"),
        **chosen,
        **{
            f"row_{side}": rows["row"],
            f"id_{side}": rows["record_id"],
            f"key_{side}": rows["business_key"],
            f"amount_{side}": rows["amount"],
            f"micros_{side}": micros(rows["occurred_at"]),
            f"{WAITS}_{side}": rows[WAITS],
            **{f"{has(third)}_{side}": rows[has(third)] for third in thirds},
        },
    )


def _unlike(both: ir.Table) -> ir.Value:
    """Millionths by which the keys differ: the edits that turn one into the other, of the longer one's length."""
    import ibis

    longer = ibis.greatest(both["key_0"].length(), both["key_1"].length())
    return (both["key_0"].levenshtein(both["key_1"]) * 1_000_000 // longer).cast("int64")


def _first_for_both(left: ir.Table) -> ir.Table:
    """The pairs that no other candidate of either of their rows comes before."""
    import ibis

    ranked = left.mutate(
        rank_0=ibis.row_number().over(ibis.window(group_by="row_0", order_by=list(_ORDER))),
        rank_1=ibis.row_number().over(ibis.window(group_by="row_1", order_by=list(_ORDER))),
    )
    return ranked.filter((ranked["rank_0"] == 0) & (ranked["rank_1"] == 0)).select("row_0", "row_1", "id_0")


def _walked(engine: Engine, left: ir.Table, place: Path) -> ir.Table:
    """The same by a walk through the candidates in their order."""
    import pyarrow
    from pyarrow import parquet

    used: tuple[set[int], set[int]] = (set(), set())
    pairs: list[dict[str, Any]] = []
    for row in engine.fetch(left.order_by(list(_ORDER))):
        if row["row_0"] not in used[0] and row["row_1"] not in used[1]:
            used[0].add(row["row_0"])
            used[1].add(row["row_1"])
            pairs.append({name: row[name] for name in ("row_0", "row_1", "id_0")})
    schema = pyarrow.schema([("row_0", "int64"), ("row_1", "int64"), ("id_0", "string")])
    parquet.write_table(pyarrow.Table.from_pylist(pairs, schema), place)
    return engine.read_parquet(place)
