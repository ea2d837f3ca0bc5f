"""What a sender might post by mistake or in bad faith: alerts, silences and whole bodies that are odd in some way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

texts = st.text(max_size=6)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
names = st.sampled_from(["alertname", "severity", "target", "a", "", "1", "a-b", "名", "a\0"])
labelled = st.dictionaries(names, st.one_of(texts, st.just(""), st.just("x\0"), scalars), max_size=4)
dates = st.sampled_from(
    [
        "2026-03-02T12:00:00Z",
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999999999-23:59",
        "0001-01-01T00:00:00+01:00",
        "",
        "x",
        "2026-13-01T00:00:00Z",
        "2026-03-02T12:00:00",
        "1969-12-31T23:59:59Z",
        "2026-03-02 12:00:00+08:00",
    ]
)
alerts_ = st.fixed_dictionaries(
    {},
    optional={"labels": labelled | anything, "annotations": labelled | anything, "startsAt": dates | scalars}
    | {"endsAt": dates | scalars, "generatorURL": texts | scalars, "more": anything},
)
bodies = st.one_of(
    st.lists(alerts_ | anything, max_size=4).map(lambda value: json.dumps(value).encode()),
    anything.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.tuples(st.lists(alerts_, min_size=1, max_size=2), st.integers(0, 200)).map(
        lambda pair: json.dumps(pair[0]).encode()[: pair[1]]
    ),
)


matcher_rows = st.fixed_dictionaries(
    {},
    optional={"name": names | scalars, "value": texts | st.just("(") | scalars, "isRegex": st.booleans() | scalars}
    | {"isEqual": st.booleans() | scalars, "more": anything},
)
silences_ = st.fixed_dictionaries(
    {},
    optional={"matchers": st.lists(matcher_rows | anything, max_size=3) | anything, "id": texts | scalars}
    | {"startsAt": dates | scalars, "endsAt": dates | scalars}
    | {"createdBy": texts | st.just("x\0") | scalars, "comment": texts | scalars, "more": anything},
)


SOUND_ALERT = {
    "labels": {"alertname": "DiskFull", "instance": "db-1"},
    "annotations": {"summary": "It is full"},
    "startsAt": "2026-03-02T12:00:00Z",
}
SOUND_SILENCE = {
    "matchers": [{"name": "instance", "value": "db-1", "isRegex": False}],
    "startsAt": "2026-03-02T12:00:00Z",
    "endsAt": "2026-03-02T13:00:00Z",
    "createdBy": "zhang.min",
    "comment": "The disk is being changed.",
}


def crossed(sound: dict[str, Any], pool: Sequence[Any], random: Random) -> Any:
    """A sound object or one of the pool, some of whose fields are those of others in it: few odd ones give very many."""
    one = sound if random.random() < 0.7 else random.choice(pool)
    if not isinstance(one, dict):
        return one
    made = dict(one)
    for _ in range(random.randrange(4)):
        other = random.choice(pool)
        if isinstance(other, dict) and other:
            name = random.choice(sorted(other))
            made[name] = other[name]
    return made
