"""The asynchronous client, from whose source `tools/generate.py` makes the synchronous one."""
