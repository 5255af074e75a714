//! A stand-in for the kubelet: runs a program as a container of an admitted pod would.
//!
//! The program gets what the pod's spec asks for and nothing else: projected
//! tokens minted for this pod, Secrets that it names, and the variables written
//! in the spec. This is the only way by which the bed hands a credential to a workload.

mod spec;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Client;
use kube::api::Api;

use crate::error::{BedError, Doing, Result};
use crate::kube::mint;
use crate::process::search_path;
use crate::run;
use spec::{Container, Source, Volume, Wanted};

/// How a program ended in a pod, and what it said.
#[derive(Debug)]
pub struct PodRun {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// What the pod's spec asks for and the stand-in left out.
    pub notes: Vec<String>,
    /// The variables it was given, PATH apart.
    pub env: Vec<(String, String)>,
}

/// A pod by its namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::str::FromStr for PodName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("`{text}` must be NAMESPACE/POD")),
        }
    }
}

/// Runs `program` as the named container of the pod, or its first, with volumes below `folder`.
pub(crate) async fn run_pod(
    client: &Client,
    folder: &Path,
    pod: &PodName,
    container: Option<&str>,
    program: &[String],
) -> Result<PodRun> {
    let label = format!("{}/{}", pod.namespace, pod.name);
    let object = Api::<Pod>::namespaced(client.clone(), &pod.namespace)
        .get(&pod.name)
        .await
        .doing(|| format!("read the pod `{label}`"))?;
    let uid = object.metadata.uid.clone().unwrap_or_default();
    let home = folder.join(&uid);
    let plan =
        spec::container(&object, container, &home).map_err(|problem| BedError::Pod { pod: label.clone(), problem })?;
    for volume in &plan.volumes {
        fill(client, &object, volume).await?;
    }
    let plan = with_secrets(client, &object, plan).await?;
    start(&label, plan, program).await
}

/// The container with the variables whose values stand in Secrets at this moment.
async fn with_secrets(client: &Client, pod: &Pod, plan: Container) -> Result<Container> {
    let mut env = Vec::new();
    for from in &plan.secrets {
        let items = match &from.wanted {
            Wanted::All { .. } => Vec::new(),
            Wanted::Key { key, variable } => vec![(key.clone(), variable.clone())],
        };
        let prefix = match &from.wanted {
            Wanted::All { prefix } => prefix.as_str(),
            Wanted::Key { .. } => "",
        };
        let values = secret(client, pod, &from.name, from.optional, &items).await?;
        env.extend(values.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    env.extend(plan.env);
    Ok(Container { env, ..plan })
}

async fn start(label: &str, plan: Container, program: &[String]) -> Result<PodRun> {
    let Some((first, arguments)) = program.split_first() else {
        return Err(BedError::Pod { pod: label.to_owned(), problem: "a program to run must be named".to_owned() });
    };
    let mut command = tokio::process::Command::new(first);
    command.args(arguments).env_clear().env("PATH", search_path()).process_group(0);
    command.envs(plan.env.iter().map(|(name, value)| (name, value)));
    let output = run::finish(command, first.clone(), None).await?;
    Ok(PodRun {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        notes: plan.notes,
        env: plan.env,
    })
}

/// Writes one projected volume, as its spec says at this moment.
async fn fill(client: &Client, pod: &Pod, volume: &Volume) -> Result<()> {
    make_folder(&volume.folder)?;
    for source in &volume.sources {
        match source {
            Source::Token { audience, expiration, path } => {
                let token = token(client, pod, audience.as_deref(), *expiration).await?;
                write(&volume.folder, path, token.as_bytes())?;
            }
            Source::ConfigMap { name, optional, items } => {
                for (path, text) in config_map(client, pod, name, *optional, items).await? {
                    write(&volume.folder, &path, text.as_bytes())?;
                }
            }
            Source::Secret { name, optional, items } => {
                for (path, text) in secret(client, pod, name, *optional, items).await? {
                    write(&volume.folder, &path, text.as_bytes())?;
                }
            }
            Source::Text { path, text } => write(&volume.folder, path, text.as_bytes())?,
        }
    }
    Ok(())
}

async fn token(client: &Client, pod: &Pod, audience: Option<&str>, expiration: i64) -> Result<String> {
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: audience.map(str::to_owned).into_iter().collect(),
            expiration_seconds: Some(expiration),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        },
        ..TokenRequest::default()
    };
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    mint(client, namespace, spec::service_account(pod), &request).await
}

async fn config_map(
    client: &Client,
    pod: &Pod,
    name: &str,
    optional: bool,
    items: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let map = Api::<ConfigMap>::namespaced(client.clone(), namespace)
        .get_opt(name)
        .await
        .doing(|| format!("read the config map `{namespace}/{name}`"))?;
    selected(pod, &format!("the config map `{name}`"), map.map(|map| map.data.unwrap_or_default()), optional, items)
}

async fn secret(
    client: &Client,
    pod: &Pod,
    name: &str,
    optional: bool,
    items: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let found = Api::<Secret>::namespaced(client.clone(), namespace)
        .get_opt(name)
        .await
        .doing(|| format!("read the Secret `{namespace}/{name}`"))?;
    let text = |(key, value): (String, ByteString)| (key, String::from_utf8_lossy(&value.0).into_owned());
    let data = found.map(|found| found.data.unwrap_or_default().into_iter().map(text).collect());
    selected(pod, &format!("the Secret `{name}`"), data, optional, items)
}

/// The keys of an object that a pod asks for, by the name that it gives them; all where it names none.
fn selected(
    pod: &Pod,
    what: &str,
    data: Option<BTreeMap<String, String>>,
    optional: bool,
    items: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let missing = |what: String| BedError::Pod {
        pod: format!(
            "{}/{}",
            pod.metadata.namespace.as_deref().unwrap_or_default(),
            pod.metadata.name.as_deref().unwrap_or_default()
        ),
        problem: format!("{what} must exist, because the pod asks for it"),
    };
    let Some(data) = data else {
        return if optional { Ok(Vec::new()) } else { Err(missing(what.to_owned())) };
    };
    if items.is_empty() {
        return Ok(data.into_iter().collect());
    }
    items
        .iter()
        .filter_map(|(key, path)| match data.get(key) {
            Some(text) => Some(Ok((path.clone(), text.clone()))),
            None if optional => None,
            None => Some(Err(missing(format!("the key `{key}` of {what}")))),
        })
        .collect()
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).doing(|| format!("create `{}`", folder.display()))
}

fn write(folder: &Path, path: &str, text: &[u8]) -> Result<()> {
    let file: PathBuf = folder.join(path);
    if let Some(parent) = file.parent() {
        make_folder(parent)?;
    }
    let write = || {
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))
    };
    write().doing(|| format!("write `{}`", file.display()))
}
