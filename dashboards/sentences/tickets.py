"""What tickets refuse people, and what happened to a ticket, as shapes of sentences.

What people wrote themselves - comments, reasons, causes - stays as they wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboards.locale import Say, mark
from dashboards.sentences.shapes import fitted, said, shape

SHAPES: Final = (
    mark("Ticket {n} is of the kind {ticketkind}, which does not know how to {doing}."),
    mark("{who} has no right to work on tickets; an administrator can give one."),
    mark("{who} opened ticket {n}; another person must {doing} it."),
    mark("{who} resolved ticket {n}; another person must {doing} it."),
    mark("It is for {people} to {doing} ticket {n}."),
    mark("Ticket {n} was passed on to {party}; it is for its people or a dispatcher to {doing} it."),
    mark("{who} is not of {party}, to which ticket {n} was passed on; ask a dispatcher."),
    mark("Ticket {n} is {ticketstate}; its priority is of no more use."),
    mark("Ticket {n} has the priority {priority} already."),
    mark("A lower priority gives ticket {n} more time; it is for a dispatcher to give."),
    mark("Ticket {n} was changed by somebody else just now; look at it again."),
    mark("{party} is no party for tickets of the kind {ticketkind}; choose one of {names}."),
    mark("The text has more than {n} characters; put it into a file."),
    mark("Tickets of the kind {ticketkind} have no field {name}."),
    mark("This needs the field {name}; nothing was written."),
    mark("The field {name} has more than {n} characters; put it into a file."),
    mark("The field {name} cannot be {text}; choose one of {names}."),
    mark("The field {name} is no number: {text}; write digits, such as 12 or 0.5."),
    mark("The field {name} is no amount with its currency: {text}; write it like 12.30 CNY."),
    mark("The field {name} is no date: {text}; write it like 2026-03-02."),
    mark("The field {name} is no time: {text}; write it like 2026-03-02 09:30."),
    mark("The field {name} is no subscriber number; write 5 to 20 digits."),
    mark("There is no relation {name}; choose one of {names}."),
    mark("Ticket {n} hangs on ticket {other} already; a ring of tickets has no end."),
    mark("There is no alert {n}."),
    mark("{text} is nothing that a ticket can be about; write one of {names}, a slash and a number: alert/12."),
    mark("There is no account named {who} that is open; give the ticket to somebody who has one."),
    mark("{who} has the role {role}, which does not work on tickets; choose somebody else."),
    mark("{text} is no number; write digits, such as 12."),
    mark("Ticket {n} has no such link."),
    mark("The file {name} is empty; nothing was written."),
    mark("The file {name} has more than {n} MiB; pack it or cut it."),
    mark("The file {name} is no picture, PDF, Office document, archive or UTF-8 text."),
    mark("Ticket {n} has {most} files already; pack some into one."),
    mark("The alert cleared by itself before anybody took the ticket."),
    mark("All tickets of the storm are closed."),
)
_LATE: Final = (mark("Ticket {n} is late: to {doing} it was due at {instant}."),)
_SOON: Final = (mark("Ticket {n} will be late soon: to {doing} it is due at {instant}."),)
_LINKS: Final = (
    mark("child of ticket {n}"),
    mark("duplicate of ticket {n}"),
    mark("caused by ticket {n}"),
    mark("alert {n}"),
    mark("break {n}"),
    mark("run {n}"),
    mark("job {n}"),
    mark("change {n}"),
    mark("{n} tickets became its children"),
)
EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "opened": (mark("by alert {n}: {text}"),),
    "assigned": (mark("to {who}"),),
    "transferred": (mark("to {party}: {text}"),),
    "department": (mark("{party}: {who} is of it"),),
    "priority": (mark("{priority_1} -> {priority_2}: {text}"),),
    "paused": (mark("waits for {who}: {text}"),),
    "resolved": (mark("cause: {cause}; remedy: {text}"),),
    "reopened": (mark("the alert came back, so the remedy did not hold"),),
    "closed": (
        mark("The alert cleared by itself before anybody took the ticket."),
        mark("All tickets of the storm are closed."),
    ),
    "alert_cleared": (mark("alert {n} is resolved"),),
    "alert_returned": (mark("alert {n} fires: {text}"),),
    "linked": _LINKS,
    "unlinked": _LINKS,
    "respond_late": _LATE,
    "resolve_late": _LATE,
    "respond_warned": _SOON,
    "resolve_warned": _SOON,
}
"""The shapes that the detail of an event of that kind can have."""


def event_detail(kind: str, detail: str, _: Say) -> str:
    """The detail of an event of a ticket; one of no known shape is shown as it was written."""
    for message in EVENTS.get(kind, ()):
        found = fitted(shape(message), detail)
        if found is not None:
            return _(message, **{hole: said(hole, words, _) for hole, words in found.items()})
    return detail
