//! From pod to principal: service account, binding table, and the proof that it works.

use std::time::Duration;

use super::accounts::Account;
use super::annotated::{self, Hindrance};
use super::case::Case;
use super::outcome::{Failure, Outcome};
use super::stop::{Gate, Stop, cloud_verdict};
use crate::api::v1alpha1::{Binding, FINALIZER, PodAdmission};
use crate::cloud::{CloudError, ErrorKind};
use crate::cluster::{BindingEntry, ClusterError, ClusterErrorKind, Sign};
use crate::domain::annotation::ROLE_VARIABLE;
use crate::domain::{Observation, Reading};
use crate::plan::pipeline::Tokens;
use crate::plan::pod_identity::{CREDENTIALS_VARIABLE, HandedTo};
use crate::plan::{
    Annotated, Delivery, Findings, Injected, Keyed, Means, Reason, Resolved, Stored, User, Verdict, binding_differences,
};
use crate::policy::Document;

/// How soon a way that cannot be gone is looked at again: sweeps watch over what is ready only.
const LOOK_AGAIN: Duration = Duration::from_mins(30);

/// Before anything is made in the cloud: the object is held, its service
/// account is there, and pods that come too early are turned away.
pub async fn prepare(case: &Case<'_>, resolved: &Resolved) -> Result<(), Stop> {
    hold(case).await?;
    let Some(delivery) = resolved.delivery() else { return Ok(()) };
    let cluster = &case.context.cluster;
    let namespace = &case.incarnation.key.namespace;
    let account = &delivery.service_account;
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
        cluster.reserve(namespace, entry(case, delivery, Some(waiting))).await.map_err(Stop::cluster)?;
    }
    // What hinders it is told when the way is handed out: the role is looked after all the same.
    if let Err(Hindrance { error, .. }) = annotated::withdraw(case, Some(account)).await {
        tracing::warn!(error.type = error.kind.name(), %error, "annotations of a service account stay for now");
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

/// Proves that a token of the subject opens the principal: by exchanging one, where the cluster
/// gives one out.
pub async fn prove(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    trust: &Reading,
    findings: &mut Findings,
) -> Result<(), Stop> {
    let (service_account, audience) = match &resolved.user {
        User::Pods(Delivery {
            service_account,
            means:
                Means::Injected(Injected { audience, .. })
                | Means::Annotated(Annotated { audience, .. })
                | Means::Stored(Stored { audience, .. }),
        }) => (service_account, audience),
        // A key is proven by the cloud's listing it, when it is in the Secret.
        User::Pods(Delivery { means: Means::Keyed(_), .. }) => {
            findings.proof = verified(resolved);
            return Ok(());
        }
        User::Pods(Delivery { means: Means::HandedTo(handed_to), .. }) => {
            let is_exact = |trust: &Document| handed_to.are_admitted_by(trust, &resolved.role_arn);
            evaluated(document(trust).is_some_and(is_exact), "pods")?;
            findings.proof = verified(resolved);
            return Ok(());
        }
        User::Pipeline(tokens) => {
            evaluate(tokens, account, trust).await?;
            findings.proof = verified(resolved);
            return Ok(());
        }
    };
    let namespace = &case.incarnation.key.namespace;
    let token = case.context.cluster.token(namespace, service_account, audience).await;
    let token = token.map_err(|error| match error.kind {
        ClusterErrorKind::NotFound => annotated::missing(service_account),
        _ => Stop::cluster(error),
    })?;
    let proven = account.cloud.prove(&resolved.desired.name, &token).await;
    proven.map_err(|error| {
        let (verdict, failure) = unproven(case, &error);
        Stop::proof(verdict, Outcome::Failed(failure))
    })?;
    findings.proof = verified(resolved);
    Ok(())
}

/// No token of a pipeline is at hand. That the account knows its issuer is read, and whom the trust
/// lets in, which was read back, is evaluated.
async fn evaluate(tokens: &Tokens, account: &Account, trust: &Reading) -> Result<(), Stop> {
    let Tokens { pipeline, audience, .. } = tokens;
    let provider = account.cloud.observe_provider(&pipeline.issuer).await.map_err(Stop::cloud)?;
    let is_known = matches!(&provider, Observation::Present(found) if found.audiences.contains(audience));
    if !is_known {
        let message = format!(
            "the account has no OIDC provider for `{}` with audience `{audience}`, so no token of the pipeline is accepted: register it, or set `provider: Create` for it in `spec.aws.federation.pipelines` of the CloudAccount",
            pipeline.issuer
        );
        let verdict = Verdict::retrying(Reason::ProviderMissing, message);
        return Err(Stop::bound(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::NotFound))));
    }
    evaluated(document(trust).is_some_and(|trust| tokens.are_admitted_by(trust)), "pipeline")
}

fn document(trust: &Reading) -> Option<&Document> {
    match trust {
        Reading::Document(document) => Some(document),
        Reading::Unreadable(_) => None,
    }
}

/// Where no token can be exchanged, what was read back is put to the engine.
fn evaluated(is_exact: bool, whom: &str) -> Result<(), Stop> {
    if is_exact {
        return Ok(());
    }
    let message = format!("the role's trust does not let in exactly the declared {whom}; please report this");
    Err(Stop::proof(Verdict::terminal(Reason::UnsafePlan, message), Outcome::Failed(Failure::Bug)))
}

/// What is said of an identity that was proven usable.
pub fn verified(resolved: &Resolved) -> Verdict {
    match &resolved.user {
        User::Pods(Delivery { service_account, means: Means::HandedTo(HandedTo { cluster, .. }) }) => Verdict::good(
            Reason::Evaluated,
            format!(
                "by its association and its trust as they were read back, EKS gives the role to pods of service account '{service_account}' in cluster '{}', and to nobody else",
                cluster.name()
            ),
        ),
        User::Pods(Delivery { means: Means::Keyed(Keyed { terms, .. }), .. }) => Verdict::good(
            Reason::Evaluated,
            format!(
                "the user was read back as declared, and the access key in Secret '{}' is active",
                terms.target.name
            ),
        ),
        User::Pods(Delivery { service_account, .. }) => Verdict::good(
            Reason::Verified,
            format!("a token of service account '{service_account}' was exchanged for credentials of the role"),
        ),
        User::Pipeline(Tokens { pipeline, .. }) => Verdict::good(
            Reason::Evaluated,
            format!("by its trust as it was read back, the role lets in {}, and nobody else", pipeline.words),
        ),
    }
}

/// Opens the gate: from now on pods get the identity.
pub async fn deliver(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Result<(), Stop> {
    let namespace = &case.incarnation.key.namespace;
    let delivery = match &resolved.user {
        User::Pods(delivery) => delivery,
        User::Pipeline(Tokens { pipeline, audience, .. }) => {
            let message = format!(
                "tokens of {} for audience `{audience}` are exchanged for credentials of the role; nothing in the cluster has a part in it",
                pipeline.words
            );
            findings.bound = Verdict::good(Reason::Bound, message);
            return Ok(());
        }
    };
    if matches!(delivery.means, Means::Injected(_)) && !case.context.injects {
        return Err(uninjected(case, &delivery.service_account));
    }
    hand_out(case, delivery).await?;
    findings.delivery = Some(delivery.status());
    let account = &delivery.service_account;
    let Some(sign) = sign(&case.incarnation.key.name, delivery, &resolved.role_arn) else {
        // Whether a pod uses the Secret, its own spec says.
        let (what, target) = match (delivery.key(), delivery.secret()) {
            (Some(terms), _) => ("an access key of the user", Some(&terms.target)),
            (None, target) => ("credentials of the role", target),
        };
        let name = target.map_or("", |target| &target.name);
        let message = format!("pods of service account '{account}' find {what} in Secret '{name}'");
        findings.bound = Verdict::good(Reason::Bound, message);
        return Ok(());
    };
    let without = case.context.cluster.pods_without(namespace, account, sign).await.map_err(Stop::cluster)?;
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

/// Nobody gives pods the role, and the gate turns them away. Those that a webhook gave it until now
/// go on getting it.
fn uninjected(case: &Case<'_>, service_account: &str) -> Stop {
    let message = format!(
        "nobody gives pods of service account '{service_account}' the role: this Ambit is installed without its own injection (chart value `admission.injection`), and CloudAccount '{}' does not say `spec.aws.federation.webIdentity.delivery: ServiceAccountAnnotation`: set that, or install the injection, which needs Kubernetes 1.36",
        case.identity.spec.account_ref.name
    );
    let verdict = Verdict::terminal(Reason::InjectionUnavailable, message.clone());
    let stop = Stop::bound(verdict, Outcome::Waiting(case.note_full_look(LOOK_AGAIN)));
    if annotated::is_noted(case) { stop } else { stop.shutting(message) }
}

/// By what a pod is seen to have the identity. What the injection leaves on a pod says nothing of
/// what somebody else's webhook did.
fn sign<'a>(identity: &'a str, delivery: &Delivery, role_arn: &'a str) -> Option<Sign<'a>> {
    let by_role = Sign { identity: None, variable: ROLE_VARIABLE, value: Some(role_arn) };
    Some(match &delivery.means {
        Means::Injected(_) => Sign { identity: Some(identity), ..by_role },
        Means::Annotated(_) => by_role,
        Means::HandedTo(_) => Sign { variable: CREDENTIALS_VARIABLE, value: None, ..by_role },
        Means::Stored(_) | Means::Keyed(_) => return None,
    })
}

/// The one way is there, and was read back, before the other goes: a pod that is created between has
/// both, and both lead to the same role.
async fn hand_out(case: &Case<'_>, delivery: &Delivery) -> Result<(), Stop> {
    let cluster = &case.context.cluster;
    let namespace = &case.incarnation.key.namespace;
    let account = &delivery.service_account;
    let entry = entry(case, delivery, None);
    match &delivery.means {
        Means::Annotated(wanted) => {
            annotated::say(case, account, wanted).await?;
            cluster.bind(namespace, entry).await.map_err(Stop::cluster)?;
            annotated::withdraw(case, Some(account)).await?;
        }
        Means::Injected(_) | Means::HandedTo(_) | Means::Stored(_) | Means::Keyed(_) => {
            cluster.bind(namespace, entry.clone()).await.map_err(Stop::cluster)?;
            if !annotated::is_left(case, account).await? {
                return Ok(());
            }
            let way = cluster.way(namespace, account).await.map_err(Stop::cluster)?;
            if !binding_differences(account, &entry.binding, true, way.entry.as_ref()).is_empty() {
                return Err(annotated::unseen("the entries of the binding table"));
            }
            annotated::withdraw(case, None).await?;
        }
    }
    Ok(())
}

/// Turns new pods away, where the gate says so. Pods that run go on.
pub async fn turn_away(case: &Case<'_>, gate: Gate, findings: &mut Findings) -> Result<(), ClusterError> {
    match gate {
        Gate::Leave => return Ok(()),
        Gate::Yield => {}
        Gate::Shut(reason) => shut(case, &reason).await?,
    }
    // After the gate: no pod starts with nothing at all.
    annotated::withdraw(case, None).await.map_err(|Hindrance { verdict, error }| {
        findings.bound = verdict;
        error
    })
}

async fn shut(case: &Case<'_>, reason: &str) -> Result<(), ClusterError> {
    let namespace = &case.incarnation.key.namespace;
    if !gated(case) {
        return case.context.cluster.unbind(namespace, &case.incarnation.key.name).await;
    }
    let Some(subject) = &case.identity.spec.subject.service_account else { return Ok(()) };
    let binding = Binding {
        identity: case.incarnation.key.name.clone(),
        ready: false,
        reason: Some(cut(reason)),
        ..Binding::default()
    };
    let entry = BindingEntry { service_account: subject.name.clone(), binding };
    case.context.cluster.bind(namespace, entry).await
}

fn gated(case: &Case<'_>) -> bool {
    case.identity.spec.pod_admission == PodAdmission::RequireReady
}

/// What the namespace's table says of the service account.
pub fn entry(case: &Case<'_>, delivery: &Delivery, waits_for: Option<String>) -> BindingEntry {
    let binding = delivery.binding(&case.incarnation.key.name, waits_for);
    BindingEntry { service_account: delivery.service_account.clone(), binding }
}

fn cut(reason: &str) -> String {
    reason.chars().take(512).collect()
}

/// A refused exchange. Right after a change it only says that the cloud has not
/// spread it yet; after a while a person should look.
pub fn unproven(case: &Case<'_>, error: &CloudError) -> (Verdict, Failure) {
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
    (verdict, Failure::Cloud(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PodsOf;
    use crate::names::ClusterArn;

    #[test]
    fn a_pod_is_known_by_what_gives_it_the_role() {
        const ARN: &str = "arn:aws:iam::123456789012:role/ambit/sim/orders";
        let audience = || "sts.amazonaws.com".to_owned();
        let injected =
            Injected { audience: audience(), expiration_seconds: 3600, directory: String::new(), env: Vec::new() };
        let annotated = Annotated { role_arn: ARN.into(), audience: audience(), expiration_seconds: 3600 };
        let cluster = ClusterArn::parse("arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu").unwrap();
        let handed_to = HandedTo { cluster, pods: PodsOf::new("shop", "orders") };
        let by = |means| sign("orders", &Delivery { service_account: "orders".into(), means }, ARN).unwrap();
        let by_role = Sign { identity: None, variable: "AWS_ROLE_ARN", value: Some(ARN) };
        assert_eq!(by(Means::Injected(injected)), Sign { identity: Some("orders"), ..by_role });
        assert_eq!(by(Means::Annotated(annotated)), by_role);
        // One that was injected before the account was switched has the annotation, and not the role.
        let by_agent = Sign { identity: None, variable: "AWS_CONTAINER_CREDENTIALS_FULL_URI", value: None };
        assert_eq!(by(Means::HandedTo(handed_to)), by_agent);
    }
}
