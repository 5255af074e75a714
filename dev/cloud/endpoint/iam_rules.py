"""Limits and checks that IAM makes before it does what it is asked; ministack makes few of them."""

import re
from collections.abc import Callable

from ministack.services import iam

from endpoint import replies
from endpoint.documents import permission_problem, size, trust_problem
from endpoint.iam_map import issuer_host, key_owner, numbered, tags_of
from endpoint.replies import Reply

Rule = Callable[[dict], Reply | None]

_NAME = re.compile(r"^[\w+=,.@-]{1,128}$", re.ASCII)
_PATH = re.compile(r"^(/|/[\x21-\x7e]{1,510}/)$")
_THUMBPRINT = re.compile(r"^[0-9a-fA-F]{40}$")
_TAG_TEXT = re.compile(r"^[\w\s.:/=+\-@]*$")

TRUST_SIZE, USER_INLINE_SIZE, ROLE_INLINE_SIZE, MANAGED_SIZE = 2048, 2048, 10240, 6144
ATTACHED_POLICIES, ACCESS_KEYS, TAGS, CLIENT_IDS = 10, 2, 50, 100
# Enough for every measurement; the default of AWS is 1,000.
ROLES = 200_000


def error(status: int, code: str, message: str) -> Reply:
    return replies.error("iam", status, code, message)


def invalid(message: str) -> Reply:
    return error(400, "ValidationError", f"1 validation error detected: {message}")


def missing(kind: str, name: str) -> Reply:
    return error(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.")


def limit(quota: str, most: int) -> Reply:
    return error(409, "LimitExceeded", f"Cannot exceed quota for {quota}: {most}")


def malformed(problem: str | None) -> Reply | None:
    return error(400, "MalformedPolicyDocument", problem) if problem else None


def name(parameter: str, longest: int) -> Rule:
    """The named parameter is there, short enough and of the characters that IAM takes."""
    def rule(form: dict) -> Reply | None:
        value = form.get(parameter, "")
        if _NAME.match(value) and len(value) <= longest:
            return None
        return invalid(f"Value '{value}' at '{parameter[0].lower()}{parameter[1:]}' failed to satisfy constraint: "
                       f"Member must satisfy regular expression pattern: [\\w+=,.@-]+ and have length at most {longest}")
    return rule


def path(form: dict) -> Reply | None:
    value = form.get("Path") or "/"
    return None if _PATH.match(value) else invalid("The specified value for path is invalid. "
                                                   "It must begin and end with / and contain only characters from ! to ~")


def role_exists(form: dict) -> Reply | None:
    return None if form.get("RoleName", "") in iam._roles else missing("role", form.get("RoleName", ""))


def user_exists(form: dict) -> Reply | None:
    return None if form.get("UserName", "") in iam._users else missing("user", form.get("UserName", ""))


def is_new(kind: str, store: Callable[[], dict]) -> Rule:
    """No role or user has this name, whatever its case."""
    def rule(form: dict) -> Reply | None:
        given = form[f"{kind}Name"]
        if given in store() or any(name.lower() == given.lower() for name in store()):
            return error(409, "EntityAlreadyExists", f"{kind} with name {given} already exists.")
        return None
    return rule


def trust(parameter: str) -> Rule:
    def rule(form: dict) -> Reply | None:
        text = form.get(parameter, "")
        return malformed(trust_problem(text)) or (limit("ACLSizePerRole", TRUST_SIZE) if size(text) > TRUST_SIZE else None)
    return rule


def session_duration(form: dict) -> Reply | None:
    value = form.get("MaxSessionDuration") or "3600"
    if value.isdigit() and 3600 <= int(value) <= 43200:
        return None
    return invalid(f"Value '{value}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200")


def tag_texts(form: dict) -> Reply | None:
    tags = tags_of(form)
    for tag in tags:
        if not 1 <= len(tag["Key"]) <= 128 or len(tag["Value"]) > 256:
            return invalid("tag keys must have length between 1 and 128, tag values at most 256")
        if not (_TAG_TEXT.match(tag["Key"]) and _TAG_TEXT.match(tag["Value"])):
            return invalid(f"Value at 'tags' failed to satisfy constraint: {tag['Key']} or its value has a character that is not allowed")
        if tag["Key"].lower().startswith("aws:"):
            return error(400, "InvalidInput", "System tags cannot be added/updated by the requester")
    if len({tag["Key"].lower() for tag in tags}) < len(tags):
        return error(400, "InvalidInput", iam.DUPLICATE_IDENTITY_TAG_KEYS)
    return limit("TagsPerResource", TAGS) if len(tags) > TAGS else None


def tags_fit(kind: str, store: Callable[[], dict]) -> Rule:
    """Those that are there and those that come are not too many together."""
    def rule(form: dict) -> Reply | None:
        have = {tag["Key"].lower() for tag in store()[form[f"{kind}Name"]]["Tags"]}
        return limit(f"TagsPer{kind}", TAGS) if len(have | {tag["Key"].lower() for tag in tags_of(form)}) > TAGS else None
    return rule


def permissions(form: dict) -> Reply | None:
    return malformed(permission_problem(form.get("PolicyDocument", "")))


def inline_size(kind: str, parameter: str, policies: Callable[[str], dict], most: int) -> Rule:
    """All inline policies of a role or user together stay under its limit."""
    def rule(form: dict) -> Reply | None:
        others = sum(size(text) for policy, text in policies(form[parameter]).items() if policy != form.get("PolicyName"))
        if others + size(form.get("PolicyDocument", "")) <= most:
            return None
        return error(409, "LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind} {form[parameter]}")
    return rule


def managed_size(form: dict) -> Reply | None:
    return limit("PolicySize", MANAGED_SIZE) if size(form.get("PolicyDocument", "")) > MANAGED_SIZE else None


def attachable(store: Callable[[], dict], parameter: str, quota: str) -> Rule:
    """The policy exists and there is room for it; attaching it again changes nothing."""
    def rule(form: dict) -> Reply | None:
        arn = form.get("PolicyArn", "")
        if not iam._policy_exists(arn):
            return error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        attached = store().get(form[parameter])["AttachedPolicies"]
        return limit(quota, ATTACHED_POLICIES) if arn not in attached and len(attached) >= ATTACHED_POLICIES else None
    return rule


def access_key_room(form: dict) -> Reply | None:
    keys = [key for key in iam._access_keys.values() if key["UserName"] == form["UserName"]]
    return limit("AccessKeysPerUser", ACCESS_KEYS) if len(keys) >= ACCESS_KEYS else None


def key_is_the_users(form: dict) -> Reply | None:
    """The key belongs to the user whose ARN the call was decided on."""
    if key_owner(form) and key_owner(form) == form.get("UserName"):
        return None
    return error(404, "NoSuchEntity", f"The Access Key with id {form.get('AccessKeyId', '')} cannot be found.")


def key_status(form: dict) -> Reply | None:
    value = form.get("Status", "")
    return None if value in ("Active", "Inactive") else invalid(
        f"Value '{value}' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]")


def user_has_no_inline(form: dict) -> Reply | None:
    if iam._user_inline_policies.get(form["UserName"]):
        return error(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
    return None


def provider_is_sound(form: dict) -> Reply | None:
    if not form.get("Url", "").startswith("https://") or not issuer_host(form["Url"]):
        return error(400, "InvalidInput", "Invalid Open ID Connect Provider URL: it must begin with https://")
    if len(numbered(form, "ClientIDList")) > CLIENT_IDS:
        return limit("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS)
    return thumbprints(form)


def thumbprints(form: dict) -> Reply | None:
    values = numbered(form, "ThumbprintList")
    if len(values) > 5 or not all(_THUMBPRINT.match(value) for value in values):
        return error(400, "InvalidInput", "Thumbprint list must contain fewer than 5 entries of 40 hexadecimal digits.")
    return None


def _roles() -> dict:
    return iam._roles


def _users() -> dict:
    return iam._users


def _roles_inline(role: str) -> dict:
    return iam._roles.get(role)["InlinePolicies"]


def _users_inline(user: str) -> dict:
    return iam._user_inline_policies.get(user) or {}


RULES: dict[str, list[Rule]] = {
    "CreateRole": [name("RoleName", 64), path, session_duration, tag_texts, is_new("Role", _roles), trust("AssumeRolePolicyDocument")],
    "UpdateRole": [role_exists, session_duration],
    "UpdateAssumeRolePolicy": [role_exists, trust("PolicyDocument")],
    "PutRolePolicy": [name("PolicyName", 128), role_exists, permissions, inline_size("role", "RoleName", _roles_inline, ROLE_INLINE_SIZE)],
    "AttachRolePolicy": [role_exists, attachable(_roles, "RoleName", "PoliciesPerRole")],
    "TagRole": [role_exists, tag_texts, tags_fit("Role", _roles)],
    "CreateUser": [name("UserName", 64), path, tag_texts, is_new("User", _users)],
    "TagUser": [user_exists, tag_texts, tags_fit("User", _users)],
    "DeleteUser": [user_exists, user_has_no_inline],
    "PutUserPolicy": [name("PolicyName", 128), user_exists, permissions, inline_size("user", "UserName", _users_inline, USER_INLINE_SIZE)],
    "AttachUserPolicy": [user_exists, attachable(_users, "UserName", "PoliciesPerUser")],
    "CreateAccessKey": [user_exists, access_key_room],
    "UpdateAccessKey": [user_exists, key_status, key_is_the_users],
    "DeleteAccessKey": [user_exists, key_is_the_users],
    "CreatePolicy": [name("PolicyName", 128), path, tag_texts, permissions, managed_size],
    "CreatePolicyVersion": [permissions, managed_size],
    "CreateOpenIDConnectProvider": [provider_is_sound, tag_texts],
    "UpdateOpenIDConnectProviderThumbprint": [thumbprints],
    "TagOpenIDConnectProvider": [tag_texts],
}


def refusal(action: str, form: dict) -> Reply | None:
    """The first rule that a call breaks, in IAM's words; None when it may go on."""
    for rule in RULES.get(action, []):
        if (reply := rule(form)) is not None:
            return reply
    return None
