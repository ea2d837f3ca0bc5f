"""A storm of alerts as an estate sees it: fifty hosts fall one after the other within a minute, with everything on them.

Each cause is one critical alert, `host-down`, and 199 warnings of the services on that host, under ten names; the host is
the label `target` of all of them. A cause breaks out at its own moment of the minute: its warnings come over the ten seconds
from then on, the critical alert anywhere in the first five of these, so warnings often come before what they follow from.

The routes are those of an operator who has seen a storm: everything grouped by `alertname`, as where there is no routes.yaml,
30 s after the first of a group and again every 5 min, for `critical` every minute and with a fault ticket; and one inhibition
rule: a host that is down keeps what is on it quiet. Three receivers get all of it: a chat robot that takes 20 messages a
minute, mail, and a webhook that asks for storms to be folded. With `--group-by alertname,target`, as in the routes.yaml that
`bomc init` makes, every cause is a group of each name: 550 of them instead of eleven.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.process import free_port

CAUSES, OF_EACH = 50, 200
LASTS_S, BURST_S, CAUSE_WITHIN_S = 60.0, 10.0, 5.0
CAUSE = "host-down"
SYMPTOMS = tuple(
    f"{what}-{how}" for what in ("service", "queue", "database", "login", "payment") for how in ("slow", "failing")
)
BATCH = 256  # Prometheus sends at most so many alerts in one push
RECEIVERS = ("chat", "mail", "hook")
LARGEST_MAIL = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Coming:
    """One alert of the storm, so many seconds after its begin."""

    at_s: float
    labels: dict[str, str]

    @property
    def critical(self) -> bool:
        """Whether it is a cause."""
        return self.labels["severity"] == "critical"

    def as_push(self) -> dict[str, Any]:
        """The alert as a Prometheus would push it."""
        what, where = self.labels["alertname"], self.labels["target"]
        summary = f"{where} does not answer" if self.critical else f"{self.labels['service']} on {where}: {what}"
        return {"labels": self.labels, "annotations": {"summary": summary, "runbook": f"https://wiki.invalid/{what}"}}


def storm(seed: int, causes: int = CAUSES, lasts_s: float = LASTS_S) -> list[Coming]:
    """All alerts in the order of their coming."""
    drawn = random.Random(seed)
    found = []
    for cause in range(causes):
        outbreak = (lasts_s - BURST_S) * cause / max(1, causes - 1)
        host = {"target": f"host-{cause:02d}", "site": f"site-{cause % 5}"}
        critical = {"alertname": CAUSE, "severity": "critical", **host}
        found.append(Coming(outbreak + drawn.uniform(0, CAUSE_WITHIN_S), critical))
        for number in range(OF_EACH - 1):
            name = SYMPTOMS[number % len(SYMPTOMS)]
            labels = {"alertname": name, "severity": "warning", **host, "service": f"svc-{cause:02d}-{number:03d}"}
            found.append(Coming(outbreak + drawn.uniform(0, BURST_S), labels))
    return sorted(found, key=lambda one: one.at_s)


@dataclass(frozen=True, slots=True)
class Told:
    """One message as it arrived: when (monotonic s), how many alerts it names, and its bytes."""

    at_s: float
    size: int
    text: str


@dataclass
class Receivers:
    """What has arrived, by receiver."""

    port: int = 0
    mail_port: int = 0
    began_s: float = 0.0  # monotonic; when the storm broke out
    got: dict[str, list[Told]] = field(default_factory=lambda: {name: [] for name in RECEIVERS})

    def take(self, name: str, text: str, size: int) -> None:
        """Note one message."""
        self.got[name].append(Told(time.monotonic(), size, text))

    def metrics(self, alerts: Sequence[Coming]) -> bytes:
        """What the exporter of a host says now."""
        since_s = time.monotonic() - self.began_s if self.began_s else -1.0
        lines = []
        for one in sorted(alerts, key=lambda each: each.labels["alertname"]):
            service = f'{{service="{one.labels["service"]}"}}' if "service" in one.labels else ""
            lines.append(f"{indicator_of(one.labels['alertname'])}{service} {int(one.at_s <= since_s)}")
        return ("\n".join(lines) + "\n").encode()

    def first_about(self, name: str, words: str) -> float | None:
        """When the first message with these words came."""
        return next((one.at_s for one in self.got[name] if words in one.text), None)


@contextlib.contextmanager
def receivers(alerts: Sequence[Coming]) -> Iterator[Receivers]:
    """A chat robot, a webhook and the exporters on one port, and a real mail server on another."""
    there = Receivers()
    by_host: dict[str, list[Coming]] = {}
    for one in alerts:
        by_host.setdefault(one.labels["target"], []).append(one)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = there.metrics(by_host[self.path.strip("/")])
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.take(self.path.strip("/"), body.decode(), len(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        office = Controller(Office(there), hostname="127.0.0.1", port=free_port(), data_size_limit=LARGEST_MAIL)
        office.start()
        there.mail_port = office.port
        try:
            yield there
        finally:
            office.stop()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Office:
    """A mail server that notes what it takes."""

    def __init__(self, there: Receivers) -> None:
        self.there = there

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take one mail."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = message_from_bytes(raw, policy=default)
        body = mail.get_body(("plain",))
        self.there.take("mail", f"{mail['Subject']}\n{body.get_content() if body else ''}", len(raw))
        return "250 taken"


def indicator_of(name: str) -> str:
    """The metric of an alert."""
    return name.replace("-", "_")


def estate(there: Receivers, alerts: Sequence[Coming]) -> dict[str, Any]:
    """Hosts with an exporter each, and the checks that find the same alerts by their samples."""
    hosts = {one.labels["target"]: one.labels["site"] for one in alerts}
    probes = {
        name: [
            {"collect": "prometheus_exporter", "every": "5s", "with": {"url": f"http://127.0.0.1:{there.port}/{name}"}}
        ]
        for name in hosts
    }
    targets = [{"name": name, "kind": "host", "site": site, "probes": probes[name]} for name, site in hosts.items()]
    checks = [
        {"name": name, "judge": "limit", "indicator": indicator_of(name), "with": {"above": {severity: 0.5}}}
        for name, severity in [(CAUSE, "critical"), *((one, "warning") for one in SYMPTOMS)]
    ]
    return {"targets.yaml": {"targets": targets}, "checks.yaml": {"checks": checks}}


def configuration(there: Receivers, folder: Path, store: str | None, group_by: Sequence[str]) -> dict[str, Any]:
    """Our files; the chat robot's address is a secret in a file, as it has to be."""
    secret = folder / "chat.url"
    secret.write_text(f"json://127.0.0.1:{there.port}/chat")
    mail = {"to": "duty@example.org", "from": "bomc@example.org", "require_tls": False}
    channels: dict[str, dict[str, Any]] = {
        "chat": {"apprise_configs": [{"url": f"file:{secret}", "rate_limit": "20/m"}]},
        "mail": {"email_configs": [{**mail, "smarthost": f"127.0.0.1:{there.mail_port}"}]},
        "hook": {"webhook_configs": [{"url": f"http://127.0.0.1:{there.port}/hook", "fold_storms": True}]},
    }
    ticket = {"kind": "fault", "priority": "high", "within": "4h"}
    critical = [
        {"receiver": name, "matchers": ['severity="critical"'], "continue": True, "ticket": ticket if not n else None}
        for n, name in enumerate(RECEIVERS)
    ]
    others = [{"receiver": name, "continue": True} for name in RECEIVERS]
    routes = [
        {
            "matchers": ['severity="critical"'],
            "group_interval": "1m",
            "routes": [{**one, "matchers": []} for one in critical],
        },
        {"routes": others},
    ]
    top = {"receiver": "hook", "group_by": list(group_by), "group_wait": "30s", "group_interval": "5m"}
    down = {"source_matchers": [f'alertname="{CAUSE}"'], "target_matchers": ['severity="warning"'], "equal": ["target"]}
    return {
        "bomc.yaml": {"operator": {"name": "Storm", "language": "en"}} | ({"store": {"url": store}} if store else {}),
        "routes.yaml": {
            "route": {**top, "repeat_interval": "4h", "routes": routes},
            "receivers": [{"name": name, **channel} for name, channel in channels.items()],
            "inhibit_rules": [{"name": "host down", **down}],
        },
    }


def dumped(alerts: Sequence[Coming]) -> bytes:
    """The body of one push."""
    return json.dumps([one.as_push() for one in alerts]).encode()
