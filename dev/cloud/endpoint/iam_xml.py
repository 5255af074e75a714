"""IAM's records as AWS writes them: escaped, and without elements that have nothing to say."""

import time

from ministack.services import iam

from endpoint.replies import document, members, tag, tags


def _boundary(record: dict) -> str:
    arn = record.get("PermissionsBoundary")
    if not arn:
        return ""
    return ("<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
            f"{tag('PermissionsBoundaryArn', arn)}</PermissionsBoundary>")


def _last_used(role: dict) -> str:
    used = role.get("LastUsed")
    if not used:
        return "<RoleLastUsed/>"
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(used))
    return f"<RoleLastUsed>{tag('LastUsedDate', date)}{tag('Region', 'us-east-1')}</RoleLastUsed>"


def _identity(record: dict, kind: str) -> str:
    return "".join(tag(name, record[name]) for name in (f"{kind}Name", f"{kind}Id", "Arn", "Path", "CreateDate"))


def role(record: dict, *, full: bool = True) -> str:
    """A role as GetRole and CreateRole answer it; lists leave out boundary, tags and last use."""
    text = (_identity(record, "Role") + document("AssumeRolePolicyDocument", record["AssumeRolePolicyDocument"])
            + tag("Description", record.get("Description")) + tag("MaxSessionDuration", record.get("MaxSessionDuration", 3600)))
    if full:
        text += _boundary(record) + (tags(record["Tags"]) if record.get("Tags") else "") + _last_used(record)
    return text


def user(record: dict, *, full: bool = True) -> str:
    """A user as GetUser answers it; lists leave out boundary and tags."""
    text = _identity(record, "User")
    return text + _boundary(record) + (tags(record["Tags"]) if record.get("Tags") else "") if full else text


def access_key(record: dict) -> str:
    """An access key as ListAccessKeys tells it: never with its secret."""
    return "".join(tag(name, record[name]) for name in ("UserName", "AccessKeyId", "Status", "CreateDate"))


def managed_policy(arn: str, usage: dict | None = None) -> str:
    """A managed policy without its text."""
    policy = iam._lookup_policy(arn)
    usage = iam._boundary_usage_counts() if usage is None else usage
    attachments = iam._aws_managed_attachment_counts.get(arn, 0) if iam._is_aws_managed_arn(arn) else policy.get("AttachmentCount", 0)
    return "".join([
        tag("PolicyName", policy["PolicyName"]), tag("PolicyId", policy["PolicyId"]), tag("Arn", arn),
        tag("Path", policy.get("Path", "/")), tag("DefaultVersionId", policy["DefaultVersionId"]),
        tag("AttachmentCount", attachments), tag("PermissionsBoundaryUsageCount", usage.get(arn, 0)),
        tag("IsAttachable", "true"), tag("Description", policy.get("Description")),
        tag("CreateDate", policy["CreateDate"]), tag("UpdateDate", policy.get("UpdateDate", policy["CreateDate"])),
        tags(policy["Tags"]) if policy.get("Tags") else "",
    ])


def attached(arn: str) -> str:
    """One attachment; its name is the ARN's last part where the policy is not known here."""
    policy = iam._lookup_policy(arn)
    return tag("PolicyName", policy["PolicyName"] if policy else arn.rsplit("/", 1)[-1]) + tag("PolicyArn", arn)


def _inline(policies: dict) -> list[str]:
    return [tag("PolicyName", name) + document("PolicyDocument", text) for name, text in sorted(policies.items())]


def role_detail(record: dict) -> str:
    """A role with all that grants or limits it, as GetAccountAuthorizationDetails lists it."""
    return "".join([
        _identity(record, "Role"), document("AssumeRolePolicyDocument", record["AssumeRolePolicyDocument"]),
        "<InstanceProfileList/>", members("RolePolicyList", _inline(record["InlinePolicies"])),
        members("AttachedManagedPolicies", map(attached, record["AttachedPolicies"])),
        _boundary(record), tags(record.get("Tags") or []), _last_used(record),
    ])


def user_detail(record: dict) -> str:
    """A user with its policies."""
    inline = iam._user_inline_policies.get(record["UserName"]) or {}
    return "".join([
        _identity(record, "User"), members("UserPolicyList", _inline(inline)), "<GroupList/>",
        members("AttachedManagedPolicies", map(attached, record["AttachedPolicies"])),
        _boundary(record), tags(record.get("Tags") or []),
    ])


def policy_detail(arn: str, usage: dict) -> str:
    """A managed policy with the text of each version."""
    versions = (
        document("Document", version["Document"]) + tag("VersionId", version["VersionId"])
        + tag("IsDefaultVersion", "true" if version["IsDefaultVersion"] else "false") + tag("CreateDate", version["CreateDate"])
        for version in iam._lookup_policy(arn)["Versions"].values()
    )
    return managed_policy(arn, usage) + members("PolicyVersionList", versions)


def install() -> None:
    """ministack's own answers use these builders too."""
    iam._role_xml = lambda name, boundary=True: role(iam._roles[name], full=boundary)
    iam._user_xml = lambda name, boundary=True: user(iam._users[name], full=boundary)
    iam._managed_policy_xml = managed_policy
