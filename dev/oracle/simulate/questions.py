"""Random questions for `ambit policy simulate --batch`: policies of all layers and a request.

Question N of a seed is always the same. Most statements are made from the
request that they will be asked about, so that what decides is seldom that
nothing matches.
"""

import random

HOME, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}

# Service: actions with the resources that they act on; ACCOUNT is filled in, `*` is an action without a resource.
OBJECTS = [
    "arn:aws:s3:::orders-in/2024/a.txt",
    "arn:aws:s3:::orders-in/alice/b*c",
    "arn:aws:s3:::logs/x:y",
    "arn:aws:s3:::logs/${aws:username}/z",
]
BUCKETS = ["arn:aws:s3:::orders-in", "arn:aws:s3:::logs"]
QUEUES = ["arn:aws:sqs:eu-west-1:ACCOUNT:orders", "arn:aws:sqs:us-east-1:ACCOUNT:alice"]
TABLES = ["arn:aws:dynamodb:eu-west-1:ACCOUNT:table/orders", "arn:aws:dynamodb:eu-west-1:ACCOUNT:table/Orders"]
INDEXES = [table + "/index/by-day" for table in TABLES]
KEYS = ["arn:aws:kms:eu-west-1:ACCOUNT:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
ALIASES = ["arn:aws:kms:eu-west-1:ACCOUNT:alias/orders"]
ROLES = ["arn:aws:iam::ACCOUNT:role/app", "arn:aws:iam::ACCOUNT:role/team/worker"]
USERS = ["arn:aws:iam::ACCOUNT:user/alice", "arn:aws:iam::ACCOUNT:user/team/bob"]
INSTANCES = ["arn:aws:ec2:eu-west-1:ACCOUNT:instance/i-0abc"]
SERVICES = {
    "s3": {
        "GetObject": OBJECTS,
        "PutObject": OBJECTS,
        "ListBucket": BUCKETS,
        "DeleteBucket": BUCKETS,
        "ListAllMyBuckets": ["*"],
    },
    "sqs": {"SendMessage": QUEUES, "ReceiveMessage": QUEUES, "ListQueues": ["*"]},
    "dynamodb": {"GetItem": TABLES, "Query": TABLES + INDEXES, "ListTables": ["*"]},
    "kms": {"Decrypt": KEYS, "GenerateDataKey": KEYS, "DeleteAlias": ALIASES, "ListKeys": ["*"]},
    "sts": {"AssumeRole": ROLES, "TagSession": ROLES, "GetCallerIdentity": ["*"]},
    "ec2": {"StartInstances": INSTANCES, "DescribeInstances": ["*"]},
    "iam": {"GetRole": ROLES, "PassRole": ROLES, "GetUser": USERS, "ListRoles": ["*"]},
}
WITH_POLICY = {"s3", "sqs", "dynamodb", "kms", "sts"}

TEXTS = ["alice", "Alice", "al*", "a?ice", "*", "eu-west-1", "", "${aws:username}", "a*b", "x${*}y", "x*y"]
# Key: (kind, values that requests and policies draw from).
PLAIN = {
    "aws:PrincipalTag/team": ("string", TEXTS),
    "aws:RequestTag/Owner": ("string", TEXTS),
    "s3:prefix": ("string", ["alice/", "alice/x", "", "bob/", "${aws:username}/*", "alice/*"]),
    "aws:RequestedRegion": ("string", ["eu-west-1", "us-east-1", "eu-*", "EU-WEST-1"]),
    "aws:SourceVpce": ("string", ["vpce-1a", "vpce-2b", "vpce-*"]),
    "s3:max-keys": ("number", ["10", "10.0", "1e1", "9", "11", "-1", "10x", "many"]),
    "aws:MultiFactorAuthAge": ("number", ["300", "3600", "0"]),
    "aws:CurrentTime": (
        "date",
        [
            "2024-06-01T00:00:00Z",
            "2024-06-01",
            "2024-06-01T02:00:00+02:00",
            "2025-01-01T00:00:00Z",
            "1717200000",
            "2023",
            "soon",
        ],
    ),
    "aws:EpochTime": ("date", ["1717200000", "1717200001", "2024-06-01T00:00:00Z"]),
    "aws:SecureTransport": ("bool", ["true", "false", "True", True, False, "yes"]),
    "aws:MultiFactorAuthPresent": ("bool", ["true", "false", True, False]),
    "aws:SourceIp": (
        "ip",
        [
            "10.0.0.1",
            "10.0.0.0/8",
            "10.0.0.1/32",
            "0.0.0.0/0",
            "192.0.2.0/24",
            "192.0.2.7",
            "2001:db8::1",
            "2001:DB8:0::1",
            "2001:db8::/32",
            "::/0",
            "here",
        ],
    ),
    "aws:SourceArn": (
        "arn",
        [
            "arn:aws:sns:eu-west-1:111111111111:topic",
            "arn:aws:sns:*:111111111111:*",
            "arn:aws:sns:*",
            "arn:aws:s3:::orders-in",
            "*",
            "topic",
            "arn:aws:sns:eu-west-1:${aws:PrincipalAccount}:topic",
            "arn:aws:sns:eu-west-1:111111111111:a:b",
        ],
    ),
    "kms:EncryptionContext:blob": ("binary", ["YWxpY2U=", "Ym9i", "YWxpY2V=", "?"]),
}
LISTS = {
    "aws:TagKeys": ("string", ["team", "Team", "owner", "t*", ""]),
    "aws:CalledVia": ("string", ["athena.amazonaws.com", "kms.amazonaws.com", "*.amazonaws.com"]),
    "dynamodb:LeadingKeys": ("string", ["alice", "bob", "${aws:username}", "a*"]),
    "kms:RequestAlias": ("string", ["alias/orders", "alias/*"]),
}
ABOUT_CALLER = ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:username", "aws:PrincipalType"]
OPERATORS = {
    "string": [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ],
    "number": [
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ],
    "date": [
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ],
    "bool": ["Bool"],
    "ip": ["IpAddress", "NotIpAddress"],
    "arn": ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
    "binary": ["BinaryEquals"],
}


class Asker:
    """One question's worth of choices."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}:{number}")
        self.id = f"{seed}-{number}"

    def one(self, choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability

    def few(self, choices, most):
        return [self.one(choices) for _ in range(self.random.randint(1, most))]

    def lone_or_list(self, values):
        return values[0] if len(values) == 1 and self.chance(0.5) else values

    # --- the request

    def caller(self):
        """The principal and what the context says of it."""
        account = self.one([HOME, HOME, HOME, OTHER])
        kind = self.random.choices(
            ["user", "session", "role", "root", "federated", "service", "anonymous", "absent"],
            [30, 40, 4, 4, 4, 5, 6, 7],
        )[0]
        if kind == "user":
            path = self.one(["alice", "team/bob"])
            arn = f"arn:aws:iam::{account}:user/{path}"
            about = {"aws:username": path.split("/")[-1], "aws:PrincipalArn": arn, "aws:PrincipalType": "User"}
        elif kind == "session":
            role = self.one(["app", "worker"])
            arn = f"arn:aws:sts::{account}:assumed-role/{role}/{self.one(['one', 'two'])}"
            about = {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/{role}", "aws:PrincipalType": "AssumedRole"}
        elif kind == "role":
            arn = f"arn:aws:iam::{account}:role/app"
            about = {"aws:PrincipalArn": arn, "aws:PrincipalType": "AssumedRole"}
        elif kind == "root":
            arn = f"arn:aws:iam::{account}:root"
            about = {"aws:PrincipalArn": arn, "aws:PrincipalType": "Account"}
        elif kind == "federated":
            arn = f"arn:aws:sts::{account}:federated-user/alice"
            about = {"aws:PrincipalArn": arn, "aws:PrincipalType": "FederatedUser"}
        else:
            arn = {"service": "events.amazonaws.com", "anonymous": "*", "absent": None}[kind]
            return kind, arn, {"aws:PrincipalType": "Anonymous"} if kind == "anonymous" else {}
        return kind, arn, {**about, "aws:PrincipalAccount": account}

    def context(self, about):
        context = {} if self.chance(0.1) else dict(about)
        for key in self.random.sample(sorted(PLAIN), self.random.randint(2, 7)):
            values = PLAIN[key][1]
            value = str(self.one(values)).lower() if PLAIN[key][0] == "bool" and self.chance(0.7) else self.one(values)
            context[key] = self.strange(str(value), values)
        for key in self.random.sample(sorted(LISTS), self.random.randint(0, 2)):
            context[key] = self.few(LISTS[key][1], 3) if self.chance(0.95) else []
        return context

    def strange(self, value, values):
        """A value as it should be; now and then a list where none belongs."""
        if self.chance(0.04):
            return [str(other) for other in self.few(values, 2)]
        return [] if self.chance(0.01) else value

    def request(self):
        service = self.one(sorted(SERVICES))
        action = self.one(sorted(SERVICES[service]))
        if action == "GetCallerIdentity" and self.chance(0.9):
            action = "AssumeRole"  # It needs no permission, so there is little to ask about it.
        kind, principal, about = self.caller()
        owner = self.one([HOME, HOME, HOME, OTHER])
        resource = self.one(SERVICES[service][action]).replace("ACCOUNT", owner)
        context = self.context(about)
        if len(resource.split(":")) > 4 and not resource.split(":")[4]:
            context["aws:ResourceAccount"] = owner
        elif resource == "*" and self.chance(0.5):
            context["aws:ResourceAccount"] = principal.split(":")[4] if kind in ("user", "session") else owner
        self.kind, self.principal, self.service, self.action = kind, principal, service, f"{service}:{action}"
        self.resource, self.owner, self.values = resource, owner, context
        request = {"action": self.action, "resource": resource, "context": context}
        return request if principal is None else {**request, "principal": principal}

    # --- policies about it

    def action_pattern(self):
        service, action = self.action.split(":")
        other = self.one(sorted(SERVICES))
        return self.one(
            [
                "*",
                self.action,
                self.action,
                self.action.lower(),
                self.action.upper(),
                f"{service}:*",
                f"{service}:*",
                f"{service}:{action[:3]}*",
                f"{service}:*{action[2:]}",
                f"{service}:{action[:2]}?{action[3:]}",
                f"{service.upper()}:{action}",
                f"{other}:*",
                f"{other}:{self.one(sorted(SERVICES[other]))}",
                self.one(
                    [
                        "*:*",
                        f"{service[0]}*:{action}",
                        f" {self.action}",
                        f"{self.action} ",
                        "?" + self.action[1:],
                        f"{self.action},{other}:*",
                        "**",
                        f"{service}:**",
                    ]
                ),
            ]
        )

    def resource_pattern(self):
        if self.resource == "*":
            return self.one(["*", "*", "*", f"arn:aws:{self.service}:*:*:*", f"arn:aws:{self.service}:::*", "**", "?"])
        head, tail = self.resource.split(":")[:5], ":".join(self.resource.split(":")[5:])
        region_and_account = ":".join(head[3:])
        start = ":".join(head)
        cut = self.random.randint(0, len(tail))
        other = self.one(self.one([OBJECTS, QUEUES, TABLES, KEYS, ROLES, USERS]))
        return self.one(
            [
                "*",
                self.resource,
                self.resource,
                f"{start}:*",
                f"{start}:{tail[:cut]}*",
                f"{start}:{tail[:cut]}*",
                f"{start}:{tail[:cut]}?{tail[cut + 1 :]}",
                f"{start}:{tail[:cut]}*{tail[-2:]}",
                f"arn:aws:{self.service}:*:*:{tail}",
                f"arn:*:*:{region_and_account}:{tail}",
                other.replace("ACCOUNT", self.owner),
                f"{start}:{tail.swapcase()}",
                f"{start}:{tail.replace('alice', '${aws:username}').replace('orders', '${aws:PrincipalTag/team}')}",
                self.one(
                    [
                        f"{start}:{tail[:cut]}${{aws:username, 'alice'}}*",
                        f"{start}:*/${{aws:username}}",
                        f"{start}:{tail}${{aws:PrincipalTag/none}}",
                        f"{start}:{tail.replace('*', '${*}')}",
                    ]
                ),
                self.one(
                    [
                        f"arn:aws:{self.service}:*",
                        f"arn:aws:{self.service}",
                        "arn:*",
                        f"*{tail[-3:]}",
                        f"*{tail[:3]}*",
                        f"arn:aws:{self.service}:{head[3]}:*",
                        f"arn:AWS:{self.service.upper()}:{region_and_account}:{tail}",
                        f"{start}:*/{tail.split('/')[-1]}",
                        f"arn:aws:*:{region_and_account}:{tail}",
                        "arn:aws:s3:::*",
                    ]
                ),
            ]
        )

    def condition_key(self):
        """A key with its kind and values; more often one that the request has."""
        pool = {**PLAIN, **LISTS}
        key = self.one(sorted(pool))
        present = sorted(set(self.values) & set(pool))
        if present and self.chance(0.6):
            key = self.one(present)
        if self.chance(0.15):
            key = self.one(ABOUT_CALLER)
            values = {
                "aws:PrincipalArn": [
                    self.principal or "*",
                    f"arn:aws:iam::{HOME}:role/*",
                    f"arn:aws:iam::{HOME}:user/alice",
                ],
                "aws:PrincipalAccount": [HOME, OTHER, "1*"],
                "aws:username": ["alice", "bob", "*", "ALICE"],
                "aws:PrincipalType": ["User", "AssumedRole", "Account", "A*"],
            }[key]
            return key, "arn" if key == "aws:PrincipalArn" else "string", values
        return key, *pool[key]

    def condition(self):
        condition = {}
        for _ in range(self.one([1, 1, 1, 2])):
            key, kind, values = self.condition_key()
            kind = kind if self.chance(0.9) else self.one(sorted(OPERATORS))
            operator = "Null" if self.chance(0.08) else self.one(OPERATORS[kind])
            chosen = self.few(values, 3)
            if operator == "Null":
                chosen = [self.one(["true", "false", True, False])]
            else:
                operator += "IfExists" if self.chance(0.2) else ""
                sets = 0.7 if key in LISTS else 0.08
                operator = (self.one(["ForAllValues:", "ForAnyValue:"]) if self.chance(sets) else "") + operator
            operator = operator.lower() if self.chance(0.02) else operator
            key = key.upper() if self.chance(0.05) else key
            condition.setdefault(operator, {})[key] = self.lone_or_list(chosen)
        return condition

    def statement(self, deny=0.2, principals=False, resources=True):
        statement = {"Effect": "Deny" if self.chance(deny) else "Allow"}
        if principals and self.chance(0.97):
            name = "NotPrincipal" if statement["Effect"] == "Deny" and self.chance(0.4) else "Principal"
            statement[name] = self.principals()
        name = "NotAction" if self.chance(0.12) else "Action"
        statement[name] = self.lone_or_list([self.action_pattern() for _ in range(self.one([1, 1, 2]))])
        if resources:
            name = "NotResource" if self.chance(0.12) else "Resource"
            statement[name] = self.lone_or_list([self.resource_pattern() for _ in range(self.one([1, 1, 2]))])
        if self.chance(0.55):
            statement["Condition"] = self.condition()
        return statement

    def principals(self):
        if self.chance(0.15):
            return "*"
        account = self.one([HOME, OTHER, THIRD])
        caller_account = (self.principal or "").split(":")[4] if (self.principal or "").startswith("arn") else HOME
        choices = [
            ("AWS", "*"),
            ("AWS", caller_account),
            ("AWS", f"arn:aws:iam::{caller_account}:root"),
            ("AWS", account),
            ("AWS", f"arn:aws:iam::{account}:user/alice"),
            ("AWS", f"arn:aws:iam::{account}:role/app"),
            ("AWS", f"arn:aws:iam::{caller_account}:role/app"),
            ("AWS", f"arn:aws:iam::{caller_account}:role/team/worker"),
            ("AWS", f"arn:aws:sts::{caller_account}:assumed-role/app/one"),
            ("AWS", f"arn:aws:iam::{caller_account}:user/alice"),
            ("Service", "events.amazonaws.com"),
        ]
        if self.kind == "service":
            choices += [("Service", self.principal)] * 6
        elif self.kind not in ("anonymous", "absent"):
            choices += [("AWS", self.principal)] * 5
        named = {}
        for kind, name in self.few(choices, 3):
            named.setdefault(kind, []).append(name)
        return {kind: self.lone_or_list(names) for kind, names in named.items()}

    def document(self, **kinds):
        version = "2012-10-17" if self.chance(0.93) else self.one(["2008-10-17", None])
        statements = [self.statement(**kinds) for _ in range(self.one([1, 1, 2, 3]))]
        document = {"Version": version, "Statement": statements}
        if version is None:
            del document["Version"]
        return document

    def limit(self):
        """A boundary, session policy or SCP: wide more often than not."""
        if self.chance(0.5):
            wide = {"Effect": "Allow", "Action": self.one(["*", f"{self.service}:*"]), "Resource": "*"}
            document = self.document(deny=0.5)
            document["Statement"].append(wide)
            return document
        return self.document()

    def policies(self):
        policies = {"identity": [self.document() for _ in range(self.one([0, 1, 1, 1, 2]))]}
        if self.kind in ("user", "session", "role") and self.chance(0.25):
            policies["boundary"] = self.limit()
        if self.kind in ("session", "role", "federated") and self.chance(0.25):
            policies["session"] = self.limit()
        if (
            self.service in WITH_POLICY
            and self.resource != "*"
            and self.chance(0.8 if self.service in ("kms", "sts") else 0.45)
        ):
            trust = self.service == "sts"
            policies["resource"] = self.document(principals=True, resources=not trust)
        if self.chance(0.15):
            policies["scps"] = [[self.limit() for _ in range(self.one([1, 2]))] for _ in range(self.one([1, 2]))]
        if self.chance(0.1):
            deny = {"Version": "2012-10-17", "Statement": [{**self.statement(deny=1), "Principal": "*"}]}
            policies["rcps"] = [self.one([[FULL], [FULL, deny], [deny]])]
        return policies


def question(seed, number):
    asker = Asker(seed, number)
    request = asker.request()
    return {"id": asker.id, "request": request, "policies": asker.policies()}
