#!/usr/bin/env bash
# Ambit's main job on real parts, told in the terminal. `make demo` builds what
# this needs and calls it. Each line is printed after what it says was seen; what
# is not as it should be ends the demo with the facts and exit code 1.
#
#   KEEP=1        leave the bed running at the end, to try things by hand
#   DEMO_BED=DIR  the bed's folder; `.bed` where absent
#   NO_COLOR=1    no colour, not even on a terminal
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
root=$PWD
bed=$root/target/debug/bed
python=$root/.tools/cloud/bin/python
export PATH=$root/.tools/bin:$PATH

# Nothing of the caller's own clouds and clusters may leak in.
for name in $(compgen -e | grep -Ei '^(AWS_|KUBECONFIG$|AMBIT_|(http|https|all)_proxy$)' || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
BED_DIR=${DEMO_BED:-$root/.bed}
export BED_DIR

keep=${KEEP:-}
if [ "$keep" = 0 ]; then keep=; fi
scratch=
ours=
watcher=

# ---- telling ---------------------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' green='' red='' dim='' plain=''
fi

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
seen() { printf '  %sok%s  %s\n' "$green" "$plain" "$1"; }
detail() { printf '      %s%s%s\n' "$dim" "$1" "$plain"; }
details() { while IFS= read -r line || [ -n "$line" ]; do detail "$line"; done; }

# Ends the demo with what was seen instead of what was expected.
fail() { # EXPECTED SEEN
  {
    printf '\n%sNOT AS IT SHOULD BE%s\n  expected: %s\n  seen:     %s\n' "$red$bold" "$plain" "$1" "$2"
    if [ -n "${KUBECONFIG:-}" ]; then
      printf '\n  identities now:\n'
      kubectl get mid -A -o wide 2>&1 | sed 's/^/    /' || true
      printf '\n  the last lines of the operator:\n'
      tail -n 8 "${LOG_OPERATOR:-/dev/null}" 2>/dev/null | sed 's/^/    /' || true
    fi
  } >&2
  exit 1
}

now() { printf '%s' "${EPOCHREALTIME/./}"; }
since() { # MICROSECONDS: the seconds since then, with one digit
  local tenths=$((($(now) - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# Asks again and again until a command succeeds, or its time is over.
within() { # SECONDS COMMAND...
  local deadline=$(($(now) + $1 * 1000000))
  shift
  until "$@"; do
    if [ "$(now)" -gt "$deadline" ]; then return 1; fi
    sleep 0.1
  done
}

# ---- the end, whichever way it comes ----------------------------------------

finish() {
  local code=$?
  trap '' INT TERM HUP
  trap - EXIT
  if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || true; fi
  if [ -n "$ours" ]; then
    if [ -n "$keep" ] && "$bed" env >/dev/null 2>&1; then
      leave
    else
      "$bed" down 2>&1 | sed 's/^bed: /\n/'
    fi
  fi
  if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
  exit "$code"
}

leave() {
  chapter "The bed is left running"
  "$bed" env
  printf '\n# To use it from this folder:\n'
  printf '#   eval "$(target/debug/bed --dir %s env)"; export PATH=$PWD/.tools/bin:$PATH\n' "$BED_DIR"
  printf '# To stop it:\n#   target/debug/bed --dir %s down\n' "$BED_DIR"
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- what is asked -----------------------------------------------------------

# One condition of an identity, as `status reason`.
condition() { # IDENTITY TYPE
  kubectl -n shop get mid "$1" -o "jsonpath={.status.conditions[?(@.type==\"$2\")].status} {.status.conditions[?(@.type==\"$2\")].reason}" 2>/dev/null || true
}
condition_is() { [ "$(condition "$1" "$2")" = "$3" ]; }
field() { kubectl -n shop get mid "$1" -o "jsonpath={$2}"; } # IDENTITY PATH
message() { field "$1" ".status.conditions[?(@.type==\"$2\")].message"; }

# Looks into the cloud as root, past the proxy, so that it is not counted.
look() { AWS_ENDPOINT_URL=$BED_CLOUD_DIRECT "$python" dev/demo/cloud.py "$@"; }
plant() { AWS_ENDPOINT_URL=$BED_CLOUD_DIRECT "$python" dev/cloud/plant.py "$@"; }

# Runs an ordinary SDK client as the pod's program. It gets what the admitted
# pod's spec says, and beside that only the address of the cloud endpoint,
# which the SDK would otherwise take from its own tables.
said=
code=0
in_pod() { # POD ARGUMENTS...
  local pod=$1
  shift
  code=0
  said=$("$bed" run-pod "shop/$pod" -- env "AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL" "$python" dev/cloud/workload.py "$@" 2>&1) || code=$?
  # Ended by a signal: so is the demo.
  if [ "$code" -gt 128 ]; then exit "$code"; fi
  said=${said%%$'\n'*}
}
expect_in_pod() { # CODE MEANING POD ARGUMENTS...
  local wanted=$1 meaning=$2
  shift 2
  in_pod "$@"
  if [ "$code" != "$wanted" ]; then fail "pod \`$1\`, \`${*:2}\`: $meaning (exit $wanted)" "exit $code: $said"; fi
}

# ---- the story ----------------------------------------------------------------

prepare() {
  local missing=
  for program in "$bed" "$root/target/debug/ambit" "$python" "$root/.tools/bin/kubectl"; do
    if [ ! -x "$program" ]; then missing="$missing ${program#"$root"/}"; fi
  done
  if [ -n "$missing" ]; then
    printf 'demo: not built yet:%s; run `make demo`\n' "$missing" >&2
    exit 2
  fi
  if [[ $("$bed" env 2>/dev/null || true) == *'export PID_'* ]]; then
    {
      printf 'demo: a bed is already up in `%s`, perhaps left by KEEP=1; it is not touched.\n' "$BED_DIR"
      printf '  to stop it:  target/debug/bed --dir %s down\n' "$BED_DIR"
    } >&2
    exit 2
  fi
  scratch=$(mktemp -d)
}

stage() {
  chapter "The stage: a real API server, and a cloud that enforces IAM"
  ours=yes
  "$bed" up --sweep-interval 3s 2>&1 | sed -u -e '/the bed is up in/d' -e 's/^bed: /     /'
  eval "$("$bed" env)"
  local kinds policies who secrets
  kinds=$(kubectl get crd -o 'jsonpath={range .items[?(@.spec.group=="ambit.dev")]}{.spec.names.kind}{" "}{end}')
  policies=$(kubectl get mutatingadmissionpolicies,validatingadmissionpolicies -o name | grep -c '/ambit-')
  if [ "$(wc -w <<<"$kinds")" != 4 ] || [ "$policies" -lt 6 ]; then
    fail "the chart's 4 kinds and 6 admission policies" "kinds: $kinds; policies: $policies"
  fi
  seen "the chart is installed: $policies admission policies, no webhook, and the kinds ${kinds% }"
  who=$(kubectl --kubeconfig "$BED_DIR/operator.kubeconfig" auth whoami -o 'jsonpath={.status.userInfo.username}')
  secrets=$(kubectl --kubeconfig "$BED_DIR/operator.kubeconfig" auth can-i list secrets -A 2>/dev/null || true)
  if [ "$who $secrets" != "system:serviceaccount:ambit-system:ambit no" ]; then
    fail "the operator's own service account, without access to secrets" "$who; may it list secrets: $secrets"
  fi
  seen "the operator is \`$who\`; may it list secrets? $secrets"
  "$root/target/debug/ambit" account policy --account "$ACCOUNT_FILE" --installation bed >"$scratch/operator.json"
  local policy
  policy=$(look user ambit-operator --policy "$scratch/operator.json")
  if [ "$policy" != exactly ]; then fail "the user \`ambit-operator\` with exactly Ambit's own policy" "$policy"; fi
  seen "in the cloud it is the user \`ambit-operator\`, with exactly what \`ambit account policy\` prints"
  within 30 account_is_ready || fail 'CloudAccount `bed` Ready=True' "$(kubectl get cloudaccount bed -o 'jsonpath={.status}')"
  seen "CloudAccount \`bed\`: $(kubectl get cloudaccount bed -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}')"
}

account_is_ready() { [ "$(kubectl get cloudaccount bed -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# Applies a file; what came of each object is in `applied`.
take() { # FILE
  kubectl apply -f "$1" >"$scratch/applied" 2>"$scratch/refused" || fail "the API server takes \`$1\`" "$(cat "$scratch/refused")"
}

declare_identities() {
  chapter "A team declares what it needs"
  plant buckets orders-in payroll >/dev/null
  local begin file
  take examples/scope-policy.yaml
  seen "the platform team says what may be asked for: $(cut -d' ' -f1 "$scratch/applied")"
  begin=$(now)
  for file in examples/*.yaml; do
    # That one is for a real account; the bed has made its own.
    if [ "$file" != examples/account.yaml ]; then cat "$file"; fi
    echo ---
  done >"$scratch/examples.yaml"
  take "$scratch/examples.yaml"
  grep '^machineidentity' "$scratch/applied" | sed 's/^machineidentity.ambit.dev/declared: mid/' | details
  within 30 condition_is orders Ready 'True Verified' || fail 'mid/orders Ready=True, Verified' "Ready: $(condition orders Ready): $(message orders Ready)"
  seen "mid/orders is Ready $(since "$begin") s after \`kubectl apply\` began: $(message orders Ready)"
  role=$(field orders .status.aws.roleArn)
  detail "role: $role"
  detail "it $(field orders .status.summary)"
  field orders .status.aws.roleId >"$scratch/role-id"
}

pod_of_orders() {
  pod=$(kubectl -n shop get pods -o 'jsonpath={range .items[?(@.spec.serviceAccountName=="orders")]}{.metadata.name}{" "}{end}' | cut -d' ' -f1)
  [ -n "$pod" ]
}

use_it() {
  chapter "Its pods get short-lived credentials, and nobody stored a key"
  within 30 pod_of_orders || fail "a pod of service account \`orders\`" "$(kubectl -n shop get events --field-selector reason=FailedCreate -o 'jsonpath={.items[*].message}')"
  local got audience secrets
  got=$(kubectl -n shop get pod "$pod" -o 'jsonpath={.metadata.annotations.ambit\.dev/identity} {.spec.containers[0].env[?(@.name=="AWS_ROLE_ARN")].value}')
  audience=$(kubectl -n shop get pod "$pod" -o 'jsonpath={.spec.volumes[?(@.name=="ambit-token")].projected.sources[0].serviceAccountToken.audience}')
  if [ "$got $audience" != "orders $role sts.amazonaws.com" ]; then fail "a pod with the identity \`orders\`, its role, and a token for STS" "$got $audience"; fi
  seen "pod \`$pod\` was admitted with a token for $audience and the role in its environment"
  secrets=$(kubectl -n shop get secrets -o name | wc -l)
  if [ "$secrets" != 0 ]; then fail 'no Secret in namespace shop' "$(kubectl -n shop get secrets -o name)"; fi
  seen "Secrets in its namespace: $secrets"
  expect_in_pod 0 'it is read' "$pod" read orders-in hello.txt
  seen "its program reads the bucket that it may:        orders-in/hello.txt -> $said"
  expect_in_pod 3 'S3 denies it' "$pod" read payroll hello.txt
  seen "and is denied the one that it may not:           payroll/hello.txt -> $said"
  expect_in_pod 0 'it says who it is' "$pod" whoami
  detail "to the cloud it is $said"
}

keep_out() {
  chapter "Nobody else gets through"
  kubectl apply -f dev/demo/objects.yaml >/dev/null
  sed "s|value: ROLE-OF-ORDERS|value: $role|" dev/demo/stranger.yaml | kubectl apply -f - >/dev/null
  expect_in_pod 4 'STS refuses it' stranger read orders-in hello.txt
  seen "a pod of another service account claims the role by hand: STS -> $said"
  within 30 condition_is archive Accepted 'False UnknownAction' || fail 'mid/archive Accepted=False, UnknownAction' "$(condition archive Accepted): $(message archive Accepted)"
  seen "mid/archive asks for an action that does not exist: Accepted=False, UnknownAction"
  message archive Accepted | fold -s -w 100 | details
  local answer
  if answer=$(kubectl -n shop run archive --image archive:1.0 --overrides '{"spec":{"serviceAccountName":"archive"}}' 2>&1); then
    fail 'the pod of `archive` is refused' "$answer"
  fi
  case $answer in
  *ambit-pod-gate*) seen "so a pod of it is refused at admission, with the reason:" ;;
  *) fail 'the pod of `archive` is refused by the gate' "$answer" ;;
  esac
  printf '%s\n' "${answer#*denied request: }" | fold -s -w 100 | details
}

# Sees every version of the object, not only the last: a drift may be over
# before somebody looks. (With `range` in it, kubectl ends such a watch early.)
follow_orders() {
  : >"$scratch/watch"
  kubectl -n shop get mid orders --watch -o 'jsonpath={.status.conditions[?(@.type=="InSync")].reason}{"|"}{.status.drift.class}{"|"}{.status.drift.items[*].part}{": "}{.status.drift.items[*].summary}{"\n"}' >"$scratch/watch" 2>&1 &
  watcher=$!
  within 15 grep -q . "$scratch/watch" || fail 'a watch of mid/orders' "$(cat "$scratch/watch")"
}

widen() {
  chapter "Somebody widens the role by hand"
  local name=${role##*/} begin answer drift
  follow_orders
  # IAM's answer is all that can safely be looked at: the repair may come at once.
  answer=$(plant widen "$name" --policy dev/demo/wider.json --name just-for-now)
  begin=$(now)
  case $answer in
  *'"policy": "just-for-now"'*) seen "IAM took an inline policy \`just-for-now\`: s3:* on everything" ;;
  *) fail 'IAM takes the inline policy `just-for-now`' "$answer" ;;
  esac
  within 30 grep -q '^Drifted|' "$scratch/watch" || fail 'status says Drifted' "$(cat "$scratch/watch")"
  drift=$(grep -m 1 '^Drifted|' "$scratch/watch")
  case $drift in
  'Drifted|Foreign|inlinePolicy: '*just-for-now*) seen "status: InSync=False, Drifted, ${drift#*|*|}" ;;
  *) fail 'status names the part `inlinePolicy` and the policy' "$drift" ;;
  esac
  within 30 grep -q '^Repaired|' "$scratch/watch" || fail 'status says Repaired' "$(cat "$scratch/watch")"
  seen "status: InSync=True, Repaired, $(since "$begin") s after it was widened; the account is swept every 3 s"
  kill "$watcher" 2>/dev/null || true
  watcher=
  local live
  live=$(look policies "$name")
  if [ "$live" != ambit ]; then fail 'the policy `ambit` on the role and no other' "$live"; fi
  seen "the cloud agrees: \`just-for-now\` is gone, the one policy of the role is \`$live\`"
  expect_in_pod 3 'S3 denies it' "$pod" read payroll hello.txt
  detail "payroll/hello.txt -> $said"
}

gone() { ! kubectl -n shop get mid orders -o name >/dev/null 2>&1; }

delete_it() {
  chapter "The identity is deleted"
  local name=${role##*/} begin live=0
  begin=$(now)
  kubectl -n shop delete mid orders --wait=false >/dev/null
  within 60 gone || fail 'mid/orders is gone' "$(condition orders Ready): $(message orders Ready)"
  look policies "$name" >"$scratch/live" || live=$?
  if [ "$live" != 3 ]; then fail 'the role is gone from the cloud' "policies of the role: $(cat "$scratch/live")"; fi
  seen "object and role are gone $(since "$begin") s later; IAM knows no role \`$name\`"
  expect_in_pod 4 'STS refuses it' "$pod" read orders-in hello.txt
  seen "the pod that still runs asks for its next session: STS -> $said"
}

declare_again() {
  chapter "And declared again"
  local before begin
  before=$(cat "$scratch/role-id")
  begin=$(now)
  take examples/orders.yaml
  within 30 condition_is orders Ready 'True Verified' || fail 'mid/orders Ready=True, Verified' "Ready: $(condition orders Ready): $(message orders Ready)"
  if [ "$(field orders .status.aws.roleArn)" != "$role" ] || [ "$(field orders .status.aws.roleId)" = "$before" ]; then
    fail "another role under the same ARN \`$role\`, not \`$before\`" "$(field orders .status.aws.roleArn), \`$(field orders .status.aws.roleId)\`"
  fi
  seen "mid/orders is Ready after $(since "$begin") s, under the same ARN, as another role: $(field orders .status.aws.roleId), not $before"
  expect_in_pod 0 'it is read' "$pod" read orders-in hello.txt
  seen "the same pod reads again: orders-in/hello.txt -> $said"
}

account_for_it() {
  chapter "What it took"
  "$bed" counts >"$scratch/counts"
  if grep -qi unmapped "$LOG_CLOUD_EVENTS"; then fail 'every call was checked by the cloud' "$(grep -i unmapped "$LOG_CLOUD_EVENTS" | head -n 3)"; fi
  look counts operator <"$scratch/counts" >"$scratch/operator"
  if [ "$(head -n 1 "$scratch/operator")" = 0 ]; then fail "calls signed by the operator's own key" "$(cat "$scratch/counts")"; fi
  seen "the operator's own user signed $(head -n 1 "$scratch/operator") calls to the cloud, those for sweeps and for the account included:"
  tail -n +2 "$scratch/operator" | fold -s -w 100 | details
  look counts unsigned <"$scratch/counts" >"$scratch/unsigned"
  detail "and unsigned, with a token, operator and pods together: $(tail -n +2 "$scratch/unsigned")"
  look writes <"$scratch/counts" >"$scratch/writes"
  seen "it wrote to the API server $(head -n 1 "$scratch/writes") times, events and leases included:"
  tail -n +2 "$scratch/writes" | fold -s -w 100 | details
}

prepare
total=$(now)
stage
declare_identities
use_it
keep_out
widen
delete_it
declare_again
account_for_it
chapter "\$ kubectl get mid -A"
kubectl get mid -A >"$scratch/table"
cat "$scratch/table"
printf '\n%sAll of this was seen in %s s.%s\n' "$bold" "$(since "$total")" "$plain"
