"""Answers in the XML of AWS's query protocol, with every value escaped; in JSON where a service speaks it."""

import json
from collections.abc import Iterable
from urllib.parse import quote
from uuid import uuid4
from xml.sax.saxutils import escape

NAMESPACE = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
REST_JSON = ("eks", "eks-auth")
SERVICES = (*NAMESPACE, "sqs", *REST_JSON)  # all but S3, which has a shape of its own

Reply = tuple[int, dict, bytes]


def tag(name: str, value: object) -> str:
    """One element with text; nothing at all for an absent or empty value, as AWS answers it."""
    return "" if value in (None, "") else f"<{name}>{escape(str(value))}</{name}>"


def members(name: str, items: Iterable[str]) -> str:
    """A list element whose items are XML already."""
    return f"<{name}>{''.join(f'<member>{item}</member>' for item in items)}</{name}>"


def tags(items: Iterable[dict]) -> str:
    """The `Tags` list; a tag's value may be empty and is still sent."""
    return members("Tags", (f"<Key>{escape(t['Key'])}</Key><Value>{escape(t['Value'])}</Value>" for t in items))


def document(name: str, text: str) -> str:
    """A policy document, URL-encoded as IAM sends it."""
    return f"<{name}>{quote(text, safe='')}</{name}>"


def ok(service: str, action: str, result: str | None = None) -> Reply:
    """A successful answer; `result` is the XML inside `<ActionResult>`, absent for calls without one."""
    inner = "" if result is None else f"<{action}Result>{result}</{action}Result>"
    body = (
        f'<{action}Response xmlns="{NAMESPACE[service]}">{inner}'
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    )
    return 200, {"Content-Type": "text/xml"}, body.encode()


def error(service: str, status: int, code: str, message: str) -> Reply:
    """A refusal in the shape that SDKs of this service read."""
    if service == "sqs":
        return json_error(status, code, message)
    if service in REST_JSON:
        return json_answer({"message": message}, status, code)
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE[service]}"><Error><Type>Sender</Type>'
        f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )
    return status, {"Content-Type": "text/xml"}, body.encode()


def json_error(status: int, code: str, message: str) -> Reply:
    """A refusal in the shape that SDKs of JSON services read."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-query-error": f"{code};Sender"}
    return status, headers, json.dumps({"__type": code, "message": message}).encode()


def json_answer(content: dict, status: int = 200, code: str = "") -> Reply:
    """An answer of a REST service in JSON; a refusal has its code in a header."""
    headers = {"Content-Type": "application/json"} | ({"x-amzn-ErrorType": code} if code else {})
    return status, headers, json.dumps(content).encode()


def denied(service: str, message: str) -> Reply:
    """A refusal for want of permission, by the code and status that this service gives it."""
    if service in REST_JSON:
        return error(service, 400 if service == "eks-auth" else 403, "AccessDeniedException", message)
    return error(service, 403, "AccessDenied", message) if service in SERVICES else s3_error(403, "AccessDenied", message)


def s3_error(status: int, code: str, message: str) -> Reply:
    """A refusal in the shape that S3 clients read."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message><RequestId>{uuid4()}</RequestId></Error>"
    )
    return status, {"Content-Type": "application/xml"}, body.encode()
