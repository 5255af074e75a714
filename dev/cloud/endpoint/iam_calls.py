"""IAM: gate, rules, then the call itself, then its trace on disk."""

from ministack.services import iam

from endpoint import gate, iam_map, iam_oidc, iam_pages, iam_rules, replies, trail
from endpoint.replies import Reply
from endpoint.request import Request
from endpoint.store import Store


def _set_default_version(form: dict) -> Reply:
    policy = iam._policies.get(form.get("PolicyArn", ""))
    version = form.get("VersionId", "")
    if policy is None or version not in policy["Versions"]:
        return iam_rules.error(404, "NoSuchEntity", f"Policy version {version} does not exist for {form.get('PolicyArn', '')}.")
    for name, entry in policy["Versions"].items():
        entry["IsDefaultVersion"] = name == version
    policy["DefaultVersionId"] = version
    return replies.ok("iam", "SetDefaultPolicyVersion")


def _summary(form: dict) -> Reply:
    """What the account counts of itself: the few numbers that anybody here asks for."""
    counted = {
        "Roles": len(iam._roles), "RolesQuota": iam_rules.ROLES, "Users": len(iam._users),
        "Policies": len(iam._policies), "Providers": len(iam._oidc_providers),
    }
    entries = "".join(f"<entry><key>{key}</key><value>{value}</value></entry>" for key, value in counted.items())
    return replies.ok("iam", "GetAccountSummary", f"<SummaryMap>{entries}</SummaryMap>")


HANDLERS = {
    **{action: handler for action, handler in iam._IAM_HANDLERS.items() if action in iam_map.ALL},
    **iam_pages.HANDLERS,
    **iam_oidc.HANDLERS,
    "SetDefaultPolicyVersion": _set_default_version,
    "GetAccountSummary": _summary,
}

# Calls that mean the caller itself when they name no user.
_OWN_USER = {"GetUser", "ListAccessKeys", "CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"}


def _name_own_user(request: Request, principal) -> None:
    if request.action in _OWN_USER and not request.form.get("UserName") and principal.type == "User":
        request.form["UserName"] = principal.arn.rsplit("/", 1)[-1]


async def handle(request: Request, store: Store) -> Reply:
    """One IAM call."""
    action = request.action
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    if action not in iam_map.ALL:
        return gate.unmapped(request, f"iam:{action}")
    _name_own_user(request, principal)
    denied = gate.authorise(request, principal, iam_map.checks(action, request.form))
    if denied is not None:
        return denied
    if not iam_map.is_mutating(action):
        return HANDLERS[action](request.form)
    with store.recording():
        reply = iam_rules.refusal(action, request.form) or HANDLERS[action](request.form)
    if reply[0] < 300:
        trail.tell(request, principal)
    return reply
