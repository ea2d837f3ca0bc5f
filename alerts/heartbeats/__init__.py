"""Heartbeats of jobs: each tells a URL of its own that it ran; one that falls silent, or says that it failed, is an alert."""

from __future__ import annotations

OUTWARD = "outward heartbeat"
"""Under what name the store keeps how the console's own heartbeat fares."""
