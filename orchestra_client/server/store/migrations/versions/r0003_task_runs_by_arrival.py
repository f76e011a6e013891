"""An index of the task runs in the order they arrived."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let a tenant's task runs be listed without sorting all of them."""
    op.create_index("ix_task_run_tenant_id_created", "task_run", ["tenant_id", "created"])
