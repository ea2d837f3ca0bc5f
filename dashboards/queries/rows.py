"""The shape in which queries hand rows to pages: plain dictionaries, in the order that the page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping

Row = dict[str, Any]

WORST_FIRST = ("critical", "warning", "unknown", "ok", "unjudged")
"""Statuses from worst to best; `unjudged` is a target that no check looks at."""


def rows(result: Iterable[RowMapping]) -> list[Row]:
    """Plain dictionaries of what `connection.execute(...).mappings()` yields."""
    return [dict(mapping) for mapping in result]


def worst(statuses: Iterable[str]) -> str:
    """The worst of these statuses; `unjudged` when there are none."""
    return min(statuses, key=WORST_FIRST.index, default="unjudged")
