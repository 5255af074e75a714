//! What somebody did to an account, as the account's own record tells it.

use jiff::Timestamp;

/// What a change was done to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A role as such: it was made or deleted.
    Role,
    /// Its trust policy.
    Trust,
    /// Its permissions boundary.
    Boundary,
    /// Its tags.
    Tags,
    /// Its longest session, or what else `UpdateRole` sets.
    Session,
    /// The policy that holds what Ambit grants.
    Permissions,
    /// The policy by which Ambit denies everything.
    Denial,
    /// Another inline policy, of this name.
    Inline(String),
    /// A managed policy with this ARN, attached or detached.
    Attachment(String),
    /// The provider that stands for the issuer, which all identities of an account share.
    Provider,
    /// The policy that bounds every role of an account.
    BoundaryPolicy,
}

/// One change that somebody made, with who and from where.
///
/// The texts come from whoever called: they are cut and cleaned when a change is
/// made, and nothing is ever decided by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent {
    /// When the cloud says that it happened.
    pub at: Timestamp,
    /// The event's id, by which it is found in the account's trail.
    pub event: String,
    /// What was called, such as `iam:PutRolePolicy`.
    pub operation: String,
    /// Who called: an ARN where there is one.
    pub principal: String,
    /// The address or service that the call came from.
    pub source: Option<String>,
    /// What it was done to.
    pub target: Target,
}
