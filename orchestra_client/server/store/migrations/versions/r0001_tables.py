"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_ID = sa.String(36)
_TIME = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table, those first that others refer to."""
    _tenants_and_users()
    _flows()
    _agents()
    _runs()
    _credentials()


def _references(table: str, column: str, other: str, ondelete: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{other}.id", name=f"fk_{table}_{column}", ondelete=ondelete)


def _tenants_and_users() -> None:
    """Who there is, and what they keep for themselves."""
    op.create_table(
        "tenant",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("settings", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("slug", name="uq_tenant_slug"),
    )
    op.create_table(
        "user",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("default_membership_id", _ID, *_default_membership_on_sqlite(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("username", name="uq_user_username"),
    )
    op.create_table(
        "membership",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("user_id", _ID, _references("membership", "user_id", "user", "CASCADE"), nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("membership", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.UniqueConstraint("user_id", "tenant_id", name="uq_membership_user_id_tenant_id"),
    )
    if not _is_sqlite():
        op.create_foreign_key(
            "fk_user_default_membership_id",
            "user",
            "membership",
            ["default_membership_id"],
            ["id"],
            ondelete="SET NULL",
        )
    op.create_table(
        "secret",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("secret", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secret"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_secret_tenant_id_name"),
    )
    op.create_table(
        "key_value",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("key_value", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_key_value"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_key_value_tenant_id_key"),
    )
    op.create_table(
        "cloud_hook",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("cloud_hook", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("config", _JSON, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cloud_hook"),
    )
    op.create_index("ix_cloud_hook_tenant_id", "cloud_hook", ["tenant_id"])


def _flows() -> None:
    """What can be run."""
    op.create_table(
        "project",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("project", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_project_tenant_id_name"),
    )
    op.create_table(
        "flow_group",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("flow_group", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("labels", _JSON, nullable=True),
        sa.Column("default_parameters", _JSON, nullable=True),
        sa.Column("schedule", _JSON, nullable=True),
        sa.Column("run_config", _JSON, nullable=True),
        sa.Column("settings", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_flow_group"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_flow_group_tenant_id_name"),
    )
    op.create_table(
        "flow",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("flow", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column(
            "flow_group_id",
            _ID,
            _references("flow", "flow_group_id", "flow_group", "CASCADE"),
            nullable=False,
        ),
        sa.Column("project_id", _ID, _references("flow", "project_id", "project", "CASCADE"), nullable=True),
        sa.Column("version_group_id", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("core_version", sa.Text(), nullable=True),
        sa.Column("environment", _JSON, nullable=True),
        sa.Column("run_config", _JSON, nullable=True),
        sa.Column("storage", _JSON, nullable=True),
        sa.Column("parameters", _JSON, nullable=True),
        sa.Column("schedule", _JSON, nullable=True),
        sa.Column("is_schedule_active", sa.Boolean(), nullable=False),
        sa.Column("serialized_flow", _JSON, nullable=True),
        sa.Column("settings", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_flow"),
        sa.UniqueConstraint("flow_group_id", "version", name="uq_flow_flow_group_id_version"),
    )
    op.create_index("ix_flow_project_id", "flow", ["project_id"])
    op.create_index("ix_flow_tenant_id_name", "flow", ["tenant_id", "name"])
    op.create_table(
        "task",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("task", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("flow_id", _ID, _references("task", "flow_id", "flow", "CASCADE"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("max_retries", sa.Integer(), nullable=False),
        sa.Column("retry_delay", sa.Float(), nullable=True),
        sa.Column("trigger", _JSON, nullable=True),
        sa.Column("mapped", sa.Boolean(), nullable=False),
        sa.Column("auto_generated", sa.Boolean(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=True),
        sa.Column("tags", _JSON, nullable=False),
        sa.Column("is_reference_task", sa.Boolean(), nullable=False),
        sa.Column("is_root_task", sa.Boolean(), nullable=False),
        sa.Column("is_terminal_task", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.UniqueConstraint("flow_id", "slug", name="uq_task_flow_id_slug"),
    )
    op.create_table(
        "edge",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("edge", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("flow_id", _ID, _references("edge", "flow_id", "flow", "CASCADE"), nullable=False),
        sa.Column(
            "upstream_task_id",
            _ID,
            _references("edge", "upstream_task_id", "task", "CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "downstream_task_id",
            _ID,
            _references("edge", "downstream_task_id", "task", "CASCADE"),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("mapped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_edge"),
    )
    op.create_index("ix_edge_downstream_task_id", "edge", ["downstream_task_id"])
    op.create_index("ix_edge_flow_id", "edge", ["flow_id"])
    op.create_index("ix_edge_upstream_task_id", "edge", ["upstream_task_id"])


def _agents() -> None:
    """Who runs it, and how much at once."""
    op.create_table(
        "agent_config",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("agent_config", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_config"),
    )
    op.create_index("ix_agent_config_tenant_id", "agent_config", ["tenant_id"])
    op.create_table(
        "agent",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("agent", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column(
            "agent_config_id",
            _ID,
            _references("agent", "agent_config_id", "agent_config", "SET NULL"),
            nullable=True,
        ),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("core_version", sa.Text(), nullable=True),
        sa.Column("last_queried", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agent"),
    )
    op.create_index("ix_agent_tenant_id", "agent", ["tenant_id"])
    op.create_table(
        "task_tag_limit",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("task_tag_limit", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("tag", sa.String(255), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_tag_limit"),
        sa.UniqueConstraint("tenant_id", "tag", name="uq_task_tag_limit_tenant_id_tag"),
    )


def _runs() -> None:
    """What was run, and what came of it."""
    op.create_table(
        "flow_run",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("flow_run", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column("flow_id", _ID, _references("flow_run", "flow_id", "flow", "CASCADE"), nullable=False),
        sa.Column("agent_id", _ID, _references("flow_run", "agent_id", "agent", "SET NULL"), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("parameters", _JSON, nullable=True),
        sa.Column("context", _JSON, nullable=True),
        sa.Column("run_config", _JSON, nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("auto_scheduled", sa.Boolean(), nullable=False),
        sa.Column("scheduled_start_time", _TIME, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("heartbeat", _TIME, nullable=True),
        sa.Column("state", sa.String(64), nullable=True),
        sa.Column("state_timestamp", _TIME, nullable=True),
        sa.Column("state_message", sa.Text(), nullable=True),
        sa.Column("state_start_time", _TIME, nullable=True),
        sa.Column("serialized_state", _JSON, nullable=True),
        sa.Column("start_time", _TIME, nullable=True),
        sa.Column("end_time", _TIME, nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("times_resurrected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_flow_run"),
        sa.UniqueConstraint("flow_id", "idempotency_key", name="uq_flow_run_flow_id_idempotency_key"),
    )
    op.create_index("ix_flow_run_agent_id", "flow_run", ["agent_id"])
    op.create_index("ix_flow_run_tenant_id_created", "flow_run", ["tenant_id", "created"])
    op.create_index(
        "ix_flow_run_tenant_id_state_state_start_time", "flow_run", ["tenant_id", "state", "state_start_time"]
    )
    op.create_table(
        "flow_run_state",
        sa.Column("seq", _SEQUENCE, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("flow_run_state", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column(
            "flow_run_id",
            _ID,
            _references("flow_run_state", "flow_run_id", "flow_run", "CASCADE"),
            nullable=False,
        ),
        sa.Column("timestamp", _TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("start_time", _TIME, nullable=True),
        sa.Column("serialized_state", _JSON, nullable=False),
        sa.Column("transition_id", sa.String(128), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_flow_run_state"),
        sa.UniqueConstraint("id", name="uq_flow_run_state_id"),
    )
    op.create_index("ix_flow_run_state_flow_run_id_version", "flow_run_state", ["flow_run_id", "version"])
    op.create_table(
        "task_run",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("task_run", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column(
            "flow_run_id", _ID, _references("task_run", "flow_run_id", "flow_run", "CASCADE"), nullable=False
        ),
        sa.Column("task_id", _ID, _references("task_run", "task_id", "task", "CASCADE"), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("cache_key", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("heartbeat", _TIME, nullable=True),
        sa.Column("state", sa.String(64), nullable=True),
        sa.Column("state_timestamp", _TIME, nullable=True),
        sa.Column("state_message", sa.Text(), nullable=True),
        sa.Column("state_start_time", _TIME, nullable=True),
        sa.Column("serialized_state", _JSON, nullable=True),
        sa.Column("start_time", _TIME, nullable=True),
        sa.Column("end_time", _TIME, nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_run"),
        sa.UniqueConstraint(
            "flow_run_id", "task_id", "map_index", name="uq_task_run_flow_run_id_task_id_map_index"
        ),
    )
    op.create_index("ix_task_run_task_id", "task_run", ["task_id"])
    op.create_index(
        "ix_task_run_tenant_id_state_state_timestamp", "task_run", ["tenant_id", "state", "state_timestamp"]
    )
    op.create_table(
        "task_run_state",
        sa.Column("seq", _SEQUENCE, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id", _ID, _references("task_run_state", "tenant_id", "tenant", "CASCADE"), nullable=False
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column(
            "task_run_id",
            _ID,
            _references("task_run_state", "task_run_id", "task_run", "CASCADE"),
            nullable=False,
        ),
        sa.Column("timestamp", _TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("start_time", _TIME, nullable=True),
        sa.Column("serialized_state", _JSON, nullable=False),
        sa.Column("transition_id", sa.String(128), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_task_run_state"),
        sa.UniqueConstraint("id", name="uq_task_run_state_id"),
    )
    op.create_index("ix_task_run_state_task_run_id_version", "task_run_state", ["task_run_id", "version"])
    op.create_table(
        "task_run_artifact",
        sa.Column("id", _ID, nullable=False),
        sa.Column(
            "tenant_id",
            _ID,
            _references("task_run_artifact", "tenant_id", "tenant", "CASCADE"),
            nullable=False,
        ),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("updated", _TIME, nullable=False),
        sa.Column(
            "task_run_id",
            _ID,
            _references("task_run_artifact", "task_run_id", "task_run", "CASCADE"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_task_run_artifact"),
    )
    op.create_index("ix_task_run_artifact_task_run_id", "task_run_artifact", ["task_run_id"])
    op.create_table(
        "log",
        sa.Column("seq", _SEQUENCE, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", _ID, _references("log", "tenant_id", "tenant", "CASCADE"), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column(
            "flow_run_id", _ID, _references("log", "flow_run_id", "flow_run", "CASCADE"), nullable=True
        ),
        sa.Column(
            "task_run_id", _ID, _references("log", "task_run_id", "task_run", "CASCADE"), nullable=True
        ),
        sa.Column("timestamp", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("level", sa.String(16), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("info", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_log"),
        sa.UniqueConstraint("id", name="uq_log_id"),
    )
    op.create_index("ix_log_flow_run_id_timestamp", "log", ["flow_run_id", "timestamp"])
    op.create_index("ix_log_task_run_id_timestamp", "log", ["task_run_id", "timestamp"])


def _credentials() -> None:
    """What lets people and programs in, and answers to repeat."""
    op.create_table(
        "api_token",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("user_id", _ID, _references("api_token", "user_id", "user", "CASCADE"), nullable=True),
        sa.Column(
            "tenant_id", _ID, _references("api_token", "tenant_id", "tenant", "CASCADE"), nullable=True
        ),
        sa.Column(
            "flow_run_id", _ID, _references("api_token", "flow_run_id", "flow_run", "CASCADE"), nullable=True
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("digest", name="uq_api_token_digest"),
    )
    op.create_table(
        "signing_key",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key"),
    )
    op.create_table(
        "answer",
        sa.Column("principal", sa.String(80), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name="pk_answer"),
    )
    op.create_index("ix_answer_created", "answer", ["created"])


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _default_membership_on_sqlite() -> list[sa.ForeignKey]:
    # SQLite takes a reference to a table that is yet to come, and none later on; PostgreSQL the other way round.
    return [_references("user", "default_membership_id", "membership", "SET NULL")] if _is_sqlite() else []
