#!/usr/bin/env python3
"""Compares Ambit's policy comparison with z3 on real and made-up pairs of policies.

For each pair and both directions z3 looks for a request that one document
allows and the other does not, among all strings. Where it proves that there is
none, Ambit must say `none`; where it finds one, `new`; Ambit may say `unknown`
to both. Each witness of Ambit is put to z3's formula as well. Exit status 1
when a disagreement is not told of in `adjudicated.json`.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import time

import z3

import encode
import pairs

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADJUDICATED = pathlib.Path(__file__).resolve().parents[1] / "adjudicated.json"
DIRECTIONS = ("forward", "backward")
# More than this share of "unknown" and the agreement would say little.
MOST_UNKNOWN = 0.03


def ask_ambit(program, asked):
    lines = "".join(json.dumps(pair) + "\n" for pair in asked)
    done = subprocess.run(
        [program, "policy", "compare", "--batch"], input=lines, capture_output=True, text=True, timeout=600
    )
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    if len(answers) != len(asked):
        sys.exit(f"{program} answered {len(answers)} of {len(asked)} pairs: {done.stderr.strip()[:2000]}")
    return answers


def solver(pair, milliseconds, *facts):
    found = z3.Solver()
    found.set("timeout", milliseconds)
    found.add(*pair.rules, *facts)
    return found


def decide(pair, wider, narrower, milliseconds):
    """Whether a request exists that one document allows and the other does not: `none`, `new`, `timeout`; one."""
    found = solver(pair, milliseconds, pair.allows(wider), z3.Not(pair.allows(narrower)))
    verdict = {"unsat": "none", "sat": "new"}.get(str(found.check()), "timeout")
    return verdict, found.model() if verdict == "new" else None


def facts_of(pair, witness):
    """A witness of Ambit as facts about the unknowns."""
    facts = [pair.action == witness["action"].lower()]
    parts = witness["resource"].split(":", 5)
    facts.append(pair.star == (witness["resource"] == "*"))
    if witness["resource"] != "*":
        facts += [unknown == part for unknown, part in zip(pair.arn, parts[1:])]
    context = {key.lower(): value for key, value in witness.get("context", {}).items()}
    for name, key in pair.keys.items():
        value = context.get(name)
        values = value if isinstance(value, list) else [value]
        facts.append(key.absent == (value in (None, [])))
        if value in (None, []):
            continue
        if len(values) > len(key.elements):
            raise encode.Unsupported("a witness with more values than the formula has")
        facts.append(key.is_list == isinstance(value, list) if key.sets else z3.Not(key.is_list))
        facts += [used == (index < len(values)) for index, used in enumerate(key.used)]
        for index, one in enumerate(values):
            facts += facts_of_value(key, index, one)
    return facts


def facts_of_value(key, index, value):
    element, valid = key.elements[index], key.valid[index]
    if key.kind in (None, "text"):
        return [element == value]
    parsed = {"number": encode.texts.number, "time": encode.texts.moment, "address": encode.texts.network}[key.kind](
        value
    )
    if parsed is None:
        return [z3.Not(valid)]
    if key.kind == "number":
        return [valid, element == z3.RealVal(str(parsed))]
    if key.kind == "time":
        return [valid, element == int(parsed.timestamp())]
    return [valid, element == int(parsed.network_address), key.v6[index] == (parsed.version == 6)]


def witness_holds(pair, wider, narrower, witness, milliseconds):
    found = solver(pair, milliseconds, *facts_of(pair, witness), pair.allows(wider), z3.Not(pair.allows(narrower)))
    return found.check() != z3.unsat


def compare(pair, answer, milliseconds):
    """What came of each direction: (direction, outcome, a line about it)."""
    formulas = encode.Pair(pair["old"], pair["new"])
    for direction in DIRECTIONS:
        wider, narrower = (pair["new"], pair["old"]) if direction == "forward" else (pair["old"], pair["new"])
        ours = answer[direction]
        theirs, model = decide(formulas, wider, narrower, milliseconds)
        if ours["verdict"] == "new" and not witness_holds(formulas, wider, narrower, ours["witness"], milliseconds):
            yield direction, "left over", f"z3 refutes the witness {json.dumps(ours['witness'])}"
        elif theirs == "timeout":
            yield direction, "z3 ran out of time", ""
        elif ours["verdict"] == "unknown":
            yield direction, f"Ambit does not know, z3 says {theirs}", ours.get("reason", "")
        elif ours["verdict"] == theirs:
            yield direction, f"agreed: {theirs}", ""
        else:
            yield direction, "left over", f"Ambit says {ours['verdict']}, z3 {theirs}: {model}"


def adjudicated():
    """Pairs and directions that were looked at by hand: `PAIR direction`."""
    return {case for entry in json.loads(ADJUDICATED.read_text())["z3"] for case in entry["cases"]}


def sample(options):
    lines = (ROOT / ".tools" / "oracle" / "managed.jsonl").read_text(encoding="utf-8").splitlines()
    real = pairs.managed(lines, options.seed, options.managed, options.largest)
    return real + [pairs.made_up(options.seed, number) for number in range(options.made)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--ambit", default=str(ROOT / "target" / "debug" / "ambit"), help="the program to check")
    arguments.add_argument("--managed", type=int, default=60, help="how many changes of real policies")
    arguments.add_argument("--made", type=int, default=150, help="how many made-up pairs")
    arguments.add_argument("--largest", type=int, default=3000, help="characters of a real pair at most")
    arguments.add_argument("--timeout", type=int, default=5_000, help="milliseconds for each direction")
    arguments.add_argument("--seed", default="1")
    options = arguments.parse_args()
    began, known = time.monotonic(), adjudicated()
    asked = sample(options)
    answers = ask_ambit(options.ambit, asked)
    counts, left_out, leftovers = collections.Counter(), collections.Counter(), 0
    for pair in asked:
        try:
            outcomes = list(compare(pair, answers[pair["id"]], options.timeout))
        except encode.Unsupported as problem:
            left_out[str(problem)] += 1
            continue
        for direction, outcome, remark in outcomes:
            if outcome == "left over" and f"{pair['id']} {direction}" in known:
                outcome = "adjudicated"
            counts[outcome] += 1
            if outcome == "left over":
                leftovers += 1
                print(f"{pair['id']} {direction}: {remark}\n{json.dumps(pair)}\n")
    for title, table in ((f"{len(asked)} pairs, both directions", counts), ("left out by the encoding", left_out)):
        print(title)
        for name, count in sorted(table.items(), key=lambda item: (-item[1], item[0])):
            print(f"  {count:7}  {name}")
    print(f"{time.monotonic() - began:.0f} s")
    if leftovers:
        sys.exit(f"{leftovers} disagreements are not told of in adjudicated.json")
    unknown = sum(count for name, count in counts.items() if name.startswith("Ambit does not know"))
    if unknown > MOST_UNKNOWN * counts.total():
        sys.exit(f"Ambit does not know {unknown} of {counts.total()} answers; at most {MOST_UNKNOWN:.0%} may be")


if __name__ == "__main__":
    main()
