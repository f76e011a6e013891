"""Answers of creations, kept so that a request which is sent again creates nothing again."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, tuple_

from orchestra_client.errors import BadInput
from orchestra_client.server.store import tables as t
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.context import Principal
    from orchestra_client.server.vault import Vault

LIFETIME = dt.timedelta(hours=24)
"""How long a repeat is recognised."""

FORGOTTEN_AT_ONCE = 1000
"""Old answers that one request deletes at most: others wait for it meanwhile."""

FORGETTING = 100
"""So many answers are kept between two times that old ones are deleted: far fewer than are deleted then."""

MAX_KEY = 255
"""Characters of an Idempotency-Key."""

_FIND = select(t.answer.c.ciphertext).where(
    t.answer.c.principal == bindparam("who"), t.answer.c.key == bindparam("what")
)
_HOLD = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))
_KEEP = insert(t.answer)
_OLD = (
    select(t.answer.c.principal, t.answer.c.key)
    .where(t.answer.c.created < bindparam("before"))
    .limit(bindparam("most"))
)
_FORGET = delete(t.answer).where(tuple_(t.answer.c.principal, t.answer.c.key).in_(_OLD))


@dataclass(frozen=True, slots=True)
class Repeatable:
    """One creation of one request, as its sender names it.

    Attributes:
        who: who asks; nobody sees another's answers.
        what: the Idempotency-Key and the field's place in the answer.
        digest: of the field and its arguments, to notice a key that is used for something else.
    """

    who: str
    what: str
    digest: str

    @classmethod
    def of(
        cls, principal: Principal, key: str, path: str, field: str, arguments: dict[str, Any]
    ) -> Repeatable:
        """The creation that `key` and `path` name.

        Raises:
            BadInput: the key is too long.
        """
        if len(key) > MAX_KEY:
            raise BadInput(f"The Idempotency-Key must have at most {MAX_KEY} characters; a UUID is best.")
        who = f"{principal.token_id or principal.user_id or ''}:{principal.tenant_id or ''}"
        named = f"{key}\n{path}".encode("utf-8", "surrogatepass")
        return cls(who, _digest(named), _digest(_written([field, arguments])))


def _written(value: Any) -> bytes:
    """JSON that is the same for equal values."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers beyond 64 bits and halves of characters, which only the standard library writes.
        return json.dumps(value, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Answers:
    """Finds and keeps answers, in the transaction of the creation itself.

    Safe to share between threads.

    Args:
        vault: answers hold new tokens, so they are encrypted.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._kept = itertools.count()

    def find(self, connection: Connection, repeatable: Repeatable) -> list[Any]:
        """The answer of an earlier request, in a list; an empty list when this is the first.

        Raises:
            BadInput: the earlier request asked for something else.
        """
        if connection.dialect.name == "postgresql":
            # Two may begin with the same: the second waits here, and then finds what the first was answered.
            connection.execute(_HOLD, {"name": f"{repeatable.who} {repeatable.what}"})
        ciphertext = connection.scalar(_FIND, {"who": repeatable.who, "what": repeatable.what})
        if ciphertext is None:
            return []
        kept = self._vault.decrypt_json(ciphertext)
        if kept["digest"] != repeatable.digest:
            raise BadInput(
                "This Idempotency-Key came with other arguments before; make a new key for each new request."
            )
        return [kept["answer"]]

    def keep(self, connection: Connection, repeatable: Repeatable, answer: Any, *, now: str) -> None:
        """Store what the first request is answered; now and then, forget those of yesterday."""
        ciphertext = self._vault.encrypt_json({"digest": repeatable.digest, "answer": answer})
        row = {"principal": repeatable.who, "key": repeatable.what, "created": now, "ciphertext": ciphertext}
        connection.execute(_KEEP, row)
        if next(self._kept) % FORGETTING == 0:
            before = format_time(dt.datetime.fromisoformat(now) - LIFETIME)
            connection.execute(_FORGET, {"before": before, "most": FORGOTTEN_AT_ONCE})
