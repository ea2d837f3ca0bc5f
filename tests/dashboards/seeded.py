"""A small operator's store as the pipeline would have left it: a day of samples, its faults, alerts, tickets and runs.

Everything hangs on `now`, nothing on chance beyond a fixed seed, so that a test can count what it sees. The names of
targets and people are invented.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, insert, select

from core.model import instant_ms
from core.store import tables
from core.store.open import upgrade, writing

ZONE = ZoneInfo("Asia/Shanghai")
STEP_S = 60
DAY_S = 86_400

# name, kind, system, site, runs_on, demo
TARGETS: tuple[tuple[str, str, str, str, tuple[str, ...], bool], ...] = (
    ("crm-app-01", "host", "CRM", "east", (), False),
    ("crm-app-02", "host", "CRM", "east", (), False),
    ("billing-db-01", "host", "BOSS", "east", (), False),
    ("billing-app-01", "host", "BOSS", "west", (), False),
    ("bass-etl-01", "host", "BASS", "west", (), False),
    ("billing-db", "database", "BOSS", "east", ("billing-db-01",), False),
    ("crm-db", "database", "CRM", "east", (), False),
    ("bass-dw", "database", "BASS", "west", ("bass-etl-01",), False),
    ("crm-web", "web_server", "CRM", "east", ("crm-app-01",), False),
    ("hall-web", "web_server", "portal", "east", ("crm-app-02",), False),
    ("order-service", "web_server", "demo", "demo", (), True),
    ("web-hall", "http", "portal", "east", (), False),
    ("payment-gateway", "http", "payment", "west", (), False),
    ("boss-business", "business", "BOSS", "east", (), False),
    ("order-business", "business", "demo", "demo", (), True),
    ("mobile-payment", "control", "revenue", "demo", (), True),
    ("node-exporter-crm", "exporter", "CRM", "east", ("crm-app-01",), False),
)

# indicator, unit, kind, category, description, owner
INDICATORS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("host.cpu.used_ratio", "1", "ratio", "host", "Share of processor time in use", "Platform"),
    ("host.memory.used_ratio", "1", "ratio", "host", "Share of memory in use", "Platform"),
    ("host.disk.used_ratio", "1", "ratio", "host", "Share of a file system in use", "Platform"),
    ("host.load.1m", "1", "gauge", "host", "Processes that want to run, mean of one minute", "Platform"),
    ("database.up", "1", "gauge", "database", "1 when the database answers", "Databases"),
    ("database.latency_s", "s", "gauge", "database", "Time that a trivial statement takes", "Databases"),
    ("database.sessions", "1", "gauge", "database", "Sessions by state", "Databases"),
    ("database.size_bytes", "By", "gauge", "database", "Size on disk", "Databases"),
    ("web.threads.busy", "1", "gauge", "web", "Threads at work on a request", "Middleware"),
    ("web.threads.max", "1", "gauge", "web", "Threads that the pool may have", "Middleware"),
    ("web.requests", "1", "counter", "web", "Requests answered since the start", "Middleware"),
    ("web.errors", "1", "counter", "web", "Requests answered with an error", "Middleware"),
    ("web.latency_s", "s", "gauge", "web", "Mean time to answer", "Middleware"),
    ("http.up", "1", "gauge", "http", "1 when the page answered as expected", "Channels"),
    ("http.total_s", "s", "gauge", "http", "Time to the last byte", "Channels"),
    ("http.certificate_days", "d", "gauge", "http", "Days until the certificate ends", "Channels"),
    ("business.revenue", "fen", "money", "business", "Revenue of the business day", "Finance"),
    ("business.orders", "1", "gauge", "business", "Orders of the business day", "Sales"),
    ("business.dunning_ratio", "1", "ratio", "business", "Dunned customers who paid within 5 days", "Collections"),
    ("business.gprs_delay_s", "s", "gauge", "business", "Time to process a GPRS CDR file", "Billing"),
    ("reconciliation.breaks", "1", "gauge", "reconciliation", "Breaks found by the latest run", "Assurance"),
    ("reconciliation.at_risk", "fen", "money", "reconciliation", "Money at risk in the latest run", "Assurance"),
    ("node_load1", "1", "gauge", "exporter", "1m load average", "Platform"),
)
PROBES = {
    "host": ("host", 15.0),
    "database": ("database", 15.0),
    "web_server": ("tomcat", 10.0),
    "http": ("http", 30.0),
    "business": ("kpi", 300.0),
    "control": ("reconciliation", 3600.0),
    "exporter": ("prometheus", 15.0),
}
CLASSES = (
    ("missing_in_payment", "operator", 3),
    ("missing_in_billing", "customer", 5),
    ("payment_only", "customer", 2),
    ("amount_shortfall", "operator", 1),
    ("duplicate_charge", "customer", 2),
    ("awaiting_cutoff", "none", 4),
)


def seed(engine: Engine, now: datetime) -> None:
    """Make the schema and fill it as of `now`."""
    upgrade(engine)
    with writing(engine) as connection:
        ids = _targets(connection, now)
        _samples(connection, ids, now)
        _judgements(connection, ids, now)
        alerts = _alerts(connection, ids, now)
        _tickets(connection, alerts, now)
        _runs(connection, now)
        connection.execute(
            insert(tables.pulse),
            {
                "name": "pipeline",
                "at": now - timedelta(seconds=2),
                "detail": {"queue_depth": 3, "batches": 8_640, "samples": 98_000, "skipped": 2},
            },
        )
        connection.execute(
            insert(tables.refusal),
            {
                "probe": "bass-dw/database",
                "reason": "future",
                "count": 7,
                "last_at": now - timedelta(minutes=12),
                "example": "database.sessions at 2031-01-01T00:00:00Z",
            },
        )


def shapes(name: str, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The series of a target of that kind: indicator and labels."""
    if kind == "host":
        yield "host.cpu.used_ratio", {}
        yield "host.memory.used_ratio", {}
        yield "host.load.1m", {}
        for mount in ("/", "/u01"):
            yield "host.disk.used_ratio", {"mount": mount}
    elif kind == "database":
        yield "database.up", {}
        yield "database.latency_s", {}
        yield "database.size_bytes", {}
        for state in ("active", "idle", "waiting"):
            yield "database.sessions", {"state": state}
    elif kind == "web_server":
        pool = {"pool": "http-8080"}
        for indicator in ("web.threads.busy", "web.threads.max", "web.requests", "web.errors", "web.latency_s"):
            yield indicator, pool
    elif kind == "http":
        for indicator in ("http.up", "http.total_s", "http.certificate_days"):
            yield indicator, {}
    elif kind == "business":
        yield "business.revenue", {"currency": "CNY"}
        yield "business.orders", {"channel": "web hall"}
        yield "business.orders", {"channel": "shop"}
        if name == "boss-business":
            yield "business.dunning_ratio", {}
            yield "business.gprs_delay_s", {}
    elif kind == "control":
        yield "reconciliation.breaks", {}
        yield "reconciliation.at_risk", {"currency": "CNY"}
    else:
        yield "node_load1", {}


def _targets(connection: Connection, now: datetime) -> dict[tuple[str, str, str], int]:
    connection.execute(
        insert(tables.indicator),
        [
            dict(zip(("name", "unit", "kind", "category", "description", "owner"), row, strict=True))
            for row in INDICATORS
        ],
    )
    ids: dict[tuple[str, str, str], int] = {}
    for name, kind, system, site, runs_on, demo in TARGETS:
        target_id = connection.execute(
            insert(tables.target).values(
                name=name,
                kind=kind,
                labels={"env": "demo"} if demo else {},
                site=site,
                system=system,
                runs_on=list(runs_on),
                depends_on=[],
                demo=demo,
            )
        ).inserted_primary_key
        collector, every_s = PROBES[kind]
        stale = name == "node-exporter-crm"
        connection.execute(
            insert(tables.probe_state),
            {
                "probe": f"{name}/{collector}",
                "target": name,
                "collector": collector,
                "every_s": every_s,
                "last_started_at": now - timedelta(seconds=5),
                "last_took_s": 0.041,
                "last_success_at": now - timedelta(minutes=21) if stale else now - timedelta(seconds=5),
                "error": "The exporter at 127.0.0.1:9100 refused the connection." if stale else None,
                "runs": 5_760,
                "failures": 84 if stale else 0,
                "skipped": 2 if name == "bass-dw" else 0,
                "samples": 28_000,
            },
        )
        for indicator, labels in shapes(name, kind):
            key = connection.execute(
                insert(tables.series).values(
                    target_id=target_id[0],
                    indicator=indicator,
                    labels=labels,
                    probe=f"{name}/{collector}",
                    created_at=now - timedelta(days=30),
                )
            ).inserted_primary_key
            ids[(name, indicator, ",".join(labels.values()))] = key[0]
    return ids


def value(name: str, indicator: str, label: str, at_s: int, now_s: int) -> float:
    """What that series measured at that second: a day's wave, its own level, and the faults of the last hour."""
    own = int(hashlib.sha256(f"{name}{indicator}{label}".encode()).hexdigest()[:6], 16) / 0xFFFFFF
    noise = random.Random(f"{name}{indicator}{label}{at_s}").gauss(0, 1)
    hour = ((at_s + 8 * 3600) % DAY_S) / 3600
    day = 0.5 - 0.5 * math.cos((hour - 4) / 24 * 2 * math.pi)
    ago = now_s - at_s
    match indicator:
        case "host.cpu.used_ratio":
            return min(
                0.99,
                max(
                    0.02,
                    0.12
                    + 0.45 * day * (0.6 + own)
                    + 0.03 * noise
                    + (0.35 if name == "bass-etl-01" and ago < 2400 else 0),
                ),
            )
        case "host.memory.used_ratio":
            return min(0.98, 0.45 + 0.3 * own + 0.02 * day + 0.003 * noise)
        case "host.disk.used_ratio":
            if (name, label) == ("billing-db-01", "/u01"):  # crosses 90 % and 95 % when its transitions say so
                return 0.9619 - ago * 0.051 / 25_200
            return 0.35 + 0.4 * own
        case "host.load.1m" | "node_load1":
            return max(0.0, 0.5 + 4 * day * (0.5 + own) + 0.4 * noise)
        case "database.up" | "http.up":
            return 0.0 if name == "payment-gateway" and 9000 < ago < 9900 else 1.0
        case "database.latency_s":
            return max(0.0004, 0.002 + 0.003 * own + 0.002 * day + 0.0006 * noise)
        case "database.sessions":
            return float(max(0, round({"active": 18, "idle": 60, "waiting": 2}[label] * (0.4 + day) + 2 * noise)))
        case "database.size_bytes":
            return (180 + 240 * own) * 2**30 + (DAY_S - ago) * 12_000
        case "web.threads.busy":
            full = name == "order-service" and ago < 540
            return (
                8.0
                if full
                else float(
                    max(0, min(200, round((3 if name == "order-service" else 96) * day * (0.4 + own) + 1.5 * noise)))
                )
            )
        case "web.threads.max":
            return 8.0 if name == "order-service" else 200.0
        case "web.requests":
            return float(round((at_s - now_s + 2 * DAY_S) * (6 + 20 * own) + 90_000 * day))
        case "web.errors":
            return float((at_s - now_s + 2 * DAY_S) // 90)
        case "web.latency_s" | "http.total_s":
            return max(
                0.004,
                0.08 + 0.05 * own + 0.06 * day + 0.012 * noise + (1.4 if name == "order-service" and ago < 540 else 0),
            )
        case "http.certificate_days":
            return 61.0 if name == "web-hall" else 12.0
        case "reconciliation.breaks":
            return 13.0
        case _:
            return 1_842_50.0


def _samples(connection: Connection, ids: dict[tuple[str, str, str], int], now: datetime) -> None:
    now_s = int(now.timestamp()) // STEP_S * STEP_S
    rows: list[tuple[int, int, float]] = []
    for (name, indicator, label), series_id in ids.items():
        if indicator.startswith("business."):
            rows += _business(name, indicator, label, series_id, now)
            continue
        until = now_s - 1260 if name == "node-exporter-crm" else now_s
        for at_s in range(now_s - DAY_S, until + 1, STEP_S):
            rows.append((series_id, at_s * 1000, value(name, indicator, label, at_s, now_s)))
    insert_sample = insert(tables.sample)
    for start in range(0, len(rows), 50_000):
        batch = rows[start : start + 50_000]
        connection.execute(insert_sample, [{"series_id": s, "at_ms": a, "value": v} for s, a, v in batch])
    rollups: dict[tuple[int, int, int], list[float]] = {}
    for series_id, at_ms, measured in rows:
        for step_s in (300, 3600):
            start = at_ms // (step_s * 1000) * step_s * 1000
            cell = rollups.setdefault((series_id, step_s, start), [measured, measured, 0.0, 0, measured])
            cell[0], cell[1] = min(cell[0], measured), max(cell[1], measured)
            cell[2], cell[3], cell[4] = cell[2] + measured, cell[3] + 1, measured
    connection.execute(
        insert(tables.rollup),
        [
            {
                "series_id": s,
                "step_s": step,
                "at_ms": at,
                "min": c[0],
                "max": c[1],
                "sum": c[2],
                "count": int(c[3]),
                "last": c[4],
            }
            for (s, step, at), c in rollups.items()
        ],
    )


def _business(name: str, indicator: str, label: str, series_id: int, now: datetime) -> list[tuple[int, int, float]]:
    """Thirty business days, each stamped with its last millisecond in the operator's zone."""
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = []
    for back in range(30, 0, -1):
        day = today - timedelta(days=back)
        rng = random.Random(f"{name}{indicator}{label}{day.date()}")
        weekend = 0.82 if day.weekday() >= 5 else 1.0
        measured = {
            "business.revenue": float(
                round((41_836_127_55 if name == "boss-business" else 1_284_50) * weekend * rng.uniform(0.96, 1.05))
            ),
            "business.orders": float(round((8_200 if label == "shop" else 21_400) * weekend * rng.uniform(0.95, 1.06))),
            "business.dunning_ratio": 0.69 + (30 - back) * 0.0057 + rng.uniform(-0.004, 0.004),
            "business.gprs_delay_s": max(170.0, 3600 * math.exp(-(30 - back) / 6) + rng.uniform(-20, 20)),
        }[indicator]
        rows.append((series_id, instant_ms(day + timedelta(days=1)) - 1, measured))
    return rows


def _judgements(connection: Connection, ids: dict[tuple[str, str, str], int], now: datetime) -> None:
    """The latest result of each judged series, and the day's transitions that led there."""
    judged = {
        "host.cpu.used_ratio": "cpu",
        "host.disk.used_ratio": "disk",
        "database.latency_s": "db-latency",
        "web.threads.busy": "threads",
        "http.up": "reachable",
        "reconciliation.breaks": "breaks",
        "node_load1": "load",
        "business.dunning_ratio": "dunning",
    }
    story: dict[tuple[str, str, str], list[tuple[int, str, str, float | None, str]]] = {
        ("billing-db-01", "host.disk.used_ratio", "/u01"): [
            (30_600, "ok", "warning", 0.901, "90.1 % of /u01 is in use; the warning limit is 90 %."),
            (5_400, "warning", "critical", 0.951, "95.1 % of /u01 is in use; the critical limit is 95 %."),
        ],
        ("order-service", "web.threads.busy", "http-8080"): [
            (50_400, "ok", "critical", 8.0, "8 of 8 threads are busy; the critical limit is 8."),
            (49_500, "critical", "ok", 3.0, "3 of 8 threads are busy."),
            (480, "ok", "critical", 8.0, "8 of 8 threads are busy; the critical limit is 8."),
        ],
        ("bass-etl-01", "host.cpu.used_ratio", ""): [
            (2_280, "ok", "warning", 0.88, "88 % of processor time is in use; the warning limit is 85 %."),
        ],
        ("payment-gateway", "http.up", ""): [
            (9_900, "ok", "critical", 0.0, "The page did not answer within 5 s."),
            (9_000, "critical", "ok", 1.0, "The page answered as expected."),
        ],
        ("node-exporter-crm", "node_load1", ""): [
            (1_200, "ok", "unknown", None, "No sample for 21 minutes; expected every 15 s."),
        ],
        ("mobile-payment", "reconciliation.breaks", ""): [
            (3_000, "ok", "critical", 13.0, "13 breaks in the run of the latest business day; the limit is 0."),
        ],
    }
    now_ms = instant_ms(now)
    results: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for key, series_id in ids.items():
        check = judged.get(key[1])
        if check is None:
            continue
        steps = story.get(key, [])
        for ago_s, old, new, measured, reason in steps:
            moves.append(
                {
                    "check_name": check,
                    "series_id": series_id,
                    "old": old,
                    "new": new,
                    "value": measured,
                    "reason": reason,
                    "at_ms": now_ms - ago_s * 1000,
                }
            )
        last = steps[-1] if steps else (DAY_S * 3, "unknown", "ok", 0.4, "Within its limits.")
        results.append(
            {
                "check_name": check,
                "series_id": series_id,
                "status": last[2],
                "held": last[2] if last[2] != "unknown" else "ok",
                "value": last[3],
                "reason": last[4],
                "since_ms": now_ms - last[0] * 1000,
            }
        )
    connection.execute(insert(tables.check_result), results)
    connection.execute(insert(tables.transition), sorted(moves, key=lambda move: move["at_ms"]))


def _alerts(connection: Connection, ids: dict[tuple[str, str, str], int], now: datetime) -> dict[str, int]:
    """Five open alerts, one of them acknowledged, and two that are over."""
    rows: tuple[tuple[Any, ...], ...] = (
        (
            "disk",
            ("billing-db-01", "host.disk.used_ratio", "/u01"),
            "critical",
            "firing",
            0.951,
            5_400,
            None,
            "li.wei",
            "Platform",
        ),
        (
            "threads",
            ("order-service", "web.threads.busy", "http-8080"),
            "critical",
            "firing",
            8.0,
            480,
            None,
            None,
            "Middleware",
        ),
        ("cpu", ("bass-etl-01", "host.cpu.used_ratio", ""), "warning", "firing", 0.88, 2_280, None, None, "Platform"),
        ("load", ("node-exporter-crm", "node_load1", ""), "unknown", "unknown", None, 1_200, None, None, "Platform"),
        (
            "breaks",
            ("mobile-payment", "reconciliation.breaks", ""),
            "critical",
            "firing",
            13.0,
            3_000,
            None,
            None,
            "Assurance",
        ),
        (
            "reachable",
            ("payment-gateway", "http.up", ""),
            "critical",
            "resolved",
            1.0,
            9_900,
            9_000,
            "zhang.min",
            "Channels",
        ),
        (
            "threads",
            ("order-service", "web.threads.busy", "http-8080"),
            "critical",
            "resolved",
            3.0,
            50_400,
            49_500,
            None,
            "Middleware",
        ),
    )
    reasons = {
        "disk": "95.1 % of /u01 is in use; the critical limit is 95 %.",
        "threads": "8 of 8 threads are busy; the critical limit is 8.",
        "cpu": "88 % of processor time is in use; the warning limit is 85 %.",
        "load": "No sample for 21 minutes; expected every 15 s.",
        "breaks": "13 breaks in the run of the latest business day; the limit is 0.",
        "reachable": "The page did not answer within 5 s.",
    }
    made: dict[str, int] = {}
    for check, key, severity, state, measured, opened_s, resolved_s, who, team in rows:
        opened = now - timedelta(seconds=opened_s)
        acknowledged = opened + timedelta(minutes=4) if who else None
        target, indicator, label = key
        demo = next(row[5] for row in TARGETS if row[0] == target)
        labels = {"alertname": check, "severity": severity, "target": target, "indicator": indicator, "team": team}
        fingerprint = hashlib.sha256(f"{check}{key}{resolved_s}".encode()).hexdigest()[:16]
        alert_id = connection.execute(
            insert(tables.alert).values(
                fingerprint=fingerprint,
                check_name=check,
                series_id=ids[key],
                target=target,
                labels=labels | ({"mount": label} if indicator == "host.disk.used_ratio" else {}),
                annotations={
                    "summary": f"{target}: {check}",
                    "reason": reasons[check],
                    "runbook": f"docs/runbooks/{check}.md",
                },
                severity=severity,
                state=state,
                value=measured,
                opened_at=opened,
                updated_at=now - timedelta(seconds=30),
                resolved_at=now - timedelta(seconds=resolved_s) if resolved_s else None,
                acknowledged_by=who,
                acknowledged_at=acknowledged,
                acknowledgement="Looking at the archive logs." if who else None,
                demo=demo,
            )
        ).inserted_primary_key[0]
        events = [
            (opened, "opened", "checks", reasons[check]),
            (opened + timedelta(seconds=31), "notified", "alerts", f"To {team.lower()}-duty by webhook."),
        ]
        if acknowledged:
            events.append((acknowledged, "acknowledged", who, "Looking at the archive logs."))
        if resolved_s:
            events.append((now - timedelta(seconds=resolved_s), "resolved", "checks", "Back within its limits."))
        connection.execute(
            insert(tables.alert_event),
            [
                {"alert_id": alert_id, "at": at, "kind": kind, "who": by, "detail": detail}
                for at, kind, by, detail in events
            ],
        )
        made.setdefault(f"{check}@{target}" + ("" if resolved_s is None else "/over"), alert_id)
    return made


def _tickets(connection: Connection, alerts: dict[str, int], now: datetime) -> None:
    rows: tuple[tuple[Any, ...], ...] = (
        (
            "fault",
            "Disk /u01 of billing-db-01 is nearly full",
            "high",
            "assigned",
            "li.wei",
            5_400,
            9_000,
            "disk@billing-db-01",
            False,
        ),
        (
            "fault",
            "All threads of order-service are busy",
            "high",
            "open",
            None,
            480,
            14_400,
            "threads@order-service",
            True,
        ),
        ("handling", "13 breaks in mobile payment", "high", "open", None, 3_000, 28_800, "breaks@mobile-payment", True),
        (
            "fault",
            "Payment gateway did not answer",
            "normal",
            "resolved",
            "zhang.min",
            9_900,
            14_400,
            "reachable@payment-gateway/over",
            False,
        ),
        ("maintenance", "Quarterly patching of crm-app-02", "low", "closed", "wang.fang", 80_000, 40_000, None, False),
    )
    for kind, title, priority, state, assignee, opened_s, due_s, alert, demo in rows:
        opened = now - timedelta(seconds=opened_s)
        done = opened + timedelta(minutes=18) if state in ("resolved", "closed") else None
        ticket_id = connection.execute(
            insert(tables.ticket).values(
                kind=kind,
                title=title,
                description=f"{title}.",
                priority=priority,
                state=state,
                assignee=assignee,
                opened_by="alerts" if alert else "wang.fang",
                opened_at=opened,
                due_at=opened + timedelta(seconds=due_s),
                resolved_at=done,
                closed_at=done + timedelta(minutes=5) if done and state == "closed" else None,
                cause="The upstream bank line flapped." if state == "resolved" else None,
                remedy="Switched to the second line." if state == "resolved" else None,
                alert_id=alerts[alert] if alert else None,
                alert_cleared_at=now - timedelta(seconds=9_000) if state == "resolved" else None,
                demo=demo,
            )
        ).inserted_primary_key[0]
        events = [(opened, "opened", "alerts", title)]
        if assignee:
            events.append((opened + timedelta(minutes=2), "assigned", assignee, f"To {assignee}."))
        if done:
            events.append((done, "resolved", assignee, "The upstream bank line flapped. Switched to the second line."))
        connection.execute(
            insert(tables.ticket_event),
            [
                {"ticket_id": ticket_id, "at": at, "kind": event, "who": who, "detail": detail}
                for at, event, who, detail in events
            ],
        )


def _runs(connection: Connection, now: datetime) -> None:
    """Ten days of one control: clean ones, one refused, and the latest with thirteen breaks and four carried items."""
    today = now.astimezone(ZONE).date()
    for back in range(10, 0, -1):
        day = today - timedelta(days=back)
        finished = now - timedelta(days=back - 1, seconds=3_000)
        refused, broken = back == 4, back in (1, 7)
        found = list(_breaks(day.isoformat(), finished)) if broken else []
        real = [row for row in found if not row["carried"]]
        classes = {name: {"count": 0, "at_risk_minor": 0} for name in ("matched", *(c[0] for c in CLASSES))}
        for row in found:
            classes[row["class"]]["count"] += 1
            classes[row["class"]]["at_risk_minor"] += row["at_risk_minor"]
        classes["matched"] = {"count": 4_188 - len(found), "at_risk_minor": 0}
        run_id = connection.execute(
            insert(tables.control_run).values(
                control="mobile-payment",
                business_day=day.isoformat(),
                fingerprint=hashlib.sha256(day.isoformat().encode()).hexdigest(),
                outcome="refused" if refused else "breaks" if broken else "clean",
                reasons=["payment: the manifest says 4,180 rows, the file has 4,102; ask for it again."]
                if refused
                else [],
                started_at=finished - timedelta(seconds=3),
                finished_at=finished,
                engine="duckdb",
                certificate=None if refused else _certificate(day.isoformat(), classes),
                folder=f"runs/mobile-payment/{day.isoformat()}",
                breaks=len(real),
                carried=len(found) - len(real),
                at_risk_minor=sum(row["at_risk_minor"] for row in real),
                currency="CNY",
                rejected=2 if broken else 0,
                demo=True,
            )
        ).inserted_primary_key[0]
        if found:
            connection.execute(insert(tables.control_break), [row | {"run_id": run_id} for row in found])


def _certificate(day: str, classes: dict[str, dict[str, int]]) -> dict[str, Any]:
    party = {"rows": 4_190, "rejected": 2, "duplicates": 2, "standing": 4_186, "amount_minor": 20_911_400}
    return {
        "control": "mobile-payment",
        "control_version": "1",
        "business_day": day,
        "engine": "duckdb",
        "parties": {
            name: party | {"file": f"{name}-{day}.csv", "sha256": hashlib.sha256(f"{name}{day}".encode()).hexdigest()}
            for name in ("billing", "platform", "payment")
        },
        "classes": classes,
        "rows_tie": True,
        "amounts_tie": True,
        "previous_hash": "0" * 64,
        "hash": hashlib.sha256(day.encode()).hexdigest(),
    }


def _breaks(day: str, at: datetime) -> Iterator[dict[str, Any]]:
    parties = {
        "missing_in_payment": ("billing", "platform"),
        "missing_in_billing": ("platform", "payment"),
        "payment_only": ("payment",),
    }
    line = 11
    for name, loser, count in CLASSES:
        for n in range(count):
            line += 37
            amount = 1_000 + 990 * n + len(name) * 100
            yield {
                "business_key": f"MP{day.replace('-', '')}{line:06d}",
                "kind": "refund" if name == "duplicate_charge" and n else "payment",
                "class": name,
                "loser": loser,
                "at_risk_minor": amount,
                "carried": name == "awaiting_cutoff",
                "records": {
                    party: {
                        "record_id": f"{party[:3].upper()}-{line:06d}",
                        "amount_minor": amount,
                        "status": "success",
                        "occurred_at": (at - timedelta(hours=9, minutes=n)).isoformat(),
                        "file": f"{party}-{day}.csv",
                        "line": line + offset,
                    }
                    for offset, party in enumerate(parties.get(name, ("billing", "platform", "payment")))
                },
            }


def add_ticket(engine: Engine, title: str, now: datetime | None = None) -> int:
    """One more open ticket, as if somebody had just opened it; returns its number."""
    with writing(engine) as connection:
        at = (
            now
            or connection.execute(
                select(func.max(tables.ticket.c.opened_at, type_=tables.ticket.c.opened_at.type))
            ).scalar_one()
        )
        return int(
            connection.execute(
                insert(tables.ticket).values(
                    kind="fault",
                    title=title,
                    description=title,
                    priority="normal",
                    state="open",
                    opened_by="li.wei",
                    opened_at=at,
                    demo=False,
                )
            ).inserted_primary_key[0]
        )
