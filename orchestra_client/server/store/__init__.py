"""The store: tables, migrations, and the scoped sessions through which alone the rest of the server reads and writes."""
