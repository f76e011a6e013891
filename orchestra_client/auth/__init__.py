"""Who the client is: API tokens, tenant sessions that refresh themselves, and where logins are kept.

``tokens`` and ``session`` are pure; ``store`` and ``os_keyring`` keep logins between processes; ``resolution`` puts
together what an argument, the context, the environment and the saved login say.
"""

from __future__ import annotations

from .session import Credentials, CredentialSource, TenantWish
from .tokens import TenantSession

__all__ = ["CredentialSource", "Credentials", "TenantSession", "TenantWish"]
