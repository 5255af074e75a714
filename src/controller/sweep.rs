//! Sweeping an account: one bulk read, compared locally with every identity
//! that rests. Only those that differ are looked at again.
//!
//! INVARIANT: a sweep writes nothing, and one that did not reach its end
//! concludes nothing about what it did not see.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::case::Case;
use super::context::Context;
use super::revocation;
use crate::api::v1alpha1::{MachineIdentity, ManagementPolicy};
use crate::cloud::{Cloud, CloudError};
use crate::domain::{Observation, Observed};
use crate::names::PrincipalName;
use crate::plan::{self, Closing, Course, Decision, Difference, Part, Resolved, decide};

/// Everything that was found on this installation's path in one sweep.
pub struct Snapshot {
    began: Timestamp,
    principals: HashMap<String, Observed>,
}

/// Reads all pages. Fails as a whole when one of them does.
pub async fn take(cloud: &dyn Cloud, began: Timestamp) -> Result<Snapshot, CloudError> {
    let mut principals = HashMap::new();
    let mut next = None;
    loop {
        let page = cloud.sweep(next.as_ref()).await?;
        principals.extend(page.principals.into_iter().map(|found| (found.name, found.observed)));
        next = page.next;
        if next.is_none() {
            return Ok(Snapshot { began, principals });
        }
    }
}

/// Which of these identities differ from what a snapshot shows. Marks them, so
/// that their next reconciliation looks at the cloud itself.
pub fn suspects(
    context: &Context,
    snapshot: &Snapshot,
    identities: Vec<Arc<MachineIdentity>>,
) -> Vec<Arc<MachineIdentity>> {
    identities.into_iter().filter(|identity| suspected(context, snapshot, identity)).collect()
}

fn suspected(context: &Context, snapshot: &Snapshot, identity: &MachineIdentity) -> bool {
    let Some(case) = Case::open(context, identity) else { return false };
    let is_watched = identity.metadata.deletion_timestamp.is_none()
        // A snapshot that began before Ambit's own last write says nothing about it.
        && case.remembered.changed_at.is_none_or(|changed| changed < snapshot.began);
    if !is_watched {
        return false;
    }
    let Some(grounds) = context.world.grounds(&case.incarnation.key, identity, &context.installation) else {
        return false;
    };
    let name = PrincipalName::derive(&context.installation, &case.incarnation.key);
    let found = snapshot.principals.get(name.as_str());
    let observation = found.map_or(Observation::Absent, |observed| Observation::Present(observed.clone()));
    let is_paused = identity.spec.management_policy == ManagementPolicy::Paused;
    let differs = match case.course(&grounds) {
        Course::Pursue(..) if is_paused => false,
        Course::Pursue(resolved, _) => deviates(&case, &resolved, &observation),
        Course::Revoke(revoked) => {
            matches!(revocation::closing(&case, &grounds, &revoked, &observation), Closing::Close(_))
        }
        Course::Refuse(_) => false,
    };
    if differs {
        context.memory.note(&case.incarnation.uid, |memory| memory.suspected = true);
    }
    differs
}

/// Whether a principal is not as its declaration says, or as was told of it.
fn deviates(case: &Case<'_>, resolved: &Resolved, observation: &Observation<Observed>) -> bool {
    let in_place = case.is_in_place(resolved);
    if !in_place && resolved.enforce {
        // It is being worked on anyway.
        return false;
    }
    let decision = decide(&resolved.desired, observation, &case.recorded(), false);
    if in_place { decision != Decision::Settled } else { outdated(case, &decision) }
}

/// Whether an identity that is only observed tells of other drift than the
/// snapshot shows. It waits for nothing, so nobody else would notice. Bulk reads
/// leave the longest session out, so it is left out here.
fn outdated(case: &Case<'_>, decision: &Decision) -> bool {
    let drift = case.status().and_then(|status| status.drift);
    let items = drift.into_iter().flat_map(|drift| drift.items);
    let told: Vec<String> =
        items.filter(|item| item.part != Part::SessionDuration.name()).map(|item| item.summary).collect();
    match decision {
        Decision::Settled => !told.is_empty(),
        Decision::Change(plan) => told != summaries(&plan.drift),
        Decision::NotOurs(_) | Decision::Vanished => false,
    }
}

fn summaries(drift: &[Difference]) -> Vec<String> {
    let items = plan::items(drift).into_iter();
    items.filter(|item| item.part != Part::SessionDuration.name()).map(|item| item.summary).collect()
}
