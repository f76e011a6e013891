"""A server process of a race: opens the database, waits for the start, sends its requests, prints the answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service


def main(url: str, home: str) -> None:
    service = Service.open(url, home=Path(home), settings=Settings(auth="none"))
    requests = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    sys.stdin.readline()
    answers = [service.execute(GraphQLRequest(**request), Credentials()).body for request in requests]
    print(json.dumps(answers))
    service.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
