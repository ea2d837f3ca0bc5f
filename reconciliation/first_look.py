"""The first look: which rows are at rest, so that only the others are looked at closely.

Most keys of most days are in order: each party has one record of them, all say success and the same. Such rows are told
by digests alone, in one pass over each file and without keeping their texts. What a digest does not prove to be at rest -
a row with any oddity, a key with anything besides one like record of each party, a record id that may be used twice -
is looked at closely, with every row of its key.

A row's `identity` is a digest of 64 bits of its key, kind, amount, currency and fee, which a row with an oddity (one that does
not say success, too) has spoiled in its party's own way, so that nobody shares it; `key` and `record` are 32 bits of digests
of its key with its kind and of its record id. The latter two only choose: where two texts share a digest, or its first bits,
by chance, a few rows more are looked at. That two different records share an identity in just those parties that lack each
other's is unlikely (below one in ten million for two million breaks); their file's totals would then still have to tie with
what its sender states. See docs/decisions/0013.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    from reconciliation.sources import Opened
    from reconciliation.validation import Day

_THREADS: Final = 3
_WHOLE: Final = 2  # where one row in so many is not at rest, the whole file is looked at


@dataclass(frozen=True, slots=True)
class Looked:
    """One party's rows as digests, in the order of its file: `identities` of 64 bits and `keys` of 32. `odd` are the keys that
    the party alone shows not to be at rest. Since rows at rest are the same with each, it is enough when one has `amounts`, and
    one in its `odd` the keys that it has more than once."""

    identities: numpy.ndarray[Any, Any]
    keys: numpy.ndarray[Any, Any]
    amounts: numpy.ndarray[Any, Any] | None
    odd: numpy.ndarray[Any, Any]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look found: the rows of each party that have to be looked at closely, rising, and the totals of those
    at rest, in rows and minor units, which are the same with each."""

    odd: Mapping[str, numpy.ndarray[Any, Any]]
    at_rest: Totals


def look(engine: Columnar, opened: Opened, day: Day, *, alike: bool, once: bool) -> Looked:
    """Read one file's rows as digests. With `alike` only what a party says for itself is judged: the rest must be as another
    party has it. With `once` keys that the party has more than once are odd. Raises ReadError.
    """
    import ibis
    import numpy

    typed = plain(opened.text, day, alike=alike)
    key = _key(typed["business_key"], typed["kind"])
    said = {column: typed[column] for column in ("amount_minor", "currency", "fee_minor")}
    identity = ibis.struct({"key": key, **said}).hash()
    spoiled = ibis.struct({"party": ibis.literal(opened.delivered.party), "identity": identity}).hash()
    columns = {
        "identity": ibis.ifelse(typed["plain"], identity, spoiled),
        "key": _short(key),
        "record": _short(typed["record_id"].hash()),
        **({} if alike else {"amount": typed["amount"].fill_null(0)}),
    }
    found = engine.arrays(typed.select(**columns), opened.count)
    keys, records = found["key"], found.pop("record")
    marks = Marks(len(records))
    marks.add(repeated(records.copy()))
    odd = keys[marks.rows(records)]
    if once:
        odd = numpy.concatenate([odd, repeated(keys.copy())])
    return Looked(found["identity"], keys, found.get("amount"), odd)


def _key(business_key: ir.Value, kind: ir.Value) -> ir.Value:
    import ibis

    return ibis.struct({"business_key": business_key, "kind": kind}).hash()


def _short(digest: ir.Value) -> ir.Value:
    return (digest >> 64 - digests.BITS).cast("uint32")


def compare(engine: Columnar, looked: Mapping[str, Looked], brought: Iterable[ir.Table]) -> Found | None:
    """Which rows of the parties are not at rest; the keys of rows `brought` from other days never are. None when all rows
    have to be looked at: where many are not at rest that is quicker than to pick them."""
    import ibis

    odd = Marks(max(each.count for each in looked.values()))
    for each in looked.values():
        odd.add(each.odd)
    for rows in brought:
        kind = ibis.ifelse(rows["refund"], KINDS[1], KINDS[0])
        odd.add(engine.arrays(rows.select(key=_short(_key(rows["business_key"], kind))))["key"])
    for each, rows in zip(looked.values(), unshared([each.identities for each in looked.values()]), strict=True):
        odd.add(each.keys[rows])
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        chosen = dict(zip(looked, pool.map(odd.rows, [each.keys for each in looked.values()]), strict=True))
    resting = {each.count - len(chosen[name]) for name, each in looked.items()}
    few = all(len(rows) * _WHOLE <= looked[name].count for name, rows in chosen.items())
    if len(resting) > 1 or not few:  # else two records share an identity: nothing is taken on trust
        return None
    amount = sum(
        _total(each.amounts) - _total(each.amounts[chosen[name]])
        for name, each in looked.items()
        if each.amounts is not None
    )
    return Found(chosen, Totals(resting.pop(), amount))


def _total(amounts: numpy.ndarray[Any, Any]) -> int:
    """The sum of amounts of 64 bits, in halves that cannot overflow."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())
