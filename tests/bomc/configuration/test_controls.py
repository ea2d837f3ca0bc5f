"""The checks that controls bring: a control's limits judge its runs, files and cases as the control says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from bomc.assurance import telling
from bomc.configuration.controls import checks_of, target_of
from bomc.pipeline.cycle import Cycle, Rules
from bomc.pipeline.indicators import declared
from core.model import Outcome
from core.store.open import open_store, reading
from core.store.tables import check_result
from reconciliation.controls.entries import EquationControl, MatchControl
from reconciliation.deliveries import Arrival, Expectation, State
from reconciliation.outcome import BREAKS, REFUSED
from reconciliation.outcome import Outcome as RunOutcome
from tests.bomc.pipeline.world import ROUTES
from tests.stores import NewStore

DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
PARTIES = {party: {"path": f"{{day}}/{party}.csv"} for party in ("billing", "platform", "payment")}
Judged = dict[str, str]


@pytest.fixture
def engine(new_sqlite: NewStore, tmp_path: Path) -> Iterator[Engine]:
    with new_sqlite(tmp_path) as url:
        made = open_store(url)
        yield made
        made.dispose()


def control(limits: dict[str, Any] | None = None, name: str = "pay") -> MatchControl:
    return MatchControl.model_validate(
        {
            "name": name,
            "title": {"en": "Payments", "zh": "支付"},
            "kind": "match",
            "schedule": {"at": "00:40"},
            "parties": PARTIES,
            "limits": limits or {},
        }
    )


def ran(matched: int = 100, currency: str = "CNY", **classes: tuple[int, int]) -> Outcome:
    """A run that matched so many keys and found in each class so many breaks with so much money at risk."""
    lines = [
        {"class": name, "loser": "operator", "currency": currency, "count": count, "carried": False}
        | {"at_risk_minor": minor}
        for name, (count, minor) in classes.items()
    ]
    counts = {"matched": {"count": matched, "at_risk_minor": 0}}
    counts |= {name: {"count": count, "at_risk_minor": minor} for name, (count, minor) in classes.items()}
    found = RunOutcome(
        control="pay",
        business_day=DAY.isoformat(),
        exit_status=BREAKS,
        certificate={"classes": counts, "lines": lines, "currencies": [currency] if lines else []},
        breaks=sum(count for count, _ in classes.values()),
    )
    return telling.of_run("pay", DAY, found, NOW, storm=200)


def refused() -> Outcome:
    found = RunOutcome("pay", DAY.isoformat(), REFUSED, refused=("payment.csv: the file is missing",))
    return telling.of_run("pay", DAY, found, NOW, storm=200)


def arrived(*faults: State) -> Outcome:
    owed = Expectation("pay", "payment", DAY, "payment.csv", NOW)
    return telling.of_arrivals("pay", [Arrival(owed, faults[0], "", frozenset(faults))], NOW)


def judged(
    engine: Engine, controls: Sequence[MatchControl | EquationControl], told: Outcome, now: datetime = NOW
) -> Judged:
    """What each check says that is not content with what it was told, without `reconciliation-` before its name."""
    rules = Rules(
        targets={each.name: target_of(each) for each in controls},
        probes={},
        checks=checks_of(controls),
        routes=ROUTES,
        indicators=declared(),
        external_url="http://127.0.0.1",
    )
    Cycle(engine, rules).run([told], now)
    with reading(engine) as connection:
        rows = connection.execute(select(check_result.c.check_name, check_result.c.status)).all()
    return {row.check_name.removeprefix("reconciliation-"): row.status for row in rows if row.status != "ok"}


BOTH = {"warning": 3, "critical": 10}
CASES: list[tuple[str, dict[str, Any], Outcome, Judged]] = [
    ("a clean run is nobody's matter", {}, ran(), {}),
    ("without a limit one break is critical", {}, ran(duplicate_charge=(1, 5)), {"breaks": "critical"}),
    ("a break below the limit is for the desk alone", {"breaks": BOTH}, ran(overcharge=(2, 5)), {}),
    ("the warning holds from its number on", {"breaks": BOTH}, ran(overcharge=(3, 5)), {"breaks-pay": "warning"}),
    ("just below critical", {"breaks": BOTH}, ran(overcharge=(9, 5)), {"breaks-pay": "warning"}),
    ("critical holds from its number on", {"breaks": BOTH}, ran(overcharge=(10, 5)), {"breaks-pay": "critical"}),
    ("breaks of all classes are added", {"breaks": BOTH}, ran(a=(5, 5), b=(5, 5)), {"breaks-pay": "critical"}),
    ("a warning alone never is critical", {"breaks": {"warning": 1}}, ran(a=(999, 5)), {"breaks-pay": "warning"}),
    ("the same number for both", {"breaks": {"warning": 2, "critical": 2}}, ran(a=(2, 5)), {"breaks-pay": "critical"}),
    ("a limit between two numbers is the larger one's", {"breaks": {"critical": "1.5"}}, ran(a=(1, 5)), {}),
    ("and holds from there", {"breaks": {"critical": "1.5"}}, ran(a=(2, 5)), {"breaks-pay": "critical"}),
    ("money below its limit", {"breaks": {"critical": 50}, "at_risk_minor": {"critical": 10000}}, ran(a=(2, 9999)), {}),
    (
        "money at its limit, whatever the number of breaks",
        {"breaks": {"critical": 50}, "at_risk_minor": {"warning": 10000, "critical": 10001}},
        ran(a=(1, 10000)),
        {"at-risk-pay": "warning"},
    ),
    (
        "money of any currency",
        {"breaks": {"critical": 50}, "at_risk_minor": {"critical": 100}},
        ran(currency="USD", a=(1, 100)),
        {"at-risk-pay": "critical"},
    ),
    ("a ratio at its limit is enough", {"breaks": {"critical": 50}, "match_ratio": {"critical": "0.99"}}, ran(99, a=(1, 5)), {}),
    (
        "a ratio below its limit is not",
        {"breaks": {"critical": 50}, "match_ratio": {"warning": "0.99", "critical": "0.9"}},
        ran(98, a=(2, 5)),
        {"match-ratio-pay": "warning"},
    ),
    (
        "a ratio far below",
        {"breaks": {"critical": 50}, "match_ratio": {"warning": "0.99", "critical": "0.9"}},
        ran(89, a=(11, 5)),
        {"match-ratio-pay": "critical"},
    ),
    (
        "one class has a limit of its own",
        {"breaks": {"critical": 50}, "classes": {"duplicate_charge": {"critical": 2}}},
        ran(duplicate_charge=(2, 5), overcharge=(7, 5)),
        {"duplicate_charge-pay": "critical"},
    ),
    (
        "which breaks of another class do not reach",
        {"breaks": {"critical": 50}, "classes": {"duplicate_charge": {"critical": 2}}},
        ran(duplicate_charge=(1, 5), overcharge=(7, 5)),
        {},
    ),
    ("a refused run is critical and says nothing of breaks", {"breaks": BOTH}, refused(), {"refused": "critical"}),
    ("a run that is missing", {}, telling.of_missing("pay", {DAY: True}, NOW), {"run-missing": "critical"}),
    ("a run that is there", {}, telling.of_missing("pay", {DAY: False}, NOW), {}),
    ("a file that is missing", {}, arrived(State.MISSING), {"file-missing": "critical"}),
    ("a file that came late", {}, arrived(State.LATE), {"file-late": "warning"}),
    ("a file that changed", {}, arrived(State.CHANGED), {"file-changed": "critical"}),
    ("a file that came twice, and late", {}, arrived(State.TWICE, State.LATE), {"file-twice": "warning", "file-late": "warning"}),
    ("a file in time", {}, arrived(State.ON_TIME), {}),
    ("cases at work", {}, telling.of_desk("pay", 12, 0, NOW), {}),
    ("cases past their deadline", {}, telling.of_desk("pay", 12, 1, NOW), {"cases-overdue": "warning"}),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "told", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_control_is_judged_as_it_says(
    engine: Engine, limits: dict[str, Any], told: Outcome, expected: Judged
) -> None:
    """Each check that is not content, and how it judges; all others are content."""
    assert judged(engine, [control(limits)], told) == expected


def test_a_limit_of_one_control_is_not_that_of_another(engine: Engine) -> None:
    """The other control of the estate has none of its own, and is judged as usual."""
    other = control(name="other")
    told = ran(overcharge=(2, 5))
    both = [control({"breaks": BOTH}), other]
    assert judged(engine, both, told) == {}
    as_other = Outcome("other/reconcile", "other", told.started_ms, 0.0, told.samples, restates=True)
    assert judged(engine, both, as_other) == {"breaks": "critical"}


def test_breaks_that_are_mended_are_over_in_every_check(engine: Engine) -> None:
    """The day is run again with the files mended: neither its class nor its money stays raised."""
    limits = {"breaks": BOTH, "at_risk_minor": {"critical": 1}, "classes": {"overcharge": {"critical": 1}}}
    first = ran(overcharge=(10, 500))
    assert set(judged(engine, [control(limits)], first)) == {"breaks-pay", "at-risk-pay", "overcharge-pay"}
    broken = {
        "classes": {"overcharge": {"count": 10, "at_risk_minor": 500}},
        "lines": [{"class": "overcharge", "loser": "operator", "currency": "CNY", "count": 10, "carried": False}
                  | {"at_risk_minor": 500}],
        "currencies": ["CNY"],
    }  # fmt: skip
    clean = {"classes": {"matched": {"count": 110, "at_risk_minor": 0}}, "lines": [], "currencies": []}
    found = RunOutcome("pay", DAY.isoformat(), 0, certificate=clean)
    later = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
    mended = telling.of_run("pay", DAY, found, later, 200, [broken, clean])
    assert judged(engine, [control(limits)], mended, now=later) == {}


def test_an_equation_out_of_balance_is_one_break(engine: Engine) -> None:
    """Its one class can have a limit like any other."""
    equation = EquationControl.model_validate(
        {
            "name": "pay",
            "title": {"en": "Totals", "zh": "总额"},
            "kind": "equation",
            "schedule": {"at": "00:50"},
            "quantities": {"x": {"unit": "1", "value": 1}},
            "formula": "x",
            "unit": "1",
            "balanced": {"tolerance": 0},
            "limits": {"breaks": {"warning": 1}, "classes": {"out_of_balance": {"critical": 1}}},
        }
    )
    told = ran(out_of_balance=(1, 700))
    assert judged(engine, [equation], told) == {"breaks-pay": "warning", "out_of_balance-pay": "critical"}


def test_without_controls_there_is_no_check_of_theirs() -> None:
    assert checks_of([]) == []


def test_every_check_has_a_summary_a_runbook_and_a_team() -> None:
    """Whoever is woken reads what it is and what to do first, also where the control has no runbook of its own."""
    limits = {
        "breaks": BOTH,
        "at_risk_minor": BOTH,
        "match_ratio": {"warning": "0.9"},
        "classes": {"overcharge": BOTH},
    }
    for check in checks_of([control(limits), control(name="second")]):
        told = dict(check.annotations)
        assert told["summary"], check.name
        assert told["runbook"], check.name
        assert dict(check.labels) == {"team": "revenue"}
