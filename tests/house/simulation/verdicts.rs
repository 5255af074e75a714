//! How others read our status: the rules of kstatus (Flux, Helm, kubectl
//! plugins) for kinds that they do not know, and the table for Argo CD.

use ambit::api::v1alpha1::MachineIdentity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// What kstatus makes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kstatus {
    InProgress,
    Failed,
    Current,
    Terminating,
}

/// What Argo CD shall make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argo {
    Progressing,
    Degraded,
    Healthy,
    Suspended,
}

fn conditions(object: &MachineIdentity) -> &[Condition] {
    object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}

/// The condition of this type, if there is one.
pub fn condition<'a>(object: &'a MachineIdentity, name: &str) -> Option<&'a Condition> {
    conditions(object).iter().find(|condition| condition.type_ == name)
}

fn is_true(object: &MachineIdentity, name: &str) -> bool {
    condition(object, name).is_some_and(|condition| condition.status == "True")
}

fn is_behind(object: &MachineIdentity) -> bool {
    let observed = object.status.as_ref().and_then(|status| status.observed_generation);
    observed.is_some() && observed != object.metadata.generation
}

/// Deletion first, then generations, then `Reconciling` and `Stalled`, then
/// `Ready`. An object that says nothing counts as finished.
pub fn kstatus(object: &MachineIdentity) -> Kstatus {
    if object.metadata.deletion_timestamp.is_some() {
        return Kstatus::Terminating;
    }
    if is_behind(object) || is_true(object, "Reconciling") {
        return Kstatus::InProgress;
    }
    if is_true(object, "Stalled") {
        return Kstatus::Failed;
    }
    match condition(object, "Ready") {
        Some(ready) if ready.status != "True" => Kstatus::InProgress,
        _ => Kstatus::Current,
    }
}

/// `Stalled` alone is a failure; a pause that somebody asked for is none.
pub fn argo(object: &MachineIdentity) -> Argo {
    let Some(ready) = condition(object, "Ready").filter(|_| !is_behind(object)) else { return Argo::Progressing };
    match (ready.status.as_str(), ready.reason.as_str()) {
        ("True", _) => Argo::Healthy,
        ("Unknown", "Paused") => Argo::Suspended,
        _ if is_true(object, "Stalled") => Argo::Degraded,
        _ => Argo::Progressing,
    }
}
