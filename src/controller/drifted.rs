//! What somebody else changed: told, repaired after it was written down, or left
//! where repairing is no use.

use super::bind;
use super::case::Case;
use super::memory::Repair;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use crate::api::v1alpha1::{AwsStatus, DriftAuthor, DriftStatus, ManagementPolicy};
use crate::cloud::ErrorKind;
use crate::domain::{Observation, Observed};
use crate::plan::contest::{Contest, contest, is_about};
use crate::plan::{
    Decision, Difference, DriftClass, Findings, Part, Plan, Reason, Resolved, Standing, Verdict, attribute, author,
    binding_differences, in_words, is_told,
};

/// A decision whose drift is said in words, because people are about to be told. Where Ambit only
/// observes, all that is not as declared is told: also what never was, but not what Ambit itself
/// closed.
pub fn told(case: &Case<'_>, decision: Decision, resolved: &Resolved, observation: &Observation<Observed>) -> Decision {
    match decision {
        Decision::Change(plan) => {
            let Plan { steps, mut drift, due } = plan;
            let due = if resolved.enforce || case.recorded().suspended {
                due
            } else {
                drift.extend(due);
                Vec::new()
            };
            let drift = in_words(&drift, &resolved.desired, observation);
            Decision::Change(Plan { steps, drift, due })
        }
        other => other,
    }
}

/// What differs on the way from pod to principal, where it was in place before. Where Ambit has
/// given up on making the role anew, it has turned pods away itself.
pub async fn binding(case: &Case<'_>, resolved: &Resolved) -> Result<Vec<Difference>, Stop> {
    let is_fought_over = case.contest().is_some_and(|contest| contest.stopped && !is_about(&contest, &[Part::Role]));
    if !case.is_in_place(resolved) && !is_fought_over {
        return Ok(Vec::new());
    }
    let Some(delivery) = resolved.delivery() else { return Ok(Vec::new()) };
    let expected = bind::entry(case, delivery, None);
    let namespace = &case.incarnation.key.namespace;
    let way = case.context.cluster.way(namespace, &expected.service_account).await.map_err(Stop::cluster)?;
    let account = &expected.service_account;
    let exists = way.service_account.is_some();
    let mut found = binding_differences(account, &expected.binding, exists, way.entry.as_ref());
    if let (Some(annotated), Some(seen)) = (delivery.annotated(), &way.service_account) {
        found.extend(annotated.difference(account, &expected.binding.identity, &seen.annotations));
    }
    Ok(found)
}

/// Before drift is repaired: whether that is any use, and written down so that
/// nobody can miss it. The id of a role that is gone is forgotten before another
/// takes its place.
pub async fn begin(
    case: &Case<'_>,
    resolved: &Resolved,
    observation: Option<&Observation<Observed>>,
    drift: Vec<Difference>,
    findings: &mut Findings,
) -> Result<(), Stop> {
    if drift.is_empty() {
        return Ok(());
    }
    let told = case.status().and_then(|status| status.drift);
    let sweep_interval = resolved.account.sweep_interval;
    let contest = match contest(findings.contest.as_ref(), &drift, sweep_interval, case.context.now()) {
        Contest::Stop(rounds, contest) => {
            findings.contest = Some(contest);
            return Err(contested(case, rounds, observation, drift, findings));
        }
        Contest::Repair(contest) => contest,
    };
    let lost_id = case.recorded().id.filter(|_| observation == Some(&Observation::Absent));
    if lost_id.is_some()
        && let Some(aws) = &mut findings.aws
    {
        (aws.role_id, aws.user_id) = (None, None);
        // No session of that role opens another.
        aws.sessions_denied_before = None;
    }
    let is_news = lost_id.is_some() || told.is_none() || !is_told(told.as_ref(), &drift);
    let words = words(&drift, told.as_ref());
    case.context.memory.note(&case.incarnation.uid, |memory| {
        let earlier = memory.repair.take().and_then(|earlier| earlier.lost_id);
        memory.repair = Some(Repair { contest, words: words.clone(), lost_id: lost_id.or(earlier) });
    });
    findings.in_sync = Verdict::retrying(reason(&drift), format!("{words}; it is being repaired"));
    findings.drift = Some(drift);
    // Told once: while the repair keeps failing, status says why and does not flap.
    if !is_news {
        return Ok(());
    }
    case.report(findings.clone()).await.map_err(Stop::cluster)
}

/// What the last look told, until another look tells otherwise: one that ends before anything was
/// compared takes nothing back.
pub fn keep_told(case: &Case<'_>, findings: &mut Findings) {
    let Some(status) = case.status() else { return };
    let generation = case.identity.metadata.generation;
    let in_sync = status.conditions.iter().find(|condition| condition.type_ == "InSync");
    let (Some(in_sync), Some(_)) = (in_sync, &status.drift) else { return };
    if status.observed_generation != generation || in_sync.status != "False" {
        return;
    }
    let known = [Reason::Contested, Reason::Unreadable, Reason::Drifted];
    let Some(reason) = known.into_iter().find(|reason| reason.name() == in_sync.reason) else { return };
    let repairs = case.identity.spec.management_policy == ManagementPolicy::Enforce && reason != Reason::Contested;
    let standing = if repairs { Standing::Retrying } else { Standing::Terminal };
    findings.in_sync = Verdict::new(reason, standing, in_sync.message.clone());
    findings.drift = None;
}

/// Live equals declared. Where Ambit made it so, that is told, and counted: the
/// same drift may come back.
pub async fn settled(case: &Case<'_>, findings: &mut Findings) {
    let repair = case.context.memory.recall(&case.incarnation.uid).repair;
    if let Some(contest) = &mut findings.contest {
        contest.stopped = false;
    }
    let Some(Repair { contest, words, lost_id }) = repair else {
        keep_repaired(case, findings);
        return;
    };
    let new_id = findings.aws.as_ref().and_then(AwsStatus::id);
    let ids = match (lost_id, new_id) {
        (Some(old), Some(new)) if old != new => format!("; the role's unique id was `{old}` and is `{new}` now"),
        _ => String::new(),
    };
    let note = format!("repaired: {words}{ids}");
    findings.in_sync = Verdict::good(Reason::Repaired, note.clone());
    findings.contest = Some(contest);
    case.context.memory.note(&case.incarnation.uid, |memory| memory.repair = None);
    case.announce(false, "Repaired", note).await;
}

/// "Repaired" stays until the declaration changes, so that it can be read later.
fn keep_repaired(case: &Case<'_>, findings: &mut Findings) {
    let status = case.status();
    let generation = case.identity.metadata.generation;
    let repaired = status.iter().flat_map(|status| &status.conditions).find(|condition| {
        condition.type_ == "InSync" && condition.reason == "Repaired" && condition.observed_generation == generation
    });
    if let Some(condition) = repaired {
        findings.in_sync = Verdict::good(Reason::Repaired, condition.message.clone());
    }
}

/// Somebody else changes back what Ambit repairs: it stops, and says who that is
/// where an event told.
fn contested(
    case: &Case<'_>,
    rounds: i32,
    observation: Option<&Observation<Observed>>,
    drift: Vec<Difference>,
    findings: &mut Findings,
) -> Stop {
    let pause = case.note_full_look(case.context.timing.resync);
    let told = case.status().and_then(|status| status.drift);
    let author = newest(&drift, told.as_ref()).map(|author| format!(", last by {}", who(&author))).unwrap_or_default();
    let message = format!(
        "{}; it was repaired {rounds} times and changed again each time{author}, so Ambit has stopped: find who else manages the role, then change the spec or set the annotation `ambit.dev/reconcile` to a new value",
        words(&drift, told.as_ref())
    );
    findings.drift = Some(drift);
    let stop = Stop::in_sync(Verdict::terminal(Reason::Contested, message.clone()), Outcome::Waiting(pause));
    match observation {
        Some(Observation::Absent) => {
            // The next look need not look twice.
            case.note_absence();
            findings.provisioned = gone();
            stop.shutting(message)
        }
        Some(Observation::Present(_)) => {
            findings.provisioned = exists();
            stop
        }
        None => stop,
    }
}

fn gone() -> Verdict {
    Verdict::terminal(Reason::Contested, "the role does not exist, and Ambit has stopped making it anew: see InSync")
}

fn exists() -> Verdict {
    Verdict::good(Reason::Provisioned, "the role exists; whether it is as declared says InSync")
}

/// What stands in the role's place belongs to somebody else, and is not touched.
pub fn not_ours(case: &Case<'_>, why: String, findings: &mut Findings) -> Stop {
    let drift = attributed(case, Difference::new(Part::Role, DriftClass::Foreign, why.clone()));
    findings.in_sync = Verdict::terminal(Reason::Drifted, words(&drift, None));
    findings.drift = Some(drift);
    let verdict = Verdict::terminal(Reason::Conflict, why.clone());
    Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid))).shutting(why)
}

/// A difference with who made it, where an event told.
fn attributed(case: &Case<'_>, difference: Difference) -> Vec<Difference> {
    let mut found = vec![difference];
    attribute(&mut found, &case.context.memory.recall(&case.incarnation.uid).change_events);
    found
}

/// The role is gone. One look is no proof: it is looked at again later.
pub fn vanished(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Stop {
    let window = case.context.timing.consistency_window;
    if !resolved.enforce && tells_of_role(case.status().and_then(|status| status.drift).as_ref(), DriftClass::Missing) {
        // Told already, and nobody makes it anew.
        return Stop::provisioned(unmade(), Outcome::Waiting(window));
    }
    if findings.in_sync.reason == Reason::Contested {
        findings.provisioned = gone();
        let message = findings.in_sync.message.clone();
        return Stop::in_sync(findings.in_sync.clone(), Outcome::Waiting(window)).shutting(message);
    }
    findings.provisioned = Verdict::retrying(Reason::Pending, "the role was not found");
    let then = if resolved.enforce {
        "and then made anew"
    } else {
        "and not made anew, because `spec.managementPolicy` is Observe"
    };
    let drift = attributed(case, Difference::new(Part::Role, DriftClass::Missing, "the role was not found"));
    let gone = words(&drift, None);
    findings.drift = Some(drift);
    let then = format!("it is looked for again in {} s {then}", window.as_secs());
    let message = format!("the role was not found; {then}");
    Stop::in_sync(Verdict::retrying(Reason::Drifted, format!("{gone}; {then}")), Outcome::Waiting(window))
        .shutting(message)
}

/// `Observe`: differences are told and left.
pub fn only_observed(
    case: &Case<'_>,
    observation: &Observation<Observed>,
    plan: Plan,
    findings: &mut Findings,
) -> Stop {
    let pause = case.note_full_look(case.context.timing.resync);
    let drift = plan.drift;
    if *observation == Observation::Absent {
        findings.in_sync = if drift.is_empty() {
            Verdict::working(Reason::Pending, "there is no role to compare with")
        } else {
            Verdict::terminal(reason(&drift), words(&drift, None))
        };
        findings.drift = Some(drift);
        // The next look need not look twice.
        case.note_absence();
        return Stop::provisioned(unmade(), Outcome::Waiting(pause));
    }
    findings.provisioned = exists();
    if case.recorded().suspended && drift.is_empty() {
        let message = "the role was closed when the identity was suspended, and `spec.managementPolicy` is Observe, so Ambit does not open it: set it to Enforce";
        findings.drift = Some(drift);
        return Stop::provisioned(Verdict::terminal(Reason::Suspended, message), Outcome::Waiting(pause));
    }
    let told = case.status().and_then(|status| status.drift);
    let words = words(&drift, told.as_ref());
    let message = format!("{words}; `spec.managementPolicy` is Observe, so nothing was repaired");
    let verdict = Verdict::terminal(reason(&drift), message);
    findings.drift = Some(drift);
    Stop::in_sync(verdict, Outcome::Waiting(pause))
}

fn unmade() -> Verdict {
    let message = "the role does not exist, and `spec.managementPolicy` is Observe, so it is not made";
    Verdict::terminal(Reason::Observing, message)
}

/// Whether it is told already that the role is gone, or another's.
pub fn tells_of_role(told: Option<&DriftStatus>, class: DriftClass) -> bool {
    let mut items = told.iter().flat_map(|told| &told.items);
    items.any(|item| item.part == Part::Role.name() && item.class == class.name())
}

/// What the condition says of drift.
fn reason(drift: &[Difference]) -> Reason {
    let unreadable = drift.iter().any(|difference| difference.class == DriftClass::Unreadable);
    if unreadable { Reason::Unreadable } else { Reason::Drifted }
}

/// Differences in one line: the gravest first, each with who made it where an event told.
fn words(drift: &[Difference], told: Option<&DriftStatus>) -> String {
    const SHOWN: usize = 3;
    let mut sorted: Vec<&Difference> = drift.iter().collect();
    sorted.sort_by_key(|difference| std::cmp::Reverse(difference.severity()));
    let said = |difference: &&Difference| match author(difference, told) {
        None => difference.summary.clone(),
        Some(author) => format!("{} (changed by {})", difference.summary, who(&author)),
    };
    let text = sorted.iter().take(SHOWN).map(said).collect::<Vec<_>>().join("; ");
    match drift.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}

fn newest(drift: &[Difference], told: Option<&DriftStatus>) -> Option<DriftAuthor> {
    drift.iter().filter_map(|difference| author(difference, told)).max_by_key(|author| author.time.0)
}

fn who(author: &DriftAuthor) -> String {
    let from = author.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    format!("`{}`{from}", author.principal)
}
