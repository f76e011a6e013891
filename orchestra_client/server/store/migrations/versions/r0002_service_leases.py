"""Leases of the background services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_TIME = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the table in which processes agree on who runs which service."""
    op.create_table(
        "service_lease",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("expires", _TIME, nullable=False),
        sa.Column("last_success", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_service_lease"),
    )
