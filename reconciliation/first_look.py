"""The first look: which rows are at rest, so that only the others are looked at closely.

Most keys of most days are in order: each party has one record of them, all say success and the same. Such rows are told
by digests alone, in one pass over each file and without keeping their texts. What a digest does not prove to be at rest -
a row with any oddity, a key with anything besides one like record of each party, a record id that may be used twice -
is looked at closely, with every row of its key.

A row's `identity` is a digest of 64 bits of its key, kind, amount, currency, status and fee; `key` and `record` are 32 bits
of digests of its key with its kind and of its record id. The latter two only choose: where two texts share a digest by
chance, a few rows more are looked at. That two different records share an identity in just those parties that lack each
other's is so unlikely (below one in ten million for two million breaks) that the counts and the money of the parties,
which are compared, would differ first; then everything is looked at closely. See docs/decisions/0013.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciliation.conservation import Totals, amount_sum
from reconciliation.standard_record import KINDS
from reconciliation.validation import plain

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Columnar
    from reconciliation.validation import Day

_AT_ONCE: Final = 30_000_000  # identities of all parties that are compared at once: 240 MB, and as much again to sort
_WHOLE: Final = 2  # where one row in so many is not at rest, the whole file is looked at


@dataclass(frozen=True, slots=True)
class Looked:
    """One party's rows as digests: a table of row, identity, key, record, amount and plain; `odd_records` are the digests
    of record ids that occur more than once, `odd_keys` those of keys, which one party alone is asked for: rows at rest
    have the same keys with each."""

    rows: ir.Table
    count: int
    odd_records: numpy.ndarray[Any, Any]
    odd_keys: numpy.ndarray[Any, Any] | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look found of each party: the rows to be looked at closely (None: all of them), rising, and the
    totals of those at rest, in rows and minor units."""

    odd: Mapping[str, numpy.ndarray[Any, Any] | None]
    at_rest: Mapping[str, Totals]


def look(engine: Columnar, name: str, text: ir.Table, day: Day, *, alike: bool) -> Looked:
    """Read one file's rows as digests into the table `name`. With `alike` only what a party says for itself is judged:
    the rest must be as another party has it. Raises ReadError.
    """
    import ibis

    typed = plain(text, day, alike=alike)
    said = ("business_key", "kind", "amount_minor", "currency", "status", "fee_minor")
    rows = engine.number(
        name,
        typed.select(
            identity=ibis.struct({name: typed[name] for name in said}).hash(),
            key=_key(typed["business_key"], typed["kind"]),
            record=(typed["record_id"].hash() >> 32).cast("uint32"),
            amount=typed["amount"],
            plain=typed["plain"],
        ),
    )
    records = _sorted(engine.arrays(rows.select("record"))["record"])
    keys = None if alike else _repeated(_sorted(engine.arrays(rows.select("key"))["key"]))
    return Looked(rows, len(records), _repeated(records), keys)


def _key(business_key: ir.Value, kind: ir.Value) -> ir.Value:
    import ibis

    return (ibis.struct({"business_key": business_key, "kind": kind}).hash() >> 32).cast("uint32")


def compare(engine: Columnar, looked: Mapping[str, Looked], brought: Iterable[ir.Table]) -> Found:
    """Which rows of the parties are not at rest; the keys of rows `brought` from other days never are."""
    odd = engine.keep("odd_keys", _odd_keys(engine, looked, brought))
    at_rest = _at_rest(engine, looked, odd)
    first = next(iter(at_rest.values()))
    if any(total != first for total in at_rest.values()):  # two records share an identity: nothing is taken on trust
        return Found(dict.fromkeys(looked), {})
    chosen = {
        name: _sorted(engine.arrays(each.rows.semi_join(odd, "key").select("row"))["row"])
        for name, each in looked.items()
    }
    if any(len(chosen[name]) + at_rest[name].count != each.count for name, each in looked.items()):
        raise AssertionError("the rows at rest and the others are not those of the file")
    if any(len(rows) * _WHOLE > looked[name].count for name, rows in chosen.items()):
        return Found(dict.fromkeys(looked), {})
    return Found(chosen, at_rest)


def _sorted(values: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """The values in rising order, sorted in place."""
    values.sort()
    return values


def _odd_keys(engine: Columnar, looked: Mapping[str, Looked], brought: Iterable[ir.Table]) -> ir.Table:
    """The keys (as digests) of all rows that are not at rest by themselves."""
    import ibis

    identities = engine.table_of("odd_identities", {"identity": _odd_identities(engine, looked)})
    parts = []
    for name, each in looked.items():
        rows = each.rows
        parts += [rows.filter(~rows["plain"]), rows.semi_join(identities, "identity")]
        if len(each.odd_records):
            parts.append(rows.semi_join(engine.table_of(f"{name}_odd_records", {"record": each.odd_records}), "record"))
    keys = [part.select("key") for part in parts]
    keys += [
        engine.table_of(f"{name}_odd_keys", {"key": each.odd_keys})
        for name, each in looked.items()
        if each.odd_keys is not None and len(each.odd_keys)
    ]
    for rows in brought:
        kind = ibis.ifelse(rows["refund"], KINDS[1], KINDS[0])
        keys.append(rows.select(key=_key(rows["business_key"], kind)))
    return ibis.union(*keys).distinct()


def _odd_identities(engine: Columnar, looked: Mapping[str, Looked]) -> numpy.ndarray[Any, Any]:
    """The identities that not each party has exactly once; of some that nobody lacks, too, when they repeat."""
    import numpy

    slices = -(-sum(each.count for each in looked.values()) // _AT_ONCE) or 1

    def identities(rows: ir.Table, part: int) -> numpy.ndarray[Any, Any]:
        mine = rows.filter(rows["identity"] % slices == part) if slices > 1 else rows
        return _sorted(engine.arrays(mine.select("identity"))["identity"])

    odd = []
    for part in range(slices):
        with ThreadPoolExecutor(max_workers=2) as pool:
            each = list(pool.map(lambda party, part=part: identities(party.rows, part), looked.values()))
        odd += [_repeated(values) for values in each]
        together = numpy.concatenate(each)
        del each
        together.sort(kind="stable")  # sorted runs are merged
        begins = _begins(together)
        lengths = numpy.diff(numpy.append(begins, len(together)))
        odd.append(together[begins[lengths != len(looked)]])
    return numpy.unique(numpy.concatenate(odd))


def _repeated(values: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """The values that occur more than once among sorted ones."""
    import numpy

    again = values[1:][values[1:] == values[:-1]]
    return numpy.unique(again)


def _begins(values: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """Where each run of equal values begins among sorted ones."""
    import numpy

    if not len(values):
        return numpy.zeros(0, numpy.int64)
    return numpy.append(0, numpy.flatnonzero(values[1:] != values[:-1]) + 1)


def _at_rest(engine: Columnar, looked: Mapping[str, Looked], odd: ir.Table) -> dict[str, Totals]:
    import ibis

    parts = []
    for name, each in looked.items():
        rest = each.rows.anti_join(odd, "key")
        totals = rest.aggregate(count=rest.count(), amount=amount_sum(rest["amount"]))
        parts.append(totals.mutate(party=ibis.literal(name)))
    rows = engine.fetch(ibis.union(*parts))
    return {row["party"]: Totals(int(row["count"]), int(row["amount"] or 0)) for row in rows}
