"""URLs of pages for people."""

from __future__ import annotations

import pytest

from orchestra_client.errors import BadInput, ConfigurationError
from orchestra_client.pages import has_pages, page_url, slug_of


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://api.example.com/graphql", "https://cloud.example.com/t/flow-run/1"),
        ("https://api-test.example.com", "https://test.example.com/t/flow-run/1"),
        ("http://127.0.0.1:4200/graphql/alpha", "http://127.0.0.1:4200/t/flow-run/1"),
        ("https://apiary.example.com", "https://apiary.example.com/t/flow-run/1"),
    ],
)
def test_pages_stand_beside_the_api(server: str, url: str) -> None:
    assert page_url(server, "t", "flow-run", "1") == url


@pytest.mark.parametrize("server", ["memory:", "sqlite:////var/runs.db", "postgresql+psycopg://me:pw@h/db"])
def test_an_embedded_server_has_no_pages(server: str) -> None:
    with pytest.raises(ConfigurationError, match="an embedded server has no pages") as caught:
        page_url(server, "t", "flow-run", "1")
    assert "pw" not in str(caught.value)


def test_what_cannot_stand_in_a_url_is_escaped() -> None:
    assert page_url("http://h", "t", "flow", "a/b?c") == "http://h/t/flow/a%2Fb%3Fc"


@pytest.mark.parametrize(
    ("name", "slug"), [("Data Team", "data-team"), ("  Ämter & Co. ", "amter-co"), ("X1", "x1")]
)
def test_a_name_becomes_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_name_without_ascii_needs_a_slug_of_its_own() -> None:
    with pytest.raises(BadInput, match="日本"):
        slug_of("日本")


@pytest.mark.parametrize(
    ("server", "capabilities", "expected"),
    [
        ("https://api.example.com", (), True),
        ("https://api.example.com", ("transition_id",), False),
        ("https://api.example.com", ("pages", "transition_id"), True),
        ("memory:", (), False),
    ],
)
def test_a_server_that_names_its_capabilities_names_its_pages(
    server: str, capabilities: tuple[str, ...], expected: bool
) -> None:
    assert has_pages(server, capabilities) is expected
