"""The test page of On-call says of each test whether it was delivered, in both languages; who only looks sends none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dash.development.base_component import Component

from alerts.config import RoutesFile
from alerts.oncall.config import OnCallFile
from dashboards.locale import Say
from dashboards.page_testing import choices_of, render_tests, trial_panel
from tests.alerts.world import NOON, after, routes
from tests.dashboards.pages.test_pages import EN, ZH, said

HOOK = {"url": "http://127.0.0.1:9/hook"}
FILE = OnCallFile.model_validate({"people": [{"name": "li.wei", "title": "Li Wei", "webhook_configs": [HOOK]}]})
ROUTES: RoutesFile = routes(receivers=[{"name": "ops", "webhook_configs": [HOOK]}, {"name": "console"}]).beside(FILE)


def _row(state: str, receiver: str = "ops", error: str | None = None, done: bool = True) -> Any:
    return SimpleNamespace(
        receiver=receiver,
        channel="webhook",
        created_at=NOON,
        state=state,
        last_error=error,
        done_at=after(seconds=3) if done else None,
    )


CASES: dict[str, tuple[Any, Say, list[str]]] = {
    "delivered": (_row("sent"), EN, ["ops · Webhook", "Delivered", "after 3 s"]),
    "to a person": (_row("sent", "person/li.wei"), EN, ["Li Wei", "Delivered"]),
    "waiting": (_row("pending", error="answered 500", done=False), EN, ["Waiting", "after 9 s: answered 500"]),
    "given up": (_row("dead", error="no such host"), EN, ["Not delivered", "no such host"]),
    "in Chinese": (_row("dead"), ZH, ["未送达", "历时 3 秒"]),
}


@pytest.mark.parametrize(("row", "say", "words"), CASES.values(), ids=CASES.keys())
def test_what_came_of_a_test(row: Any, say: Say, words: list[str]) -> None:
    shown = said(render_tests([row], FILE, after(seconds=9), say))
    for each in (*words, say.clock(after(seconds=9))):
        assert each in shown


def test_nobody_was_tested_yet() -> None:
    assert "Nobody was tested in the last seven days." in said(render_tests([], FILE, NOON, EN))


def test_people_come_first_and_only_who_can_be_reached() -> None:
    assert choices_of(ROUTES, FILE, EN) == [
        {"value": "person/li.wei", "label": "Li Wei"},
        {"value": "ops", "label": "ops"},
    ]


def test_who_only_looks_has_no_button() -> None:
    def ids(part: Any) -> set[str]:
        if isinstance(part, list | tuple):
            return set().union(*(ids(one) for one in part)) if part else set()
        if not isinstance(part, Component):
            return set()
        return {getattr(part, "id", "")} | ids(getattr(part, "children", None))

    assert "on-call-test" in ids(trial_panel(True, EN))
    assert "on-call-test" not in ids(trial_panel(False, EN))
    assert "on-call-tests" in ids(trial_panel(False, EN))
