#!/usr/bin/env bash
# Installs what the oracles need into `.tools/oracle/`, all pinned: the simulator's
# packages, z3 in a Python environment of its own, and the managed policies.
# Done once; a second call takes a moment.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=dev/oracle
there=$PWD/.tools/oracle
mkdir -p "$there"

need() {
  command -v "$1" >/dev/null 2>&1 || { echo "oracle: \`$1\` is not installed; $2" >&2; exit 2; }
}

if ! cmp -s "$here/simulate/package-lock.json" "$there/simulate/installed.json"; then
  need npm "install Node.js 20 or newer with npm"
  echo "oracle: installing the policy simulator" >&2
  rm -rf "$there/simulate"
  mkdir -p "$there/simulate"
  cp "$here/simulate/package.json" "$here/simulate/package-lock.json" "$there/simulate/"
  (cd "$there/simulate" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$here/simulate/package-lock.json" "$there/simulate/installed.json"
fi

if ! cmp -s "$here/z3/requirements.txt" "$there/z3/installed.txt"; then
  need python3 "install Python 3.11 or newer with its venv module"
  echo "oracle: installing z3" >&2
  rm -rf "$there/z3"
  python3 -m venv "$there/z3"
  "$there/z3/bin/pip" install --quiet --no-input --disable-pip-version-check --require-hashes \
    --only-binary :all: -r "$here/z3/requirements.txt"
  cp "$here/z3/requirements.txt" "$there/z3/installed.txt"
fi

python3 "$here/managed.py"
