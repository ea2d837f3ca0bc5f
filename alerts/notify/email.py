"""The mail channel: text with an HTML alternative over SMTP, one message to all of its addresses.

The Message-ID comes from the delivery's key, so that a repetition is the same mail to whoever looks; mails of one group
refer to one another. Answers 4xx and broken connections are tried again, 5xx to the mail itself is final.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.delivery.messages import Message
from alerts.delivery.pace import RateLimit
from alerts.delivery.sending import Enclosed, Io, NotifyError
from alerts.delivery.texts import (
    PHONE_MINUTES,
    facts_of,
    head_lines,
    message_text,
    message_title,
    name_of,
    say,
    tail_lines,
    title_of,
)
from core.duration import Duration
from core.secrets import SecretRef

MOST_SHOWN = 100
IMPLICIT_TLS_PORT = 465
PICTURE = "last-hour"


def _address(text: str) -> str:
    if "@" not in parseaddr(text)[1] or "\n" in text or "\r" in text:
        raise ValueError(f"{text!r} is no mail address; write one such as duty@example.org")
    return text


def _host_port(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not (separator and host and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} is no smarthost; write host:port, such as mail.example.org:587")
    return text


Address = Annotated[str, AfterValidator(_address)]


class Config(BaseModel):
    """One mail to one or several addresses."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    to: Annotated[list[Address], BeforeValidator(lambda to: to.split(",") if isinstance(to, str) else to)] = Field(
        min_length=1, description="Addresses to write to: a list, or one text with commas"
    )
    sender: Address = Field(alias="from", description="Address that the mail comes from")
    smarthost: Annotated[str, AfterValidator(_host_port)] = Field(description="host:port of the mail server")
    hello: str = Field("localhost", description="Name that we greet the mail server with")
    auth_username: str | None = Field(None, description="User to log in with; none: no login")
    auth_password: SecretRef | None = Field(None, description="Its password, as env:NAME or file:PATH")
    require_tls: bool = Field(True, description="Refuse to send without STARTTLS; port 465 is TLS from the start")
    send_resolved: bool = Field(False, description="Whether to tell of resolved alerts as well")
    max_alerts: int = Field(MOST_SHOWN, ge=1, description="Most alerts in one mail, the worst first")
    rate_limit: RateLimit | None = Field(
        None, description="Most messages in a time, such as 20/m; what is over it waits and is told in one message"
    )
    fold_storms: bool = Field(
        True, description="Whether a storm of messages is told together, every 20 s after the first four of a minute"
    )
    timeout: Duration = Field(timedelta(seconds=20), description="Time for one try, from connecting to the last answer")

    @model_validator(mode="after")
    def _both_or_neither(self) -> Config:
        if (self.auth_username is None) != (self.auth_password is None):
            raise ValueError("auth_username and auth_password go together; give both or neither")
        return self


def render(message: Message) -> EmailMessage:
    """The mail in English without its addresses: subject, text, and the same as HTML."""
    return letter(message, Enclosed())


def letter(message: Message, enclosed: Enclosed) -> EmailMessage:
    """The mail in the reader's language, without its addresses; the picture of the last hour stands in the HTML."""
    mail = EmailMessage()
    mail["Subject"] = message_title(message, enclosed.language)
    mail.set_content(message_text(message, enclosed.language, enclosed, whole=True))
    mail.add_alternative(_html(message, enclosed), subtype="html")
    if enclosed.picture:
        html = mail.get_payload()[-1]  # type: ignore[index]  # the alternative that was just added
        html.add_related(enclosed.picture, "image", "png", cid=f"<{PICTURE}>", disposition="inline")  # type: ignore[union-attr]
    return mail


def send(config: Config, message: Message, key: str, io: Io) -> str:
    """Hand the mail to the mail server once; returns who got it. Raises NotifyError when it was not taken."""
    domain = parseaddr(config.sender)[1].rpartition("@")[2]
    thread = hashlib.sha256(message.body["groupKey"].encode()).hexdigest()[:32]
    mail = letter(message, io.enclosed)
    mail["From"], mail["To"] = config.sender, ", ".join(config.to)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{key}@{domain}>"
    mail["References"] = f"<{thread}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    password = io.secret(config.auth_password) if config.auth_password else ""
    try:
        with _connected(config, io.tls) as smtp:
            if config.auth_username:
                smtp.login(config.auth_username, password)
            refused = smtp.send_message(mail)
    except smtplib.SMTPException as error:
        raise _refusal(config, error) from None
    except (TimeoutError, OSError) as error:
        why = str(error) or type(error).__name__
        raise NotifyError(f"the mail server {config.smarthost} cannot be reached: {why}", retryable=True) from None
    taken = [address for address in config.to if parseaddr(address)[1] not in refused]
    return f"email to {', '.join(taken)}" + (f"; refused: {_replies(refused)}" if refused else "")


@contextlib.contextmanager
def _connected(config: Config, tls: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    """A session with the mail server that ends, whatever the server does, when the time for one try is over."""
    host, _, port = config.smarthost.rpartition(":")
    seconds = config.timeout.total_seconds()
    if int(port) == IMPLICIT_TLS_PORT:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=config.hello, timeout=seconds, context=tls)
    else:
        smtp = smtplib.SMTP(local_hostname=config.hello, timeout=seconds)
    watch = threading.Timer(seconds, _cut, [smtp])
    watch.daemon = True
    watch.start()
    try:
        smtp._host = host  # type: ignore[attr-defined]  # the name that TLS checks; only the constructor sets it
        smtp.connect(host, int(port))
        smtp.ehlo_or_helo_if_needed()
        if int(port) != IMPLICIT_TLS_PORT and (config.require_tls or smtp.has_extn("starttls")):
            smtp.starttls(context=tls)
        yield smtp
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()  # the mail is taken already; how the session ends matters no more
    finally:
        watch.cancel()
        smtp.close()


def _cut(smtp: smtplib.SMTP) -> None:
    """Break the connection from outside, so that a server that drips its answers holds nobody."""
    connection = smtp.sock
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _refusal(config: Config, error: smtplib.SMTPException) -> NotifyError:
    where = f"the mail server {config.smarthost}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        final = all(code >= 500 for code, _ in error.recipients.values())
        return NotifyError(f"{where} refused every address: {_replies(error.recipients)}", retryable=not final)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        sentence = f"{where} does not offer what is asked of it: {error}; see require_tls and auth_username"
        return NotifyError(sentence, retryable=True)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotifyError(f"{where} refused the login: {_reply(error.smtp_code, error.smtp_error)}", retryable=True)
    if isinstance(error, smtplib.SMTPResponseException):
        said = _reply(error.smtp_code, error.smtp_error)
        final = isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and error.smtp_code >= 500
        return NotifyError(f"{where} answered {said}", retryable=not final)
    return NotifyError(f"{where} ended the conversation: {error}", retryable=True)


def _replies(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{address} ({_reply(code, said)})" for address, (code, said) in refused.items())


def _reply(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}".strip()


def _html(message: Message, enclosed: Enclosed) -> str:
    language = enclosed.language
    head = [
        line
        for line in head_lines(message, language, enclosed)
        if line and not line.startswith(_links(message, enclosed))
    ]
    above = "".join(f"<p>{escape(line)}</p>" for line in head)
    if enclosed.link:
        words = escape(say("phone", language, minutes=PHONE_MINUTES))
        above += f"<p><a href='{escape(enclosed.link, quote=True)}'><strong>{words}</strong></a></p>"
    if enclosed.picture:
        above += f"<p><img src='cid:{PICTURE}' width='480' height='120' alt=''></p>"
    rows = "".join(
        f"<h3>{escape(say('test_mark' if message.body.get('test') else one['status'], language))}: "
        f"{escape(title_of(one))}</h3><table>"
        + "".join(
            f"<tr><th align='left'>{escape(name_of(n, language))}</th><td>{escape(v)}</td></tr>"
            for n, v in facts_of(one, language, enclosed.zone, whole=True)
        )
        + "</table>"
        for one in message.body["alerts"]
    )
    link = escape(message.body["externalURL"], quote=True)
    rest = "".join(f"<p>{escape(line)}</p>" for line in tail_lines(message, language))
    lang = "zh-Hans" if language == "zh_CN" else language
    return f"<html lang='{lang}'><body>{above}{rows}{rest}<p><a href='{link}'>{link}</a></p></body></html>"


def _links(message: Message, enclosed: Enclosed) -> tuple[str, ...]:
    """How the lines of the text begin that the HTML has as links."""
    lines = [message.body["externalURL"], say("phone", enclosed.language, minutes=PHONE_MINUTES)]
    return tuple(line for line in lines if line)
