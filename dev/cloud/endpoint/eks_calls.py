"""EKS: gate, rules, then the call itself. Clusters are planted by root; there is nothing behind them."""

import base64
import binascii
import json
import time

from ministack.core.responses import get_account_id

from endpoint import eks_map, eks_records, eks_rules, gate, replies
from endpoint.eks_map import Call
from endpoint.eks_records import ISSUER_TAG
from endpoint.replies import Reply, json_answer
from endpoint.request import Request
from endpoint.store import Store

_SUMMARY = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
_SETTINGS = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")
_PAGE = 100


def _now() -> float:
    return round(time.time(), 3)


def _create_cluster(call: Call) -> Reply:
    """A cluster that is ready at once; its tag says who issues its service accounts' tokens."""
    tags = call.body.get("tags") or {}
    if not tags.get(ISSUER_TAG, "").startswith("https://"):
        return eks_rules.invalid(f"the tag {ISSUER_TAG} must say the https:// URL of the cluster's token issuer", call.cluster)
    if eks_records.cluster(call.region, call.cluster):
        return eks_rules.error(409, "ResourceInUseException", f"Cluster already exists with name: {call.cluster}", call.cluster)
    eks_records.clusters[f"{call.region}/{call.cluster}"] = {
        "name": call.cluster, "arn": call.arn, "createdAt": _now(), "status": "ACTIVE", "tags": tags}
    return _describe_cluster(call)


def _describe_cluster(call: Call) -> Reply:
    record = eks_records.cluster(call.region, call.cluster)
    return json_answer({"cluster": {**record, "identity": {"oidc": {"issuer": record["tags"].get(ISSUER_TAG)}}}})


def _told(record: dict) -> Reply:
    """An association as EKS answers it; what is not set is absent."""
    return json_answer({"association": {name: value for name, value in record.items() if value is not None and name != "requestToken"}})


def _settle(record: dict, call: Call) -> None:
    """Takes over the settings that a call gives; an empty text unsets one."""
    for name in _SETTINGS:
        if call.body.get(name) is not None:
            record[name] = call.body[name] or (False if name == "disableSessionTags" else None)
    subject = f"{record['clusterName']}/{record['namespace']}/{record['serviceAccount']}"
    record["externalId"] = f"{call.region}/{get_account_id()}/{subject}" if record.get("targetRoleArn") else None
    record["modifiedAt"] = _now()


def _create(call: Call) -> Reply:
    namespace, account, token = call.body["namespace"], call.body["serviceAccount"], call.body.get("clientRequestToken")
    there = eks_records.association_for(call.region, call.cluster, namespace, account)
    if there is not None:
        same = token and token == there["requestToken"] and there["roleArn"] == call.body["roleArn"]
        return _told(there) if same else eks_rules.error(
            409, "ResourceInUseException", f"Association already exists: {there['associationId']}", call.cluster)
    record = {
        "clusterName": call.cluster, "namespace": namespace, "serviceAccount": account, "roleArn": call.body["roleArn"],
        "associationArn": eks_records.association_arn(call.region, call.cluster, call.association), "associationId": call.association,
        "tags": call.body.get("tags") or {}, "createdAt": _now(), "disableSessionTags": False, "requestToken": token,
    }
    _settle(record, call)
    eks_records.add(call.region, record)
    return _told(record)


def _association(call: Call) -> dict:
    return eks_records.association(call.region, call.cluster, call.association)


def _describe(call: Call) -> Reply:
    return _told(_association(call))


def _update(call: Call) -> Reply:
    record = _association(call)
    _settle(record, call)
    return _told(record)


def _delete(call: Call) -> Reply:
    record = _association(call)
    eks_records.remove(call.region, record)
    return _told(record)


def _matching(call: Call) -> list[dict]:
    namespace, account = call.asked("namespace"), call.asked("serviceAccount")
    if namespace and account:
        one = eks_records.association_for(call.region, call.cluster, namespace, account)
        return [one] if one else []
    return [record for record in eks_records.associations_of(call.region, call.cluster)
            if namespace in (None, record["namespace"]) and account in (None, record["serviceAccount"])]


def _list(call: Call) -> Reply:
    """The associations in pages; a page's token names the last one sent, so that changes between pages hide nothing."""
    most = call.asked("maxResults") or str(_PAGE)
    if not most.isdigit() or not 1 <= int(most) <= _PAGE:
        return eks_rules.invalid(f"maxResults must be between 1 and {_PAGE}: {most}", call.cluster)
    try:
        after = base64.b64decode(call.asked("nextToken") or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return eks_rules.invalid("nextToken must be one that an answer gave", call.cluster)
    found = sorted((record for record in _matching(call) if record["associationId"] > after), key=lambda record: record["associationId"])
    shown = found[: int(most)]
    answer: dict = {"associations": [{name: record[name] for name in _SUMMARY} for record in shown]}
    if len(found) > len(shown):
        answer["nextToken"] = base64.urlsafe_b64encode(shown[-1]["associationId"].encode()).decode()
    return json_answer(answer)


def _tag(call: Call) -> Reply:
    eks_records.with_arn(call.resource)["tags"].update(call.body.get("tags") or {})
    return json_answer({})


def _untag(call: Call) -> Reply:
    tags = eks_records.with_arn(call.resource)["tags"]
    for key in call.query.get("tagKeys", []):
        tags.pop(key, None)
    return json_answer({})


def _tags(call: Call) -> Reply:
    return json_answer({"tags": eks_records.with_arn(call.resource)["tags"]})


HANDLERS = {
    "CreateCluster": _create_cluster, "DescribeCluster": _describe_cluster,
    "CreatePodIdentityAssociation": _create, "DescribePodIdentityAssociation": _describe, "ListPodIdentityAssociations": _list,
    "UpdatePodIdentityAssociation": _update, "DeletePodIdentityAssociation": _delete,
    "TagResource": _tag, "UntagResource": _untag, "ListTagsForResource": _tags,
}


def _body(request: Request) -> dict | None:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


async def handle(request: Request, store: Store) -> Reply:
    """One call of EKS."""
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    body = _body(request)
    if body is None:
        return replies.error("eks", 400, "SerializationException", "the body must be a JSON object")
    call = eks_map.call_of(request.method, request.path, request.region, request.query, body)
    if call is None or (call.action == "CreateCluster" and principal.policies is not None):
        return gate.unmapped(request, f"eks:{call.action if call else request.path}")
    if denied := gate.authorise(request, principal, eks_map.checks(call)):
        return denied
    if refused := eks_rules.refusal(call):
        return refused
    if denied := gate.authorise(request, principal, eks_map.role_checks(call)):
        return denied
    if refused := eks_rules.role_refusal(call):
        return refused
    if call.action not in eks_map.MUTATING:
        return HANDLERS[call.action](call)
    with store.recording():
        return HANDLERS[call.action](call)
