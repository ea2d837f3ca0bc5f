"""Asking a console that runs, as a program does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def ask(port: int, secret: str, path: str, body: Any = None) -> tuple[int, str]:
    """POST a body as JSON, or none, with a token; the status and the text of the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=b"" if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {secret}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
