"""One pass over breaks.parquet for the document: the greatest breaks, and on whose side alone the lines stand."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciliation import breaks

GREATEST: Final = 50
_BATCH: Final = 8_192
Alone = tuple[str, str]  # party, class


@dataclass(slots=True)
class Tally:
    """What the lines of a result say together; `greatest` has no carried item and is by currency, the greatest first."""

    lines: int = 0
    breaks: Counter[str] = field(default_factory=Counter)  # by currency
    greatest: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    duplicates: Counter[str] = field(default_factory=Counter)  # surplus rows by party
    alone: Counter[Alone] = field(default_factory=Counter)  # in the first party without the last, or the other way


def of_lines(folder: Path, parties: tuple[str, ...]) -> Tally:
    """Read the lines of a result once; a result without lines has an empty tally."""
    from pyarrow import parquet

    tally = Tally()
    place = folder / breaks.FILE_PARQUET
    if not place.is_file():
        return tally
    heaps: dict[str, list[tuple[int, int, dict[str, Any]]]] = {}
    names = ("class", "carried", "currency", "at_risk_minor", *(f"{party}_record_id" for party in parties))
    with parquet.ParquetFile(place) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            rows = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
            for place_in_batch, (name, carried, currency, minor, *ids) in enumerate(rows):
                tally.lines += 1
                _count(
                    tally, name, [party for party, id_ in zip(parties, ids, strict=True) if id_ is not None], parties
                )
                if carried:
                    continue
                tally.breaks[currency] += 1
                heap = heaps.setdefault(currency, [])
                rank = (minor or 0, -tally.lines)
                if len(heap) < GREATEST or rank > heap[0][:2]:
                    heapq.heappush(heap, (*rank, batch.slice(place_in_batch, 1).to_pylist()[0]))
                if len(heap) > GREATEST:
                    heapq.heappop(heap)
    for currency in sorted(heaps):
        tally.greatest[currency] = [line for _, _, line in sorted(heaps[currency], key=lambda entry: entry[:2])][::-1]
    return tally


def _count(tally: Tally, name: str, present: Sequence[str], parties: Sequence[str]) -> None:
    if name.startswith("duplicate"):
        tally.duplicates.update(present)
    elif len(parties) > 1 and (parties[0] in present) != (parties[-1] in present):
        tally.alone[parties[0] if parties[0] in present else parties[-1], name] += 1
