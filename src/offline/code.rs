//! The numbers of findings. They are stable: people put them into their
//! pipelines and look them up with `ambit explain`.

mod explain;

pub use explain::Explanation;

use crate::plan::Reason;
use crate::policy::check::Severity;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`title` and `explanation` are the documentation, and tested to be there")]
pub enum Code {
    Unreadable,
    Schema,
    Rule,
    Twice,
    NotJudged,
    AccountNotFound,
    NamespaceNotSelected,
    NoScopePolicy,
    ScopeDenied,
    Undecidable,
    UnknownAction,
    InvalidScope,
    TooLarge,
    SubjectTaken,
    RuleMatchesNothing,
    OpenPrefix,
    Wider,
    DataLoss,
    Permissions,
    Narrower,
    Both,
    Undecided,
    Cosmetic,
    Created,
    Deleted,
    NoLongerAllowed,
    Handover,
}

/// Number, gravity and title of each.
const TABLE: [(Code, &str, Severity, &str); 27] = [
    (Code::Unreadable, "AMB0101", Severity::Error, "a file that cannot be read as YAML"),
    (Code::Schema, "AMB0102", Severity::Error, "a field that the API server refuses"),
    (Code::Rule, "AMB0103", Severity::Error, "a rule of the kind that is not kept"),
    (Code::Twice, "AMB0104", Severity::Error, "an object that is declared twice"),
    (Code::NotJudged, "AMB0105", Severity::Warning, "an identity that could not be judged whole"),
    (Code::AccountNotFound, "AMB0111", Severity::Error, "an account that is not there or cannot be used"),
    (Code::NamespaceNotSelected, "AMB0112", Severity::Error, "a namespace that the account does not select"),
    (Code::NoScopePolicy, "AMB0113", Severity::Error, "a namespace that no scope policy selects"),
    (Code::ScopeDenied, "AMB0114", Severity::Error, "access that no scope policy allows"),
    (Code::Undecidable, "AMB0115", Severity::Error, "access of which it cannot be decided whether it is allowed"),
    (Code::UnknownAction, "AMB0116", Severity::Error, "an action or a service that AWS does not have"),
    (Code::InvalidScope, "AMB0117", Severity::Error, "a scope that cannot be compiled"),
    (Code::TooLarge, "AMB0118", Severity::Error, "more permissions than a role can have"),
    (Code::SubjectTaken, "AMB0119", Severity::Error, "a service account that another identity has"),
    (Code::RuleMatchesNothing, "AMB0121", Severity::Warning, "a rule of a scope policy that matches no action"),
    (
        Code::OpenPrefix,
        "AMB0122",
        Severity::Warning,
        "a name that runs on into those of other namespaces or identities",
    ),
    (Code::Wider, "AMB0131", Severity::Warning, "access that widens"),
    (Code::DataLoss, "AMB0132", Severity::Warning, "new access that can destroy data"),
    (Code::Permissions, "AMB0133", Severity::Warning, "new access that can change who has access"),
    (Code::Narrower, "AMB0134", Severity::Note, "access that narrows"),
    (Code::Both, "AMB0135", Severity::Warning, "access that widens and narrows"),
    (Code::Undecided, "AMB0136", Severity::Warning, "a change of which it cannot be decided whether access widens"),
    (Code::Cosmetic, "AMB0137", Severity::Note, "a change that changes no access"),
    (Code::Created, "AMB0138", Severity::Warning, "a new identity"),
    (Code::Deleted, "AMB0139", Severity::Note, "an identity that goes"),
    (Code::NoLongerAllowed, "AMB0140", Severity::Error, "an identity that the guardrails no longer allow"),
    (Code::Handover, "AMB0141", Severity::Warning, "access that somebody else gets"),
];

impl Code {
    /// Every code, in the order of the numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> (&'static str, Severity, &'static str) {
        let row = TABLE.iter().find(|row| row.0 == self);
        row.map_or(("AMB0100", Severity::Error, "a finding"), |row| (row.1, row.2, row.3))
    }

    /// The number, such as `AMB0114`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().0
    }

    /// How grave it is, as a rule.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.row().1
    }

    /// What it says, in one line.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// What it means, why it matters, and how to mend it.
    #[must_use]
    pub fn explanation(self) -> Explanation {
        explain::explanation(self)
    }

    /// The code of a refusal.
    #[must_use]
    pub fn of(reason: Reason) -> Self {
        match reason {
            Reason::AccountNotFound => Self::AccountNotFound,
            Reason::NamespaceNotSelected => Self::NamespaceNotSelected,
            Reason::NoScopePolicy => Self::NoScopePolicy,
            Reason::ScopeDenied => Self::ScopeDenied,
            Reason::Undecidable => Self::Undecidable,
            Reason::UnknownAction => Self::UnknownAction,
            Reason::TooLarge => Self::TooLarge,
            Reason::SubjectTaken => Self::SubjectTaken,
            _ => Self::InvalidScope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_in_the_table_and_has_words_of_its_own() {
        let all: Vec<Code> = Code::all().collect();
        assert!(all.iter().map(|code| code.id()).is_sorted());
        for code in &all {
            let Explanation { means, matters, mend, example } = code.explanation();
            for text in [means, matters, mend] {
                assert!(text.ends_with('.') && !text.contains('\n'), "{code:?}: {text}");
            }
            assert!(means.len() > 40 && !example.is_empty(), "{code:?}");
            assert!(example.lines().all(|line| line.starts_with("  ")), "{code:?}: {example}");
        }
        // A code that is in no list has the words of another one.
        let words: BTreeSet<&str> = all.iter().map(|code| code.explanation().means).collect();
        assert_eq!(words.len(), all.len());
    }

    #[test]
    fn a_refusal_has_the_code_of_its_name() {
        for row in crate::offline::meanings() {
            let code = Code::of(row.reason);
            if code != Code::InvalidScope {
                assert_eq!(format!("{code:?}"), row.reason.name());
            }
        }
    }
}
