"""The parameters that a flow run's creation was given, before defaults were added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Let a repeated creation be told from another one after defaults have changed."""
    op.add_column("flow_run", sa.Column("given_parameters", _JSON))
