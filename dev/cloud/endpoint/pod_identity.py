"""EKS Auth: the session that a pod's token is worth, by the association of its service account.

On AWS the agent on the pod's node makes this call with the node's own role. Here it may be any
caller whose policies allow it `eks-auth:AssumeRoleForPodIdentity` on the cluster.
"""

import json
import re
from uuid import uuid4

import jwt
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id

from endpoint import eks_records, gate, replies, service_trust, sessions
from endpoint.eks_map import PODS, resource_tags
from endpoint.eks_records import ISSUER_TAG
from endpoint.gate import Check
from endpoint.jwks import TokenRefused, Verifier
from endpoint.replies import Reply
from endpoint.request import Request
from endpoint.sessions import Session, role_of

_PATH = re.compile(r"^/clusters/([0-9A-Za-z][A-Za-z0-9_-]{0,99})/assume-role-for-pod-identity$")
_SECONDS, _SECONDS_OF_TARGET = 6 * 3600, 3600
_CLUSTER_SHOWN, _POD_SHOWN = 10, 12  # a session's name has at most 64 characters, and a UUID ends it


class Refused(Exception):
    """Why a pod gets no session: the status, the code and the message that EKS Auth gives."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _not_trusted() -> Refused:
    return Refused(400, "AccessDeniedException", "Unauthorized Exception! EKS does not have permissions to assume the associated role.")


async def _claims(token: str, issuer: str, verifier: Verifier) -> dict:
    """What Kubernetes says of the pod in its token: namespace, service account and pod, each with its name."""
    try:
        claims = await verifier.verify(token, issuer, [PODS])
    except TokenRefused as refused:
        if refused.code == "IDPCommunicationError":
            raise Refused(500, "InternalServerException", refused.message) from refused
        code = "ExpiredTokenException" if refused.code == "ExpiredTokenException" else "InvalidTokenException"
        raise Refused(400, code, refused.message) from refused
    except jwt.InvalidTokenError as problem:
        raise Refused(400, "InvalidTokenException", "The token is not a JSON web token") from problem
    found = claims.get("kubernetes.io")
    try:
        return {"namespace": str(found["namespace"]), "account": str(found["serviceaccount"]["name"]),
                "pod": str(found["pod"]["name"]), "uid": str(found["pod"]["uid"])}
    except (KeyError, TypeError) as problem:
        raise Refused(400, "InvalidTokenException", "The token must be one of a pod: it lacks claims of kubernetes.io") from problem


def _tags(cluster: dict, claims: dict) -> dict[str, str]:
    return {
        "eks-cluster-arn": cluster["arn"], "eks-cluster-name": cluster["name"],
        "kubernetes-namespace": claims["namespace"], "kubernetes-service-account": claims["account"],
        "kubernetes-pod-name": claims["pod"], "kubernetes-pod-uid": claims["uid"],
    }


def _keys(name: str, tags: dict[str, str]) -> dict:
    """The condition keys of every assumption that EKS Auth makes; its tags are transitive."""
    keys: dict = {f"aws:requesttag/{key}": value for key, value in tags.items()}
    if tags:
        keys |= {"aws:tagkeys": list(tags), "sts:transitivetagkeys": list(tags)}
    return {**keys, "sts:rolesessionname": name}


def _actions(tags: dict) -> list[str]:
    return ["sts:AssumeRole", "sts:TagSession"] if tags else ["sts:AssumeRole"]


def _assume(cluster: dict, record: dict, tags: dict, region: str, name: str) -> Session:
    """The session of the associated role, if the role trusts EKS in this case."""
    role = role_of(record["roleArn"])
    keys = {**_keys(name, tags), "aws:sourceaccount": get_account_id(), "aws:sourcearn": cluster["arn"]}
    if role is None or not all(
        service_trust.allows(role["AssumeRolePolicyDocument"], PODS, evaluator.EvalContext(
            principal_arn="", principal_type="AWSService", principal_account="", action=action,
            resource_arn=role["Arn"], region=region, service_context=keys))
        for action in _actions(tags)
    ):
        raise _not_trusted()
    targeted = bool(record.get("targetRoleArn"))
    policies = None if targeted else {"Policy": record.get("policy") or "", "PolicyArns": []}
    return sessions.open_session(role, name, _SECONDS, tags, policies)


def _assume_target(request: Request, record: dict, first: Session, tags: dict, name: str) -> Session:
    """The session of the target role, if the first session may assume it and it trusts that session."""
    principal = evaluator.resolve_principal(first.key, get_account_id())
    target = role_of(record["targetRoleArn"])
    keys = _keys(name, tags) | ({} if tags else {"sts:externalid": record["externalId"]})
    if gate.authorise(request, principal, [Check(action, record["targetRoleArn"], keys) for action in _actions(tags)]) is not None:
        raise _not_trusted()
    if target is None or not all(
        evaluator.evaluate_trust_policy(target["AssumeRolePolicyDocument"], principal.arn, evaluator.EvalContext(
            principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account, action=action,
            resource_arn=target["Arn"], region=request.region, service_context=keys, principal_keys=principal.keys))
        for action in _actions(tags)
    ):
        raise _not_trusted()
    return sessions.open_session(target, name, _SECONDS_OF_TARGET, tags, {"Policy": record.get("policy") or "", "PolicyArns": []})


def _session(request: Request, cluster: dict, record: dict, claims: dict) -> Session:
    tags = {} if record["disableSessionTags"] else _tags(cluster, claims)
    name = f"eks-{cluster['name'][:_CLUSTER_SHOWN]}-{claims['pod'][:_POD_SHOWN]}-{uuid4()}"
    first = _assume(cluster, record, tags, request.region, name)
    if not record.get("targetRoleArn"):
        return first
    try:
        return _assume_target(request, record, first, tags, name)
    finally:
        sessions.close(first)


def _answer(record: dict, claims: dict, session: Session) -> Reply:
    return replies.json_answer({
        "subject": {"namespace": claims["namespace"], "serviceAccount": claims["account"]},
        "audience": PODS,
        "podIdentityAssociation": {"associationArn": record["associationArn"], "associationId": record["associationId"]},
        "assumedRoleUser": {"arn": session.arn, "assumeRoleId": session.user_id},
        "credentials": {"accessKeyId": session.key, "secretAccessKey": session.secret, "sessionToken": session.token,
                        "expiration": int(session.expiration)},
    })


async def _exchange(request: Request, cluster: dict, verifier: Verifier) -> Reply:
    try:
        token = json.loads(request.body or b"{}").get("token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token:
        raise Refused(400, "InvalidParameterException", "token must be given")
    claims = await _claims(token, cluster["tags"].get(ISSUER_TAG, ""), verifier)
    record = eks_records.association_for(request.region, cluster["name"], claims["namespace"], claims["account"])
    if record is None:
        subject = f"{claims['namespace']}/{claims['account']}"
        raise Refused(404, "ResourceNotFoundException", f"No association found for service account {subject} in cluster {cluster['name']}")
    return _answer(record, claims, _session(request, cluster, record, claims))


async def handle(request: Request, verifier: Verifier) -> Reply:
    """One call of EKS Auth; it has but one."""
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    found = _PATH.match(request.path) if request.method == "POST" else None
    if found is None:
        return gate.unmapped(request, f"eks-auth:{request.path}")
    cluster = eks_records.cluster(request.region, found[1])
    check = Check("eks-auth:AssumeRoleForPodIdentity", eks_records.cluster_arn(request.region, found[1]), resource_tags(cluster))
    if denied := gate.authorise(request, principal, [check]):
        return denied
    try:
        if cluster is None:
            raise Refused(404, "ResourceNotFoundException", f"No cluster found for name: {found[1]}.")
        return await _exchange(request, cluster, verifier)
    except Refused as refused:
        return replies.error("eks-auth", refused.status, refused.code, refused.message)
