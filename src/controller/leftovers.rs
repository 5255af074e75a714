//! Removing associations that nobody wants any more and that give nobody anything.
//!
//! A sweep brings those that no identity of the account asks for. One goes when two
//! complete sweeps found it, its tags say that it is this installation's, the API
//! server itself says that no such identity asks for it, and it has no effect: its
//! identity's role is gone, or lets in other pods. So it follows the role, and takes
//! nothing from anybody; the role alone is under the budget, and one that was left
//! behind on purpose keeps its association.

use std::collections::HashMap;

use kube::ResourceExt as _;

use super::account::{AccountContext, Fleet};
use super::accounts::Account;
use crate::api::v1alpha1::{CloudAccount, OrphanPolicy};
use crate::cloud::{CloudError, Depth};
use crate::cluster::Announcement;
use crate::domain::{AssociationStep, Listed, Observation, OwnerTags, PodsOf};
use crate::names::{IdentityKey, InstallationId, Owner, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::plan::{Reason, untie};

/// The most that are looked at after one sweep.
const AT_ONCE: usize = 20;

/// What is known of an association that nobody asks for, by its id.
#[derive(Debug, Clone, Default)]
pub struct Leftovers {
    seen: HashMap<String, Known>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// An earlier sweep found it.
    Found,
    /// It was looked at, and is nobody's of this installation.
    Foreign,
}

impl Leftovers {
    /// Takes in what a complete sweep found, and says which of it is to be looked at now.
    fn confirm(&mut self, found: Vec<Listed>) -> Vec<Listed> {
        let before = std::mem::take(&mut self.seen);
        let mut confirmed = Vec::new();
        for listed in found {
            let known = before.get(&listed.id).copied();
            self.seen.insert(listed.id.clone(), known.unwrap_or(Known::Found));
            confirmed.extend((known == Some(Known::Found)).then_some(listed));
        }
        confirmed.sort_by(|one, other| one.pods.cmp(&other.pods));
        confirmed
    }

    fn note_foreign(&mut self, id: &str) {
        self.seen.insert(id.to_owned(), Known::Foreign);
    }
}

/// Looks after the associations that no identity of the account asks for.
pub async fn look_after(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    used: &Account,
    found: Vec<Listed>,
) {
    let uid = account.uid().unwrap_or_default();
    let confirmed = context.memory.note(&uid, |known| known.leftovers.confirm(found));
    let is_eldest = context.neighbours(fleet, account).is_some_and(|neighbours| neighbours.elder.is_none());
    if account.spec.orphans == OrphanPolicy::Keep || !is_eldest {
        return;
    }
    let mut removed = Vec::new();
    for listed in confirmed.into_iter().take(AT_ONCE) {
        match look_at(context, fleet, used, &listed).await {
            Ok(Fate::Removed) => removed.push(listed.pods.to_string()),
            Ok(Fate::Foreign) => context.memory.note(&uid, |known| known.leftovers.note_foreign(&listed.id)),
            Ok(Fate::Stays) => {}
            Err(error) => {
                tracing::warn!(error.type = error.kind.name(), %error, "an association that nobody asks for was not removed");
                break;
            }
        }
    }
    if !removed.is_empty() {
        let note = format!("removed associations that gave nothing any more, of pods of {}", removed.join(", "));
        let announcement = Announcement { warning: true, reason: Reason::OrphansRemoved.name(), note };
        context.reporter.announce_account(account, &announcement).await;
    }
}

enum Fate {
    Removed,
    /// It is another's.
    Foreign,
    /// It is asked for, or has an effect still, or is gone.
    Stays,
}

async fn look_at(
    context: &AccountContext,
    fleet: &dyn Fleet,
    used: &Account,
    listed: &Listed,
) -> Result<Fate, CloudError> {
    let found = used.cloud.observe_association(&listed.pods).await?;
    let Observation::Present(live) = &found else { return Ok(Fate::Stays) };
    if live.id != listed.id {
        return Ok(Fate::Stays);
    }
    let Some(owner) = owner(&live.owner, &context.installation) else { return Ok(Fate::Foreign) };
    let Some(step) = untie(&owner, &found) else { return Ok(Fate::Foreign) };
    let asks = asks(context, fleet, used, &owner.identity, &listed.pods).await;
    let is_needless = match asks {
        Asks::Unknown | Asks::ForIt => false,
        // Its role trusts the pods that it asks for now.
        Asks::ForOther => true,
        Asks::Nobody => {
            let name = PrincipalName::role(&context.installation, &owner.identity);
            used.cloud.observe(&name, Depth::Own).await? == Observation::Absent
        }
    };
    if !is_needless {
        return Ok(Fate::Stays);
    }
    take(used, &step).await?;
    Ok(Fate::Removed)
}

async fn take(used: &Account, step: &AssociationStep) -> Result<(), CloudError> {
    tracing::info!(step = step.name(), "removing an association that nobody asks for");
    used.cloud.apply_association(step).await
}

/// The owner that tags name, where they name one of this installation.
fn owner(tags: &OwnerTags, installation: &InstallationId) -> Option<Owner> {
    let (namespace, name) = tags.identity.as_deref()?.split_once('/')?;
    let uid = tags.uid.clone().filter(|uid| !uid.is_empty())?;
    let is_ours = tags.installation.as_deref() == Some(installation.as_str());
    is_ours.then(|| Owner { installation: installation.clone(), identity: IdentityKey::new(namespace, name), uid })
}

/// What the identity of an association asks for.
enum Asks {
    /// There is no such identity.
    Nobody,
    /// It asks for this one, or may do so.
    ForIt,
    /// It asks for another one, by an account that hands roles to pods of the same cluster.
    ForOther,
    /// The API server does not say.
    Unknown,
}

async fn asks(
    context: &AccountContext,
    fleet: &dyn Fleet,
    used: &Account,
    identity: &IdentityKey,
    pods: &PodsOf,
) -> Asks {
    let live = match context.cluster.live(identity).await {
        Ok(Some(live)) => live,
        Ok(None) => return Asks::Nobody,
        Err(_) => return Asks::Unknown,
    };
    // Its own reconciliation looks after what it has, until it is gone.
    if live.metadata.deletion_timestamp.is_some() {
        return Asks::ForIt;
    }
    let account = fleet.accounts().into_iter().find(|account| account.name_any() == live.spec.account_ref.name);
    let settings = account.and_then(|account| AccountSettings::parse(&account.spec, &context.installation).ok());
    let Some(settings) = settings else { return Asks::ForIt };
    let subject = live.spec.subject.service_account.as_ref().map(|subject| subject.name.as_str());
    let is_same = settings.cluster() == used.settings.cluster() && subject == Some(pods.service_account.as_str());
    let is_settled = crate::plan::settled(live.status.as_ref(), live.metadata.generation);
    // While it is being worked on, the old one may be what works still.
    if is_same || !is_settled { Asks::ForIt } else { Asks::ForOther }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str) -> Listed {
        Listed { id: id.to_owned(), pods: PodsOf::new("shop", id) }
    }

    fn ids(listed: Vec<Listed>) -> Vec<String> {
        listed.into_iter().map(|listed| listed.id).collect()
    }

    #[test]
    fn only_what_two_sweeps_found_is_looked_at_and_what_is_another_s_only_once() {
        let mut leftovers = Leftovers::default();
        assert_eq!(ids(leftovers.confirm(vec![listed("a"), listed("b")])), Vec::<String>::new());
        assert_eq!(ids(leftovers.confirm(vec![listed("b"), listed("a"), listed("c")])), ["a", "b"]);
        leftovers.note_foreign("a");
        assert_eq!(ids(leftovers.confirm(vec![listed("a"), listed("b")])), ["b"]);
        assert_eq!(ids(leftovers.confirm(vec![listed("a"), listed("c")])), Vec::<String>::new(), "it came anew");
    }

    #[test]
    fn all_tags_must_agree() {
        let installation = InstallationId::parse("sim").unwrap();
        let tags = || OwnerTags {
            installation: Some("sim".into()),
            identity: Some("shop/orders".into()),
            uid: Some("uid-1".into()),
            retained: None,
        };
        assert_eq!(owner(&tags(), &installation).unwrap().identity, IdentityKey::new("shop", "orders"));
        let spoils: [fn(&mut OwnerTags); 5] = [
            |tags| tags.installation = Some("other".into()),
            |tags| tags.installation = None,
            |tags| tags.identity = Some("orders".into()),
            |tags| tags.uid = None,
            |tags| tags.uid = Some(String::new()),
        ];
        for spoil in spoils {
            let mut tags = tags();
            spoil(&mut tags);
            assert_eq!(owner(&tags, &installation), None);
        }
    }
}
