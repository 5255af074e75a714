"""What each EKS call means to a policy: its resource's full ARN, the condition keys that AWS documents, and what it asks beside.

A call that is not listed here does not exist on this endpoint.
"""

import re
import secrets
import string
from dataclasses import dataclass, field

from endpoint import eks_records, iam_map
from endpoint.gate import Check

PODS = "pods.eks.amazonaws.com"

_CLUSTER = r"/clusters/(?P<cluster>[^/]+)"
_ASSOCIATIONS = _CLUSTER + "/pod-identity-associations"
_ASSOCIATION = _ASSOCIATIONS + "/(?P<association>[^/]+)"
_TAGS = "/tags/(?P<resource>.+)"
ROUTES = {
    "CreateCluster": ("POST", "/clusters"),
    "DescribeCluster": ("GET", _CLUSTER),
    "CreatePodIdentityAssociation": ("POST", _ASSOCIATIONS),
    "ListPodIdentityAssociations": ("GET", _ASSOCIATIONS),
    "DescribePodIdentityAssociation": ("GET", _ASSOCIATION),
    "UpdatePodIdentityAssociation": ("POST", _ASSOCIATION),
    "DeletePodIdentityAssociation": ("DELETE", _ASSOCIATION),
    "TagResource": ("POST", _TAGS),
    "UntagResource": ("DELETE", _TAGS),
    "ListTagsForResource": ("GET", _TAGS),
}
MUTATING = {action for action in ROUTES if not action.startswith(("Describe", "List"))}
_ON_CLUSTER = {"CreateCluster", "DescribeCluster", "CreatePodIdentityAssociation", "ListPodIdentityAssociations"}
_PASSES_ROLE = {"CreatePodIdentityAssociation", "UpdatePodIdentityAssociation"}
_ID_CHARACTERS, _ID_LENGTH = string.ascii_lowercase + string.digits, 17


@dataclass
class Call:
    """One call of EKS, taken apart."""

    action: str
    region: str
    cluster: str = ""
    association: str = ""
    resource: str = ""
    body: dict = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The resource that the call is decided on."""
        if self.resource:
            return self.resource
        if self.action in _ON_CLUSTER:
            return eks_records.cluster_arn(self.region, self.cluster)
        return eks_records.association_arn(self.region, self.cluster, self.association)

    @property
    def passed_role(self) -> str | None:
        """The role that the call hands to the pods."""
        return self.body.get("roleArn") or None if self.action in _PASSES_ROLE else None

    def asked(self, name: str) -> str | None:
        """A parameter of the query."""
        return (self.query.get(name) or [None])[0]


def new_id() -> str:
    return "a-" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))


def call_of(method: str, path: str, region: str, query: dict, body: dict) -> Call | None:
    """The call that a request makes; None where it makes none of these."""
    for action, (of_method, pattern) in ROUTES.items():
        found = re.fullmatch(pattern, path) if method == of_method else None
        if found:
            call = Call(action, region, body=body, query=query, **found.groupdict())
            if action == "CreateCluster":
                call.cluster = str(body.get("name", ""))
            if action == "CreatePodIdentityAssociation":
                call.association = new_id()  # known now, because its tags are decided on its ARN
            return call
    return None


def resource_tags(record: dict | None) -> dict:
    return {f"aws:ResourceTag/{key}": value for key, value in (record or {}).get("tags", {}).items()}


def checks(call: Call) -> list[Check]:
    """What the caller must be allowed for the call itself."""
    tags = call.body.get("tags") or {}
    requested: dict = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if keys := list(tags) or call.query.get("tagKeys"):
        requested["aws:TagKeys"] = keys
    found = [Check(f"eks:{call.action}", call.arn, {**resource_tags(eks_records.with_arn(call.arn)), **requested})]
    if tags and call.action == "CreatePodIdentityAssociation":
        found.append(Check("eks:TagResource", eks_records.association_arn(call.region, call.cluster, call.association), requested))
    return found


def role_checks(call: Call) -> list[Check]:
    """What the caller must be allowed with the role that it hands to the pods: to pass it, and to read it, as EKS does for it."""
    arn = call.passed_role
    if arn is None:
        return []
    return [Check("iam:PassRole", arn, {"iam:PassedToService": PODS}), *iam_map.checks("GetRole", {"RoleName": arn.rsplit("/", 1)[-1]})]
