"""The channel to chat groups, SMS gateways and paging services: WeCom, DingTalk, Feishu, Slack, Teams ..., through Apprise.

The address is a secret in itself, so it is only ever a reference. Apprise answers yes or no; the reason is what it logged
meanwhile, with every part of the address blotted out, and its log goes nowhere else. A service that does not answer within
the time for one try is left behind; when HANGING of them are, no further try is begun until one of them ends.
Schemes: https://github.com/caronc/apprise
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.delivery.messages import Message
from alerts.delivery.pace import Pace, RateLimit
from alerts.delivery.sending import Io, NotifyError
from alerts.delivery.texts import message_text, message_title
from core.duration import Duration
from core.secrets import SecretRef

CHAT = "wecombot dingtalk feishu lark slack workflow workflows discord gchat tgram line webex wxteams zulip kook qq"
SERVERS = (
    "mmost mmosts rocket rockets matrix matrixs ntfy ntfys gotify gotifys bark barks json jsons form forms xml xmls"
)
PUSH = "schan pushplus wxpusher pover pushdeer pushdeers join prowl onebot onebots"
SMS = "twilio sinch vonage nexmo plivo msgbird clickatell infobip d7sms bulksms sns telnyx acs kaleyra clicksend seven smsmanager"
PAGING = "pagerduty opsgenie signl4 splunk victorops betterstack ilert squadcast"
SCHEMES = frozenset(" ".join((CHAT, SERVERS, PUSH, SMS, PAGING)).split())
"""Services that may be used. What would write to files, run programs or talk to this machine's desktop is not among them."""

HANGING = 8
SHORTEST_SECRET = 4
LEAVE_S = 5.0  # a service that we left behind gives its thread back after so long without a byte
FINAL = frozenset(range(400, 500)) - {408, 425, 429}
STATUS = re.compile(r"error=(\d{3})\b")
BLOT = "***"
REFUSED = "its host is an address that no message is sent to (link-local, multicast or unspecified)"
_tried: dict[int, list[str]] = {}  # by thread: the addresses that were refused to it
_hanging = threading.BoundedSemaphore(HANGING)


class Config(BaseModel):
    """One service that Apprise knows, by its address."""

    model_config = ConfigDict(extra="forbid")

    url: SecretRef = Field(
        description="env:NAME or file:PATH that holds the service's address for Apprise, such as dingtalk://TOKEN"
    )
    send_resolved: bool = Field(True, description="Whether to tell of resolved alerts as well")
    max_alerts: int = Field(10, ge=1, description="Most alerts in one message, the worst first")
    rate_limit: RateLimit | None = Field(
        Pace(20, "m"), description="Most messages in a time; chat robots take 20 a minute; null: no limit"
    )
    fold_storms: bool = Field(
        True, description="Whether a storm of messages is told together, every 20 s after the first four of a minute"
    )
    timeout: Duration = Field(timedelta(seconds=15), description="Time for one try, from connecting to the answer")

    @field_validator("timeout")
    @classmethod
    def _some_time(cls, timeout: timedelta) -> timedelta:
        if timeout <= timedelta(0):
            raise ValueError("a try needs some time; write a length such as 15s")
        return timeout


def render(message: Message) -> tuple[str, str]:
    """Title and text in English; `send` writes them in the reader's language."""
    return message_title(message, "en"), message_text(message, "en")


def send(config: Config, message: Message, key: str, io: Io) -> str:
    """Hand the message to the service once; returns where it went. Raises NotifyError when it was not taken."""
    url = io.secret(config.url).strip()
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        known = ", ".join(sorted(SCHEMES))
        shown = scheme if re.fullmatch(r"[a-z0-9]{1,12}", scheme) and "://" in url else "something else"
        raise NotifyError(f"the address in {config.url} is of {shown}; it may be of {known}", retryable=True)
    title = message_title(message, io.enclosed.language)
    body = message_text(message, io.enclosed.language, io.enclosed)
    if not _hanging.acquire(blocking=False):
        raise NotifyError(f"{HANGING} earlier tries of services have not ended yet; this one waits", retryable=True)
    found: list[tuple[bool, list[str]]] = []

    def work() -> None:
        try:
            with _listening() as said:
                found.append((_notify(url, title, body, config.timeout.total_seconds()), said))
        except Exception as error:  # noqa: BLE001  # a plug-in that breaks is a failed try; its sentence is the reason
            found.append((False, [f"{type(error).__name__}: {error}"]))
        finally:
            _hanging.release()

    thread = threading.Thread(target=work, name=f"apprise {scheme}", daemon=True)
    thread.start()
    thread.join(config.timeout.total_seconds())
    if not found:
        raise NotifyError(f"{scheme} did not answer within {config.timeout.total_seconds():g} s", retryable=True)
    taken, said = found[0]
    if not taken:
        raise _refusal(scheme, url, said)
    return f"{scheme} through apprise"


def _notify(url: str, title: str, body: str, timeout_s: float) -> bool:
    """Whether the service took it. Raises NotifyError-like sentences as ValueError when the address cannot be used."""
    import apprise

    service: Any = apprise.Apprise.instantiate(url)
    if service is None:
        raise ValueError("the address is not complete for this service")
    service.redirects = False
    service.socket_connect_timeout = service.socket_read_timeout = timeout_s + LEAVE_S
    kind = apprise.NotifyType.INFO
    with _guarded() as refused:
        taken = bool(service.notify(body=body, title=title, notify_type=kind))
    if refused:
        raise ValueError(REFUSED)
    return taken


@contextlib.contextmanager
def _guarded() -> Iterator[list[str]]:
    """Meanwhile this thread opens no socket to an address that no service lives on; those that it tried are kept.

    It is asked where the socket is connected, so a name that means another address by then helps nobody."""
    refused: list[str] = []
    _install_guard()
    _tried[threading.get_ident()] = refused
    try:
        yield refused
    finally:
        del _tried[threading.get_ident()]


@cache
def _install_guard() -> None:
    sys.addaudithook(_on_audit)


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises ConnectionRefusedError for a guarded thread's socket to such an address; Python's own hook asks for it."""
    refused = _tried.get(threading.get_ident()) if event == "socket.connect" else None
    if refused is None or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    if not _may_connect(host):
        refused.append(host)
        raise ConnectionRefusedError(REFUSED)


def _may_connect(host: str) -> bool:
    """Whether a service may live there: not at the metadata address of a cloud, at multicast or the unspecified address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False  # a name: nobody could say which address it will be
    inner = getattr(address, "ipv4_mapped", None) or address
    return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)


def _refusal(scheme: str, url: str, said: list[str]) -> NotifyError:
    why = "; ".join(dict.fromkeys(blotted(line, url) for line in said)) or "no reason was given"
    codes = [int(code) for code in STATUS.findall(why)]
    return NotifyError(f"{scheme} did not take it: {why}", retryable=not any(code in FINAL for code in codes))


def blotted(text: str, url: str) -> str:
    """The text without any part of the address that could be a secret: everything behind its scheme."""
    parts = urlsplit(url)
    inner = re.split(r"[/?&=:@#;,]", url.partition("://")[2])
    words = {url, url.partition("://")[2], parts.netloc, parts.path, parts.query, *inner}
    words |= {unquote(word) for word in words}
    for word in sorted((word for word in words if len(word) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(word, BLOT)
    return " ".join(text.split())[:500]


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """What Apprise logs in this thread meanwhile, from warnings on."""
    said: list[str] = []
    listener = _listener()
    listener.said[threading.get_ident()] = said
    try:
        yield said
    finally:
        del listener.said[threading.get_ident()]


class _Listener(logging.Handler):
    """Keeps what each thread's library said for that thread alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line for the thread that it came from; lines of other threads are dropped: they may hold an address."""
        lines = self.said.get(record.thread or 0)
        if lines is not None:
            lines.append(record.getMessage())


@cache
def _listener() -> _Listener:
    """The one handler of the library's log; nothing of it, nor of the requests that it makes, reaches any other log."""
    listener = _Listener()
    log = logging.getLogger("apprise")
    log.handlers[:] = [listener]
    log.propagate = False
    log.setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # below that it writes paths, which hold tokens
    return listener
