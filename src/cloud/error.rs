//! What can go wrong at a cloud, reduced to what Ambit does about it.

/// The kinds of failure. Each has its own manner of retrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing does not exist.
    NotFound,
    /// It exists already, or somebody else is changing it.
    Conflict,
    /// Too many requests.
    Throttled,
    /// The credentials may not do this.
    Denied,
    /// The request is wrong and will be wrong again.
    Invalid,
    /// A quota is used up.
    LimitExceeded,
    /// Anything that may pass by itself: no connection, no answer, a server's error.
    Transient,
}

impl ErrorKind {
    /// Whether it is likely to pass by itself.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled | Self::Conflict)
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::Throttled => "Throttled",
            Self::Denied => "Denied",
            Self::Invalid => "Invalid",
            Self::LimitExceeded => "LimitExceeded",
            Self::Transient => "Transient",
        }
    }
}

/// A call to a cloud that failed.
///
/// `message` is the cloud's own sentence, cut to a bounded length; it never
/// holds a token or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct CloudError {
    /// What Ambit does about it.
    pub kind: ErrorKind,
    /// The call as the cloud names it, such as `iam:CreateRole`.
    pub operation: &'static str,
    /// The cloud's own error code, such as `NoSuchEntity`; empty when no answer came.
    pub code: String,
    /// The cloud's own words.
    pub message: String,
}

impl CloudError {
    /// A failure that was put there on purpose.
    pub(crate) fn injected(operation: &'static str, kind: ErrorKind) -> Self {
        let message = "a fault was put here on purpose".to_owned();
        Self { kind, operation, code: "Injected".to_owned(), message }
    }
}
