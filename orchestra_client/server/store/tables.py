"""The tables. Those of the contract have its columns, in its order; the rest are the server's own.

Every row names its tenant, also where that could be joined: scoping then is one comparison per table.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from orchestra_client.server.store.types import Id, Json, Timestamp

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", Id, primary_key=True)


def _tenant() -> Column[str]:
    return Column("tenant_id", Id, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False)


def _reference(name: str, target: str, *, nullable: bool = False, ondelete: str = "CASCADE") -> Column[str]:
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete=ondelete), nullable=nullable)


def _created() -> Column[str]:
    return Column("created", Timestamp, nullable=False)


def _updated() -> Column[str]:
    return Column("updated", Timestamp, nullable=False)


def _sequence() -> Column[int]:
    # Rows that arrive within one microsecond keep the order they arrived in. SQLite counts up INTEGER alone, to 2^63.
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _run_columns() -> list[Column[Any]]:
    """What flow runs and task runs share: the version, the derived columns of the state, the heartbeat."""
    return [
        Column("version", Integer, nullable=False),
        Column("heartbeat", Timestamp),
        Column("state", String(64)),
        Column("state_timestamp", Timestamp),
        Column("state_message", Text),
        Column("state_start_time", Timestamp),
        Column("serialized_state", Json),
        Column("start_time", Timestamp),
        Column("end_time", Timestamp),
        Column("duration", Float),
    ]


def _history_columns(run: str) -> list[Column[Any]]:
    """One accepted state of a run."""
    return [
        _sequence(),
        Column("id", Id, nullable=False, unique=True),
        _tenant(),
        _created(),
        _reference(f"{run}_id", run),
        Column("timestamp", Timestamp, nullable=False),
        Column("version", Integer, nullable=False),
        Column("state", String(64), nullable=False),
        Column("message", Text),
        Column("start_time", Timestamp),
        Column("serialized_state", Json, nullable=False),
        Column("transition_id", String(128)),
    ]


tenant = Table(
    "tenant",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("slug", String(255), nullable=False, unique=True),
    Column("settings", Json),
)

project = Table(
    "project",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("description", Text),
    UniqueConstraint("tenant_id", "name"),
)

flow_group = Table(
    "flow_group",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("labels", Json),
    Column("default_parameters", Json),
    Column("schedule", Json),
    Column("run_config", Json),
    Column("settings", Json),
    UniqueConstraint("tenant_id", "name"),
)

flow = Table(
    "flow",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("flow_group_id", "flow_group"),
    _reference("project_id", "project", nullable=True),
    Column("version_group_id", Text),
    Column("idempotency_key", Text),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("description", Text),
    Column("core_version", Text),
    Column("environment", Json),
    Column("run_config", Json),
    Column("storage", Json),
    Column("parameters", Json),
    Column("schedule", Json),
    Column("is_schedule_active", Boolean, nullable=False),
    Column("serialized_flow", Json),
    Column("settings", Json),
    UniqueConstraint("flow_group_id", "version"),
    Index(None, "tenant_id", "name"),
    Index(None, "project_id"),
)

task = Table(
    "task",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("flow_id", "flow"),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("type", Text),
    Column("description", Text),
    Column("max_retries", Integer, nullable=False),
    Column("retry_delay", Float),
    Column("trigger", Json),
    Column("mapped", Boolean, nullable=False),
    Column("auto_generated", Boolean, nullable=False),
    Column("cache_key", Text),
    Column("tags", Json, nullable=False),
    Column("is_reference_task", Boolean, nullable=False),
    Column("is_root_task", Boolean, nullable=False),
    Column("is_terminal_task", Boolean, nullable=False),
    UniqueConstraint("flow_id", "slug"),
)

edge = Table(
    "edge",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _reference("flow_id", "flow"),
    _reference("upstream_task_id", "task"),
    _reference("downstream_task_id", "task"),
    Column("key", Text),
    Column("mapped", Boolean, nullable=False),
    Index(None, "flow_id"),
    Index(None, "upstream_task_id"),
    Index(None, "downstream_task_id"),
)

flow_run = Table(
    "flow_run",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("flow_id", "flow"),
    _reference("agent_id", "agent", nullable=True, ondelete="SET NULL"),
    Column("name", Text),
    Column("labels", Json, nullable=False),
    Column("parameters", Json),
    # Those of its creation alone, without defaults. None for the scheduler's runs, and for those of older servers.
    Column("given_parameters", Json),
    Column("context", Json),
    Column("run_config", Json),
    Column("idempotency_key", Text),
    Column("auto_scheduled", Boolean, nullable=False),
    Column("scheduled_start_time", Timestamp),
    *_run_columns(),
    Column("times_resurrected", Integer, nullable=False),
    UniqueConstraint("flow_id", "idempotency_key"),
    Index(None, "tenant_id", "state", "state_start_time"),
    Index(None, "tenant_id", "created"),
    Index(None, "agent_id"),
)

flow_run_state = Table(
    "flow_run_state",
    metadata,
    *_history_columns("flow_run"),
    Index(None, "flow_run_id", "version"),
)

task_run = Table(
    "task_run",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("flow_run_id", "flow_run"),
    _reference("task_id", "task"),
    Column("map_index", Integer, nullable=False),
    Column("name", Text),
    Column("cache_key", Text),
    *_run_columns(),
    Column("run_count", Integer, nullable=False),
    UniqueConstraint("flow_run_id", "task_id", "map_index"),
    Index(None, "tenant_id", "state", "state_timestamp"),
    Index(None, "tenant_id", "created"),
    Index(None, "task_id"),
)

task_run_state = Table(
    "task_run_state",
    metadata,
    *_history_columns("task_run"),
    Index(None, "task_run_id", "version"),
)

log = Table(
    "log",
    metadata,
    _sequence(),
    Column("id", Id, nullable=False, unique=True),
    _tenant(),
    _created(),
    _reference("flow_run_id", "flow_run", nullable=True),
    _reference("task_run_id", "task_run", nullable=True),
    Column("timestamp", Timestamp, nullable=False),
    Column("name", Text),
    Column("level", String(16)),
    Column("message", Text),
    Column("info", Json),
    Index(None, "flow_run_id", "timestamp"),
    Index(None, "task_run_id", "timestamp"),
)

agent = Table(
    "agent",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("agent_config_id", "agent_config", nullable=True, ondelete="SET NULL"),
    Column("type", Text, nullable=False),
    Column("name", Text),
    Column("labels", Json, nullable=False),
    Column("core_version", Text),
    Column("last_queried", Timestamp),
    Index(None, "tenant_id"),
)

agent_config = Table(
    "agent_config",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("settings", Json, nullable=False),
    Index(None, "tenant_id"),
)

task_tag_limit = Table(
    "task_tag_limit",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("tag", String(255), nullable=False),
    Column("limit", Integer, nullable=False),
    UniqueConstraint("tenant_id", "tag"),
)

task_run_artifact = Table(
    "task_run_artifact",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    _reference("task_run_id", "task_run"),
    Column("kind", Text, nullable=False),
    Column("data", Json),
    Index(None, "task_run_id"),
)

key_value = Table(
    "key_value",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("key", String(255), nullable=False),
    Column("value", Json),
    UniqueConstraint("tenant_id", "key"),
)

cloud_hook = Table(
    "cloud_hook",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", Text),
    Column("type", Text, nullable=False),
    Column("config", Json),
    Column("active", Boolean, nullable=False),
    Index(None, "tenant_id"),
)

# ------------------------------------------------------------------ the server's own, never selected by a filter

secret = Table(
    "secret",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", String(255), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

user = Table(
    "user",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("username", String(255), nullable=False, unique=True),
    # The two tables refer to each other: PostgreSQL is told of this side when both exist, SQLite does not mind.
    Column("default_membership_id", Id, ForeignKey("membership.id", ondelete="SET NULL", use_alter=True)),
)

membership = Table(
    "membership",
    metadata,
    _id(),
    _created(),
    _reference("user_id", "user"),
    _tenant(),
    UniqueConstraint("user_id", "tenant_id"),
)

api_token = Table(
    "api_token",
    metadata,
    _id(),
    _created(),
    Column("name", Text, nullable=False),
    Column("scope", String(16), nullable=False),
    _reference("user_id", "user", nullable=True),
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_run_id", "flow_run", nullable=True),
    # SHA-256 of the token: it has 256 random bits, so there is nothing for a slow hash to slow down.
    Column("digest", String(64), nullable=False, unique=True),
    Column("expires_at", Timestamp),
    # What a CI job logged in by, and what its tokens end with.
    _reference("oidc_trust_id", "oidc_trust", nullable=True),
    Index(None, "oidc_trust_id"),
)

oidc_trust = Table(
    # Which jobs of whose CI may log in to the tenant, and as what.
    "oidc_trust",
    metadata,
    _id(),
    _tenant(),
    _created(),
    _updated(),
    Column("name", String(255), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("audience", String(255), nullable=False),
    Column("claims", Json, nullable=False),
    Column("role", String(16), nullable=False),
    Column("token_seconds", Integer, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

used_oidc_token = Table(
    # The tokens of CI jobs that logged in, each until it is of no use any more.
    "used_oidc_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

signing_key = Table(
    "signing_key",
    metadata,
    _id(),
    _created(),
    Column("ciphertext", LargeBinary, nullable=False),
)

answer = Table(
    # What a creation answered, so that a repeat with the same Idempotency-Key is answered the same.
    "answer",
    metadata,
    Column("principal", String(80), primary_key=True),
    Column("key", String(255), primary_key=True),
    _created(),
    Column("ciphertext", LargeBinary, nullable=False),
    Index(None, "created"),
)

service_lease = Table(
    # Who runs a background service, one process at a time, and when it last came to the end of a round.
    "service_lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Id, nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("expires", Timestamp, nullable=False),
    Column("last_success", Timestamp),
)
