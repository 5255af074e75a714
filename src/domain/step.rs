//! What a principal should be, and the steps that lead there.

use jiff::Timestamp;

use crate::names::{BoundaryArn, Owner, PrincipalName};
use crate::policy::Document;

/// How long a session may last, in seconds: between one and twelve hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionSeconds(u32);

impl SessionSeconds {
    /// The shortest that IAM allows a role to declare.
    pub const MIN: Self = Self(3600);
    /// The longest.
    pub const MAX: Self = Self(43_200);

    /// Takes a number within the bounds.
    #[must_use]
    pub fn new(seconds: u64) -> Option<Self> {
        let seconds = u32::try_from(seconds).ok()?;
        (Self::MIN.0..=Self::MAX.0).contains(&seconds).then_some(Self(seconds))
    }

    /// The number of seconds.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// The principal of one identity, exactly as it was declared.
///
/// INVARIANT: every value was checked when it was made, so building cloud
/// requests from it cannot fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its name in the cloud.
    pub name: PrincipalName,
    /// Whose it is.
    pub owner: Owner,
    /// Who may become it: nobody, if it is a user.
    pub trust: Document,
    /// What it may do.
    pub permissions: Document,
    /// The most that it may ever do.
    pub boundary: BoundaryArn,
    /// How long a session lasts at most.
    pub session: SessionSeconds,
}

/// What a principal is born with: all but its permissions, which come only
/// when trust and boundary stand. A user takes neither trust nor session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birth {
    /// Whose it is, written as tags.
    pub owner: Owner,
    /// Who may become it.
    pub trust: Document,
    /// The most that it may ever do.
    pub boundary: BoundaryArn,
    /// How long a session lasts at most.
    pub session: SessionSeconds,
}

/// One change, carried out by exactly one call to the cloud.
///
/// Each step is idempotent: taking it again, after its effect was seen or its
/// reply was lost, leads to the same state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the principal without permissions.
    Create(Birth),
    /// Write the tags that say whose it is.
    SetOwner(Owner),
    /// Mark the principal as left behind on purpose by this owner.
    Retain(Owner),
    /// Set the boundary.
    SetBoundary(BoundaryArn),
    /// Set who may become it.
    SetTrust(Document),
    /// Set the longest session.
    SetSession(SessionSeconds),
    /// Set what it may do.
    SetPermissions(Document),
    /// Remove the permissions that `SetPermissions` set.
    RemovePermissions,
    /// Deny everything until it is opened or deleted.
    Close,
    /// Take the denial of `Close` away.
    Open,
    /// Deny everything to sessions from before this time.
    DenySessions(Timestamp),
    /// Take the denial of `DenySessions` away.
    AdmitSessions,
    /// Remove an inline policy that Ambit did not write, by its name.
    RemoveInline(String),
    /// Detach a managed policy by its ARN.
    Detach(String),
    /// Take a user out of a group.
    LeaveGroup(String),
    /// Take a user's password for the console away.
    RemovePassword,
    /// Delete the principal, which has no policies and no keys left.
    Delete,
}

impl Step {
    /// A short name for logs, metrics and plans.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::SetOwner(_) => "set-owner",
            Self::Retain(_) => "retain",
            Self::SetBoundary(_) => "set-boundary",
            Self::SetTrust(_) => "set-trust",
            Self::SetSession(_) => "set-session",
            Self::SetPermissions(_) => "set-permissions",
            Self::RemovePermissions => "remove-permissions",
            Self::Close => "close",
            Self::Open => "open",
            Self::DenySessions(_) => "deny-sessions",
            Self::AdmitSessions => "admit-sessions",
            Self::RemoveInline(_) => "remove-inline",
            Self::Detach(_) => "detach",
            Self::LeaveGroup(_) => "leave-group",
            Self::RemovePassword => "remove-password",
            Self::Delete => "delete",
        }
    }
}

/// What carrying out a step told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepDone {
    /// The principal was made: its unique id and its ARN.
    Created {
        /// The unique id, which no later principal of the same name has.
        id: String,
        /// The ARN.
        arn: String,
    },
    /// The step took effect.
    Done,
}
