"""The table of rights is whole, and what is not in it is refused."""

from __future__ import annotations

import pytest

from core.people.rights import ADMIN, AUDITOR, RIGHTS, ROLES, VIEWER, allowed, known, rights_of


def test_unknown_roles_and_rights_are_refused() -> None:
    """Default deny: a typing error never opens anything."""
    assert not allowed("admin", "see.everything")
    assert not allowed("admin", "")
    assert not allowed("root", "see.monitoring")
    assert not allowed("", "see.monitoring")
    assert not known("see.everything")
    assert rights_of("root") == frozenset()


@pytest.mark.parametrize("right", sorted(RIGHTS))
def test_every_right_is_held_by_real_roles_and_by_the_admin(right: str) -> None:
    """No right is out of everybody's reach, and none names a role that does not exist."""
    assert RIGHTS[right] <= set(ROLES)
    assert allowed(ADMIN, right)


def test_who_only_looks_changes_nothing() -> None:
    """The viewer and the auditor have no right to act on alerts, tickets, runs or people."""
    for role in (VIEWER, AUDITOR):
        assert all(right.startswith("see.") or right == "own.settings" for right in rights_of(role))


def test_the_trail_is_for_auditors_and_admins() -> None:
    """Those whose doings it tells do not read it."""
    assert RIGHTS["see.audit"] == {AUDITOR, ADMIN}


def test_the_table_cannot_be_changed_at_run_time() -> None:
    """Rights change with the source, and so with a review."""
    with pytest.raises(TypeError):
        RIGHTS["see.audit"] = frozenset(ROLES)  # type: ignore[index]
