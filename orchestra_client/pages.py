"""URLs of pages for people, and slugs in them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from orchestra_client.errors import BadInput, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["check_pages", "has_pages", "page_url", "slug_of"]


def has_pages(server: str, capabilities: Collection[str]) -> bool:
    """Whether a server has pages for people.

    Args:
        server: the API's URL; an embedded server has none.
        capabilities: what it names as its capabilities. One that names some has pages when ``pages`` is among them;
            the cloud of the older API, which names none, has them.
    """
    return _is_http(server) and ("pages" in capabilities or not capabilities)


def check_pages(server: str) -> None:
    """Make sure that a server can have pages for people.

    Args:
        server: the API's URL.

    Raises:
        ConfigurationError: it is embedded in this process.
    """
    if not _is_http(server):
        raise ConfigurationError(
            "an embedded server has no pages, so nothing in it has a URL; show runs with flow_runs() or "
            "`orchestra flow-run show`, or use a server over HTTP"
        )


def _is_http(server: str) -> bool:
    return urlsplit(server).scheme in {"http", "https"}


def page_url(server: str, tenant_slug: str, subdirectory: str, page_id: str) -> str:
    """The URL of a page about something.

    Args:
        server: the API's URL. A host ``api.…`` has its pages at ``cloud.…``, and ``api-x.…`` at ``x.…``; any other
            has them itself.
        tenant_slug: the tenant.
        subdirectory: what the page is about, e.g. ``flow-run``.
        page_id: which one.

    Returns:
        ``BASE/TENANT_SLUG/SUBDIRECTORY/ID``.

    Raises:
        ConfigurationError: the server is none of HTTP, so it has no pages.
    """
    check_pages(server)
    parts = urlsplit(server)
    host = re.sub(r"^api\.", "cloud.", parts.netloc).removeprefix("api-")
    base = f"{parts.scheme}://{host}"
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
