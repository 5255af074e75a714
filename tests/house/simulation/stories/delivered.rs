//! What becomes of identities when pods are to get them another way.

use super::super::declare::{BOUNDARY, account, account_of_other_tokens, annotated_account};
use super::super::stage::Stage;
use super::{Ending, Story, delete, other_subject};

fn by_annotation(stage: &Stage) {
    stage.change_account(annotated_account());
}

fn by_admission(stage: &Stage) {
    stage.change_account(account(BOUNDARY));
}

fn other_tokens(stage: &Stage) {
    stage.change_account(account_of_other_tokens());
}

/// Whatever fails meanwhile, pods get the role.
fn watched(stage: &Stage, act: fn(&Stage)) {
    stage.watch_delivery();
    act(stage);
}

fn lose(stage: &Stage, annotation: &str) {
    stage.cluster.annotate_by_hand("shop", "orders", annotation, None);
}

/// Every story about delivery.
pub fn all() -> Vec<Story> {
    let mut stories = switched();
    stories.extend(annotated());
    stories
}

/// Another way for an identity that is in use.
fn switched() -> Vec<Story> {
    use Ending::Live;
    let annotated: &[fn(&Stage)] = &[by_annotation];
    vec![
        Story::new("delivery: by annotation", |stage| watched(stage, by_annotation), Live),
        Story {
            before: annotated,
            ..Story::new("delivery: back to admission", |stage| watched(stage, by_admission), Live)
        },
        Story::new("delivery: other tokens", |stage| watched(stage, other_tokens), Live),
        Story {
            before: annotated,
            ..Story::new("delivery: from annotation to other tokens", |stage| watched(stage, other_tokens), Live)
        },
    ]
}

/// The life of an identity whose pods get it from the webhook.
fn annotated() -> Vec<Story> {
    use Ending::{Gone, Live};
    let annotated: &[fn(&Stage)] = &[by_annotation];
    let after = |story: Story| Story { before: annotated, ..story };
    vec![
        Story {
            settled_before: false,
            ..Story::new(
                "annotated: create",
                |stage| {
                    by_annotation(stage);
                    stage.create("uid-1");
                },
                Live,
            )
        },
        after(Story::new("annotated: another subject", |stage| stage.edit(other_subject), Live)),
        after(Story::new(
            "annotated: another subject, and back to admission",
            |stage| {
                stage.edit(other_subject);
                by_admission(stage);
            },
            Live,
        )),
        after(Story::new(
            "annotated: the role's annotation is lost",
            |stage| lose(stage, "eks.amazonaws.com/role-arn"),
            Live,
        )),
        after(Story::new("annotated: the mark is lost", |stage| lose(stage, "ambit.dev/annotated-by"), Live)),
        after(Story::new("annotated: delete", delete, Gone)),
    ]
}
