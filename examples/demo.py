"""The main job from start to finish, with real processes. What `orchestra demo` runs, too.

A server and an agent, the flow of `flows/orders.py`, and two runs of it that want the same slot::

    python examples/demo.py

Exit status 0 only when everything in their story is right. What there is to copy stands in `orchestra_client/demo/`.
"""

from __future__ import annotations

import sys

from orchestra_client.demo.play import main

if __name__ == "__main__":
    sys.exit(main())
