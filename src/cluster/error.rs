//! What can go wrong at the API server.

use crate::names::chain;

/// The kinds of failure. Each has its own manner of retrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClusterErrorKind {
    /// The object does not exist, or is another incarnation.
    NotFound,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// RBAC or an admission policy forbids it.
    Denied,
    /// The object is not valid to the API server.
    Invalid,
    /// Anything that may pass by itself.
    Transient,
}

impl ClusterErrorKind {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::Denied => "Denied",
            Self::Invalid => "Invalid",
            Self::Transient => "Transient",
        }
    }
}

/// A request to the API server that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct ClusterError {
    /// What Ambit does about it.
    pub kind: ClusterErrorKind,
    /// What was asked for, such as `create token`.
    pub operation: &'static str,
    /// The API server's own words.
    pub message: String,
}

impl ClusterError {
    /// Sorts an error of the client library.
    pub(crate) fn new(operation: &'static str, error: &kube::Error) -> Self {
        let (kind, message) = match error {
            kube::Error::Api(status) => (kind(status.code), status.message.clone()),
            other => (ClusterErrorKind::Transient, chain(other)),
        };
        Self { kind, operation, message: message.chars().take(512).collect() }
    }
}

fn kind(code: u16) -> ClusterErrorKind {
    match code {
        404 => ClusterErrorKind::NotFound,
        409 => ClusterErrorKind::Conflict,
        401 | 403 => ClusterErrorKind::Denied,
        400 | 413 | 422 => ClusterErrorKind::Invalid,
        _ => ClusterErrorKind::Transient,
    }
}
