"""One night in one journey: a fault, the page that reaches the phone, the acknowledgement, the ticket, the handover, two
signatures. The mail server, the outbox, the console and the browsers are real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as plain

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from alerts.oncall.config import OnCallFile
from core.people import users
from core.store import tables
from core.store.open import open_store, reading, writing
from tests.alerts.receivers import Post, post_office
from tests.alerts.world import finding
from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD, Site, Watched, serving
from tests.browser.desk import another
from tests.browser.waits import filled, require_width
from tests.dashboards.duty_desk import duty_file, furnish, plans_file
from tests.dashboards.seeded import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PHONE_BYTES = 100_000


@dataclass
class Night:
    """The console, its routes and the mail server that they lead to."""

    site: Site
    routes: RoutesFile
    office: Post


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A desk whose shift changed an hour ago: li.wei is on call by mail and hands over to zhang.min."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('journey') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    duty, plans = duty_file(now), plans_file(now)
    with writing(engine) as connection:
        for name in ("li.wei", "zhang.min"):
            users.add(connection, name=name, role="operator", password=PASSWORD, by="test", now=now, language="en")
    furnish(engine, now, duty, plans)
    with post_office() as office:
        routes = _routes(office.port)
        with serving(engine, duty=duty, plans=plans, routes=routes, oncall=routes.oncall) as site:
            yield Night(site, routes, office)


@pytest.fixture(scope="module")
def site(night: Night) -> Site:
    """The console of that night."""
    return night.site


def _routes(port: int) -> RoutesFile:
    mail = {
        "to": "li.wei@example.org",
        "from": "bomc@example.org",
        "smarthost": f"127.0.0.1:{port}",
        "require_tls": False,
    }
    people = [{"name": "li.wei", "language": "en", "email_configs": [mail]}]
    policy = {"name": "city", "catch_all": "ops", "steps": [{"person": "li.wei"}]}
    file = {
        "route": {
            "receiver": "ops",
            "group_by": ["alertname"],
            "ticket": {"kind": "fault", "priority": "high"},
            "escalation": "city",
        },
        "receivers": [{"name": "ops"}],
    }
    oncall = OnCallFile.model_validate({"people": people, "escalations": [policy]})
    return RoutesFile.model_validate(file).beside(oncall)


def _page_out(night: Night) -> str:
    """Let the disk fill up; returns the link in the mail that reached the person on call."""
    now = datetime.now(UTC)
    with writing(night.site.engine) as connection:
        pipeline.handle(connection, [finding(at=now)], night.routes, now, night.site.url)
    deliver_due(night.site.engine, night.routes, lambda: datetime.now(UTC), Io(language="en"))
    (letter,) = night.office.letters
    assert letter.rcpt_tos == ["li.wei@example.org"]
    assert letter.content is not None
    content = letter.content if isinstance(letter.content, bytes) else letter.content.encode()
    body = message_from_bytes(content, policy=plain).get_body(("plain",))
    assert body is not None
    found = re.search(rf"{re.escape(night.site.url)}/m/\S+", body.get_content())
    assert found is not None
    return found.group()


def test_from_the_page_to_the_second_signature(
    night: Night, page: Page, site: Site, chromium: Browser, watched: Watched
) -> None:
    _on_the_phone(chromium, site, _page_out(night))
    with reading(site.engine) as connection:
        alert = connection.execute(
            select(tables.alert).where(tables.alert.c.check_name == "disk-full", tables.alert.c.target == "host-1")
        ).one()
        work = connection.execute(select(tables.ticket).where(tables.ticket.c.alert_id == alert.id)).one()
    assert (alert.acknowledged_by, alert.acknowledgement) == ("li.wei", "on my way")
    page.goto(f"{site.url}/alerts?alert={alert.id}")
    detail = page.locator("#alert-detail")
    expect(detail).to_contain_text("on my way")
    expect(detail).to_contain_text("Who is told, and why")
    detail.get_by_role("link", name=re.compile(rf"^#{work.id} ")).click()
    expect(page).to_have_url(re.compile(rf"ticket={work.id}$"))
    page.locator("#ticket-take").click()
    expect(page.locator("#ticket-detail")).to_contain_text("In progress")
    page.goto(f"{site.url}/duty")
    filled(page)
    fields = page.locator("#handover-fields")
    for place in (f"/alerts?alert={alert.id}", f"/tickets?ticket={work.id}"):
        expect(fields.locator(f"a[href='{place}']")).to_be_visible()
    page.locator("#handover-to-do").fill("The disk of host-1 is being cleaned.")
    page.locator("#handover-prepare").click()
    expect(page.locator("#handover-view")).to_contain_text("The disk of host-1 is being cleaned.")
    expect(page.locator("#handover-accept")).not_to_be_visible()
    with another(chromium, site, "zhang.min") as incoming:
        incoming.goto(f"{site.url}/duty")
        expect(incoming.locator("#handover-view")).to_contain_text("The disk of host-1 is being cleaned.")
        incoming.locator("#handover-accept").click()
        expect(incoming.locator("#handover-view")).to_contain_text("Accepted by")
    with reading(site.engine) as connection:
        signed = connection.execute(select(tables.handover).order_by(tables.handover.c.id.desc())).first()
        assert signed is not None
        assert (signed.state, signed.prepared_by, signed.accepted_by) == ("accepted", "li.wei", "zhang.min")
        assert f"ticket/{work.id}" in str(signed.content)
        doings = connection.execute(select(tables.audit.c.who, tables.audit.c.action)).all()
    assert ("li.wei", "acknowledge") in [tuple(row) for row in doings]
    watched.require_clean()


def _on_the_phone(chromium: Browser, site: Site, link: str) -> None:
    """390 pixels wide, under 100 KB: GET changes nothing, one press takes it, the second time the link is over."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en")
    phone, seen = context.new_page(), Watched()
    seen.watch(phone, site.url)
    answer = phone.goto(link)
    assert answer is not None
    assert len(answer.body()) < PHONE_BYTES
    require_width(phone, 390)
    assert violations(phone) == []
    with reading(site.engine) as connection:
        assert connection.scalars(select(tables.phone_link.c.used_at)).all() == [None]
    phone.fill("#note", "on my way")
    phone.locator("form").first.locator("button").click()
    expect(phone.locator("[role=status]")).to_contain_text("It is yours now.")
    seen.require_clean()
    phone.goto(link)
    expect(phone.locator("nav a", has_text="Log in")).to_be_visible()
    context.close()
