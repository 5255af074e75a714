//! What happens to an identity, and how it must end, whatever fails meanwhile.

mod delivered;
mod guarded;
mod handed;
mod suspended;

use ambit::api::v1alpha1::{DeletionPolicy, MachineIdentitySpec, ManagementPolicy, ServiceAccountSubject};
use ambit::cloud::{FaultPlan, MemoryAssociation, MemoryRole};

use super::declare::OTHER_BOUNDARY;
use super::process::{Process, Rest};
use super::stage::Stage;
use super::truth;

/// How a story must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Live equals declared.
    Live,
    /// Everything is gone.
    Gone,
    /// The object is gone and the role is as it was.
    Retained,
    /// The object waits, and the cloud is as it was.
    Observed,
    /// Live equals declared, which no longer fits.
    Tolerated,
    /// The role is denied everything.
    Revoked,
    /// The role is closed altogether.
    Suspended,
}

/// One story.
#[derive(Clone, Copy)]
pub struct Story {
    pub name: &'static str,
    /// Where it happens.
    pub place: fn() -> Stage,
    /// Whether the identity exists and is settled before it begins.
    pub settled_before: bool,
    /// What sets it up, before the operator looks.
    pub prepare: fn(&Stage),
    /// What happens before the story, each time until all is quiet.
    pub before: &'static [fn(&Stage)],
    /// What happens.
    pub act: fn(&Stage),
    pub ending: Ending,
}

impl Story {
    const fn new(name: &'static str, act: fn(&Stage), ending: Ending) -> Self {
        Self {
            name,
            place: Stage::new,
            settled_before: true,
            prepare: |stage| stage.create("uid-1"),
            before: &[],
            act,
            ending,
        }
    }

    /// The stage when the story has just happened, and what a process remembers
    /// that has been there all the time.
    pub async fn begin(&self) -> Begun {
        let stage = (self.place)();
        let mut memory = None;
        if self.settled_before {
            (self.prepare)(&stage);
            let mut process = Process::start(&stage, &FaultPlan::none());
            process.run().await;
            for event in self.before {
                event(&stage);
                process.check_account();
                process.run().await;
            }
            memory = process.remembered();
        }
        (self.act)(&stage);
        let (role, associations) = (stage.role(), stage.associations());
        Begun { stage, memory, role, associations }
    }
}

/// A story that has begun.
pub struct Begun {
    pub stage: Stage,
    pub memory: Option<(String, ambit::controller::Remembered)>,
    role: Option<MemoryRole>,
    associations: Vec<MemoryAssociation>,
}

impl Begun {
    /// Asserts that the story ended as it must, and that nothing happens after.
    pub async fn assert_ended<'a>(&'a self, ending: Ending, rest: Rest, process: &mut Process<'a>) {
        let stage = &self.stage;
        match ending {
            Ending::Live => {
                assert_eq!(rest, Rest::Settled);
                truth::assert_live(stage);
                truth::assert_idle(stage, process).await;
            }
            Ending::Gone => {
                assert_eq!(rest, Rest::Gone);
                truth::assert_gone(stage);
            }
            Ending::Retained => {
                assert_eq!((rest, stage.object()), (Rest::Gone, None));
                assert_eq!(stage.role(), self.role.clone().map(left_behind));
                assert_eq!(stage.associations(), self.associations);
                truth::assert_others_untouched(stage, 1);
                assert!(stage.cluster.table("shop").service_accounts.is_empty());
            }
            Ending::Observed => {
                assert_eq!(rest, Rest::Waits);
                assert_eq!(stage.role(), self.role);
                assert_eq!(stage.associations(), self.associations);
                truth::assert_others_untouched(stage, usize::from(self.role.is_some()));
                truth::assert_idle(stage, process).await;
            }
            Ending::Tolerated => {
                assert_eq!(rest, Rest::Settled);
                truth::assert_tolerated(stage);
                truth::assert_idle(stage, process).await;
            }
            Ending::Revoked => {
                assert_eq!(rest, Rest::Waits);
                truth::assert_revoked(stage);
                truth::assert_idle(stage, process).await;
            }
            Ending::Suspended => {
                assert_eq!(rest, Rest::Waits);
                truth::assert_suspended(stage);
                truth::assert_idle(stage, process).await;
            }
        }
    }
}

/// A role as its identity leaves it when it goes.
fn left_behind(mut role: MemoryRole) -> MemoryRole {
    let uid = role.tags["ambit.dev/uid"].clone();
    role.tags.insert("ambit.dev/retained".to_owned(), uid);
    role
}

fn other_scopes(spec: &mut MachineIdentitySpec) {
    spec.scopes.remove(1);
    spec.scopes[0].actions = vec!["sqs:ReceiveMessage".into(), "sqs:DeleteMessage".into()];
}

fn other_subject(spec: &mut MachineIdentitySpec) {
    spec.subject.service_account = Some(ServiceAccountSubject { name: "orders-2".into() });
}

fn observe(spec: &mut MachineIdentitySpec) {
    spec.management_policy = ManagementPolicy::Observe;
}

fn attach(role: &mut MemoryRole) {
    role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
}

fn add_inline(role: &mut MemoryRole) {
    let more = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"*"}}"#;
    role.inline.insert("by-hand".to_owned(), more.to_owned());
}

fn change_permissions(role: &mut MemoryRole) {
    let widened = role.inline["ambit"].replace("orders-in", "*");
    role.inline.insert("ambit".to_owned(), widened);
}

fn change_trust(role: &mut MemoryRole) {
    role.trust = role.trust.replace("shop:orders", "shop:thief");
}

/// Everything at once.
fn change_all(role: &mut MemoryRole) {
    attach(role);
    add_inline(role);
    change_permissions(role);
    change_trust(role);
    role.session = 7200;
    role.boundary = None;
    role.tags.remove("ambit.dev/uid");
}

fn delete(stage: &Stage) {
    stage.cluster.delete(&stage.key);
}

/// Every story.
pub fn all() -> Vec<Story> {
    let mut stories = made();
    stories.extend(repaired());
    stories.extend(ended());
    stories.extend(guarded::all());
    stories.extend(delivered::all());
    stories.extend(handed::all());
    stories.extend(suspended::all());
    stories
}

pub use delivered::all as delivered;
pub use guarded::all as guarded;
pub use handed::all as handed;
pub use suspended::all as suspended;

/// What people declare.
pub fn made() -> Vec<Story> {
    use Ending::Live;
    let create = Story { settled_before: false, ..Story::new("create", |stage| stage.create("uid-1"), Live) };
    vec![
        create,
        Story::new("update: scopes", |stage| stage.edit(other_scopes), Live),
        Story::new("update: subject", |stage| stage.edit(other_subject), Live),
        Story::new(
            "update: scopes and subject",
            |stage| {
                stage.edit(|spec| {
                    other_scopes(spec);
                    other_subject(spec);
                });
            },
            Live,
        ),
        Story::new(
            "update: session duration",
            |stage| stage.edit(|spec| spec.session_duration = std::time::Duration::from_hours(2).into()),
            Live,
        ),
        Story::new("update: boundary of the account", |stage| stage.change_boundary(OTHER_BOUNDARY), Live),
    ]
}

/// What people do to the role by hand.
pub fn repaired() -> Vec<Story> {
    use Ending::Live;
    vec![
        Story::new("repair: attachment", |stage| stage.by_hand(attach), Live),
        Story::new("repair: inline policy", |stage| stage.by_hand(add_inline), Live),
        Story::new("repair: permissions", |stage| stage.by_hand(change_permissions), Live),
        Story::new("repair: permissions removed", |stage| stage.by_hand(|role| role.inline.clear()), Live),
        Story::new("repair: trust", |stage| stage.by_hand(change_trust), Live),
        Story::new("repair: boundary removed", |stage| stage.by_hand(|role| role.boundary = None), Live),
        Story::new("repair: session", |stage| stage.by_hand(|role| role.session = 43_200), Live),
        Story::new("repair: tag", |stage| stage.by_hand(|role| drop(role.tags.remove("ambit.dev/uid"))), Live),
        Story::new("repair: everything", |stage| stage.by_hand(change_all), Live),
        Story::new("repair: role deleted", |stage| assert!(stage.cloud.remove_by_hand(stage.name.as_str())), Live),
        Story::new(
            "update and repair at once",
            |stage| {
                stage.by_hand(change_all);
                stage.edit(other_subject);
            },
            Live,
        ),
    ]
}

/// How identities end, and those that are only observed.
pub fn ended() -> Vec<Story> {
    use Ending::{Gone, Live, Observed, Retained};
    vec![
        Story::new("delete", delete, Gone),
        Story::new(
            "delete: with foreign policies",
            |stage| {
                stage.by_hand(attach);
                stage.by_hand(add_inline);
                stage.by_hand(|role| role.boundary = None);
                delete(stage);
            },
            Gone,
        ),
        Story::new(
            "delete: role gone already",
            |stage| {
                assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
                delete(stage);
            },
            Gone,
        ),
        Story {
            prepare: |stage| {
                stage.create("uid-1");
                stage.edit(|spec| spec.deletion_policy = DeletionPolicy::Retain);
            },
            ..Story::new("delete: retain", delete, Retained)
        },
        Story {
            prepare: |stage| {
                stage.create("uid-1");
                stage.edit(|spec| spec.deletion_policy = DeletionPolicy::Retain);
            },
            before: &[delete],
            ..Story::new("declared again after it was retained", |stage| stage.create("uid-2"), Live)
        },
        Story::new(
            "observe: drift",
            |stage| {
                stage.by_hand(attach);
                stage.edit(observe);
            },
            Observed,
        ),
        Story {
            settled_before: false,
            ..Story::new(
                "observe: nothing there",
                |stage| {
                    stage.create("uid-1");
                    stage.edit(observe);
                },
                Observed,
            )
        },
    ]
}
