//! The answers of a comparison.

use super::super::request::Request;

/// What changes from an old policy to a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What the new policy allows and the old one does not.
    pub forward: Direction,
    /// What the old policy allows and the new one does not.
    pub backward: Direction,
}

/// One direction of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// The answer over all requests that can be written.
    pub verdict: Verdict,
    /// The answers over fewer requests.
    pub domains: Domains,
}

/// Whether there is a request that one policy allows and the other does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is none: every possibility was looked at.
    None,
    /// This one: the evaluator, which is written separately, agrees.
    New(Box<Request>),
    /// It could not be decided.
    Unknown {
        /// Why.
        reason: String,
        /// A request that may be one.
        candidate: Option<Box<Request>>,
    },
}

/// What one side allows and the other does not, as one request for each kind of access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In no order that means something.
    pub requests: Vec<Request>,
    /// Whether every kind is among them.
    pub complete: bool,
}

/// Over which requests a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Every action and resource that can be written, those of the future too.
    Pattern,
    /// Those whose resource is `*` or an ARN with a full account.
    Arn,
    /// Those whose action is in the catalogue, on a resource that the action acts on.
    Catalogue,
}

/// A verdict without its witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// No request.
    None,
    /// At least one.
    New,
    /// Not decided.
    Unknown,
}

/// The answer in each domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domains {
    /// Over everything that can be written.
    pub pattern: Answer,
    /// Over well-formed ARNs.
    pub arn: Answer,
    /// Over the catalogue.
    pub catalogue: Answer,
}

impl Domain {
    /// The name that the domain has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Arn => "arn",
            Self::Catalogue => "catalogue",
        }
    }
}

impl Answer {
    /// The name that the answer has.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::New => "new",
            Self::Unknown => "unknown",
        }
    }
}

impl Verdict {
    /// The verdict without its witness.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::None => Answer::None,
            Self::New(_) => Answer::New,
            Self::Unknown { .. } => Answer::Unknown,
        }
    }
}

impl Direction {
    /// Of a `new` the narrowest domain in which it holds; of the other verdicts the widest.
    #[must_use]
    pub fn domain(&self) -> Domain {
        let verdict = self.verdict.answer();
        // That there is nothing among everything holds among less as well; the widest says most.
        if verdict != Answer::New {
            return Domain::Pattern;
        }
        if self.domains.catalogue == verdict {
            Domain::Catalogue
        } else if self.domains.arn == verdict {
            Domain::Arn
        } else {
            Domain::Pattern
        }
    }

    /// Whether only actions or resources that AWS does not have today differ.
    #[must_use]
    pub fn is_latent(&self) -> bool {
        self.verdict.answer() == Answer::New && self.domains.catalogue == Answer::None
    }
}
