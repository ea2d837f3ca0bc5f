"""The first look: which rows are at rest, so that only the others are looked at closely.

Most keys of most days are in order: each party has one record of them, all say success and the same. Such rows are told
by digests alone, in one pass over each file and without keeping their texts. What a digest does not prove to be at rest -
a row with any oddity, a key with anything besides one like record of each party, a record id that may be used twice -
is looked at closely, with every row of its key.

A row's `identity` is a digest of 64 bits of its key, kind, amount, currency, status and fee, which a row with an oddity has
spoiled in its party's own way, so that nobody shares it; `key` and `record` are 32 bits of digests of its key with its kind
and of its record id. The latter two only choose: where two texts share a digest, or its first bits, by chance, a few rows
more are looked at. That two different records share an identity in just those parties that lack each other's is unlikely
(below one in ten million for two million breaks); their file's totals would then still have to tie with what its sender
states. See docs/decisions/0013.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from reconciliation import digests
from reconciliation.conservation import Totals
from reconciliation.digests import Marks, repeated, unshared
from reconciliation.standard_record import KINDS
from reconciliation.validation import plain

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Columnar
    from reconciliation.validation import Day

_THREADS: Final = 2
_WHOLE: Final = 2  # where one row in so many is not at rest, the whole file is looked at


@dataclass(frozen=True, slots=True)
class Looked:
    """One party's rows as digests: a table of identity and key, in the order of the file. `odd` are the keys that the
    party alone shows not to be at rest. One party is asked for more, since rows at rest have the same with each: its table
    has the amount, too, and its `odd` those keys that it has more than once."""

    rows: ir.Table
    count: int
    odd: numpy.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look found: the rows of each party that have to be looked at closely, rising, and the totals of those
    at rest, in rows and minor units, which are the same with each."""

    odd: Mapping[str, numpy.ndarray[Any, Any]]
    at_rest: Totals


def look(engine: Columnar, name: str, text: ir.Table, day: Day, *, alike: bool) -> Looked:
    """Read one file's rows as digests into the table `name`. With `alike` only what a party says for itself is judged:
    the rest must be as another party has it. Raises ReadError.
    """
    import ibis
    import numpy

    typed = plain(text, day, alike=alike)
    said = ("business_key", "kind", "amount_minor", "currency", "status", "fee_minor")
    identity = ibis.struct({column: typed[column] for column in said}).hash()
    spoiled = ibis.struct({"name": ibis.literal(name), "identity": identity}).hash()
    rows = engine.number(
        name,
        typed.select(
            identity=ibis.ifelse(typed["plain"], identity, spoiled),
            key=_key(typed["business_key"], typed["kind"]),
            record=_digest(typed["record_id"]),
            **({} if alike else {"amount": typed["amount"].fill_null(0)}),
        ),
    )
    records = _column(engine, rows, "record")
    marks = Marks(len(records))
    marks.add(repeated(records.copy()))
    odd = _column(engine, rows, "key")[marks.rows(records)]
    if not alike:
        odd = numpy.concatenate([odd, repeated(_column(engine, rows, "key"))])
    return Looked(rows, len(records), odd)


def _key(business_key: ir.Value, kind: ir.Value) -> ir.Value:
    import ibis

    return _digest(ibis.struct({"business_key": business_key, "kind": kind}))


def _digest(value: ir.Value) -> ir.Value:
    return (value.hash() >> 64 - digests.BITS).cast("uint32")


def compare(engine: Columnar, looked: Mapping[str, Looked], brought: Iterable[ir.Table]) -> Found | None:
    """Which rows of the parties are not at rest; the keys of rows `brought` from other days never are. None when all rows
    have to be looked at: where many are not at rest that is quicker than to pick them."""
    import ibis

    most = max(each.count for each in looked.values())
    odd = Marks(most)
    for each in looked.values():
        odd.add(each.odd)
    for rows in brought:
        kind = ibis.ifelse(rows["refund"], KINDS[1], KINDS[0])
        odd.add(_column(engine, rows.select(key=_key(rows["business_key"], kind)), "key"))
    rows_of = unshared([partial(_column, engine, each.rows, "identity") for each in looked.values()], most)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        keys = list(pool.map(lambda each: _column(engine, each.rows, "key"), looked.values()))
        for mine, rows in zip(keys, rows_of, strict=True):
            odd.add(mine[rows])
        chosen = dict(zip(looked, pool.map(odd.rows, keys), strict=True))
    resting = {each.count - len(chosen[name]) for name, each in looked.items()}
    few = all(len(rows) * _WHOLE <= looked[name].count for name, rows in chosen.items())
    if len(resting) > 1 or not few:  # else two records share an identity: nothing is taken on trust
        return None
    return Found(chosen, Totals(resting.pop(), _amount_but(engine, looked, chosen)))


def _amount_but(engine: Columnar, looked: Mapping[str, Looked], chosen: Mapping[str, numpy.ndarray[Any, Any]]) -> int:
    """The minor units of the first party's rows but the chosen ones: what each party has at rest."""
    name = next(iter(looked))
    amounts = _column(engine, looked[name].rows, "amount")
    amounts[chosen[name]] = 0
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())  # no sum of halves is beyond 64 bits


def _column(engine: Columnar, rows: ir.Table, name: str) -> numpy.ndarray[Any, Any]:
    return engine.arrays(rows.select(name))[name]
