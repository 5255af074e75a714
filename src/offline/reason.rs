//! What the reasons of conditions mean. README.md has the same table, and a
//! test keeps it so.

use crate::plan::Reason;

/// What a reason means, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The reason.
    pub reason: Reason,
    /// The conditions that carry it.
    pub condition: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub mend: &'static str,
}

/// Makes the list and the match from one table: a reason without a meaning does not compile.
macro_rules! meanings {
    ($($name:ident $condition:literal $means:literal $mend:literal;)*) => {
        /// What a reason means.
        #[must_use]
        pub fn meaning(reason: Reason) -> Meaning {
            let (condition, means, mend) = match reason { $(Reason::$name => ($condition, $means, $mend),)* };
            Meaning { reason, condition, means, mend }
        }

        /// What each reason means, in the order in which people meet them.
        pub fn meanings() -> impl Iterator<Item = Meaning> {
            [$(Reason::$name,)*].into_iter().map(meaning)
        }
    };
}

meanings! {
    Verified "Ready"
        "a token of the service account opened the role, and the role was read back as declared"
        "nothing";
    Evaluated "Ready"
        "a pipeline's issuer is known to the account, and the role's trust, read back, lets in exactly the declared pipeline; its first job is the proof. With EKS Pod Identity: association and trust, read back, let in exactly the declared pods"
        "nothing";
    Propagating "Ready"
        "the cloud does not accept the role's trust yet, usual for seconds after a change"
        "wait; after a while the message says where to look";
    Paused "all"
        "`managementPolicy` is Paused: Ambit neither reads nor changes anything"
        "set it to Enforce or Observe";
    Deleting "Ready, Provisioned"
        "the role is being removed"
        "wait; the object goes when the role is gone";
    Pending "any"
        "the step before it is not done, or something passing is retried"
        "read the message; as a rule nothing";
    Accepted "Accepted"
        "the declaration is valid and may be carried out"
        "nothing";
    AccountNotFound "Accepted"
        "there is no such CloudAccount, or it cannot be used"
        "correct `accountRef`, or the account";
    NamespaceNotSelected "Accepted"
        "the account does not select the namespace"
        "ask its owners, or label the namespace";
    NoScopePolicy "Accepted"
        "no ScopePolicy selects the namespace"
        "ask the platform team for one";
    ScopeDenied "Accepted, Ready"
        "a scope asks for more than the selecting ScopePolicies allow, or for what one of them or the floor denies; the message has a request that shows it. With `Ready` True it was accepted before, and keeps its access"
        "ask for less, as the message says, or ask the owners of the policy that it names";
    Undecidable "Accepted"
        "it cannot be decided whether a scope lies within what is allowed, and the message says why"
        "write the scope or the rule more simply";
    UnknownAction "Accepted"
        "a service or an action that AWS does not have"
        "take one of the names offered";
    InvalidScope "Accepted"
        "a scope that cannot be: level, resource, account, partition, wildcard, condition; or the cloud refused the document"
        "the message names field and fix";
    TooLarge "Accepted"
        "more than 9,840 characters of permissions, or more than 1,648 with an access key: IAM lets users have less"
        "shorten the scopes that the message names, or split the identity";
    SubjectTaken "Accepted"
        "an older identity has the service account"
        "use another service account, or delete the older one";
    Provisioned "Provisioned"
        "the role was read back with the declared trust, permissions and boundary"
        "nothing";
    Conflict "Provisioned, Bound"
        "a role of that name exists and is not provably this identity's, or the CloudAccount became another one; under Bound, the pods have an EKS Pod Identity association that is not provably this identity's; it is left alone"
        "the message says what to do";
    CloudDenied "Provisioned"
        "the cloud does not let Ambit do this"
        "compare Ambit's own policy with `ambit account policy`; look for a service control policy";
    CloudUnreachable "Provisioned"
        "no answer from the cloud"
        "check network and endpoints; it is retried";
    Throttled "Provisioned"
        "the cloud limits the rate of calls"
        "wait, or lower `requestsPerSecond`";
    LimitExceeded "Provisioned; of a CloudAccount: Ready"
        "a quota of the account is used up; of a CloudAccount: there are as many roles as it may have, so no identity can be added; those that exist go on"
        "raise it, or remove what is not needed";
    BoundaryMissing "Provisioned"
        "the permissions boundary does not exist"
        "create it, or correct the CloudAccount";
    BoundaryChanged "Provisioned; of a CloudAccount: Ready, event"
        "the permissions boundary means something else than before, or than `permissionsBoundaryDigest` pins. With a pin no new role is made, and those that exist stay. Without a pin nothing is held back: only an event and `status.boundary.changedTime` say so"
        "`kubectl describe cloudaccount NAME` shows what changed: set the boundary back, or pin the digest in `status.boundary`";
    ProviderChanged "of a CloudAccount: Ready"
        "the OIDC provider is not as declared or not as it was first seen, and stays so for now: Ambit never changes thumbprints, takes an added audience off only under `provider: Create`, and stops after three times. Ready stays True: identities can still be made"
        "`kubectl describe cloudaccount NAME` shows what changed: set the provider right, or accept it as the message says";
    EventsUnavailable "of a CloudAccount: Ready"
        "the event queue cannot be read, or another CloudAccount uses it; changes made by hand are found only by sweeps. Ready stays True"
        "the message says what to look at: the queue, its URL, or Ambit's own policy";
    QuotaNear "of a CloudAccount: Ready"
        "nine tenths of the account's roles are used up; everything works still"
        "raise the quota, or remove roles that nobody uses";
    SweptInFull "of a CloudAccount: Swept"
        "the whole account was read, so whatever differs was found"
        "nothing";
    DeletionBudgetSpent "of a CloudAccount: Swept"
        "more roles have lost their identity than may be removed within an hour, so the rest stays for now"
        "if identities were lost, restore them, or set `spec.orphans` to Keep; else nothing: the message says when it goes on";
    OrphansRemoved "event"
        "roles whose identity is gone were removed, or associations that give nothing any more"
        "nothing, if the identities were meant to go";
    UnsafePlan "Provisioned"
        "Ambit's own second check refused its plan; nothing was changed"
        "report it with the message";
    Revoked "Ready, Provisioned, InSync"
        "the declaration no longer fits, and a ScopePolicy says `enforcement: Revoke`: the role is denied everything, also in sessions that have begun, and new pods are turned away"
        "narrow the scopes, or ask the owners of the policy; access comes back by itself when it fits again";
    Suspended "Ready, Provisioned, Bound, InSync, CredentialsFresh"
        "`spec.suspend` is true: the role is denied everything, nobody can become it, and sessions that were there are denied; each part was read back, and `status.suspension` says when"
        "set `spec.suspend` to false; where the CloudAccount says `resumeBy: AnotherPerson`, somebody else than who suspended it must";
    Retained "event"
        "the object went and the role stayed, as `deletionPolicy` says"
        "nothing manages the role any more";
    Bound "Bound"
        "pods of the service account get the role"
        "nothing";
    PodsWithoutIdentity "Bound"
        "pods that run were created before the identity and do not have the role; new ones get it"
        "restart those pods";
    ProviderMissing "Bound, Ready"
        "the account does not trust the cluster's issuer"
        "register it, or set `provider: Create`; compare issuer and audience";
    ClusterMissing "Bound; of a CloudAccount: Ready"
        "the account has no EKS cluster of the name that `podIdentity` says, or it is another one"
        "correct account, region and `clusterName`";
    ServiceAccountMissing "Bound"
        "the service account is not there and could not be made"
        "create it";
    AnnotationConflict "Bound"
        "the service account has annotations for the webhook of EKS that somebody else wrote and that say something else; Ambit leaves them alone"
        "remove them, or name another service account";
    InjectionUnavailable "Bound"
        "pods would get the role by Ambit's own injection, which this installation does not have: they are turned away"
        "set `delivery: ServiceAccountAnnotation` in the CloudAccount, or install the injection";
    ClusterRefused "Bound, CredentialsFresh"
        "the API server refuses Ambit's own request"
        "compare its rights with the chart's";
    InSync "InSync"
        "live equals declared"
        "nothing";
    Repaired "InSync"
        "somebody changed the role; it is as declared again; the message says what it was"
        "find out who, in CloudTrail";
    Drifted "InSync"
        "live differs: it is being repaired, or only reported under Observe"
        "read `status.drift`";
    Unreadable "InSync"
        "a policy of the role is no policy that Ambit understands: it is being replaced, or only reported under Observe"
        "read `status.drift`: it says which, and why";
    Contested "InSync"
        "somebody else keeps changing what Ambit repairs; after three repairs Ambit stopped, and live differs"
        "find the other party, named in the message where events say who it is; then change the spec, or set the annotation `ambit.dev/reconcile` to a new value";
    Observing "Provisioned, Bound"
        "`managementPolicy` is Observe: Ambit looks and changes nothing; under Provisioned, the role does not exist and is not made"
        "nothing, or set it to Enforce";
    Federated "CredentialsFresh"
        "credentials come by federation; no key is stored"
        "nothing";
    Fresh "CredentialsFresh"
        "the credentials in the Secret are good, and are renewed or rotated in time"
        "nothing";
    Rotating "CredentialsFresh, event"
        "an access key is being rotated, or renewing credentials failed and is tried again; those in the Secret are still good"
        "read the message, which says how far it is; as a rule nothing";
    Overdue "CredentialsFresh, Ready"
        "the credentials in the Secret should have been renewed a while ago and were not, or ran out"
        "the message says why: mend that, and they are renewed by themselves";
    HeldByConsumer "CredentialsFresh"
        "the old access key cannot go: pods that hold it were not restarted, or somebody who is not known uses it. Nothing is broken, and Ready stays as it is"
        "restart the pods that the message names; who else uses the key stands in CloudTrail; `ambit rotate --revoke-old --now` waits for nobody";
    SecretTaken "CredentialsFresh, Ready"
        "a Secret of the declared name is there and was not made by Ambit for this identity; it is left alone"
        "name another Secret, or delete that one";
    CredentialsIssued "event"
        "credentials were written into a Secret for the first time, or anew because it was gone or was changed"
        "nothing";
    CredentialsRenewed "event"
        "the credentials in the Secret were renewed in time"
        "nothing; what reads environment variables must be restarted to see them";
    SecretDeleted "event"
        "a Secret was deleted that is no longer declared to hold credentials"
        "nothing";
}

/// The reason of that name, in whatever case.
#[must_use]
pub fn reason(name: &str) -> Option<Meaning> {
    meanings().find(|meaning| meaning.reason.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_is_there_once_and_has_words() {
        let names: Vec<String> = meanings().map(|meaning| meaning.reason.name()).collect();
        assert!(names.len() > 30, "{names:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for Meaning { reason, condition, means, mend } in meanings() {
            assert!(!condition.is_empty() && means.len() > 10 && !mend.is_empty(), "{reason:?}");
            assert!(!means.contains('|') && !mend.contains('|'), "{reason:?}: README.md has it in a table");
        }
        assert_eq!(reason("scopedenied").map(|meaning| meaning.reason), Some(Reason::ScopeDenied));
        assert_eq!(reason("Scope"), None);
    }
}
