"""The book of tickets: every kind with its flow, fields and clocks, as the package has them and the operator changes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from alerts.tickets.declared import (
    CODES,
    PARTY_TYPES,
    Declared,
    FieldEntry,
    Flow,
    KindChange,
    KindEntry,
    Party,
    Storm,
    Target,
    TicketsFile,
    duplicates,
)
from alerts.tickets.working_time import ALWAYS, NoWorkingTime, WorkingTime
from core.yaml_file import Place, read_yaml

PLACE = Path(__file__).with_name("kinds.yaml")
LONGEST = timedelta(days=366)


class BookError(Exception):
    """The declaration of the kinds is faulty; the sentences name every fault with its place."""


@dataclass(frozen=True)
class Book:
    """What holds for tickets. `hours` is the working time of clocks that do not run around the clock."""

    kinds: Mapping[str, KindEntry]
    flows: Mapping[str, Flow]
    parties: Mapping[str, Party]
    hours: WorkingTime
    warn_at: float = 0.75
    storm: Storm = field(default_factory=Storm)

    def flow(self, kind: str) -> Flow:
        """The states and moves of a kind."""
        return self.flows[self.kinds[kind].flow]

    def target(self, kind: str, priority: str) -> Target:
        """What the clocks of that kind allow at that priority."""
        found: Target = getattr(self.kinds[kind].targets, priority)
        return found

    def time(self, hours: str | None) -> WorkingTime:
        """The time that clocks of these hours count."""
        return self.hours if hours == "working" else ALWAYS

    def named(self, kind: str, name: str) -> FieldEntry | None:
        """The field of that name of a kind; None when it has none."""
        return next((one for one in self.kinds[kind].fields if one.name == name), None)

    def origins(self, kind: str) -> tuple[Party, ...]:
        """Who can ask for a ticket of that kind."""
        return self._among(self.kinds[kind].origins)

    def doers(self, kind: str) -> tuple[Party, ...]:
        """Who can be given a ticket of that kind."""
        return self._among(self.kinds[kind].doers)

    def _among(self, wanted: tuple[str, ...]) -> tuple[Party, ...]:
        return tuple(party for party in self.parties.values() if party.code in wanted or party.type in wanted)


@cache
def default_book() -> Book:
    """The twelve kinds as the package declares them. Raises BookError when its file is faulty."""
    return changed_by(TicketsFile())


@cache
def declared() -> Declared:
    """What kinds.yaml says. Raises BookError with every fault."""
    document = read_yaml(PLACE)
    found = document.validate(Declared) if document.readable else None
    if found is None or document.faults:
        raise BookError("; ".join(str(fault) for fault in document.faults))
    if tuple(found.kinds) != CODES:
        raise BookError(f"{PLACE.name} must declare the kinds {', '.join(CODES)}, in this order.")
    return found


def changed_by(file: TicketsFile) -> Book:
    """The book with an operator's changes. A file that `faults` refuses must not come here."""
    base = declared()
    parties = {party.code: party for party in (*base.parties, *file.parties)}
    kinds = {code: _changed(entry, file.kinds.get(code)) for code, entry in base.kinds.items()}
    return Book(kinds, {**base.flows, **file.flows}, parties, file.hours.time, file.warn_at, file.storm)


def _changed(entry: KindEntry, change: KindChange | None) -> KindEntry:
    if change is None:
        return entry
    said = {name: getattr(change, name) for name in change.model_fields_set - {"targets", "fields"}}
    said = {name: value for name, value in said.items() if value is not None}
    fields = {one.name: one for one in (*entry.fields, *change.fields)}
    targets = entry.targets.model_copy(update={str(name): target for name, target in change.targets.items()})
    return entry.model_copy(update={**said, "targets": targets, "fields": tuple(fields.values())})


def faults(file: TicketsFile) -> Iterator[tuple[Place, str]]:
    """What is wrong with the operator's file beyond its shape, each with its place."""
    for code in duplicates([party.code for party in file.parties]):
        yield ("parties",), f"the party {code!r} is declared twice; codes are unique"
    for number, party in enumerate(file.parties):
        if party.code in PARTY_TYPES:
            yield ("parties", number, "code"), f"{party.code!r} is a type of party; give the party another code"
    if _idle(file.hours.time):
        yield ("hours",), "these hours have no working time in a year; look at the exceptions"
    base = declared()
    flows = {*base.flows, *file.flows}
    known = {*PARTY_TYPES, *(party.code for party in (*base.parties, *file.parties))}
    for code, change in file.kinds.items():
        place: Place = ("kinds", code)
        if code not in base.kinds:
            yield place, f"there is no kind of ticket {code!r}; choose one of {', '.join(CODES)}"
            continue
        if change.flow is not None and change.flow not in flows:
            yield (*place, "flow"), f"{code}: there is no flow {change.flow!r}; there are {', '.join(sorted(flows))}"
        for name, parties in (("from", change.origins or ()), ("to", change.doers or ())):
            for party_code in parties:
                if party_code not in known:
                    sentence = f"{code}: there is no party {party_code!r}; declare it under `parties`"
                    yield (*place, name), sentence
        for field_name in duplicates([one.name for one in change.fields]):
            yield (*place, "fields"), f"{code}: the field {field_name!r} is declared twice; names are unique"


def _idle(hours: WorkingTime) -> bool:
    from datetime import UTC, datetime

    start = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        return hours.after(start, timedelta(minutes=1)) > start + LONGEST
    except NoWorkingTime:
        return True
