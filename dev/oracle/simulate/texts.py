"""Texts as policies compare them: wildcards, variables, ARNs, numbers, times, addresses.

Written from AWS's documentation, apart from Ambit's engine and with Python's
own types, so that a mistake there is not repeated here. A function that
compares answers None where the documentation leaves the answer open.
"""

import base64
import binascii
import datetime
import decimal
import ipaddress
import re

ANY, STAR = object(), object()
VARIABLE = re.compile(r"\$\{([^}']*?)(?:\s*,\s*'([^']*)')?\s*\}")
MOMENT = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?")


class Unresolved(Exception):
    """A variable without a value."""


def lookup(context, key):
    """What the request has under a key, in whatever case; None for absent. An empty list is absent."""
    for name, value in context.items():
        if name.lower() == key.lower():
            return None if value == [] else value
    return None


def value_of(match, context):
    value = lookup(context, match[1].strip())
    if isinstance(value, str) and value:
        return value
    if match[2] is not None:
        return match[2]
    raise Unresolved(match[1])


def tokens(text, context, wildcards=True, variables=True):
    """The text as a list of characters, ANY and STAR, its variables filled in."""
    found, at = [], 0
    while at < len(text):
        match = VARIABLE.match(text, at) if variables else None
        if match and match[1] in ("*", "?", "$"):
            found.append(match[1])
        elif match:
            found.extend(value_of(match, context))
        else:
            sign = text[at]
            found.append({"*": STAR, "?": ANY}.get(sign, sign) if wildcards else sign)
        at = match.end() if match else at + 1
    return found


def fits(pattern, text):
    """Whether a list of tokens matches a text."""
    parts = {ANY: ".", STAR: ".*"}
    expression = "".join(parts.get(token) or re.escape(token) for token in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def segments(pattern):
    """The six segments of an ARN pattern, cut at the first five colons that were written; None if there are fewer."""
    cut, rest = [], pattern
    for _ in range(5):
        if ":" not in rest:
            return None
        at = rest.index(":")
        cut.append(rest[:at])
        rest = rest[at + 1 :]
    return [*cut, rest]


def written_segments(text):
    """The same of a text; colons within variables do not count."""
    hidden = re.sub(r"\$\{[^}]*\}", lambda match: match[0].replace(":", "\0"), text)
    return [part.replace("\0", ":") for part in hidden.split(":", 5)]


def arn_fits(text, arn, context, variables_everywhere=False, variables=True):
    """Whether an ARN pattern with six segments matches an ARN: segment by segment."""
    parts, target = written_segments(text), arn.split(":", 5)
    if len(parts) != 6 or len(target) != 6:
        return False
    for index, (part, segment) in enumerate(zip(parts, target)):
        inside = variables and (variables_everywhere or index == 5)
        if variables and not inside and "${" in part:
            return None
        if not fits(tokens(part, context, variables=inside), segment):
            return False
    return True


def number(text):
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return None
    return decimal.Decimal(text)


def moment(text):
    """A time, from epoch seconds or one of the forms of ISO 8601."""
    if re.fullmatch(r"\d+", text) and len(text) != 4:
        return datetime.datetime.fromtimestamp(int(text), datetime.timezone.utc)
    if not MOMENT.fullmatch(text):
        return None
    if "T" not in text:
        text = (text + "-01-01")[:10] if len(text) != 7 else text + "-01"
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def data(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


ORDER = {
    "equals": lambda left, right: left == right,
    "lessthan": lambda left, right: left < right,
    "lessthanequals": lambda left, right: left <= right,
    "greaterthan": lambda left, right: left > right,
    "greaterthanequals": lambda left, right: left >= right,
}


def ordered(parse, operator, policy, given):
    """A comparison of numbers or times. A policy value that is none leaves the answer open."""
    wanted, found = parse(policy), parse(given)
    if wanted is None:
        return None
    return found is not None and ORDER[operator](found, wanted)


def in_network(policy, given):
    wanted = network(policy)
    if wanted is None:
        return None
    found = network(given) if "/" not in given else None
    return found is not None and found.version == wanted.version and found.subnet_of(wanted)


def arn_like(policy, given, context, variables):
    try:
        if len(written_segments(policy)) == 6:
            return bool(arn_fits(policy, given, context, variables_everywhere=True, variables=variables))
        # Fewer segments: one page says six are compared, another that a last `*` runs on.
        pattern = tokens(policy, context, variables=variables)
        return None if pattern and pattern[-1] is STAR and fits(pattern, given) and given.count(":") >= 5 else False
    except Unresolved:
        return False


def same_bytes(policy, given):
    wanted = data(policy)
    return None if wanted is None else data(given) == wanted


def text_fits(operator, policy, given, context, variables):
    try:
        pattern = tokens(policy, context, wildcards=operator == "like", variables=variables)
    except Unresolved:
        return False
    if operator == "equalsignorecase":
        return "".join(pattern).lower() == given.lower()
    return fits(pattern, given)


def value_matches(base, policy, given, context, variables):
    """Whether one policy value matches one request value, under an operator without its `Not`."""
    if base.startswith("numeric"):
        return ordered(number, base[7:], policy, given)
    if base.startswith("date"):
        return ordered(moment, base[4:], policy, given)
    if base == "ipaddress":
        return in_network(policy, given)
    if base.startswith("arn"):
        return arn_like(policy, given, context, variables)
    if base == "binaryequals":
        return same_bytes(policy, given)
    if base == "bool":
        return policy.lower() == given.lower() if policy.lower() in ("true", "false") else None
    return text_fits(base[6:], policy, given, context, variables)


def condition_holds(operator, values, given, context, variables):
    """Whether one condition holds; `given` is the request's value, None if absent. None if the answer is open."""
    sets, name = ([""] + operator.lower().split(":"))[-2:]
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    policy = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if name == "null":
        return (given is None) == (policy[0].lower() == "true") if len(policy) == 1 else None
    if sets and (given == "" or (isinstance(given, list) and not any(given))):
        given = None
    negated = "not" in name
    base = name.replace("not", "")
    if given is None:
        return sets == "forallvalues" if sets else negated or if_exists
    if isinstance(given, list) and not sets:
        return False
    outcomes = [
        any_of([value_matches(base, value, one, context, variables) for value in policy])
        for one in (given if isinstance(given, list) else [given])
    ]
    if negated:
        outcomes = [None if outcome is None else not outcome for outcome in outcomes]
    return any_of(outcomes) if sets == "foranyvalue" else all_of(outcomes)


def any_of(outcomes):
    return True if True in outcomes else None if None in outcomes else False


def all_of(outcomes):
    return False if False in outcomes else None if None in outcomes else True
