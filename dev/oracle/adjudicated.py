#!/usr/bin/env python3
"""Writes `ADJUDICATED.md`: every kind of disagreement with an oracle, for people to read.

The facts are in `adjudicated.json`, the rewritings in `simulate/rules.py`.
Without arguments this checks that the page is what they say, and that each
rule is told of; `--write` writes it.
"""

import argparse
import ast
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE / "ADJUDICATED.md"
FACTS = HERE / "adjudicated.json"
RULES = HERE / "simulate" / "rules.py"

HEAD = """\
# Where Ambit and its oracles disagree, and who is right

Written by `dev/oracle/adjudicated.py --write` from `adjudicated.json` and `simulate/rules.py`; change those, not this page.

Two programs by others check the policy engine: a policy simulator checks the evaluator, and the solver z3 checks the comparison. `README.md` beside this page says how. Each kind of disagreement that was ever seen stands here once. Neither program is the judge: AWS's documentation is. Where it is silent, this page says so, and what Ambit does.

A verdict is one of
- **AWS's page decides, for Ambit**: the simulator departs from what is documented.
- **not documented**: AWS's pages leave it open; the reading that Ambit took is told.
- **against Ambit**: Ambit departs from what is documented, knowingly.
"""

SIMULATOR = """\
## The evaluator and the simulator

Each of these has an example that the check asks every time: the simulator must give the answer told here, and Ambit the right one. Where the simulator is wrong, a rewriting puts the question in words that it understands, and it must then agree with Ambit.
"""

AMBIT = """\
## Where Ambit departs from AWS
"""

Z3 = """\
## The comparison and z3

Every pair on which z3 and Ambit differ, and that is not a mistake in Ambit, would stand here with its direction.
"""

MENDED = """\
## What the oracles found wrong in Ambit

These were mended. They stand here because the next reader of the same pages may fall into the same hole.
"""

# Mistakes of Ambit that an oracle found: what Ambit did, the rule, its page, and what keeps it away.
FOUND = [
    (
        "A range as the address of a caller",
        "the simulator",
        "Ambit took `10.0.0.0/8` in a request for a range, and found it within `10.0.0.0/8`.",
        "A request has one address. What is no address is in no range.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
        "`addresses_are_in_ranges_of_their_own_family` in `src/policy/evaluate/tests/conditions.rs`",
    ),
    (
        "An empty text beside others in a set",
        "z3",
        "Ambit compared two policies with `ForAnyValue:StringEquals` and an empty text as if no request could satisfy it, and said `none`.",
        "A lone empty text is a null data set; beside another value it is a value.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
        "`z3/check.py`, which asks this pair (`made-1-122`) unless it is told to ask less",
    ),
]

TAIL = """\
## What is no disagreement

- **Ambit does not know.** Counted with its reason, and bounded: 12% of the questions, 3% of the pairs. `docs/policy-engine.md` lists what is unknown on purpose.
- **Refused either way.** Nothing allows the request, and Ambit is not sure whether a statement denies it as well: Ambit says `implicitDeny`, the simulator `explicitDeny`. The check asks again with everything allowed; then Ambit must say `unknown`.
- **Left out.** z3 is not asked about policy variables, principals, `BinaryEquals`, a key compared as two types, and more than four set conditions on one key. The simulator is not asked about the management account, RCPs by service, and AWS's own policies and roles, which it cannot tell.
- **z3 ran out of time.** Counted; neither for nor against.
"""


def docstrings():
    """What each function of the rules says about itself."""
    tree = ast.parse(RULES.read_text(encoding="utf-8"))
    return {
        node.name: ast.get_docstring(node).splitlines()[0]
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    }


def names_in(lists):
    """The functions that stand in these lists of the rules, in their order."""
    tree = ast.parse(RULES.read_text(encoding="utf-8"))
    return [
        element.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in lists
        for element in node.value.elts
    ]


def sentence(text):
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def title(id):
    return (id[0].upper() + id[1:]).replace("_", " ").replace("arns", "ARNs").replace("Arns", "ARNs")


def verdict(right):
    """Who is right, in the words of the page's head."""
    if right == "AWS":
        return "AWS's page decides, for Ambit."
    who, _, why = right.partition(": ")
    known = {"undocumented": "not documented", "the simulator": "against Ambit"}
    return f"{known[who]}. {sentence(why)}"


def cell(text):
    """Text in which `|` and `*` are letters; within back quotes they are already."""
    parts = text.split("`")
    parts[::2] = [part.replace("|", "\\|").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def table(groups):
    """All entries at a glance."""
    lines = ["| Kind | Verdict | Seen with |", "|---|---|---|"]
    for group, entries in groups:
        for entry in entries:
            name = title(entry["id"])
            short = verdict(entry["right"]).split(".")[0]
            lines.append(f"| [{name}](#{entry['id'].replace('_', '-')}) | {cell(short)} | {group} |")
    return "\n".join(lines) + "\n"


def asked(example):
    """The request and the policies of an example, in full."""
    request = example["request"]
    lines = [f"{request['action']} on {request['resource']}"]
    if request.get("principal"):
        lines.append(f"by {request['principal']}")
    context = {key: value for key, value in request.get("context", {}).items() if key != "aws:ResourceAccount"}
    if context:
        lines.append(f"with {json.dumps(context)}")
    for layer, policies in example["policies"].items():
        for policy in flat(policies):
            statements = policy["Statement"]
            version = "" if policy.get("Version") == "2012-10-17" else f" ({policy.get('Version')})"
            lines += [f"{layer}{version}: {json.dumps(one)}" for one in statements]
        if not policies:
            lines.append(f"{layer}: none")
    return "```\n" + "\n".join(lines) + "\n```"


def flat(policies):
    """The policies of a layer, however they are nested."""
    if isinstance(policies, dict):
        return [policies]
    return [one for policy in policies for one in flat(policy)]


def of_entry(entry, said):
    """One kind of disagreement."""
    lines = [f"### {title(entry['id'])}", ""]
    lines.append(f"- **The simulator** {cell(entry['simulator'])}.")
    lines.append(f"- **The rule**: {cell(entry['rule'])}. [AWS]({entry['page']})")
    lines.append(f"- **Verdict**: {cell(verdict(entry['right']))}")
    if said:
        lines.append(f"- **Rewriting** `{entry['id']}`: {cell(said)}")
    example = entry.get("example")
    if example:
        lines.append(f"- **Example**: the simulator says {example['simulator']}, right is {example['expected']}.")
        lines += ["", asked(example)]
    return "\n".join(lines) + "\n"


def of_cases(entry):
    """One kind of disagreement with z3."""
    lines = [f"### {title(entry['id'])}", ""]
    lines.append(f"- **The rule**: {cell(entry['rule'])}. [AWS]({entry['page']})")
    lines.append(f"- **Verdict**: {cell(verdict(entry['right']))}")
    lines.append(f"- **Pairs**: {', '.join(entry['cases'])}")
    return "\n".join(lines) + "\n"


def of_found(found):
    """One mistake of Ambit's."""
    name, by, was, rule, page, kept = found
    return f"### {name}\n\n- **Found by** {by}. {was}\n- **The rule**: {rule} [AWS]({page})\n- **Kept away by** {kept}.\n"


def page(facts):
    said = docstrings()
    parts = [HEAD, table([("simulator", facts["simulate"] + facts["ambit"]), ("z3", facts["z3"])])]
    parts += [SIMULATOR, *(of_entry(entry, said.get(entry["id"])) for entry in facts["simulate"])]
    parts += [AMBIT, *(of_entry(entry, said.get(entry["id"])) for entry in facts["ambit"])]
    parts += [Z3, *(map(of_cases, facts["z3"]) if facts["z3"] else ["There is none.\n"])]
    parts += [MENDED, *map(of_found, FOUND), TAIL]
    return "\n".join(parts)


def untold(facts):
    """Rules that nobody tells of, and what is told and is no rule."""
    rules = set(names_in({"RULES", "KNOWN_OF_AMBIT"})) | {"granted_directly"}
    told = {entry["id"] for entry in facts["simulate"] + facts["ambit"]}
    yield from (f"adjudicated.json does not tell of the rule {name}" for name in sorted(rules - told))
    yield from (f"adjudicated.json tells of {name}, which is no rule" for name in sorted(told - rules))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", action="store_true", help="write the page; without it, check that it is current")
    options = arguments.parse_args()
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    problems = list(untold(facts))
    text = page(facts)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        problems.append("ADJUDICATED.md is not what adjudicated.json says: run dev/oracle/adjudicated.py --write")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
