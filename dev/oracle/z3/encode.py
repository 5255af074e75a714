"""What a policy document allows, as a formula for z3.

The request is made of unknowns: the action, the five free segments of an ARN
or the resource `*`, and for each condition key whether it is there and what
it holds. All strings count, also actions that AWS does not have yet.
"""

import pathlib
import re
import sys

import z3

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "simulate"))
import texts  # noqa: E402

# More set conditions than this on one key, and the formula would grow too large.
MOST_ELEMENTS = 4
ACTION = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"), z3.Re("-"), z3.Re("_"))
CHARACTER = z3.Range(" ", "~")
NO_COLON = z3.Union(z3.Range(" ", "9"), z3.Range(";", "~"))


class Unsupported(Exception):
    """Something that the encoding leaves out: policy variables, one key with values of two kinds."""


def as_list(value):
    return value if isinstance(value, list) else [value]


def glob(text, character=CHARACTER, wildcards=True, fold=False):
    """A pattern as a regular expression."""
    parts = []
    for token in texts.tokens(text, {}, wildcards=wildcards, variables=False):
        if token is texts.STAR:
            parts.append(z3.Star(character))
        elif token is texts.ANY:
            parts.append(character)
        elif fold and token.lower() != token.upper():
            parts.append(z3.Union(z3.Re(token.lower()), z3.Re(token.upper())))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += token
        else:
            parts.append(token)
    parts = [z3.Re(part) if isinstance(part, str) else part for part in parts]
    return z3.Concat(*parts) if len(parts) > 1 else parts[0] if parts else z3.Re("")


def arn_glob(text):
    """A pattern of six segments as a regular expression over a whole ARN."""
    parts = text.split(":", 5)
    if len(parts) != 6:
        raise Unsupported("an ARN in a condition with fewer than six segments")
    inner = [glob(part, NO_COLON) for part in parts[:5]]
    return z3.Concat(*(piece for part in inner for piece in (part, z3.Re(":"))), glob(parts[5]))


class Key:
    """A condition key of the request: absent, one value, or a list of values."""

    def __init__(self, name):
        self.name = name
        self.kind = None
        self.sets = 0

    def wanted_as(self, kind, in_set):
        if self.kind not in (None, kind):
            raise Unsupported(f"{self.name} is compared as {self.kind} and as {kind}")
        self.kind = kind
        self.sets += in_set

    def make(self):
        """The unknowns. Each condition on a set needs one element to witness it at most."""
        if self.sets > MOST_ELEMENTS:
            raise Unsupported(f"{self.sets} set conditions on {self.name}")
        kind = self.kind or "text"
        sort = {"text": z3.StringSort(), "number": z3.RealSort(), "time": z3.IntSort(), "address": z3.IntSort()}[kind]
        name = self.name
        self.is_list, self.absent = z3.Bool(f"{name} list"), z3.Bool(f"{name} absent")
        count = max(1, self.sets)
        self.elements = [z3.Const(f"{name} {index}", sort) for index in range(count)]
        self.used = [z3.Bool(f"{name} used {index}") for index in range(count)]
        # Whether an element is well formed at all: `many` is no number.
        self.valid = [z3.Bool(f"{name} valid {index}") for index in range(count)]
        self.v6 = [z3.Bool(f"{name} v6 {index}") for index in range(count)]
        rules = [self.used[0], *(z3.Or(self.is_list, z3.Not(used)) for used in self.used[1:])]
        # The values of a request are a set: none is there twice.
        for later, element in enumerate(self.elements):
            rules += [z3.Implies(self.used[later], element != earlier) for earlier in self.elements[:later]]
        if kind == "text":
            rules += [z3.InRe(element, z3.Star(CHARACTER)) for element in self.elements]
            rules += self.valid
        if kind == "address":
            rules += [
                z3.And(element >= 0, element < z3.If(v6, z3.IntVal(2**128), z3.IntVal(2**32)))
                for element, v6 in zip(self.elements, self.v6)
            ]
        if not self.sets:
            rules.append(z3.Not(self.is_list))
        empty = z3.And(self.elements[0] == "", *(z3.Not(used) for used in self.used[1:])) if kind == "text" else False
        self.null = z3.Or(self.absent, empty)
        return rules


KINDS = {
    "string": "text",
    "arn": "text",
    "bool": "text",
    "binary": "text",
    "numeric": "number",
    "date": "time",
    "ip": "address",
}


def read_operator(operator):
    """Set prefix, base without `Not`, kind, negated, IfExists."""
    sets, name = ([""] + operator.lower().split(":"))[-2:]
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated, base = "not" in name, name.replace("not", "")
    if base == "null":
        return sets, base, None, False, if_exists
    kind = next((kind for start, kind in KINDS.items() if base.startswith(start)), None)
    if kind is None:
        raise Unsupported(f"operator {operator}")
    return sets, base, kind, negated, if_exists


class Pair:
    """Two documents over the same unknowns."""

    def __init__(self, *documents):
        self.keys = {}
        self.documents = documents
        for document in documents:
            for statement in as_list(document["Statement"]):
                self.read(document, statement)
        self.action = z3.String("action")
        self.star = z3.Bool("resource *")
        self.arn = [z3.String(f"arn {part}") for part in ("partition", "service", "region", "account", "rest")]
        self.rules = [z3.InRe(self.action, z3.Concat(z3.Plus(ACTION), z3.Re(":"), z3.Plus(ACTION)))]
        self.rules += [z3.InRe(part, z3.Plus(NO_COLON)) for part in self.arn[:2]]
        self.rules += [z3.InRe(part, z3.Star(NO_COLON)) for part in self.arn[2:4]]
        self.rules.append(z3.InRe(self.arn[4], z3.Plus(CHARACTER)))
        for key in self.keys.values():
            self.rules += key.make()

    def read(self, document, statement):
        """Collects the condition keys with their kinds, and refuses what is not encoded."""
        if {"Principal", "NotPrincipal"} & set(statement):
            raise Unsupported("principals")
        texts_within = re.findall(r"\$\{[^}]*\}", str(statement))
        if texts_within and document.get("Version") == "2012-10-17":
            raise Unsupported("policy variables")
        for operator, conditions in statement.get("Condition", {}).items():
            sets, _, kind, _, _ = read_operator(operator)
            for name in conditions:
                key = self.keys.setdefault(name.lower(), Key(name.lower()))
                if kind:
                    key.wanted_as(kind, bool(sets))

    def allows(self, document):
        statements = as_list(document["Statement"])
        matching = {
            effect: [self.matches(one) for one in statements if one["Effect"] == effect] for effect in ("Allow", "Deny")
        }
        return z3.And(z3.Or(*matching["Allow"]), z3.Not(z3.Or(*matching["Deny"])))

    def matches(self, statement):
        parts = [self.any_action(statement), self.any_resource(statement)]
        for operator, conditions in statement.get("Condition", {}).items():
            parts += [
                self.condition(operator, self.keys[name.lower()], as_list(values))
                for name, values in conditions.items()
            ]
        return z3.And(*parts)

    def any_action(self, statement):
        patterns = [
            glob(text.lower(), z3.Union(ACTION, z3.Re(":")))
            for text in as_list(statement.get("Action", statement.get("NotAction")))
        ]
        found = z3.InRe(self.action, z3.Union(*patterns) if len(patterns) > 1 else patterns[0])
        return found if "Action" in statement else z3.Not(found)

    def any_resource(self, statement):
        if not {"Resource", "NotResource"} & set(statement):
            return z3.BoolVal(True)
        found = z3.Or(
            *(self.resource(text) for text in as_list(statement.get("Resource", statement.get("NotResource"))))
        )
        return found if "Resource" in statement else z3.Not(found)

    def resource(self, text):
        if not text.strip("*"):
            return z3.BoolVal(True)
        parts = text.split(":", 5)
        if len(parts) != 6:
            return self.short_resource(text)
        if parts[0] != "arn":
            return z3.BoolVal(False)
        segments = [self.segment(part, target, NO_COLON) for part, target in zip(parts[1:5], self.arn)]
        return z3.And(z3.Not(self.star), *segments, self.segment(parts[5], self.arn[4], CHARACTER))

    def segment(self, text, target, character):
        if text == "*":
            return z3.BoolVal(True)
        if not re.search(r"[*?]", text):
            return target == text
        return z3.InRe(target, glob(text, character))

    def short_resource(self, text):
        """Fewer than six segments: it runs on where it ends in `*`, and the rest is filled with `*` where not."""
        if not text.endswith("*"):
            return (
                self.resource(text + ":*" * (6 - len(text.split(":"))))
                if text.startswith("arn:")
                else self.unsure(text)
            )
        whole = z3.Concat(
            z3.StringVal("arn:"), *(piece for part in self.arn[:4] for piece in (part, z3.StringVal(":"))), self.arn[4]
        )
        return z3.And(z3.Not(self.star), z3.InRe(whole, glob(text)))

    def unsure(self, text):
        raise Unsupported(f"resource {text}")

    def condition(self, operator, key, values):
        sets, base, _, negated, if_exists = read_operator(operator)
        values = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        if base == "null":
            if len(values) != 1 or values[0].lower() not in ("true", "false"):
                raise Unsupported("Null with other values")
            return key.absent if values[0].lower() == "true" else z3.Not(key.absent)
        single = [
            z3.Or(*(self.value(base, value, key, index) for value in values)) for index in range(len(key.elements))
        ]
        if negated:
            single = [z3.Not(outcome) for outcome in single]
        if sets == "forallvalues":
            return z3.Or(key.null, *[z3.And(*(z3.Implies(used, one) for used, one in zip(key.used, single)))])
        if sets == "foranyvalue":
            return z3.And(z3.Not(key.null), z3.Or(*(z3.And(used, one) for used, one in zip(key.used, single))))
        present = z3.And(z3.Not(key.is_list), single[0])
        return z3.If(key.absent, z3.BoolVal(negated or if_exists), present)

    def value(self, base, text, key, index):
        """Whether one policy value matches one element."""
        element, valid = key.elements[index], key.valid[index]
        if base.startswith(("numeric", "date")):
            start = "numeric" if base.startswith("numeric") else "date"
            wanted = texts.number(text) if start == "numeric" else texts.moment(text)
            if wanted is None:
                raise Unsupported(f"{base} {text}")
            wanted = z3.RealVal(str(wanted)) if start == "numeric" else z3.IntVal(int(wanted.timestamp()))
            return z3.And(valid, texts.ORDER[base.removeprefix(start)](element, wanted))
        if base == "ipaddress":
            wanted = texts.network(text)
            if wanted is None:
                raise Unsupported(f"address {text}")
            first, last = int(wanted.network_address), int(wanted.broadcast_address)
            return z3.And(valid, key.v6[index] == (wanted.version == 6), element >= first, element <= last)
        if base.startswith("arn"):
            return z3.InRe(element, arn_glob(text))
        if base == "bool":
            return z3.InRe(element, glob(text, fold=True))
        if base == "binaryequals":
            raise Unsupported("BinaryEquals")
        if base == "stringequals":
            return element == text
        return z3.InRe(element, glob(text, wildcards=base == "stringlike", fold=base.endswith("ignorecase")))
