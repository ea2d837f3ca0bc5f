"""What the web server of the pages needs before the first page is asked for."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys
from dashboards.backend import ConsoleBackend
assert "pandas" not in sys.modules
ConsoleBackend.create_app()
assert sys.modules["pandas"].NaT is not None
"""


def test_no_page_meets_a_half_imported_pandas() -> None:
    """The first run in the same process would import it while callbacks are answered, which then failed for a second."""
    ended = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
