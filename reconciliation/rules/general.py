"""The rules for any two or more parties, where no party has a part of its own.

In order: `in_doubt` (a standing record is pending), `no_effect` (nobody has a success), `awaiting_cutoff`; then,
where some party has no record: `missing_in_X` when only X lacks it, else `X_only` when only X has a success, else
`missing_in_X_and_Y`; then `status_mismatch`, `currency_mismatch`, `amount_difference`, `time_difference` (no money at
risk), `fee_mismatch`, `matched`. Keys that later passes bring together are judged by the same rules; what would be
`matched` is then `matched_by_tolerance` or `matched_by_batch`. The first party in the order is the book: it speaks
first for a key's currency and money. Who loses is the control's to say (`losers`); it is nobody otherwise.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from reconciliation.passes import unclear
from reconciliation.rules import QUIET, Rules
from reconciliation.rules.shared import (
    Brought,
    Keys,
    all_of,
    among,
    any_of,
    code_of,
    fee_difference,
    priced,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

    from reconciliation.request import Request
    from reconciliation.validation import Day

MOST_PARTIES: Final = 5


def classes(parties: Sequence[str]) -> tuple[str, ...]:
    """Every class that a key of these parties, or a surplus row of one, can have."""
    return (
        "in_doubt",
        "no_effect",
        "awaiting_cutoff",
        *one_sided(parties),
        "status_mismatch",
        "currency_mismatch",
        "amount_difference",
        "time_difference",
        "fee_mismatch",
        "matched",
        "matched_by_tolerance",
        "matched_by_batch",
        *(f"duplicate_in_{party}" for party in parties),
    )


def one_sided(parties: Sequence[str]) -> tuple[str, ...]:
    """The classes of a key with a success that some party has no record of at all."""
    return tuple(name for name, _, _ in _presence(parties))


def rules(request: Request) -> Rules:
    """The rules for the parties and tolerances of a request. Raises ValueError when they do not fit each other."""
    parties = request.names
    if not 2 <= len(parties) <= MOST_PARTIES:
        raise ValueError(f"a match has two to {MOST_PARTIES} parties; this one has {len(parties)}")
    for number, each in enumerate(request.passes, start=1):
        for sentence in unclear(each.between, parties):
            raise ValueError(f"pass {number}: {sentence}")
    if len(set(parties)) != len(parties):
        raise ValueError(f"the parties {', '.join(parties)} are not told apart by their names")
    names = classes(parties)
    unknown = sorted(set(request.losers) - set(names))
    if unknown:
        raise ValueError(f"losers: there is no class {unknown[0]!r} among these parties; there are {', '.join(names)}")
    losers = {name: request.losers.get(name, "none") for name in names}
    codes = {name: code for code, name in enumerate(losers)}

    def classify(table: ir.Table, day: Day, came: Brought) -> ir.Table:
        keys = Keys(table, parties, day, came)
        success, rows = keys.success, keys.each("row")
        said: list[tuple[ir.Value, str]] = [
            *([(keys.at_rest(), "matched")] if request.time_tolerance is None else []),
            (any_of(keys.pending.values()), "in_doubt"),
            (~any_of(success.values()), "no_effect"),
            (keys.waits(), "awaiting_cutoff"),
        ]
        for name, has, lacks in _presence(parties):
            told = all_of(rows[party].isnull() for party in lacks)
            said.append((told & any_of(success[party] for party in has), name))
        said += [
            (~all_of(success.values()), "status_mismatch"),
            (~keys.alike("currency"), "currency_mismatch"),
            (spread(keys.amounts()) > request.tolerance_minor, "amount_difference"),
            *_apart(keys, request),
            (fee_difference(table, parties) > request.fee_tolerance_minor, "fee_mismatch"),
        ]
        settled = keys.settled(code_of(codes, said, "matched"))
        return priced(settled, parties, codes, _at_risk(settled, parties, codes))

    return Rules(parties, losers, {party: f"duplicate_in_{party}" for party in parties}, parties, classify)


def _presence(parties: Sequence[str]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Name, who has a record, who has none; the most absent first, so that each name's condition need not exclude."""
    found = []
    for count in range(len(parties) - 1, 0, -1):
        for lacks in itertools.combinations(parties, count):
            has = tuple(party for party in parties if party not in lacks)
            if count == 1:
                name = f"missing_in_{lacks[0]}"
            elif len(has) == 1:
                name = f"{has[0]}_only"
            else:
                name = f"missing_in_{'_and_'.join(lacks)}"
            found.append((name, has, lacks))
    return found


def _apart(keys: Keys, request: Request) -> list[tuple[ir.Value, str]]:
    """Whether the instants of one key are farther apart than allowed."""
    if request.time_tolerance is None:
        return []
    return [(spread(keys.instants()) > int(request.time_tolerance.total_seconds() * 1_000_000), "time_difference")]


def _at_risk(table: ir.Table, parties: Sequence[str], codes: dict[str, int]) -> ir.Value:
    import ibis

    amounts = [table[f"{party}_amount"] for party in parties]
    return ibis.cases(
        (among(table, codes, *QUIET, "time_difference"), 0),
        (among(table, codes, "amount_difference"), spread(amounts)),
        (among(table, codes, "fee_mismatch"), fee_difference(table, parties)),
        (among(table, codes, "currency_mismatch"), ibis.greatest(*(ibis.coalesce(value, 0) for value in amounts))),
        else_=ibis.coalesce(*amounts),
    )
