"""Indexes for what pages count and sort of the alerts while thousands are open."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SEEN = ["resolved_at", "severity", "opened_at", "target", "acknowledged_at"]


def upgrade() -> None:
    op.drop_index("ix_alert_resolved_at", table_name="alert")
    op.create_index("ix_alert_resolved_at", "alert", SEEN)
    op.create_index("ix_alert_opened_at", "alert", ["opened_at", "target"])


def downgrade() -> None:
    op.drop_index("ix_alert_opened_at", table_name="alert")
    op.drop_index("ix_alert_resolved_at", table_name="alert")
    op.create_index("ix_alert_resolved_at", "alert", ["resolved_at"])
