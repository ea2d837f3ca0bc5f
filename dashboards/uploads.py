"""Files as a browser sends them to a callback."""

from __future__ import annotations

import base64
import binascii


def decoded(contents: object) -> bytes | None:
    """The content of an uploaded file from its data URL, `data:TYPE;base64,...`; None for what is none."""
    head, comma, body = contents.partition(",") if isinstance(contents, str) else ("", "", "")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return None
