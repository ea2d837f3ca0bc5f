"""Who may do what: the one table of rights. A right or a role that is not in it is refused."""

from __future__ import annotations

from types import MappingProxyType

VIEWER, OPERATOR, AUDITOR, MANAGER, ADMIN = ROLES = ("viewer", "operator", "auditor", "manager", "admin")

_EVERYBODY = frozenset(ROLES)
_WORKING = frozenset((OPERATOR, MANAGER, ADMIN))
_LEADING = frozenset((MANAGER, ADMIN))
_RECONCILING = frozenset((OPERATOR, AUDITOR, MANAGER, ADMIN))
_DECIDING = frozenset((AUDITOR, MANAGER, ADMIN))

RIGHTS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        "own.settings": _EVERYBODY,  # one's own language and theme
        "see.monitoring": _EVERYBODY,  # overview, targets, series, thread pools, KPI, the console's own health
        "see.alerts": _EVERYBODY,
        "see.tickets": _EVERYBODY,
        "see.oncall": _EVERYBODY,
        "own.calendar": _EVERYBODY,  # the address of one's own calendar
        "oncall.work": _WORKING,  # override, swap, mark away, take back
        "see.reconciliation": _EVERYBODY,  # runs, certificates, breaks
        "see.configuration": frozenset((OPERATOR, AUDITOR, MANAGER, ADMIN)),
        "configuration.reload": frozenset((ADMIN,)),  # have the routing read again while everything runs
        "see.audit": frozenset((AUDITOR, ADMIN)),
        "alerts.acknowledge": _WORKING,
        "alerts.push": _WORKING,  # hand in alerts that something else found
        "alerts.shelve": _WORKING,  # put one alert aside for a time, and bring it back
        "alerts.silence": _WORKING,  # make, change and expire silences
        "alerts.approve": _LEADING,  # a silence that mutes everything and that another person proposed
        "alerts.resend": _WORKING,  # messages that were not delivered
        "tickets.work": _WORKING,  # open, assign, resolve and whatever else the flow of a kind permits
        "tickets.approve": frozenset((MANAGER, ADMIN)),  # permit, confirm and cancel what others asked for
        "tickets.dispatch": _LEADING,  # give out what was passed on to a department that is not one's own, lower a priority
        "see.duty": _EVERYBODY,  # shifts, handovers, the duty log, job plans and the change calendar
        "duty.work": _WORKING,  # hand over, do jobs, write the duty log
        "duty.roster": _LEADING,  # change by hand who is on duty
        "changes.plan": _WORKING,  # plan a change, say how it went
        "changes.approve": _LEADING,  # changes that another person planned
        "reconciliation.run": _RECONCILING,  # ask for a day of a control to be run again
        "reconciliation.work": _RECONCILING,  # breaks: assign, give a reason code, comment, propose
        "reconciliation.approve": _DECIDING,  # adjustments that another person proposed
        "reconciliation.prepare": _RECONCILING,  # the first signature under a run
        "reconciliation.sign": _DECIDING,  # the review, by another person than the preparer
        "admin.users": frozenset((ADMIN,)),
        "admin.tokens": frozenset((ADMIN,)),
    }
)


def allowed(role: str, right: str) -> bool:
    """Whether that role has that right; unknown roles and unknown rights are refused."""
    return role in RIGHTS.get(right, frozenset())


def known(right: str) -> bool:
    """Whether there is such a right at all; what asks for an unknown one is a fault of the program."""
    return right in RIGHTS


def rights_of(role: str) -> frozenset[str]:
    """Every right of that role; none for an unknown one."""
    return frozenset(right for right, roles in RIGHTS.items() if role in roles)
