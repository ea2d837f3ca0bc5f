"""A private Tomcat 10 with its manager, and one connector of a few threads."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import Missing, Server, first_that_starts, private_folder, program, running

HOME = Path("/usr/share/tomcat10")
MANAGER = Path("/usr/share/tomcat10-admin/manager")
THREADS = 10

SERVER = """<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <GlobalNamingResources>
    <Resource name="UserDatabase" auth="Container" type="org.apache.catalina.UserDatabase"
              factory="org.apache.catalina.users.MemoryUserDatabaseFactory" pathname="conf/tomcat-users.xml" />
  </GlobalNamingResources>
  <Service name="Catalina">
    <Connector port="{port}" address="127.0.0.1" protocol="HTTP/1.1" maxThreads="{threads}" minSpareThreads="2" />
    <Engine name="Catalina" defaultHost="localhost">
      <Realm className="org.apache.catalina.realm.UserDatabaseRealm" resourceName="UserDatabase" />
      <Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false" />
    </Engine>
  </Service>
</Server>
"""
USERS = """<?xml version="1.0" encoding="UTF-8"?>
<tomcat-users xmlns="http://tomcat.apache.org/xml" version="1.0">
  <role rolename="manager-status" />
  <user username="{user}" password="{password}" roles="manager-status" />
</tomcat-users>
"""
CONTEXT = '<Context docBase="{manager}" privileged="true" antiResourceLocking="false" />\n'


@contextlib.contextmanager
def start(folder: Path | None = None) -> Iterator[Server]:
    """Run Tomcat with THREADS threads; its user may see the manager's status page and nothing else."""
    program(["java"], "default-jre-headless")
    if not (HOME / "bin" / "catalina.sh").exists() or not MANAGER.exists():
        raise Missing(
            "Tomcat is not installed (packages tomcat10 and tomcat10-admin); run `sh tests/install-servers.sh`"
        )
    password = secrets.token_hex(12)
    with private_folder(folder) as private:
        conf = private / "conf"
        shutil.copytree(HOME / "etc", conf)
        for name in ("logs", "temp", "webapps", "work"):
            (private / name).mkdir()
        (conf / "Catalina" / "localhost").mkdir(parents=True)
        (conf / "Catalina" / "localhost" / "manager.xml").write_text(CONTEXT.format(manager=MANAGER))
        (conf / "tomcat-users.xml").write_text(USERS.format(user="watcher", password=password))
        with first_that_starts(lambda port: serve(private, password, port)) as server:
            yield server


@contextlib.contextmanager
def serve(folder: Path, password: str, port: int) -> Iterator[Server]:
    """Run Tomcat on one port."""
    (folder / "conf" / "server.xml").write_text(SERVER.format(port=port, threads=THREADS))
    url = f"http://127.0.0.1:{port}/manager/status/all?XML=true"
    log = folder / "tomcat.log"
    environment = {
        "CATALINA_HOME": str(HOME),
        "CATALINA_BASE": str(folder),
        "CATALINA_TMPDIR": str(folder / "temp"),
        "JAVA_OPTS": "-Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true",
    }
    command = [str(HOME / "bin" / "catalina.sh"), "run"]
    with running(command, lambda: asks_for_password(url), log, environment=environment) as pid:
        yield Server("127.0.0.1", port, url, "watcher", password, folder, {"log": log}, pid)


def asks_for_password(url: str) -> bool:
    """Whether the manager is there; without credentials it answers 401."""
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError as answer:
        return answer.code == 401
    except OSError:
        return False
    return True
