//! What a pod's spec asks a kubelet for. Pure.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{
    Container as PodContainer, DownwardAPIVolumeFile, Pod, ProjectedVolumeSource, Volume as PodVolume, VolumeProjection,
};

/// A kubelet's choice where a token's spec names no time.
const TOKEN_SECONDS: i64 = 3600;

/// A container as the stand-in runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) env: Vec<(String, String)>,
    pub(super) secrets: Vec<FromSecret>,
    pub(super) volumes: Vec<Volume>,
    pub(super) notes: Vec<String>,
}

/// Variables whose values stand in a Secret. Those of the spec itself win over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FromSecret {
    pub(super) name: String,
    pub(super) optional: bool,
    pub(super) wanted: Wanted,
}

/// What is wanted of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every key, as a variable of that name with something before it.
    All { prefix: String },
    /// One key, as a variable of another name.
    Key { key: String, variable: String },
}

/// A volume that is a folder here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) folder: PathBuf,
    pub(super) sources: Vec<Source>,
}

/// One thing in a projected volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Token { audience: Option<String>, expiration: i64, path: String },
    ConfigMap { name: String, optional: bool, items: Vec<(String, String)> },
    Secret { name: String, optional: bool, items: Vec<(String, String)> },
    Text { path: String, text: String },
}

/// The service account as which the pod runs.
pub(super) fn service_account(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or("default")
}

/// What the container is given, its volumes below `home`; a problem says what must hold.
pub(super) fn container(pod: &Pod, name: Option<&str>, home: &Path) -> Result<Container, String> {
    if pod.metadata.deletion_timestamp.is_some() {
        return Err("it is being deleted, so no program can be started in it".to_owned());
    }
    let spec = pod.spec.as_ref().ok_or("it has no spec")?;
    let container = match name {
        None => spec.containers.first(),
        Some(name) => spec.containers.iter().chain(spec.init_containers.iter().flatten()).find(|one| one.name == name),
    }
    .ok_or_else(|| format!("it has no container `{}`", name.unwrap_or_default()))?;

    let mut notes = Vec::new();
    let mut mounts = Vec::new();
    let mut volumes = Vec::new();
    for mount in container.volume_mounts.iter().flatten() {
        let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name);
        let folder = home.join(&mount.name);
        match volume.and_then(|volume| sources(pod, volume, &mut notes)) {
            Some(_) if mount.sub_path.is_some() || mount.sub_path_expr.is_some() => {
                notes.push(format!("the mount of volume `{}` by a sub-path is left out", mount.name));
            }
            Some(sources) => {
                volumes.push(Volume { folder: folder.clone(), sources });
                mounts.push((mount.mount_path.trim_end_matches('/').to_owned(), folder));
            }
            None => notes.push(format!("volume `{}` is of a kind that is left out", mount.name)),
        }
    }
    let (env, secrets) = environment(container, &mounts)?;
    Ok(Container { env, secrets, volumes, notes })
}

/// What a volume holds; nothing where it is of a kind that the stand-in has not.
fn sources(pod: &Pod, volume: &PodVolume, notes: &mut Vec<String>) -> Option<Vec<Source>> {
    if volume.empty_dir.is_some() {
        return Some(Vec::new());
    }
    if let Some(map) = &volume.config_map {
        let items = map.items.iter().flatten().map(|item| (item.key.clone(), item.path.clone())).collect();
        let name = map.name.clone();
        return Some(vec![Source::ConfigMap { name, optional: map.optional.unwrap_or_default(), items }]);
    }
    if let Some(secret) = &volume.secret {
        let items = secret.items.iter().flatten().map(|item| (item.key.clone(), item.path.clone())).collect();
        let name = secret.secret_name.clone().unwrap_or_default();
        return Some(vec![Source::Secret { name, optional: secret.optional.unwrap_or_default(), items }]);
    }
    volume.projected.as_ref().map(|projected| projected_sources(pod, &volume.name, projected, notes))
}

fn projected_sources(
    pod: &Pod,
    volume: &str,
    projected: &ProjectedVolumeSource,
    notes: &mut Vec<String>,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for source in projected.sources.iter().flatten() {
        let VolumeProjection { service_account_token, config_map, downward_api, .. } = source;
        if let Some(token) = service_account_token {
            sources.push(Source::Token {
                audience: token.audience.clone().filter(|audience| !audience.is_empty()),
                expiration: token.expiration_seconds.unwrap_or(TOKEN_SECONDS),
                path: token.path.clone(),
            });
        } else if let Some(map) = config_map {
            sources.push(Source::ConfigMap {
                name: map.name.clone(),
                optional: map.optional.unwrap_or_default(),
                items: map.items.iter().flatten().map(|item| (item.key.clone(), item.path.clone())).collect(),
            });
        } else if let Some(downward) = downward_api {
            for file in downward.items.iter().flatten() {
                match field(pod, file) {
                    Some(text) => sources.push(Source::Text { path: file.path.clone(), text }),
                    None => notes.push(format!("the file `{}` of volume `{volume}` is left out", file.path)),
                }
            }
        } else {
            notes.push(format!("a source of volume `{volume}` is of a kind that is left out"));
        }
    }
    sources
}

fn field(pod: &Pod, file: &DownwardAPIVolumeFile) -> Option<String> {
    match file.field_ref.as_ref()?.field_path.as_str() {
        "metadata.name" => pod.metadata.name.clone(),
        "metadata.namespace" => pod.metadata.namespace.clone(),
        "metadata.uid" => pod.metadata.uid.clone(),
        "spec.serviceAccountName" => Some(service_account(pod).to_owned()),
        _ => None,
    }
}

/// Variables with their values, and those whose values stand in Secrets.
type Environment = (Vec<(String, String)>, Vec<FromSecret>);

/// The container's variables; a value that is a path below a mount points into the folder that stands for it.
fn environment(container: &PodContainer, mounts: &[(String, PathBuf)]) -> Result<Environment, String> {
    let mut secrets = Vec::new();
    for from in container.env_from.iter().flatten() {
        let Some(secret) = &from.secret_ref else {
            return Err(format!(
                "container `{}` uses `envFrom` without `secretRef`, which is not supported",
                container.name
            ));
        };
        let wanted = Wanted::All { prefix: from.prefix.clone().unwrap_or_default() };
        secrets.push(FromSecret { name: secret.name.clone(), optional: secret.optional.unwrap_or_default(), wanted });
    }
    let mut variables = Vec::new();
    for variable in container.env.iter().flatten() {
        let Some(from) = &variable.value_from else {
            let value = variable.value.clone().unwrap_or_default();
            variables.push((variable.name.clone(), rewrite(&value, mounts)));
            continue;
        };
        let Some(secret) = &from.secret_key_ref else {
            return Err(format!(
                "variable `{}` of container `{}` uses `valueFrom` without `secretKeyRef`, which is not supported",
                variable.name, container.name
            ));
        };
        let wanted = Wanted::Key { key: secret.key.clone(), variable: variable.name.clone() };
        secrets.push(FromSecret { name: secret.name.clone(), optional: secret.optional.unwrap_or_default(), wanted });
    }
    Ok((variables, secrets))
}

fn rewrite(value: &str, mounts: &[(String, PathBuf)]) -> String {
    mounts
        .iter()
        .filter_map(|(mount, folder)| {
            let rest = value.strip_prefix(mount.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| (mount.len(), format!("{}{rest}", folder.display())))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| value.to_owned(), |(_, rewritten)| rewritten)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
