"""One HTTP exchange, bounded as a whole in time and size, with the seconds that each of its phases took.

Phases: dns, connect, tls, first_byte (request sent until the first byte of the answer), body. The transfer is never
compressed, so that the limit counts what is held in memory.
"""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field, field_validator

from collectors.bounded import tcp
from collectors.bounded.limits import MAX_BYTES, cut_off, refuse_flood, shut
from collectors.errors import CollectError
from collectors.io import Io
from core.secrets import SecretRef

REDIRECTS = {301, 302, 303, 307, 308}


class Access(BaseModel):
    """How to reach a URL; part of the Config of every collector that speaks HTTP."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(description="Address to ask, http:// or https://, without a user or password in it")
    user: str = Field("", description="User of basic authentication")
    password: SecretRef | None = Field(None, description="Its password, as env:NAME or file:PATH")
    token: SecretRef | None = Field(None, description="Bearer token, as env:NAME or file:PATH")
    verify: bool = Field(True, description="Whether the certificate must be valid and belong to the host")
    ca_file: Path | None = Field(None, description="Certificates to trust (PEM) in place of the system's own")
    allow: list[tcp.Network] = Field(
        [], description="Networks (CIDR) this probe may connect to; when empty, any but link-local ones"
    )

    @field_validator("url")
    @classmethod
    def _is_plain_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must start with http:// or https:// and name a host")
        if parts.username or parts.password:
            raise ValueError("url must not carry a user or password; use `user` and `password: env:NAME`")
        return url


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status. Header names are lower case; `phases_s` sums over redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    phases_s: Mapping[str, float]
    certificate_until: datetime | None = None  # end of the server certificate's validity
    redirects: int = 0

    @property
    def took_s(self) -> float:
        """Seconds of the whole exchange."""
        return sum(self.phases_s.values())


@dataclass
class _Phases:
    seconds: dict[str, float] = field(default_factory=dict)
    certificate_until: datetime | None = None

    def add(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends at the run's deadline."""

    def __init__(self, sock: Any, io: Io, phases: _Phases, where: str) -> None:
        self._sock, self._io, self._phases, self._where = sock, io, phases, where

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._io.left_s(f"reading from {self._where}"))
        got: bytes = self._sock.recv(max_bytes)
        return got

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sock.settimeout(self._io.left_s(f"writing to {self._where}"))
        self._sock.sendall(buffer)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        started = time.perf_counter()
        doing = f"the TLS handshake with {self._where}"
        plain = self._sock
        try:
            with cut_off(self._io, lambda: shut(plain), doing):
                plain.settimeout(self._io.left_s(doing))
                self._sock = ssl_context.wrap_socket(plain, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as fault:
            reason = fault.verify_message or str(fault)
            raise CollectError(f"the certificate of {self._where} is not accepted: {reason}") from fault
        finally:
            self._phases.add("tls", time.perf_counter() - started)
        certificate = self._sock.getpeercert(binary_form=True)
        if certificate:
            self._phases.certificate_until = x509.load_der_x509_certificate(certificate).not_valid_after_utc
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._sock if info == "socket" else None


class _Backend(httpcore.NetworkBackend):
    """Opens each connection under the run's deadline and address policy."""

    def __init__(self, io: Io, allow: Sequence[tcp.Network], phases: _Phases) -> None:
        self._io, self._allow, self._phases = io, allow, phases

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        opened = tcp.connect(host, port, self._io, self._allow)
        self._phases.add("dns", opened.dns_s)
        self._phases.add("connect", opened.connect_s)
        return _Stream(opened.socket, self._io, self._phases, f"{host}:{port}")


def get(
    access: Access,
    io: Io,
    *,
    headers: Mapping[str, str] | None = None,
    redirects: int = 0,
    max_bytes: int = MAX_BYTES,
    method: str = "GET",
    body: bytes = b"",
) -> Reply:
    """Ask once, following at most that many redirects; credentials go to the first host only.

    Raises CollectError when there is no whole answer in time, it is too large, or a certificate is not accepted.
    """
    phases = _Phases()
    sent = {"Accept": "*/*", **(headers or {}), **_credentials(access, io)}
    url = access.url
    for followed in range(redirects + 1):
        answer = _exchange(method, url, sent, body, access, io, phases, max_bytes)
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or not location or not redirects:
            return _with_redirects(answer, followed)
        onward = urljoin(url, location)
        if urlsplit(onward).scheme not in ("http", "https"):
            raise CollectError(f"{url} redirects to {onward}, which is not http or https")
        if urlsplit(onward)[:2] != urlsplit(url)[:2]:
            sent.pop("Authorization", None)
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", b""
        url = onward
    raise CollectError(f"{access.url} redirects more than {redirects} times")


def _with_redirects(reply: Reply, followed: int) -> Reply:
    return Reply(reply.status, reply.headers, reply.body, reply.phases_s, reply.certificate_until, redirects=followed)


def _credentials(access: Access, io: Io) -> dict[str, str]:
    if access.token:
        token = io.secret(access.token)
        if not (token.isascii() and token.isprintable()):  # the library would show it in its own refusal
            raise CollectError(f"the token at {access.token} has characters that no HTTP header can carry")
        return {"Authorization": f"Bearer {token}"}
    if access.user:
        password = io.secret(access.password) if access.password else ""
        pair = base64.b64encode(f"{access.user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def _context(access: Access, io: Io) -> ssl.SSLContext:
    """The TLS settings, kept between runs because reading the system's certificates takes milliseconds."""
    key = f"tls {access.verify} {access.ca_file}"
    if key not in io.memory:
        try:
            path = io.path(access.ca_file) if access.ca_file else None
            context = ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError) as fault:
            raise CollectError(f"the ca_file {access.ca_file} cannot be used: {fault}") from fault
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        io.memory[key] = context
    kept: ssl.SSLContext = io.memory[key]
    return kept


def _exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    access: Access,
    io: Io,
    phases: _Phases,
    max_bytes: int,
) -> Reply:
    context = _context(access, io) if url.startswith("https:") else None
    backend = _Backend(io, access.allow, phases)
    before = sum(phases.seconds.values())
    started = time.perf_counter()
    request_headers = {"User-Agent": "bomc", "Accept-Encoding": "identity", "Connection": "close", **headers}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(method, url, headers=list(request_headers.items()), content=body or None) as response,
        ):
            setup = sum(phases.seconds.values()) - before
            answered = time.perf_counter()
            phases.add("first_byte", answered - started - setup)
            content = bytearray()
            for chunk in response.iter_stream():
                content += chunk
                refuse_flood(len(content), url, max_bytes)
                io.left_s(f"reading {url}")
            phases.add("body", time.perf_counter() - answered)
    except TimeoutError as fault:
        raise CollectError(f"{url} did not answer within {io.timeout_s:g} s") from fault
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as fault:
        raise CollectError(f"{url} does not answer in HTTP: {fault}") from fault
    except (httpcore.NetworkError, OSError, UnicodeError) as fault:
        raise CollectError(f"the exchange with {url} broke off: {fault}") from fault
    names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    if names.get("content-encoding", "identity") != "identity":
        raise CollectError(f"{url} compresses its answer although the probe asked it not to")
    return Reply(response.status, names, bytes(content), dict(phases.seconds), phases.certificate_until)


def text(reply: Reply, access: Access, accept: Iterable[int] = (200,)) -> str:
    """The body as text. Raises CollectError when the status is not one of `accept` or the body is not text."""
    if reply.status not in set(accept):
        hint = {401: "; check user and password", 403: "; this address or user may not see it"}.get(reply.status, "")
        raise CollectError(f"{access.url} answered {reply.status}{hint}")
    try:
        return reply.body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise CollectError(f"{access.url} did not answer in UTF-8 text") from fault
