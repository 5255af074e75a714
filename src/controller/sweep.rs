//! Sweeping an account: one bulk read, compared locally with every identity
//! that rests. Only those that differ are looked at again.
//!
//! INVARIANTS:
//! - A sweep writes nothing.
//! - What a page did not bring is taken for gone only when the last page was
//!   read; a sweep that is broken off says nothing about what it did not see,
//!   and goes on from the page that failed.
//! - What was read before Ambit's own last write says nothing about it.
//!
//! Where the cloud hands principals to pods, its associations are listed after them. A list tells
//! only that they are there, so one that was made anew is found and one that was changed is not.
//!
//! What Ambit said on service accounts is asked for at the end: the operator does not watch them.
//!
//! Documents are read only where their digest is not the one that was compared
//! last: in an account where nothing changed, a sweep parses nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::annotated;
use super::case::Case;
use super::context::Context;
use super::drifted;
use super::memory::Compared;
use super::revocation;
use super::suspension;
use crate::api::v1alpha1::{DriftStatus, MachineIdentity, ManagementPolicy};
use crate::cloud::{AssociationPage, Cloud, CloudError, ErrorKind, Page, PageToken};
use crate::domain::{Listed, Observation, Observed, PodsOf, Swept};
use crate::names::PrincipalKind;
use crate::plan::{
    Closing, Course, Decision, Delivery, Difference, DriftClass, Part, Resolved, Suspension, decide, is_told,
};

/// A sweep whose last page came longer ago than this begins anew: what it read is
/// too old to be put beside new pages.
const STALE: Duration = Duration::from_mins(10);

/// What a sweep that reached its end found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The pages that were read.
    pub pages: usize,
    /// The calls that this took, with those that failed.
    pub calls: usize,
    /// All principals of the account.
    pub roles: usize,
    /// Those on this installation's path.
    pub ours: usize,
    /// Those on this installation's path that belong to no identity of the account.
    pub strangers: Vec<Swept>,
    /// The associations of the cluster that belong to no identity of the account.
    pub associations: Vec<Listed>,
    /// When it began.
    pub began: Timestamp,
    /// The identities that differ, vanished or appeared.
    pub suspects: Vec<Arc<MachineIdentity>>,
}

/// A sweep that did not reach its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// Why.
    pub error: CloudError,
    /// The identities that were seen to differ until then.
    pub suspects: Vec<Arc<MachineIdentity>>,
}

/// The sweeps that are under way, by account.
#[derive(Debug, Default)]
pub struct Sweeps {
    begun: Mutex<HashMap<String, Progress>>,
}

/// How far a sweep has come. Kept after each page, so that nothing is lost when
/// it is cancelled or fails.
#[derive(Debug, Clone, Default)]
struct Progress {
    found: Report,
    /// When the last page came, or when it began.
    last_page: Timestamp,
    next: Next,
    /// Ours that were seen: a role and a user may have one name.
    seen: HashSet<(PrincipalKind, String)>,
    /// The ids of the associations that were seen.
    tied: HashMap<PodsOf, String>,
}

/// What to read next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// A page of principals.
    Principals(Option<PageToken>),
    /// A page of associations.
    Associations(Option<PageToken>),
}

impl Default for Next {
    fn default() -> Self {
        Self::Principals(None)
    }
}

impl Sweeps {
    /// Sweeps an account, or goes on with the sweep that was broken off.
    pub async fn run(
        &self,
        context: &Context,
        (account, cloud): (&str, &dyn Cloud),
        identities: Vec<Arc<MachineIdentity>>,
    ) -> Result<Report, Broken> {
        let identities = by_name(context, identities);
        let has_associations =
            context.accounts.find(account).is_some_and(|account| account.settings.cluster().is_some());
        loop {
            // Whoever is cancelled here loses one page: all before it is kept.
            let page = match self.begin_or_go_on(account, context.now()) {
                Next::Principals(from) => cloud.sweep(from.as_ref()).await.map(Brought::Principals),
                Next::Associations(from) => cloud.sweep_associations(from.as_ref()).await.map(Brought::Associations),
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => return Err(self.broken(account, error)),
            };
            let mut progress = self.begun().remove(account).unwrap_or_default();
            progress.last_page = context.now();
            let next = match page {
                Brought::Principals(page) => {
                    let next = page.next.clone();
                    progress.take(context, page, &identities);
                    let associations = has_associations.then_some(Next::Associations(None));
                    next.map(|next| Next::Principals(Some(next))).or(associations)
                }
                Brought::Associations(page) => {
                    let next = page.next.clone();
                    progress.take_associations(page);
                    next.map(|next| Next::Associations(Some(next)))
                }
            };
            let Some(next) = next else {
                let mut found = progress.finish(context, &identities, has_associations);
                found.suspects.extend(annotated::astray(context, identities.into_values().collect()).await);
                return Ok(found);
            };
            progress.next = next;
            self.begun().insert(account.to_owned(), progress);
        }
    }

    /// Forgets how far a sweep of an account has come.
    pub fn forget(&self, account: &str) {
        self.begun().remove(account);
    }

    /// Where to go on. A sweep that is new, or whose last page is too old, begins now.
    fn begin_or_go_on(&self, account: &str, now: Timestamp) -> Next {
        let mut begun = self.begun();
        let progress = begun.entry(account.to_owned()).or_insert_with(|| Progress::new(now));
        let age = Duration::try_from(now.duration_since(progress.last_page)).unwrap_or_default();
        if age >= STALE {
            *progress = Progress::new(now);
        } else if progress.found.pages == 0 {
            (progress.found.began, progress.last_page) = (now, now);
        }
        progress.found.calls += 1;
        progress.next.clone()
    }

    /// What was seen until then counts at once; the rest is for the next attempt. A cloud that no
    /// longer knows where to go on is asked from the beginning.
    fn broken(&self, account: &str, error: CloudError) -> Broken {
        let mut begun = self.begun();
        let suspects = begun.get_mut(account).map(|progress| std::mem::take(&mut progress.found.suspects));
        if error.kind == ErrorKind::Invalid {
            begun.remove(account);
        }
        Broken { error, suspects: suspects.unwrap_or_default() }
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn new(now: Timestamp) -> Self {
        Self { found: Report { began: now, ..Report::default() }, last_page: now, ..Self::default() }
    }

    /// Compares what a page brought. Whatever is not ours is dropped unread.
    fn take(&mut self, context: &Context, page: Page, identities: &Named) {
        self.found.pages += 1;
        self.found.roles += page.principals.len();
        for swept in page.principals.into_iter().filter(|swept| swept.on_our_path) {
            self.found.ours += 1;
            let named = (swept.kind, swept.name.clone());
            let Some(identity) = identities.get(&named) else {
                self.found.strangers.push(swept);
                continue;
            };
            if differs(context, self.found.began, identity, Some(&swept)) {
                self.found.suspects.push(Arc::clone(identity));
            }
            self.seen.insert(named);
        }
    }

    fn take_associations(&mut self, page: AssociationPage) {
        self.found.pages += 1;
        self.tied.extend(page.associations.into_iter().map(|listed| (listed.pods, listed.id)));
    }

    /// The last page was read: what was not seen is not there.
    fn finish(mut self, context: &Context, identities: &Named, has_associations: bool) -> Report {
        for (_, identity) in identities.iter().filter(|(name, _)| !self.seen.contains(*name)) {
            if differs(context, self.found.began, identity, None) {
                self.found.suspects.push(Arc::clone(identity));
            }
        }
        if has_associations {
            let tied = std::mem::take(&mut self.tied);
            self.compare_associations(context, identities, tied);
        }
        self.found
    }

    fn compare_associations(&mut self, context: &Context, identities: &Named, mut tied: HashMap<PodsOf, String>) {
        for identity in identities.values() {
            let Some(pods) = pods_of(identity) else { continue };
            let found = tied.remove(&pods);
            if is_tied_otherwise(context, self.found.began, identity, found.as_deref()) {
                self.found.suspects.push(Arc::clone(identity));
            }
        }
        self.found.associations = tied.into_iter().map(|(pods, id)| Listed { id, pods }).collect();
    }
}

/// What a page brought.
enum Brought {
    Principals(Page),
    Associations(AssociationPage),
}

fn pods_of(identity: &MachineIdentity) -> Option<PodsOf> {
    let subject = identity.spec.subject.service_account.as_ref()?;
    Some(PodsOf::new(identity.metadata.namespace.as_deref()?, &subject.name))
}

/// Whether the association of an identity that is in place is not the one that was read back. Marks
/// the identity then, so that its next reconciliation looks itself.
fn is_tied_otherwise(context: &Context, began: Timestamp, identity: &MachineIdentity, found: Option<&str>) -> bool {
    let Some(case) = Case::open(context, identity) else { return false };
    let recorded = case.status().and_then(|status| status.aws).and_then(|aws| aws.pod_identity_association);
    // As a rule it is the same, and nothing more is to be asked.
    if recorded.is_none_or(|recorded| Some(recorded.id.as_str()) == found) {
        return false;
    }
    let is_watched = identity.metadata.deletion_timestamp.is_none()
        && identity.spec.management_policy != ManagementPolicy::Paused
        && !case.remembered.is_suspected()
        && case.remembered.changed_at.is_none_or(|changed| changed < began);
    let grounds = context.world.grounds(&case.incarnation.key, identity, &context.installation);
    let Some(Course::Pursue(resolved, _)) = grounds.filter(|_| is_watched).map(|grounds| case.course(&grounds)) else {
        return false;
    };
    let is_handed = resolved.delivery().and_then(Delivery::handed_to).is_some();
    let differs = is_handed && case.is_in_place(&resolved);
    if differs {
        context.memory.note(&case.incarnation.uid, |memory| memory.suspicions += 1);
    }
    differs
}

/// Identities by what their principals are, and by the names of these.
type Named = HashMap<(PrincipalKind, String), Arc<MachineIdentity>>;

fn by_name(context: &Context, identities: Vec<Arc<MachineIdentity>>) -> Named {
    let named = identities.into_iter().filter_map(|identity| {
        let name = Case::open(context, &identity)?.principal();
        Some(((name.kind(), name.to_string()), identity))
    });
    named.collect()
}

/// Whether an identity differs from what was found of it. Marks it then, so that
/// its next reconciliation looks at the cloud itself.
fn differs(context: &Context, began: Timestamp, identity: &MachineIdentity, found: Option<&Swept>) -> bool {
    let Some(case) = Case::open(context, identity) else { return false };
    // One that is being deleted goes; one that is paused stays, and stays closed if it is suspended.
    let stays = identity.spec.suspend && identity.spec.management_policy == ManagementPolicy::Paused;
    let is_watched = (identity.metadata.deletion_timestamp.is_none() || stays)
        && case.remembered.changed_at.is_none_or(|changed| changed < began);
    if !is_watched {
        return false;
    }
    let compared = found.map(|swept| Compared {
        fingerprint: swept.fingerprint(),
        generation: identity.metadata.generation,
        revision: context.world.revision(),
    });
    if compared.is_some() && compared == case.remembered.compared {
        return false;
    }
    let observation = found.map_or(Observation::Absent, |swept| Observation::Present(swept.read()));
    let Some(differs) = deviates(&case, &observation) else { return false };
    context.memory.note(&case.incarnation.uid, |memory| {
        memory.suspicions += u64::from(differs);
        memory.compared = compared.filter(|_| !differs);
    });
    differs
}

/// Whether a principal is not as its declaration says, or as was told of it;
/// nothing where it is being worked on anyway, or cannot be judged.
fn deviates(case: &Case<'_>, observation: &Observation<Observed>) -> Option<bool> {
    let grounds = case.context.world.grounds(&case.incarnation.key, case.identity, &case.context.installation)?;
    let is_paused = case.identity.spec.management_policy == ManagementPolicy::Paused;
    match case.course(&grounds) {
        Course::Pursue(..) if is_paused => None,
        Course::Pursue(resolved, _) => deviates_from(case, &resolved, observation),
        Course::Suspend(account) => {
            let next = suspension::next(case, &account, observation);
            Some(matches!(next, Suspension::Close(..)))
        }
        Course::Revoke(revoked) => {
            let closing = revocation::closing(case, &grounds, &revoked, observation);
            Some(matches!(closing, Closing::Close(_)))
        }
        Course::Refuse(_) => None,
    }
}

fn deviates_from(case: &Case<'_>, resolved: &Resolved, observation: &Observation<Observed>) -> Option<bool> {
    let in_place = case.is_in_place(resolved);
    if !in_place && resolved.enforce && !case.is_contested() {
        return None;
    }
    let decision = decide(&resolved.desired, observation, &case.recorded(), false);
    Some(if in_place {
        decision != Decision::Settled
    } else {
        outdated(case, &drifted::told(case, decision, resolved, observation))
    })
}

/// Whether an identity that is only observed, or that is contested, tells of
/// other drift than was found. It waits for nothing, so nobody else would notice.
/// Bulk reads do not have everything, so what they leave out is left out here.
fn outdated(case: &Case<'_>, decision: &Decision) -> bool {
    let told = case.status().and_then(|status| status.drift).map(as_swept);
    match decision {
        Decision::Settled => told.is_some_and(|told| !told.items.is_empty()),
        Decision::Change(plan) => {
            let found: Vec<Difference> =
                plan.drift.iter().filter(|found| found.part != Part::SessionDuration).cloned().collect();
            !is_told(told.as_ref(), &found)
        }
        Decision::NotOurs(_) => !drifted::tells_of_role(told.as_ref(), DriftClass::Foreign),
        Decision::Vanished => !drifted::tells_of_role(told.as_ref(), DriftClass::Missing),
    }
}

/// What a sweep can see of what was told.
fn as_swept(mut told: DriftStatus) -> DriftStatus {
    let unseen =
        [Part::SessionDuration, Part::LoginProfile, Part::Association, Part::ServiceAccount, Part::BindingTable]
            .map(Part::name);
    told.items.retain(|item| !unseen.contains(&item.part.as_str()));
    told
}
