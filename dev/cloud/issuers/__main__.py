"""Serves discovery and keys of several issuers over HTTPS, and mints their tokens for whoever asks.

Each issuer lies below a path of its own: `/github/.well-known/openid-configuration` names
`https://token.actions.githubusercontent.com`, as the real one does. On a port of its own, without
TLS, `POST /github/mint` answers a JSON object of claims with a token that has them; `iss`, `iat`
and `exp` are filled in where they are missing. Nothing here is a secret: the keys are made when it starts and end with it.
"""

import argparse
import http.server
import json
import ssl
import threading
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

# What each one signs with. CI systems use RSA; an elliptic curve is what others use.
ALGORITHMS = {"oidc": "ES256"}
LARGEST_BODY = 1 << 16


class Issuer:
    """One issuer: its URL and its key."""

    def __init__(self, name: str, url: str) -> None:
        self.url, self.algorithm, self.kid = url, ALGORITHMS.get(name, "RS256"), "key-1"
        if self.algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key())
        else:
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())
        self.jwk = {**json.loads(public), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def mint(self, claims: dict) -> str:
        now = int(time.time())
        payload = {"iss": self.url, "iat": now, "exp": now + 600, **claims}
        return jwt.encode(payload, self.key, algorithm=self.algorithm, headers={"kid": self.kid})


class Handler(http.server.BaseHTTPRequestHandler):
    """What both ports have in common."""

    issuers: dict[str, Issuer] = {}

    def answer(self, code: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def issuer(self, rest: str) -> Issuer | None:
        name, _, path = self.path.lstrip("/").partition("/")
        return self.issuers.get(name) if path == rest else None

    def log_message(self, *_: object) -> None:
        """Silent: tokens would stand in a log of requests."""


def published(known: dict[str, Issuer], base: str) -> type[Handler]:
    """What an issuer shows to everybody."""

    class Published(Handler):
        issuers = known

        def do_GET(self) -> None:
            name = self.path.lstrip("/").partition("/")[0]
            if issuer := self.issuer(".well-known/openid-configuration"):
                self.answer(200, json.dumps({"issuer": issuer.url, "jwks_uri": f"{base}/{name}/keys"}).encode())
            elif issuer := self.issuer("keys"):
                self.answer(200, json.dumps({"keys": [issuer.jwk]}).encode())
            else:
                self.answer(404, b"{}")

    return Published


def minting(known: dict[str, Issuer]) -> type[Handler]:
    """What only the owner of a bed may ask for."""

    class Minting(Handler):
        issuers = known

        def do_GET(self) -> None:
            self.answer(200 if self.path == "/" else 404, b"{}")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            issuer = self.issuer("mint")
            if issuer is None or length > LARGEST_BODY:
                self.answer(404, b"{}")
                return
            claims = json.loads(self.rfile.read(length))
            self.answer(200, issuer.mint(claims).encode(), "application/jwt")

    return Minting


def main() -> None:
    parser = argparse.ArgumentParser(prog="issuers", description="Token issuers of the test bed, on one loopback port.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1 for discovery and keys")
    parser.add_argument("--mint-port", type=int, required=True, help="port on 127.0.0.1 that hands out tokens")
    parser.add_argument("--certificate", type=Path, required=True, help="certificate (PEM)")
    parser.add_argument("--key", type=Path, required=True, help="its key (PEM)")
    parser.add_argument("--issuer", action="append", default=[], metavar="NAME=URL", help="an issuer and the URL in its tokens")
    given = parser.parse_args()
    issuers = {name: Issuer(name, url) for name, _, url in (one.partition("=") for one in given.issuer)}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), published(issuers, f"https://127.0.0.1:{given.port}"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", given.mint_port), minting(issuers)).serve_forever()


if __name__ == "__main__":
    main()
