"""STS: sessions for verified tokens, and the limits on every session."""

import dataclasses
import re

import jwt
from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy
from ministack.core.responses import set_request_account_id
from ministack.services import iam, sts

from endpoint import gate, replies, sessions
from endpoint.gate import Check
from endpoint.iam_map import issuer_host
from endpoint.jwks import TokenRefused, Verifier
from endpoint.replies import Reply, tag
from endpoint.request import Request
from endpoint.sessions import role_of

_SESSION_NAME = re.compile(r"^[\w+=,.@-]{2,64}$", re.ASCII)
_SHORTEST, _CHAINED_LONGEST = 900, 3600
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


def _error(code: str, message: str, status: int = 400) -> Reply:
    return replies.error("sts", status, code, message)


def _malformed(form: dict) -> Reply | None:
    """What is wrong with the parameters that every way to assume a role shares."""
    name, duration = form.get("RoleSessionName", ""), form.get("DurationSeconds", "3600")
    if not _SESSION_NAME.match(name):
        return _error("ValidationError", f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: "
                                         "Member must satisfy regular expression pattern: [\\w+=,.@-]*")
    _, problem = sts._assumed_role_arn(form.get("RoleArn", ""), name)
    if problem:
        return problem
    if not duration.isdigit() or int(duration) < _SHORTEST:
        return _error("ValidationError", f"1 validation error detected: Value '{duration}' at 'durationSeconds' failed to satisfy constraint: "
                                         f"Member must have value greater than or equal to {_SHORTEST}")
    return None


def _too_long(form: dict, longest: int) -> Reply | None:
    if int(form.get("DurationSeconds", "3600")) <= longest:
        return None
    return _error("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


async def _verified_claims(form: dict, account: str, verifier: Verifier) -> tuple[str, dict]:
    """The provider's ARN and the token's claims, or TokenRefused in STS's words."""
    token = form.get("WebIdentityToken", "")
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as problem:
        message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise TokenRefused("InvalidIdentityToken", message) from problem
    if not isinstance(issuer, str):
        raise TokenRefused("InvalidIdentityToken", "Missing a required claim: iss")
    arn = f"arn:aws:iam::{account}:oidc-provider/{issuer_host(issuer)}"
    provider = iam._oidc_providers.get_scoped(account, None, arn)
    if provider is None or not issuer.startswith("https://"):
        raise TokenRefused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    return arn, await verifier.verify(token, issuer, provider["ClientIDList"])


# Claims that STS compares beside these, by issuer: it knows those of a few.
COMPARED = ("aud", "sub", "amr")
COMPARED_OF = {
    "token.actions.githubusercontent.com": (
        "actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository", "repository_id", "workflow",
    ),
}


def _condition_keys(claims: dict) -> dict:
    """The claims as trust policies see them; an audience in a list of one is that audience."""
    host = issuer_host(claims["iss"]).lower()
    keys = {f"{host}:{claim}": claims[claim] for claim in (*COMPARED, *COMPARED_OF.get(host, ())) if claim in claims}
    audience = keys[f"{host}:aud"]
    if isinstance(audience, list) and len(audience) == 1:
        keys[f"{host}:aud"] = audience[0]
    return keys


async def assume_with_web_identity(request: Request, verifier: Verifier) -> Reply:
    """AssumeRoleWithWebIdentity: the one call that needs no signature, because its token is the proof."""
    form = request.form
    if problem := _malformed(form):
        return problem
    arn, account = form["RoleArn"], form["RoleArn"].split(":")[4]
    set_request_account_id(account)
    try:
        provider, claims = await _verified_claims(form, account, verifier)
    except TokenRefused as refused:
        return _error(refused.code, refused.message)
    role = role_of(arn)
    context = EvalContext(
        principal_arn=provider, principal_type="WebIdentityUser", principal_account=account, action=WEB_IDENTITY,
        resource_arn=arn, region=request.region,
        service_context={**_condition_keys(claims), "sts:rolesessionname": form["RoleSessionName"]},
    )
    if role is None or not evaluate_trust_policy(role["AssumeRolePolicyDocument"], provider, context):
        return _error("AccessDenied", f"Not authorized to perform {WEB_IDENTITY}", 403)
    if problem := _too_long(form, role.get("MaxSessionDuration", 3600)):
        return problem
    policies, problem = sts._session_policies({key: [value] for key, value in form.items()}, account)
    return problem or _web_session(form, role, provider, claims, policies)


def _web_session(form: dict, role: dict, provider: str, claims: dict, policies: dict) -> Reply:
    duration = int(form.get("DurationSeconds", "3600"))
    session = sessions.open_session(role, form["RoleSessionName"], duration, policies=policies)
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    credentials = (tag("AccessKeyId", session.key) + tag("SecretAccessKey", session.secret) + tag("SessionToken", session.token)
                   + tag("Expiration", iam._future(duration)))
    return replies.ok("sts", "AssumeRoleWithWebIdentity", "".join([
        f"<Credentials>{credentials}</Credentials>",
        f"<AssumedRoleUser>{tag('AssumedRoleId', session.user_id)}{tag('Arn', session.arn)}</AssumedRoleUser>",
        tag("SubjectFromWebIdentityToken", claims["sub"]), tag("Audience", audience), tag("Provider", provider),
        tag("PackedPolicySize", 0) if form.get("Policy") else "",
    ]))


async def _assume_role(request: Request, principal) -> Reply:
    form = request.form
    if problem := _malformed(form):
        return problem
    if denied := gate.authorise(request, principal, [Check("sts:AssumeRole", form["RoleArn"])]):
        return denied
    role = role_of(form["RoleArn"])
    if role is None:
        return _error("AccessDenied", f"User: {principal.arn} is not authorized to perform: sts:AssumeRole on resource: {form['RoleArn']}", 403)
    longest = _CHAINED_LONGEST if principal.type == "AssumedRole" else role.get("MaxSessionDuration", 3600)
    return _too_long(form, longest) or await _ministack(request)


async def _ministack(request: Request) -> Reply:
    return await sts.handle_request(request.method, request.path, request.headers, request.body, request.query)


async def handle(request: Request, verifier: Verifier) -> Reply:
    """One STS call."""
    if request.action == "AssumeRoleWithWebIdentity":
        return await assume_with_web_identity(dataclasses.replace(request, service="sts"), verifier)
    if not request.access_key:
        return gate.missing_signature(request)
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    if request.action == "GetCallerIdentity":  # always allowed, on AWS too
        return await _ministack(request)
    if request.action == "AssumeRole":
        return await _assume_role(request, principal)
    return gate.unmapped(request, f"sts:{request.action}")
