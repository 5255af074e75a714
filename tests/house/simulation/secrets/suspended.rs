//! Identities with a Secret that somebody suspends and resumes.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::controller::outcome::Outcome;

use super::super::declare::NAMESPACE;
use super::super::{clock, simulate, truth};
use super::{
    Keeper, SECRET, assert_fresh, assert_reads, assert_withdrawn, credentials, kept, read, resume, stage, suspend, told,
};

#[test]
fn no_secret_is_left_and_none_is_written_until_it_is_resumed() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        suspend(&stage);
        assert_eq!(keeper.settle().await, Outcome::Refused);
        truth::assert_suspended(&stage);
        assert_withdrawn(&stage);
        assert_eq!(told(&stage), ["CredentialsIssued", "SecretDeleted"]);
        // Longer than the credentials would have lived, by a process that knows nothing of it.
        let plan = FaultPlan::none();
        let mut fresh = Keeper::start(&stage, &plan);
        fresh.during(Duration::from_hours(3)).await;
        assert_withdrawn(&stage);
        assert_eq!(stage.cloud.issued(), 1);
        let calls = plan.calls();
        assert!(!calls.contains(&"credentials") && !calls.contains(&"write-secret"), "{calls:?}");
        resume(&stage);
        fresh.settle().await;
        assert_fresh(&stage, SECRET);
        assert_eq!(stage.cloud.issued(), 2);
        truth::assert_live(&stage);
        assert_eq!(told(&stage), ["CredentialsIssued", "SecretDeleted", "CredentialsIssued"]);
    });
}

#[test]
fn while_it_is_opened_again_nothing_is_issued() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        suspend(&stage);
        keeper.settle().await;
        resume(&stage);
        // New sessions would be taken for old ones still.
        let (outcome, pause) = keeper.once().await.unwrap();
        assert!(matches!(outcome, Outcome::Waiting(_)), "{outcome:?}");
        assert_reads(&stage, "CredentialsFresh", "Unknown", "Suspended");
        let message = read(&stage, "CredentialsFresh").2;
        assert_eq!(message, "credentials are issued anew, into Secret 'orders-aws', when the identity is open again");
        assert_eq!(stage.cloud.issued(), 1);
        clock::advance(pause);
        keeper.settle().await;
        assert_fresh(&stage, SECRET);
        let denied_before = stage.object().unwrap().status.unwrap().aws.unwrap().sessions_denied_before.unwrap().0;
        assert!(credentials(&stage).issued_time.unwrap().0 >= denied_before);
    });
}

/// The role is closed all the same, what could not be deleted is not forgotten, and what stands in it
/// is denied by the role and never taken for good again.
#[test]
fn a_secret_that_cannot_be_deleted_keeps_no_role_open() {
    simulate(async {
        let stage = stage();
        kept(&stage).await;
        let plan = FaultPlan::of(&["delete-secret"], Fault::ErrorBefore(ErrorKind::Denied));
        let mut keeper = Keeper::start(&stage, &plan);
        suspend(&stage);
        // Longer than patience lasts elsewhere.
        keeper.during(Duration::from_mins(30)).await;
        assert_reads(&stage, "Ready", "False", "Suspended");
        assert_reads(&stage, "CredentialsFresh", "False", "ClusterRefused");
        let message = read(&stage, "CredentialsFresh").2;
        assert!(message.starts_with("Secret 'orders-aws' of the suspended identity was not deleted: "), "{message}");
        assert_eq!(credentials(&stage).secret_name, SECRET);
        assert!(stage.role().unwrap().inline.contains_key("ambit-sessions"));
        assert!(plan.calls().iter().filter(|call| **call == "delete-secret").count() > 3);
        assert_eq!(told(&stage), ["CredentialsIssued", "ClusterRefused"]);
        // It is still there, not due, and whole.
        resume(&stage);
        keeper.settle().await;
        assert_fresh(&stage, SECRET);
        assert_eq!(stage.cloud.issued(), 2);
    });
}

#[test]
fn a_right_that_comes_back_is_enough_to_delete_it() {
    simulate(async {
        let stage = stage();
        kept(&stage).await;
        let plan = FaultPlan::of(&["delete-secret"], Fault::ErrorBefore(ErrorKind::Denied));
        suspend(&stage);
        Keeper::start(&stage, &plan).during(Duration::from_mins(30)).await;
        assert_eq!(stage.cluster.secret_names(NAMESPACE), [SECRET]);
        Keeper::start(&stage, &FaultPlan::none()).settle().await;
        truth::assert_suspended(&stage);
        assert_withdrawn(&stage);
    });
}
