//! Reasons of conditions, and what each says about the road ahead.

/// Why a condition stands as it does. Stable: people alert on these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words are the documentation; README lists them with what to do")]
pub enum Reason {
    Accepted,
    AccountNotFound,
    NamespaceNotSelected,
    NoScopePolicy,
    ScopeDenied,
    Undecidable,
    UnknownAction,
    InvalidScope,
    TooLarge,
    SubjectTaken,
    Provisioned,
    Pending,
    Retained,
    Conflict,
    CloudDenied,
    CloudUnreachable,
    Throttled,
    LimitExceeded,
    BoundaryMissing,
    BoundaryChanged,
    ProviderChanged,
    QuotaNear,
    SweptInFull,
    DeletionBudgetSpent,
    OrphansRemoved,
    Deleting,
    Bound,
    ProviderMissing,
    ClusterMissing,
    ServiceAccountMissing,
    AnnotationConflict,
    InjectionUnavailable,
    PodsWithoutIdentity,
    ClusterRefused,
    InSync,
    Repaired,
    Drifted,
    Unreadable,
    Contested,
    Observing,
    Revoked,
    Suspended,
    Federated,
    Fresh,
    Rotating,
    Overdue,
    HeldByConsumer,
    SecretTaken,
    CredentialsIssued,
    CredentialsRenewed,
    SecretDeleted,
    Verified,
    Evaluated,
    EventsUnavailable,
    Propagating,
    Paused,
    UnsafePlan,
}

impl Reason {
    /// The word as it stands in a condition.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What a verdict says about the road ahead.
///
/// Decides the condition's status and whether `Reconciling` or `Stalled`
/// stands beside `Ready`: the table that kstatus and Argo CD read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Under way, nothing known to be wrong: `Unknown`, `Reconciling`.
    Working,
    /// Failed, and tried again by itself: `False`, `Reconciling`.
    Retrying,
    /// Failed until somebody changes something: `False`, `Stalled`.
    Terminal,
    /// Stopped because somebody asked for it: `Unknown`, neither.
    Suspended,
    /// Not as it should be, and let be: `False`, neither, and no hindrance to `Ready`.
    Tolerated,
}

/// One condition's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// What it says about the road ahead.
    pub standing: Standing,
    /// The sentence for people: what is wrong, where, and how to fix it.
    pub message: String,
}

impl Verdict {
    /// The longest message that is stored.
    pub const MAX_MESSAGE: usize = 1024;

    /// A verdict. Long messages are cut.
    #[must_use]
    pub fn new(reason: Reason, standing: Standing, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(Self::MAX_MESSAGE - 1) {
            message.truncate(end);
            message.push('…');
        }
        Self { reason, standing, message }
    }

    /// As it should be.
    #[must_use]
    pub fn good(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, Standing::Good, message)
    }

    /// Under way.
    #[must_use]
    pub fn working(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, Standing::Working, message)
    }

    /// Failed, and tried again.
    #[must_use]
    pub fn retrying(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, Standing::Retrying, message)
    }

    /// Failed until somebody changes something.
    #[must_use]
    pub fn terminal(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, Standing::Terminal, message)
    }

    /// Not as it should be, and let be.
    #[must_use]
    pub fn tolerated(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, Standing::Tolerated, message)
    }

    /// The status of the condition.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self.standing {
            Standing::Good => "True",
            Standing::Working | Standing::Suspended => "Unknown",
            Standing::Retrying | Standing::Terminal | Standing::Tolerated => "False",
        }
    }
}
