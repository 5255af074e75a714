"""SQS: gate, then ministack's own queues. Their names stay over a restart, their messages do not."""

import json
import re

from ministack.core.responses import get_account_id
from ministack.services import sqs

from endpoint import gate, replies
from endpoint.gate import Check
from endpoint.replies import Reply
from endpoint.request import Request
from endpoint.store import Store

# What a call asks permission for: a batch for the same as one message.
PERMISSIONS = {
    "CreateQueue": "CreateQueue", "DeleteQueue": "DeleteQueue", "GetQueueUrl": "GetQueueUrl",
    "GetQueueAttributes": "GetQueueAttributes", "PurgeQueue": "PurgeQueue",
    "SendMessage": "SendMessage", "SendMessageBatch": "SendMessage",
    "ReceiveMessage": "ReceiveMessage", "DeleteMessage": "DeleteMessage", "DeleteMessageBatch": "DeleteMessage",
}
_WRITES = {"CreateQueue", "DeleteQueue"}
_URL = re.compile(r"^https?://[^/]+/([0-9]{12})/([A-Za-z0-9_-]{1,80}(?:\.fifo)?)$")


def _arn(request: Request, asked: dict) -> str | None:
    """The queue that a call is about; None where that cannot be told."""
    if "QueueUrl" not in asked:
        return f"arn:aws:sqs:{request.region}:{get_account_id()}:{asked.get('QueueName', '')}"
    found = _URL.match(str(asked["QueueUrl"]))
    return f"arn:aws:sqs:{request.region}:{found[1]}:{found[2]}" if found else None


def _as_aws_tells(request: Request, reply: Reply) -> Reply:
    """A queue's URL names AWS's own host, whatever host was called."""
    status, headers, body = reply
    answer = json.loads(body or b"{}")
    if status != 200 or "QueueUrl" not in answer:
        return reply
    path = answer["QueueUrl"].split("://", 1)[-1].split("/", 1)[-1]
    return status, headers, json.dumps({**answer, "QueueUrl": f"https://sqs.{request.region}.amazonaws.com/{path}"}).encode()


async def handle(request: Request, store: Store) -> Reply:
    """One call of SQS."""
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    permission = PERMISSIONS.get(request.action)
    if permission is None:
        return gate.unmapped(request, f"sqs:{request.action}")
    try:
        asked = json.loads(request.body or b"{}")
    except ValueError:
        asked = None
    arn = _arn(request, asked) if isinstance(asked, dict) else None
    if arn is None:
        return replies.error("sqs", 400, "InvalidAddress", "The address of the queue is not valid.")
    if denied := gate.authorise(request, principal, [Check(f"sqs:{permission}", arn)]):
        return denied
    reply = await sqs.handle_request(request.method, request.path, request.headers, request.body, request.query)
    if request.action in _WRITES and reply[0] == 200:
        store.write_queues()
    return _as_aws_tells(request, reply)
