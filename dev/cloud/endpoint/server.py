"""The HTTP side: one port, a readiness URL, and each request to the part that knows its service."""

import asyncio
import json
import logging
import os
import signal
from pathlib import Path
from uuid import uuid4

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core.responses import StreamingResponse
from ministack.services import s3

from endpoint import eks_calls, gate, iam_calls, iam_xml, key_use, pod_identity, replies, request, sqs_calls, sts_calls
from endpoint.jwks import Verifier
from endpoint.replies import Reply
from endpoint.request import Request
from endpoint.store import Store

log = logging.getLogger("endpoint")

READY_PATH = "/_endpoint/ready"
_S3_WRITES = {"PUT", "POST", "DELETE"}
_GRACE_SECONDS = 0.5


class Endpoint:
    """The ASGI application."""

    def __init__(self, store: Store, verifier: Verifier) -> None:
        self._store, self._verifier = store, verifier

    async def __call__(self, scope: dict, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status, headers, body = await self._answer(scope, receive)
            if isinstance(body, StreamingResponse):
                await ministack._send_streaming_response(send, receive, status, headers, body)
            else:
                headers.setdefault("x-amzn-RequestId", str(uuid4()))
                await ministack._send_response(send, status, headers, body, head=scope["method"] == "HEAD")

    @staticmethod
    async def _lifespan(receive, send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: dict, receive) -> Reply:
        if scope["path"] == READY_PATH:
            body = json.dumps({"ready": True, "account": os.environ["MINISTACK_ACCOUNT_ID"]})
            return 200, {"Content-Type": "application/json"}, body.encode()
        try:
            incoming = await request.read(scope, receive)
        except (ministack._RequestBodyDisconnected, ministack._IncompleteRequestBody):
            return replies.s3_error(400, "IncompleteBody", "The request's body ended too early")
        try:
            return await self._dispatch(incoming)
        except Exception:
            log.exception("%s %s %s failed", incoming.service, incoming.method, incoming.action or incoming.path)
            service = incoming.service if incoming.service in replies.SERVICES else "iam"
            return replies.error(service, 500, "ServiceFailure", "the endpoint failed; its log says how")

    async def _dispatch(self, incoming: Request) -> Reply:
        if incoming.service == "sts":
            return await sts_calls.handle(incoming, self._verifier)
        if not incoming.access_key:
            return gate.missing_signature(incoming)
        if incoming.service == "iam":
            return await iam_calls.handle(incoming, self._store)
        if incoming.service == "sqs":
            return await sqs_calls.handle(incoming, self._store)
        if incoming.service == "eks":
            return await eks_calls.handle(incoming, self._store)
        if incoming.service == "eks-auth":
            return await pod_identity.handle(incoming, self._verifier)
        if incoming.service == "s3" and gate.key_is_acceptable(incoming):
            return await self._s3(incoming)
        return gate.unmapped(incoming, f"{incoming.service}:{incoming.action}")

    async def _s3(self, incoming: Request) -> Reply:
        """S3 is ministack's: it names the action and enforces the policies of the mended principal."""
        parts = (incoming.method, incoming.path, incoming.headers, incoming.query)
        if ministack.detect_service(*parts) != "s3":
            return gate.unmapped(incoming, "s3 by signature only")
        reply = await ministack._dispatch_service_request(
            incoming.method, incoming.path, incoming.headers, incoming.body, incoming.query, str(uuid4()))
        if incoming.method in _S3_WRITES and reply[0] < 300:
            self._store.write_s3()
        if incoming.method == "HEAD" and s3.is_standard_object_request(*parts):
            return s3.format_head_response(incoming.path, incoming.headers, reply)
        return reply


async def _serve(application: Endpoint, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 300
    config.graceful_timeout = _GRACE_SECONDS
    config.backlog = 1024
    config.accesslog = None
    config.loglevel = "WARNING"
    await serve(application, config, shutdown_trigger=stop.wait)


def run(port: int, state: Path, oidc_ca: Path, addresses: dict[str, str] | None = None) -> int:
    """Serves until SIGTERM; what was answered is on disk already."""
    gate.install()
    iam_xml.install()
    store = Store(state)
    store.install()
    key_use.install(store)
    log.info("serving on 127.0.0.1:%d, state in `%s`", port, state)
    asyncio.run(_serve(Endpoint(store, Verifier(oidc_ca, addresses)), port))
    store.close()
    log.info("stopped")
    return 0
