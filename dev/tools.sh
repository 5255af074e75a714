#!/usr/bin/env bash
# Builds what the test bed runs beside Ambit itself into `.tools/`: the
# Kubernetes programs and Helm from Go modules, the cloud endpoint's Python
# environment from pinned requirements. Done once; a second call takes seconds.
# With KUBEBUILDER_ASSETS set, the Kubernetes programs there are used instead.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=$root/.tools/bin
mkdir -p "$bin"

need() {
  command -v "$1" >/dev/null 2>&1 || { echo "tools: \`$1\` is not installed; $2" >&2; exit 2; }
}

# Builds one program unless its module files are older than the built program.
go_program() { # MODULE_DIR PACKAGE NAME LDFLAGS
  local dir=$1 package=$2 name=$3 flags=$4
  if [ -x "$bin/$name" ] && [ "$bin/$name" -nt "$dir/go.mod" ] && [ "$bin/$name" -nt "$dir/go.sum" ]; then return; fi
  need go "install Go 1.26 or newer, from your distribution or go.dev"
  echo "tools: building $name (the first build of kube-apiserver takes about 4 minutes on two cores)" >&2
  (cd "$dir" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$bin/$name.part" "$package")
  mv "$bin/$name.part" "$bin/$name"
}

# The version that the Kubernetes programs report, from the module file itself.
version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' dev/kube/go.mod)
minor=$(echo "$version" | cut -d. -f2)
stamp=k8s.io/component-base/version
kube_flags="-X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$minor"

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for name in etcd kube-apiserver kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$name" ] || { echo "tools: KUBEBUILDER_ASSETS has no \`$name\`; unset it to build the programs here" >&2; exit 2; }
    ln -sf "$KUBEBUILDER_ASSETS/$name" "$bin/$name"
  done
else
  go_program dev/kube go.etcd.io/etcd/server/v3 etcd ""
  go_program dev/kube k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver "$kube_flags"
  go_program dev/kube k8s.io/kubernetes/cmd/kubectl kubectl "$kube_flags"
fi
if [ -x "${KUBEBUILDER_ASSETS:-/nonexistent}/kube-controller-manager" ]; then
  ln -sf "$KUBEBUILDER_ASSETS/kube-controller-manager" "$bin/kube-controller-manager"
else
  go_program dev/kube k8s.io/kubernetes/cmd/kube-controller-manager kube-controller-manager "$kube_flags"
fi
go_program dev/kube/helm helm.sh/helm/v4/cmd/helm helm ""

# The cloud endpoint: a virtual environment with exactly the pinned packages.
venv=$root/.tools/cloud
if [ -f dev/cloud/requirements.txt ] && ! cmp -s dev/cloud/requirements.txt "$venv/requirements.txt"; then
  need python3 "install Python 3.11 or newer with its venv module"
  echo "tools: installing the cloud endpoint's Python packages" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --no-input -r dev/cloud/requirements.txt
  cp dev/cloud/requirements.txt "$venv/requirements.txt"
fi
