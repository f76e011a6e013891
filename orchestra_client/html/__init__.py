"""States and results as HTML, for notebooks.

Everything that comes from a server is escaped, and tokens in it are masked. Colours that are set go with light and dark
pages; all others are the page's own. Styles are attributes, because notebooks drop style sheets in what they do not trust.
"""

from __future__ import annotations

from orchestra_client.html.cards import record_html, state_html
from orchestra_client.html.tables import table_html

__all__ = ["record_html", "state_html", "table_html"]
