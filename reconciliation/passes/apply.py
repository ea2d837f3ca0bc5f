"""Carrying the passes out over the keys that one of two parties has alone, as Ibis expressions.

Rows that a pass brings together get a class that is at rest; the evidence of who went with whom is `pairs.csv`, and what
the last pass only proposes is `proposals.csv`. The order within a pass is total (least difference in money, then in time,
then record ids), so that the order of rows decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.passes import Batch, Fuzzy, Pass, Tolerance, described
from reconciliation.passes.pairing import nearest
from reconciliation.validation import column

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.matching import Party
    from reconciliation.rules import Rules

CLASS: Final = {Tolerance: "matched_by_tolerance", Batch: "matched_by_batch"}


@dataclass(frozen=True, slots=True)
class Passed:
    """The keys after all passes, who went with whom, what is proposed, and each pass as its certificate tells it."""

    keys: ir.Table
    pairs: ir.Table
    proposals: ir.Table
    told: list[dict[str, Any]]


def run(
    engine: Engine,
    keys: ir.Table,
    parties: Mapping[str, Party],
    rules: Rules,
    passes: Sequence[Pass],
    folder: Path,
) -> Passed:
    """Carry out the passes in their order, each on what the ones before left over."""
    names = tuple(parties)
    left = {name: _alone(keys, name, parties, rules) for name in names}
    left = {name: engine.keep(f"alone_{name}", rows) for name, rows in left.items()}
    taken: list[tuple[str, ir.Table]] = []
    pairs: list[ir.Table] = []
    proposals: list[ir.Table] = []
    told: list[dict[str, Any]] = []
    for number, each in enumerate(passes, start=1):
        first, second = (left[name] for name in names)
        if isinstance(each, Batch):
            groups = engine.keep(f"batches_{number}", _batches(first, second, each))
            members = {name: _members(left[name], groups, side, each) for side, name in enumerate(names)}
        else:
            found = nearest(engine, f"pass_{number}", first, second, each, folder)
            members = {
                name: left[name].join(found.select(row=found[f"row_{side}"], group=found["group"]), "row")
                for side, name in enumerate(names)
            }
        members = {name: engine.keep(f"members_{number}_{name}", rows) for name, rows in members.items()}
        listed = [_listed(rows, number, each, name) for name, rows in members.items()]
        counts = {name: int(engine.fetch(rows.aggregate(n=rows.count()))[0]["n"]) for name, rows in members.items()}
        told.append({**described(each), "rows": counts})
        if isinstance(each, Fuzzy):
            proposals += listed
            continue
        pairs += listed
        for name, rows in members.items():
            taken.append((name, rows.select(row=rows["row"], code=_code(rules, each))))
            left[name] = engine.keep(f"left_{number}_{name}", left[name].anti_join(rows, "row"))
    return Passed(_reclassed(keys, taken, names), _union(pairs, parties), _union(proposals, parties), told)


def _alone(keys: ir.Table, name: str, parties: Mapping[str, Party], rules: Rules) -> ir.Table:
    """The rows of one party whose key no other party has, and that have effect."""
    lacking = [f"missing_in_{other}" for other in parties if other != name]
    codes = [rules.codes[each] for each in (*lacking, "awaiting_cutoff")]
    alone = keys.filter(keys["class_code"].isin(codes) & keys[f"{name}_row"].notnull())
    entered = parties[name].entered
    return entered.semi_join(alone.select(row=alone[f"{name}_row"]), "row")


def _batches(first: ir.Table, second: ir.Table, each: Batch) -> ir.Table:
    """The batches whose totals agree, with a number in the order of what they are alike in."""
    import ibis

    one, other = _totals(first, each, 0), _totals(second, each, 1)
    alike = ["currency", "refund", *(f"by_{place}" for place in range(len(each.by)))]
    both = one.join(other, alike)
    agreed = both.filter((both["total_0"] - both["total_1"]).abs() <= each.amount_minor)
    return agreed.select(*alike, group=ibis.row_number().over(ibis.window(order_by=alike)) + 1)


def _totals(rows: ir.Table, each: Batch, side: int) -> ir.Table:
    named = {f"by_{place}": column(rows, pair[side]) for place, pair in enumerate(each.by)}
    keyed = rows.mutate(**named)
    keyed = keyed.filter([keyed[name].notnull() for name in named])
    grouped = keyed.group_by("currency", "refund", *named)
    return grouped.agg(**{f"total_{side}": keyed["amount"].cast("decimal(38, 0)").sum()})


def _members(rows: ir.Table, groups: ir.Table, side: int, each: Batch) -> ir.Table:
    named = {f"by_{place}": column(rows, pair[side]) for place, pair in enumerate(each.by)}
    keyed = rows.mutate(**named)
    joined = keyed.join(groups, ["currency", "refund", *named])
    return joined.select(*rows.columns, "group")


def _code(rules: Rules, each: Pass) -> ir.Value:
    import ibis

    return ibis.literal(rules.codes[CLASS[type(each)]], "int8")


def _reclassed(keys: ir.Table, taken: Sequence[tuple[str, ir.Table]], names: Sequence[str]) -> ir.Table:
    """The keys, at rest where a pass has brought their row together with another."""
    import ibis

    for name in names:
        rows = [found for party, found in taken if party == name]
        if not rows:
            continue
        all_rows = rows[0]
        for more in rows[1:]:
            all_rows = all_rows.union(more)
        all_rows = all_rows.select(taken_row=all_rows["row"], code=all_rows["code"])
        joined = keys.left_join(all_rows, keys[f"{name}_row"] == all_rows["taken_row"])
        at_rest = joined["code"].notnull()
        keys = joined.mutate(
            class_code=ibis.coalesce(joined["code"], joined["class_code"]),
            at_risk=ibis.ifelse(at_rest, 0, joined["at_risk"]),
            carried=joined["carried"] & ~at_rest,
        ).select(*keys.columns)
    return keys


def _listed(rows: ir.Table, number: int, each: Pass, party: str) -> ir.Table:
    import ibis

    return rows.select(
        number=ibis.literal(number, "int16"),
        how=ibis.literal(described(each)["pass"]),
        group=rows["group"].cast("int64"),
        party=ibis.literal(party),
        business_key=rows["business_key"],
        kind=ibis.ifelse(rows["refund"], "refund", "payment"),
        record_id=rows["record_id"],
        amount_minor=rows["amount"],
        currency=rows["currency"],
        occurred_at=rows["occurred_at"],
        file=rows["file"],
        line=rows["line"],
    )


def _union(parts: Sequence[ir.Table], parties: Mapping[str, Party]) -> ir.Table:
    """The lines of `pairs.csv` or `proposals.csv` in their order; a table without a row when no pass gave any."""
    import ibis

    if not parts:
        nobody = next(iter(parties.values())).entered.filter(ibis.literal(False))
        parts = [_listed(nobody.mutate(group=ibis.literal(0, "int64")), 0, Batch(()), "")]
    table = parts[0]
    for part in parts[1:]:
        table = table.union(part)
    return table.order_by(["number", "group", "party", "record_id"])
