//! Removing principals whose identity is gone.
//!
//! Nothing goes before two complete sweeps, the API server itself, the tags and
//! the linter all agree; and never more than a fifth within an hour. How many
//! are about to go is written down first, so that no crash makes them more.
//! Where several `CloudAccount`s have the same roles, only the oldest removes:
//! one fifth, not one of each.

mod one;

use std::time::Duration;

use kube::ResourceExt as _;

use self::one::{Fate, remove, unwritten};
use super::account::{AccountContext, Fleet, SweepReport};
use super::accounts::Account;
use crate::api::v1alpha1::{CloudAccount, CloudAccountStatus, OrphanPolicy};
use crate::cluster::Announcement;
use crate::plan::orphan::{Ledger, Owned, WINDOW, budget};
use crate::plan::{Neighbours, Reason, Standing, Verdict, ledger, only_ledger, with_ledger};

/// How many names an event lists.
const NAMED: usize = 10;
/// The most that go after one sweep.
const AT_ONCE: usize = 20;
/// How long removals after one sweep go on: a reconciliation must come to its end,
/// or it is cut off between two steps, and what was not removed stays charged.
const LONGEST: Duration = Duration::from_mins(2);

/// Looks after the orphans that a complete sweep found. Ends with what `Swept` says.
pub async fn look_after(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    used: &Account,
    swept: SweepReport,
) -> Verdict {
    let Some(found) = swept.orphans else {
        return in_full("; roles without an identity were not looked for, because not all identities are known yet");
    };
    let count = found.len();
    let uid = account.uid().unwrap_or_default();
    let lag = context.consistency_window;
    let (now, steady) = (context.now(), (context.steady)());
    let mut confirmed = context.memory.note(&uid, |known| {
        known.stuck.retain(|id, (tried, _)| {
            let is_there = found.iter().any(|orphan| orphan.id == *id);
            is_there && tried.checked_add(WINDOW).is_ok_and(|over| over > now)
        });
        let mut confirmed = known.orphans.confirm(found, swept.began, steady, lag);
        confirmed.retain(|orphan| !known.stuck.contains_key(&orphan.id));
        confirmed
    });
    if let Some(why) = let_be(account, context.neighbours(fleet, account).as_ref()) {
        return if count == 0 { in_full("") } else { in_full(&but(count, &why)) };
    }
    confirmed.sort_by_key(|orphan| orphan.name.to_string());
    let mut verdict = None;
    if !confirmed.is_empty() {
        let removed = remove_within_budget(context, account, used, confirmed, swept.counts.ours).await;
        let removed = removed.unwrap_or_else(|unwritten| unwritten);
        if removed.standing != Standing::Good {
            return removed;
        }
        verdict = Some(removed);
    }
    let known = context.memory.recall(&uid);
    if let Some((_, why)) = known.stuck.values().next() {
        return stays(why);
    }
    // A process that was just started confirms nothing, and takes no alarm back by that.
    let told = known.status.or_else(|| account.status.clone()).filter(|_| count > 0);
    verdict.or_else(|| told.and_then(alarmed)).unwrap_or_else(|| in_full(""))
}

/// Why an account removes no orphans, if it does not.
fn let_be(account: &CloudAccount, neighbours: Option<&Neighbours>) -> Option<String> {
    if account.spec.orphans == OrphanPolicy::Keep {
        return Some("kept because `spec.orphans` is Keep".to_owned());
    }
    let Some(neighbours) = neighbours else {
        return Some("kept because not all CloudAccounts are known yet".to_owned());
    };
    let elder = neighbours.elder.as_ref()?;
    Some(format!("left to CloudAccount '{elder}', which has the same account and path and is older"))
}

/// The alarm, if it was told.
fn alarmed(status: CloudAccountStatus) -> Option<Verdict> {
    let reason = Reason::DeletionBudgetSpent;
    let mut conditions = status.conditions.into_iter();
    let told = conditions.find(|condition| condition.type_ == "Swept" && condition.reason == reason.name())?;
    Some(Verdict::retrying(reason, told.message))
}

fn stays(why: &Verdict) -> Verdict {
    let message = format!("the whole account was read, but a role without an identity stays: {}", why.message);
    Verdict::new(why.reason, why.standing, message)
}

fn in_full(beside: &str) -> Verdict {
    Verdict::good(Reason::SweptInFull, format!("the whole account was read{beside}"))
}

fn but(count: usize, what: &str) -> String {
    format!("; roles of this installation without an identity: {count}, {what}")
}

/// Removes as many as the budget has left. Ends with what is to be said of it.
async fn remove_within_budget(
    context: &AccountContext,
    account: &CloudAccount,
    used: &Account,
    confirmed: Vec<Owned>,
    roles: usize,
) -> Result<Verdict, Verdict> {
    let name = account.name_any();
    let live = context.reporter.live_account(&name).await.map_err(|error| unwritten(&error))?;
    // Whoever deleted the account, or switched removal off, is obeyed at once.
    let live = live.filter(|live| live.uid() == account.uid() && live.spec.orphans == OrphanPolicy::Delete);
    let Some(live) = live else { return Ok(in_full("")) };
    let written = ledger(live.status.as_ref());
    let left = left(context, account, written, roles);
    let is_alarming = confirmed.len() > left;
    let going: Vec<&Owned> = confirmed.iter().take(left.min(AT_ONCE)).collect();
    if going.is_empty() {
        return Ok(alarm(confirmed.len(), written, roles, false, None));
    }
    let judged = written.judged_at(context.now(), since_spent(context, account));
    let spent = written.spend(u32::try_from(going.len()).unwrap_or(u32::MAX), judged, context.now());
    write_down(context, &live, spent).await?;
    let done = remove_all(context, account, used, &going).await;
    tell(context, account, &done.removed).await;
    let untouched = u32::try_from(going.len().saturating_sub(done.touched)).unwrap_or(u32::MAX);
    let written = if untouched > 0 { give_back(context, account, spent, untouched).await } else { spent };
    let stay = confirmed.len().saturating_sub(done.settled);
    Ok(if is_alarming {
        let goes_on = self::left(context, account, written, roles) > 0;
        alarm(stay, written, roles, goes_on, done.trouble.as_ref())
    } else if let Some(why) = &done.trouble {
        stays(why)
    } else if stay > 0 {
        in_full(&but(stay, "which go after the next sweeps"))
    } else {
        in_full("")
    })
}

/// How many may be removed now.
fn left(context: &AccountContext, account: &CloudAccount, written: Ledger, roles: usize) -> usize {
    let judged = written.judged_at(context.now(), since_spent(context, account));
    usize::try_from(written.left(roles, judged)).unwrap_or(usize::MAX)
}

/// The time that was measured since this process wrote removals down.
fn since_spent(context: &AccountContext, account: &CloudAccount) -> Option<Duration> {
    let spent_at = context.memory.recall(&account.uid().unwrap_or_default()).spent_at?;
    Some((context.steady)().saturating_sub(spent_at))
}

/// More is to go than may. `goes_on` says whether some of it may go after the next sweep.
fn alarm(stay: usize, ledger: Ledger, roles: usize, goes_on: bool, trouble: Option<&Verdict>) -> Verdict {
    let since = ledger.since.filter(|_| ledger.removed > 0);
    let since = since.map_or_else(String::new, |since| format!(" since {since:.0}"));
    let next = if goes_on { "after the next sweep" } else { "an hour after the last removal" };
    let trouble = trouble.map(|why| format!("; one could not be removed: {}", why.message)).unwrap_or_default();
    Verdict::retrying(
        Reason::DeletionBudgetSpent,
        format!(
            "roles of this installation that have no identity any more and stay for now: {stay}; {} were removed{since}, and no more than {} of {roles} are within an hour; it goes on {next}: if these identities should exist, restore them, or set `spec.orphans` to Keep{trouble}",
            ledger.removed,
            budget(roles),
        ),
    )
}

/// The intent, before anything is removed. Fails if anybody changed the account since it was read.
async fn write_down(context: &AccountContext, live: &CloudAccount, spent: Ledger) -> Result<(), Verdict> {
    let uid = live.uid().unwrap_or_default();
    context.reporter.write_removals(live, &only_ledger(spent)).await.map_err(|error| unwritten(&error))?;
    context.memory.note(&uid, |known| {
        let status = known.status.take().or_else(|| live.status.clone()).unwrap_or_default();
        known.status = Some(with_ledger(status, spent));
        known.spent_at = Some((context.steady)());
    });
    Ok(())
}

/// What came of removing several.
#[derive(Default)]
struct Done<'a> {
    removed: Vec<&'a Owned>,
    /// How many were changed: they count against the budget.
    touched: usize,
    /// How many were removed, or are to stay.
    settled: usize,
    /// Why the first could not be removed that could not.
    trouble: Option<Verdict>,
}

/// Removes them one by one, while there is time. One that cannot be removed keeps
/// no other from it.
async fn remove_all<'a>(
    context: &AccountContext,
    account: &CloudAccount,
    used: &Account,
    going: &[&'a Owned],
) -> Done<'a> {
    let (uid, now, began) = (account.uid().unwrap_or_default(), context.now(), (context.steady)());
    let mut done = Done::default();
    for orphan in going {
        if (context.steady)().saturating_sub(began) >= LONGEST {
            break;
        }
        match remove(context, used, orphan).await {
            Ok(fate) => {
                done.settled += 1;
                done.touched += usize::from(!matches!(fate, Fate::LeftAlone));
                done.removed.extend(matches!(fate, Fate::Removed).then_some(*orphan));
            }
            Err(failed) => {
                done.touched += usize::from(failed.amid);
                done.trouble.get_or_insert_with(|| failed.verdict.clone());
                if failed.is_general() {
                    break;
                }
                context.memory.note(&uid, |known| known.stuck.insert(orphan.id.clone(), (now, failed.verdict)));
            }
        }
    }
    done
}

/// Gives back to the budget what was not touched. If this fails the budget is
/// smaller than it might be, and nothing else. Ends with what is written down.
async fn give_back(context: &AccountContext, account: &CloudAccount, spent: Ledger, untouched: u32) -> Ledger {
    let less = spent.refund(untouched);
    if let Ok(Some(live)) = context.reporter.live_account(&account.name_any()).await
        && live.uid() == account.uid()
        && ledger(live.status.as_ref()) == ledger(Some(&only_ledger(spent)))
        && write_down(context, &live, less).await.is_ok()
    {
        return less;
    }
    spent
}

async fn tell(context: &AccountContext, account: &CloudAccount, removed: &[&Owned]) {
    if removed.is_empty() {
        return;
    }
    let named: Vec<String> =
        removed.iter().take(NAMED).map(|one| format!("{} of {}", one.name, one.owner.identity)).collect();
    let more = removed.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    let note = format!("removed roles whose identity is gone: {}{more}", named.join("; "));
    let announcement = Announcement { warning: true, reason: Reason::OrphansRemoved.name(), note };
    context.reporter.announce_account(account, &announcement).await;
}
