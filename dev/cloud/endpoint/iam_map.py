"""What each IAM call means to a policy: its resource's full ARN and the condition keys that AWS documents for it.

An action that is not listed here does not exist on this endpoint.
"""

from ministack.core.responses import get_account_id
from ministack.services import iam

from endpoint.gate import Check

ROLE = {
    "CreateRole", "GetRole", "DeleteRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy",
    "PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies",
    "AttachRolePolicy", "DetachRolePolicy", "ListAttachedRolePolicies",
    "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary", "TagRole", "UntagRole", "ListRoleTags",
}
USER = {
    "CreateUser", "GetUser", "DeleteUser", "PutUserPolicy", "GetUserPolicy", "DeleteUserPolicy", "ListUserPolicies",
    "AttachUserPolicy", "DetachUserPolicy", "ListAttachedUserPolicies",
    "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary",
    "CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey", "GetAccessKeyLastUsed",
    "TagUser", "UntagUser", "ListUserTags", "GetLoginProfile", "ListGroupsForUser",
}
POLICY = {
    "CreatePolicy", "GetPolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "GetPolicyVersion",
    "ListPolicyVersions", "SetDefaultPolicyVersion", "ListEntitiesForPolicy", "TagPolicy", "UntagPolicy", "ListPolicyTags",
}
PROVIDER = {
    "CreateOpenIDConnectProvider", "GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint", "AddClientIDToOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider", "TagOpenIDConnectProvider", "UntagOpenIDConnectProvider",
    "ListOpenIDConnectProviderTags",
}
ACCOUNT = {
    "ListRoles", "ListUsers", "ListPolicies", "ListOpenIDConnectProviders", "GetAccountAuthorizationDetails",
    "GetAccountSummary",
}
ALL = ROLE | USER | POLICY | PROVIDER | ACCOUNT

MUTATING_PREFIXES = ("Create", "Delete", "Update", "Put", "Attach", "Detach", "Tag", "Untag", "Add", "Remove", "Set")

# Calls whose policies may ask for `iam:PermissionsBoundary`: the boundary in the request, or the one on the entity.
BOUNDARY_OF_REQUEST = {"CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"}
BOUNDARY_OF_ENTITY = {
    f"{verb}{kind}{what}"
    for kind in ("Role", "User")
    for verb, what in (("Put", "Policy"), ("Delete", "Policy"), ("Attach", "Policy"), ("Detach", "Policy"),
                       ("Delete", "PermissionsBoundary"))
}
POLICY_ARN = {"AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy"}
# Tags given at creation need the permission to tag as well.
TAG_ON_CREATE = {
    "CreateRole": "TagRole", "CreateUser": "TagUser", "CreatePolicy": "TagPolicy",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
}


def is_mutating(action: str) -> bool:
    return action.startswith(MUTATING_PREFIXES)


def issuer_host(url: str) -> str:
    """The part of an issuer's URL that names its provider in ARNs and condition keys."""
    return url.split("://", 1)[-1].rstrip("/")


def numbered(form: dict, prefix: str) -> list[str]:
    """The values of a list parameter, `Name.member.1` and on."""
    values = []
    while (value := form.get(f"{prefix}.member.{len(values) + 1}")) is not None:
        values.append(value)
    return values


def tags_of(form: dict) -> list[dict]:
    """The tags in a request; a tag's value may be empty."""
    tags = []
    while (key := form.get(f"Tags.member.{len(tags) + 1}.Key")) is not None:
        tags.append({"Key": key, "Value": form.get(f"Tags.member.{len(tags) + 1}.Value", "")})
    return tags


def key_owner(form: dict) -> str:
    """The user whose access key a call names."""
    return (iam._access_keys.get(form.get("AccessKeyId", "")) or {}).get("UserName", "")


def _entity(action: str, form: dict) -> tuple[str, dict | None]:
    """The ARN that a call is decided on, and the record behind it where there is one."""
    account = get_account_id()
    if action in ROLE or action in USER:
        kind, store = ("role", iam._roles) if action in ROLE else ("user", iam._users)
        name = key_owner(form) if action == "GetAccessKeyLastUsed" else form.get(f"{kind.capitalize()}Name", "")
        creates = action in TAG_ON_CREATE
        record = None if creates else store.get(name)
        if record is not None:
            return record["Arn"], record
        path = form.get("Path") or "/" if creates else "/"
        return f"arn:aws:iam::{account}:{kind}{path}{name}", None
    if action == "CreatePolicy":
        return f"arn:aws:iam::{account}:policy{form.get('Path') or '/'}{form.get('PolicyName', '')}", None
    if action in POLICY:
        return form.get("PolicyArn", ""), iam._lookup_policy(form.get("PolicyArn", ""))
    if action == "CreateOpenIDConnectProvider":
        return f"arn:aws:iam::{account}:oidc-provider/{issuer_host(form.get('Url', ''))}", None
    if action in PROVIDER:
        arn = form.get("OpenIDConnectProviderArn", "")
        return arn, iam._oidc_providers.get(arn)
    return "*", None


def checks(action: str, form: dict) -> list[Check]:
    """What the caller must be allowed for this call, in the order in which IAM asks."""
    arn, record = _entity(action, form)
    context: dict = {}
    for tag in (record or {}).get("Tags") or []:
        context[f"aws:ResourceTag/{tag['Key']}"] = tag["Value"]
        context[f"iam:ResourceTag/{tag['Key']}"] = tag["Value"]
    tags = tags_of(form)
    for tag in tags:
        context[f"aws:RequestTag/{tag['Key']}"] = tag["Value"]
    keys = [tag["Key"] for tag in tags] or numbered(form, "TagKeys")
    if keys:
        context["aws:TagKeys"] = keys
    if action in POLICY_ARN:
        context["iam:PolicyARN"] = form.get("PolicyArn", "")
    tagging = [Check(f"iam:{TAG_ON_CREATE[action]}", arn, dict(context))] if tags and action in TAG_ON_CREATE else []
    boundary = None
    if action in BOUNDARY_OF_REQUEST:
        boundary = form.get("PermissionsBoundary")
    elif action in BOUNDARY_OF_ENTITY:
        boundary = (record or {}).get("PermissionsBoundary")
    if boundary:
        context["iam:PermissionsBoundary"] = boundary
    return [Check(f"iam:{action}", arn, context), *tagging]
