"""Cells that no spreadsheet evaluates, and how the original is read back.

A text cell whose first character (after blanks) could start a formula, a command or a quotation is written with an
apostrophe before it; so is one that starts with an apostrophe, a tab or a line break. To recover the value, drop one
leading apostrophe: `plain` does it. Parquet files hold the values as they were delivered.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ibis.expr.types as ir

_EVALUATED: Final = r"^(?:[ \t\n\x0b\f\r]*[=+\-@＝＋－＠|%]|['\t\r\n])"
_HARMLESS: Final = (("0", ":"), ("A", "["), ("a", "{"))
"""Texts that begin with an ASCII digit or letter, as ranges: told by a comparison, which costs less than a search."""


def neutral(text: ir.StringValue) -> ir.StringValue:
    """The text as a cell that is shown and never evaluated; null stays null."""
    import ibis

    plain = functools.reduce(operator.or_, ((text >= first) & (text < beyond) for first, beyond in _HARMLESS))
    return ibis.cases((plain, text), (text.re_search(_EVALUATED), ibis.literal("'") + text), else_=text)


def plain(cell: str) -> str:
    """The value of a cell that `neutral` wrote."""
    return cell.removeprefix("'")
