//! Something to tell about a file.

use std::sync::Arc;

use super::code::Code;
use crate::policy::Position;
use crate::policy::check::Severity;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file as it was given; `-` for standard input.
    pub file: Arc<str>,
    /// Where it begins.
    pub begin: Position,
    /// Behind its last character.
    pub end: Position,
}

/// Something to tell about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// How grave it is here.
    pub severity: Severity,
    /// Where.
    pub spot: Spot,
    /// The object, such as `MachineIdentity shop/orders`; empty where there is none.
    pub object: String,
    /// The field, such as `spec.scopes[0].actions[2]`; empty where there is none.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where the message does not say.
    pub help: Option<String>,
}
