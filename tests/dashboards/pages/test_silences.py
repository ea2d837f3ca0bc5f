"""The page Silences, the alarm load and the marks of what is kept quiet, from rows alone, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.muting.muting import Mute
from alerts.muting.proposals import Proposal
from alerts.muting.silences import Silence
from alerts.routes.matchers import parse_all
from dashboards.components.alarm_load import alarm_load
from dashboards.components.alert_tree import Line, decorated
from dashboards.components.silence_parts import proposals_panel
from dashboards.context import Viewer
from dashboards.locale import Say
from dashboards.pages import silences as page
from dashboards.queries.causes import Standing
from dashboards.silencing import proposed_matchers
from tests.alerts.world import NOON, after
from tests.dashboards.pages.test_pages import EN, LOOKS, WORKS, ZH, links, said

ACTIVE = Silence(
    "5f1c2a3e-0000", parse_all(['target="db-1"']), NOON, after(hours=2), "li.wei", "Disks are replaced.", NOON, NOON
)
BOSS = Viewer("zhao.lei", "manager", "en", EN.zone)
WAITS = Proposal(
    1,
    parse_all(['alertname=~".+"']),
    timedelta(hours=1),
    "The core switch is replaced.",
    "li.wei",
    NOON,
    after(minutes=30),
    None,
    None,
    None,
    None,
    None,
)
ASIDE: dict[str, Any] = {"fingerprint": "f", "who": "li.wei", "reason": "parts", "since": NOON, "until": after(hours=1)}


def _shown(_: Say, viewer: Viewer = WORKS, **filters: str) -> tuple[str, list[str]]:
    parts = page.render([ACTIVE], {ACTIVE.id: 3}, ACTIVE, [WAITS], [ASIDE | {"alert": None}], filters, viewer, NOON, _)
    return said(list(parts)), list(links(list(parts)))


def test_a_silence_says_who_why_until_when_and_how_many_it_mutes() -> None:
    """The number leads to the alerts; the filter stays in the address."""
    words, addresses = _shown(EN, state="all")
    for each in ('target="db-1"', "li.wei: Disks are replaced.", "mutes 3 open alerts", "2 h left", "data as of"):
        assert each in words
    assert f"/alerts?silence={ACTIVE.id}&symptoms=shown" in addresses
    assert f"/silences?silence={ACTIVE.id}&state=all" in addresses
    chinese, _addresses = _shown(ZH)
    for each in ("当前静默 3 条告警", "须双人审批的静默", "等待第二人批准", "已搁置", "生效中"):
        assert each in chinese


def test_nothing_to_show_is_a_sentence() -> None:
    parts = page.render([], {}, None, [], [], {"silence": "gone"}, LOOKS, NOON, EN)
    words = said(list(parts))
    assert "There is no such silence." in words
    assert "Nothing is on the shelf." in words
    assert "two people" not in words


def test_who_may_decide_a_proposal_sees_the_buttons() -> None:
    """Another person with the right approves or rejects; who proposed it withdraws; others look."""

    def offered(viewer: Viewer) -> set[str]:
        words = said(proposals_panel([WAITS], viewer, after(minutes=10), EN))
        return {each for each in ("Approve", "Reject", "Withdraw") if each in words}

    assert offered(BOSS) == {"Approve", "Reject"}
    assert offered(replace(BOSS, name="li.wei")) == {"Withdraw"}
    assert offered(replace(WORKS, name="chen.hao")) == set()
    late = said(proposals_panel([WAITS], BOSS, after(minutes=30), EN))
    assert "lapsed: nobody approved it in time" in late
    assert "Approve" not in late


def test_the_load_is_judged_in_words_and_leads_onward() -> None:
    """A flood is said so; each number has its filter; too many critical ones are said to be too many."""
    load = {
        "operators": 2,
        "each_now": 10.5,
        "each_mean": 0.4,
        "judgement": "flood",
        "stale": 3,
        "waiting": 7,
        "sources": [("db-1", 9), ("web 2", 1)],
        "spread": {"critical": 2, "warning": 1, "unknown": 17},
    }
    made = alarm_load(load, NOON, EN)
    words = said(made)
    for each in (
        "10.5",
        "a flood",
        "2 operators on duty",
        "10% (2)",
        "meant: at most 5% – too many",
        "5% (1)",
        "data as of",
    ):
        assert each in words
    assert words.count("too many") == 1
    found = list(links(made))
    for each in (
        "/alerts?opened=10m&state=all",
        "/alerts?stale=yes",
        "/alerts?opened=24h&state=all&target=web+2",
        "/alerts?opened=24h&severity=critical&state=all",
    ):
        assert each in found
    quiet = load | {"operators": 0, "sources": [], "spread": {}}
    assert "当前无值班人员登记" in said(alarm_load(quiet, NOON, ZH))


def test_a_row_says_what_keeps_it_quiet_and_what_hangs_on_it() -> None:
    """Each kind once, as shape and word; a cause that the list does not show is named."""
    row = {"id": 7}
    mutes = (Mute("silence", "a", "x"), Mute("silence", "b", "y"), Mute("shelved", "li", "z"))
    cause = decorated({"alert": {}}, Line(row, members=(8, 9), folded=True), Standing(mutes, 3), False, EN)
    assert cause["alert"]["mutes"] == [
        {"icon": "bell-off", "word": "Silenced"},
        {"icon": "shelf", "word": "On the shelf"},
    ]
    assert cause["alert"]["twist"] == {"text": "2 symptoms", "folded": True, "fixed": False}
    assert cause["members"] == [8, 9]
    alone = decorated({"alert": {}}, Line(row), Standing((), 3), False, EN)
    assert alone["alert"]["follows"] == "follows from alert 3"


def test_what_alerts_share_is_proposed() -> None:
    """Never the severity, never an empty value; where neither target nor check is shared, both are listed literally."""
    one = {"alertname": "cpu", "target": "db.1", "severity": "warning", "site": "east", "team": ""}
    other = {"alertname": "disk", "target": "db.2", "severity": "warning", "site": "east", "team": ""}

    def proposed(*labels: dict[str, str]) -> list[str]:
        return [str(each) for each in proposed_matchers(labels)]

    assert proposed() == []
    assert proposed(one) == ['alertname="cpu"', 'site="east"', 'target="db.1"']
    assert proposed(one, other | {"target": "db.1"}) == ['site="east"', 'target="db.1"']
    mixed = proposed_matchers((one, other))
    assert [str(each) for each in mixed] == [
        'site="east"',
        r'target=~"db\\.1|db\\.2"',
        'alertname=~"cpu|disk"',
    ]
    assert all(each.matches(one) and each.matches(other) for each in mixed)
    assert not mixed[1].matches({"target": "dbx1"})
