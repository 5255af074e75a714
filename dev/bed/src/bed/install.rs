//! The start of a bed: what can run at the same time does.

use kube::Client;
use serde_json::Value;

use super::Bed;
use crate::error::{BedError, Doing, Result};
use crate::parts::{INSTALLATION, OPERATOR_NAMESPACE, Part};
use crate::process::Program;
use crate::state::{AccessKey, write_private};
use crate::{cloud, kube as cluster, run};

impl Bed {
    /// Starts all parts that the options ask for, and installs what they need.
    pub(super) async fn bring_up(&self, tell: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let options = self.state().options;
        self.write_account()?;
        self.spawn(Part::Etcd)?;
        self.spawn(Part::Api)?;
        if options.cloud {
            self.spawn(Part::Proxy)?;
        }
        self.await_certificate().await?;
        if options.controllers {
            self.spawn(Part::Controllers)?;
        }
        if options.cloud {
            self.spawn(Part::Issuers)?;
            self.spawn(Part::Cloud)?;
        }
        let cluster = async {
            self.await_ready(Part::Api).await?;
            tell("the API server answers");
            self.install(tell).await
        };
        let cloud = async {
            if options.cloud {
                self.await_ready(Part::Proxy).await?;
                self.await_ready(Part::Cloud).await?;
                self.await_ready(Part::Issuers).await?;
                tell("the cloud endpoint answers through the proxy");
                self.plant_all(tell).await?;
            }
            Ok::<_, BedError>(())
        };
        tokio::try_join!(cluster, cloud)?;
        if options.operator {
            self.start_part(Part::Operator).await?;
            tell("the operator runs under its own account and its own cloud user");
        }
        self.change(|state| state.complete = true)
    }

    /// What must be in the API server before anything else is.
    async fn install(&self, tell: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let options = self.state().options;
        let client = self.client().await?;
        let publish = cluster::publish_issuer(&client);
        let namespace = cluster::namespace(&client, OPERATOR_NAMESPACE, &[]);
        let chart = async { if options.chart { self.render().await.map(Some) } else { Ok(None) } };
        let ((), (), chart) = tokio::try_join!(publish, namespace, chart)?;
        if let Some((definitions, objects)) = chart {
            self.apply_chart(&definitions, &objects).await?;
            tell("the chart's objects are installed");
        }
        if options.controllers {
            self.await_ready(Part::Controllers).await?;
            tell("the controllers make service accounts");
        }
        if options.chart && options.controllers {
            self.await_admission(&client).await?;
            tell("the admission policies are in effect");
        }
        Ok(())
    }

    async fn await_admission(&self, client: &Client) -> Result<()> {
        let parts = [Part::Etcd, Part::Api];
        self.until("the effect of the admission policies", &parts, || cluster::admission(client)).await
    }

    async fn render(&self) -> Result<(Value, Value)> {
        let values = self.state().options.chart_values;
        let arguments = cluster::chart_arguments("charts/ambit", &values);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        cluster::split(&self.helm(&arguments).await?)
    }

    async fn apply_chart(&self, definitions: &Value, objects: &Value) -> Result<()> {
        let first = self.keep("helm/definitions.json", definitions)?;
        let rest = self.keep("helm/objects.json", objects)?;
        if definitions["items"].as_array().is_some_and(|items| !items.is_empty()) {
            self.kubectl(&["apply", "--server-side", "-f", &first]).await?;
            self.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "-f", &first]).await?;
        }
        let account = self.layout.account().to_string_lossy().into_owned();
        self.kubectl(&["apply", "--server-side", "-f", &rest, "-f", &account]).await?;
        Ok(())
    }

    fn keep(&self, name: &str, value: &Value) -> Result<String> {
        write_private(&self.layout, name, value.to_string().as_bytes())?;
        Ok(self.layout.path(name).to_string_lossy().into_owned())
    }

    fn write_account(&self) -> Result<()> {
        let account = cluster::account(&self.state());
        let text = serde_json::to_vec_pretty(&account)
            .map_err(|error| BedError::Parse { what: "the account".to_owned(), problem: error.to_string() })?;
        // JSON is YAML too.
        write_private(&self.layout, "account.yaml", &text)
    }

    /// Plants what the operator's cloud account has from the start.
    async fn plant_all(&self, tell: &(dyn Fn(&str) + Sync)) -> Result<()> {
        write_private(&self.layout, "boundary.json", cloud::BOUNDARY.as_bytes())?;
        let file = self.layout.path("boundary.json").to_string_lossy().into_owned();
        self.plant(&["boundary", "--name", cloud::BOUNDARY_NAME, "--file", &file]).await?;
        if self.state().options.events {
            self.plant(&["queue", "--name", cloud::QUEUE_NAME]).await?;
        }
        if self.state().options.pod_identity {
            let issuer = self.state().issuer();
            self.plant(&["cluster", cloud::CLUSTER_NAME, "--issuer", &issuer]).await?;
        }
        if self.state().options.operator {
            self.plant_operator().await?;
            tell("the operator's cloud user has exactly the policy that `ambit account policy` prints");
        }
        Ok(())
    }

    /// Makes the operator's cloud user under the policy that the operator's own program asks for.
    pub(super) async fn plant_operator(&self) -> Result<()> {
        let binary = self.project.operator(self.state().options.operator_bin.as_deref())?;
        let account = self.layout.account().to_string_lossy().into_owned();
        let program = Program::new(binary.clone()).args([
            "account",
            "policy",
            "--account",
            &account,
            "--installation",
            INSTALLATION,
        ]);
        let policy = run::stdout(&program, self.layout.dir(), self.project.root(), None).await?;
        write_private(&self.layout, "operator-policy.json", policy.as_bytes())?;
        let file = self.layout.path("operator-policy.json").to_string_lossy().into_owned();
        let keys = self.plant(&["operator", "--name", cloud::OPERATOR_USER, "--policy", &file]).await?;
        let keys: AccessKey = serde_json::from_value(keys).map_err(|error| BedError::Parse {
            what: "the operator's cloud user".to_owned(),
            problem: error.to_string(),
        })?;
        self.change(|state| {
            state.operator_keys = Some(keys);
            state.options.operator_bin = Some(binary);
        })?;
        self.name_callers().await
    }

    /// Applies YAML to the API server as its administrator would, by server-side apply.
    pub async fn apply(&self, yaml: &str) -> Result<String> {
        let program = self.kubectl_program(&["apply", "--server-side", "-f", "-"])?;
        run::stdout(&program, self.layout.dir(), self.project.root(), Some(yaml.as_bytes())).await
    }

    /// Makes a namespace that the bed's account selects.
    pub async fn tenant(&self, name: &str) -> Result<()> {
        let client = self.client().await?;
        cluster::namespace(&client, name, &[cluster::NAMESPACE_LABEL]).await
    }

    /// Runs kubectl as the administrator, in the project's folder, and returns what it printed.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        run::stdout(&self.kubectl_program(args)?, self.layout.dir(), self.project.root(), None).await
    }

    /// Runs Helm as the administrator, in the project's folder, and returns what it printed.
    pub async fn helm(&self, args: &[&str]) -> Result<String> {
        let program = Program::new(self.project.program("helm")?)
            .args(args.iter().copied())
            .env("KUBECONFIG", self.layout.kubeconfig().to_string_lossy());
        run::stdout(&program, self.layout.dir(), self.project.root(), None).await
    }

    fn kubectl_program(&self, args: &[&str]) -> Result<Program> {
        Ok(Program::new(self.project.program("kubectl")?)
            .args(args.iter().copied())
            .env("KUBECONFIG", self.layout.kubeconfig().to_string_lossy()))
    }

    /// What a part has written to its log so far.
    pub fn logs(&self, part: Part) -> Result<String> {
        let path = self.layout.log(part);
        match std::fs::read(&path) {
            Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error).doing(|| format!("read `{}`", path.display())),
        }
    }
}
