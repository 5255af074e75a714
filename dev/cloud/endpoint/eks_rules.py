"""Checks that EKS makes before it does what it is asked."""

import re
from collections.abc import Callable

from ministack.core.responses import get_account_id

from endpoint import eks_records, replies, service_trust
from endpoint.documents import permission_problem, size
from endpoint.eks_map import PODS, Call
from endpoint.replies import Reply
from endpoint.sessions import role_of

_NAMESPACE = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
_SERVICE_ACCOUNT = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
_ROLE_ARN = re.compile(r"^arn:aws:iam::([0-9]{12}):role/[\x21-\x7e]+$")
TAGS, SESSION_POLICY_SIZE = 50, 2048


def error(status: int, code: str, message: str, cluster: str | None = None) -> Reply:
    """A refusal with the members that those of EKS have."""
    content = {"clusterName": cluster, "nodegroupName": None, "addonName": None, "message": message}
    return replies.json_answer(content, status, code)


def invalid(message: str, cluster: str | None = None) -> Reply:
    return error(400, "InvalidParameterException", message, cluster)


def no_cluster(name: str) -> Reply:
    return error(404, "ResourceNotFoundException", f"No cluster found for name: {name}.")


def cluster_exists(call: Call) -> Reply | None:
    return None if eks_records.cluster(call.region, call.cluster) else no_cluster(call.cluster)


def association_exists(call: Call) -> Reply | None:
    if eks_records.association(call.region, call.cluster, call.association):
        return None
    return error(404, "ResourceNotFoundException", f"No pod identity association found for id: {call.association}.", call.cluster)


def resource_exists(call: Call) -> Reply | None:
    if not call.resource.startswith("arn:"):
        return replies.json_answer({"message": f"Invalid ARN: {call.resource}"}, 400, "BadRequestException")
    if eks_records.with_arn(call.resource) is None:
        return replies.json_answer({"message": f"No resource found for ARN: {call.resource}"}, 404, "NotFoundException")
    return None


def subject(call: Call) -> Reply | None:
    for name, pattern in (("namespace", _NAMESPACE), ("serviceAccount", _SERVICE_ACCOUNT)):
        if not pattern.match(str(call.body.get(name) or "")):
            return invalid(f"{name} must be given and be the name of a Kubernetes object", call.cluster)
    return None


def tags(call: Call) -> Reply | None:
    given = call.body.get("tags") or {}
    already = (eks_records.with_arn(call.resource) or {}).get("tags", {}) if call.resource else {}
    problem = None
    if not all(1 <= len(key) <= 128 and len(value) <= 256 for key, value in given.items()):
        problem = "tag keys must have 1 to 128 characters, tag values at most 256"
    elif any(key.lower().startswith("aws:") for key in given):
        problem = "tag keys must not begin with aws:"
    elif len({*already, *given}) > TAGS:
        problem = f"a resource can have at most {TAGS} tags"
    if problem is None:
        return None
    return replies.json_answer({"message": problem}, 400, "BadRequestException") if call.resource else invalid(problem, call.cluster)


def role_arn(call: Call) -> Reply | None:
    """The role that is to be associated is one of this account, as a role that is passed must be."""
    arn = call.body.get("roleArn")
    if arn is None and call.action == "UpdatePodIdentityAssociation":
        return None
    found = _ROLE_ARN.match(str(arn or ""))
    if found is None:
        return invalid(f"roleArn must be the ARN of a role: {arn}", call.cluster)
    if found[1] != get_account_id():
        return replies.denied("eks", "Cross-account pass role is not allowed.")
    return None


def target_role_arn(call: Call) -> Reply | None:
    arn = call.body.get("targetRoleArn")
    return invalid(f"targetRoleArn must be the ARN of a role: {arn}", call.cluster) if arn and not _ROLE_ARN.match(str(arn)) else None


def changes_something(call: Call) -> Reply | None:
    if any(call.body.get(name) is not None for name in ("roleArn", "disableSessionTags", "targetRoleArn", "policy")):
        return None
    return invalid("give at least one of roleArn, targetRoleArn, disableSessionTags and policy", call.cluster)


def settled(call: Call, name: str) -> object:
    """A setting as it is after the call."""
    if call.body.get(name) is not None:
        return call.body[name]
    return (eks_records.association(call.region, call.cluster, call.association) or {}).get(name)


def policy(call: Call) -> Reply | None:
    text = settled(call, "policy")
    if not text:
        return None
    if not settled(call, "disableSessionTags"):
        return invalid("disableSessionTags must be true when a policy is given", call.cluster)
    problem = permission_problem(str(text))
    if problem is None and size(str(text)) > SESSION_POLICY_SIZE:
        problem = f"the policy must have at most {SESSION_POLICY_SIZE} characters"
    return invalid(problem, call.cluster) if problem else None


RULES: dict[str, list[Callable[[Call], Reply | None]]] = {
    "DescribeCluster": [cluster_exists],
    "CreatePodIdentityAssociation": [cluster_exists, subject, role_arn, target_role_arn, tags, policy],
    "ListPodIdentityAssociations": [cluster_exists],
    "DescribePodIdentityAssociation": [cluster_exists, association_exists],
    "UpdatePodIdentityAssociation": [cluster_exists, association_exists, changes_something, role_arn, target_role_arn, policy],
    "DeletePodIdentityAssociation": [cluster_exists, association_exists],
    "TagResource": [resource_exists, tags],
    "UntagResource": [resource_exists],
    "ListTagsForResource": [resource_exists],
}


def refusal(call: Call) -> Reply | None:
    """The first rule that a call breaks; None when it may go on."""
    for rule in RULES.get(call.action, []):
        if (reply := rule(call)) is not None:
            return reply
    return None


def role_refusal(call: Call) -> Reply | None:
    """What EKS finds wrong with the role, once the caller may pass it: it must be there and trust EKS Pod Identity."""
    if call.passed_role is None:
        return None
    role = role_of(call.passed_role)
    if role is None:
        return invalid("Role provided in the request does not exist.", call.cluster)
    needed = ["sts:AssumeRole"] if settled(call, "disableSessionTags") else ["sts:AssumeRole", "sts:TagSession"]
    if all(service_trust.mentions(role["AssumeRolePolicyDocument"], PODS, action) for action in needed):
        return None
    return invalid("Trust policy of the role provided is invalid. Follow the official documentation to resolve the issue.", call.cluster)
