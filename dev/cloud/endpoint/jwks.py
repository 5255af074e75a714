"""Issuers' public keys, fetched once per issuer, and the check of a token against them."""

import asyncio
import json
import logging
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import jwt

log = logging.getLogger("endpoint")

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
FETCH_TIMEOUT = 5.0
REFRESH_PAUSE = 1.0  # an unknown key id asks the issuer again, but not more often than this
LARGEST_DOCUMENT = 1 << 20


class TokenRefused(Exception):
    """A token that STS would not take: the code and the message that STS gives."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class _Issuer:
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def _key_unavailable(issuer: str, problem: Exception) -> TokenRefused:
    log.warning("no keys from issuer `%s`: %s", issuer, problem)
    reason = problem.reason if isinstance(problem, urllib.error.URLError) else problem
    if isinstance(reason, OSError) and not isinstance(reason, ssl.SSLError) and not isinstance(problem, urllib.error.HTTPError):
        return TokenRefused("IDPCommunicationError", "Unable to reach the identity provider's keys; try again")
    return TokenRefused(
        "InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
    )


class Verifier:
    """Verifies web identity tokens; the only part that talks to issuers."""

    def __init__(self, ca: Path, addresses: dict[str, str] | None = None) -> None:
        self._ca = ca
        self._addresses = addresses or {}  # where issuers are found that are not what their URL says
        self._issuers: dict[str, _Issuer] = {}

    def _get(self, url: str) -> dict:
        if not url.startswith("https://"):
            raise ValueError(f"`{url}` must begin with https://")
        context = ssl.create_default_context(cafile=str(self._ca))
        # An API server's own certificate may be trusted by itself and lacks the extensions that strict checks ask for.
        context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        with opener.open(url, timeout=FETCH_TIMEOUT) as answer:
            return json.loads(answer.read(LARGEST_DOCUMENT))

    def _fetch(self, issuer: str) -> dict[str, jwt.PyJWK]:
        address = self._addresses.get(issuer, issuer)
        discovery = self._get(address.rstrip("/") + "/.well-known/openid-configuration")
        if discovery.get("issuer") != issuer:
            raise ValueError(f"the discovery document names issuer `{discovery.get('issuer')}`")
        keys = jwt.PyJWKSet.from_dict(self._get(discovery["jwks_uri"])).keys
        return {key.key_id or "": key for key in keys}

    async def _key(self, issuer: str, key_id: str) -> jwt.PyJWK:
        known = self._issuers.setdefault(issuer, _Issuer())
        if key_id not in known.keys:
            async with known.lock:
                if key_id not in known.keys and time.monotonic() - known.fetched >= REFRESH_PAUSE:
                    try:
                        known.keys = await asyncio.to_thread(self._fetch, issuer)
                    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as problem:
                        raise _key_unavailable(issuer, problem) from problem
                    known.fetched = time.monotonic()
        if key_id not in known.keys:
            raise TokenRefused("InvalidIdentityToken", "Couldn't find matching key in your identity provider's JWKS")
        return known.keys[key_id]

    async def verify(self, token: str, issuer: str, audiences: list[str]) -> dict:
        """The claims of a token that this issuer signed, for one of these audiences, and that has not run out."""
        key = await self._key(issuer, jwt.get_unverified_header(token).get("kid") or "")
        try:
            return jwt.decode(
                token, key.key, algorithms=ALGORITHMS, audience=audiences, issuer=issuer,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except jwt.ExpiredSignatureError as problem:
            raise TokenRefused("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time") from problem
        except jwt.InvalidAudienceError as problem:
            raise TokenRefused("InvalidIdentityToken", "Incorrect token audience") from problem
        except jwt.InvalidSignatureError as problem:
            raise TokenRefused("InvalidIdentityToken", "Token signature invalid") from problem
        except (jwt.InvalidTokenError, TypeError, ValueError) as problem:
            raise TokenRefused("InvalidIdentityToken", f"The web identity token is not acceptable: {problem}") from problem
