"""The list of channels is the folder of channels, and each has the shape of a channel."""

from __future__ import annotations

import inspect
from pathlib import Path

from pydantic import BaseModel

import alerts.notify
from alerts.config import ReceiverConfig
from alerts.notify import CHANNELS


def test_the_list_is_the_folder() -> None:
    """A file of the folder that is not in the list would never be used, and the other way round."""
    folder = Path(inspect.getfile(alerts.notify)).parent
    assert sorted(CHANNELS) == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def test_every_channel_has_the_same_shape() -> None:
    """Config, render and send, as a new channel is to have them; and receivers can be given its settings."""
    for name, channel in CHANNELS.items():
        assert issubclass(channel.Config, BaseModel)
        assert {"send_resolved", "max_alerts", "timeout"} <= channel.Config.model_fields.keys()
        assert all(field.description for field in channel.Config.model_fields.values())
        assert list(inspect.signature(channel.send).parameters) == ["config", "message", "key", "io"]
        assert list(inspect.signature(channel.render).parameters) == ["message"]
        assert f"{name}_configs" in ReceiverConfig.model_fields
