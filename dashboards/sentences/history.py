"""What happened to a break, in the viewer's language, from the kind of an event and the detail that was written down.

What people wrote themselves - comments, reasons, explanations - stays as they wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.money import EXPONENTS
from dashboards.components.values import money
from dashboards.components.words import REASON, word
from dashboards.locale import Say, mark
from dashboards.sentences.shapes import fitted, said, shape

_DECIDED: Final = (mark("{adjustment} by {who}: {text}"), mark("{adjustment} by {who}"))
EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "found": (mark("found by the run of {day} (run {n})"),),
    "found_again": (mark("found again by the run of {day} (run {n})"),),
    "assigned": (mark("to {who}"),),
    "ticket": (mark("ticket {n}"),),
    "approved": _DECIDED,
    "rejected": _DECIDED,
    "withdrawn": _DECIDED,
    "proven": (mark("{adjustment} at {party} is proven by the run of {day} (run {n})"),),
    "disproven": (mark("the run of {day} (run {n}) found the break again; it waits for its proof anew"),),
    "explained": (mark("{code}: {text}"),),
}
"""The shapes that the detail of an event of that kind can have."""
PROPOSED: Final = (
    (
        "{adjustment} at {party}, {minor} {currency} in minor units: {text}",
        mark("{adjustment} at {party}, {money}: {text}"),
    ),
    ("{adjustment}, {minor} {currency} in minor units: {text}", mark("{adjustment}, {money}: {text}")),
)
"""The shapes of a proposal, and what is said of it: the money as people write it."""


def event_detail(kind: str, detail: str, _: Say) -> str:
    """The detail of an event; one of no known shape is shown as it was written."""
    if kind == "reason":
        return word(REASON, detail, _)
    if kind == "proposed":
        return _proposed(detail, _)
    for message in EVENTS.get(kind, ()):
        found = fitted(shape(message), detail)
        if found is not None:
            return _(message, **{hole: said(hole, text, _) for hole, text in found.items()})
    return detail


def _proposed(detail: str, _: Say) -> str:
    for written, message in PROPOSED:
        found = fitted(shape(written), detail)
        if (
            found is None
            or found["currency"] not in EXPONENTS
            or not found["minor"].isascii()
            or not found["minor"].isdigit()
        ):
            continue
        values = {hole: said(hole, text, _) for hole, text in found.items() if hole not in ("minor", "currency")}
        return _(message, **values, money=money(int(found["minor"]), found["currency"], _))
    return detail
