"""What a failed delivery means: wait and send the same again, or give up on something in it."""

from __future__ import annotations

from orchestra_client.errors import ClientError, OrchestraError, RateLimited, ServerError

__all__ = ["SUSPICION", "is_refusal", "is_suspect", "requested_wait"]

SUSPICION = 3
"""How often in a row a server may fail by itself before what it was sent is suspected."""


def is_refusal(error: OrchestraError) -> bool:
    """Whether the API will never take what it was sent.

    Connections, credentials, permissions and servers come back; what was sent does not change.
    """
    return isinstance(error, ClientError) and not isinstance(error, ServerError | RateLimited)


def is_suspect(error: OrchestraError, attempt: int) -> bool:
    """Whether a server that fails by itself may do so because of what it was sent.

    Args:
        error: that the delivery ended with.
        attempt: which one it was, from 1.
    """
    is_internal = isinstance(error, ServerError) and error.code == "INTERNAL_SERVER_ERROR"
    return is_internal and attempt >= SUSPICION


def requested_wait(error: OrchestraError) -> float:
    """Seconds that the server asked to wait; 0 when it did not."""
    return (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
