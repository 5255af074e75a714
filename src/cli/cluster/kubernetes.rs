//! A real cluster: connecting to it, reading from it, and saying why that fails.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde::de::DeserializeOwned;

use super::Connection;
use super::objects::{Objects, Trouble};
use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity, TABLE_NAME};
use crate::domain::annotation::Annotations;
use crate::names::{IdentityKey, chain};

/// How many objects come in one answer.
const PAGE: u32 = 500;
const CONNECT: Duration = Duration::from_secs(5);

/// A cluster that can be read.
pub struct Kubernetes {
    client: Client,
    /// The address, for messages.
    url: String,
    /// The namespace that is meant where none is named.
    pub namespace: String,
}

/// Connects. Nothing is asked yet.
pub async fn connect(connection: &Connection) -> Result<Kubernetes, String> {
    let mut config = config(connection).await?;
    config.connect_timeout = Some(CONNECT);
    // `--timeout` bounds everything together.
    config.read_timeout = None;
    let (url, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| {
        format!("the kubeconfig cannot be used: {}; check its user and its certificates", chain(&error))
    })?;
    Ok(Kubernetes { client, url, namespace })
}

async fn config(connection: &Connection) -> Result<Config, String> {
    let Connection { context, kubeconfig, .. } = connection;
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = kubeconfig {
        let shown = path.display();
        let file = Kubeconfig::read_from(path).map_err(|error| {
            format!("`--kubeconfig {shown}` cannot be used: {}; name a file with access to the cluster", chain(&error))
        })?;
        let contexts: Vec<String> = file.contexts.iter().map(|context| context.name.clone()).collect();
        return Config::from_custom_kubeconfig(file, &options).await.map_err(|error| match context {
            Some(name) if !contexts.contains(name) => no_context(name, &contexts),
            _ => format!("`--kubeconfig {shown}` cannot be used: {}", chain(&error)),
        });
    }
    if let Some(name) = context {
        let contexts: Vec<String> = Kubeconfig::read()
            .map(|file| file.contexts.into_iter().map(|context| context.name).collect())
            .unwrap_or_default();
        return Config::from_kubeconfig(&options).await.map_err(|error| {
            if contexts.is_empty() || contexts.contains(name) {
                format!("context `{name}` cannot be used: {}", chain(&error))
            } else {
                no_context(name, &contexts)
            }
        });
    }
    Config::infer().await.map_err(|error| {
        let words = chain(&error);
        format!("no access to a cluster: {words}; set KUBECONFIG, or name a file with `--kubeconfig`")
    })
}

fn no_context(name: &str, known: &[String]) -> String {
    format!("the kubeconfig has no context `{name}`: {}", super::near(name, known))
}

#[async_trait]
impl Objects for Kubernetes {
    async fn identity(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, Trouble> {
        let api = Api::namespaced(self.client.clone(), &key.namespace);
        self.get(&api, &key.name, "machineidentities", Some(&key.namespace)).await
    }

    async fn identities(&self, namespace: Option<&str>) -> Result<Vec<MachineIdentity>, Trouble> {
        let api = match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        self.list(&api, "machineidentities", namespace).await
    }

    async fn account(&self, name: &str) -> Result<Option<CloudAccount>, Trouble> {
        self.get(&Api::all(self.client.clone()), name, "cloudaccounts", None).await
    }

    async fn accounts(&self) -> Result<Vec<String>, Trouble> {
        let api: Api<CloudAccount> = Api::all(self.client.clone());
        let all = self.list(&api, "cloudaccounts", None).await?;
        Ok(all.iter().map(ResourceExt::name_any).collect())
    }

    async fn table(&self, namespace: &str) -> Result<Option<BindingTable>, Trouble> {
        let api = Api::namespaced(self.client.clone(), namespace);
        self.get(&api, TABLE_NAME, "bindingtables", Some(namespace)).await
    }

    async fn annotations(&self, namespace: &str, service_account: &str) -> Result<Option<Annotations>, Trouble> {
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let what = "serviceaccounts";
        match api.get_metadata(service_account).await {
            Ok(found) => Ok(Some(found.annotations().clone())),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(self.trouble("get", what, Some(namespace), &error)),
        }
    }
}

impl Kubernetes {
    async fn get<K>(&self, api: &Api<K>, name: &str, what: &str, namespace: Option<&str>) -> Result<Option<K>, Trouble>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        match api.get(name).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(self.trouble("get", what, namespace, &error)),
        }
    }

    async fn list<K>(&self, api: &Api<K>, what: &str, namespace: Option<&str>) -> Result<Vec<K>, Trouble>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        let mut all = Vec::new();
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let page = api.list(&parameters).await.map_err(|error| self.trouble("list", what, namespace, &error))?;
            all.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    fn trouble(&self, verb: &str, what: &str, namespace: Option<&str>, error: &kube::Error) -> Trouble {
        let place =
            namespace.map_or_else(|| "in the whole cluster".to_owned(), |name| format!("in namespace `{name}`"));
        let (code, words) = match error {
            kube::Error::Api(status) => (status.code, status.message.clone()),
            other => (0, chain(other)),
        };
        let words: String = words.trim().chars().take(512).collect();
        let message = match (code, error) {
            (401, _) => format!("the API server at {} does not know you: {words}; sign in again", self.url),
            (403, _) => format!(
                "you may not {verb} {what} {place}: {words}; ask for a role that allows it, such as {}",
                helpful_role(what)
            ),
            (404, _) => format!(
                "the cluster at {} does not know {what} of ambit.dev/v1alpha1: is Ambit installed there? `ambit crds` prints its kinds",
                self.url
            ),
            (0, kube::Error::SerdeError(_)) => {
                format!("{what} {place} cannot be understood: {words}; is this `ambit` as new as the cluster's?")
            }
            (0, _) => format!(
                "the API server at {} cannot be reached: {words}; check the kubeconfig, the network, or name another cluster with `--context`",
                self.url
            ),
            _ => format!("the API server at {} cannot {verb} {what} {place}: {words}", self.url),
        };
        Trouble { forbidden: code == 403, message }
    }
}

/// The role of the chart that gives a right.
fn helpful_role(what: &str) -> &'static str {
    if what == "cloudaccounts" { "the chart's `ambit-audit`" } else { "`view`" }
}

/// Whether the API server knows the kind and not the object. A server that does not know the kind
/// says 404 too, without naming what it looked for.
fn is_absence(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    status.code == 404 && status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn kubernetes() -> Kubernetes {
        let config = Config::new("https://192.0.2.1:6443".parse().unwrap());
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::try_from(config).unwrap();
        Kubernetes { client, url: "https://192.0.2.1:6443/".into(), namespace: "default".into() }
    }

    fn api(code: u16, message: &str) -> kube::Error {
        let status = serde_json::json!({"code": code, "message": message});
        kube::Error::Api(Box::new(serde_json::from_value::<Status>(status).unwrap()))
    }

    #[tokio::test]
    async fn each_trouble_says_what_is_wrong_and_what_to_do() {
        let cluster = kubernetes();
        let said = |what: &str, namespace: Option<&str>, error: &kube::Error| {
            let trouble = cluster.trouble("list", what, namespace, error);
            (trouble.forbidden, trouble.message)
        };
        for (what, namespace, error, expected) in [
            (
                "machineidentities",
                Some("shop"),
                api(403, "User \"bob\" cannot list resource"),
                (
                    true,
                    "you may not list machineidentities in namespace `shop`: User \"bob\" cannot list resource; ask for a role that allows it, such as `view`",
                ),
            ),
            (
                "cloudaccounts",
                None,
                api(403, "no"),
                (
                    true,
                    "you may not list cloudaccounts in the whole cluster: no; ask for a role that allows it, such as the chart's `ambit-audit`",
                ),
            ),
            (
                "machineidentities",
                None,
                api(404, "404 page not found"),
                (
                    false,
                    "the cluster at https://192.0.2.1:6443/ does not know machineidentities of ambit.dev/v1alpha1: is Ambit installed there? `ambit crds` prints its kinds",
                ),
            ),
            (
                "machineidentities",
                None,
                api(401, "Unauthorized"),
                (false, "the API server at https://192.0.2.1:6443/ does not know you: Unauthorized; sign in again"),
            ),
            (
                "machineidentities",
                None,
                kube::Error::ReadEvents(std::io::Error::other("connection refused")),
                (
                    false,
                    "the API server at https://192.0.2.1:6443/ cannot be reached: Error reading events stream: connection refused; check the kubeconfig, the network, or name another cluster with `--context`",
                ),
            ),
        ] {
            assert_eq!(said(what, namespace, &error), (expected.0, expected.1.to_owned()));
        }
    }

    #[test]
    fn only_a_server_that_names_what_it_looked_for_says_that_it_is_absent() {
        let status = serde_json::json!({"code": 404, "reason": "NotFound", "details": {"name": "orders"}});
        let named = kube::Error::Api(Box::new(serde_json::from_value(status).unwrap()));
        assert!(is_absence(&named));
        assert!(!is_absence(&api(404, "404 page not found")));
    }

    #[tokio::test]
    async fn a_kubeconfig_that_cannot_be_used_is_named() {
        let folder = std::env::temp_dir().join(format!("ambit-kubeconfig-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config");
        let text = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]}"#;
        std::fs::write(&file, text).unwrap();
        let connection = |path: &std::path::Path, context: Option<&str>| Connection {
            context: context.map(str::to_owned),
            kubeconfig: Some(path.to_owned()),
            timeout: Duration::from_secs(1),
        };
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        assert_eq!(connect(&connection(&file, None)).await.unwrap().namespace, "shop");
        let error = connect(&connection(&file, Some("prd"))).await.err().unwrap();
        assert_eq!(error, "the kubeconfig has no context `prd`: did you mean `prod`?");
        let missing = folder.join("missing");
        let error = connect(&connection(&missing, None)).await.err().unwrap();
        assert!(error.starts_with(&format!("`--kubeconfig {}` cannot be used: ", missing.display())), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
