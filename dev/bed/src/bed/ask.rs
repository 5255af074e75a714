//! What a bed can be asked while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use serde::Serialize;
use serde_json::{Value, json};

use super::Bed;
use crate::error::{BedError, Doing, Result};
use crate::kubelet::{self, PodName, PodRun};
use crate::parts::Part;
use crate::process::ProcessId;
use crate::proxy::{Counts, Fault};
use crate::{audit, cloud, http, kube as cluster};

impl Bed {
    /// The administrator's client. Each call makes one for the runtime it is
    /// called on: a client must not outlive its runtime.
    pub async fn client(&self) -> Result<Client> {
        cluster::client(&self.layout).await
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// The operator's own kubeconfig.
    #[must_use]
    pub fn operator_kubeconfig(&self) -> PathBuf {
        self.layout.operator_kubeconfig()
    }

    /// The bed's folder.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.layout.dir().to_owned()
    }

    /// The cloud as operator and workloads see it: through the proxy.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        self.state().proxy_url()
    }

    /// The cloud endpoint itself, past the proxy and its counts, latency and faults.
    #[must_use]
    pub fn direct_url(&self) -> String {
        self.state().cloud_url()
    }

    /// The issuer of the cluster's service account tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.state().issuer()
    }

    /// The cloud account's number.
    #[must_use]
    pub fn account_id(&self) -> &'static str {
        cloud::ACCOUNT_ID
    }

    /// The file with the bed's `CloudAccount`.
    #[must_use]
    pub fn account_file(&self) -> PathBuf {
        self.layout.account()
    }

    /// Where the operator answers for health and metrics.
    #[must_use]
    pub fn operator_url(&self, part: Part) -> String {
        let ports = self.state().ports;
        let number = if part == Part::SecondOperator { ports.second_operator() } else { ports.operator() };
        format!("http://127.0.0.1:{number}")
    }

    /// The process of a part, where it runs as one.
    #[must_use]
    pub fn process(&self, part: Part) -> Option<ProcessId> {
        self.state().processes.get(&part).cloned()
    }

    /// The variables with which an AWS client is root at the endpoint.
    #[must_use]
    pub fn root_environment(&self) -> BTreeMap<String, String> {
        cloud::root_environment(&self.endpoint_url())
    }

    /// The command with which a workload does something in the cloud: `workload.py` and its arguments.
    pub fn workload(&self, args: &[&str]) -> Result<Vec<String>> {
        let script = self.project.cloud_code().join("workload.py");
        let first = [self.project.python()?, script].map(|path| path.to_string_lossy().into_owned());
        Ok(first.into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect())
    }

    /// Runs `plant.py` as root, past the proxy, and reads the JSON that it prints.
    pub async fn plant(&self, args: &[&str]) -> Result<Value> {
        cloud::plant(&self.project, &self.layout, &self.state(), args).await
    }

    /// Runs a program as the first container of an admitted pod would run it.
    pub async fn run_pod(&self, namespace: &str, pod: &str, program: &[String]) -> Result<PodRun> {
        let pod = PodName { namespace: namespace.to_owned(), name: pod.to_owned() };
        self.run_container(&pod, None, program).await
    }

    /// Runs a program as the named container of an admitted pod would run it, or as its first.
    pub async fn run_container(&self, pod: &PodName, container: Option<&str>, program: &[String]) -> Result<PodRun> {
        let client = self.client().await?;
        kubelet::run_pod(&client, &self.layout.path("pods"), pod, container, program).await
    }

    /// Calls to the cloud since the last reset.
    pub async fn counts(&self) -> Result<Counts> {
        parse(&self.control("GET", "/_bed/counts", &()).await?)
    }

    /// Calls to the cloud since the last reset, and resets them.
    pub async fn reset_counts(&self) -> Result<Counts> {
        parse(&self.control("POST", "/_bed/reset", &()).await?)
    }

    /// The latency that is added to every call, from now on and after a restart of the proxy.
    pub async fn set_latency(&self, latency: Duration) -> Result<()> {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.control("POST", "/_bed/latency", &json!({"millis": millis})).await?;
        self.change(|state| state.options.latency = latency)
    }

    /// Makes calls to the cloud fail.
    pub async fn set_fault(&self, fault: &Fault) -> Result<()> {
        self.control("POST", "/_bed/faults", fault).await.map(drop)
    }

    /// Faults that are still to come.
    pub async fn faults(&self) -> Result<Vec<Fault>> {
        parse(&self.control("GET", "/_bed/faults", &()).await?)
    }

    /// Takes back all faults.
    pub async fn clear_faults(&self) -> Result<()> {
        self.control("DELETE", "/_bed/faults", &()).await.map(drop)
    }

    /// A token with these claims, signed by the issuer of this name among [`crate::ISSUERS`].
    /// `iss`, `iat` and `exp` are filled in where they are missing.
    pub async fn mint(&self, issuer: &str, claims: &Value) -> Result<String> {
        let port = self.state().ports.mint();
        let path = format!("/{issuer}/mint");
        let (status, body) = http::call("POST", port, &path, claims.to_string().into_bytes()).await?;
        match String::from_utf8(body.to_vec()) {
            Ok(token) if status == 200 => Ok(token),
            other => {
                let problem = format!("status {status}, {other:?}");
                Err(BedError::Http { url: format!("http://127.0.0.1:{port}{path}"), problem })
            }
        }
    }

    /// The operator's writes to the API server, by `verb resource`. The part of
    /// the audit log before `from` is left out; see [`Bed::audit_mark`].
    pub fn api_writes(&self, from: u64) -> Result<BTreeMap<String, u64>> {
        let log = self.audit()?;
        let begin = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        Ok(audit::writes(&String::from_utf8_lossy(&log[begin..])))
    }

    /// The length of the audit log now: what is written later counts from here.
    pub fn audit_mark(&self) -> Result<u64> {
        Ok(self.audit()?.len() as u64)
    }

    fn audit(&self) -> Result<Vec<u8>> {
        let path = self.layout.audit_log();
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.doing(|| format!("read `{}`", path.display())),
        }
    }

    /// Fails when the cloud endpoint allowed what it could not check.
    pub fn check_cloud(&self) -> Result<()> {
        let events = std::fs::read(self.layout.cloud_events()).unwrap_or_default();
        cloud::check_events(&String::from_utf8_lossy(&events))?;
        cloud::check_events(&self.logs(Part::Cloud)?)
    }

    /// What `bed env` prints: all that a shell needs to use the bed.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let state = self.state();
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let (label, value) = cluster::NAMESPACE_LABEL;
        let mut variables = vec![
            ("BED_DIR".to_owned(), path(self.dir())),
            ("KUBECONFIG".to_owned(), path(self.kubeconfig())),
            ("NAMESPACE_LABELS".to_owned(), format!("{label}={value}")),
        ];
        if state.options.cloud {
            variables.extend(self.root_environment());
            variables.push(("ACCOUNT_NAME".to_owned(), cluster::ACCOUNT_NAME.to_owned()));
            variables.push(("ACCOUNT_ID".to_owned(), cloud::ACCOUNT_ID.to_owned()));
            variables.push(("ACCOUNT_FILE".to_owned(), path(self.account_file())));
            variables.push(("BED_CLOUD_DIRECT".to_owned(), state.cloud_url()));
            let control = format!("http://127.0.0.1:{}/_bed", state.ports.proxy_control());
            variables.push(("BED_PROXY_CONTROL".to_owned(), control));
            variables.push(("LOG_CLOUD_EVENTS".to_owned(), path(self.layout.cloud_events())));
        }
        if let Some(binary) = state.options.operator_bin {
            variables.push(("AMBIT_BIN".to_owned(), path(binary)));
        }
        for (part, process) in state.processes.iter().filter(|(_, process)| process.alive()) {
            variables.push((format!("PID_{}", part.variable()), process.pid.to_string()));
            variables.push((format!("LOG_{}", part.variable()), path(self.layout.log(*part))));
        }
        if state.processes.contains_key(&Part::Operator) {
            variables.push(("OPERATOR_URL".to_owned(), self.operator_url(Part::Operator)));
        }
        variables
    }

    pub(super) async fn control<T: Serialize + Sync>(&self, method: &str, path: &str, body: &T) -> Result<Vec<u8>> {
        let port = self.state().ports.proxy_control();
        let body = serde_json::to_vec(body).map_err(|error| BedError::Parse {
            what: "an order to the proxy".to_owned(),
            problem: error.to_string(),
        })?;
        let (status, answer) = http::call(method, port, path, body).await?;
        if status == 200 {
            return Ok(answer.to_vec());
        }
        let problem = format!("status {status}, {}", String::from_utf8_lossy(&answer));
        Err(BedError::Http { url: format!("http://127.0.0.1:{port}{path}"), problem })
    }
}

fn parse<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer)
        .map_err(|error| BedError::Parse { what: "the proxy's answer".to_owned(), problem: error.to_string() })
}
