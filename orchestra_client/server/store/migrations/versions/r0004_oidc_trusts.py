"""Whose CI jobs may log in, and which of their tokens were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_TIME = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the tables of the login of CI jobs, and let a token name what it was got by."""
    op.create_table(
        "oidc_trust",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("audience", sa.String(255), nullable=False),
        sa.Column("claims", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("token_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_oidc_trust_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_oidc_trust"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_oidc_trust_tenant_id_name"),
    )
    op.create_table(
        "used_oidc_token",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_used_oidc_token"),
    )
    op.create_index("ix_used_oidc_token_expires_at", "used_oidc_token", ["expires_at"])
    # SQLite cannot add a reference to a table that is there: it is written anew.
    with op.batch_alter_table("api_token") as api_token:
        api_token.add_column(sa.Column("oidc_trust_id", sa.String(36), nullable=True))
        api_token.create_foreign_key(
            "fk_api_token_oidc_trust_id", "oidc_trust", ["oidc_trust_id"], ["id"], ondelete="CASCADE"
        )
    op.create_index("ix_api_token_oidc_trust_id", "api_token", ["oidc_trust_id"])
