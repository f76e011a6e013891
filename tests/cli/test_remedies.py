"""What is said to do about a token that is refused, or that may not do what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import TOKEN

if TYPE_CHECKING:
    from orchestra_client import Client
    from tests.cli.conftest import Orchestra

REFUSED = {"ORCHESTRA_API_TOKEN": "orc_" + "x" * 43}


@pytest.mark.parametrize("words", [("flow-run", "list"), ("doctor",)])
class TestATokenOfTheEnvironmentThatIsRefused:
    def test_hides_a_saved_login(self, orchestra: Orchestra, words: tuple[str, ...]) -> None:
        orchestra("auth", "login", "--with-token", "--tenant", "default", stdin=TOKEN)

        done = orchestra(*words, environ=REFUSED, status=4)

        told = done.out + done.err
        assert "Unset ORCHESTRA_API_TOKEN to use your saved login orc_…tttt, or set it to a token" in told
        assert "Log in with" not in told

    def test_is_to_be_replaced_where_no_login_is_saved(
        self, orchestra: Orchestra, words: tuple[str, ...]
    ) -> None:
        done = orchestra(*words, environ=REFUSED, status=4)

        assert "Set ORCHESTRA_API_TOKEN to a token that works, or unset it and log in" in done.out + done.err


def test_a_saved_login_that_is_refused_is_renewed_by_logging_in(orchestra: Orchestra, client: Client) -> None:
    made = client.create_api_token("short", "TENANT")
    assert made.token is not None
    orchestra("auth", "login", "--with-token", "--tenant", "default", stdin=made.token)
    client.delete_api_token(made.id)
    del orchestra.environ["ORCHESTRA_API_TOKEN"]

    assert "Log in with `orchestra auth login`" in orchestra("flow-run", "list", status=4).err


def test_a_right_that_lacks_is_told_with_the_token_that_lacks_it(
    orchestra: Orchestra, client: Client
) -> None:
    token = client.create_api_token("agent", "RUNNER").token
    assert token is not None

    done = orchestra("limit", "list", environ={"ORCHESTRA_API_TOKEN": token}, status=1)

    assert "A RUNNER token may not" in done.err
    assert f"API token orc_…{token[-4:]} from ORCHESTRA_API_TOKEN" in done.err
    assert "`orchestra auth status`" in done.err
