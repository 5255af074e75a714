//! Starting, stopping and killing single parts, and knowing when they are ready.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use super::Bed;
use crate::error::{BedError, Doing, Result};
use crate::parts::{self, Part};
use crate::process::{self, exit_status, tail};
use crate::proxy::{ProxyOptions, ProxyThread};
use crate::{cloud, http, kube, pki, wait};

/// How long a part may take to become ready on a busy machine.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long a part may take to end when asked.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of a dead part's log that go into the error.
const TAIL: usize = 15;

impl Bed {
    /// Starts a part and waits until it is ready; one that runs already is left alone.
    pub async fn start_part(&self, part: Part) -> Result<()> {
        if self.alive(part) {
            return Ok(());
        }
        self.check_wanted(part)?;
        if matches!(part, Part::Operator | Part::SecondOperator) {
            self.prepare_operator().await?;
        }
        self.spawn(part)?;
        self.await_ready(part).await
    }

    /// Asks a part to end, and ends it when it does not.
    pub async fn stop_part(&self, part: Part) -> Result<()> {
        if let Some(process) = self.state().processes.get(&part) {
            process.stop(GRACE).await;
        }
        self.forget(part)
    }

    /// Ends a part at once, as a crash would.
    pub fn kill_part(&self, part: Part) -> Result<()> {
        if let Some(process) = self.state().processes.get(&part) {
            process.kill_now();
        }
        self.forget(part)
    }

    /// Starts another operator beside the first.
    pub async fn second_operator(&self) -> Result<()> {
        self.start_part(Part::SecondOperator).await
    }

    /// Whether a part runs.
    #[must_use]
    pub fn alive(&self, part: Part) -> bool {
        if part == Part::Proxy && self.proxy_inside {
            return self.proxy.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        }
        self.state().processes.get(&part).is_some_and(process::ProcessId::alive)
    }

    fn forget(&self, part: Part) -> Result<()> {
        if part == Part::Proxy {
            drop(self.proxy.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        let _ = std::fs::remove_file(self.layout.pid(part));
        self.change(|state| {
            state.processes.remove(&part);
        })
    }

    fn check_wanted(&self, part: Part) -> Result<()> {
        let options = self.state().options;
        let wanted = match part {
            Part::Etcd | Part::Api => true,
            Part::Controllers => options.controllers,
            Part::Issuers | Part::Cloud | Part::Proxy => options.cloud,
            Part::Operator | Part::SecondOperator => options.cloud && options.chart,
        };
        if wanted { Ok(()) } else { Err(BedError::NoSuchPart { part }) }
    }

    /// Starts a part without waiting for it.
    pub(super) fn spawn(&self, part: Part) -> Result<()> {
        let state = self.state();
        if part == Part::Proxy && self.proxy_inside {
            let options = ProxyOptions { ports: state.ports, latency: state.options.latency };
            let thread = ProxyThread::start(options)?;
            *self.proxy.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
            return Ok(());
        }
        let program = parts::program(part, &self.project, &self.layout, &state)?;
        let process = process::spawn(&program, self.layout.dir(), &self.layout.log(part))?;
        let pid_file = self.layout.pid(part);
        std::fs::write(&pid_file, format!("{} {}\n", process.pid, process.started))
            .doing(|| format!("write `{}`", pid_file.display()))?;
        self.change(|state| {
            state.processes.insert(part, process);
        })
    }

    /// Waits until a part does its work.
    pub(super) async fn await_ready(&self, part: Part) -> Result<()> {
        let ports = self.state().ports;
        match part {
            Part::Etcd => self.await_http("etcd's health", &[part], ports.etcd(), "/health").await,
            Part::Api => self.await_api().await,
            Part::Controllers => {
                let client = self.client().await?;
                let needed = [Part::Etcd, Part::Api, part];
                self.until("the default service account", &needed, || kube::default_account(&client)).await
            }
            Part::Issuers => self.await_http("the token issuers' readiness", &[part], ports.mint(), "/").await,
            Part::Cloud => {
                self.await_http("the cloud endpoint's readiness", &[part], ports.cloud(), "/_endpoint/ready").await
            }
            Part::Proxy => {
                self.await_http("the proxy's readiness", &[part], ports.proxy_control(), "/_bed/counts").await?;
                self.name_callers().await
            }
            Part::Operator => self.await_http("the operator's health", &[part], ports.operator(), "/healthz").await,
            Part::SecondOperator => {
                self.await_http("the second operator's health", &[part], ports.second_operator(), "/healthz").await
            }
        }
    }

    async fn await_api(&self) -> Result<()> {
        self.await_certificate().await?;
        let client = self.client().await?;
        self.until("the API server's readiness", &[Part::Etcd, Part::Api], || kube::ready(&client)).await
    }

    /// The API server makes its certificate at its first start; everybody else needs it.
    pub(super) async fn await_certificate(&self) -> Result<()> {
        let file = self.layout.api_certificate();
        let written = || async {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.trim_end().ends_with("-----END CERTIFICATE-----") { Ok(()) } else { Err(String::new()) }
        };
        self.until("the API server's certificate", &[Part::Etcd, Part::Api], written).await
    }

    async fn await_http(&self, what: &str, parts: &[Part], port: u16, path: &str) -> Result<()> {
        let healthy = || async move {
            match http::call("GET", port, path, Vec::new()).await {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("status {status}, {}", String::from_utf8_lossy(&body))),
                Err(error) => Err(error.to_string()),
            }
        };
        self.until(what, parts, healthy).await
    }

    /// Waits for a condition, and ends at once with the log of a part that died meanwhile.
    pub(super) async fn until<F, C>(&self, what: &str, parts: &[Part], check: C) -> Result<()>
    where
        C: FnMut() -> F,
        F: Future<Output = std::result::Result<(), String>>,
    {
        wait::until(what, READY_WITHIN, || parts.iter().try_for_each(|&part| self.check_alive(part)), check).await
    }

    fn check_alive(&self, part: Part) -> Result<()> {
        if self.alive(part) {
            return Ok(());
        }
        let log = self.layout.log(part);
        let own = tail(&log, TAIL);
        let tail = if own.is_empty() && part == Part::Cloud { tail(&self.layout.cloud_events(), TAIL) } else { own };
        Err(BedError::PartDied {
            part,
            status: self.process(part).map_or_else(String::new, |process| exit_status(&log, process.pid)),
            tail,
        })
    }

    /// Tells the proxy whose key is whose, so that its counts speak of people.
    pub(super) async fn name_callers(&self) -> Result<()> {
        let mut names = BTreeMap::from([(cloud::ROOT_KEY.0.to_owned(), "root".to_owned())]);
        if let Some(keys) = self.state().operator_keys {
            names.insert(keys.access_key_id, "operator".to_owned());
        }
        self.control("POST", "/_bed/callers", &names).await.map(drop)
    }

    /// Gives the operator what it runs with: its cloud user's key and a token of its service account.
    pub(super) async fn prepare_operator(&self) -> Result<()> {
        if self.state().operator_keys.is_none() {
            self.plant_operator().await?;
        }
        let client = self.client().await?;
        let token = kube::operator_token(&client).await?;
        pki::write_kubeconfig(&self.layout, &self.state(), "operator.kubeconfig", "operator", &token)
    }
}
