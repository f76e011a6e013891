"""A process with services: does one round of each at a given time, and prints what it did."""

from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from collections import Counter

from orchestra_client.server.services import ServiceSettings, all_services
from orchestra_client.server.services.background import LeasedService
from orchestra_client.server.store.database import Database


def main(url: str, now: str, *, leads: str) -> None:
    """Wait for a line on stdin, then do a round of every service.

    Args:
        url: of the database.
        now: what o'clock it is.
        leads: "alone" for leases of its own, so that nothing but the writes keeps it apart from others.
    """
    moment = dt.datetime.fromisoformat(now)
    database = Database(url, clock=lambda: moment)
    holder = str(uuid.uuid4())
    services = list(all_services(ServiceSettings()))
    if leads == "alone":
        for service in services:
            service.name = f"{service.name}-{holder[:8]}"
    print("ready", flush=True)
    sys.stdin.readline()
    done: Counter[str] = Counter()
    for service in services:
        done += LeasedService(service, database, holder).run() or Counter()
    print(json.dumps(done))
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], leads=sys.argv[3])
