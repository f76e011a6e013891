"""A CI that signs tokens for its jobs, on a port of this machine."""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

AUDIENCE = "https://orchestra.example"


class Issuer:
    """Answers its configuration and its keys, counts who asks, and signs what it is told to.

    Args:
        now: tells the time by which tokens are made.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": lambda: self.configuration,
            "/jwks": lambda: {"keys": list(self.published)},
        }
        self.gone = threading.Event()
        self.keys: dict[str, Any] = {}
        self.published: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.configuration: dict[str, Any] = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.kid = self.new_key()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be out of reach from now on."""
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def new_key(self, kind: str = "ES256", *, is_published: bool = True, bits: int = 2048) -> str:
        """Make a key that signs from now on; its id."""
        kid = f"key-{len(self.keys)}"
        key: Any
        if kind == "ES256":
            key = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.keys[kid] = (key, kind)
        if is_published:
            self.published.append({**public, "kid": kid, "use": "sig", "alg": kind})
        self.kid = kid
        return kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What is said of a job of acme/flows on its main branch; None takes a claim out."""
        now = int(self.now())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "repo:acme/flows:ref:refs/heads/main",
            "repository": "acme/flows",
            "ref": "refs/heads/main",
            "run_id": "4711",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + 300,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, *, kid: str | None = None, **changes: Any) -> str:
        """A token for that job."""
        key, algorithm = self.keys[kid or self.kid]
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": kid or self.kid})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = issuer.answers.get(self.path.partition("?")[0])
                body = answer() if answer else (404, {}, b"")
                status, headers, content = (
                    body if isinstance(body, tuple) else (200, {}, json.dumps(body).encode())
                )
                self.send_response(status)
                # A list is sent piece by piece.
                pieces = content if isinstance(content, list) else [content]
                for name, value in {"Content-Length": str(sum(map(len, pieces))), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):
                    for piece in pieces:
                        self.wfile.write(piece)
                        issuer.gone.wait(0.02 if len(pieces) > 1 else 0)

            def log_message(self, *_: object) -> None: ...

        return Handler
