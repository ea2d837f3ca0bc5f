"""Heartbeats of jobs: each tells a URL of its own that it ran; one that falls silent, or says that it failed, is an alert."""
