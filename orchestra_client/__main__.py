"""``python -m orchestra_client``: the `orchestra` command, wherever its script may be."""

from __future__ import annotations

from orchestra_client.cli import main

if __name__ == "__main__":
    main()
