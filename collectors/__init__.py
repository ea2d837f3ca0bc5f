"""Collectors: one file for each kind of thing that is probed; `collect` runs one of the table `COLLECTORS`."""

from collectors.errors import CollectError
from collectors.io import Io, read_secret
from collectors.reading import Reading
from collectors.registry import COLLECTORS, Collector, collect

__all__ = ["COLLECTORS", "CollectError", "Collector", "Io", "Reading", "collect", "read_secret"]
