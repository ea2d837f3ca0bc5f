"""What each party says of one key, side by side: the raw record with file and line, and where the records differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html

from dashboards.components.panels import empty
from dashboards.components.values import money
from dashboards.components.words import PARTY, RECORD_STATUS, word
from dashboards.locale import Say, mark

FIELDS = {
    "record_id": mark("Record"),
    "amount_minor": mark("Amount"),
    "currency": mark("Currency"),
    "status": mark("Status"),
    "fee_minor": mark("Fee"),
    "occurred_at": mark("Occurred"),
}
COMPARED = ("amount_minor", "currency", "status", "fee_minor")
"""Fields in which the records of parties that agree are equal."""


def differing(records: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The compared fields in which the records that are there differ; a field that one leaves empty does not differ."""
    found = set()
    for name in COMPARED:
        values = {record.get(name) for record in records.values() if record.get(name) not in (None, "")}
        if len(values) > 1:
            found.add(name)
    return frozenset(found)


def side_by_side(
    parties: Sequence[str], records: Mapping[str, Mapping[str, Any]], currency: str, _: Say
) -> html.Div | html.P:
    """A card for each party; one that has no record says so."""
    if not parties:
        return empty(_("An equation has no records; its quantities are on the page of its run."))
    unlike = differing(records)
    return html.Div([_card(party, records.get(party), unlike, currency, _) for party in parties], className="records")


def _card(party: str, record: Mapping[str, Any] | None, unlike: frozenset[str], currency: str, _: Say) -> html.Section:
    name = html.H3(word(PARTY, party, _))
    if not record:
        nothing = html.P([html.Span(className="state-shape"), _("no record")], className="state state-critical")
        return html.Section([name, nothing], className="record-card record-absent")
    lines = []
    for field, label in FIELDS.items():
        shown = _shown(field, record, currency, _)
        if shown is None:
            continue
        differs = field in unlike
        said = [html.Span(["≠ ", _("differs")], className="differs-mark")] if differs else []
        lines.append(
            html.Div(
                [html.Dt(_(label)), html.Dd([shown, *said])], className="record-line" + (" differs" if differs else "")
            )
        )
    place = html.P(
        f"{record.get('file', '')}:{record.get('line', '')}", className="record-place", title=_("File and line")
    )
    return html.Section([name, html.Dl(lines), place], className="record-card")


def _shown(field: str, record: Mapping[str, Any], currency: str, _: Say) -> str | None:
    value = record.get(field)
    if value in (None, ""):
        return None
    if field in ("amount_minor", "fee_minor"):
        return money(int(value), record.get("currency") or currency, _)
    if field == "status":
        return word(RECORD_STATUS, str(value), _)
    if field == "occurred_at":
        return _.instant(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
    return str(value)
