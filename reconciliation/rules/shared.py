"""Conditions and amounts that every set of rules asks of the table of `matching.side_by_side`, as Ibis expressions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciliation.validation import PENDING, SUCCESS, Day, micros, near

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Brought:
    """Which rows were brought in besides the day's own: `any` at all, and whether `looked_back`, that is, whether the
    items carried from the day before are among them."""

    any: bool = False
    looked_back: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """The joined keys with the conditions that the rules begin with."""

    table: ir.Table
    parties: Sequence[str]
    day: Day
    came: Brought

    def each(self, column: str) -> dict[str, ir.Value]:
        """A column of every party, by party."""
        return {party: self.table[f"{party}_{column}"] for party in self.parties}

    def amounts(self) -> list[ir.Value]:
        """The parties' amounts as they are compared, in minor units."""
        return [
            value.cast("decimal(38, 0)") + self.table[excused(party, "amount")] if self._excuses(party) else value
            for party, value in self.each("amount").items()
        ]

    def instants(self) -> list[ir.Value]:
        """The parties' instants as they are compared, in microseconds."""
        return [
            micros(value) + self.table[excused(party, "time")] if self._excuses(party) else micros(value)
            for party, value in self.each("occurred_at").items()
        ]

    def _excuses(self, party: str) -> bool:
        return excused(party, "amount") in self.table.columns

    def says(self, status: int) -> dict[str, ir.BooleanValue]:
        """Whether the party's standing record has that status."""
        return {party: (value == status).fill_null(False) for party, value in self.each("status").items()}

    @property
    def success(self) -> dict[str, ir.BooleanValue]:
        return self.says(SUCCESS)

    @property
    def pending(self) -> dict[str, ir.BooleanValue]:
        return self.says(PENDING)

    @property
    def brought(self) -> dict[str, ir.BooleanValue]:
        """Whether a standing row was brought in, by its negative number."""
        import ibis

        return {
            party: (row < 0).fill_null(False) if self.came.any else ibis.literal(False)
            for party, row in self.each("row").items()
        }

    def someone_absent(self) -> ir.BooleanValue:
        """Whether some party has no record of the key at all."""
        return ~all_of(row.notnull() for row in self.each("row").values())

    def waits(self) -> ir.BooleanValue:
        """Rule 4: some party is absent, and every standing record lies within the cut-off window of one end of the day."""
        return self.someone_absent() & ~any_of(self.brought.values()) & self._explained()

    def _explained(self) -> ir.BooleanValue:
        import ibis

        boundaries = (self.day.end,) if self.came.looked_back else (self.day.end, self.day.start)
        rows, instants = self.each("row"), self.each("occurred_at")
        return any_of(
            all_of(
                rows[party].isnull() | near(instants[party], boundary, self.day.window).fill_null(ibis.literal(False))
                for party in self.parties
            )
            for boundary in boundaries
        )

    def alike(self, column: str) -> ir.BooleanValue:
        """Whether every party states the same there; null where one has no record."""
        first, *others = self.each(column).values()
        return all_of(first == other for other in others)

    def at_rest(self) -> ir.BooleanValue:
        """Whether all parties have a success and agree in everything, as most keys do: no rule applies to them."""
        fees = list(self.each("fee").values())
        return all_of(
            [
                *(status == SUCCESS for status in self.each("status").values()),
                self.alike("currency"),
                self.alike("amount"),
                *(fees[0].identical_to(fee) for fee in fees[1:]),
            ]
        )

    def settled(self, code: ir.Value) -> ir.Table:
        """The keys with their class, and what pricing them still needs."""
        pending, brought = self.pending, self.brought
        return self.table.select(
            "refund",
            class_code=code,
            cleared=any_of(brought.values()),
            overdue=any_of(pending[party] & brought[party] for party in self.parties),
            **{
                f"{party}_{column}": self.table[f"{party}_{column}"]
                for party in self.parties
                for column in ("row", "amount", "fee")
            },
        )


def excused(party: str, what: str) -> str:
    """The column with what is added to a party's amount (minor units) or time (microseconds) before it is compared, since
    a later pass excuses that much; only keys that a pass joined have it."""
    return f"{party}_{what}_excused"


def code_of(codes: Mapping[str, int], rules: Iterable[tuple[ir.Value, str]], otherwise: str) -> ir.Value:
    """The code of the first rule that fits."""
    import ibis

    return ibis.cases(
        *((when, ibis.literal(codes[name], "int8")) for when, name in rules),
        else_=ibis.literal(codes[otherwise], "int8"),
    )


def among(table: ir.Table, codes: Mapping[str, int], *names: str) -> ir.BooleanValue:
    """Whether the key's class is one of these."""
    return table["class_code"].isin([codes[name] for name in names if name in codes])


def priced(table: ir.Table, parties: Sequence[str], codes: Mapping[str, int], at_risk: ir.Value) -> ir.Table:
    """The keys with their money at risk, and whether they are carried."""
    doubt = among(table, codes, "in_doubt")
    return table.select(
        "class_code",
        "refund",
        "cleared",
        at_risk=at_risk,
        carried=among(table, codes, "awaiting_cutoff", "in_doubt") & ~(doubt & table["overdue"]),
        **{f"{party}_{column}": table[f"{party}_{column}"] for party in parties for column in ("row", "amount")},
    )


def fee_difference(table: ir.Table, parties: Sequence[str]) -> ir.Value:
    """The highest less the lowest of the fees given; null when none is."""
    return spread([table[f"{party}_fee"] for party in parties])


def spread(values: Sequence[ir.Value]) -> ir.Value:
    """The highest less the lowest of the values given; null when none is."""
    import ibis

    given = [ibis.coalesce(value, *values) for value in values]
    return ibis.greatest(*given) - ibis.least(*given)


def any_of(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    """Whether one of them holds."""
    return functools.reduce(operator.or_, conditions)


def all_of(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    """Whether all of them hold."""
    return functools.reduce(operator.and_, conditions)
