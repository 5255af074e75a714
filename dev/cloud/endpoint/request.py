"""One HTTP request, read once: its form, who signed it and for which service."""

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, quote

from ministack import app as ministack
from ministack.core.iam_evaluator import pin_request_origin, pin_signed_request
from ministack.core.responses import set_request_account_id, set_request_client_ip, set_request_region
from ministack.core.sigv4 import decode_header_value

_SCOPE = re.compile(r"Credential=([^/,\s]+)/[0-9]{8}/([^/]+)/([^/]+)/aws4_request")
_QUERY_SCOPE = re.compile(r"^([^/]+)/[0-9]{8}/([^/]+)/([^/]+)/aws4_request$")
UNSIGNED_ACTIONS = {"AssumeRoleWithWebIdentity"}
# Region and service of the request that is being answered.
signed_scope: ContextVar[tuple[str, str]] = ContextVar("signed_scope", default=("", ""))


@dataclass
class Request:
    """What the gate and the handlers need to know about a request."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]
    body: bytes
    access_key: str = ""
    region: str = "us-east-1"
    service: str = ""
    client: str = ""
    form: dict[str, str] = field(default_factory=dict)

    @property
    def action(self) -> str:
        return self.form.get("Action", "")


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), decode_header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _signed_scope(headers: dict, query: dict) -> tuple[str, str, str] | None:
    """Access key, region and service that the request says it is signed for."""
    found = _SCOPE.search(headers.get("authorization", ""))
    if not found and not headers.get("authorization"):
        found = _QUERY_SCOPE.match((query.get("X-Amz-Credential") or [""])[0])
    return found.groups() if found else None


async def read(scope: dict, receive) -> Request:
    """Reads a request and keeps it, as it arrived, for ministack's signature check."""
    method, path = scope["method"], scope["path"]
    headers = _headers(scope["headers"])
    query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
    client = (scope.get("client") or ("127.0.0.1",))[0]
    set_request_client_ip(client)
    pin_request_origin(client, False)
    signed = _signed_scope(headers, query)
    access_key, region, service = signed or ("", "us-east-1", "")
    set_request_account_id(ministack.find_iam_access_key_account(access_key) or access_key if access_key != "test" else "")
    set_request_region(region)
    signed_scope.set((region, service))
    raw_path = scope.get("raw_path") or quote(path).encode()
    pin_signed_request(method, raw_path.decode("latin-1"), query, scope["headers"])
    body = await ministack._read_request_body(receive, method, headers)
    request = Request(method, path, headers, query, body, access_key, region, service, client)
    if service != "s3":
        request.form = {key: values[0] for key, values in query.items()}
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            request.form.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if service == "sqs":
        request.form = {"Action": headers.get("x-amz-target", "").removeprefix("AmazonSQS.")}
    if not service and request.action in UNSIGNED_ACTIONS:
        request.service = "sts"
    return request
