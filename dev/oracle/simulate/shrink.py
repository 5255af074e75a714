"""Makes a question smaller while it stays interesting, so that a person sees what it is about."""

import copy


def places(value, path=()):
    """The paths of everything in a question that could be left out or be made one of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path + (key,)
            yield from places(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield path + (index,)
            yield from places(inner, path + (index,))


KEPT = {
    "id",
    "request",
    "policies",
    "principal",
    "action",
    "resource",
    "context",
    "identity",
    "Effect",
    "Action",
    "NotAction",
    "Statement",
    "Version",
    "Principal",
    "NotPrincipal",
    "Resource",
    "NotResource",
}


def without(question, path):
    """The question less what lies at the path; None if it would be no question any more."""
    if path[-1] in KEPT and not (path[-1] == "resource" and path[0] == "policies"):
        return None
    question = copy.deepcopy(question)
    holder = question
    for step in path[:-1]:
        holder = holder[step]
    if isinstance(holder, list) and len(holder) == 1 and path[:-1] != ("policies", "identity"):
        return None
    del holder[path[-1]]
    return question


def smaller(question):
    """Every question that has one thing less, the largest things first."""
    found = (without(question, path) for path in sorted(places(question), key=lambda path: (len(path), str(path))))
    return [one for one in found if one is not None]


def shrink(questions, interesting, rounds=40):
    """`interesting(questions)` answers the ids of those that still are; all are asked together."""
    current = {question["id"]: question for question in questions}
    open_ids = set(current)
    for _ in range(rounds):
        asked = [
            {**one, "id": f"{id}/{number}"}
            for id in sorted(open_ids)
            for number, one in enumerate(smaller(current[id]))
        ]
        if not asked:
            break
        kept = interesting(asked)
        open_ids = set()
        for one in asked:
            id = one["id"].rsplit("/", 1)[0]
            if one["id"] in kept and id not in open_ids:
                current[id] = {**one, "id": id}
                open_ids.add(id)
    return [current[question["id"]] for question in questions]
