"""The keys that a pass may still bring together, and what becomes of them; Ibis expressions.

A key is *open* while some party has no record of it and another has a success (also while it waits for the cut-off). A
pass between two parties looks at the open keys that the one has a success of and the other no record, and the other way
round. Two of them may be joined unless

- a third party has a record of both: one key has one record of each party; or
- one waits for the cut-off and a third party would still be missing, whose record the next day's file may bring.

Of two parties, and in a batch, keys stay what they are and are judged as if the other side's records stood in them and
agreed (`settled`); no later pass looks at them. Of more parties a pair's two keys become one (`joined`), which is judged
like any other, but that the difference in money and time between the two rows is excused; it may be open still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from reconciliation.rules.general import one_sided
from reconciliation.rules.shared import excused
from reconciliation.validation import SUCCESS, micros

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.matching import Party
    from reconciliation.rules import Rules

WAITS: Final = "waits"
"""Whether the key of a row waits for the cut-off."""
_ELSEWHERE: Final = 2**62  # in the place of a row's number: the party's records stand in the other keys of the batch
_MONEY: Final = "decimal(38, 0)"
_EXCUSED: Final = {"amount": _MONEY, "time": "int64"}
_OF_RECORD: Final = ("currency", "status", "fee", "occurred_at")
Judge = Callable[["ir.Table"], "ir.Table"]
"""Gives the keys of a table like that of `matching.side_by_side` their classes, as `Rules.classify` does."""


def has(party: str) -> str:
    """The column of a row that says whether a third party has a record of its key."""
    return f"has_{party}"


def is_open(keys: ir.Table, rules: Rules) -> ir.BooleanValue:
    """Whether a key is open by its class."""
    return keys["class_code"].isin([rules.codes[name] for name in (*one_sided(rules.parties), "awaiting_cutoff")])


def opened(keys: ir.Table, rules: Rules) -> ir.Table:
    """The open keys, with columns for what passes will excuse."""
    import ibis

    nothing = {
        excused(party, what): ibis.literal(0).cast(kind) for party in rules.parties for what, kind in _EXCUSED.items()
    }
    return keys.filter(is_open(keys, rules)).mutate(**nothing)


def lone(keys: ir.Table, name: str, other: str, parties: Mapping[str, Party], rules: Rules) -> ir.Table:
    """The successful rows of a party whose open keys the other has no record of, with `waits` and `has_PARTY` of thirds."""
    chosen = keys.filter(is_open(keys, rules) & keys[f"{name}_row"].notnull() & keys[f"{other}_row"].isnull())
    states = chosen.select(
        row=chosen[f"{name}_row"],
        **{WAITS: chosen["class_code"] == rules.codes["awaiting_cutoff"]},
        **{has(third): chosen[f"{third}_row"].notnull() for third in parties if third not in (name, other)},
    )
    entered = parties[name].entered
    return entered.filter(entered["status"] == SUCCESS).join(states, "row")


def may_join(both: ir.Table, third: str) -> ir.BooleanValue:
    """Whether two rows' keys may be joined for all that a third party has of them; the sides are told by _0 and _1."""
    one, other = both[f"{has(third)}_0"], both[f"{has(third)}_1"]
    return ~(one & other) & (one | other | ~(both[f"{WAITS}_0"] | both[f"{WAITS}_1"]))


def without(keys: ir.Table, name: str, rows: ir.Table) -> ir.Table:
    """The keys but those of these rows of a party."""
    taken = f"{name}_row"
    return keys.anti_join(rows.select(**{taken: rows["row"]}), taken)


def joined(
    engine: Engine,
    name: str,
    keys: ir.Table,
    found: ir.Table,
    pair: tuple[str, str],
    parties: Mapping[str, Party],
    judge: Judge,
) -> ir.Table:
    """One key of the two that each pair of rows stands in, judged anew; `found` has row_0 and row_1."""
    import ibis

    first, second = pair
    one = keys.join(found.select("row_0", "row_1"), keys[f"{first}_row"] == found["row_0"])
    other = keys.select(**{f"{column}_2": keys[column] for column in keys.columns})
    both = one.join(other, one["row_1"] == other[f"{second}_row_2"])
    merged: dict[str, ir.Value] = {"refund": both["refund"]}
    for party in parties:
        moved = both[f"{party}_row_2"].notnull()
        merged[f"{party}_moved"] = moved
        for column in (f"{party}_row", f"{party}_amount", *(excused(party, what) for what in _EXCUSED)):
            merged[column] = ibis.ifelse(moved, both[f"{column}_2"], both[column])
    table = engine.keep(f"{name}_beside", _beside(engine.keep(f"{name}_keys", both.select(**merged)), parties))
    apart = {what: _compared(table, first, what) - _compared(table, second, what) for what in _EXCUSED}
    table = table.mutate(
        **{
            excused(party, what): (
                table[excused(party, what)] + ibis.ifelse(table[f"{party}_moved"], apart[what], 0)
            ).cast(kind)
            for party in parties
            for what, kind in _EXCUSED.items()
        }
    )
    forgiven = table.select(f"{first}_row", *(excused(party, what) for party in parties for what in _EXCUSED))
    return judge(table).join(forgiven, f"{first}_row").select(keys.columns)


def settled(
    engine: Engine,
    name: str,
    keys: ir.Table,
    rows: ir.Table,
    party: str,
    elsewhere: Mapping[str, str | None],
    parties: Mapping[str, Party],
    judge: Judge,
) -> ir.Table:
    """The keys of these rows of a party, judged as if the parties `elsewhere` had records of them that agree with the row.

    A party's records are elsewhere where the column of `rows` that it is given with says so, and everywhere for None.
    """
    import ibis

    flags = {column: rows[column] for column in elsewhere.values() if column is not None}
    chosen = rows.select(**{f"{party}_row": rows["row"]}, **flags)
    table = engine.keep(f"{name}_beside", _beside(keys.join(chosen, f"{party}_row"), parties))
    filled: dict[str, ir.Value] = {}
    for other, flag in elsewhere.items():
        there = ibis.literal(True) if flag is None else table[flag]
        values: dict[str, ir.Value] = {
            f"{other}_row": ibis.literal(_ELSEWHERE, "int64"),
            f"{other}_status": ibis.literal(SUCCESS, "int8"),
            f"{other}_fee": ibis.null("int64"),
            **{f"{other}_{column}": table[f"{party}_{column}"] for column in ("amount", "currency", "occurred_at")},
            **{excused(other, what): table[excused(party, what)] for what in _EXCUSED},
        }
        filled |= {column: ibis.ifelse(there, value, table[column]) for column, value in values.items()}
    judged = judge(table.mutate(**filled))
    own: dict[str, ir.Value] = {}
    for other in elsewhere:
        absent = judged[f"{other}_row"] == _ELSEWHERE
        for column in (f"{other}_row", f"{other}_amount"):
            own[column] = ibis.ifelse(absent, ibis.null("int64"), judged[column])
    return judged.mutate(**own)


def reclassed(keys: ir.Table, rules: Rules, name: str) -> ir.Table:
    """The keys, with this class where the rules found nothing."""
    import ibis

    codes = rules.codes
    found, own = keys["class_code"], ibis.literal(codes[name], "int8")
    return keys.mutate(class_code=ibis.ifelse(found == codes["matched"], own, found))


def _beside(keys: ir.Table, parties: Mapping[str, Party]) -> ir.Table:
    """The keys with what else is judged of each party's record."""
    table = keys
    for name, party in parties.items():
        wanted = keys.select(row=keys[f"{name}_row"])
        rows = party.entered.semi_join(wanted, "row")
        side = rows.select(
            **{f"{name}_at_row": rows["row"]}, **{f"{name}_{column}": rows[column] for column in _OF_RECORD}
        )
        table = table.left_join(side, table[f"{name}_row"] == side[f"{name}_at_row"])
    return table


def _compared(table: ir.Table, party: str, what: str) -> ir.Value:
    """A party's amount or time as it is compared after all that is excused already."""
    value = table[f"{party}_amount"].cast(_MONEY) if what == "amount" else micros(table[f"{party}_occurred_at"])
    return value + table[excused(party, what)]
