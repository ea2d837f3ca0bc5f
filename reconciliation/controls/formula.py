"""The expressions of equations: names, numbers, + - * /, parentheses, abs, min and max, computed exactly and never run.

Sums, differences and products are exact; a quotient has 28 significant digits, the last one rounded half to even
(decimal128 has 34; 28 is Python's own precision). A value that is unknown makes the result unknown with its reason, and so
does a division by zero.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Final

LONGEST: Final = 1_000
DEEPEST: Final = 50
LONGEST_NUMBER: Final = 40
FUNCTIONS: Final[dict[str, tuple[int, int]]] = {"abs": (1, 1), "min": (2, 20), "max": (2, 20)}
"""Names and the least and most arguments of each."""
_TRAPS: Final = [InvalidOperation, DivisionByZero, Overflow]
EXACT: Final = Context(prec=100_000, Emax=999_999, Emin=-999_999, traps=[*_TRAPS, Inexact])
_QUOTIENT: Final = Context(prec=28, rounding=ROUND_HALF_EVEN, Emax=999_999, Emin=-999_999, traps=_TRAPS)
_TOKEN: Final = re.compile(
    r"\s+|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+(?:\.[0-9]+)?)(?![\w.])|[-+*/(),]", re.ASCII
)
_NAME, _LITERAL = "n_", "l_"
"""Before each name and each number while Python parses, so that `in` is a name, and 007 a number, like any other."""
_OPERATORS: Final[dict[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class FormulaError(Exception):
    """A text is no formula; the sentence says where and why."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or None with the sentence that says why it is not known."""

    number: Decimal | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    number: Decimal


@dataclass(frozen=True, slots=True)
class Named:
    """A quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An operator (+ - * / and `negative`) or a function with its operands."""

    operator: str
    operands: tuple[Node, ...]


Node = Number | Named | Applied


@dataclass(frozen=True, slots=True)
class Formula:
    """A text that was parsed."""

    text: str
    root: Node

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities that it names, each once, in their order."""
        return tuple(dict.fromkeys(node.name for node in _walk(self.root) if isinstance(node, Named)))

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Its value; unknown, with the reason, when one of its quantities is unknown or a divisor is 0."""
        return _evaluate(self.root, values)


def parse(text: str) -> Formula:
    """The formula that `text` writes. Raises FormulaError with a sentence when it writes none."""
    if len(text) > LONGEST:
        raise FormulaError(
            f"the formula is longer than {LONGEST} characters; take parts of it out as derived quantities"
        )
    try:
        tree = ast.parse(_marked(text), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(f"{_short(text)} is no formula; look for an operator or a parenthesis too many") from None
    return Formula(text, _node(tree.body, DEEPEST))


def _marked(text: str) -> str:
    """The text of known tokens alone, each name with its mark, in one line."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise FormulaError(
                f"{_short(text[place:])} cannot stand in a formula; it has names, plain numbers, + - * / ( ) and "
                f"{', '.join(FUNCTIONS)}"
            )
        if token["number"] and len(token["number"]) > LONGEST_NUMBER:
            raise FormulaError(f"{_short(token['number'])} has more than {LONGEST_NUMBER} digits")
        if token["name"]:
            parts.append(f" {_NAME}{token['name']} ")
        elif token["number"]:
            parts.append(f" {_LITERAL}{token['number'].replace('.', '_')} ")
        else:
            parts.append(token[0].strip() or " ")
        place = token.end()
    return " ".join(parts).strip()


def _node(tree: ast.expr, left: int) -> Node:
    if left == 0:
        raise FormulaError(
            f"the formula is nested deeper than {DEEPEST} levels; take parts of it out as derived quantities"
        )
    match tree:
        case ast.Name(id=mark) if mark.startswith(_LITERAL):
            return Number(Decimal(mark.removeprefix(_LITERAL).replace("_", ".")))
        case ast.Name(id=mark):
            name = mark.removeprefix(_NAME)
            if name in FUNCTIONS:
                raise FormulaError(f"{name} is a function; write its arguments in parentheses")
            return Named(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Applied("negative", (_node(operand, left - 1),))
        case ast.BinOp(left=first, op=sign, right=second) if type(sign) in _OPERATORS:
            return Applied(_OPERATORS[type(sign)], (_node(first, left - 1), _node(second, left - 1)))
        case ast.Call(func=ast.Name(id=mark), args=arguments, keywords=[]):
            return _call(mark.removeprefix(_NAME).removeprefix(_LITERAL), arguments, left)
    raise FormulaError("only names, numbers, + - * /, parentheses, abs, min and max can stand in a formula")


def _call(name: str, arguments: list[ast.expr], left: int) -> Node:
    if name not in FUNCTIONS:
        raise FormulaError(f"there is no function {name}; there are {', '.join(FUNCTIONS)}")
    least, most = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        wanted = "one argument" if least == most == 1 else f"{least} to {most} arguments"
        raise FormulaError(f"{name} takes {wanted}, not {len(arguments)}")
    return Applied(name, tuple(_node(argument, left - 1) for argument in arguments))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Applied):
        for operand in node.operands:
            yield from _walk(operand)


def _evaluate(node: Node, values: Mapping[str, Value]) -> Value:
    if isinstance(node, Number):
        return Value(node.number)
    if isinstance(node, Named):
        return values.get(node.name) or Value(None, f"{node.name} was not asked for")
    operands = [_evaluate(operand, values) for operand in node.operands]
    numbers = [operand.number for operand in operands if operand.number is not None]
    if len(numbers) < len(operands):
        reasons = dict.fromkeys(operand.reason for operand in operands if operand.number is None)
        return Value(None, "; ".join(reasons))
    if node.operator == "/" and numbers[1] == 0:
        return Value(None, f"{written(node.operands[1])} is 0, and nothing can be divided by it")
    try:
        return Value(_APPLIED[node.operator](numbers))
    except DecimalException:
        return Value(None, f"{written(node)} has more digits than are computed with")


_APPLIED: Final[dict[str, Callable[[list[Decimal]], Decimal]]] = {
    "+": lambda numbers: EXACT.add(numbers[0], numbers[1]),
    "-": lambda numbers: EXACT.subtract(numbers[0], numbers[1]),
    "*": lambda numbers: EXACT.multiply(numbers[0], numbers[1]),
    "/": lambda numbers: _QUOTIENT.divide(numbers[0], numbers[1]),
    "negative": lambda numbers: EXACT.minus(numbers[0]),
    "abs": lambda numbers: EXACT.abs(numbers[0]),
    "min": lambda numbers: min(numbers),
    "max": lambda numbers: max(numbers),
}


def written(node: Node) -> str:
    """A part of a formula in the notation of formulas, for sentences."""
    if isinstance(node, Number):
        return str(node.number)
    if isinstance(node, Named):
        return node.name
    parts = [written(operand) for operand in node.operands]
    if node.operator in FUNCTIONS:
        return f"{node.operator}({', '.join(parts)})"
    if node.operator == "negative":
        return f"-{parts[0]}"
    return f"({parts[0]} {node.operator} {parts[1]})"


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."
