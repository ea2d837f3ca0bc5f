"""The duty log as rows of text, as people take it away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.store.open import reading
from dashboards.components.words import ENTRY_KIND, word
from dashboards.context import Console
from dashboards.locale import Say
from dashboards.pages.duty import chosen
from dashboards.queries import duty

MOST_EXPORTED = 50_000


def exported(console: Console, filters: Mapping[str, str], _: Say) -> Iterable[Iterable[str]]:
    """The log with these filters as rows of text, under a row of names."""
    desk = chosen(console, filters)
    yield [
        _("Entry"),
        _("When"),
        _("Written"),
        _("Who"),
        _("Kind"),
        _("What happened"),
        _("Facts"),
        _("Belongs to"),
        _("Corrects entry"),
    ]
    if desk is None:
        return
    with reading(console.engine) as connection:
        found = duty.log(connection, desk.name, filters, desk.zone, MOST_EXPORTED)
    for row in found:
        yield [
            str(row["id"]),
            _.instant(row["at"]),
            _.instant(row["written_at"]),
            row["who"],
            word(ENTRY_KIND, row["kind"], _),
            row["text"],
            "; ".join(f"{name}: {value}" for name, value in row["fields"].items()),
            row["link"] or "",
            str(row["corrects"] or ""),
        ]
