# Generated from orchestra_client/_async/__init__.py by tools/generate.py: do not edit.
"""The synchronous client, from whose source `tools/generate.py` makes the synchronous one."""
