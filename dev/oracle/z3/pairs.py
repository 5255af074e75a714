"""Pairs of identity policies to compare: real ones from AWS's history and small ones made up.

The same seed gives the same pairs.
"""

import copy
import hashlib
import json
import random

ACTIONS = [
    "s3:GetObject",
    "s3:Get*",
    "s3:*",
    "s3:*Object",
    "s3:PutObject",
    "s3:?etObject",
    "S3:getobject",
    "*",
    "sqs:SendMessage",
    "sqs:*",
    "s*:*",
    "*:Get*",
    "dynamodb:Get*",
    "dynamodb:*Item",
    "s3:Get?bject*",
    "*:*Object",
]
RESOURCES = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data/?*",
    "arn:aws:s3:::data/a*c",
    "arn:aws:s3:::d*",
    "arn:*:s3:::data/*",
    "arn:aws:sqs:*:111111111111:*",
    "arn:aws:sqs:eu-west-1:*:orders",
    "arn:aws:sqs:eu-*:111111111111:orders*",
    "arn:aws:*:*:*:*",
    "arn:aws:s3:*",
    "arn:aws:sqs",
    "arn:*",
]
# Form of the operator, key, values, operators.
CONDITIONS = [
    (
        "String{}",
        "aws:SourceVpce",
        ["vpce-1", "vpce-2", "vpce-*", "VPCE-1", ""],
        ["Equals", "Like", "NotEquals", "NotLike", "EqualsIgnoreCase", "NotEqualsIgnoreCase"],
    ),
    (
        "Numeric{}",
        "s3:max-keys",
        ["10", "20", "10.0", "1e1"],
        ["Equals", "LessThan", "GreaterThan", "GreaterThanEquals", "NotEquals", "LessThanEquals"],
    ),
    (
        "Date{}",
        "aws:CurrentTime",
        ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "1704067200"],
        ["LessThan", "GreaterThan", "Equals", "GreaterThanEquals", "NotEquals"],
    ),
    (
        "{}",
        "aws:SourceIp",
        ["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0", "::/0"],
        ["IpAddress", "NotIpAddress"],
    ),
    ("Bool{}", "aws:SecureTransport", ["true", "false"], [""]),
    (
        "Arn{}",
        "aws:PrincipalArn",
        ["arn:aws:iam::111111111111:role/*", "arn:aws:iam::*:role/app", "arn:aws:iam::111111111111:role/app"],
        ["Like", "Equals", "NotLike"],
    ),
    ("Null{}", "aws:TokenIssueTime", ["true", "false"], [""]),
    ("Null{}", "aws:SourceVpce", ["true", "false"], [""]),
    ("Null{}", "aws:TagKeys", ["true", "false"], [""]),
    (
        "ForAllValues:String{}",
        "aws:TagKeys",
        ["team", "owner", "t*", "Team"],
        ["Equals", "Like", "NotEquals", "EqualsIgnoreCase"],
    ),
    ("ForAnyValue:String{}", "aws:TagKeys", ["team", "owner", "t*", ""], ["Equals", "Like", "NotLike", "NotEquals"]),
    ("ForAllValues:String{}", "aws:SourceVpce", ["vpce-1", "vpce-*"], ["Equals", "NotLike"]),
]


def managed(lines, seed, count, largest):
    """Changes of real policies, no larger than so many characters, in an order that only the seed decides."""
    order = []
    for line in lines:
        pair = json.loads(line)
        if len(line) <= largest and pair["old"] != pair["new"]:
            order.append((hashlib.sha256(f"{seed}:{pair['id']}".encode()).hexdigest(), pair))
    return [pair for _, pair in sorted(order, key=lambda entry: entry[0])[:count]]


class Maker:
    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}:{number}")

    def chance(self, probability):
        return self.random.random() < probability

    def few(self, choices, most):
        return self.random.sample(choices, self.random.randint(1, most))

    def condition(self):
        form, key, values, operators = self.random.choice(CONDITIONS)
        operator = form.format(self.random.choice(operators))
        operator += "IfExists" if self.chance(0.2) and operator != "Null" else ""
        return {operator: {key: self.few(values, 1 if operator == "Null" else 2)}}

    def conditions(self):
        """One condition, or two that must hold together."""
        found = self.condition()
        for operator, keys in (self.condition() if self.chance(0.4) else {}).items():
            found[operator] = {**keys, **found.get(operator, {})}
        return found

    def statement(self, deny):
        statement = {"Effect": "Deny" if self.chance(deny) else "Allow"}
        statement["NotAction" if self.chance(0.1) else "Action"] = self.few(ACTIONS, 2)
        statement["NotResource" if self.chance(0.1) else "Resource"] = self.few(RESOURCES, 2)
        if self.chance(0.5):
            statement["Condition"] = self.conditions()
        return statement

    def document(self):
        """Statements that tell little apart from one another, so that edits matter."""
        first = self.statement(0)
        return {
            "Version": "2012-10-17",
            "Statement": [first] + [self.statement(0.4) for _ in range(self.random.randint(0, 2))],
        }

    def changed(self, document):
        """One or two edits: some widen, some narrow, some mean the same."""
        document = copy.deepcopy(document)
        for _ in range(self.random.randint(1, 2)):
            self.edit(document["Statement"])
        return document

    def edit(self, statements):
        statement = self.random.choice(statements)
        actions = statement.get("Action") or statement.get("NotAction")
        resources = statement.get("Resource") or statement.get("NotResource")
        edit = self.random.randint(0, 8)
        if edit == 0:
            statements.append(self.statement(0.4))
        elif edit == 1 and len(statements) > 1:
            statements.remove(statement)
        elif edit == 2:
            actions[self.random.randrange(len(actions))] = self.random.choice(ACTIONS)
        elif edit == 3:
            resources.append(self.random.choice(RESOURCES))
        elif edit == 4:
            statement["Condition"] = self.conditions()
        elif edit == 5:
            statement.pop("Condition", None)
        elif edit == 6:
            statements.append(copy.deepcopy(statement))
        elif edit == 7:
            actions.append(actions[0].upper())
        else:
            self.split(statements, statement)

    def split(self, statements, statement):
        """One statement becomes one for each action: the same where the actions are listed positively."""
        if "Action" in statement and len(statement["Action"]) > 1:
            statements.remove(statement)
            statements.extend({**copy.deepcopy(statement), "Action": [action]} for action in statement["Action"])


def made_up(seed, number):
    maker = Maker(seed, number)
    old = maker.document()
    return {"id": f"made-{seed}-{number}", "old": old, "new": maker.changed(old)}
