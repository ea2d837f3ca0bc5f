"""Carrying the passes out over the keys that one of two parties has no record of, as Ibis expressions.

Rows that a pass brings together are judged anew (`open_keys`); the evidence of who went with whom is `pairs.csv`, and
what a fuzzy pass only proposes is `proposals.csv`. The order within a pass is total (least difference in money, then in
time, then record ids), so that the order of rows decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.passes import Batch, Fuzzy, Pass, Tolerance, batches, described, open_keys
from reconciliation.passes.open_keys import Judge, has
from reconciliation.passes.pairing import nearest

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


@dataclass(frozen=True, slots=True)
class _Step:
    """One pass at work: its number from 1, the two parties it looks between, and the rows of each that it brings together.

    `members` have `group`, and in a batch what `batches.agreed` tells; `found` are a pair's two rows, None in a batch.
    """

    number: int
    each: Pass
    pair: tuple[str, str]
    members: Mapping[str, ir.Table]
    found: ir.Table | None


def run(
    engine: Engine,
    keys: ir.Table,
    parties: Mapping[str, Party],
    rules: Rules,
    passes: Sequence[Pass],
    folder: Path,
    judge: Judge,
) -> Passed:
    """Carry out the passes in their order, each on what the ones before left over."""
    left = engine.keep("open_keys", open_keys.opened(keys, rules))
    done = [keys.filter(~open_keys.is_open(keys, rules))]
    pairs: list[ir.Table] = []
    proposals: list[ir.Table] = []
    told: list[dict[str, Any]] = []
    for number, each in enumerate(passes, start=1):
        step = _step(engine, left, number, each, parties, rules, folder)
        counts = {
            name: int(engine.fetch(rows.aggregate(n=rows.count()))[0]["n"]) for name, rows in step.members.items()
        }
        told.append({**described(each), "rows": counts})
        if not any(counts.values()):
            continue
        listed = [_listed(rows, number, each, name) for name, rows in step.members.items()]
        if isinstance(each, Fuzzy):
            proposals += listed
            continue
        pairs += listed
        rest = left
        for name, rows in step.members.items():
            rest = open_keys.without(rest, name, rows)
        if step.found is not None and len(parties) > 2:
            one = open_keys.joined(engine, f"joined_{number}", left, step.found, step.pair, parties, judge)
            rest = rest.union(open_keys.reclassed(one, rules, CLASS[type(each)]).select(rest.columns))
        else:
            settled = (
                open_keys.reclassed(found, rules, CLASS[type(each)])
                for found in _settled(engine, left, step, parties, judge)
            )
            done += [
                engine.keep(f"settled_{number}_{place}", found.select(keys.columns))
                for place, found in enumerate(settled)
            ]
        left = engine.keep(f"left_{number}", rest)
    for more in (left, *done[1:]):
        done[0] = done[0].union(more.select(keys.columns))
    return Passed(done[0], _union(pairs, parties), _union(proposals, parties), told)


def _step(
    engine: Engine,
    left: ir.Table,
    number: int,
    each: Pass,
    parties: Mapping[str, Party],
    rules: Rules,
    folder: Path,
) -> _Step:
    """Find what a pass brings together among the open keys."""
    first, second = pair = each.between or (rules.parties[0], rules.parties[1])
    thirds = [name for name in parties if name not in pair]
    lone = {
        name: engine.keep(f"lone_{number}_{name}", open_keys.lone(left, name, other, parties, rules))
        for name, other in (pair, pair[::-1])
    }
    found = None
    if isinstance(each, Batch):
        groups = engine.keep(f"batches_{number}", batches.agreed(lone[first], lone[second], each, thirds))
        members = {name: batches.members(lone[name], groups, side, each) for side, name in enumerate(pair)}
    else:
        found = nearest(engine, f"pass_{number}", lone[first], lone[second], each, thirds, folder)
        members = {
            name: lone[name].join(found.select(row=found[f"row_{side}"], group=found["group"]), "row")
            for side, name in enumerate(pair)
        }
    kept = {name: engine.keep(f"members_{number}_{name}", rows) for name, rows in members.items()}
    return _Step(number, each, pair, kept, found)


def _settled(engine: Engine, left: ir.Table, step: _Step, parties: Mapping[str, Party], judge: Judge) -> list[ir.Table]:
    """The keys of both sides, judged where they are.

    What no party but the first side's should have had a record of is missed there alone, so that no money is at risk twice.
    """
    first, second = step.pair
    thirds = [name for name in parties if name not in step.pair]
    elsewhere: dict[str, dict[str, str | None]] = {
        first: {second: None, **{third: f"{has(third)}_1" for third in thirds}},
        second: {first: None, **{third: f"lacks_{third}_1" for third in thirds}},
    }
    return [
        open_keys.settled(
            engine, f"settled_{step.number}_{name}", left, step.members[name], name, elsewhere[name], parties, judge
        )
        for name in step.pair
    ]


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
