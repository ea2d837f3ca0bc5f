"""Why a channel did not take a message and why a probe found nobody, as shapes of sentences; and the operating system's own
words for what went wrong.

Holes `error` hold such words, or a sentence of a known shape; what neither knows, such as another program's words, stays.
"""

from __future__ import annotations

import re
from typing import Final

from dashboards.locale import Say, mark

SHAPES: Final = (
    mark("{place} did not answer within {n} s"),
    mark("{place} cannot be reached: {error}"),
    mark("{place} answered with something that is not HTTP: {error}"),
    mark("{place} answered {httpstatus}"),
    mark("{place} answered {httpstatus}: {text}"),
    mark("the mail server {place} cannot be reached: {error}"),
    mark("{place} refused every address: {text}"),
    mark("{place} refused the login: {text}"),
    mark("{place} ended the conversation: {error}"),
    mark("{place} did not take it: {text}"),
    mark("cannot connect to {place} ({address}): {error}"),
    mark("{place} cannot be resolved: {error}"),
    mark("resolving {place} did not finish within {n} s"),
    mark("{path} cannot be read: {error}"),
)
"""Sentences of alerts.notify and of collectors.bounded."""
FAULTS: Final = {
    "Connection refused": mark("Connection refused"),
    "All connection attempts failed": mark("All connection attempts failed"),
    "Connection reset by peer": mark("Connection reset by peer"),
    "Connection timed out": mark("Connection timed out"),
    "timed out": mark("Connection timed out"),
    "no answer in time": mark("no answer in time"),
    "Broken pipe": mark("Broken pipe"),
    "Network is unreachable": mark("Network is unreachable"),
    "No route to host": mark("No route to host"),
    "Name or service not known": mark("Name or service not known"),
    "No address associated with hostname": mark("Name or service not known"),
    "Temporary failure in name resolution": mark("Temporary failure in name resolution"),
    "No such file or directory": mark("No such file or directory"),
    "Permission denied": mark("Permission denied"),
    "Operation not permitted": mark("Permission denied"),
    "Is a directory": mark("Is a directory"),
    "Not a directory": mark("Not a directory"),
    "No space left on device": mark("No space left on device"),
    "Disk quota exceeded": mark("No space left on device"),
    "Read-only file system": mark("Read-only file system"),
    "Too many open files": mark("Too many open files"),
    "Input/output error": mark("Input/output error"),
}
"""What the operating system says, as Linux and Python write it, and the message that says it."""
_DRESSED: Final = re.compile(r"(?:\[Errno -?\d+\] )?(.*?)(: '[^']*')?", re.DOTALL)


def fault_said(text: str, _: Say) -> str:
    """The operating system's words in the viewer's language, without their number; what it does not say stays as it is."""
    dressed = _DRESSED.fullmatch(text)
    known = FAULTS.get(dressed.group(1)) if dressed else None
    return text if dressed is None or known is None else _(known) + (dressed.group(2) or "")
