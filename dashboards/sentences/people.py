"""Who a step of a ticket is for, as a sentence names them."""

from __future__ import annotations

from dashboards.locale import mark

PEOPLE = {
    "its assignee": mark("its assignee"),
    "who opened it": mark("who opened it"),
    "an approver": mark("an approver"),
    "anyone": mark("anyone"),
}
