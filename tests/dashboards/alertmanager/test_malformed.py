"""A hundred thousand malformed alerts and silences: none breaks the console, and every one is taken or refused by name."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.alertmanager import pushing
from dashboards.alertmanager.answers import Refused
from dashboards.alertmanager.silencing import spec_of
from tests.dashboards.alertmanager.conftest import Desk
from tests.dashboards.alertmanager.odd import SOUND_ALERT, SOUND_SILENCE, alerts_, anything, crossed, silences_
from tests.dashboards.alertmanager.test_pushing import counts, ties

POOL = 40
EXAMPLES = 50
IN_A_BODY = 50
BODIES = 40
SILENCES = IN_A_BODY * BODIES
OVER_HTTP = 10
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_it_is_a_hundred_thousand() -> None:
    assert EXAMPLES * BODIES * IN_A_BODY == EXAMPLES * SILENCES == 100_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(pool=st.lists(alerts_ | anything, min_size=POOL, max_size=POOL), seed=st.integers(0, 2**32))
@MANY
def test_malformed_alerts_are_taken_or_refused_and_the_counts_tie(each_desk: Desk, pool: list[Any], seed: int) -> None:
    """Without the HTTP around it, on each kind of store."""
    random, desk = Random(seed), each_desk
    for _ in range(BODIES):
        body = json.dumps([crossed(SOUND_ALERT, pool, random) for _ in range(IN_A_BODY)]).encode()
        before = sum(counts(desk).values())
        ties(desk, body, len(pushing.take(desk.console, "anybody", body)), before)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(pool=st.lists(silences_ | anything, min_size=POOL, max_size=POOL), seed=st.integers(0, 2**32))
@MANY
def test_malformed_silences_are_made_or_refused_with_a_sentence(desk: Desk, pool: list[Any], seed: int) -> None:
    """All are read; some are posted, too, of which what reads well may still be refused for what it would do."""
    random, met = Random(seed), Counter[int]()
    for number in range(SILENCES):
        body = json.dumps(crossed(SOUND_SILENCE, pool, random)).encode()
        matchers, said = read(body)
        met[matchers] += 1
        assert matchers or len(said) > 3, (body, "a silence without a matcher was read")
        if number < OVER_HTTP:
            answer = desk.client.post("/api/v2/silences", content=body, headers={"content-type": "application/json"})
            assert answer.status_code in ({200, 400, 404} if matchers else {400}), (body, answer.text)
            assert answer.text
    assert sum(met.values()) == SILENCES


def read(body: bytes) -> tuple[int, str]:
    """How many matchers a silence has that can be read; what is said of one that cannot."""
    try:
        return len(spec_of(body)[1].matchers), ""
    except Refused as refused:
        return 0, refused.sentence
