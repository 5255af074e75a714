"""Where the simulator is known to depart from AWS's documentation, as rewritings of a question.

Each rule takes a question and says the same in words that the simulator
understands: for AWS the new question means what the old one meant. So where
the simulator changes its answer, its first answer was wrong; and where Ambit
agrees with the second, Ambit follows the documentation. What each rule rests
on is told in `adjudicated.json`, under the name of its function.
"""

import copy
import re

import texts

NOWHERE = "arn:aws:nothing:::nothing"
NOTHING = "nothing:Nothing"
NOBODY = {"AWS": "arn:aws:iam::999999999999:user/nobody"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NONE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": NOTHING, "Resource": "*"}]}


def as_list(value):
    return value if isinstance(value, list) else [value]


def documents(question):
    """Every document with the name of its layer."""
    policies = question["policies"]
    yield from (("identity", document) for document in policies.get("identity", []))
    yield from ((layer, policies[layer]) for layer in ("boundary", "session", "resource") if policies.get(layer))
    for layer in ("scps", "rcps"):
        yield from ((layer, document) for level in policies.get(layer, []) for document in level)


def statements(question):
    """Every statement with its layer and whether variables count in it."""
    for layer, document in documents(question):
        for statement in as_list(document["Statement"]):
            yield layer, document.get("Version") == "2012-10-17", statement


def settle_entries(statement, names, rule, hit, miss):
    """Replaces the entries of a list that the rule decides by one that always and one that never matches."""
    for name in names:
        if name in statement:
            decided = [(entry, rule(entry)) for entry in as_list(statement[name])]
            if any(verdict is not None for _, verdict in decided):
                statement[name] = [entry if verdict is None else hit if verdict else miss for entry, verdict in decided]


def settle_actions(question, rule):
    for _, _, statement in statements(question):
        settle_entries(statement, ("Action", "NotAction"), rule, "*", NOTHING)


def settle_resources(question, rule):
    """`rule(pattern, layer, variables)` decides whether the pattern matches the request's resource."""
    for layer, variables, statement in statements(question):
        settle_entries(
            statement, ("Resource", "NotResource"), lambda entry: rule(entry, layer, variables), "*", NOWHERE
        )


def settle_conditions(question, applies, holds=None):
    """Replaces each condition to which the rule applies by one that says outright whether it holds.

    `applies(operator, values, given, variables)`; without `holds`, the truth is what `texts` finds.
    """
    context = question["request"]["context"]
    for _, variables, statement in statements(question):
        settled, before = {}, len(statement.get("Condition", {}).get("Null", {}))
        for operator, keys in list(statement.get("Condition", {}).items()):
            for key, values in list(keys.items()):
                given = texts.lookup(context, key)
                if applies(operator.lower(), as_list(values), given, variables):
                    outcome = (holds or texts.condition_holds)(operator, as_list(values), given, context, variables)
                    if outcome is not None:
                        settled[f"settled:{before + len(settled)}"] = "true" if outcome else "false"
                        del keys[key]
            if not keys:
                del statement["Condition"][operator]
        if settled:
            # A key that no request has: `Null` says true or false of it as it is told.
            statement["Condition"].setdefault("Null", {}).update(settled)


def base(operator):
    return operator.split(":")[-1].removesuffix("ifexists")


def plain_texts(values, given):
    """All values of a condition and of the request, as texts."""
    return [str(value) for value in values] + ([] if given is None else as_list(given))


# --- conditions


def addresses(question):
    """Bare addresses, `/0`, IPv6 in other words, and what is no address."""
    settle_conditions(question, lambda operator, values, given, _: base(operator).endswith("ipaddress"))


def numbers(question):
    """Exponents, and texts that only begin like a number."""
    settle_conditions(
        question,
        lambda operator, values, given, _: (
            base(operator).startswith("numeric")
            and not all(re.fullmatch(r"-?\d+(\.\d+)?", text) for text in plain_texts(values, given))
        ),
    )


def times(question):
    """Epoch seconds beside dates, and what is no time."""
    settle_conditions(
        question,
        lambda operator, values, given, _: (
            base(operator).startswith("date")
            and not all(texts.MOMENT.fullmatch(text) and len(text) > 4 for text in plain_texts(values, given))
        ),
    )


def bytes_in_base64(question):
    """The same bytes in other letters, and what is no base64."""
    settle_conditions(question, lambda operator, values, given, _: base(operator) == "binaryequals")


def arns_in_conditions(question):
    """Variables before the last segment, fewer than six segments, a first segment that is not `arn`."""

    def applies(operator, values, given, variables):
        # Whatever the key holds instead of a time: six segments are compared.
        return base(operator).startswith("arn") and not all(
            len(texts.written_segments(text)) == 6 and text.startswith("arn:") and "${" not in text.rsplit(":", 1)[0]
            for text in plain_texts(values, given)
        )

    settle_conditions(question, applies)


def signs_in_equals(question):
    """`${*}`, `${?}` and `${$}` are one character in StringEquals, too."""
    settle_conditions(
        question,
        lambda operator, values, given, variables: (
            variables
            and "equals" in operator
            and base(operator).startswith("string")
            and any(re.search(r"\$\{[*?$]\}", str(value)) for value in values)
        ),
    )


def variables_without_value(question):
    """A value with such a variable matches nothing, so its negation holds; such a resource is no resource."""
    context = question["request"]["context"]

    def unresolved(text):
        try:
            texts.tokens(text, context)
        except texts.Unresolved:
            return True
        return False

    settle_conditions(
        question,
        lambda operator, values, given, variables: (
            variables
            and base(operator).startswith(("string", "arn"))
            and any(unresolved(str(value)) for value in values)
        ),
    )
    settle_resources(
        question,
        lambda text, layer, variables: (
            False if variables and "${" in text and unresolved(text.split(":", 5)[-1]) else None
        ),
    )


def variables_of_2008(question):
    """Without Version 2012-10-17 a variable is text."""
    settle_conditions(
        question,
        lambda operator, values, given, variables: (
            not variables
            and base(operator).startswith(("string", "arn"))
            and any("${" in str(value) for value in values)
        ),
    )
    target = question["request"]["resource"]
    settle_resources(
        question,
        lambda text, layer, variables: (
            None if variables or "${" not in text else texts.arn_fits(text, target, {}, variables=False)
        ),
    )


def empty_lists(question):
    """A key with an empty list is a key that is absent."""
    context = question["request"]["context"]
    for key in [key for key, value in context.items() if value == []]:
        del context[key]


def empty_text_as_a_set(question):
    """Nothing but empty text is an empty set to ForAllValues and ForAnyValue."""

    def is_empty(given):
        return given == "" or (isinstance(given, list) and given and not any(given))

    settle_conditions(
        question,
        lambda operator, values, given, _: is_empty(given) and operator.startswith("for"),
    )


# --- actions and resources


def wildcards_in_services(question):
    """Wildcards count before the colon of an action as well."""
    action = question["request"]["action"].lower()

    def rule(text):
        if not re.search(r"[*?]", text.split(":")[0]) or not text.strip("*"):
            return None
        return texts.fits(texts.tokens(text.lower(), {}, variables=False), action)

    settle_actions(question, rule)


def shapes_of_resources(question):
    """Wildcards and variables in the resource type, letter case and `arn` in the first segments."""
    request = question["request"]

    def rule(text, layer, variables):
        parts = texts.written_segments(text)
        if request["resource"] == "*" or len(parts) != 6:
            return None
        kind = re.match(r"[^/:]*[/:]", re.sub(r"\$\{[^}]*\}", "$", parts[5]))
        odd = (
            (kind and re.search(r"[*?$]", kind[0]))
            or parts[0] != "arn"
            or parts[:5] != [part.lower() for part in parts[:5]]
        )
        if not odd and "${" not in parts[5]:
            return None
        try:
            return texts.arn_fits(text, request["resource"], request["context"], variables=variables)
        except texts.Unresolved:
            return None

    settle_resources(question, rule)


def short_arns(question):
    """An ARN with fewer than six segments that ends in `*` runs on as it is written."""
    request = question["request"]

    def rule(text, layer, variables):
        if len(texts.written_segments(text)) == 6 or not text.strip("*"):
            return None
        if layer == "resource" and not text.endswith("*") or request["resource"] == "*":
            return False
        if text.endswith("*"):
            return texts.fits(texts.tokens(text, {}, variables=False), request["resource"])
        matches = texts.arn_fits(text + ":*" * (6 - len(text.split(":"))), request["resource"], {}, variables=False)
        return matches if layer in ("identity", "boundary") or not matches else None

    settle_resources(question, rule)


def stars_in_requests(question):
    """A `*` in the name of a real resource is a letter like any other; the simulator takes it for a pattern."""
    request = question["request"]
    target = request["resource"]
    if "*" not in target or target == "*":
        return

    def rule(text, layer, variables):
        try:
            return texts.arn_fits(text, target, request["context"], variables=variables) if text.strip("*") else None
        except texts.Unresolved:
            return False

    settle_resources(question, rule)
    request["resource"] = target.replace("*", "-")


# --- callers and layers


def names_of(principal):
    """What a Principal element names, as pairs of kind and name."""
    if isinstance(principal, str):
        return [("AWS", principal)]
    return [(kind, name) for kind, names in principal.items() for name in as_list(names)]


def account_of(principal):
    return principal.split(":")[4] if principal and principal.startswith("arn:") else None


def account_named(name):
    """The account that a name delegates to, if it does."""
    found = re.fullmatch(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?", name)
    return found and found[1]


def parents(principal):
    """The role of a session, in any path; nothing else has one."""
    found = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.*", principal or "")
    return re.compile(rf"arn:aws:iam::{found[1]}:role/(.*/)?{re.escape(found[2])}") if found else None


def is_direct(kind, name, principal):
    """Whether a policy that names this grants to the caller itself: a role stands for its sessions."""
    return name == "*" and kind == "AWS" or name == principal and ":role/" not in name


def not_principals(question):
    """A Deny with NotPrincipal spares whom it names with all parents, and nobody of whom it names only the account."""
    principal, boundary = question["request"].get("principal"), question["policies"].get("boundary")
    if boundary or principal is None:
        return
    for layer, _, statement in statements(question):
        if layer != "resource" or "NotPrincipal" not in statement:
            continue
        named = names_of(statement["NotPrincipal"])
        role = parents(principal)
        root = principal.endswith(":root")
        if any(
            name == principal
            or is_direct(kind, name, principal)
            or role
            and role.fullmatch(name)
            or root
            and account_named(name) == account_of(principal)
            for kind, name in named
        ):
            continue
        del statement["NotPrincipal"]
        statement["Principal"] = "*"


def granted_directly(question):
    """The question whether the resource policy alone allows it; None where it cannot.

    The simulator lets a session policy limit even what a resource policy grants
    to the session itself. So the question is asked without the session policy's
    limit as well, of nothing but such grants and all denials.
    """
    request, policies = question["request"], question["policies"]
    principal, resource = request.get("principal"), policies.get("resource")
    owner = "".join(request["resource"].split(":")[4:5]) or texts.lookup(request["context"], "aws:ResourceAccount")
    if not policies.get("session") or not resource or account_of(principal) != (owner or account_of(principal)):
        return None
    kept = [
        statement
        for statement in as_list(resource["Statement"])
        if statement["Effect"] == "Deny"
        or any(is_direct(kind, name, principal) for kind, name in names_of(statement.get("Principal", {})))
    ]
    if all(statement["Effect"] == "Deny" for statement in kept):
        return None
    question = copy.deepcopy(question)
    policies = question["policies"]
    policies["resource"]["Statement"] = [one for one in as_list(policies["resource"]["Statement"]) if one in kept]
    for document in [policies["session"], *policies["identity"]]:
        document["Statement"] = [one for one in as_list(document["Statement"]) if one["Effect"] == "Deny"]
    policies["session"]["Statement"].append(ALL)
    return question


def with_all_allowed(question):
    """The same question where every layer allows everything, so that only denials decide."""
    question = copy.deepcopy(question)
    policies = question["policies"]
    policies["identity"].append({"Version": "2012-10-17", "Statement": [ALL]})
    federated_users(question)
    grant = {key: value for key, value in ALL.items() if key != "Resource"}
    policies.setdefault("resource", {"Version": "2012-10-17", "Statement": []})
    for layer, document in documents(question):
        document["Statement"] = as_list(document["Statement"]) + [
            {**grant, "Principal": "*"}
            if layer == "resource" and is_trust(question)
            else {**ALL, "Principal": "*"}
            if layer in ("resource", "rcps")
            else ALL
        ]
    return question


def is_trust(question):
    return question["request"]["action"].lower().startswith("sts:") and ":role/" in question["request"]["resource"]


def federated_users(question):
    """A federated user without a session policy may do nothing by its user's policies."""
    if ":federated-user/" in (question["request"].get("principal") or ""):
        question["policies"].setdefault("session", copy.deepcopy(NONE))


def root_users(question):
    """The root user needs no identity policy and has no boundary."""
    principal = question["request"].get("principal") or ""
    if principal.endswith(":root"):
        policies = question["policies"]
        policies["identity"] = [*policies.get("identity", []), {"Version": "2012-10-17", "Statement": [ALL]}]
        policies.pop("boundary", None)
        policies.pop("session", None)


def trust_and_keys(question):
    """A role is assumed, and a key used, only as its own policy allows, in its own account as well."""
    request, policies = question["request"], question["policies"]
    role = (
        request["action"].lower().startswith(("sts:assumerole", "sts:tagsession")) and ":role/" in request["resource"]
    )
    if role and not policies.get("resource"):
        policies["resource"] = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": NOBODY, "Action": NOTHING, "Resource": "*"}],
        }


def services_as_callers(question):
    """A service has no identity policy, boundary or session policy, and no SCP binds it."""
    principal = question["request"].get("principal") or ""
    if principal not in ("", "*") and not principal.startswith("arn:"):
        question["policies"]["identity"] = []
        for layer in ("boundary", "session", "scps"):
            question["policies"].pop(layer, None)


def keys_about_callers(question):
    """AWS itself sets the keys that tell who calls."""
    request = question["request"]
    principal, context = request.get("principal") or "", request["context"]
    known = {}
    if principal == "*":
        known["aws:PrincipalType"] = "Anonymous"
    elif principal.startswith("arn:"):
        account, name = account_of(principal), principal.split(":", 5)[5]
        session = re.fullmatch(r"assumed-role/([^/]+)/.*", name)
        kinds = {
            "user": "User",
            "role": "AssumedRole",
            "assumed-role": "AssumedRole",
            "root": "Account",
            "federated-user": "FederatedUser",
        }
        known = {
            "aws:PrincipalArn": f"arn:aws:iam::{account}:role/{session[1]}" if session else principal,
            "aws:PrincipalAccount": account,
            "aws:PrincipalType": kinds[name.split("/")[0]],
        }
        if name.startswith("user/"):
            known["aws:username"] = name.split("/")[-1]
    owner = request["resource"].split(":")[4:5]
    if owner and owner[0]:
        known["aws:ResourceAccount"] = owner[0]
    for key, value in known.items():
        if texts.lookup(context, key) is None:
            context[key] = value


def caller_identity(question):
    """Whether the question is about the one call that anyone may make."""
    return question["request"]["action"].lower() == "sts:getcalleridentity"


# Where Ambit departs from the documentation, and the simulator does not.
KNOWN_OF_AMBIT = [caller_identity]

# Order matters: keys first, since variables draw on them; 2008 before variables are filled in.
RULES = [
    keys_about_callers,
    empty_lists,
    variables_of_2008,
    addresses,
    numbers,
    times,
    bytes_in_base64,
    arns_in_conditions,
    signs_in_equals,
    empty_text_as_a_set,
    variables_without_value,
    wildcards_in_services,
    short_arns,
    stars_in_requests,
    shapes_of_resources,
    services_as_callers,
    root_users,
    federated_users,
    trust_and_keys,
    not_principals,
]
