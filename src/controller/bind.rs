//! From pod to principal: service account, binding table, and the proof that it works.

use super::accounts::Account;
use super::case::Case;
use super::outcome::{Failure, Outcome};
use super::stop::{Gate, Stop, cloud_verdict};
use crate::api::v1alpha1::{Binding, FINALIZER, PodAdmission};
use crate::cloud::ErrorKind;
use crate::cluster::{BindingEntry, ClusterError, ClusterErrorKind};
use crate::plan::{Findings, Reason, Resolved, Verdict};

/// Before anything is made in the cloud: the object is held, its service
/// account is there, and pods that come too early are turned away.
pub async fn prepare(case: &Case<'_>, resolved: &Resolved) -> Result<(), Stop> {
    hold(case).await?;
    let cluster = &case.context.cluster;
    let namespace = &case.incarnation.key.namespace;
    let account = &resolved.delivery.service_account;
    cluster.ensure_service_account(namespace, account).await.map_err(|error| match error.kind {
        ClusterErrorKind::Transient => Stop::cluster(error),
        _ => Stop::bound(
            Verdict::terminal(
                Reason::ServiceAccountMissing,
                format!("service account '{account}' does not exist and cannot be made: {error}; create it"),
            ),
            Outcome::Failed(Failure::Cluster(error.kind)),
        ),
    })?;
    if gated(case) {
        let waiting = "it is being prepared".to_owned();
        cluster.reserve(namespace, entry(case, resolved, Some(waiting))).await.map_err(Stop::cluster)?;
    }
    Ok(())
}

/// Holds the object until what belongs to it was looked after.
pub async fn hold(case: &Case<'_>) -> Result<(), Stop> {
    let held = case.identity.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER);
    if held {
        return Ok(());
    }
    case.context.cluster.hold(&case.incarnation).await.map_err(Stop::cluster)
}

/// Proves that a token of the service account opens the principal.
pub async fn prove(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    findings: &mut Findings,
) -> Result<(), Stop> {
    let namespace = &case.incarnation.key.namespace;
    let delivery = &resolved.delivery;
    let token = case
        .context
        .cluster
        .token(namespace, &delivery.service_account, &delivery.audience)
        .await
        .map_err(|error| missing_account(resolved, error))?;
    let proven = account.cloud.prove(&resolved.desired.name, &token).await;
    proven.map_err(|error| unproven(case, &error))?;
    findings.proof = verified(resolved);
    Ok(())
}

/// What is said of an identity that was proven usable.
pub fn verified(resolved: &Resolved) -> Verdict {
    let account = &resolved.delivery.service_account;
    let message = format!("a token of service account '{account}' was exchanged for credentials of the role");
    Verdict::good(Reason::Verified, message)
}

/// Opens the gate: from now on pods get the identity.
pub async fn deliver(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Result<(), Stop> {
    let namespace = &case.incarnation.key.namespace;
    case.context.cluster.bind(namespace, entry(case, resolved, None)).await.map_err(Stop::cluster)?;
    let account = &resolved.delivery.service_account;
    let identity = &case.incarnation.key.name;
    let without = case.context.cluster.pods_without(namespace, account, identity).await.map_err(Stop::cluster)?;
    findings.bound = match without {
        0 => Verdict::good(
            Reason::Bound,
            format!("pods of service account '{account}' get the role when they are created"),
        ),
        count => Verdict::good(
            Reason::PodsWithoutIdentity,
            format!(
                "{count} running pods of service account '{account}' were created before and do not have the role: restart them; new pods get it"
            ),
        ),
    };
    Ok(())
}

/// Turns new pods away, where the gate says so. Pods that run go on.
pub async fn turn_away(case: &Case<'_>, gate: Gate) -> Result<(), ClusterError> {
    let Gate::Shut(reason) = gate else { return Ok(()) };
    let namespace = &case.incarnation.key.namespace;
    if !gated(case) {
        return case.context.cluster.unbind(namespace, &case.incarnation.key.name).await;
    }
    let Some(subject) = &case.identity.spec.subject.service_account else { return Ok(()) };
    let binding = Binding {
        identity: case.incarnation.key.name.clone(),
        ready: false,
        reason: Some(cut(&reason)),
        audience: "sts.amazonaws.com".to_owned(),
        env: Vec::new(),
    };
    let entry = BindingEntry { service_account: subject.name.clone(), binding };
    case.context.cluster.bind(namespace, entry).await
}

fn gated(case: &Case<'_>) -> bool {
    case.identity.spec.pod_admission == PodAdmission::RequireReady
}

/// What the namespace's table says of the service account.
pub fn entry(case: &Case<'_>, resolved: &Resolved, waits_for: Option<String>) -> BindingEntry {
    let delivery = &resolved.delivery;
    let binding = Binding {
        identity: case.incarnation.key.name.clone(),
        ready: waits_for.is_none(),
        reason: waits_for,
        audience: delivery.audience.clone(),
        env: delivery.env.clone(),
    };
    BindingEntry { service_account: delivery.service_account.clone(), binding }
}

fn cut(reason: &str) -> String {
    reason.chars().take(512).collect()
}

fn missing_account(resolved: &Resolved, error: ClusterError) -> Stop {
    if error.kind != ClusterErrorKind::NotFound {
        return Stop::cluster(error);
    }
    let account = &resolved.delivery.service_account;
    let message = format!("service account '{account}' does not exist; it is made when it is looked for again");
    Stop::bound(
        Verdict::retrying(Reason::ServiceAccountMissing, message),
        Outcome::Failed(Failure::Cluster(ClusterErrorKind::NotFound)),
    )
}

/// A refused exchange. Right after a change it only says that the cloud has not
/// spread it yet; after a while a person should look.
fn unproven(case: &Case<'_>, error: &crate::cloud::CloudError) -> Stop {
    const PATIENCE: u32 = 8;
    let verdict = match error.kind {
        ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Invalid if case.remembered.failures < PATIENCE => {
            Verdict::working(Reason::Propagating, "the cloud does not accept the role's trust yet; it is tried again")
        }
        ErrorKind::Denied | ErrorKind::NotFound => Verdict::retrying(
            Reason::Propagating,
            format!(
                "the cloud still refuses the exchange: {error}; look for a service control policy that denies `sts:AssumeRoleWithWebIdentity`"
            ),
        ),
        ErrorKind::Invalid => Verdict::retrying(
            Reason::ProviderMissing,
            format!(
                "the account does not accept the cluster's tokens: {error}; compare issuer, audience and keys of the OIDC provider"
            ),
        ),
        _ => cloud_verdict(error),
    };
    let kind = match error.kind {
        // Retried at the pace of things that pass by themselves.
        ErrorKind::Denied | ErrorKind::Invalid => ErrorKind::NotFound,
        kind => kind,
    };
    Stop::proof(verdict, Outcome::Failed(Failure::Cloud(kind)))
}
