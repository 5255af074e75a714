"""What EventBridge delivers of CloudTrail: one event for each successful change of IAM, into the queues that asked for it.

On AWS a rule does this, and a trail before it. Here the queue itself says so, with a tag:
`endpoint/events` = `iam`. Everything else is as AWS spells it.
"""

import json
import logging
import time
from uuid import uuid4

from ministack.core.responses import get_account_id
from ministack.services import iam, sqs, sts

from endpoint import iam_map
from endpoint.request import Request

log = logging.getLogger("endpoint")

QUEUE_TAG = ("endpoint/events", "iam")
_LISTS = {"TagKeys", "ClientIDList", "ThumbprintList"}
_NUMBERS = {"MaxSessionDuration"}


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def parameters(form: dict) -> dict:
    """The request's parameters as CloudTrail spells them: the first letter small, lists as lists."""
    found: dict = {}
    for name, value in form.items():
        if name in ("Action", "Version") or "." in name:
            continue
        found[_lower(name)] = int(value) if name in _NUMBERS and value.isdigit() else value
    for name in _LISTS:
        if values := iam_map.numbered(form, name):
            found[_lower(name)] = values
    if tags := iam_map.tags_of(form):
        found["tags"] = [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
    return found


def user_identity(request: Request, principal) -> dict:
    """Who called, as CloudTrail tells it of a root user, a user or a session of a role."""
    identity = {"arn": principal.arn, "accountId": principal.account, "accessKeyId": request.access_key}
    if principal.type == "User":
        user = iam._users.get(principal.arn.rsplit("/", 1)[-1]) or {}
        return {"type": "IAMUser", "principalId": user.get("UserId", ""), **identity, "userName": user.get("UserName", "")}
    if principal.type != "AssumedRole":
        return {"type": "Root", "principalId": principal.account, **identity}
    name = principal.arn.split("/")[1]
    role = iam._roles.get(name) or {}
    issuer = {"type": "Role", "principalId": role.get("RoleId", ""), "arn": role.get("Arn", ""),
              "accountId": principal.account, "userName": name}
    session = sts._sessions.get(request.access_key) or {}
    return {"type": "AssumedRole", "principalId": session.get("UserId", ""), **identity,
            "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}}}


def event(request: Request, principal) -> dict:
    """The event of one call that changed something."""
    now, account = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), get_account_id()
    return {
        "version": "0", "id": str(uuid4()), "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": account, "time": now, "region": request.region, "resources": [],
        "detail": {
            "eventVersion": "1.11", "userIdentity": user_identity(request, principal), "eventTime": now,
            "eventSource": "iam.amazonaws.com", "eventName": request.action, "awsRegion": request.region,
            "sourceIPAddress": request.client, "userAgent": request.headers.get("user-agent", ""),
            "requestParameters": parameters(request.form) or None, "responseElements": None,
            "requestID": str(uuid4()), "eventID": str(uuid4()), "readOnly": False, "eventType": "AwsApiCall",
            "managementEvent": True, "recipientAccountId": account, "eventCategory": "Management",
        },
    }


def tell(request: Request, principal) -> None:
    """Puts the event of a call into every queue of the region that asked for it."""
    key, value = QUEUE_TAG
    urls = [url for url, queue in sqs._queues.items() if queue["tags"].get(key) == value]
    if not urls:
        return
    body = json.dumps(event(request, principal))
    for url in urls:
        try:
            sqs._act_send_message({"QueueUrl": url, "MessageBody": body}, url)
        except sqs._Err as problem:  # delivery is best effort, on AWS too; the change itself was made
            log.warning("an event did not go into `%s`: %s", url, problem)
