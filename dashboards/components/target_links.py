"""What an alert is about, as a link to where that is shown; as its name alone where nothing shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc

from dashboards.components.filters import segment
from dashboards.locale import Say


def target_link(name: str, kind: str | None, labels: Mapping[str, Any] | None, _: Say) -> Any:
    """A job among the heartbeats, a ticket on its own page, a desk on the duty page, a target of ours among the targets.

    `kind` is that of the target in the inventory, none when it is not in it; `labels` are those of the alert. A pushed alert
    may be about something that is none of these.
    """
    known = labels or {}
    about = known.get("target_kind")
    if about == "job":
        return dcc.Link(name, href=f"/heartbeats?job={segment(name)}")
    if about == "ticket" and str(known.get("ticket", "")).isdigit():
        return dcc.Link(_("Ticket {n}", n=known["ticket"]), href=f"/tickets/{known['ticket']}")
    if kind == "duty_desk":
        return dcc.Link(name, href=f"/duty?desk={segment(name)}")
    return name if kind is None else dcc.Link(name, href=f"/targets/{segment(name)}")
