"""Policy variables, `${aws:PrincipalTag/team}` and the like, which ministack compares as plain text.

A Deny that names a variable would never match without this, so it is no detail.
"""

import dataclasses
import re

from ministack.core import iam_evaluator as evaluator

_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_NOTHING = "\0"  # stands for a variable without a value: no ARN and no condition value is like it


class _WithVariables(evaluator.ParsedStatement):
    """A statement whose texts must be filled in for each call."""


def mark(document: str, statements: list[evaluator.ParsedStatement]) -> list[evaluator.ParsedStatement]:
    """The statements of a policy text, marked where the text has variables, so that others cost nothing."""
    if "${" not in document:
        return statements
    return [_WithVariables(**vars(statement)) for statement in statements]


def _fill(text: object, context: evaluator.EvalContext) -> object:
    if not isinstance(text, str) or "${" not in text:
        return text

    def value(found: re.Match) -> str:
        known = evaluator._resolve_condition_key(found[1].strip(), context)
        return str(known) if known is not None else found[2] if found[2] is not None else _NOTHING

    return _VARIABLE.sub(value, text)


def _filled(statement: evaluator.ParsedStatement, context: evaluator.EvalContext) -> evaluator.ParsedStatement:
    if not isinstance(statement, _WithVariables):
        return statement

    def each(values: list) -> list:
        return [_fill(value, context) for value in values]

    conditions = {
        operator: {key: each(values) if isinstance(values, list) else _fill(values, context) for key, values in block.items()}
        for operator, block in statement.conditions.items()
    }
    return dataclasses.replace(
        statement, resources=each(statement.resources), not_resources=each(statement.not_resources), conditions=conditions)


def filling(original):
    """Decides on statements as they read for this call."""

    def first_match(context, statements, effect):
        return original(context, [_filled(statement, context) for statement in statements], effect)

    return first_match
