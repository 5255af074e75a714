//! One turn of a rotation: a look, a decision, and one step of I/O.

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::super::accounts::Account;
use super::super::case::{Case, later};
use super::super::outcome::Failure;
use super::super::stop::{cloud_verdict, cluster_verdict};
use crate::api::v1alpha1::MachineIdentity;
use crate::cloud::CloudError;
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::domain::{KeyStep, LastUse, SecretVersion, SecretWrite};
use crate::names::{AccessKeyId, PrincipalName};
use crate::plan::rotation::{
    self, Jitter, KeyTerms, Move, Policy, Rotation, Seen, Waiting, annotations, consumers, news, publication,
    seen_secret, superseding,
};
use crate::plan::{self, Reason, Resolved, Verdict};

/// What came of a turn.
pub(super) enum Turned {
    /// A step was taken: another look.
    On,
    /// Nothing now. So it stands until this time at the latest.
    Waits(Timestamp, Verdict),
    /// A call failed.
    Failed(Verdict, Failure),
}

/// What was seen, and as what it was seen.
struct Look {
    live: MachineIdentity,
    state: Rotation,
    policy: Policy,
    seen: Seen,
    version: Option<SecretVersion>,
}

/// Why a turn came to nothing.
enum Trouble {
    Cloud(CloudError),
    Cluster(ClusterError),
    /// Somebody else changed what was looked at, or the object is going.
    Overtaken,
}

impl From<CloudError> for Trouble {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

impl Trouble {
    fn told(self) -> Turned {
        match self {
            Self::Cloud(error) => {
                tracing::warn!(error.type = error.kind.name(), %error, "a call about an access key failed");
                Turned::Failed(cloud_verdict(&error), Failure::Cloud(error.kind))
            }
            Self::Cluster(error) if error.kind == ClusterErrorKind::Conflict => Self::Overtaken.told(),
            Self::Cluster(error) => {
                tracing::warn!(error.type = error.kind.name(), %error, "a request to the API server failed");
                let verdict = match error.kind {
                    ClusterErrorKind::Denied => Verdict::terminal(
                        Reason::ClusterRefused,
                        format!(
                            "the API server does not let Ambit keep Secrets: {error}; Ambit may do so where the chart's value `credentials.secrets` is true"
                        ),
                    ),
                    _ => cluster_verdict(&error),
                };
                Turned::Failed(verdict, Failure::Cluster(error.kind))
            }
            Self::Overtaken => {
                let verdict = Verdict::working(
                    Reason::Rotating,
                    "somebody else changed the identity or its Secret meanwhile; it is looked at again",
                );
                Turned::Failed(verdict, Failure::Cluster(ClusterErrorKind::Conflict))
            }
        }
    }
}

/// Looks, decides and takes one step.
pub(super) async fn turn(case: &Case<'_>, resolved: &Resolved, terms: &KeyTerms, account: &Account) -> Turned {
    let look = match look(case, resolved, terms, account).await {
        Ok(look) => look,
        Err(trouble) => return trouble.told(),
    };
    let (now, jitter) = (case.context.now(), Jitter::of(&case.incarnation.uid));
    let decided = rotation::next(&look.state, &look.seen, &look.policy, now, jitter);
    let verdict = rotation::verdict(&look.state, &look.seen, &look.policy, &decided, now);
    match &decided {
        Move::Wait(until, waiting) => {
            // Reads lag for moments only.
            let soon = later(now, case.context.timing.consistency_window);
            let until = if *waiting == Waiting::NotListed { soon } else { *until };
            return Turned::Waits(until, verdict);
        }
        Move::Refuse(_) => return Turned::Failed(verdict, Failure::Cluster(ClusterErrorKind::Invalid)),
        _ => {}
    }
    match take(case, resolved, (terms, account), &look, (&decided, &verdict)).await {
        Ok(()) => {
            tell(case, &look, &decided).await;
            Turned::On
        }
        Err(trouble) => trouble.told(),
    }
}

/// Reads, in the order that `plan::rotation` asks for: status, Secret, keys, their last use, pods.
async fn look(case: &Case<'_>, resolved: &Resolved, terms: &KeyTerms, account: &Account) -> Result<Look, Trouble> {
    let (cluster, key, uid) = (&case.context.cluster, &case.incarnation.key, &case.incarnation.uid);
    let live = cluster.live(key).await?.filter(|live| live.metadata.uid.as_ref() == Some(uid));
    let live = live.filter(|live| live.metadata.deletion_timestamp.is_none() && !live.spec.suspend);
    let live = live.filter(|live| live.metadata.generation == case.identity.metadata.generation);
    let live = live.ok_or(Trouble::Overtaken)?;
    // Of a write whose reply was lost, this process does not know.
    case.context.memory.note(uid, |memory| memory.status.clone_from(&live.status));
    let state = Rotation::read(live.status.as_ref().and_then(|status| status.credentials.as_ref()));
    let policy = terms.policy(&live);
    let found = cluster.secret(&key.namespace, &terms.target.name).await?;
    let secret = seen_secret(&terms.target, found.as_ref(), key, uid);
    let keys = account.cloud.access_keys(&resolved.desired.name).await?;
    let mut seen = Seen {
        secret,
        keys,
        last_use: std::collections::BTreeMap::new(),
        consumers: None,
        watched: std::time::Duration::ZERO,
        confirmed_missing: false,
    };
    let published = seen.secret.published().map(|published| published.id.clone());
    note_known(case, published.as_ref().or(state.current.as_ref().map(|current| &current.id)), &mut seen);
    if seen.has_other_keys() {
        for other in seen.keys.iter().map(|key| &key.id).filter(|id| published.as_ref() != Some(id)) {
            seen.last_use.insert(other.clone(), last_use(account, other).await);
        }
    }
    if seen.has_other_keys() || policy.pending(&state).is_some_and(|request| request.revoke_old) {
        seen.consumers = match cluster.pods(&key.namespace).await {
            Ok(pods) => Some(consumers(&pods, &terms.target.name)),
            Err(error) => {
                tracing::warn!(error.type = error.kind.name(), %error, "pods that use a Secret could not be read");
                None
            }
        };
    }
    Ok(Look { live, state, policy, seen, version: found.map(|found| found.version) })
}

/// What the cloud does not tell is unknown, and keeps the key.
async fn last_use(account: &Account, key: &AccessKeyId) -> LastUse {
    account.cloud.last_use(key).await.unwrap_or_else(|error| {
        tracing::warn!(error.type = error.kind.name(), %error, "the last use of an access key could not be read");
        LastUse::Unknown
    })
}

/// For how long this process has known the key, and has missed it in the cloud's list.
fn note_known(case: &Case<'_>, key: Option<&AccessKeyId>, seen: &mut Seen) {
    let steady = (case.context.steady)();
    let is_listed = key.is_none_or(|id| seen.keys.iter().any(|key| key.id == *id));
    case.context.memory.note(&case.incarnation.uid, |memory| {
        let begin = |known: Option<(AccessKeyId, std::time::Duration)>| {
            known.filter(|(id, _)| Some(id) == key).or_else(|| key.map(|id| (id.clone(), steady)))
        };
        memory.key_known = begin(memory.key_known.take());
        memory.key_missed = if is_listed { None } else { begin(memory.key_missed.take()) };
        let since = |known: &Option<(AccessKeyId, std::time::Duration)>| {
            known.as_ref().map(|(_, since)| steady.saturating_sub(*since))
        };
        seen.watched = since(&memory.key_known).unwrap_or_default();
        let window = case.context.timing.consistency_window;
        seen.confirmed_missing = since(&memory.key_missed).is_some_and(|missed| missed >= window);
    });
}

async fn take(
    case: &Case<'_>,
    resolved: &Resolved,
    (terms, account): (&KeyTerms, &Account),
    look: &Look,
    (decided, verdict): (&Move, &Verdict),
) -> Result<(), Trouble> {
    let user = &resolved.desired.name;
    let change = async |step: KeyStep| {
        tracing::info!(step = step.name(), key = %step.id(), principal = %user, "changing an access key");
        account.cloud.change_access_key(user, &step).await
    };
    match decided {
        Move::WriteIntent(next, _) | Move::RecordState(next) => write(case, terms, look, next, verdict).await?,
        Move::CreateKey => publish(case, (user, terms), account, look).await?,
        Move::Supersede(id) => {
            let written = SecretWrite { data: None, annotations: superseding(id) };
            let (cluster, name) = (&case.context.cluster, &terms.target.name);
            cluster.write_secret(&case.incarnation, name, look.version.as_ref(), &written).await?;
        }
        Move::Activate(id) => change(KeyStep::Activate(id.clone())).await?,
        Move::Deactivate(id) => change(KeyStep::Deactivate(id.clone())).await?,
        Move::DeleteKey(id) => change(KeyStep::Delete(id.clone())).await?,
        Move::Wait(..) | Move::Refuse(_) => {}
    }
    Ok(())
}

/// Makes a key and puts it into the Secret that was looked at, or forgets it.
async fn publish(
    case: &Case<'_>,
    (user, terms): (&PrincipalName, &KeyTerms),
    account: &Account,
    look: &Look,
) -> Result<(), Trouble> {
    let made = account.cloud.create_access_key(user).await?;
    let said = annotations(&publication(&look.seen, &made.key().id), case.context.now());
    let written = SecretWrite { data: Some(terms.target.key_data(&made)), annotations: said };
    let (cluster, name) = (&case.context.cluster, &terms.target.name);
    let done = cluster.write_secret(&case.incarnation, name, look.version.as_ref(), &written).await;
    tracing::info!(key = %made.key().id, published = done.is_ok(), principal = %user, "an access key was made");
    Ok(done?)
}

/// Writes down what is about to be done or was found, over the status of the look.
async fn write(
    case: &Case<'_>,
    terms: &KeyTerms,
    look: &Look,
    next: &Rotation,
    verdict: &Verdict,
) -> Result<(), Trouble> {
    let Some(previous) = &look.live.status else { return Err(Trouble::Overtaken) };
    let version = look.live.resource_version().unwrap_or_default();
    let status = plan::credentialed(previous, next.status(&terms.target), verdict, case.context.now());
    case.context.cluster.write_status_at(&case.incarnation, &version, &status).await?;
    case.context.memory.note(&case.incarnation.uid, |memory| {
        memory.status = Some(status);
        memory.compared = None;
    });
    Ok(())
}

async fn tell(case: &Case<'_>, look: &Look, decided: &Move) {
    let Some(news) = news(&look.state, decided, &look.seen) else { return };
    case.context.metrics.credentials(news.word());
    case.announce(news.is_warning(), news.reason(), news.to_string()).await;
}
