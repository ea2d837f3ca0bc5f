"""The script that installs the test servers: quiet when all is there, careful with what is somebody else's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "install-servers.sh"
COMMANDS = ("chromium", "initdb", "mariadbd", "nginx", "apache2", "prometheus", "amtool", "sshd")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of commands that stands for a machine: a shell, an apt-get that writes down what it is asked, no servers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "rm", "tee", "chmod", "cat", "printf", "echo", "ls"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    command(folder, "id", "echo 0")
    command(folder, "apt-cache", "exit 0")
    command(
        folder,
        "apt-get",
        'echo "apt-get $*" >> "$LOG"; if [ -e "$POLICY" ]; then echo "guarded" >> "$LOG"; fi; exit "${APT:-0}"',
    )
    return folder


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def run(machine: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], str, Path]:
    """Run the script with only the commands of that machine; its outcome, what apt-get was asked, and the policy file."""
    log, policy = machine.parent / "log", machine.parent / "policy-rc.d"
    # The script looks into the system's own folders too, so they are cut out of the copy that is tested.
    script = machine.parent / "install-servers.sh"
    script.write_text(SCRIPT.read_text().replace("PATH=$PATH:/usr/sbin:/sbin", "").replace("/usr/", "/no-such-root/"))
    done = subprocess.run(
        ["/bin/sh", str(script)],
        env={
            "PATH": str(machine),
            "LOG": str(log),
            "POLICY": str(policy),
            "BOMC_POLICY_RC_D": str(policy),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done, log.read_text() if log.exists() else "", policy


def test_nothing_happens_on_a_machine_that_has_everything() -> None:
    done = subprocess.run(["sh", str(SCRIPT)], capture_output=True, text=True, check=False, timeout=60)
    if "not installed" not in done.stderr:
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_missing_packages_are_installed_with_their_services_held_back(machine: Path) -> None:
    for name in COMMANDS[1:]:
        command(machine, name, "exit 0")
    _, asked, policy = run(machine)
    update, guarded, install, still_guarded = asked.splitlines()
    assert update == "apt-get update -q"
    assert install.startswith("apt-get install -q -y --no-install-recommends chromium tomcat10 tomcat10-admin")
    assert guarded == still_guarded == "guarded"
    assert not policy.exists(), "the policy was ours, so it is gone"


def test_a_policy_of_somebody_else_stays_as_it_was(machine: Path) -> None:
    (machine.parent / "policy-rc.d").write_text("theirs")
    _, _, policy = run(machine)
    assert policy.read_text() == "theirs"


def test_the_policy_goes_even_when_the_installation_fails(machine: Path) -> None:
    done, _, policy = run(machine, APT="100")
    assert not policy.exists()
    assert "the list of packages could not be fetched" in done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_the_right_to_install_it_says_so_and_fails_only_in_ci(machine: Path, ci: str, status: int) -> None:
    command(machine, "id", "echo 1000")
    command(machine, "sudo", "exit 1")
    done, asked, _ = run(machine, CI=ci)
    assert done.returncode == status
    assert asked == ""
    assert "neither root nor may use sudo without a password" in done.stderr
    assert "apt-get install --no-install-recommends chromium postgresql" in done.stderr


def test_sudo_is_used_when_it_asks_for_no_password(machine: Path) -> None:
    command(machine, "id", "echo 1000")
    command(machine, "sudo", 'shift; echo "sudo" >> "$LOG"; exec "$@"')
    command(machine, "true", "exit 0")
    _, asked, policy = run(machine)
    assert "sudo\napt-get update -q" in asked
    assert not policy.exists()


def test_another_system_is_told_apart(machine: Path) -> None:
    (machine / "apt-get").unlink()
    done, _, _ = run(machine)
    assert "this is not Debian or Ubuntu" in done.stderr
    assert done.returncode == 0
