#!/usr/bin/env python3
"""Compares Ambit's evaluator with the policy simulator `@cloud-copilot/iam-simulate` on random questions.

Each question is asked of Ambit, of the simulator as it is, and of the simulator
after the rewritings of `rules.py`, which mend where it departs from AWS's
documentation. Ambit must agree with the mended simulator on every question, or
say that it does not know; where only the mending brought agreement, the report
names the rule. Exit status 1 when anything is left over.
"""

import argparse
import collections
import copy
import json
import pathlib
import subprocess
import sys
import time

import questions
import rules
import shrink

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PACKAGES = ROOT / ".tools" / "oracle" / "simulate"
ADJUDICATED = HERE.parent / "adjudicated.json"
# More than this share of "unknown" and the agreement would say little.
MOST_UNKNOWN = 0.12


def ask(command, asked):
    """The decisions of a program that reads and writes JSON lines, by id."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=600)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asked):
        sys.exit(f"{command[0]} answered {len(answers)} of {len(asked)} questions: {done.stderr.strip()[:2000]}")
    return {answer["id"]: answer for answer in answers}


def decisions(answers):
    return {id: answer.get("decision") or f"error: {answer.get('error')}" for id, answer in answers.items()}


def ask_simulator(asked):
    return decisions(ask(["node", str(HERE / "answer.mjs"), str(PACKAGES)], asked)) if asked else {}


def rewritten(question, chosen):
    question = copy.deepcopy(question)
    for rule in chosen:
        rule(question)
    return question


def mended(asked, chosen):
    """What the simulator says once these rules have said each question in its words."""
    forms = {question["id"]: rewritten(question, chosen) for question in asked}
    direct = {id: grant for id, form in forms.items() if (grant := rules.granted_directly(form))}
    found = ask_simulator(list(forms.values()))
    for id, decision in ask_simulator(list(direct.values())).items():
        if decision == "allowed" and found[id] == "implicitDeny":
            found[id] = decision
    return found


def attribute(asked, ours):
    """For each question on which only the mending agreed: the rules that do it, alone where one does."""
    causes = collections.defaultdict(list)
    for rule in rules.RULES + [None]:
        changed = [question for question in asked if rule is None or rewritten(question, [rule]) != question]
        found = mended(changed, [rule] if rule else [])
        for question in changed:
            if found[question["id"]] == ours[question["id"]]:
                causes[question["id"]].append(rule.__name__ if rule else "granted_directly")
    return {question["id"]: causes[question["id"]] or ["several"] for question in asked}


def signature(question):
    """What small leftovers are grouped by: layers, elements, operators."""
    layers = "+".join(sorted(layer for layer, value in question["policies"].items() if value))
    parts = set()
    for _, _, statement in rules.statements(question):
        parts.update(part for part in statement if part.startswith(("Not", "Principal")))
        parts.update(rules.base(operator.lower()) for operator in statement.get("Condition", {}))
    return f"{layers}; {' '.join(sorted(parts))}"


def table(title, counts, most=30):
    print(f"\n{title}")
    lines = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for name, count in lines[:most]:
        print(f"  {count:7}  {name}")
    if lines[most:]:
        print(f"  {sum(count for _, count in lines[most:]):7}  in {len(lines) - most} more lines")


def refused_either_way(ambit, asked, ours, theirs):
    """Ids of questions that Ambit refuses for want of an allow, the simulator by a denial of which Ambit is not sure.

    To be certain of that, Ambit is asked again with everything allowed: then the doubt is all that is left.
    """
    doubtful = [
        rules.with_all_allowed(question)
        for question in asked
        if (ours[question["id"]], theirs[question["id"]]) == ("implicitDeny", "explicitDeny")
    ]
    return (
        {id for id, decision in decisions(ask(ambit, doubtful)).items() if decision == "unknown"} if doubtful else set()
    )


def report(ambit, asked, answers, plain, mend):
    ours = decisions(answers)
    refused = refused_either_way(ambit, asked, ours, mend)
    counts, leftovers, only_mended = collections.Counter(), [], []
    for question in asked:
        id = question["id"]
        if ours[id] == "unknown":
            counts["Ambit does not know"] += 1
        elif id in refused:
            counts["agreed: refused, though Ambit is not sure whether by a denial"] += 1
        elif ours[id] != mend[id] and any(known(question) for known in rules.KNOWN_OF_AMBIT):
            counts["Ambit departs from AWS, as told in adjudicated.json"] += 1
        elif ours[id] != mend[id]:
            counts["left over"] += 1
            leftovers.append(question)
        elif ours[id] == plain[id]:
            counts[f"agreed: {ours[id]}"] += 1
        else:
            counts["agreed once the simulator was mended"] += 1
            only_mended.append(question)
    table(f"{len(asked)} questions", counts)
    causes = attribute(only_mended, ours)
    table(
        "mended by (several may do it alone)", collections.Counter(rule for rules in causes.values() for rule in rules)
    )
    table(
        "why Ambit does not know",
        collections.Counter(
            (answers[question["id"]].get("reason") or "no reason given").split(": ", 1)[-1]
            for question in asked
            if ours[question["id"]] == "unknown"
        ),
    )
    return causes, leftovers, counts["Ambit does not know"]


def left_over(ambit, asked):
    """The ids of the questions on which Ambit and the mended simulator differ, with both answers."""
    ours, theirs = decisions(ask(ambit, asked)), mended(asked, rules.RULES)
    refused = refused_either_way(ambit, asked, ours, theirs)
    return {id: (ours[id], theirs[id]) for id in ours if ours[id] not in ("unknown", theirs[id]) and id not in refused}


def show_smallest(ambit, leftovers, most):
    """Prints leftovers by group, each as small as it can be and still differ the same way."""
    chosen = sorted(leftovers, key=lambda question: len(json.dumps(question)))[:300]
    was = left_over(ambit, chosen)

    def interesting(asked):
        return {id for id, answers in left_over(ambit, asked).items() if answers == was[id.rsplit("/", 1)[0]]}

    groups = collections.defaultdict(list)
    for question in shrink.shrink(chosen, interesting):
        ours, theirs = was[question["id"]]
        groups[f"Ambit {ours}, simulator mended {theirs}; {signature(question)}"].append(question)
    table(
        f"left over: {len(leftovers)}; {len(chosen)} of them made small",
        {name: len(group) for name, group in groups.items()},
    )
    for name, group in sorted(groups.items(), key=lambda entry: -len(entry[1]))[:most]:
        print(f"\n{len(group)}: {name}")
        for question in group[:2]:
            print(json.dumps(question))


def adjudicated(part):
    return json.loads(ADJUDICATED.read_text(encoding="utf-8"))[part]


def untold(causes):
    """Rules at work, or in the list of what is known of Ambit, that `adjudicated.json` does not tell of."""
    told = {entry["id"] for entry in adjudicated("simulate") + adjudicated("ambit")}
    known = {rule.__name__ for rule in rules.KNOWN_OF_AMBIT}
    return ({rule for found in causes.values() for rule in found} | known) - told - {"several"}


def wrong_examples(ambit):
    """Examples in `adjudicated.json` on which an answer is not the one that is told there."""
    entries = {entry["id"]: entry["example"] for entry in adjudicated("simulate")}
    asked = [
        {"id": id, "request": example["request"], "policies": example["policies"]} for id, example in entries.items()
    ]
    ours, plain = decisions(ask(ambit, asked)), ask_simulator(asked)
    for question in asked:
        id, example = question["id"], entries[question["id"]]
        rule = getattr(rules, id)
        mend = mended([question], [] if rule is rules.granted_directly else [rule])[id]
        found = {"the simulator": plain[id], "the simulator mended by this rule": mend, "Ambit": ours[id]}
        expected = {
            "the simulator": example["simulator"],
            "the simulator mended by this rule": example["expected"],
            "Ambit": example["expected"],
        }
        for who, decision in found.items():
            if decision != expected[who]:
                yield f"example of {id}: {who} says {decision}, not {expected[who]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--ambit", default=str(ROOT / "target" / "debug" / "ambit"), help="the program to check")
    arguments.add_argument("--count", type=int, default=20_000)
    arguments.add_argument("--seed", default="1")
    arguments.add_argument("--show", type=int, default=10, help="how many groups of leftovers to print")
    options = arguments.parse_args()
    began = time.monotonic()
    asked = [questions.question(options.seed, number) for number in range(options.count)]
    ambit = [options.ambit, "policy", "simulate", "--batch"]
    answers = ask(ambit, asked)
    plain, mend = ask_simulator(asked), mended(asked, rules.RULES)
    causes, leftovers, unknown = report(ambit, asked, answers, plain, mend)
    if leftovers:
        show_smallest(ambit, leftovers, options.show)
    print(f"\n{time.monotonic() - began:.0f} s")
    problems = [f"adjudicated.json does not tell of {name}" for name in sorted(untold(causes))] + list(
        wrong_examples(ambit)
    )
    if problems:
        sys.exit("\n".join(problems))
    if leftovers:
        sys.exit(f"{len(leftovers)} disagreements are not explained; --show N prints more of them")
    if unknown > MOST_UNKNOWN * len(asked):
        sys.exit(f"Ambit does not know {unknown} of {len(asked)} answers; at most {MOST_UNKNOWN:.0%} may be")


if __name__ == "__main__":
    main()
