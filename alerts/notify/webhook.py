"""The webhook channel: POST the version-4 body of Alertmanager as JSON; 2xx means taken.

429, 5xx, time-outs and broken connections are tried again, a `Retry-After` is honoured, any other answer is final.
Every try of one message carries the same `Idempotency-Key`, by which the other side can drop a repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.delivery.messages import Message
from alerts.delivery.pace import RateLimit
from alerts.delivery.sending import Io, NotifyError
from core.duration import Duration
from core.secrets import is_reference

EXCERPT_BYTES = 200
ANSWER_BYTES = 65_536
RETRY_STATUS = (408, 425, 429)


class Config(BaseModel):
    """One address that messages are POSTed to."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="http:// or https:// address; env:NAME or file:PATH where the address is a secret")
    send_resolved: bool = Field(True, description="Whether to tell of resolved alerts as well")
    max_alerts: int = Field(0, ge=0, description="Most alerts in one message, the worst first; 0: all")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Further headers; a value of env:NAME or file:PATH is read from there"
    )
    rate_limit: RateLimit | None = Field(
        None, description="Most messages in a time, such as 20/m; what is over it waits and is told in one message"
    )
    fold_storms: bool = Field(
        False, description="Whether a storm of messages is told together, every 20 s after the first four of a minute"
    )
    timeout: Duration = Field(timedelta(seconds=10), description="Time for one try, from connecting to the answer")

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        if not is_reference(url):
            fault = _url_fault(url)
            if fault:
                raise ValueError(fault)
        return url

    @field_validator("timeout")
    @classmethod
    def _some_time(cls, timeout: timedelta) -> timedelta:
        if timeout <= timedelta(0):
            raise ValueError("a try needs some time; write a length such as 10s")
        return timeout


def render(message: Message) -> bytes:
    """The body to POST."""
    return orjson.dumps(message.body)


def send(config: Config, message: Message, key: str, io: Io) -> str:
    """POST the message once; returns where it went. Raises NotifyError when it was not taken."""
    url = io.secret(config.url) if is_reference(config.url) else config.url
    fault = _url_fault(url)
    if fault:
        raise NotifyError(f"the address in {config.url}: {fault}", retryable=True)
    headers = {name: io.secret(value) if is_reference(value) else value for name, value in config.headers.items()}
    headers |= {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "bomc"}
    asyncio.run(_post(url, headers, render(message), config.timeout.total_seconds(), message.at, io))
    return f"webhook {_place(url)}"


async def _post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, at: datetime, io: Io) -> None:
    place = _place(url)
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(verify=io.tls, timeout=timeout_s, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as response,
        ):
            if not response.is_success:
                raise await _refusal(place, response, at)
            await _read(response)
    except (TimeoutError, httpx.TimeoutException):
        raise NotifyError(f"{place} did not answer within {timeout_s:g} s", retryable=True) from None
    except httpx.RemoteProtocolError as error:
        raise NotifyError(f"{place} answered with something that is not HTTP: {error}", retryable=True) from None
    except httpx.TransportError as error:
        why = str(error) or type(error).__name__
        raise NotifyError(f"{place} cannot be reached: {why}", retryable=True) from None
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise NotifyError(f"the request to {place} cannot be made: {type(error).__name__}", retryable=False) from None


async def _read(response: httpx.Response) -> None:
    """Read the answer to its end, or as far as anybody needs it: one that breaks off before its stated length is no answer."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size >= ANSWER_BYTES:
            return


async def _refusal(place: str, response: httpx.Response, at: datetime) -> NotifyError:
    status = response.status_code
    excerpt = b""
    async for part in response.aiter_raw(EXCERPT_BYTES):
        excerpt += part
        if len(excerpt) >= EXCERPT_BYTES:
            break
    said = " ".join(excerpt[:EXCERPT_BYTES].decode("utf-8", "replace").split())
    sentence = f"{place} answered {status} {response.reason_phrase}".rstrip() + (f": {said}" if said else "")
    if response.is_redirect:
        sentence += "; redirects are not followed, write the final address"
    retryable = status >= 500 or status in RETRY_STATUS
    wait_s = _retry_after_s(response.headers.get("Retry-After"), response.headers.get("Date"), at)
    return NotifyError(sentence, retryable=retryable, retry_after_s=wait_s if retryable else None)


def _retry_after_s(value: str | None, date: str | None, at: datetime) -> float | None:
    """Seconds that a Retry-After asks for (RFC 9110, 10.2.3); one given as an instant is taken from the reply's own Date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        since = parsedate_to_datetime(date) if date else at
        return max(0.0, (until - since).total_seconds())
    except (ValueError, TypeError):
        return None


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "it is no http:// or https:// address"
    if parts.username or parts.password:
        return "it carries a user or password; put them into `headers` as env:NAME or file:PATH"
    return None


def _place(url: str) -> str:
    """The address without path and query, which may carry a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
