//! Every code that a finding can have, whatever finds it.

use crate::offline;
use crate::policy::check::{self, Severity};

/// What a finding can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Something in a policy document.
    Policy(check::Code),
    /// Something in the files of a cluster.
    Offline(offline::Code),
}

impl Rule {
    /// Every code, in the order of their numbers.
    pub fn all() -> Vec<Self> {
        let policy = check::Code::ALL.iter().copied().map(Self::Policy);
        let mut all: Vec<Self> = offline::Code::all().map(Self::Offline).chain(policy).collect();
        all.sort_by_key(|rule| rule.id());
        all
    }

    /// Its number, such as `AMB0201`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Policy(code) => code.id(),
            Self::Offline(code) => code.id(),
        }
    }

    /// What it says, in one line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Policy(code) => code.title(),
            Self::Offline(code) => code.title(),
        }
    }

    /// How grave it is, as a rule.
    pub fn severity(self) -> Severity {
        match self {
            Self::Policy(code) => code.severity(),
            Self::Offline(code) => code.severity(),
        }
    }

    /// What it means, why it matters, and how to mend it.
    pub fn help(self) -> String {
        match self {
            Self::Policy(code) => code.explanation().to_owned(),
            Self::Offline(code) => code.explanation().text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own_a_title_and_an_explanation() {
        let all = Rule::all();
        assert!(all.len() > 80, "{}", all.len());
        for pair in all.windows(2) {
            assert!(pair[0].id() < pair[1].id(), "{} twice", pair[0].id());
        }
        for rule in all {
            let id = rule.id();
            assert!(id.len() == 7 && id.starts_with("AMB0") && id[3..].bytes().all(|b| b.is_ascii_digit()), "{id}");
            assert!(!rule.title().is_empty() && !rule.title().ends_with('.'), "{id}");
            assert!(rule.help().len() > 80, "{id}: {}", rule.help());
        }
    }
}
