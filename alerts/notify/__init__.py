"""The channels, one file each: `Config`, `render(message) -> body`, `send(config, message, key, io) -> note`.

A new channel is one file here, one line in CHANNELS, one list of its settings on `alerts.config.ReceiverConfig`.
"""

from __future__ import annotations

from types import ModuleType

from alerts.notify import apprise, email, webhook

CHANNELS: dict[str, ModuleType] = {
    "apprise": apprise,
    "email": email,
    "webhook": webhook,
}
