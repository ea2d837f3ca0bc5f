"""A private Apache httpd with the event worker and mod_status at /server-status."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import (
    Missing,
    Server,
    answers,
    first_that_starts,
    private_folder,
    program,
    running,
    unprivileged,
)

THREADS = 25

CONFIGURATION = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Mutex pthread
{modules}
StartServers 1
ServerLimit 1
ThreadsPerChild {threads}
MaxRequestWorkers {threads}
MinSpareThreads 1
MaxSpareThreads {threads}
ExtendedStatus On
DocumentRoot {folder}/pages
<Location /server-status>
    SetHandler server-status
    Require local
</Location>
"""

MODULES = ("mpm_event", "authz_core", "authz_host", "status")


@contextlib.contextmanager
def start(folder: Path | None = None) -> Iterator[Server]:
    """Run httpd with THREADS workers; as root it runs as the user www-data."""
    httpd = program(["apache2", "httpd"], "apache2")
    owner = unprivileged("www-data", "apache2")
    folders = [path.parent for path in Path("/usr/lib").glob("*/modules/mod_status.so")]
    if not folders:
        raise Missing("Apache's modules are not installed (package apache2-bin)")
    with (
        private_folder(folder, owner) as private,
        first_that_starts(lambda port: serve(httpd, folders[0], private, owner, port)) as server,
    ):
        yield server


@contextlib.contextmanager
def serve(httpd: str, modules: Path, folder: Path, owner: str | None, port: int) -> Iterator[Server]:
    """Run httpd on one port."""
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    pages.chmod(0o755)
    load = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in MODULES)
    configuration = folder / "httpd.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, modules=load, threads=THREADS))
    log = folder / "httpd.log"
    command = [httpd, "-f", str(configuration), "-DFOREGROUND"]
    with running(command, lambda: answers(port), log, owner=owner) as pid:
        url = f"http://127.0.0.1:{port}/server-status?auto"
        yield Server("127.0.0.1", port, url, folder=folder, files={"log": folder / "error.log"}, pid=pid)
