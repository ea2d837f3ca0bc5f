"""Conservation: every row of every party ends in exactly one place, in counts and in money.

The two sides come from different tables, so that a row lost or doubled on the way shows: the file's own totals come from
the rows as read, the places from the rejects, the surplus rows and the joined keys.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciliation.matching import Party
from reconciliation.rules import QUIET, Rules
from reconciliation.sources import Loaded
from reconciliation.validation import PLACEHOLDER

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows, keys or lines, and their minor units."""

    count: int = 0
    amount_minor: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.count + other.count, self.amount_minor + other.amount_minor)


@dataclass(frozen=True, slots=True)
class FileTotals:
    """What a file holds: all its rows, and those that had a fault of their own; the amounts are of valid amounts."""

    stated: Totals
    faulty: Totals


@dataclass(frozen=True, slots=True)
class KeyTotals:
    """The joined keys: how many and how much at risk by class, the parties' standing rows, and the matched keys
    that a row of the day before completed."""

    classes: dict[str, Totals]
    delivered: dict[str, Totals]
    brought: dict[str, Totals]
    cleared: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of one party ended; the last two are beside the file's own rows, brought from the day before."""

    rejected: Totals
    duplicates: Totals
    standing: Totals
    brought_duplicates: Totals
    brought_standing: Totals


def of_file(engine: Engine, loaded: Loaded, at_rest: Totals) -> FileTotals:
    """The totals of one file: the rows looked at closely, those set aside by the exact reader, those at rest."""
    rows = loaded.rows
    faulty = rows["fault"] > 0
    found = engine.fetch(
        rows.aggregate(
            rows=(rows["fault"] != PLACEHOLDER).sum(),
            amount=amount_sum(rows["amount"]),
            faulty=faulty.sum(),
            faulty_amount=amount_sum(rows["amount"], faulty),
        )
    )[0]
    aside = Totals()
    if loaded.mended is not None:
        aside = Totals(loaded.mended.rows, loaded.mended.amount_minor)
    stated = _read(found, "rows", "amount") + aside + at_rest
    return FileTotals(stated, _read(found, "faulty", "faulty_amount") + aside)


def of_keys(engine: Engine, keys: ir.Table, rules: Rules, at_rest: Totals) -> KeyTotals:
    """The totals of the joined keys, in one pass over them, and of each party's rows `at_rest`, which are matched."""
    sums: dict[str, ir.Value] = {}
    for name in rules.parties:
        row, amount = keys[f"{name}_row"], keys[f"{name}_amount"]
        for place, where in (("delivered", row >= 0), ("brought", row < 0)):
            sums[f"{name}_{place}"] = where.sum()
            sums[f"{name}_{place}_amount"] = amount_sum(amount, where)
    found = engine.fetch(
        keys.group_by("class_code").agg(
            count=keys.count(), at_risk=amount_sum(keys["at_risk"]), cleared=keys["cleared"].sum(), **sums
        )
    )
    found.sort(key=lambda row: int(row["class_code"]))

    def total(place: str) -> dict[str, Totals]:
        return {
            name: functools.reduce(
                Totals.__add__, (_read(row, f"{name}_{place}", f"{name}_{place}_amount") for row in found), Totals()
            )
            for name in rules.parties
        }

    classes = rules.classes
    tallies = {classes[row["class_code"]]: _read(row, "count", "at_risk") for row in found}
    if at_rest.count:
        tallies["matched"] = tallies.get("matched", Totals()) + Totals(at_rest.count)
    delivered = total("delivered")
    return KeyTotals(
        classes={name: tallies[name] for name in classes if name in tallies},
        delivered={name: delivered[name] + at_rest for name in rules.parties},
        brought=total("brought"),
        cleared=sum(int(row["cleared"] or 0) for row in found if classes[row["class_code"]] == "matched"),
    )


def of_parties(
    engine: Engine, parties: Mapping[str, Party], files: Mapping[str, FileTotals], keys: KeyTotals
) -> dict[str, Places]:
    """Where the rows of each party ended."""
    import ibis

    parts = [
        rows.group_by(party=ibis.literal(name), place=ibis.literal(place), brought=rows["row"] < 0).agg(
            count=rows.count(), amount=amount_sum(rows["amount"])
        )
        for name, party in parties.items()
        for place, rows in (("repeated", party.repeated), ("surplus", party.surplus))
        if rows is not None
    ]
    rows = engine.fetch(functools.reduce(lambda one, other: one.union(other), parts)) if parts else []
    found = {(row["party"], row["place"], row["brought"]): _read(row, "count", "amount") for row in rows}
    return {
        name: Places(
            rejected=files[name].faulty + found.get((name, "repeated", False), Totals()),
            duplicates=found.get((name, "surplus", False), Totals()),
            standing=keys.delivered[name],
            brought_duplicates=found.get((name, "surplus", True), Totals()),
            brought_standing=keys.brought[name],
        )
        for name in parties
    }


def of_classes(keys: KeyTotals, places: Mapping[str, Places], rules: Rules) -> dict[str, Totals]:
    """How many and how much at risk by class, duplicates included; a class that does not occur is absent."""
    classes = dict(keys.classes)
    for name, place in places.items():
        surplus = place.duplicates + place.brought_duplicates
        if surplus.count:
            duplicate = rules.duplicates[name]
            classes[duplicate] = classes.get(duplicate, Totals()) + surplus
    return classes


def of_breaks(engine: Engine, breaks: ir.Table) -> list[dict[str, Any]]:
    """Counts and money of the published lines, by carried, class, loser and currency."""
    grouped = breaks.group_by("carried", "class", "loser", "currency").agg(
        count=breaks.count(), at_risk_minor=amount_sum(breaks["at_risk_minor"])
    )
    rows = engine.fetch(grouped)
    for row in rows:
        row["at_risk_minor"] = int(row["at_risk_minor"] or 0)
    return sorted(rows, key=lambda row: (row["carried"], row["class"], row["loser"], row["currency"]))


def rows_tie(file: FileTotals, places: Places) -> bool:
    """Whether every row of the file is in exactly one place."""
    return file.stated.count == places.rejected.count + places.duplicates.count + places.standing.count


def amounts_tie(file: FileTotals, places: Places) -> bool:
    """Whether the money of the places adds up to the file's."""
    found = places.rejected.amount_minor + places.duplicates.amount_minor + places.standing.amount_minor
    return file.stated.amount_minor == found


def lines_tie(classes: Mapping[str, Totals], lines: list[dict[str, Any]]) -> bool:
    """Whether the published lines are those of the classes, in count and money."""
    published: dict[str, Totals] = {}
    for line in lines:
        more = Totals(line["count"], line["at_risk_minor"])
        published[line["class"]] = published.get(line["class"], Totals()) + more
    return published == {name: total for name, total in classes.items() if name not in QUIET}


def _read(row: Mapping[str, Any], count: str, amount: str) -> Totals:
    return Totals(int(row[count] or 0), int(row[amount] or 0))


def amount_sum(amount: ir.Value, where: ir.BooleanValue | None = None) -> ir.Value:
    """A sum that cannot overflow: the amounts have 64 bits, and so would a plain sum on some engines."""
    return amount.cast("decimal(38, 0)").sum(where=where)
