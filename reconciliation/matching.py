"""Matching by key: which rows stand, which are repeated or surplus, and the three parties' standing rows side by side.

All of it is Ibis. A *usable* row has no fault; of usable rows with one record_id, the first by content stands and the
others are repeated (rejected); of a party's rows with one (business_key, kind), the first by (occurred_at, record_id)
stands and the others are surplus (rule 1). None of this depends on the order of the rows in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciliation.validation import KEPT, PENDING

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.sources import Loaded

EXPECTED_FILE = "adjustments"
"""Where a record stands that nobody delivered: an approved adjustment lets it be expected."""
RECORD = ("record_id", "business_key", "refund", "occurred_at", "amount", "currency", "status", "fee")
_COMPARED = ("row", "amount", "currency", "status", "fee", "occurred_at")


@dataclass(frozen=True, slots=True)
class Party:
    """One party's rows, each in one place: repeated, surplus or standing. `entered` holds the latter two.

    A row brought from the day before has a negative `row`. Each has `file` and `line`, where it was delivered, and the
    columns that were asked for besides, as `kept_channel` and so on; a row that was brought has none of these.
    """

    repeated: ir.Table | None  # row, first_row, amount; None when there is none
    entered: ir.Table
    surplus: ir.Table | None  # None when there is none
    standing: ir.Table


def arrange(engine: Engine, loaded: Loaded, carried: ir.Table | None) -> Party:
    """Sort one party's rows into repeated, surplus and standing."""
    import ibis

    party = loaded.delivered.party
    usable = loaded.rows.filter(loaded.rows["fault"] == 0)
    suspects = _suspects(engine, f"{party}_often_used", usable, usable["record_id"].hash())
    repeated = None if suspects is None else engine.keep_any(f"{party}_repeated", _repeated(suspects))
    if repeated is not None:
        usable = usable.anti_join(repeated, "row")
    entered = usable.select(
        "row",
        *RECORD,
        file=ibis.literal(loaded.delivered.path.name),
        line=usable["row"] + loaded.first_line,
        **{name: usable[name] for name in usable.columns if name.startswith(KEPT)},
    )
    if carried is not None:
        lacking = [name for name in entered.columns if name not in carried.columns]
        carried = carried.mutate(**{name: ibis.null("string") for name in lacking})
    if carried is not None:
        entered = entered.union(_not_superseded(carried, entered).select(entered.columns))
    suspects = _suspects(engine, f"{party}_often_booked", entered, entered["business_key"].hash())
    surplus = None if suspects is None else engine.keep_any(f"{party}_surplus", _surplus(suspects))
    standing = entered if surplus is None else entered.anti_join(surplus, "row")
    return Party(repeated, entered, surplus, standing)


def side_by_side(parties: dict[str, Party]) -> ir.Table:
    """One row for each (business_key, refund) with every party's standing row, as `billing_amount` and so on."""
    import ibis

    joined: ir.Table | None = None
    for name, party in parties.items():
        side = party.standing.select(
            **{f"{name}_key": party.standing["business_key"], f"{name}_refund": party.standing["refund"]},
            **{f"{name}_{column}": party.standing[column] for column in _COMPARED},
        )
        if joined is None:
            joined = side.mutate(business_key=side[f"{name}_key"], refund=side[f"{name}_refund"])
            continue
        on_key = (joined["business_key"] == side[f"{name}_key"]) & (joined["refund"] == side[f"{name}_refund"])
        both = joined.outer_join(side, on_key)
        joined = both.mutate(
            business_key=ibis.coalesce(both["business_key"], both[f"{name}_key"]),
            refund=ibis.coalesce(both["refund"], both[f"{name}_refund"]),
        )
    if joined is None:
        raise ValueError("there is no party to match")
    return joined


def _repeated(suspects: ir.Table) -> ir.Table:
    """The rows whose record_id a better row has already, with that row."""
    import ibis

    content = [suspects[name] for name in ("occurred_at", *RECORD, "row")]
    window = ibis.window(group_by="record_id", order_by=content)
    ranked = suspects.mutate(rank=ibis.row_number().over(window), first_row=suspects["row"].first().over(window))
    return ranked.filter(ranked["rank"] > 0).select("row", "first_row", "amount")


def _surplus(suspects: ir.Table) -> ir.Table:
    """The rows after the first of their party and key, by (occurred_at, record_id)."""
    import ibis

    window = ibis.window(
        group_by=["business_key", "refund"],
        order_by=[suspects["occurred_at"], suspects["record_id"], suspects["row"]],
    )
    ranked = suspects.mutate(rank=ibis.row_number().over(window))
    return ranked.filter(ranked["rank"] > 0).drop("rank")


def _suspects(engine: Engine, name: str, rows: ir.Table, digest: ir.Value) -> ir.Table | None:
    """The rows that share a digest with another: all true repetitions, and by chance a few more; None when none does.

    Counting digests takes less memory than counting texts, and leaves almost nothing for the exact comparison. The
    digests found are kept before they are joined, so that a file without repetitions is done with here.
    """
    digested = rows.mutate(digest=digest)
    often = engine.keep_any(name, digested.group_by("digest").having(digested.count() > 1).agg())
    return None if often is None else digested.semi_join(often, "digest").drop("digest")


def _not_superseded(carried: ir.Table, entered: ir.Table) -> ir.Table:
    """Carried rows but those that today's file brings again, or whose place today's row of the key takes: that of a
    pending record, and of one that an adjustment only lets expect."""
    newer = entered.select("business_key", "refund", new_id=entered["record_id"])
    gives_way = (carried["status"] == PENDING) | (carried["file"] == EXPECTED_FILE)
    return carried.anti_join(
        newer,
        (carried["business_key"] == newer["business_key"])
        & (carried["refund"] == newer["refund"])
        & (gives_way | (carried["record_id"] == newer["new_id"])),
    )
