"""What a role's trust policy says to a service of AWS, `pods.eks.amazonaws.com` and the like."""

import json

from ministack.core import iam_evaluator as evaluator

from endpoint import variables
from endpoint.documents import as_list


def _statements(text: str, service: str) -> list[dict]:
    """The statements that are about this service."""
    def names_it(principal: object) -> bool:
        if isinstance(principal, dict):
            return "*" in as_list(principal.get("AWS")) or evaluator._service_principal_matches(principal, service)
        return principal == "*"

    return [statement for statement in as_list(json.loads(text).get("Statement")) if names_it(statement.get("Principal"))]


def allows(text: str, service: str, context: evaluator.EvalContext) -> bool:
    """Whether the service may do `context.action` in this case; a Deny that matches wins."""
    parsed = evaluator.parse_policy_document({"Statement": _statements(text, service)})
    return evaluator.evaluate(context, [variables.mark(text, parsed)]).decision == "Allow"


def mentions(text: str, service: str, action: str) -> bool:
    """Whether some statement allows the service this action, whatever its conditions."""
    return any(
        statement["Effect"] == "Allow"
        and evaluator._action_matches(action, as_list(statement.get("Action")), as_list(statement.get("NotAction")))
        for statement in _statements(text, service))
