"""A process of its own that fetches one file, to be killed: `python -m tests.reconciliation.fetch.fetching SETTINGS TARGET`."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciliation.fetch.sftp import Config, fetch
from tests.reconciliation.fetch.conftest import DAY

if __name__ == "__main__":
    fetch(Config.model_validate_json(Path(sys.argv[1]).read_text()), DAY, Path(sys.argv[2]))
