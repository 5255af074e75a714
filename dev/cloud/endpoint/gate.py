"""Who calls, and may they: signatures, sessions, and one decision per call and resource."""

import functools
import logging
import time
from dataclasses import dataclass, field
from uuid import uuid4

from ministack import app as ministack
from ministack.core import iam_actions, iam_evaluator as evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, sts

from endpoint import replies, variables
from endpoint.replies import Reply
from endpoint.request import Request

log = logging.getLogger("endpoint")

ROOT_KEY = "test"
UNKNOWN_KEY = evaluator.AuthError("UnrecognizedClientException", "The security token included in the request is invalid.")
DENY_ALL = [evaluator.ParsedStatement(sid="", effect="Deny", actions=["*"], resources=["*"])]


@dataclass
class Check:
    """One thing that a call must be allowed: an action on a resource, with the condition keys AWS sets for it."""

    action: str
    resource: str
    context: dict = field(default_factory=dict)


def unmapped(request: Request, what: str) -> Reply:
    """Refuses a call whose meaning is not known, and says so where the bed looks for it."""
    log.error("UNMAPPED ACTION %s (%s %s, service `%s`)", what, request.method, request.path, request.service)
    return replies.denied(request.service, f"the endpoint cannot map this call, so it is refused: {what}")


def missing_signature(request: Request) -> Reply:
    """Refuses a call without credentials."""
    if request.service in replies.SERVICES:
        code = "MissingAuthenticationToken" + ("Exception" if request.service in replies.REST_JSON else "")
        return replies.error(request.service, 403, code, "Request is missing Authentication Token")
    return replies.s3_error(403, "AccessDenied", "Access Denied")


def key_is_acceptable(request: Request) -> bool:
    """ministack takes an empty key and any 12 digits for root; here only `test` is root."""
    return request.access_key == ROOT_KEY or not evaluator.is_root_access_key(request.access_key)


def authenticate(request: Request) -> evaluator.PrincipalInfo | Reply:
    """The caller, once the signature, the session and the role behind it are found good."""
    principal: evaluator.PrincipalInfo | evaluator.AuthError = UNKNOWN_KEY
    if key_is_acceptable(request):
        account = get_account_id()
        credential = evaluator.authenticate(request.access_key, account)
        if isinstance(credential, evaluator.AuthError):
            principal = credential
        elif credential is not None or request.access_key == ROOT_KEY:
            principal = evaluator.resolve_principal(request.access_key, account, credential)
    if isinstance(principal, evaluator.PrincipalInfo) and principal.policies == [DENY_ALL]:
        principal = UNKNOWN_KEY
    if isinstance(principal, evaluator.AuthError):
        return ministack._credential_failure(request.service, request.action, str(uuid4()), principal, request.headers)
    return principal


def authorise(request: Request, principal: evaluator.PrincipalInfo, checks: list[Check]) -> Reply | None:
    """None when the caller's policies, and every limit on them, allow all that the call does."""
    if principal.policies is None:
        return None
    for check in checks:
        context = evaluator.EvalContext(
            principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
            action=check.action, resource_arn=check.resource, region=request.region,
            service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in check.context.items()}},
            principal_keys=principal.keys,
        )
        result = evaluator.evaluate(context, principal.policies, *principal.limits)
        if result.decision != "Allow":
            return replies.denied(request.service, _denial(context, principal, result.decision))
    return None


def _denial(context: evaluator.EvalContext, principal: evaluator.PrincipalInfo, decision: str) -> str:
    if decision == "Deny":
        reason = "with an explicit deny in an identity-based policy"
    elif evaluator.evaluate(context, principal.policies).decision == "Allow":
        reason = f"because no permissions boundary allows the {context.action} action"
    else:
        reason = f"because no identity-based policy allows the {context.action} action"
    return f"User: {principal.arn} is not authorized to perform: {context.action} on resource: {context.resource_arn} {reason}"


def role_behind(session_key: str, principal: evaluator.PrincipalInfo) -> dict | None:
    """The role of a session, or None when it is gone or a new one bears its name."""
    session = sts._sessions.get(session_key) or {}
    name = evaluator._role_name_from_assumed_arn(principal.arn)
    role = iam._roles.get_scoped(principal.account, None, name)
    if role is None or role["RoleId"] != str(session.get("UserId", "")).partition(":")[0]:
        return None
    return role


def _resolve_principal_of_living_roles(original):
    """A session outlives its role in ministack, and even passes to a new role of that name."""

    @functools.wraps(original)
    def resolve(access_key_id, account_id, credential=None):
        principal = original(access_key_id, account_id, credential)
        if isinstance(principal, evaluator.PrincipalInfo) and principal.type == "AssumedRole":
            role = role_behind(access_key_id, principal)
            if role is None:
                principal.policies = [DENY_ALL]
            else:
                role["LastUsed"] = int(time.time())
        return principal

    return resolve


def _principal_arn_of_the_role(original):
    """`aws:PrincipalArn` of a session is the ARN of its role, path included; a service has none."""

    @functools.wraps(original)
    def resolve(key, context):
        if key.lower() != "aws:principalarn":
            return original(key, context)
        if context.principal_type == "AssumedRole":
            name = evaluator._role_name_from_assumed_arn(context.principal_arn)
            role = iam._roles.get_scoped(context.principal_account, None, name)
            return role["Arn"] if role else context.principal_arn
        return context.principal_arn or None

    return resolve


def _name_the_resource(original):
    """S3's refusals name the resource, as every other service's do."""

    @functools.wraps(original)
    def denied(service, action, principal_arn, request_id, **named):
        if service == "s3" and not named.get("error_code") and not named.get("message"):
            reason = "with an explicit deny" if named.get("explicit_deny") else f"because no identity-based policy allows the {action} action"
            named["message"] = (
                f'User: {principal_arn} is not authorized to perform: {action} on resource: "{named.get("resource_arn", "*")}" {reason}'
            )
        return original(service, action, principal_arn, request_id, **named)

    return denied


def _refuse_unmapped_s3(service, headers, query_params, request_id):
    """ministack only authenticates a call that it has no action for; here nothing passes without one."""
    log.error("UNMAPPED ACTION of service `%s`", service)
    return replies.s3_error(403, "AccessDenied", "the endpoint cannot map this call, so it is refused")


def install() -> None:
    """Puts the mended rules into ministack."""
    evaluator.resolve_principal = _resolve_principal_of_living_roles(evaluator.resolve_principal)
    evaluator.parse_policy_document = _cached_parser(evaluator.parse_policy_document)
    evaluator._resolve_condition_key = _principal_arn_of_the_role(evaluator._resolve_condition_key)
    evaluator._first_match = variables.filling(evaluator._first_match)
    iam_actions.access_denied_response = _name_the_resource(iam_actions.access_denied_response)
    ministack._authenticate_only = _refuse_unmapped_s3


def _cached_parser(original):
    """Policies are read on every call; parse each text once."""
    @functools.lru_cache(maxsize=8192)
    def cached(text):
        return variables.mark(text, original(text))

    def parse(document):
        return cached(document) if isinstance(document, str) else original(document)

    return parse
