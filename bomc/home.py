"""The home folder of one bomc: its configuration, its store, its files, and the lock that keeps a second one out."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bomc.configuration.models import Settings, home_path
from core.secrets import SecretError, read_secret


class HomeError(Exception):
    """The home folder cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one bomc lies."""

    path: Path

    @property
    def config(self) -> Path:
        """The folder of the configuration files."""
        return self.path / "config"

    @property
    def access(self) -> Path:
        """The demo's logins and tokens, mode 0600."""
        return self.path / "access.json"

    @property
    def runs(self) -> Path:
        """Evidence of reconciliation runs, by control and day."""
        return self.path / "runs"

    def make(self) -> None:
        """Create the folder. Raises HomeError when that cannot be."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(f"The home folder {self.path} cannot be made: {error.strerror}.") from error

    def store_url(self, settings: Settings) -> str:
        """The store's URL with a secret reference resolved and SQLite's file put into the home. Raises HomeError."""
        url = settings.store.url
        if url.startswith(("env:", "file:")):
            try:
                url = read_secret(url)
            except SecretError as error:
                raise HomeError(f"bomc.yaml, store.url: {error}.") from error
        prefix = "sqlite:///"
        if url.startswith(prefix) and url != prefix:
            return prefix + str(home_path(self.path.resolve(), url.removeprefix(prefix)))
        return url

    def lock(self) -> IO[str]:
        """Take the home for this process until the file is closed. Raises HomeError when another process has it."""
        place = self.path / "bomc.lock"
        try:
            file = place.open("a+", encoding="utf-8")
        except OSError as error:
            raise HomeError(f"The home folder {self.path} cannot be written to: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            who = f" (process {holder})" if holder else ""
            raise HomeError(
                f"Another bomc{who} is at work in {self.path}; stop that one, or choose another folder with BOMC_HOME."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file
