"""The worker of the outbox outlives whatever a pass over the outbox throws at it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from alerts.delivery.sending import Io
from bomc.pipeline import delivery as module
from bomc.pipeline.cycle import Cycle
from bomc.pipeline.delivery import Delivery
from core.store.tables import delivery
from tests.alerts.receivers import hook
from tests.bomc.pipeline.world import NOON, after, outcome, rows, rules, run
from tests.bomc.pipeline.world import ROUTES as SAMPLE_ROUTES
from tests.servers.process import wait_until


def test_a_breakdown_of_one_pass_does_not_end_the_worker(
    store: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first pass breaks down, the next one delivers."""
    with hook() as receiver:
        routes = SAMPLE_ROUTES.model_copy(deep=True)
        routes.receivers[0].webhook_configs[0].url = receiver.url
        run(Cycle(store, rules(routes=routes)), after(0), outcome(NOON, 0.95))
        real, passes = module.deliver_due, []

        def deliver_due(*arguments: object) -> object:
            passes.append(arguments)
            if len(passes) == 1:
                raise KeyError("a row that nobody foresaw")
            return real(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "deliver_due", deliver_due)
        monkeypatch.setattr(module, "TROUBLE_PAUSE_S", 0.05)
        worker = Delivery(store, routes, lambda: datetime.now(UTC), Io())
        worker.start()
        wait_until(lambda: [row.state for row in rows(store, delivery)] == ["sent"], "it is delivered")
        worker.stop()
    assert len(receiver.got) == 1
    assert "broke down" in caplog.text
