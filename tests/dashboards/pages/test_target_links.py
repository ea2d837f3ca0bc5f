"""The target of an alert leads to where it is shown, and nowhere where nothing shows it."""

from __future__ import annotations

import pytest
from dash import dcc

from dashboards.components.target_links import target_link
from dashboards.locale import Say

CASES = [
    ("a target of ours", "db-1", "database", {"target_kind": "database"}, "/targets/db-1"),
    ("a ticket", "ticket-12", None, {"target_kind": "ticket", "ticket": "12"}, "/tickets/12"),
    ("a job", "nightly/backup", None, {"target_kind": "job"}, "/heartbeats?job=nightly%2Fbackup"),
    ("a duty desk", "noc", "duty_desk", {"target_kind": "duty_desk"}, "/duty?desk=noc"),
    ("pushed by another program", "router 7", None, {}, None),
    ("pushed, with a label that is no number", "x", None, {"target_kind": "ticket", "ticket": "../x"}, None),
    ("no labels", "x", None, None, None),
]


@pytest.mark.parametrize(
    ("name", "kind", "labels", "leads_to"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_where_it_leads(name: str, kind: str | None, labels: dict[str, str] | None, leads_to: str | None) -> None:
    found = target_link(name, kind, labels, Say("en"))
    assert (found.href if isinstance(found, dcc.Link) else None) == leads_to
