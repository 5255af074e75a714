//! What becomes of identities that somebody suspends.

use ambit::api::v1alpha1::ManagementPolicy;
use ambit::domain::PodsOf;

use super::super::declare::{NAMESPACE, narrow_policy};
use super::super::stage::Stage;
use super::{Ending, Story, attach, change_all, delete, observe, other_scopes, other_subject};

fn suspend(stage: &Stage) {
    stage.edit(|spec| spec.suspend = true);
}

fn resume(stage: &Stage) {
    stage.edit(|spec| spec.suspend = false);
}

fn after(before: &'static [fn(&Stage)], story: Story) -> Story {
    Story { before, ..story }
}

/// Every story about suspensions.
pub fn all() -> Vec<Story> {
    let mut stories = begun();
    stories.extend(gone_on());
    stories.extend(handed());
    stories
}

fn begun() -> Vec<Story> {
    use Ending::{Live, Suspended};
    vec![
        Story::new("suspend", suspend, Suspended),
        Story::new(
            "suspend: and somebody changes the role",
            |stage| {
                suspend(stage);
                stage.by_hand(change_all);
            },
            Suspended,
        ),
        Story::new(
            "suspend: at once with another declaration that a policy revokes",
            |stage| {
                stage.judge_by(vec![narrow_policy("Revoke")]);
                stage.edit(other_scopes);
                suspend(stage);
            },
            Suspended,
        ),
        Story::new(
            "suspend: paused",
            |stage| {
                suspend(stage);
                stage.edit(|spec| spec.management_policy = ManagementPolicy::Paused);
            },
            Suspended,
        ),
        Story::new(
            "suspend: only observed",
            |stage| {
                suspend(stage);
                stage.edit(observe);
            },
            Suspended,
        ),
        Story::new(
            "suspend: and taken back at once",
            |stage| {
                suspend(stage);
                resume(stage);
            },
            Live,
        ),
    ]
}

/// What happens to identities that were suspended.
fn gone_on() -> Vec<Story> {
    use Ending::{Gone, Live, Revoked, Suspended};
    vec![
        after(
            &[suspend],
            Story::new(
                "suspended: opened by hand",
                |stage| {
                    stage.by_hand(|role| {
                        role.inline.remove("ambit-closed");
                        role.inline.remove("ambit-sessions");
                        role.trust = role.trust.replace("Deny", "Allow");
                    });
                },
                Suspended,
            ),
        ),
        after(&[suspend], Story::new("suspended: another declaration", |stage| stage.edit(other_scopes), Suspended)),
        after(&[suspend], Story::new("suspended: resumed", resume, Live)),
        after(
            &[suspend],
            Story::new(
                "suspended: resumed with other scopes and subject, and a changed role",
                |stage| {
                    stage.by_hand(attach);
                    stage.edit(|spec| {
                        spec.suspend = false;
                        other_scopes(spec);
                        other_subject(spec);
                    });
                },
                Live,
            ),
        ),
        after(
            &[suspend],
            Story::new(
                "suspended: resumed where a policy revokes by now",
                |stage| {
                    stage.judge_by(vec![narrow_policy("Revoke")]);
                    resume(stage);
                },
                Revoked,
            ),
        ),
        after(&[suspend, resume], Story::new("resumed: suspended again", suspend, Suspended)),
        after(
            &[suspend, resume],
            Story::new(
                "resumed: old sessions let in by hand",
                |stage| stage.by_hand(|role| drop(role.inline.remove("ambit-sessions"))),
                Live,
            ),
        ),
        after(&[suspend, resume], Story::new("resumed: deleted", delete, Gone)),
        after(&[suspend], Story::new("suspended: deleted", delete, Gone)),
    ]
}

/// Where EKS hands the role to pods. What makes it do so stays: the role lets in nobody.
fn handed() -> Vec<Story> {
    use Ending::{Gone, Live, Suspended};
    let place = Stage::with_pod_identity;
    let later = |story| Story { place, ..after(&[suspend], story) };
    vec![
        Story { place, ..Story::new("suspend: handed by EKS", suspend, Suspended) },
        later(Story::new("suspended: handed by EKS, resumed", resume, Live)),
        later(Story::new(
            "suspended: handed by EKS, resumed for another subject",
            |stage| {
                stage.edit(|spec| {
                    spec.suspend = false;
                    other_subject(spec);
                });
            },
            Live,
        )),
        later(Story::new(
            "suspended: handed by EKS, resumed without what hands it",
            |stage| {
                let pods = PodsOf::new(NAMESPACE, "orders");
                assert!(stage.cloud.remove_association(stage.eks().unwrap(), &pods));
                resume(stage);
            },
            Live,
        )),
        later(Story::new("suspended: handed by EKS, deleted", delete, Gone)),
    ]
}
