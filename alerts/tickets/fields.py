"""The fields of a ticket's kind: what people write is read, checked and kept; subscriber numbers are masked before that.

Kept are: text, date (YYYY-MM-DD), instant (ISO 8601 in UTC), choice (its code) and subscriber (masked) as text, number as
a decimal text, money as `{"minor": 1230, "currency": "CNY"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.tickets.book import Book
from alerts.tickets.declared import FieldEntry
from alerts.tickets.machine import TicketError
from core.money import format_minor, parse_minor

LONGEST_TEXT: Final = 4000
_MONEY: Final = re.compile(r"(?P<before>[A-Z]{3})? ?(?P<amount>-?[0-9][0-9,]*(?:\.[0-9]+)?) ?(?P<after>[A-Z]{3})?")
_SUBSCRIBER: Final = re.compile(r"\+?[0-9]{5,20}", re.ASCII)
_SHOWN_BEFORE, _SHOWN_AFTER = 3, 4


def checked(
    book: Book, kind: str, given: Mapping[str, object], when: str, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The fields of a ticket with what was given added to what it has. `when` is opening or resolving: what is needed then.

    Raises TicketError for a field that the kind has not, a value that is none of its type, and one that is missing.
    """
    entry = book.kinds[kind]
    found = dict(known or {})
    for name, raw in given.items():
        field = book.named(kind, name)
        if field is None:
            raise TicketError(f"Tickets of the kind {kind} have no field {name[:60]!r}.")
        text = str(raw if raw is not None else "").strip()
        if text:
            found[name] = _value(field, text, book.hours.zone)
    wanted = ("opening",) if when == "opening" else ("opening", "resolving")
    for field in entry.fields:
        if field.needed in wanted and field.name not in found:
            raise TicketError(f"This needs the field {field.name}; nothing was written.")
    return found


def shown(field: FieldEntry, value: Any, language: str, zone: ZoneInfo) -> str:
    """A kept value for readers; one of another shape than its type's is shown as it is."""
    if field.type == "money" and isinstance(value, dict):
        return format_minor(value["minor"], value["currency"], language)
    if field.type == "choice":
        chosen = next((choice for choice in field.choices if choice.code == value), None)
        return str(value) if chosen is None else chosen.zh if language.startswith("zh") else chosen.en
    if field.type == "instant":
        return f"{datetime.fromisoformat(str(value)).astimezone(zone):%Y-%m-%d %H:%M}"
    return str(value)


def masked(number: str) -> str:
    """A subscriber number of which only the first three and the last four digits are left."""
    digits = number.removeprefix("+")
    if len(digits) <= _SHOWN_BEFORE + _SHOWN_AFTER:
        return "*" * (len(digits) - 2) + digits[-2:]
    return digits[:_SHOWN_BEFORE] + "*" * (len(digits) - _SHOWN_BEFORE - _SHOWN_AFTER) + digits[-_SHOWN_AFTER:]


def _value(field: FieldEntry, text: str, zone: ZoneInfo) -> Any:
    if len(text) > LONGEST_TEXT:
        raise TicketError(f"The field {field.name} has more than {LONGEST_TEXT} characters; put it into a file.")
    if field.type == "number":
        return _number(field.name, text)
    if field.type == "money":
        return _money(field.name, text)
    if field.type == "date":
        return _date(field.name, text)
    if field.type == "instant":
        return _instant(field.name, text, zone)
    if field.type == "choice":
        if text not in {choice.code for choice in field.choices}:
            choices = ", ".join(choice.code for choice in field.choices)
            raise TicketError(f"The field {field.name} cannot be {text[:60]!r}; choose one of {choices}.")
        return text
    if field.type == "subscriber":
        return _subscriber(field.name, text)
    return text


def _number(name: str, text: str) -> str:
    try:
        found = Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise TicketError(f"The field {name} is no number: {text[:60]!r}; write digits, such as 12 or 0.5.") from error
    if not found.is_finite():
        raise TicketError(f"The field {name} is no number: {text[:60]!r}; write digits, such as 12 or 0.5.")
    return f"{found:f}"


def _money(name: str, text: str) -> dict[str, Any]:
    found = _MONEY.fullmatch(text)
    currency = (found["before"] or found["after"]) if found else None
    if found is None or currency is None:
        raise TicketError(f"The field {name} is no amount with its currency: {text[:60]!r}; write it like 12.30 CNY.")
    try:
        return {"minor": parse_minor(found["amount"].replace(",", ""), currency), "currency": currency}
    except ValueError as error:
        raise TicketError(f"{error}; nothing was written.") from error


def _date(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise TicketError(f"The field {name} is no date: {text[:60]!r}; write it like 2026-03-02.") from error


def _instant(name: str, text: str, zone: ZoneInfo) -> str:
    try:
        found = datetime.fromisoformat(text)
        local = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        return local.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise TicketError(f"The field {name} is no time: {text[:60]!r}; write it like 2026-03-02 09:30.") from error


def _subscriber(name: str, text: str) -> str:
    plain = text.replace(" ", "").replace("-", "")
    if "*" in text and re.fullmatch(r"[0-9]*\*+[0-9]{2,4}", text, re.ASCII):
        return text
    if not _SUBSCRIBER.fullmatch(plain):
        raise TicketError(f"The field {name} is no subscriber number; write 5 to 20 digits.")
    return masked(plain)
