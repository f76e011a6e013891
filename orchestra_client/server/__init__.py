"""The embedded server: the whole API of `schema.graphql` on a database, in-process or behind HTTP."""
