"""What people and files add to the seeded store: cases at every stage, signatures, deliveries, an equation, a run's folder.

The doings go through the desk's own commands, so that what the pages show is what the desk leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from core.store import tables
from core.store.open import writing
from dashboards.controls import ControlCard
from reconciliation.deliveries import Expectation
from reconciliation.desk import adjustments, cases, reruns, signatures
from reconciliation.desk.identity import fingerprint
from tests.dashboards.seeded import ZONE

MATCH, EQUATION = "mobile-payment", "prepaid-balance"
PARTIES = ("billing", "platform", "payment")
RUN = 10
"""The latest run of the match control: thirteen breaks, four carried items."""


def furnish(engine: Engine, now: datetime, home: Path) -> None:
    """Cases for the breaks of both runs that have some, some of them settled; the rest as the module says."""
    with writing(engine) as connection:
        runs = connection.execute(select(tables.control_run).where(tables.control_run.c.breaks > 0)).all()
        for run in sorted(runs, key=lambda one: one.business_day):
            _cases(connection, run)
            _foots(connection, run)
        _settle(connection, now)
        _causes(connection)
        _equation(connection, now)
        _deliveries(connection, now)
        signatures.prepare(connection, 8, "wang.fang", "All ties.", now - timedelta(hours=5))
        signatures.review(connection, 8, "zhao.lei", "Agreed.", now - timedelta(hours=4))
        signatures.prepare(connection, 9, "wang.fang", "", now - timedelta(hours=3))
    day = (now.astimezone(ZONE).date() - timedelta(days=1)).isoformat()
    folder = home / "runs" / MATCH / day
    folder.mkdir(parents=True)
    for name in ("breaks.csv", "rejects.csv", "certificate.json", "report.pdf"):
        (folder / name).write_text(f"{name} of {day}\n")
    (home / "secret.txt").write_text("not for taking away\n")


def _cases(connection: Connection, run: Any) -> None:
    lines = (
        connection.execute(select(tables.control_break).where(tables.control_break.c.run_id == run.id)).mappings().all()
    )
    for line in lines:
        connection.execute(
            update(tables.control_break)
            .where(tables.control_break.c.id == line["id"])
            .values(fingerprint=fingerprint(run.control, dict(line)))
        )
    known = run.finished_at
    cases.open_cases(connection, run, [dict(line) for line in lines], known, known + timedelta(days=3))


def _foots(connection: Connection, run: Any) -> None:
    """Give the run a certificate whose accounts follow from its breaks, as the run itself would have written it."""
    lines = (
        connection.execute(select(tables.control_break).where(tables.control_break.c.run_id == run.id)).mappings().all()
    )
    whole = [line for line in lines if line["class"] != "duplicate_charge"]
    twice = [line for line in lines if line["class"] == "duplicate_charge"]
    matched, each = run.certificate["classes"]["matched"]["count"], 5_000
    parties = {}
    for party in PARTIES:
        mine = [line["records"][party]["amount_minor"] for line in whole if party in line["records"]]
        again = [line["at_risk_minor"] for line in twice] if party == "payment" else []
        standing, amount = matched + len(mine), matched * each + sum(mine)
        parties[party] = run.certificate["parties"][party] | {
            "rows": standing + len(again) + 2,
            "rejected": 2,
            "duplicates": len(again),
            "standing": standing,
            "amount_minor": amount + sum(again) + 700,
            "rejected_amount_minor": 700,
            "duplicates_amount_minor": sum(again),
            "standing_amount_minor": amount,
            "carried_in": 0,
            "carried_in_amount_minor": 0,
        }
    changed = update(tables.control_run).where(tables.control_run.c.id == run.id)
    connection.execute(changed.values(certificate=run.certificate | {"parties": parties}))


def run_again(engine: Engine, now: datetime) -> int:
    """The day of run 4 run again after its files were mended: three breaks are gone, one is new; the number of the run.

    Somebody asked for it; for another day somebody asked in vain, and for a third one is waited for.
    """
    with writing(engine) as connection:
        run = connection.execute(select(tables.control_run).where(tables.control_run.c.id == 4)).one()
        kept = select(tables.control_break).where(tables.control_break.c.run_id == run.id)
        lines = [dict(line) for line in connection.execute(kept.order_by(tables.control_break.c.id)).mappings()]
        gone = [line for line in lines if not line["carried"]][:3]
        new = gone[0] | {
            "business_key": "MP-NEW-000001",
            "at_risk_minor": 7_700,
            "class": "payment_only",
            "loser": "customer",
        }
        new["records"] = {"payment": gone[0]["records"].get("payment") or lines[0]["records"]["billing"]}
        found = [line for line in lines if line not in gone] + [new]
        real = [line for line in found if not line["carried"]]
        classes = {name: {"count": 0, "at_risk_minor": 0} for name in run.certificate["classes"]}
        for line in found:
            classes[line["class"]]["count"] += 1
            classes[line["class"]]["at_risk_minor"] += line["at_risk_minor"]
        classes["matched"] = run.certificate["classes"]["matched"] | {"count": 4_173}
        mended = run.certificate["parties"]["billing"] | {"sha256": hashlib.sha256(b"mended").hexdigest()}
        certificate = run.certificate | {
            "classes": classes,
            "parties": run.certificate["parties"] | {"billing": mended},
            "control_version": "2",
            "hash": hashlib.sha256(b"again").hexdigest(),
        }
        values = dict(run._mapping) | {
            "fingerprint": "again",
            "certificate": certificate,
            "breaks": len(real),
            "at_risk_minor": sum(line["at_risk_minor"] for line in real),
            "started_at": run.finished_at + timedelta(hours=2),
            "finished_at": run.finished_at + timedelta(hours=2, seconds=4),
        }
        del values["id"]
        made = connection.execute(insert(tables.control_run).values(values).returning(tables.control_run)).one()
        for line in found:
            line |= {"run_id": made.id, "fingerprint": fingerprint(run.control, line)}
            del line["id"]
        connection.execute(insert(tables.control_break), found)
        _foots(connection, made)
        cases.open_cases(connection, made, found, made.finished_at, made.finished_at + timedelta(days=3))
        _requests(connection, made, now)
    return int(made.id)


def _requests(connection: Connection, run: Any, now: datetime) -> None:
    day, today = date.fromisoformat(run.business_day), now.astimezone(ZONE).date()
    answered = reruns.ask(connection, MATCH, day, "sun.yi", "Billing delivered its file again.", run.started_at)
    reruns.take(connection, run.started_at)
    reruns.finish(connection, answered, run.id, run.finished_at)
    in_vain = reruns.ask(connection, EQUATION, today - timedelta(days=2), "li.wei", "It is missing.", now)
    reruns.take(connection, now)
    broke = (
        f"The run of {EQUATION} for {today - timedelta(days=2)} broke down (the disk is full); the log of the pipeline"
    )
    reruns.fail(connection, in_vain, f"{broke} says more. Mend it and ask again.", now)
    reruns.ask(connection, "card-vouchers", today - timedelta(days=1), "zhao.lei", "The files are there now.", now)


def case_ids(connection: Connection, run_id: int) -> list[int]:
    """The cases that a run opened, in order."""
    query = select(tables.break_case.c.id).where(tables.break_case.c.run_id == run_id).order_by(tables.break_case.c.id)
    return list(connection.execute(query).scalars())


def _settle(connection: Connection, now: datetime) -> None:
    """Of the older run: recovered, written off, explained, approved; the others are late. Of the newer: two are taken."""
    old, new = case_ids(connection, 4), case_ids(connection, RUN)
    at = now - timedelta(days=4)
    rows = {row.id: row for row in connection.execute(select(tables.break_case)).all()}
    for number in old[:3]:
        proposed = adjustments.propose(
            connection, number, "li.wei", "back_fill", "payment", rows[number].at_risk_minor, "Ask the bank.", at
        )
        adjustments.approve(connection, proposed, "zhao.lei", "Yes.", at + timedelta(hours=2))
        if number != old[2]:
            adjustments.prove(connection, proposed, 9, at + timedelta(days=1))
    off = adjustments.propose(connection, old[3], "li.wei", "write_off", None, 500, "Not worth it.", at)
    adjustments.approve(connection, off, "zhao.lei", "", at + timedelta(hours=3))
    cases.explain(connection, [old[4]], "wang.fang", "timing", "Booked a day later.", at)
    cases.assign(connection, new[:2], "zhao.lei", "wang.fang", now - timedelta(hours=1))
    cases.set_reason(connection, new[:1], "wang.fang", "system_fault", now - timedelta(hours=1))


def _causes(connection: Connection) -> None:
    sentence = {
        "en": "9 of 13 breaks are of channel 7, 14:10 to 14:32.",
        "zh_CN": "13 条差错中有 9 条来自渠道 7，14:10 至 14:32。",
    }
    run = update(tables.control_run).where(tables.control_run.c.id == RUN)
    connection.execute(run.values(causes=[{"dimension": "channel", "value": "7", "share": 0.69, "sentence": sentence}]))


def _equation(connection: Connection, now: datetime) -> None:
    """Twelve days of an equation: one of them does not hold, the day before yesterday is missing."""
    today = now.astimezone(ZONE).date()
    for back in (12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1):
        day, off = today - timedelta(days=back), 1_250 if back == 5 else 0
        finished = now - timedelta(days=back - 1, hours=2)
        content = hashlib.sha256(f"{EQUATION}{day}".encode()).hexdigest()
        figures = (("opening", 5_000_000), ("top_up", 820_000), ("usage", 640_000 + off), ("closing", 5_180_000))
        connection.execute(
            insert(tables.control_run).values(
                control=EQUATION,
                business_day=day.isoformat(),
                fingerprint=content,
                kind="equation",
                outcome="breaks" if off else "clean",
                reasons=[],
                started_at=finished - timedelta(seconds=1),
                finished_at=finished,
                engine="sql",
                certificate={
                    "kind": "equation",
                    "control": EQUATION,
                    "control_version": "1",
                    "business_day": day.isoformat(),
                    "quantities": {
                        name: {"value": value, "unit": "fen", "source": f"sql: {name}", "sha256": content}
                        for name, value in figures
                    },
                    "formula": "opening + top_up - usage - closing",
                    "result": -off,
                    "unit": "fen",
                    "tolerance": 0,
                    "balanced": not off,
                    "previous_hash": None,
                    "hash": content,
                },
                folder=f"runs/{EQUATION}/{day.isoformat()}",
                breaks=1 if off else 0,
                carried=0,
                at_risk_minor=off,
                currency="CNY",
                rejected=0,
                demo=True,
            )
        )


def _deliveries(connection: Connection, now: datetime) -> None:
    """Ten days of files: one late, one changed, one delivered twice, one that never came, and one of an unknown control."""
    today = now.astimezone(ZONE).date()
    for back in range(10, 0, -1):
        day = today - timedelta(days=back)
        for party in PARTIES:
            if (party, back) == ("payment", 4):
                continue
            due = due_at(day)
            at = due + timedelta(minutes=47) if (party, back) == ("platform", 2) else due - timedelta(minutes=35)
            _deliver(connection, MATCH, party, day, f"exchange/{day}/{party}.csv", "first", at)
            if (party, back) == ("billing", 3):
                _deliver(connection, MATCH, party, day, f"exchange/{day}/{party}.csv", "again", at + timedelta(hours=1))
            if (party, back) == ("payment", 6):
                _deliver(
                    connection, MATCH, party, day, f"exchange/{day}/{party}-2.csv", "first", at + timedelta(hours=1)
                )
    yesterday = today - timedelta(days=1)
    _deliver(connection, "agent-accounts", "bank", yesterday, f"exchange/{yesterday}/bank.sta", "x", due_at(yesterday))


def _deliver(
    connection: Connection, control: str, party: str, day: date, path: str, content: str, at: datetime
) -> None:
    connection.execute(
        insert(tables.file_delivery).values(
            control=control,
            party=party,
            business_day=day.isoformat(),
            path=path,
            sha256=hashlib.sha256(f"{party}{day}{content}".encode()).hexdigest(),
            size_bytes=200_000 + len(content),
            arrived_at=at,
            seen_at=at + timedelta(minutes=1),
        )
    )


def due_at(day: date) -> datetime:
    """Eight o'clock on the day after, in the operator's zone."""
    return datetime.combine(day + timedelta(days=1), time(8), ZONE).astimezone(UTC)


def expectations(now: datetime) -> Sequence[Expectation]:
    """A file from each party for each of the last 31 business days, today's included."""
    today = now.astimezone(ZONE).date()
    days = [today - timedelta(days=back) for back in range(10, -1, -1)]
    return [
        Expectation(MATCH, party, day, f"exchange/{day}/{party}.csv", due_at(day)) for day in days for party in PARTIES
    ]


def every_day(first: date, last: date) -> Sequence[date]:
    """A schedule without a day off."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def deadline(day: date) -> datetime:
    """The end of the day, in the operator's zone: yesterday's is over at any hour at which somebody runs the tests."""
    return datetime.combine(day + timedelta(days=1), time(0), ZONE).astimezone(UTC)


CARDS = (
    ControlCard(
        MATCH,
        {"en": "Mobile payment, three ways", "zh": "移动支付三方对账"},
        number=14,
        owner="revenue assurance",
        scheduled=every_day,
        deadline=deadline,
        demo=True,
    ),
    ControlCard(
        EQUATION,
        {"en": "Prepaid balance", "zh": "预付费余额平衡"},
        kind="equation",
        number=13,
        owner="billing",
        scheduled=every_day,
        deadline=deadline,
        demo=True,
    ),
    ControlCard(
        "card-vouchers", {"en": "Vouchers"}, number=16, owner="billing", scheduled=every_day, deadline=deadline
    ),
)
