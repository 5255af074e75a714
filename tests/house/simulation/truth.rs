//! What must be true when all is quiet again.

use std::collections::BTreeMap;

use ambit::api::v1alpha1::{FINALIZER, MachineIdentity};
use ambit::cloud::{FaultPlan, MemoryRole};
use ambit::domain::PodsOf;
use ambit::plan::Annotated;
use ambit::policy::Document;

use super::declare::NAMESPACE;
use super::process::{Process, Rest};
use super::stage::Stage;
use super::verdicts::condition;

/// Live equals declared, the status says so, and pods get it.
pub fn assert_live(stage: &Stage) {
    assert_reads(stage, &[]);
    assert_in_place(stage);
}

/// The same of an identity that no longer fits: `Accepted` says so, and nothing else does.
pub fn assert_tolerated(stage: &Stage) {
    assert_reads(stage, &["Accepted"]);
    assert_in_place(stage);
    let object = stage.object().unwrap();
    let (ready, accepted) = (condition(&object, "Ready").unwrap(), condition(&object, "Accepted").unwrap());
    assert_eq!((&ready.reason, &ready.message), (&accepted.reason, &accepted.message));
    assert!(["ScopeDenied", "NoScopePolicy"].contains(&accepted.reason.as_str()), "{accepted:?}");
    let kept = "; its access stays as it is, because no ScopePolicy that selects it says `enforcement: Revoke`";
    assert!(accepted.message.ends_with(kept), "{}", accepted.message);
}

/// The role is denied everything and else as it was, its pods are turned away,
/// and the status says so.
pub fn assert_revoked(stage: &Stage) {
    let object = stage.object().unwrap();
    let role = stage.role().unwrap();
    assert_denied(&role);
    assert!(role.boundary.is_some());
    assert_others_untouched(stage, 1);
    let read = |name: &str| {
        let found = condition(&object, name).unwrap();
        assert_eq!(found.observed_generation, object.metadata.generation, "{found:?}");
        (found.status.clone(), found.reason.clone())
    };
    for (name, status, reason) in [
        ("Ready", "False", "Revoked"),
        ("Provisioned", "False", "Revoked"),
        ("InSync", "Unknown", "Revoked"),
        ("Stalled", "True", "Revoked"),
        ("Bound", "Unknown", "Pending"),
    ] {
        assert_eq!(read(name), (status.to_owned(), reason.to_owned()), "{name}");
    }
    assert_eq!(read("Accepted").0, "False");
    let why = &condition(&object, "Accepted").unwrap().message;
    let message = &condition(&object, "Ready").unwrap().message;
    assert_eq!(*message, format!("its role is denied everything until it fits again: {why}"));
    let accounts = stage.cluster.table(NAMESPACE).service_accounts;
    let bound: Vec<_> = accounts.values().map(|binding| (binding.ready, binding.identity.as_str())).collect();
    assert_eq!(bound, [(false, "orders")]);
}

/// Everything is denied: by a policy for that, or where the cloud took none more, in the place of
/// the permissions.
fn assert_denied(role: &MemoryRole) {
    let denial = role.inline.get("ambit-closed").or_else(|| role.inline.get("ambit")).unwrap();
    assert!(Document::read(denial).unwrap().same_meaning(&ambit::policy::deny_all()), "{denial}");
}

/// The role is denied everything, lets nobody in and denies old sessions, each of which status
/// dates, and its pods are turned away.
pub fn assert_suspended(stage: &Stage) {
    let object = stage.object().unwrap();
    let role = stage.role().unwrap();
    let means = |text: &str, expected: &Document| Document::read(text).unwrap().same_meaning(expected);
    assert_denied(&role);
    assert!(means(&role.trust, &ambit::policy::nobody()), "{}", role.trust);
    let status = object.status.as_ref().unwrap();
    let told = status.suspension.as_ref().unwrap();
    let before = told.sessions_before.as_ref().unwrap();
    assert_eq!(status.aws.as_ref().unwrap().sessions_denied_before.as_ref(), Some(before));
    assert!(means(&role.inline["ambit-sessions"], &ambit::policy::deny_sessions_before(&before.0.to_string())));
    let times = [&told.denied_time, &told.trust_emptied_time, &told.sessions_denied_time];
    let times: Vec<_> = times.into_iter().map(|time| time.as_ref().unwrap().0).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[1] < before.0, "whatever was issued until the trust was empty is old");
    assert!(role.boundary.is_some());
    assert_others_untouched(stage, 1);
    assert_eq!(stage.association("orders").is_some(), stage.eks().is_some(), "what hands it to pods stays");
    for (name, status, reason) in [
        ("Ready", "False", "Suspended"),
        ("Accepted", "True", "Accepted"),
        ("Provisioned", "False", "Suspended"),
        ("Bound", "Unknown", "Suspended"),
        ("InSync", "Unknown", "Suspended"),
        ("CredentialsFresh", "Unknown", "Suspended"),
        ("Stalled", "True", "Suspended"),
    ] {
        let found = condition(&object, name).unwrap();
        assert_eq!(found.observed_generation, object.metadata.generation, "{found:?}");
        assert_eq!((&*found.status, &*found.reason), (status, reason), "{name}");
    }
    let accounts = stage.cluster.table(NAMESPACE).service_accounts;
    let bound: Vec<_> = accounts.values().map(|binding| (binding.ready, binding.identity.as_str())).collect();
    assert_eq!(bound, [(false, "orders")]);
}

/// All conditions are true but these.
fn assert_reads(stage: &Stage, not: &[&str]) {
    let object = stage.object().unwrap();
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, object.metadata.generation);
    for condition in &status.conditions {
        assert_eq!(condition.observed_generation, object.metadata.generation, "{condition:?}");
        let expected = if not.contains(&condition.type_.as_str()) { "False" } else { "True" };
        assert_eq!(condition.status, expected, "{condition:?}");
    }
    let names: Vec<&str> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(names, ["Ready", "Accepted", "Provisioned", "Bound", "InSync", "CredentialsFresh"]);
}

fn assert_in_place(stage: &Stage) {
    let object = stage.object().unwrap();
    let resolved = stage.resolved().unwrap();
    assert_role(stage, &object);
    assert_others_untouched(stage, 1);
    let status = object.status.as_ref().unwrap();
    assert_eq!((status.drift_count, status.drift.as_ref()), (Some(0), None));
    let aws = status.aws.as_ref().unwrap();
    assert_eq!(aws.role_id.as_deref(), stage.role().map(|role| role.id).as_deref());
    assert_eq!(aws.role_arn.as_deref(), Some(resolved.role_arn.as_str()));
    assert_eq!(aws.permissions_digest, resolved.desired.permissions.meaning().to_string());
    assert_eq!(aws.trust_digest, resolved.desired.trust.meaning().to_string());
    assert_delivered(stage, &object);
}

fn assert_role(stage: &Stage, object: &MachineIdentity) {
    let desired = stage.resolved().unwrap().desired;
    let role = stage.role().unwrap();
    let meaning = |text: &str| Document::read(text).unwrap().meaning();
    assert_eq!(meaning(&role.trust), desired.trust.meaning(), "trust: {}", role.trust);
    let subject = &object.spec.subject.service_account.as_ref().unwrap().name;
    let named = match stage.eks() {
        None => format!("\"system:serviceaccount:{NAMESPACE}:{subject}\""),
        Some(_) => format!("\"aws:RequestTag/kubernetes-service-account\":\"{subject}\""),
    };
    assert!(role.trust.contains(&named), "{}", role.trust);
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.suspension, None);
    // Sessions from before a suspension stay denied.
    let denied = status.aws.as_ref().and_then(|aws| aws.sessions_denied_before.as_ref());
    let denied = denied.map(|before| ambit::policy::deny_sessions_before(&before.0.to_string()));
    let sessions = role.inline.get("ambit-sessions").map(|text| meaning(text));
    assert_eq!(sessions, denied.map(|document| document.meaning()));
    let others = role.inline.keys().filter(|name| *name != "ambit-sessions");
    assert_eq!(others.collect::<Vec<_>>(), ["ambit"]);
    assert_eq!(meaning(&role.inline["ambit"]), desired.permissions.meaning(), "permissions: {}", role.inline["ambit"]);
    assert_eq!(role.boundary.as_deref(), Some(desired.boundary.as_str()));
    assert_eq!(role.session, desired.session.get());
    assert!(role.attached.is_empty(), "{:?}", role.attached);
    assert_eq!(role.path, "/ambit/sim/");
    let uid = object.metadata.uid.clone().unwrap();
    let tags = [("identity", stage.key.to_string()), ("installation", "sim".to_owned()), ("uid", uid)];
    // The mark of an incarnation that is gone means nothing any more.
    let mut found = role.tags.clone();
    let mark = found.remove("ambit.dev/retained");
    assert_ne!(mark.as_ref(), Some(&tags[2].1), "the role of an identity that lives is marked as left behind");
    assert_eq!(found, tags.map(|(key, value)| (format!("ambit.dev/{key}"), value)).into());
}

/// The table has the identity's entry and no other, and the service account is there.
fn assert_delivered(stage: &Stage, object: &MachineIdentity) {
    let resolved = stage.resolved().unwrap();
    let delivery = resolved.delivery().unwrap();
    let accounts = stage.cluster.table(NAMESPACE).service_accounts;
    assert_eq!(accounts.keys().collect::<Vec<_>>(), [&delivery.service_account]);
    let binding = &accounts[&delivery.service_account];
    assert!(binding.ready && binding.reason.is_none(), "{binding:?}");
    assert_eq!(*binding, delivery.binding(&stage.key.name, None));
    assert_annotated(stage, delivery.annotated().map(|it| (delivery.service_account.as_str(), it)));
    assert_handed(stage, &delivery.service_account);
    let told = object.status.as_ref().unwrap().delivery.clone();
    assert_eq!(told.unwrap_or_default(), delivery.status());
    assert!(stage.cluster.has_service_account(NAMESPACE, &delivery.service_account));
    assert_eq!(object.metadata.finalizers.as_deref(), Some([FINALIZER.to_owned()].as_slice()));
}

/// The one service account says to the webhook what it should, and no other says anything.
pub fn assert_annotated(stage: &Stage, said: Option<(&str, &Annotated)>) {
    for service_account in ["orders", "orders-2"] {
        let wanted = said.filter(|(name, _)| *name == service_account).map(|(_, it)| it.annotations(&stage.key.name));
        let found = stage.cluster.annotations(NAMESPACE, service_account);
        assert_eq!(found, wanted.unwrap_or_default(), "{service_account}");
    }
}

/// Where EKS hands roles to pods: the declared ones get it, and nobody else does.
fn assert_handed(stage: &Stage, service_account: &str) {
    let recorded = stage.object().and_then(|object| object.status?.aws?.pod_identity_association);
    let Some(cluster) = stage.eks() else {
        assert_eq!(recorded, None);
        return;
    };
    let role = stage.role().unwrap().arn;
    let get_it: Vec<_> = stage.get(&role);
    assert_eq!(get_it, [(cluster.clone(), PodsOf::new(NAMESPACE, service_account))]);
    let found = stage.association(service_account).unwrap();
    let recorded = recorded.unwrap();
    assert_eq!((recorded.id, recorded.service_account.as_str()), (found.id, service_account));
}

/// The identity left nothing behind but its service account.
pub fn assert_gone(stage: &Stage) {
    assert_eq!(stage.object(), None);
    assert_eq!(stage.role(), None);
    assert_others_untouched(stage, 0);
    assert_eq!(stage.cluster.table(NAMESPACE).service_accounts, BTreeMap::new());
    assert!(stage.cluster.has_service_account(NAMESPACE, "orders"));
    assert_annotated(stage, None);
}

/// Whatever other people have in the account is as it was, and there are only
/// so many roles beside.
pub fn assert_others_untouched(stage: &Stage, ours: usize) {
    let roles = stage.cloud.roles();
    assert_eq!(roles.len(), stage.planted().len() + ours, "orphans: {roles:#?}");
    for role in stage.planted() {
        assert!(roles.contains(role), "`{}` was touched", role.name);
    }
    let tied = stage.associations();
    for found in stage.tied() {
        assert!(tied.contains(found), "{found:?} was touched");
    }
    let most = stage.tied().len() + if stage.eks().is_some() { ours } else { 0 };
    assert!(tied.len() <= most, "left behind: {tied:#?}");
}

/// Rounds that sweep and look at everything again change nothing: neither in
/// the same process nor in one that was just started.
pub async fn assert_idle<'a>(stage: &'a Stage, process: &mut Process<'a>) {
    let quiet = written(stage);
    let mut fresh = Process::start(stage, &FaultPlan::none());
    for process in [process, &mut fresh] {
        assert_ne!(process.run().await, Rest::Gone);
        assert_eq!(written(stage), quiet);
    }
}

/// Everything that a quiet round must leave as it is.
fn written(stage: &Stage) -> (BTreeMap<&'static str, u64>, usize, usize, String) {
    let status = serde_json::to_string(&stage.object().unwrap().status).unwrap();
    (stage.cloud.writes(), stage.cluster.writes(), stage.cluster.announcements().len(), status)
}
