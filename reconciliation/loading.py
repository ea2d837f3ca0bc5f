"""Load: the rows of each party's file, judged, with the totals of the whole file, and which of the rows stand.

Where the engine can bring whole columns into this process, a first look finds the rows that are at rest, and only the
others are brought before the engine again with all their cells. Elsewhere, and where little is at rest, every row is
looked at closely. Both give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciliation import arrival, carried, conservation, first_look
from reconciliation.arrival import Arrival
from reconciliation.conservation import FileTotals, Totals
from reconciliation.engines import Columnar, ReadError
from reconciliation.first_look import Found, Looked
from reconciliation.matching import Party, arrange
from reconciliation.sources import Loaded, Opened, SourceError
from reconciliation.validation import OTHER_DAY, PLACEHOLDER, checked

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Engine
    from reconciliation.request import Request
    from reconciliation.validation import Day

AGAIN: Final = "_again"
_DAYS_SHOWN: Final = 3
_AT_ONCE: Final = 3  # parties worked for side by side; more would only take the engine's threads from each other
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Load:
    """What was loaded of each party: the rows that were looked at closely, the file's totals, where its rows are, and the
    totals of those at rest, which are matched. With `faults`, sentences, nothing else is to be used."""

    loaded: Mapping[str, Loaded]
    totals: Mapping[str, FileTotals]
    parties: dict[str, Party]
    at_rest: Totals
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Ways:
    """The ways to read a party's file: that which stood at a first look, if there was one, and those that are left."""

    left: Iterator[Opened]
    stood: Opened | None = None

    def all(self) -> Iterator[Opened]:
        if self.stood is not None:
            yield self.stood
        yield from self.left


def load(engine: Engine, request: Request, arrivals: Mapping[str, Arrival], day: Day, folder: Path) -> Load:
    """Load every party's file; `folder` is the run's own.

    Nothing is refused on the word of digests: where they told which rows are at rest, everything is looked at closely
    before.
    """
    brought = carried.read(engine, request.carried, request.adjusted, request.names)
    ways = {
        party: _Ways(arrived.source.ways(engine, arrived.delivered, day, folder)) for party, arrived in arrivals.items()
    }
    if isinstance(engine, Columnar) and request.time_tolerance is None:
        found, faults = _first(engine, request, arrivals, ways, brought, day)
        if faults:
            return Load({}, {}, {}, Totals(), tuple(faults))
        if found is not None:
            loaded = _close(engine, request, arrivals, ways, found, brought, day, folder)
            if not loaded.faults:
                return loaded
            engine.clear()
            brought = carried.read(engine, request.carried, request.adjusted, request.names)
    return _close(engine, request, arrivals, ways, None, brought, day, folder)


def _first(
    engine: Columnar,
    request: Request,
    arrivals: Mapping[str, Arrival],
    ways: Mapping[str, _Ways],
    brought: Mapping[str, ir.Table],
    day: Day,
) -> tuple[Found | None, list[str]]:
    """What a first look finds that has to be looked at closely (None: everything), and a sentence for each file that is
    refused."""
    faults: list[str] = []
    judged, counted = request.names[:2]  # one has all its cells judged, one its keys counted: the work is shared

    def look(party: str) -> Looked:
        def seen(opened: Opened, _: str) -> tuple[Looked, int]:
            found = first_look.look(engine, opened, day, alike=party != judged, once=party == counted)
            return found, found.count

        ways[party].stood, looked = _first_that_stands(ways[party].left, party, seen)
        return looked

    looked = _for_each(arrivals, request.names, look, faults)
    return None if faults else first_look.compare(engine, looked, brought.values()), faults


def _close(
    engine: Engine,
    request: Request,
    arrivals: Mapping[str, Arrival],
    ways: Mapping[str, _Ways],
    found: Found | None,
    brought: Mapping[str, ir.Table],
    day: Day,
    folder: Path,
) -> Load:
    """A close look at the rows that a first look found, or at all, and whether the files tie."""
    faults: list[str] = []
    at_rest = Totals() if found is None else found.at_rest

    def close(party: str) -> tuple[Loaded, FileTotals, Party]:
        opened = ways[party].stood
        if found is None or opened is None:
            file = whole(engine, party, ways[party].all(), day)
        else:
            file = _picked(engine, opened, found.odd[party], day, folder)
        return file, conservation.of_file(engine, file, at_rest), arrange(engine, file, brought.get(party))

    loaded: dict[str, Loaded] = {}
    totals: dict[str, FileTotals] = {}
    parties: dict[str, Party] = {}
    for party, result in _for_each(arrivals, request.names, close, faults).items():
        loaded[party], totals[party], parties[party] = result
        faults += untied(arrivals[party], loaded[party].opened, totals[party].stated)
        faults += of_another_day(engine, loaded[party], totals[party], day)
    return Load(loaded, totals, parties, at_rest, tuple(faults))


def whole(engine: Engine, party: str, ways: Iterable[Opened], day: Day) -> Loaded:
    """Every row of a file, judged. Raises SourceError."""

    def judge(opened: Opened, name: str) -> tuple[ir.Table, int]:
        keep = opened.delivered.keep
        rows = engine.number(name, checked(opened.text, day, mended=opened.mended is not None, keep=keep))
        count = -1 if opened.count is None else engine.fetch(rows.aggregate(count=rows.count()))[0]["count"]
        return rows, count

    return Loaded(*_first_that_stands(ways, f"{party}_rows", judge))


def _picked(engine: Engine, opened: Opened, rows: numpy.ndarray[Any, Any], day: Day, folder: Path) -> Loaded:
    """The rows of a file with these numbers, judged. Raises SourceError."""
    party = opened.delivered.party

    def judge(opened: Opened, name: str) -> tuple[ir.Table, int]:
        text = opened.picked(engine, rows, folder / f"{party}.picked")
        judged = checked(text, day, mended=opened.mended is not None, keep=opened.delivered.keep)
        return engine.number(name, judged), opened.count or 0

    return Loaded(*_first_that_stands([opened], f"{party}_rows", judge))


def _first_that_stands(
    ways: Iterable[Opened], name: str, work: Callable[[Opened, str], tuple[Result, int]]
) -> tuple[Opened, Result]:
    """The first way to read a file whose result has the rows that it must have, with that result. Raises SourceError."""
    said: ReadError | None = None
    unreadable = ""
    for number, opened in enumerate(ways):
        unreadable = opened.unreadable
        try:
            result, count = work(opened, name if number == 0 else name + AGAIN)
        except ReadError as error:
            said = error
            continue
        if opened.count in (None, count):
            return opened, result
    raise SourceError(f"it cannot be read {unreadable} ({said}); ask for it again")


def _for_each(
    arrivals: Mapping[str, Arrival], parties: Sequence[str], work: Callable[[str], Result], faults: list[str]
) -> dict[str, Result]:
    """The work of each party, so that expressions are compiled for one while the engine works for another; a party
    whose file is refused adds a sentence to `faults` and is left out."""

    def guarded(party: str) -> tuple[Result | None, str]:
        try:
            return work(party), ""
        except SourceError as error:
            return None, f"{arrivals[party].delivered.path}: {error}"

    done: dict[str, Result] = {}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        for party, (result, fault) in zip(parties, pool.map(guarded, parties), strict=True):
            if result is None:
                faults.append(fault)
            else:
                done[party] = result
    return done


def of_another_day(engine: Engine, loaded: Loaded, totals: FileTotals, day: Day) -> list[str]:
    """A sentence when no row of the file can be used, and all that can be read are of other days."""
    rows = loaded.rows
    if totals.faulty.count < totals.stated.count or not totals.stated.count:
        return []
    found = engine.fetch(rows.filter(rows["fault"] != PLACEHOLDER).select("fault", "offending").distinct())
    if not found or any(row["fault"] != OTHER_DAY or not _is_day(row["offending"]) for row in found):
        return []
    days = ", ".join(sorted({row["offending"] for row in found})[:_DAYS_SHOWN])
    return [
        f"{loaded.delivered.path}: its rows are of {days}, none of {day.business_day};"
        f" it is another day's file; ask for that of {day.business_day}"
    ]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def untied(arrived: Arrival, opened: Opened, found: Totals) -> list[str]:
    """A sentence for each total of the file's rows that differs from what its manifests state."""
    uncertain = opened.mended.uncertain_amount_minor if opened.mended else 0
    faults = arrival.tie(arrived, found.count, found.amount_minor, uncertain)
    if opened.claimed is not None:
        faults += arrival.differences(
            arrived.delivered.path, opened.claimed, found.count, found.amount_minor, uncertain, " in it"
        )
    return faults
