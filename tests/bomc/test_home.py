"""The home folder: one bomc at a time, secrets in references, and a sentence for whatever is in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bomc.configuration.models import Settings
from bomc.home import Home, HomeError


def url_of(home: Home, url: str) -> str:
    return home.store_url(Settings.model_validate({"store": {"url": url}}))


def test_a_second_bomc_on_the_same_home_is_told_who_has_it(tmp_path: Path) -> None:
    """With the process that holds it; free again as soon as that has ended."""
    home = Home(tmp_path)
    held = home.lock()
    with pytest.raises(HomeError, match=rf"Another bomc \(process {os.getpid()}\) is at work in {tmp_path}; stop that"):
        Home(tmp_path).lock()
    held.close()
    Home(tmp_path).lock().close()


def test_a_home_that_cannot_be_made_or_written_is_a_sentence(tmp_path: Path) -> None:
    """A file in its place, or no folder at all."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError, match="cannot be made: Not a directory"):
        Home(tmp_path / "file" / "home").make()
    with pytest.raises(HomeError, match="cannot be written to: No such file"):
        Home(tmp_path / "missing").lock()


def test_the_stores_file_lies_in_the_home_unless_its_path_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the current folder is."""
    monkeypatch.chdir(tmp_path)
    home = Home(Path("home"))
    assert url_of(home, "sqlite:///bomc.db") == f"sqlite:///{tmp_path}/home/bomc.db"
    assert url_of(home, "sqlite:////srv/bomc.db") == "sqlite:////srv/bomc.db"
    assert url_of(home, "postgresql://bomc@db/bomc") == "postgresql://bomc@db/bomc"


def test_the_stores_url_may_be_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from where it is referred to; missing, it is a sentence."""
    monkeypatch.setenv("BOMC_TEST_STORE", "postgresql://bomc:hunter2@db/bomc")
    assert url_of(Home(tmp_path), "env:BOMC_TEST_STORE") == "postgresql://bomc:hunter2@db/bomc"
    with pytest.raises(HomeError, match=r"bomc.yaml, store.url: the environment variable BOMC_TEST_NONE is not set"):
        url_of(Home(tmp_path), "env:BOMC_TEST_NONE")
