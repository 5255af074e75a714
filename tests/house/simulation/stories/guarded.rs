//! What becomes of identities when policies change.

use ambit::api::v1alpha1::{MachineIdentitySpec, ManagementPolicy};

use super::super::declare::{narrow_policy, policy_of_others, scope_policy};
use super::super::stage::Stage;
use super::{Ending, Story, attach, change_all, change_permissions, delete, observe, other_scopes, other_subject};

fn warn(stage: &Stage) {
    stage.judge_by(vec![narrow_policy("Warn")]);
}

fn revoke(stage: &Stage) {
    stage.judge_by(vec![narrow_policy("Revoke")]);
}

fn allow(stage: &Stage) {
    stage.judge_by(vec![scope_policy()]);
}

/// Asks for no more than the narrow policy allows.
fn narrow(spec: &mut MachineIdentitySpec) {
    spec.scopes.truncate(1);
}

fn open_by_hand(stage: &Stage) {
    stage.by_hand(|role| drop(role.inline.remove("ambit-closed")));
}

fn unknown_action(spec: &mut MachineIdentitySpec) {
    spec.scopes[0].actions = vec!["sqs:ReceiveMesage".into()];
}

/// Every story about policies.
pub fn all() -> Vec<Story> {
    let mut stories = warned();
    stories.extend(revoked());
    stories.extend(restored());
    stories
}

fn after(before: &'static [fn(&Stage)], story: Story) -> Story {
    Story { before, ..story }
}

/// A policy that warns.
fn warned() -> Vec<Story> {
    use Ending::{Live, Observed, Revoked, Tolerated};
    vec![
        Story::new("warn", warn, Tolerated),
        Story::new("warn: no policy is left", |stage| stage.judge_by(vec![policy_of_others()]), Tolerated),
        Story::new(
            "warn: and somebody changes the role",
            |stage| {
                warn(stage);
                stage.by_hand(change_all);
            },
            Tolerated,
        ),
        after(&[warn], Story::new("warn: then the role is changed", |stage| stage.by_hand(change_all), Tolerated)),
        after(
            &[warn],
            Story::new(
                "warn: then the role is deleted",
                |stage| assert!(stage.cloud.remove_by_hand(stage.name.as_str())),
                Tolerated,
            ),
        ),
        after(&[warn], Story::new("warn: then allowed", allow, Live)),
        after(&[warn], Story::new("warn: then narrowed", |stage| stage.edit(narrow), Live)),
        after(&[warn], Story::new("warn: then another declaration", |stage| stage.edit(other_scopes), Observed)),
        after(
            &[warn, |stage| stage.edit(other_scopes)],
            Story::new(
                "warn: then another declaration, and back",
                |stage| stage.edit(|spec| *spec = super::super::declare::identity("orders", "uid-1").spec),
                Tolerated,
            ),
        ),
        after(&[warn], Story::new("warn: then revoke", revoke, Revoked)),
        after(&[warn], Story::new("warn: then delete", delete, Ending::Gone)),
    ]
}

/// A policy that revokes.
fn revoked() -> Vec<Story> {
    use Ending::{Observed, Revoked};
    vec![
        Story::new("revoke", revoke, Revoked),
        Story::new(
            "revoke: and somebody changes the role",
            |stage| {
                revoke(stage);
                stage.by_hand(change_all);
            },
            Revoked,
        ),
        Story::new(
            "revoke: at once with another declaration",
            |stage| {
                revoke(stage);
                stage.edit(other_scopes);
            },
            Revoked,
        ),
        Story::new(
            "revoke: at once with a declaration that is wrong",
            |stage| {
                revoke(stage);
                stage.edit(unknown_action);
            },
            Revoked,
        ),
        Story {
            prepare: |stage| {
                stage.create("uid-1");
                stage.edit(narrow);
            },
            ..Story::new(
                "revoke: what is live fits, what is declared does not",
                |stage| {
                    revoke(stage);
                    stage.edit(|spec| spec.scopes[0].actions.push("sqs:DeleteMessage".into()));
                },
                Observed,
            )
        },
        Story::new(
            "revoke: observed",
            |stage| {
                revoke(stage);
                stage.edit(observe);
                stage.by_hand(attach);
            },
            Revoked,
        ),
        Story::new(
            "revoke: paused",
            |stage| {
                revoke(stage);
                stage.edit(|spec| spec.management_policy = ManagementPolicy::Paused);
            },
            Revoked,
        ),
        Story {
            settled_before: false,
            ..Story::new(
                "revoke: a new identity",
                |stage| {
                    revoke(stage);
                    stage.create("uid-1");
                },
                Observed,
            )
        },
    ]
}

/// What happens to identities that were revoked.
fn restored() -> Vec<Story> {
    use Ending::{Gone, Live, Revoked};
    vec![
        after(&[revoke], Story::new("revoked: opened by hand", open_by_hand, Revoked)),
        after(&[revoke], Story::new("revoked: another declaration", |stage| stage.edit(other_scopes), Revoked)),
        after(&[revoke], Story::new("revoked: a wrong declaration", |stage| stage.edit(unknown_action), Revoked)),
        after(&[revoke], Story::new("revoked: no policy is left", |stage| stage.judge_by(Vec::new()), Revoked)),
        after(&[revoke], Story::new("revoked: then warn", warn, Revoked)),
        after(&[revoke], Story::new("revoked: then allowed", allow, Live)),
        after(
            &[revoke],
            Story::new(
                "revoked: then allowed with other scopes and subject, and a changed role",
                |stage| {
                    allow(stage);
                    stage.by_hand(change_permissions);
                    stage.by_hand(attach);
                    stage.edit(|spec| {
                        other_scopes(spec);
                        other_subject(spec);
                    });
                },
                Live,
            ),
        ),
        after(&[revoke], Story::new("revoked: then narrowed", |stage| stage.edit(narrow), Live)),
        after(&[revoke], Story::new("revoked: then deleted", delete, Gone)),
    ]
}
