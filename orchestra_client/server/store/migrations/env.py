"""Run by Alembic: brings the connection that `migrate` hands over to the revision asked for."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
# The connection is in a transaction already, which holds the lock and takes all revisions or none.
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
context.run_migrations()
