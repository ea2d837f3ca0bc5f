"""The worker of the outbox outlives whatever a pass over the outbox throws at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from sqlalchemy import Engine

from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from bomc.pipeline import delivery as module
from bomc.pipeline.cycle import Cycle
from bomc.pipeline.delivery import Delivery, world
from core.store.tables import delivery
from tests.alerts.receivers import hook, post_office
from tests.bomc.pipeline.world import NOON, USED, after, check, outcome, rows, rules, run
from tests.bomc.pipeline.world import ROUTES as SAMPLE_ROUTES
from tests.servers.process import wait_until


def _mail(address: str, port: int) -> dict[str, object]:
    return {"to": [address], "from": "b@example.org", "smarthost": f"127.0.0.1:{port}", "require_tls": False}


def test_a_reason_is_told_in_the_readers_language_and_a_program_as_it_was_written(light: Engine) -> None:
    """The operator's language, another one that a receiver asks for, and a webhook, all of one alert."""
    with hook() as receiver, post_office() as office:
        made = [
            {"name": "ops", "email_configs": [_mail("zh@example.org", office.port)]},
            {"name": "abroad", "language": "en", "email_configs": [_mail("en@example.org", office.port)]},
            {"name": "programs", "webhook_configs": [{"url": receiver.url}]},
        ]
        children = [{"receiver": one["name"], "matchers": [], "continue": True} for one in made]
        routes = RoutesFile.model_validate(
            {"route": {"receiver": "ops", "group_wait": "0s", "routes": children}, "receivers": made}
        )
        plain = replace(check(), annotations=(("impact", "Bills: late, and nobody knows"),))
        run(Cycle(light, rules(routes=routes, checks=[plain])), after(0), outcome(NOON, 0.95))
        deliver_due(light, routes, lambda: after(1), world("zh_CN", "Asia/Shanghai"))
        read = [message_from_bytes(letter.content or b"", policy=policy.default) for letter in office.letters]
    (told,) = receiver.got
    notes = told.body["alerts"][0]["annotations"]
    assert (notes["summary"], notes["reason"]) == (f"host-1: {USED} is 95 %", "95 %, above the critical limit 90 %")
    said = {str(one["To"]): one.get_body(("plain",)).get_content() for one in read}  # type: ignore[union-attr]
    for words in (f"host-1：{USED} 为 95 %", "95 %，高于严重限值 90 %", "Bills: late, and nobody knows"):
        assert words in said["zh@example.org"]
    assert "above the critical limit" not in said["zh@example.org"]
    assert notes["reason"] in said["en@example.org"]
    assert "限值" not in said["en@example.org"]


SAID = [
    ("zh_CN", "it began at 2026-03-02 12:00:00 UTC", "已于 2026-03-02 20:00:00 UTC+08:00 开始运行"),
    ("en", "it began at 2026-03-02 12:00:00 UTC", "it began at 2026-03-02 20:00:00 UTC+08:00"),
    ("zh_CN", "disk full, call li.wei", "disk full, call li.wei"),
    ("zh_CN", "x" * 5000, "x" * 5000),
]


@pytest.mark.parametrize(("language", "sentence", "shown"), SAID)
def test_a_message_names_the_zone_of_an_instant(language: str, sentence: str, shown: str) -> None:
    """A mail is read anywhere; what nobody here wrote stays as it is."""
    assert world("zh_CN", "Asia/Shanghai").translate(language, sentence) == shown


def test_a_breakdown_of_one_pass_does_not_end_the_worker(
    store: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first pass breaks down, the next one delivers."""
    with hook() as receiver:
        routes = SAMPLE_ROUTES.model_copy(deep=True)
        routes.receivers[0].webhook_configs[0].url = receiver.url
        run(Cycle(store, rules(routes=routes)), after(0), outcome(NOON, 0.95))
        real, passes = module.deliver_due, []

        def breaking_down(*arguments: object) -> object:
            passes.append(arguments)
            if len(passes) == 1:
                raise KeyError("a row that nobody foresaw")
            return real(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "deliver_due", breaking_down)
        monkeypatch.setattr(module, "TROUBLE_PAUSE_S", 0.05)
        worker = Delivery(store, routes, lambda: datetime.now(UTC), Io())
        worker.start()
        wait_until(lambda: [row.state for row in rows(store, delivery)] == ["sent"], "it is delivered")
        worker.stop()
    assert len(receiver.got) == 1
    assert "broke down" in caplog.text
