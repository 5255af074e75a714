"""IAM's lists, in pages and in an order that stays while others write."""

import base64
import binascii
from collections.abc import Callable, Iterable

from ministack.services import iam

from endpoint import iam_xml, replies
from endpoint.iam_map import numbered
from endpoint.iam_rules import invalid, missing
from endpoint.replies import Reply, members, tag

Item = tuple[str, Callable[[], str]]  # sort key and its XML, built only for the page that is sent


class BadPage(Exception):
    """A page that cannot be given: says why."""


def _marker(form: dict) -> str:
    try:
        return base64.b64decode(form.get("Marker", ""), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as problem:
        raise BadPage("Invalid Marker") from problem


def page(form: dict, items: Iterable[Item]) -> tuple[list[Item], str]:
    """The items after the marker, at most MaxItems, and the XML that says whether more follow.

    The marker names the last item sent, so items that come or go between two pages
    neither repeat nor hide others.
    """
    most = form.get("MaxItems") or "100"
    if not most.isdigit() or not 1 <= int(most) <= 1000:
        raise BadPage(f"Value '{most}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000")
    after = _marker(form)
    rest = sorted((item for item in items if item[0] > after), key=lambda item: item[0])
    shown = rest[: int(most)]
    if len(rest) == len(shown):
        return shown, tag("IsTruncated", "false")
    marker = base64.urlsafe_b64encode(shown[-1][0].encode()).decode()
    return shown, tag("IsTruncated", "true") + tag("Marker", marker)


def _listing(action: str, element: str, items: Callable[[dict], Iterable[Item] | Reply]):
    def handler(form: dict) -> Reply:
        found = items(form)
        if isinstance(found, tuple):
            return found
        try:
            shown, more = page(form, found)
        except BadPage as problem:
            return invalid(str(problem))
        return replies.ok("iam", action, members(element, (build() for _, build in shown)) + more)
    return handler


def _with_prefix(form: dict, records: Iterable[tuple[str, dict]], build: Callable[[str, dict], str]) -> list[Item]:
    prefix = form.get("PathPrefix") or "/"
    return [(name, lambda name=name, record=record: build(name, record))
            for name, record in records if record.get("Path", "/").startswith(prefix)]


def _roles(form: dict):
    return _with_prefix(form, iam._roles.items(), lambda _, record: iam_xml.role(record, full=False))


def _users(form: dict):
    return _with_prefix(form, iam._users.items(), lambda _, record: iam_xml.user(record, full=False))


def _policies(form: dict):
    scope = form.get("Scope") or "All"
    records = [] if scope == "AWS" else list(iam._policies.items())
    records += [] if scope == "Local" else list(iam._aws_managed_policies.items())
    if form.get("OnlyAttached") == "true":
        records = [(arn, policy) for arn, policy in records if policy.get("AttachmentCount", 0)]
    usage = iam._boundary_usage_counts()
    return _with_prefix(form, records, lambda arn, _: iam_xml.managed_policy(arn, usage))


def _of_role(items: Callable[[dict], list[Item]]):
    def listed(form: dict):
        role = iam._roles.get(form.get("RoleName", ""))
        return missing("role", form.get("RoleName", "")) if role is None else items(role)
    return listed


def _of_user(items: Callable[[dict], list[Item]]):
    def listed(form: dict):
        user = iam._users.get(form.get("UserName", ""))
        return missing("user", form.get("UserName", "")) if user is None else items(user)
    return listed


def _inline_names(role: dict) -> list[Item]:
    return [(name, lambda name=name: name) for name in role["InlinePolicies"]]


def _inline_names_of_user(user: dict) -> list[Item]:
    return [(name, lambda name=name: name) for name in iam._user_inline_policies.get(user["UserName"]) or {}]


def _keys(user: dict) -> list[Item]:
    return [(key_id, lambda key=key: iam_xml.access_key(key))
            for key_id, key in iam._access_keys.items() if key["UserName"] == user["UserName"]]


def _attached(entity: dict) -> list[Item]:
    return [(arn, lambda arn=arn: iam_xml.attached(arn)) for arn in entity["AttachedPolicies"]]


def _tags(record: dict) -> list[Item]:
    return [(t["Key"], lambda t=t: tag("Key", t["Key"]) + (tag("Value", t["Value"]) or "<Value/>")) for t in record.get("Tags") or []]


def _provider_tags(form: dict):
    arn = form.get("OpenIDConnectProviderArn", "")
    provider = iam._oidc_providers.get(arn)
    if provider is None:
        return replies.error("iam", 404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return _tags(provider)


def account_details(form: dict) -> Reply:
    """Everything that grants or limits in the account: users, then roles, then managed policies, page by page."""
    wanted = set(numbered(form, "Filter"))
    items: list[Item] = []
    if not wanted or "User" in wanted:
        items += [(f"1user/{n}", lambda r=r: iam_xml.user_detail(r)) for n, r in iam._users.items()]
    if not wanted or "Role" in wanted:
        items += [(f"2role/{n}", lambda r=r: iam_xml.role_detail(r)) for n, r in iam._roles.items()]
    usage = iam._boundary_usage_counts()
    policies = iam._policies.keys() if not wanted or "LocalManagedPolicy" in wanted else []
    if "AWSManagedPolicy" in wanted:
        policies = [*policies, *iam._aws_managed_policies]
    items += [(f"3policy/{arn}", lambda arn=arn: iam_xml.policy_detail(arn, usage)) for arn in policies]
    try:
        shown, more = page(form, items)
    except BadPage as problem:
        return invalid(str(problem))
    lists = {"1user": "UserDetailList", "2role": "RoleDetailList", "3policy": "Policies"}
    result = "".join(
        members(element, (build() for key, build in shown if key.startswith(kind + "/"))) for kind, element in lists.items()
    )
    return replies.ok("iam", "GetAccountAuthorizationDetails", result + "<GroupDetailList/>" + more)


HANDLERS = {
    "ListRoles": _listing("ListRoles", "Roles", _roles),
    "ListUsers": _listing("ListUsers", "Users", _users),
    "ListPolicies": _listing("ListPolicies", "Policies", _policies),
    "ListRolePolicies": _listing("ListRolePolicies", "PolicyNames", _of_role(_inline_names)),
    "ListAttachedRolePolicies": _listing("ListAttachedRolePolicies", "AttachedPolicies", _of_role(_attached)),
    "ListRoleTags": _listing("ListRoleTags", "Tags", _of_role(_tags)),
    "ListUserPolicies": _listing("ListUserPolicies", "PolicyNames", _of_user(_inline_names_of_user)),
    "ListAttachedUserPolicies": _listing("ListAttachedUserPolicies", "AttachedPolicies", _of_user(_attached)),
    "ListUserTags": _listing("ListUserTags", "Tags", _of_user(_tags)),
    "ListAccessKeys": _listing("ListAccessKeys", "AccessKeyMetadata", _of_user(_keys)),
    "ListGroupsForUser": _listing("ListGroupsForUser", "Groups", _of_user(lambda _: [])),  # there are no groups here
    "ListOpenIDConnectProviderTags": _listing("ListOpenIDConnectProviderTags", "Tags", _provider_tags),
    "GetAccountAuthorizationDetails": account_details,
}
