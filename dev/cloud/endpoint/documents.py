"""What IAM demands of a policy text before it takes it."""

import json
import re

from ministack.core.iam_evaluator import _CONDITION_OPS, validate_policy_document

_ACTION = re.compile(r"^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$")
_SID = re.compile(r"^[A-Za-z0-9]*$")
_SET_PREFIXES = ("forallvalues:", "foranyvalue:")
_VERSIONS = (None, "2012-10-17", "2008-10-17")


# What a trust policy may name. AWS refuses others, and, as several of its users found, wildcards.
TRUST_ACTIONS = {
    "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:setcontext", "sts:setsourceidentity", "sts:tagsession",
}


def size(text: str) -> int:
    """A policy's length as IAM counts it: without white space."""
    return sum(1 for character in text if not character.isspace())


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def _operator_exists(name: str) -> bool:
    name = name.lower().removesuffix("ifexists")
    for prefix in _SET_PREFIXES:
        name = name.removeprefix(prefix)
    return name == "null" or name in _CONDITION_OPS


def _statement_problem(statement: object) -> str | None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return "Syntax errors in policy."
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(block, dict) for block in condition.values()):
        return "Syntax errors in policy."
    if not all(_operator_exists(operator) for operator in condition):
        return "Invalid Condition type"
    if not _SID.match(statement.get("Sid", "")):
        return "Statement IDs (SID) may only contain alphanumeric characters."
    actions = as_list(statement.get("Action")) + as_list(statement.get("NotAction"))
    if not actions or not all(isinstance(action, str) for action in actions):
        return "Syntax errors in policy."
    if not all(_ACTION.match(action) for action in actions):
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    return None


def _read(text: str) -> tuple[dict | None, list, str | None]:
    try:
        document = json.loads(text)
    except ValueError:
        return None, [], "This policy contains invalid Json"
    if not isinstance(document, dict) or document.get("Version") not in _VERSIONS:
        return None, [], "Syntax errors in policy."
    statements = as_list(document.get("Statement"))
    if not statements:
        return None, [], "Syntax errors in policy."
    return document, statements, next(filter(None, map(_statement_problem, statements)), None)


def permission_problem(text: str) -> str | None:
    """Why IAM would not take this text as a permission policy or a boundary; None when it would."""
    document, statements, problem = _read(text)
    if problem:
        return problem
    sids = [s["Sid"] for s in statements if s.get("Sid")]
    if len(sids) != len(set(sids)):
        return "Statement IDs (SID) in a single policy must be unique."
    for statement in statements:
        if "Principal" in statement or "NotPrincipal" in statement:
            return "Policy document should not specify a principal."
        for resource in as_list(statement.get("Resource")) + as_list(statement.get("NotResource")):
            if not isinstance(resource, str) or not (resource == "*" or resource.startswith("arn:")):
                return f'Resource {resource} must be in ARN format or "*".'
    return validate_policy_document(document)


def trust_problem(text: str) -> str | None:
    """Why IAM would not take this text as a role's trust policy; None when it would."""
    _, statements, problem = _read(text)
    if problem:
        return problem
    for statement in statements:
        if "NotPrincipal" in statement:
            return "AssumeRole policy must not contain NotPrincipal field."
        if "Resource" in statement or "NotResource" in statement:
            return "Has prohibited field Resource"
        if not statement.get("Principal"):
            return "Missing required field Principal"
        if not all(str(action).lower() in TRUST_ACTIONS for action in as_list(statement.get("Action"))):
            return "AssumeRole policy may only specify STS AssumeRole actions."
    return None
