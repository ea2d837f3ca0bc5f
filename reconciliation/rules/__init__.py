"""How the records of one key are judged: the classes there are, who loses by each, and the expression that decides.

`RULES` is the explicit list. Class names that no row has are absent from a result. A key's class is stored as its place
in `classes`; duplicates concern rows and are found in `matching` (rule 1), their classes are named here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.request import Request
    from reconciliation.rules.shared import Brought
    from reconciliation.validation import Day

RULES: Final = {"three_way": "reconciliation.rules.three_way", "general": "reconciliation.rules.general"}
QUIET: Final = ("no_effect", "matched", "matched_by_tolerance", "matched_by_batch")
"""Classes that stand in the certificate alone."""
CARRIED: Final = ("in_doubt", "awaiting_cutoff")
"""Items that become breaks only when their time is up."""
SWAPPED: Final = {"customer": "operator", "operator": "customer"}
"""Who loses by a refund, where a payment would have been to that other's cost."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one run.

    `losers` names every class and who loses by it; `duplicates` the class of a party's surplus rows; `speakers` the order
    in which the parties are asked for a key's currency and money. `classify` takes the table of
    `matching.side_by_side` and gives every key class_code, refund, at_risk, carried, cleared, and each party's row and
    amount.
    """

    parties: tuple[str, ...]
    losers: Mapping[str, str]
    duplicates: Mapping[str, str]
    speakers: tuple[str, ...]
    classify: Callable[[ir.Table, Day, Brought], ir.Table]

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class, in the order of their codes."""
        return tuple(self.losers)

    @property
    def codes(self) -> dict[str, int]:
        """The code of each class."""
        return {name: code for code, name in enumerate(self.losers)}

    def loser(self, class_code: ir.Value, refund: ir.Value) -> ir.Value:
        """Who loses by a class, as text; for a refund customer and operator change places."""
        import ibis

        codes = self.codes
        paid = ibis.cases(*((class_code == codes[name], who) for name, who in self.losers.items()), else_="none")
        back = ibis.cases(
            *((class_code == codes[name], SWAPPED.get(who, who)) for name, who in self.losers.items()), else_="none"
        )
        return ibis.ifelse(refund, back, paid)


class Maker(Protocol):
    """Each module of the list has `rules`, which fits them to a request. Raises ValueError when they do not fit."""

    def rules(self, request: Request) -> Rules: ...


def rules_of(request: Request) -> Rules:
    """The rules that a request names, for its parties. Raises ValueError when they do not fit each other."""
    if request.rules not in RULES:
        raise ValueError(f"there are no rules {request.rules!r}; choose one of {', '.join(RULES)}")
    maker = cast(Maker, importlib.import_module(RULES[request.rules]))
    return maker.rules(request)
