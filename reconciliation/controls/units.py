"""Units of a formula: what is added or compared has one unit; * and / combine units and cancel them.

A unit is written as factors: `fen`, `1`, `min`, `fen/min`, `GB.d`. `1` and `ratio` are both no unit at all. A number in a
formula has no unit; only 0 goes with every unit, as in max(0, a - b).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from reconciliation.controls.formula import Formula, Named, Node, Number, written

Unit = tuple[tuple[str, int], ...]
"""Factors with their powers, sorted; the empty tuple is no unit."""
NONE: Unit = ()
_PLAIN = ("1", "ratio")
_SYNTAX = re.compile(r"[^\W\d]\w*|1")
MONEY: Mapping[str, str] = {"fen": "CNY"}
"""Units that are money, and their currency."""


class UnitError(Exception):
    """Units do not go together; the sentence says which."""


def parse_unit(text: str) -> Unit:
    """The unit that `text` writes. Raises UnitError when it writes none."""
    numerator, *denominators = text.split("/")
    powers: Counter[str] = Counter()
    for part, sign in ((numerator, 1), *((part, -1) for part in denominators)):
        for factor in part.split("."):
            if not _SYNTAX.fullmatch(factor):
                raise UnitError(f"{text!r} is no unit; write one such as 1, fen, min or fen/min")
            if factor not in _PLAIN:
                powers[factor] += sign
    return _unit(powers)


def show_unit(unit: Unit) -> str:
    """The text of a unit: `fen/min`."""
    above = ".".join(name for name, power in unit for _ in range(power))
    below = "".join(f"/{name}" for name, power in unit for _ in range(-power))
    return (above or "1") + below


def unit_of(formula: Formula, units: Mapping[str, Unit]) -> Unit | None:
    """The unit of a formula's result; None when a quantity has none that is known, or the formula is 0.

    Raises UnitError when what is added or compared has different units.
    """
    found = _of(formula.root, units)
    return found if isinstance(found, tuple) else None


def _of(node: Node, units: Mapping[str, Unit]) -> Unit | None:
    """The unit; None for one that is not known or that goes with every other."""
    if isinstance(node, Number):
        return NONE if node.number else None
    if isinstance(node, Named):
        return units.get(node.name)
    found = [_of(operand, units) for operand in node.operands]
    if node.operator in ("*", "/"):
        if found[0] is None or found[1] is None:
            return None
        powers = Counter(dict(found[0]))
        for name, power in found[1]:
            powers[name] += power if node.operator == "*" else -power
        return _unit(powers)
    known = [(operand, unit) for operand, unit in zip(node.operands, found, strict=True) if unit is not None]
    for operand, unit in known[1:]:
        if unit != known[0][1]:
            raise UnitError(
                f"unbalanced: {written(known[0][0])} is in {show_unit(known[0][1])} and {written(operand)} in "
                f"{show_unit(unit)}, so {written(node)} means nothing"
            )
    return known[0][1] if known else None


def _unit(powers: Mapping[str, int]) -> Unit:
    return tuple(sorted((name, power) for name, power in powers.items() if power))
