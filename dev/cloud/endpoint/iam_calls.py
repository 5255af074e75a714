"""IAM: gate, rules, then the call itself, then its trace on disk."""

from ministack.services import iam

from endpoint import gate, iam_map, iam_oidc, iam_pages, iam_rules, key_use, replies, trail
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


def _login_profile(form: dict) -> Reply:
    """No user here has a password."""
    name = form.get("UserName", "")
    return iam_rules.user_exists(form) or iam_rules.error(404, "NoSuchEntity", f"Login Profile for User {name} cannot be found.")


HANDLERS = {
    **{action: handler for action, handler in iam._IAM_HANDLERS.items() if action in iam_map.ALL},
    **iam_pages.HANDLERS,
    **iam_oidc.HANDLERS,
    "SetDefaultPolicyVersion": _set_default_version,
    "GetAccountSummary": _summary,
    "GetAccessKeyLastUsed": key_use.last_used,
    "GetLoginProfile": _login_profile,
}

# Calls that mean the caller itself when they name no user.
_OWN_USER = {"GetUser", "GetLoginProfile", "ListAccessKeys", "CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"}


def _name_own_user(request: Request, principal) -> Reply | None:
    if request.action not in _OWN_USER or request.form.get("UserName"):
        return None
    if principal.type == "User":
        request.form["UserName"] = principal.arn.rsplit("/", 1)[-1]
    elif principal.type == "AssumedRole":
        return iam_rules.error(400, "ValidationError", "Must specify userName when calling with non-User credentials")
    return None


async def handle(request: Request, store: Store) -> Reply:
    """One IAM call."""
    action = request.action
    principal = gate.authenticate(request)
    if isinstance(principal, tuple):
        return principal
    if action not in iam_map.ALL:
        return gate.unmapped(request, f"iam:{action}")
    if (unnamed := _name_own_user(request, principal)) is not None:
        return unnamed
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
