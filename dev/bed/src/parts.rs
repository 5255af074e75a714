//! The parts of the bed and the exact command of each.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cloud;
use crate::error::Result;
use crate::issuers::{ISSUERS, Issuer};
use crate::layout::{Layout, Project};
use crate::process::Program;
use crate::state::State;

/// Namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "ambit-system";
/// Service account of the operator, and name of the chart's release.
pub const OPERATOR_ACCOUNT: &str = "ambit";
/// The installation that the bed's operator is.
pub const INSTALLATION: &str = "bed";

/// One program of the bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The API server's store.
    Etcd,
    /// kube-apiserver.
    Api,
    /// kube-controller-manager: makes the default service accounts, and retries refused pods.
    Controllers,
    /// The issuers of pipelines' tokens, as CI systems run them.
    Issuers,
    /// The cloud endpoint that enforces IAM.
    Cloud,
    /// The counting proxy before the endpoint.
    Proxy,
    /// `ambit run`.
    Operator,
    /// Another `ambit run` beside the first.
    SecondOperator,
}

impl Part {
    /// Every part, in the order of starting.
    pub const ALL: [Self; 8] = [
        Self::Etcd,
        Self::Api,
        Self::Controllers,
        Self::Issuers,
        Self::Cloud,
        Self::Proxy,
        Self::Operator,
        Self::SecondOperator,
    ];

    /// The part's name, as commands and files use it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Api => "api",
            Self::Controllers => "controllers",
            Self::Issuers => "issuers",
            Self::Cloud => "cloud",
            Self::Proxy => "proxy",
            Self::Operator => "operator",
            Self::SecondOperator => "second-operator",
        }
    }

    /// The name in the variables of `bed env`.
    #[must_use]
    pub fn variable(self) -> String {
        self.name().to_uppercase().replace('-', "_")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|part| part.name() == text)
            .ok_or_else(|| format!("`{text}` is no part of the bed; the parts are {names}"))
    }
}

/// The program of a part. The proxy of a bed by hand is the `bed` binary itself.
pub(crate) fn program(part: Part, project: &Project, layout: &Layout, state: &State) -> Result<Program> {
    match part {
        Part::Etcd => etcd(project, layout, state),
        Part::Api => api(project, layout, state),
        Part::Controllers => controllers(project, layout),
        Part::Issuers => token_issuers(project, layout, state),
        Part::Cloud => cloud_endpoint(project, layout, state),
        Part::Proxy => proxy(layout),
        Part::Operator => Ok(operator(layout, state, state.ports.operator(), "ambit-0")),
        Part::SecondOperator => Ok(operator(layout, state, state.ports.second_operator(), "ambit-1")),
    }
}

fn etcd(project: &Project, layout: &Layout, state: &State) -> Result<Program> {
    let clients = format!("http://127.0.0.1:{}", state.ports.etcd());
    let peers = format!("http://127.0.0.1:{}", state.ports.etcd_peer());
    Ok(Program::new(project.program("etcd")?)
        .arg("--data-dir")
        .arg(text(&layout.path("etcd")))
        .arg("--unsafe-no-fsync")
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        .arg("--initial-cluster")
        .arg(format!("default={peers}"))
        .args(["--log-level", "warn"]))
}

fn api(project: &Project, layout: &Layout, state: &State) -> Result<Program> {
    let issuer = state.issuer();
    let key = text(&layout.service_account_key());
    Ok(Program::new(project.program("kube-apiserver")?)
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", state.ports.etcd()))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--secure-port={}", state.ports.api()))
        .arg(format!("--cert-dir={}", text(&layout.path("pki"))))
        .arg(format!("--token-auth-file={}", text(&layout.tokens())))
        .arg("--authorization-mode=RBAC")
        .arg(format!("--service-account-key-file={key}"))
        .arg(format!("--service-account-signing-key-file={key}"))
        .arg(format!("--service-account-issuer={issuer}"))
        .arg(format!("--api-audiences={issuer}"))
        .args(["--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true"])
        .args(["--endpoint-reconciler-type=none", "--profiling=false"])
        .arg(format!("--audit-log-path={}", text(&layout.audit_log())))
        .arg(format!("--audit-policy-file={}", text(&layout.path("audit-policy.yaml")))))
}

/// Only the controllers that a test can notice: the others cost a start's time.
fn controllers(project: &Project, layout: &Layout) -> Result<Program> {
    const CONTROLLERS: &str = "serviceaccount-controller,root-ca-certificate-publisher-controller,\
        namespace-controller,garbage-collector-controller,deployment-controller,replicaset-controller,\
        statefulset-controller,job-controller,clusterrole-aggregation-controller,\
        validatingadmissionpolicy-status-controller";
    Ok(Program::new(project.program("kube-controller-manager")?)
        .arg(format!("--kubeconfig={}", text(&layout.kubeconfig())))
        .args(["--leader-elect=false", "--secure-port=0", "--profiling=false"])
        .arg(format!("--service-account-private-key-file={}", text(&layout.service_account_key())))
        .arg(format!("--root-ca-file={}", text(&layout.api_certificate())))
        .arg(format!("--controllers={CONTROLLERS}")))
}

/// They serve with the API server's certificate: the cloud trusts it already, and it is one of 127.0.0.1.
fn token_issuers(project: &Project, layout: &Layout, state: &State) -> Result<Program> {
    Ok(Program::new(project.python()?)
        .args(["-m", "issuers", "--port", &state.ports.issuers().to_string()])
        .args(["--mint-port", &state.ports.mint().to_string()])
        .arg("--certificate")
        .arg(text(&layout.api_certificate()))
        .arg("--key")
        .arg(text(&layout.api_key()))
        .args(ISSUERS.iter().flat_map(|issuer| ["--issuer".to_owned(), format!("{}={}", issuer.name, issuer.url)]))
        .env("PYTHONPATH", text(&project.cloud_code()))
        .env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn cloud_endpoint(project: &Project, layout: &Layout, state: &State) -> Result<Program> {
    let address = |name| format!("https://127.0.0.1:{}/{name}", state.ports.issuers());
    let known = |issuer: &Issuer| ["--issuer-at".to_owned(), format!("{}={}", issuer.url, address(issuer.name))];
    Ok(Program::new(project.python()?)
        .args(["-m", "endpoint", "--port", &state.ports.cloud().to_string()])
        .args(ISSUERS.iter().flat_map(known))
        .arg("--state")
        .arg(text(&layout.path("cloud")))
        .arg("--oidc-ca")
        .arg(text(&layout.api_certificate()))
        .arg("--log")
        .arg(text(&layout.cloud_events()))
        .env("PYTHONPATH", text(&project.cloud_code()))
        .env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn proxy(layout: &Layout) -> Result<Program> {
    use crate::error::Doing;
    let bed = std::env::current_exe().doing(|| "find the `bed` program itself".to_owned())?;
    Ok(Program::new(bed).arg("--dir").arg(text(layout.dir())).arg("serve-proxy"))
}

/// The operator under its own service account and its own cloud user, and with
/// nothing else of the bed: its flags and environment are all in this function.
fn operator(layout: &Layout, state: &State, port: u16, name: &str) -> Program {
    let options = &state.options;
    let program = Program::new(options.operator_bin.clone().unwrap_or_default())
        .args(["run", "--installation", INSTALLATION])
        .arg("--http-address")
        .arg(format!("127.0.0.1:{port}"))
        .args(["--lease-namespace", OPERATOR_NAMESPACE])
        .args(["--resync-interval", &options.resync_interval])
        .args(["--consistency-window", &options.consistency_window])
        .env("KUBECONFIG", text(&layout.operator_kubeconfig()))
        .env("POD_NAME", name)
        .env("POD_NAMESPACE", OPERATOR_NAMESPACE)
        .env("AWS_ENDPOINT_URL", state.proxy_url())
        .env("AWS_REGION", cloud::REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let program = match &options.log {
        None => program,
        Some(lines) => program.args(["--log", lines]),
    };
    match &state.operator_keys {
        None => program,
        Some(keys) => {
            program.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_the_same_in_commands_and_in_the_state() {
        for part in Part::ALL {
            assert_eq!(part.name().parse::<Part>().unwrap(), part);
            assert_eq!(serde_json::to_string(&part).unwrap(), format!("\"{part}\""));
        }
        assert_eq!(
            "opertor".parse::<Part>().unwrap_err(),
            "`opertor` is no part of the bed; the parts are etcd, api, controllers, issuers, cloud, proxy, operator, second-operator"
        );
    }
}
