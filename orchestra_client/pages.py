"""URLs of pages for people, and slugs in them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["has_pages", "page_url", "slug_of"]


def has_pages(capabilities: Collection[str]) -> bool:
    """Whether a server has pages for people.

    Args:
        capabilities: what it names as its capabilities. One that names some has pages when ``pages`` is among them;
            the cloud of the older API, which names none, has them.
    """
    return "pages" in capabilities or not capabilities


def page_url(server: str, tenant_slug: str, subdirectory: str, page_id: str) -> str:
    """The URL of a page about something.

    Args:
        server: the API's URL. A host ``api.…`` has its pages at ``cloud.…``, and ``api-x.…`` at ``x.…``; any other
            has them itself.
        tenant_slug: the tenant.
        subdirectory: what the page is about, e.g. ``flow-run``.
        page_id: which one.

    Returns:
        ``BASE/TENANT_SLUG/SUBDIRECTORY/ID``; for an embedded server, which has no pages, its URL is the base.
    """
    parts = urlsplit(server)
    if parts.scheme in {"http", "https"}:
        host = re.sub(r"^api\.", "cloud.", parts.netloc).removeprefix("api-")
        base = f"{parts.scheme}://{host}"
    else:
        base = server.rstrip("/")
    return "/".join([base, *(quote(part, safe="") for part in (tenant_slug, subdirectory, str(page_id)))])


def slug_of(name: str) -> str:
    """A name as it can stand in a URL: lower case, its words joined by dashes.

    Raises:
        BadInput: no letter or digit of the name has a plain ASCII form.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain.lower()))
    if not slug:
        raise BadInput(f"no slug can be made of the name {name!r}; give one")
    return slug
