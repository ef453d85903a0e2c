"""A small OpenID Connect provider on this machine; whoever comes is who it is told."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CLIENT", "IdentityProvider", "identity_provider"]

CLIENT = "icp-tests"


class IdentityProvider:
    """What the provider knows: its address, its key, who signs in next."""

    def __init__(self, url: str) -> None:
        from joserfc.jwk import RSAKey

        self.url = url
        self.email = "ann@icp.test"
        self._nonce = ""
        self._key = RSAKey.generate_key(2048, {"kid": "one"})

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def sent_back(self, asked: dict[str, list[str]]) -> str:
        self._nonce = asked.get("nonce", [""])[0]
        answer = {"code": "once", "state": asked["state"][0]}
        return f"{asked['redirect_uri'][0]}?{urlencode(answer)}"

    def token(self) -> dict[str, Any]:
        from joserfc import jwt

        now = int(time.time())
        who = {"iss": self.url, "aud": CLIENT, "sub": self.email, "email": self.email}
        claims = {**who, "nonce": self._nonce, "iat": now, "exp": now + 600}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """The provider, as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    server.provider = provider  # type: ignore[attr-defined]  # for its handlers
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known: IdentityProvider = self.server.provider  # type: ignore[attr-defined]  # see above
        place = urlsplit(self.path)
        if place.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", known.sent_back(parse_qs(place.query)))
            self.end_headers()
            return
        self._told(known.keys() if place.path == "/keys" else known.metadata())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._told(self.server.provider.token())  # type: ignore[attr-defined]  # see above

    def _told(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
