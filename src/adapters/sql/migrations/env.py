"""Runs the migrations on the connection that `SqlSchema` hands over."""

from alembic import context

from adapters.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
