//! Golden cases: what identities may and may not do, and which are refused.
//!
//! ```yaml
//! apiVersion: cli.ambit.dev/v1alpha1
//! kind: AccessTest
//! metadata:
//!   name: orders
//! identity: shop/orders
//! may:
//! - action: s3:GetObject
//!   resource: arn:aws:s3:::orders-in/1.json
//! mayNot:
//! - name: destroys nothing
//!   actions: [s3:DeleteObject, s3:DeleteObjectVersion]
//!   resource: arn:aws:s3:::orders-in/1.json
//! ```
//!
//! `AccessTest` is no kind of the cluster: it is read by `ambit test` alone.
//!
//! ```text
//! Manifest ── understand ──▶ AccessTest ── run, over a World ──▶ Answers
//!             (fields, request)            (decide, nearest)
//! ```
//!
//! What is decided is what the identity itself may do: the policies of
//! resources and of the organisation are not in the files. A resource is taken
//! to leave it to the account, as an allowance must stand in the identity's own
//! permissions then, and a denial is not owed to somebody else's policy.

mod fields;
mod nearest;
mod possible;
mod request;
mod run;
#[cfg(test)]
mod tests;
mod understand;

pub use nearest::{Facet, Nearest};
pub use run::{Answer, Setting, run};
pub use understand::understand;

use super::finding::Spot;
use crate::names::IdentityKey;
use crate::plan::Reason;
use crate::policy::{Policy, Request};

/// The version of the kind.
pub const API_VERSION: &str = "cli.ambit.dev/v1alpha1";

/// The cases of one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTest {
    /// Its name.
    pub name: String,
    /// Which identity, and where it is named.
    pub identity: (IdentityKey, Spot),
    /// Files and folders that it needs beside its own, relative to the file in which it stands.
    pub files: Vec<(String, Spot)>,
    /// The file with the policy that bounds the role, relative to its own.
    pub boundary: Option<(String, Spot)>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// One case: one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Where it stands.
    pub spot: Spot,
    /// What must hold.
    pub expected: Expected,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The identity may do this.
    May(Request),
    /// It may not.
    MayNot(Request),
    /// It is accepted.
    Accepted,
    /// It is refused.
    Refused {
        /// For this reason; nothing for any.
        reason: Option<Reason>,
        /// With a message that holds each of these texts.
        says: Vec<String>,
    },
}

/// A policy that bounds a role, with the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The file.
    pub file: String,
    /// What it holds.
    pub policy: Policy,
}

/// Something in a test that makes no sense: it can be neither held nor broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub spot: Spot,
    /// What must hold, and how to mend it.
    pub message: String,
}
