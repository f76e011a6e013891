"""How a request reaches a server and its answer comes back: over HTTP, or in this process.

``base`` holds the seam (`Request`, `Response`, `Transport`), ``retry`` decides when to send again, ``answers`` reads
what came back. Importing this package imports neither httpx nor gql; ``http`` and ``gql_transport`` do.
"""

from __future__ import annotations

from .base import AsyncTransport, Request, Response, Transport
from .retry import Failure, RetryPolicy

__all__ = ["AsyncTransport", "Failure", "Request", "Response", "RetryPolicy", "Transport"]
