"""The other side of test_peer_graphql.py: runs under a peer's Python, writes what the peer makes of each query."""

from __future__ import annotations

import json
import sys
import warnings

warnings.simplefilter("ignore")

from prefect.utilities import graphql as peer  # noqa: E402  # it warns while it is imported


def main() -> None:
    asked = json.load(sys.stdin)
    written = [peer.parse_graphql(eval(query, vars(peer).copy())) for query in asked["queries"]]
    json.dump(
        {
            "written": written,
            "compressed": peer.compress(asked["flow"]),
            "decompressed": peer.decompress(asked["compressed"]),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
