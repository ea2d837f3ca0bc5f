"""Who is on call: layers, absences and overrides laid over each other. Pure; every answer carries its reason.

The final lane has no overlaps and leaves nothing out: where nobody is on call it says so. Overrides win over layers,
the one made later over the earlier; an override whose person is away counts for nothing. Later layers win over earlier.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.oncall.config import Schedule
from alerts.oncall.rotation import Absence, Shift, layer_shifts

__all__ = ["OVERRIDE", "Absence", "Override", "Rota", "Shift", "gaps", "next_shift", "on_call", "shifts"]

OVERRIDE = "override"
MOMENT = timedelta(milliseconds=1)
NOBODY = "no layer and no override covers it"
LOOK_AHEAD = timedelta(days=60)
"""How far the next shift is sought."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody takes a schedule for a time, whatever its layers say."""

    id: int
    schedule: str
    person: str
    start: datetime
    end: datetime
    by: str
    reason: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    """All lanes of a schedule over a period; `final` covers the whole of it."""

    layers: dict[str, list[Shift]]
    overrides: list[Shift]
    final: list[Shift]


def shifts(
    schedule: Schedule,
    overrides: Sequence[Override],
    absences: Sequence[Absence],
    start: datetime,
    end: datetime,
) -> Rota:
    """All lanes between two instants (aware). The order of the overrides does not matter."""
    layers = {layer.name: layer_shifts(schedule, layer, absences, start, end) for layer in schedule.layers}
    own = _overrides(schedule, overrides, absences, start, end)
    lanes = [*reversed(own), *reversed(list(layers.values()))]
    final = _final(lanes, start, end)
    shown = sorted((one for lane in own for one in lane), key=lambda one: (one.start, one.number))
    return Rota(layers, shown, final)


def on_call(schedule: Schedule, overrides: Sequence[Override], absences: Sequence[Absence], at: datetime) -> Shift:
    """Who is on call at an instant and why; the shift's ends are those of its moment only."""
    return shifts(schedule, overrides, absences, at, at + MOMENT).final[0]


def next_shift(final: Sequence[Shift], at: datetime) -> Shift | None:
    """The first shift of somebody after the one that holds at `at`; none when the lane ends before."""
    now = next((one.person for one in final if one.start <= at < one.end), None)
    return next((one for one in final if one.start > at and one.person not in (None, now)), None)


def gaps(rota: Rota) -> list[Shift]:
    """When nobody is on call, joined where gaps of different reasons touch."""
    found: list[Shift] = []
    for one in rota.final:
        if one.person is not None:
            continue
        if found and found[-1].end == one.start:
            reason = found[-1].reason if one.reason in found[-1].reason else f"{found[-1].reason}; {one.reason}"
            found[-1] = replace(found[-1], end=one.end, reason=reason)
        else:
            found.append(one)
    return found


def _overrides(
    schedule: Schedule,
    overrides: Sequence[Override],
    absences: Sequence[Absence],
    start: datetime,
    end: datetime,
) -> list[list[Shift]]:
    """One lane for each override, the one made last at the end; without the times at which its person is away."""
    lanes = []
    for one in sorted(overrides, key=lambda one: (one.made_at, one.id)):
        if one.schedule != schedule.name or one.start >= end or one.end <= start:
            continue
        why = f"override {one.id} by {one.by}" + (f": {one.reason}" if one.reason else "")
        whole = Shift(max(one.start, start), min(one.end, end), one.person, OVERRIDE, one.id, why)
        lanes.append(_without(whole, [away for away in absences if away.person == one.person]))
    return lanes


def _without(whole: Shift, absences: Sequence[Absence]) -> list[Shift]:
    pieces = [whole]
    for away in absences:
        cut: list[Shift] = []
        for piece in pieces:
            if piece.start < min(piece.end, away.start):
                cut.append(replace(piece, end=min(piece.end, away.start)))
            if max(piece.start, away.end) < piece.end:
                cut.append(replace(piece, start=max(piece.start, away.end)))
        pieces = cut
    return sorted(pieces, key=lambda one: one.start)


def _final(lanes: Sequence[Sequence[Shift]], start: datetime, end: datetime) -> list[Shift]:
    """For each moment the first lane that has somebody; a gap where none has."""
    edges = sorted({start, end, *(at for lane in lanes for one in lane for at in (one.start, one.end))})
    starts = [[one.start for one in lane] for lane in lanes]
    found: list[Shift] = []
    for opens, closes in itertools.pairwise(edges):
        chosen, empty = None, ""
        for lane, begins in zip(lanes, starts, strict=True):
            place = bisect_right(begins, opens) - 1
            one = lane[place] if place >= 0 and lane[place].end > opens else None
            if one is not None and one.person is not None:
                chosen = one
                break
            empty = empty or (one.reason if one is not None else "")
        piece = replace(chosen, start=opens, end=closes) if chosen else _gap(opens, closes, empty)
        if found and _same(found[-1], piece):
            found[-1] = replace(found[-1], end=closes)
        else:
            found.append(piece)
    return found


def _gap(start: datetime, end: datetime, reason: str) -> Shift:
    return Shift(start, end, None, "", 0, reason or NOBODY)


def _same(one: Shift, other: Shift) -> bool:
    return (one.person, one.layer, one.number, one.reason) == (other.person, other.layer, other.number, other.reason)
