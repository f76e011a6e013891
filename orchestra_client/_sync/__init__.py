# Generated from orchestra_client/_async/__init__.py by tools/generate.py: do not edit.
"""The client in one of its two colours: a session that executes operations, and the methods that make them."""
