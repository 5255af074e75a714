//! One identity being reconciled: its object, what is remembered of it, and the
//! ways in which a reconciliation reports and ends.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

use super::context::Context;
use super::memory::Remembered;
use super::outcome::{Failure, Outcome};
use crate::api::v1alpha1::{
    ContestStatus, DeliveryStatus, FINALIZER, MachineIdentity, MachineIdentityStatus, RECONCILE,
};
use crate::cloud::ErrorKind;
use crate::cluster::{Announcement, ClusterError, ClusterErrorKind, Incarnation};
use crate::domain::ChangeEvent;
use crate::names::{IdentityKey, Owner, PrincipalName};
use crate::plan::{
    self, Course, Decision, Declaration, Findings, Grounds, Issued, Past, Reason, Recorded, Resolved, Verdict,
};

/// The longest value of the annotation that is remembered.
const MAX_REQUEST: usize = 256;

/// One identity being reconciled.
pub struct Case<'a> {
    /// What every reconciliation has at hand.
    pub context: &'a Context,
    /// The object.
    pub identity: &'a MachineIdentity,
    /// Which incarnation it is.
    pub incarnation: Incarnation,
    /// What was remembered of it when the reconciliation began.
    pub remembered: Remembered,
    /// When the reconciliation began.
    pub opened: Timestamp,
}

impl<'a> Case<'a> {
    /// Opens a case. `None` for an object without a UID, which no API server stores.
    #[must_use]
    pub fn open(context: &'a Context, identity: &'a MachineIdentity) -> Option<Self> {
        let key = IdentityKey::new(identity.namespace()?, identity.name_any());
        let incarnation = Incarnation { key, uid: identity.uid()? };
        let remembered = context.memory.recall(&incarnation.uid);
        Some(Self { context, identity, incarnation, remembered, opened: context.now() })
    }

    /// The declaration, for decisions.
    #[must_use]
    pub fn declaration(&self) -> Declaration<'_> {
        Declaration { identity: self.identity, key: &self.incarnation.key }
    }

    /// The identity's principal.
    #[must_use]
    pub fn principal(&self) -> PrincipalName {
        plan::principal(self.declaration(), &self.context.installation)
    }

    /// Who owns the identity's principal.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            installation: self.context.installation.clone(),
            identity: self.incarnation.key.clone(),
            uid: self.incarnation.uid.clone(),
        }
    }

    /// The status as it was written last: by this process if it wrote one.
    #[must_use]
    pub fn status(&self) -> Option<MachineIdentityStatus> {
        let written = self.context.memory.recall(&self.incarnation.uid).status;
        written.or_else(|| self.identity.status.clone())
    }

    /// What was recorded of the principal.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let Some(status) = self.status() else { return Recorded::default() };
        let revoked = says(&status, "InSync", Reason::Revoked);
        let (secret, suspended) = (status.credentials.is_some(), status.suspension.is_some());
        let Some(aws) = status.aws else {
            let before = status.suspension.and_then(|suspension| suspension.sessions_before);
            let sessions_denied_before = before.map(|time| time.0);
            return Recorded { secret, revoked, suspended, sessions_denied_before, ..Recorded::default() };
        };
        Recorded {
            id: aws.id().map(str::to_owned),
            permissions: Some(aws.permissions_digest),
            trust: Some(aws.trust_digest),
            boundary: aws.permissions_boundary_arn,
            session: aws.session_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            secret,
            revoked,
            suspended,
            sessions_denied_before: aws.sessions_denied_before.map(|time| time.0),
        }
    }

    /// Whether something may have been made for the identity: its object is held
    /// from before then until it is gone.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let held = self.identity.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER);
        held || self.status().is_some_and(|status| status.aws.is_some())
    }

    /// What becomes of the declaration.
    #[must_use]
    pub fn course(&self, grounds: &Grounds<'_>) -> Course {
        let past = Past { recorded: &self.recorded(), held: self.is_held() };
        let mut known = self.remembered.judged.clone();
        let course = plan::course(self.declaration(), grounds, past, self.context.catalogue, &mut known);
        self.context.memory.note(&self.incarnation.uid, |memory| memory.judged = known);
        course
    }

    /// Whether status says that the principal was found denied, and no look at the
    /// cloud is due: sweeps watch over it until then.
    #[must_use]
    pub fn rests_revoked(&self) -> bool {
        self.status().is_some_and(|status| says(&status, "Ready", Reason::Revoked)) && self.looks_later()
    }

    /// Whether status says that the principal was read back as closed for this declaration, and no
    /// look at the cloud is due.
    #[must_use]
    pub fn rests_suspended(&self) -> bool {
        let status = self.status();
        let is_closed = status.as_ref().is_some_and(|status| {
            status.observed_generation == self.identity.metadata.generation
                && says(status, "Ready", Reason::Suspended)
                && says(status, "InSync", Reason::Suspended)
                // No Secret holds credentials any more.
                && says(status, "CredentialsFresh", Reason::Suspended)
        });
        is_closed && self.looks_later()
    }

    fn looks_later(&self) -> bool {
        let is_asked_for = self.requested() != self.handled();
        !self.remembered.is_suspected() && !is_asked_for && self.next_full_look() > self.context.now()
    }

    /// Whether Ambit has given up repairing what somebody else changes back.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.contest().is_some_and(|contest| contest.stopped)
    }

    /// What was repaired before, as far as it still counts: somebody who changes the
    /// declaration or asks for a full look wants it repaired again.
    #[must_use]
    pub fn contest(&self) -> Option<ContestStatus> {
        let status = self.status()?;
        let is_same = status.observed_generation == self.identity.metadata.generation
            && status.last_handled_reconcile == self.requested();
        status.contest.filter(|_| is_same)
    }

    /// The full look that somebody asks for by the annotation.
    #[must_use]
    pub fn requested(&self) -> Option<String> {
        let value = self.identity.metadata.annotations.as_ref()?.get(RECONCILE)?;
        Some(value.chars().take(MAX_REQUEST).collect())
    }

    /// The full look that was asked for and done last.
    #[must_use]
    pub fn handled(&self) -> Option<String> {
        self.status()?.last_handled_reconcile
    }

    /// Whether an accepted declaration is in place already and no look at the
    /// cloud is due: sweeps watch over it until then.
    #[must_use]
    pub fn rests(&self, resolved: &Resolved) -> bool {
        self.is_in_place(resolved) && self.looks_later()
    }

    /// Whether status says of exactly this declaration that it was proven.
    #[must_use]
    pub fn is_in_place(&self, resolved: &Resolved) -> bool {
        let status = self.status();
        let recorded = self.recorded();
        plan::settled(status.as_ref(), self.identity.metadata.generation)
            && recorded.permissions.as_deref() == Some(&resolved.desired.permissions.meaning().to_string())
            && recorded.trust.as_deref() == Some(&resolved.desired.trust.meaning().to_string())
            && is_delivered(resolved, status.as_ref())
    }

    /// Why the principal cannot be the one that is declared now, if it was made
    /// elsewhere: its account was replaced by another of the same name.
    #[must_use]
    pub fn made_elsewhere(&self, expected: &str) -> Option<String> {
        let aws = self.status()?.aws?;
        let made = aws.arn()?;
        let what = if aws.role_arn.is_some() { "role" } else { "user" };
        (made != expected).then(|| {
            format!(
                "this identity's {what} is `{made}`, but its CloudAccount now says that it is `{expected}`: make the CloudAccount as it was; to leave the {what} behind, delete this identity with `spec.deletionPolicy` Retain and declare it again"
            )
        })
    }

    /// Whether a failure is not worth telling yet: what was proven stays proven
    /// when a single call fails, and is tried again within seconds.
    #[must_use]
    pub fn overlooks(&self, outcome: &Outcome) -> bool {
        const PATIENCE: u32 = 3;
        let passing = matches!(
            outcome,
            Outcome::Failed(
                Failure::Cloud(ErrorKind::Transient | ErrorKind::Throttled)
                    | Failure::Cluster(ClusterErrorKind::Transient | ClusterErrorKind::Conflict)
            )
        );
        passing
            && self.remembered.failures < PATIENCE
            && plan::settled(self.status().as_ref(), self.identity.metadata.generation)
    }

    /// When the next full look at the cloud is due. First seen, it is put
    /// somewhere into the coming interval, so that a restart makes no herd.
    fn next_full_look(&self) -> Timestamp {
        self.remembered.next_full_look.unwrap_or_else(|| {
            let first = later(self.context.now(), self.context.timing.resync.mul_f64((self.context.spread)()));
            self.context.memory.note(&self.incarnation.uid, |memory| memory.next_full_look = Some(first));
            first
        })
    }

    /// Notes that the cloud was looked at in full and all is well; `pause` is the
    /// time to the next such look. It comes sooner where something was heard of that
    /// is so young that the cloud may not have shown it yet.
    pub fn note_full_look(&self, pause: std::time::Duration) -> std::time::Duration {
        let window = self.context.timing.consistency_window;
        // What names a time to come would be young for ever.
        let is_young =
            |change: &ChangeEvent| later(change.at, window) > self.opened && change.at <= later(self.opened, window);
        let seen = |change: &ChangeEvent| self.remembered.change_events.contains(change) && !is_young(change);
        let is_repeated = self.remembered.change_events.iter().any(is_young);
        let (pause, spread) = if is_repeated { (window, window) } else { (pause, self.context.spread_out(pause)) };
        let next = later(self.context.now(), spread);
        self.context.memory.note(&self.incarnation.uid, |memory| {
            memory.next_full_look = Some(next);
            memory.looked_at = Some(self.opened);
            // What was heard of meanwhile may have been done after the look.
            memory.change_events.retain(|change| !seen(change));
            memory.answered = self.remembered.suspicions;
            memory.absent_since = None;
            memory.compared = None;
            memory.failures = 0;
        });
        pause
    }

    /// Notes that the principal was found absent, and is to stay so.
    pub fn note_absence(&self) {
        self.context.memory.note(&self.incarnation.uid, |memory| memory.absent_since = Some(self.opened));
    }

    /// Whether the principal was found absent once before, longer ago than reads
    /// may lag. Notes the first time.
    #[must_use]
    pub fn absent_for_long(&self) -> bool {
        let now = self.context.now();
        let since = self.remembered.absent_since.unwrap_or(now);
        self.context.memory.note(&self.incarnation.uid, |memory| memory.absent_since = Some(since));
        let window = self.context.timing.consistency_window;
        self.remembered.absent_since.is_some() && later(since, window) <= now
    }

    /// Puts to each difference who made it, where events told.
    pub fn attribute(&self, decision: &mut Decision) {
        if let Decision::Change(plan) = decision {
            let heard = self.context.memory.recall(&self.incarnation.uid).change_events;
            plan::attribute(&mut plan.drift, &heard);
            plan::attribute(&mut plan.due, &heard);
        }
    }

    /// Forgets a look that found nothing: what was absent is there, or was changed since.
    pub fn forget_absence(&self) {
        self.context.memory.note(&self.incarnation.uid, |memory| memory.absent_since = None);
    }

    /// Writes what was found out, if it is new, and tells people of transitions.
    pub async fn report(&self, findings: Findings) -> Result<(), ClusterError> {
        let previous = self.status();
        let status = plan::conclude(previous.as_ref(), self.identity.metadata.generation, findings, self.context.now());
        self.write(previous.as_ref(), status).await
    }

    /// Writes what is new in the judgement of an identity that rests. Its credentials must be good.
    pub async fn rejudge(
        &self,
        accepted: &Verdict,
        proof: &Verdict,
        credentials: &Verdict,
    ) -> Result<(), ClusterError> {
        let Some(previous) = self.status() else { return Ok(()) };
        let status = plan::rejudged(&previous, accepted, proof, credentials, self.context.now());
        self.write(Some(&previous), status).await
    }

    /// Writes down that credentials were issued, before anything else is done.
    pub async fn record(&self, issued: &Issued) -> Result<(), ClusterError> {
        let Some(previous) = self.status() else { return Ok(()) };
        let now = self.context.now();
        let status = plan::credentialed(&previous, issued.status(), &issued.verdict(now), now);
        self.write(Some(&previous), status).await
    }

    /// Writes down on which service accounts Ambit may have said something, and nothing else.
    pub async fn note_annotated(&self, service_accounts: Vec<String>) -> Result<(), ClusterError> {
        let Some(previous) = self.status() else { return Ok(()) };
        let told = previous.delivery.clone().unwrap_or_default();
        let delivery = DeliveryStatus { annotated_service_accounts: service_accounts, ..told };
        let delivery = Some(delivery).filter(|delivery| *delivery != DeliveryStatus::default());
        self.write(Some(&previous), MachineIdentityStatus { delivery, ..previous.clone() }).await
    }

    async fn write(
        &self,
        previous: Option<&MachineIdentityStatus>,
        status: MachineIdentityStatus,
    ) -> Result<(), ClusterError> {
        if previous == Some(&status) {
            return Ok(());
        }
        // `NotFound` is an error too: when the object is gone nobody reconciles it
        // again, and when it is there its status must not stay behind.
        self.context.cluster.write_status(&self.incarnation, &status).await?;
        let announcements = transitions(previous, &status);
        self.context.memory.note(&self.incarnation.uid, |memory| {
            memory.status = Some(status);
            memory.compared = None;
        });
        for announcement in announcements {
            self.context.cluster.announce(&self.incarnation, &announcement).await;
        }
        Ok(())
    }

    /// Tells people of something that is no condition.
    pub async fn announce(&self, warning: bool, reason: &str, note: impl Into<String>) {
        let announcement = Announcement { warning, reason: reason.to_owned(), note: note.into() };
        self.context.cluster.announce(&self.incarnation, &announcement).await;
    }
}

/// Whether status says that pods get it the way they should. Where Ambit only observes, that is
/// not its business.
fn is_delivered(resolved: &Resolved, status: Option<&MachineIdentityStatus>) -> bool {
    let told = status.and_then(|status| status.delivery.as_ref());
    !resolved.enforce || resolved.delivery().is_none_or(|delivery| delivery.is_told(told))
}

/// A failed request to the API server as an outcome.
#[must_use]
pub fn failed(error: &ClusterError) -> Outcome {
    tracing::warn!(error.type = error.kind.name(), %error, "a request to the API server failed");
    Outcome::Failed(Failure::Cluster(error.kind))
}

pub(super) fn later(time: Timestamp, span: std::time::Duration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Whether a condition stands for this reason.
fn says(status: &MachineIdentityStatus, condition: &str, reason: Reason) -> bool {
    find(status, condition).is_some_and(|found| found.reason == reason.name())
}

fn find<'a>(status: &'a MachineIdentityStatus, condition: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|found| found.type_ == condition)
}

/// What people are told when `Ready` changes, when live no longer equals declared, and when
/// credentials are not renewed; nothing while it is only under way.
fn transitions(previous: Option<&MachineIdentityStatus>, status: &MachineIdentityStatus) -> Vec<Announcement> {
    let changed = |name: &str| {
        let now = find(status, name)?;
        let before = previous.and_then(|previous| find(previous, name));
        let same = before.is_some_and(|before| before.status == now.status && before.reason == now.reason);
        (!same && now.status != "Unknown").then_some(now)
    };
    // Usable although it no longer fits: people should know.
    let is_tolerated = find(status, "Accepted").is_some_and(|it| it.status == "False");
    let ready = changed("Ready").map(|ready| announcement(ready, ready.status == "False" || is_tolerated));
    // As a rule that is what `Ready` says as well, and is told once.
    let told = ready.as_ref().map(|ready| ready.reason.clone());
    let is_untold = |found: &&Condition| told.as_ref() != Some(&found.reason);
    let in_sync = changed("InSync").filter(|found| found.status == "False").filter(is_untold);
    // The steps of an access key's rotation are told one by one.
    let has_key = status.credentials.as_ref().is_some_and(|credentials| credentials.phase.is_some());
    let fails = |found: &&Condition| found.status == "False" || (found.reason == Reason::Rotating.name() && !has_key);
    let credentials = changed("CredentialsFresh").filter(fails).filter(is_untold);
    ready
        .into_iter()
        .chain([in_sync, credentials].into_iter().flatten().map(|found| announcement(found, true)))
        .collect()
}

fn announcement(condition: &Condition, warning: bool) -> Announcement {
    let note = if condition.message.is_empty() { condition.reason.clone() } else { condition.message.clone() };
    Announcement { warning, reason: condition.reason.clone(), note }
}
