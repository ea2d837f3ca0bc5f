"""The documents say what is: made pages are up to date, links lead somewhere, commands and settings exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bomc.cli import app
from bomc.configuration.reference import reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:`|^)bomc ([a-z][a-z-]*(?:\s[a-z][a-z-]*)?)", re.MULTILINE)


def test_the_configuration_page_is_what_the_models_say() -> None:
    """`python -m bomc.configuration.reference > docs/configuration.md` was run after the latest change of a model."""
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_documents_leads_to_a_file(page: Path) -> None:
    """Links to other pages and pictures of the project resolve."""
    for place in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in place:
            assert (page.parent / place).exists(), f"{page.name} links to {place}, which is not there"


def test_every_command_that_the_documents_name_exists() -> None:
    """Whoever types what a page shows gets a command, not an error."""
    named = {found for page in PAGES for found in COMMAND.findall(page.read_text(encoding="utf-8"))}
    known = _commands()
    groups = {name.split()[0] for name in known}
    for words in (" ".join(name.split()) for name in sorted(named)):
        first = words.split()[0]
        assert words in known or first in known or words in groups, f"the documents name `bomc {words}`"


def test_every_command_is_documented() -> None:
    """Each command stands in the README or in a guide."""
    texts = " ".join(" ".join(page.read_text(encoding="utf-8") for page in PAGES).split())
    missing = [name for name in sorted(_commands()) if f"bomc {name}" not in texts]
    assert not missing, f"no document names bomc {', bomc '.join(missing)}"


def test_the_makefile_offers_what_the_readme_promises() -> None:
    """The two commands of the first screen, and the others that the documents name."""
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"install", "demo", "test", "test-slow", "faults", "lint", "bench", "clean"} <= rules


def test_ci_runs_the_readmes_test_command() -> None:
    """What lands was tested as a newcomer would test it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in readme.split("## ")[0]
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_pinned_requirements_have_hashes_and_name_no_registry() -> None:
    """A build gets exactly these files, from whatever registry its machine uses."""
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        assert "index-url" not in text
        pins = re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==[^\s]+.*\\$", text, re.MULTILINE | re.IGNORECASE)
        assert len(pins) > 50
        assert text.count("--hash=sha256:") >= len(pins)


def _commands() -> set[str]:
    """Every command and group, as typed after `bomc`."""
    from typer.main import get_command

    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
    root = get_command(app)
    found = set()
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {sub}" for sub in inner} if inner else {name}
    return found
