"""Rows that line breaks in their own texts part into several lines, put together again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

Text = TypeVar("Text", str, bytes)
_MOST_LINES: Final = 10  # that follow the first line of one row


def whole_rows(
    lines: Iterator[tuple[int, Text]],
    is_short: Callable[[Text], bool],
    is_whole: Callable[[Text], bool],
    between: Text,
) -> Iterator[tuple[int, Text, bool]]:
    """Line, text and whether it was parted of each row: of short lines that are a whole row together, joined by `between`,
    the text of all; of any other line its own."""
    ahead: deque[tuple[int, Text]] = deque()
    while (found := ahead.popleft() if ahead else next(lines, None)) is not None:
        line, text = found
        joined, taken = text, 0
        while is_short(joined) and taken < _MOST_LINES:
            if taken == len(ahead):
                if (more := next(lines, None)) is None:
                    break
                ahead.append(more)
            if not is_short(ahead[taken][1]):
                break
            joined += between + ahead[taken][1]
            taken += 1
        parted = taken > 0 and is_whole(joined)
        for _ in range(taken if parted else 0):
            ahead.popleft()
        yield line, joined if parted else text, parted
