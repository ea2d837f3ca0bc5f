"""The words for what the store keeps as codes: statuses, states, kinds and classes, each marked for translation."""

from __future__ import annotations

from alerts.tickets.kinds import BY_CODE
from dashboards.locale import Say, mark

STATUS = {
    "ok": mark("OK"),
    "warning": mark("Warning"),
    "critical": mark("Critical"),
    "unknown": mark("Unknown"),
    "unjudged": mark("Not judged"),
    "firing": mark("Firing"),
    "resolved": mark("Resolved"),
}
TARGET_KIND = {
    "host": mark("Hosts"),
    "database": mark("Databases"),
    "web_server": mark("Web servers"),
    "http": mark("Web pages"),
    "business": mark("Business indicators"),
    "service": mark("Services"),
    "exporter": mark("Exporters"),
    "control": mark("Controls"),
}
TICKET_STATE = {
    "open": mark("Open"),
    "assigned": mark("Assigned"),
    "resolved": mark("Resolved"),
    "closed": mark("Closed"),
}
PRIORITY = {"high": mark("High"), "normal": mark("Normal"), "low": mark("Low")}
EVENT = {
    "opened": mark("Opened"),
    "severity": mark("Severity changed"),
    "unknown": mark("No data any more"),
    "known": mark("Data again"),
    "acknowledged": mark("Acknowledged"),
    "unacknowledged": mark("Given back"),
    "notified": mark("Notified"),
    "kept_quiet": mark("Kept quiet"),
    "not_delivered": mark("Not delivered"),
    "ticket": mark("Ticket"),
    "resolved": mark("Resolved"),
    "assigned": mark("Assigned"),
    "comment": mark("Comment"),
    "alert_cleared": mark("Alert cleared"),
    "alert_returned": mark("Alert fires again"),
    "closed": mark("Closed"),
    "reopened": mark("Reopened"),
}
OUTCOME = {"clean": mark("Balanced"), "breaks": mark("Breaks"), "refused": mark("Refused")}
BREAK_CLASS = {
    "matched": mark("Matched"),
    "no_effect": mark("No effect"),
    "missing_in_payment": mark("Missing in payment"),
    "missing_in_platform": mark("Missing in platform"),
    "missing_in_billing": mark("Missing in billing"),
    "billing_only": mark("Billing only"),
    "platform_only": mark("Platform only"),
    "payment_only": mark("Payment only"),
    "duplicate_booking": mark("Duplicate booking"),
    "duplicate_charge": mark("Duplicate charge"),
    "in_doubt": mark("In doubt"),
    "awaiting_cutoff": mark("Awaiting cut-off"),
    "status_book_failed": mark("Paid, booking failed"),
    "status_payment_failed": mark("Booked, payment failed"),
    "status_platform_failed": mark("Platform failed"),
    "status_platform_only": mark("Only the platform succeeded"),
    "currency_mismatch": mark("Currency differs"),
    "amount_surplus": mark("Surplus"),
    "amount_shortfall": mark("Shortfall"),
    "over_credited": mark("Over-credited"),
    "under_credited": mark("Under-credited"),
    "fee_mismatch": mark("Fee differs"),
    "cutoff": mark("Cut-off"),
}
LOSER = {
    "customer": mark("Customer"),
    "operator": mark("Operator"),
    "partner": mark("Partner"),
    "none": mark("Nobody"),
}
PARTY = {"billing": mark("Billing"), "platform": mark("Platform"), "payment": mark("Payment")}
RECORD_KIND = {"payment": mark("Payment"), "refund": mark("Refund")}
RECORD_STATUS = {"success": mark("Success"), "failed": mark("Failed"), "pending": mark("Pending")}
ROLE = {
    "viewer": mark("Viewer"),
    "operator": mark("Duty operator"),
    "auditor": mark("Auditor"),
    "manager": mark("Manager"),
    "admin": mark("Administrator"),
}


def ticket_kind(code: str, _: Say) -> str:
    """The name of a kind of ticket; a kind that is not one of the twelve is shown as it is."""
    kind = BY_CODE.get(code)
    return code if kind is None else kind.zh if _.language.startswith("zh") else kind.en


def word(table: dict[str, str], code: str, _: Say) -> str:
    """The word for a code in the viewer's language; a code that no table knows is shown as it is."""
    return _(table[code]) if code in table else code
