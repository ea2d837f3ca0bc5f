"""What is wrong in a match beyond its single fields: what it names of columns, classes, sources and fetches."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from core.yaml_file import Document, Place
from reconciliation.passes import unclear
from reconciliation.request import STANDARD
from reconciliation.rules import general, three_way
from reconciliation.sources import STATEMENTS
from reconciliation.standard_record import COLUMNS, PARTIES

SOURCES: Final[Mapping[str, str | None]] = {STANDARD: None, **STATEMENTS}
"""The formats that a party may name, and the module of each; the standard record (CSV, Parquet) has no settings."""
FETCHES: Final[Mapping[str, str]] = {
    "sftp": "reconciliation.fetch.sftp",
    "sql_query": "reconciliation.fetch.sql_query",
}
"""What may bring a file, and the module of each."""
FEWEST_PARTIES: Final = 2
KEY: Final = ("business_key", "kind")


def find(document: Document, raw: Mapping[str, Any]) -> None:
    """Note every fault of the match whose fields are `raw`; fields that have faults of their own are passed over."""
    parties = raw.get("parties")
    parties = parties if isinstance(parties, dict) else {}
    rules = raw.get("rules", "three_way")
    if parties:
        _parties(document, rules, tuple(parties), raw)
    for name, party in parties.items():
        if isinstance(party, dict):
            _party(document, ("parties", name), party)
    columns = columns_of(party.get("source") for party in parties.values() if isinstance(party, dict))
    for field in ("key", "dimensions"):
        unknown_columns(document, (field,), _texts(raw.get(field)), columns)
    if raw.get("key") is not None and sorted(_texts(raw["key"])) != sorted(KEY):
        sentence = f"key: records are matched by {' and '.join(KEY)}; let the source's settings make the business_key"
        document.fault(("key",), sentence)
    passes = raw.get("passes")
    for number, entry in enumerate(passes if isinstance(passes, list) else ()):
        if isinstance(entry, dict):
            _pass(document, ("passes", number), entry, columns)
            if rules == "general" and FEWEST_PARTIES <= len(parties) <= general.MOST_PARTIES:
                _between(document, ("passes", number), entry.get("between"), tuple(parties))
    limits = raw.get("limits")
    limited = limits.get("classes") if isinstance(limits, dict) else None
    _classes(document, ("losers",), raw.get("losers"), rules, tuple(parties))
    _classes(document, ("limits", "classes"), limited, rules, tuple(parties))


def _pass(document: Document, place: Place, raw: Mapping[str, Any], columns: Collection[str]) -> None:
    """Columns that the pass at `place` names and no record has."""
    for kind, field in (("tolerance", "same"), ("batch", "by")):
        given = raw.get(kind)
        if isinstance(given, dict):
            unknown_columns(document, (*place, kind, field), _texts(given.get(field)), columns)


def _between(document: Document, place: Place, given: Any, parties: tuple[str, ...]) -> None:
    """What is unclear about the two parties of the pass at `place`; a value that names no two is the model's to refuse."""
    if given is None or (isinstance(given, list) and len(given) == 2 and all(isinstance(name, str) for name in given)):
        for sentence in unclear(given, parties):
            document.fault((*place, "between"), f"{_shown(place)}: {sentence}")


def _texts(value: Any) -> list[str]:
    """The texts of a list, those in lists within it too."""
    if isinstance(value, str):
        return [value]
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []


def columns_of(sources: Iterable[Any]) -> tuple[str, ...]:
    """The columns that records have: those of the standard record, and what the sources add as their `COLUMNS`."""
    more: list[str] = []
    for source in sources:
        module = _module(SOURCES.get(source)) if isinstance(source, str) else None
        more += getattr(module, "COLUMNS", ()) if module is not None else ()
    return tuple(dict.fromkeys((*COLUMNS, *more)))


def classes_of(rules: str, parties: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that a key of these parties can have by these rules."""
    return tuple(three_way.LOSERS) if rules == "three_way" else general.classes(parties)


def unknown_columns(document: Document, place: Place, names: Iterable[str], known: Collection[str]) -> None:
    """Note each name that is no column."""
    for name in names:
        if name not in known:
            document.fault(place, f"{_shown(place)}: there is no column {name!r}; there are {', '.join(known)}")


def _party(document: Document, place: Place, raw: Mapping[str, Any]) -> None:
    """An unknown source or fetch of the party at `place`, and what their own settings refuse."""
    shown, source, settings = place[-1], raw.get("source", "standard"), raw.get("with") or {}
    if isinstance(source, str) and source not in SOURCES:
        document.fault((*place, "source"), f"{shown}: there is no source {source!r}; there are {', '.join(SOURCES)}")
    elif isinstance(source, str):
        _settings(document, (*place, "with"), SOURCES[source], source, settings)
    fetch = raw.get("fetch")
    if not isinstance(fetch, dict):
        return
    if len(fetch) != 1:
        document.fault((*place, "fetch"), f"{shown}: fetch holds one of {', '.join(FETCHES)}")
    for name, value in fetch.items():
        if name not in FETCHES:
            sentence = f"{shown}: there is no fetch {name!r}; there are {', '.join(FETCHES)}"
            document.fault((*place, "fetch", name), sentence)
        else:
            _settings(document, (*place, "fetch", name), FETCHES[name], name, value or {})


def _settings(document: Document, place: Place, path: str | None, name: str, value: Any) -> None:
    module = _module(path)
    model = getattr(module, "Config", None)
    if model is None:
        if value:
            document.fault(place, f"{name} has no settings of its own; take them out")
        return
    if isinstance(model, type) and issubclass(model, BaseModel):
        document.validate(model, place, value)


def _module(path: str | None) -> Any:
    """A source's or fetch's module; None when it has none."""
    return importlib.import_module(path) if path is not None and importlib.util.find_spec(path) is not None else None


def _parties(document: Document, rules: Any, names: tuple[str, ...], raw: Mapping[str, Any]) -> None:
    count = len(names)
    if count < FEWEST_PARTIES:
        document.fault(("parties",), f"a match needs at least {FEWEST_PARTIES} parties; {count} is given")
    elif rules == "three_way" and names != PARTIES:
        sentence = f"the three-way rules are for {', '.join(PARTIES)}, in this order; for others say `rules: general`"
        document.fault(("parties",), sentence)
    elif rules == "general" and count > general.MOST_PARTIES:
        document.fault(("parties",), f"at most {general.MOST_PARTIES} parties can be matched; {count} are given")
    for field in ("losers", "passes"):
        if rules == "three_way" and raw.get(field):
            document.fault((field,), f"{field}: the three-way rules have their own; say `rules: general`")


def _classes(document: Document, place: Place, given: Any, rules: Any, parties: tuple[str, ...]) -> None:
    if rules == "general" and not FEWEST_PARTIES <= len(parties) <= general.MOST_PARTIES:
        return
    for name in given if isinstance(given, dict) else ():
        known = classes_of(rules, parties)
        if name not in known:
            document.fault((*place, name), f"{place[-1]}: there is no class {name!r}; there are {', '.join(known)}")


def _shown(place: Place) -> str:
    return ".".join(str(part) for part in place)
