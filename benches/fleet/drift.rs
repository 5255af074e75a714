//! How soon what is changed by hand is found by a sweep or heard of, told and undone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ambit::api::v1alpha1::MachineIdentity;
use ambit_bed::{Bed, BedOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::figures::{line, note, seconds, title};
use super::hand::{Hand, WAYS, Way};
use super::load::{self, Fleet};
use super::{Expected, INTERVAL, Result, await_quiet, bed, count, further_sweeps, median, options, size, usage};

const SWEEPS: &str = "ambit_sweeps_total";
/// What ends a wait for what was changed.
const LIMIT: Duration = Duration::from_mins(4);
/// So many identities are changed by hand between two sweeps.
const CHANGED: usize = 50;
/// So many are changed one after the other, and heard of.
const HEARD: usize = 20;
/// The longest time from a change to its repair, where events tell.
const SOON: Duration = Duration::from_secs(5);

/// One identity that somebody is about to change, and what must be told of it.
struct Victim {
    namespace: String,
    name: String,
    role: String,
    way: &'static Way,
    enforced: bool,
}

impl Victim {
    fn of(identity: &MachineIdentity, number: usize) -> Result<Self> {
        let aws = identity.status.as_ref().and_then(|status| status.aws.as_ref());
        let arn = aws.and_then(|aws| aws.role_arn.as_deref()).ok_or("an identity that is Ready names no role")?;
        Ok(Self {
            namespace: identity.namespace().unwrap_or_default(),
            name: identity.name_any(),
            role: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            way: &WAYS[number / 2 % WAYS.len()],
            enforced: number.is_multiple_of(2),
        })
    }
}

/// Identities that are changed by hand: found by sweeps, and then heard of.
pub async fn by_hand() -> Result<()> {
    found_by_a_sweep().await?;
    heard_of().await
}

async fn settle(bed: &Bed, fleet: &Fleet) -> Result<Api<MachineIdentity>> {
    fleet.prepare(bed).await?;
    fleet.declare(bed).await?;
    load::await_ready(bed, fleet, Instant::now()).await?;
    Ok(Api::all(bed.client().await?))
}

async fn found_by_a_sweep() -> Result<()> {
    let fleet = Fleet::of(size(1000));
    let bed = bed(options(INTERVAL)).await?;
    let changed = CHANGED.min(fleet.size());
    title(&format!("{changed} of {} identities changed by hand, sweep every {INTERVAL}", fleet.size()));
    let all = settle(&bed, &fleet).await?;
    let list = all.list(&ListParams::default()).await?;
    let numbered = list.items.iter().take(changed).enumerate();
    let victims = numbered.map(|(number, one)| Victim::of(one, number)).collect::<Result<Vec<_>>>()?;
    let client = bed.client().await?;
    let observe = Patch::Merge(json!({"spec": {"managementPolicy": "Observe"}}));
    for victim in victims.iter().filter(|victim| !victim.enforced) {
        let api: Api<MachineIdentity> = Api::namespaced(client.clone(), &victim.namespace);
        api.patch(&victim.name, &PatchParams::default(), &observe).await?;
    }
    load::await_ready(&bed, &fleet, Instant::now()).await?;
    let hand = Hand::of(&bed);
    let managed = hand.managed().await?;
    further_sweeps(&bed, 2).await?;
    note(&usage::load());

    let before = count(&bed, SWEEPS).await;
    let suspects = count(&bed, "ambit_sweep_suspects_total").await;
    let version = latest(&all).await?;
    let start = Instant::now();
    for victim in &victims {
        hand.change(&victim.role, victim.way.edit, &managed).await?;
    }
    line("all changed after", &seconds(start.elapsed()));
    let mut expected = Expected::default();
    expected.equal("sweeps while the changes were made", count(&bed, SWEEPS).await - before, 0);
    let watched = Told::watch(&all, WatchParams::default(), &version, &victims, start);
    let swept = async {
        further_sweeps(&bed, 1).await?;
        Ok::<_, Box<dyn std::error::Error>>(count(&bed, "ambit_sweep_suspects_total").await - suspects)
    };
    let (told, suspected) = tokio::join!(watched, swept);
    let (told, suspected) = (told?, suspected?);
    let took = count(&bed, SWEEPS).await - before;

    line("changed, and found different by the next sweep", &format!("{changed}, {suspected}"));
    line("told with the right class", &told.right(&victims).to_string());
    let enforced = victims.iter().filter(|victim| victim.enforced).count();
    line("repaired, of those to be enforced", &format!("{} of {enforced}", told.repaired.len()));
    line("from the first change to the last told", &last(&told.first));
    line("from the first change to the last repaired", &last(&told.repaired));
    line("sweeps until then", &took.to_string());
    expected.equal("identities found different by the next sweep", suspected, changed as u64);
    told.check(&victims, &mut expected);
    bed.finish()?;
    expected.end()
}

/// What was told of identities, and when, counted from the first change.
#[derive(Default)]
struct Told {
    /// Part and class, of every item that was told.
    items: BTreeMap<String, Vec<(String, String)>>,
    first: BTreeMap<String, Duration>,
    repaired: BTreeMap<String, Duration>,
}

impl Told {
    /// Follows the identities until all is told that must be, or too much time has passed.
    async fn watch(
        all: &Api<MachineIdentity>,
        which: WatchParams,
        version: &str,
        victims: &[Victim],
        start: Instant,
    ) -> Result<Self> {
        let mut told = Self::default();
        let mut events = all.watch(&which.timeout(290), version).await?.boxed();
        while !told.is_whole(victims) {
            let left = LIMIT.saturating_sub(start.elapsed());
            match tokio::time::timeout(left, events.try_next()).await {
                Ok(event) => match event?.ok_or("the API server ended the watch")? {
                    WatchEvent::Added(one) | WatchEvent::Modified(one) => told.note(&one, start.elapsed()),
                    WatchEvent::Error(status) => return Err(status.message.clone().into()),
                    WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {}
                },
                // What is missing is told as an expectation that failed.
                Err(_) => break,
            }
        }
        Ok(told)
    }

    fn note(&mut self, identity: &MachineIdentity, at: Duration) {
        let name = identity.name_any();
        let items = identity.status.iter().filter_map(|status| status.drift.as_ref()).flat_map(|drift| &drift.items);
        for item in items {
            let found = (item.part.clone(), item.class.clone());
            let items = self.items.entry(name.clone()).or_default();
            if !items.contains(&found) {
                items.push(found);
            }
            self.first.entry(name.clone()).or_insert(at);
        }
        if is_repaired(identity) {
            self.repaired.entry(name).or_insert(at);
        }
    }

    fn is_whole(&self, victims: &[Victim]) -> bool {
        let done = |one: &Victim| {
            self.first.contains_key(&one.name) && (!one.enforced || self.repaired.contains_key(&one.name))
        };
        victims.iter().all(done)
    }

    fn is_right(&self, one: &Victim) -> bool {
        self.items.get(&one.name).is_some_and(|items| *items == [(one.way.part.to_owned(), one.way.class.to_owned())])
    }

    fn right(&self, victims: &[Victim]) -> usize {
        victims.iter().filter(|one| self.is_right(one)).count()
    }

    fn check(&self, victims: &[Victim], expected: &mut Expected) {
        for one in victims {
            let Way { part, class, edit } = one.way;
            expected.hold(self.is_right(one), || {
                let found = self.items.get(&one.name);
                format!("`{}` ({edit:?}): told as {found:?} instead of {class} of {part}", one.name)
            });
            expected.hold(self.repaired.contains_key(&one.name) == one.enforced, || {
                let wrong = if one.enforced { "was not repaired" } else { "is only observed and was repaired" };
                format!("`{}` ({edit:?}) {wrong}", one.name)
            });
        }
        expected.equal("identities told of", self.items.len() as u64, victims.len() as u64);
    }
}

/// From where on changes are watched.
async fn latest(all: &Api<MachineIdentity>) -> Result<String> {
    let list = all.list(&ListParams::default().limit(1)).await?;
    list.metadata.resource_version.ok_or_else(|| "a list without a version".into())
}

fn last(times: &BTreeMap<String, Duration>) -> String {
    times.values().max().map_or_else(|| "never".to_owned(), |time| seconds(*time))
}

fn is_repaired(identity: &MachineIdentity) -> bool {
    let mut conditions = identity.status.iter().flat_map(|status| &status.conditions);
    conditions.any(|one| one.type_ == "InSync" && one.reason == "Repaired")
}

async fn heard_of() -> Result<()> {
    let fleet = Fleet::of(size(1000));
    let bed = bed(BedOptions { events: true, ..options("1h") }).await?;
    let changed = HEARD.min(fleet.size());
    title(&format!("{changed} of {} identities changed by hand one after the other, with events", fleet.size()));
    let all = settle(&bed, &fleet).await?;
    // The events of the operator's own writes are taken first.
    await_quiet(&bed).await?;
    note(&usage::load());
    let hand = Hand::of(&bed);
    let managed = hand.managed().await?;
    let before = count(&bed, SWEEPS).await;
    let list = all.list(&ListParams::default()).await?;
    let (mut repaired_after, mut expected) = (Vec::new(), Expected::default());
    for (number, identity) in list.items.iter().take(changed).enumerate() {
        let victims = [Victim { enforced: true, ..Victim::of(identity, 2 * number)? }];
        let version = latest(&all).await?;
        let only = WatchParams::default().fields(&format!("metadata.name={}", victims[0].name));
        let start = Instant::now();
        hand.change(&victims[0].role, victims[0].way.edit, &managed).await?;
        let told = Told::watch(&all, only, &version, &victims, start).await?;
        repaired_after.extend(told.repaired.values());
        told.check(&victims, &mut expected);
    }
    let longest = repaired_after.iter().max().copied().unwrap_or_default();
    line("changed, and repaired", &format!("{changed}, {}", repaired_after.len()));
    let middle = median(repaired_after.clone());
    line("from a change to repaired, median and longest", &format!("{}, {}", seconds(middle), seconds(longest)));
    let soon = repaired_after.iter().filter(|time| **time <= SOON).count();
    line("repaired within 5 s", &format!("{soon} of {changed}"));
    expected.equal("sweeps in that time", count(&bed, SWEEPS).await - before, 0);
    bed.finish()?;
    expected.end()
}
