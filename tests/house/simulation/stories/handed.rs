//! What happens where EKS hands roles to pods.

use std::sync::Arc;

use ambit::api::v1alpha1::{CloudAccount, DeletionPolicy};
use ambit::cloud::MemoryAssociation;
use ambit::domain::PodsOf;

use super::super::declare::{self, BOUNDARY, NAMESPACE, OTHER_BOUNDARY};
use super::super::stage::Stage;
use super::{Ending, Story, change_all, delete, observe, other_scopes, other_subject};

const THEIRS: &str = "arn:aws:iam::123456789012:role/of-somebody-else";

fn remove(stage: &Stage) {
    let pods = PodsOf::new(NAMESPACE, "orders");
    assert!(stage.cloud.remove_association(stage.eks().unwrap(), &pods));
}

/// Somebody else puts another in its place.
fn replace(stage: &Stage) {
    remove(stage);
    let theirs = MemoryAssociation::foreign(PodsOf::new(NAMESPACE, "orders"), THEIRS);
    stage.cloud.plant_association(stage.eks().unwrap(), theirs);
}

/// Remakes it by hand as it was.
fn remake(stage: &Stage) {
    let before = stage.association("orders").unwrap();
    remove(stage);
    stage.cloud.plant_association(stage.eks().unwrap(), before);
}

fn retain(stage: &Stage) {
    stage.create("uid-1");
    stage.edit(|spec| spec.deletion_policy = DeletionPolicy::Retain);
}

fn story(name: &'static str, act: fn(&Stage), ending: Ending) -> Story {
    Story { place: Stage::with_pod_identity, ..Story::new(name, act, ending) }
}

/// Every story about associations.
pub fn all() -> Vec<Story> {
    let mut stories = made();
    stories.extend(repaired());
    stories.extend(ended());
    stories
}

fn made() -> Vec<Story> {
    use Ending::Live;
    vec![
        Story { settled_before: false, ..story("handed: create", |stage| stage.create("uid-1"), Live) },
        story("handed: update of scopes", |stage| stage.edit(other_scopes), Live),
        story("handed: update of the subject", |stage| stage.edit(other_subject), Live),
        story(
            "handed: update of scopes and subject",
            |stage| {
                stage.edit(|spec| {
                    other_scopes(spec);
                    other_subject(spec);
                });
            },
            Live,
        ),
        story("handed: boundary of the account", |stage| stage.change_boundary(OTHER_BOUNDARY), Live),
        Story {
            place: || with(declare::account(BOUNDARY)),
            ..Story::new("handed: the account changes from tokens to EKS", to_eks, Live)
        },
        Story {
            place: || with(declare::annotated_account()),
            ..Story::new("handed: the account changes from annotations to EKS", to_eks, Live)
        },
    ]
}

/// Where the account is this one until it changes.
fn with(account: Arc<CloudAccount>) -> Stage {
    let stage = Stage::with_pod_identity();
    stage.change_account(account);
    stage
}

fn to_eks(stage: &Stage) {
    stage.change_account(declare::pod_identity_account(BOUNDARY));
    stage.edit(|_| {});
}

fn repaired() -> Vec<Story> {
    use Ending::Live;
    vec![
        story("handed: another role", |stage| stage.tie_by_hand(|it| it.role = THEIRS.into()), Live),
        story("handed: onward", |stage| stage.tie_by_hand(|it| it.target_role = Some(THEIRS.into())), Live),
        story("handed: no session tags", |stage| stage.tie_by_hand(|it| it.disable_session_tags = true), Live),
        story(
            "handed: narrowed",
            |stage| {
                stage.tie_by_hand(|it| {
                    it.disable_session_tags = true;
                    it.policy = Some("{}".into());
                });
            },
            Live,
        ),
        story("handed: without the UID", |stage| stage.tie_by_hand(|it| drop(it.tags.remove("ambit.dev/uid"))), Live),
        story("handed: removed", remove, Live),
        story("handed: remade", remake, Live),
        story(
            "handed: role and association changed",
            |stage| {
                stage.by_hand(change_all);
                stage.by_hand(|role| role.trust = role.trust.replace(r#":"orders""#, r#":"thief""#));
                stage.tie_by_hand(|it| it.role = THEIRS.into());
            },
            Live,
        ),
        story("handed: role deleted", |stage| assert!(stage.cloud.remove_by_hand(stage.name.as_str())), Live),
        story(
            "handed: everything changed, and another subject",
            |stage| {
                stage.by_hand(change_all);
                stage.tie_by_hand(|it| it.target_role = Some(THEIRS.into()));
                stage.edit(other_subject);
            },
            Live,
        ),
    ]
}

fn ended() -> Vec<Story> {
    use Ending::{Gone, Live, Observed, Retained};
    vec![
        story("handed: delete", delete, Gone),
        story(
            "handed: delete, association gone already",
            |stage| {
                remove(stage);
                delete(stage);
            },
            Gone,
        ),
        story(
            "handed: delete, role gone already",
            |stage| {
                assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
                delete(stage);
            },
            Gone,
        ),
        story(
            "handed: delete, association changed",
            |stage| {
                stage.tie_by_hand(|it| it.role = THEIRS.into());
                delete(stage);
            },
            Gone,
        ),
        story(
            "handed: another subject and deleted at once",
            |stage| {
                stage.edit(other_subject);
                delete(stage);
            },
            Gone,
        ),
        Story { prepare: retain, ..story("handed: retain", delete, Retained) },
        Story {
            prepare: retain,
            before: &[delete],
            ..story("handed: declared again after it was retained", |stage| stage.create("uid-2"), Live)
        },
        story(
            "handed: observe",
            |stage| {
                stage.tie_by_hand(|it| it.role = THEIRS.into());
                stage.edit(observe);
            },
            Observed,
        ),
        story(
            "handed: observe, and another's",
            |stage| {
                replace(stage);
                stage.edit(observe);
            },
            Observed,
        ),
    ]
}
