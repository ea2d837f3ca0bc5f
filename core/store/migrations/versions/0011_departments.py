"""People's departments and logins, tickets passed on and handled, calendars of changes; the duty log is append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables.duty import kept_as_written

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bomc_user", sa.Column("department", sa.Text(), nullable=True))
    op.add_column("bomc_user", sa.Column("login", sa.Text(), nullable=True))
    op.create_index("uq_bomc_user_login", "bomc_user", ["login"], unique=True)
    op.add_column("ticket", sa.Column("passed_on_at", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("handled_s", sa.BigInteger(), nullable=True))
    feed = sa.Column("what", sa.Text(), server_default=sa.text("'shifts'"), nullable=False)
    op.add_column("on_call_feed", feed)
    for statement in kept_as_written(op.get_context().dialect.name):
        op.execute(statement)
