//! Which pods use a Secret, and which of them still hold what it had before.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerStatus, EnvFromSource, EnvVar, Pod, PodSpec, PodStatus, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How long it may take until a changed Secret is in the files of a running pod: the
/// kubelet's period of synchronisation, one minute, and what its caches lag behind.
pub(super) const REREAD: Duration = Duration::from_mins(3);

/// The most that are told by name.
const MOST_NAMED: usize = 5;

/// How a container gets what is in the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// In its environment, when it starts.
    Env,
    /// As a single file of a volume, when it starts.
    SubPath,
    /// Through a driver that mounts a volume, when the pod starts.
    Csi,
    /// As files of a volume, which the kubelet keeps up to date.
    Files,
}

impl How {
    fn word(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::SubPath => "subPath",
            Self::Csi => "CSI driver",
            Self::Files => "files",
        }
    }
}

/// A container that runs and uses the Secret; of a CSI driver, the pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    /// The pod.
    pub pod: String,
    /// The container, if it is one's own affair.
    pub container: Option<String>,
    /// How it gets what is in the Secret.
    pub how: How,
    /// When the pod was made. Absent if that is not known.
    pub made: Option<Timestamp>,
    /// When the container started. Absent if that is not known.
    pub started: Option<Timestamp>,
}

impl Consumer {
    /// Whether it has to be restarted before it gets what was published at that time.
    /// What began in that very second may have come before it. Only the cluster's
    /// clocks are asked.
    #[must_use]
    pub fn holds(&self, published: Option<Timestamp>) -> bool {
        let Some(published) = published else { return self.how != How::Files };
        let is_after = |time: Option<Timestamp>| time.is_some_and(|time| time > published);
        match self.how {
            How::Env => !is_after(self.started),
            How::Csi => !is_after(self.made),
            // A container that starts anew in an old pod gets the volume as it is by then.
            How::SubPath => {
                let reread = published.checked_add(REREAD).unwrap_or(Timestamp::MAX);
                !is_after(self.made) && self.started.is_none_or(|started| started <= reread)
            }
            How::Files => false,
        }
    }
}

impl std::fmt::Display for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.container {
            Some(container) => write!(f, "pod `{}` ({} of container `{container}`)", self.pod, self.how.word()),
            None => write!(f, "pod `{}` ({})", self.pod, self.how.word()),
        }
    }
}

/// A few by name, the rest counted.
pub(super) fn in_words(consumers: &[Consumer]) -> String {
    let named: Vec<String> = consumers.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    match consumers.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// What an emergency rotation breaks, told before it begins.
#[must_use]
pub fn what_breaks(consumers: Option<&[Consumer]>) -> String {
    let Some(consumers) = consumers else {
        return "the pods could not be read, so it is not known what breaks: whatever uses the old key fails at once"
            .to_owned();
    };
    let (files, held): (Vec<Consumer>, Vec<Consumer>) =
        consumers.iter().cloned().partition(|consumer| consumer.how == How::Files);
    let mut parts = Vec::new();
    if !held.is_empty() {
        parts.push(format!("until they are restarted, these fail: {}", in_words(&held)));
    }
    if !files.is_empty() {
        let minutes = REREAD.as_secs() / 60;
        parts.push(format!("for up to {minutes} minutes, these may fail: {}", in_words(&files)));
    }
    if parts.is_empty() {
        parts.push("no running pod of the namespace uses the Secret".to_owned());
    }
    parts.push("whatever else uses the old key fails at once".to_owned());
    parts.join("; ")
}

/// Who uses the Secret of that name. Containers that do not run hold nothing.
#[must_use]
pub fn consumers(pods: &[Pod], secret: &str) -> Vec<Consumer> {
    let mut found: Vec<Consumer> =
        pods.iter().filter(|pod| !is_finished(pod)).flat_map(|pod| of_pod(pod, secret)).collect();
    found.sort();
    found
}

fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn of_pod(pod: &Pod, secret: &str) -> Vec<Consumer> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let nothing = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&nothing);
    let name = pod.metadata.name.clone().unwrap_or_default();
    let made = time(pod.metadata.creation_timestamp.as_ref());
    let volumes: Vec<&str> = volumes(spec, secret).collect();
    let is_waiting = status.phase.as_deref() == Some("Pending");
    let mut found = Vec::new();
    for (container, statuses) in containers(spec, status) {
        let how = container.how(secret, &volumes);
        let run = run(container.name, statuses.unwrap_or_default(), is_waiting);
        if let (Some(how), Run::Since(started)) = (how, run) {
            let container = Some(container.name.to_owned());
            found.push(Consumer { pod: name.clone(), container, how, made, started });
        }
    }
    let by_driver = |volume: &Volume| {
        let reference = volume.csi.as_ref().and_then(|csi| csi.node_publish_secret_ref.as_ref());
        reference.is_some_and(|reference| reference.name == secret)
    };
    if !is_waiting && spec.volumes.iter().flatten().any(by_driver) {
        found.push(Consumer { pod: name, container: None, how: How::Csi, made, started: None });
    }
    found
}

/// The volumes with the Secret in them.
fn volumes<'a>(spec: &'a PodSpec, secret: &'a str) -> impl Iterator<Item = &'a str> {
    let has_it = move |volume: &&Volume| {
        let whole = volume.secret.as_ref().is_some_and(|source| source.secret_name.as_deref() == Some(secret));
        let mut projected = volume.projected.iter().flat_map(|it| it.sources.iter().flatten());
        whole || projected.any(|source| source.secret.as_ref().is_some_and(|source| source.name == secret))
    };
    spec.volumes.iter().flatten().filter(has_it).map(|volume| volume.name.as_str())
}

/// What the kinds of containers have in common.
struct Shared<'a> {
    name: &'a str,
    env: Option<&'a [EnvVar]>,
    env_from: Option<&'a [EnvFromSource]>,
    mounts: Option<&'a [VolumeMount]>,
}

impl<'a> From<&'a Container> for Shared<'a> {
    fn from(container: &'a Container) -> Self {
        Self {
            name: &container.name,
            env: container.env.as_deref(),
            env_from: container.env_from.as_deref(),
            mounts: container.volume_mounts.as_deref(),
        }
    }
}

impl Shared<'_> {
    /// How it uses the Secret: of several ways, the one that asks most of people.
    fn how(&self, secret: &str, volumes: &[&str]) -> Option<How> {
        let is_in_var = |var: &EnvVar| {
            let reference = var.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            reference.is_some_and(|reference| reference.name == secret)
        };
        let is_all_vars =
            |from: &EnvFromSource| from.secret_ref.as_ref().is_some_and(|reference| reference.name == secret);
        if self.env.iter().copied().flatten().any(is_in_var) || self.env_from.iter().copied().flatten().any(is_all_vars)
        {
            return Some(How::Env);
        }
        let mounts = self.mounts.iter().copied().flatten().filter(|mount| volumes.contains(&mount.name.as_str()));
        let is_part = |mount: &VolumeMount| {
            [&mount.sub_path, &mount.sub_path_expr].into_iter().flatten().any(|path| !path.is_empty())
        };
        mounts.map(|mount| if is_part(mount) { How::SubPath } else { How::Files }).min()
    }
}

type Statuses<'a> = Option<&'a [ContainerStatus]>;

fn containers<'a>(spec: &'a PodSpec, status: &'a PodStatus) -> Vec<(Shared<'a>, Statuses<'a>)> {
    let init = spec.init_containers.iter().flatten().map(Shared::from);
    let normal = spec.containers.iter().map(Shared::from);
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(|container| Shared {
        name: &container.name,
        env: container.env.as_deref(),
        env_from: container.env_from.as_deref(),
        mounts: container.volume_mounts.as_deref(),
    });
    let mut all = Vec::new();
    all.extend(init.map(|container| (container, status.init_container_statuses.as_deref())));
    all.extend(normal.map(|container| (container, status.container_statuses.as_deref())));
    all.extend(ephemeral.map(|container| (container, status.ephemeral_container_statuses.as_deref())));
    all
}

/// Whether a container runs.
enum Run {
    /// It does, since then, if that is known.
    Since(Option<Timestamp>),
    /// It does not, and holds nothing.
    No,
}

/// Whether a container runs, and since when, if that is known. One of which nothing is
/// told runs, unless its pod has not come so far.
fn run(name: &str, statuses: &[ContainerStatus], is_waiting: bool) -> Run {
    let unknown = if is_waiting { Run::No } else { Run::Since(None) };
    let Some(state) = statuses.iter().find(|status| status.name == name).and_then(|status| status.state.as_ref())
    else {
        return unknown;
    };
    match &state.running {
        Some(running) => Run::Since(time(running.started_at.as_ref())),
        None if state.waiting.is_some() || state.terminated.is_some() => Run::No,
        None => unknown,
    }
}

fn time(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

#[cfg(test)]
mod tests;
