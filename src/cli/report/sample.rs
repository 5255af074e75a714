//! Findings for the tests of this folder.

use super::{Case, Finding, Region, Rule};
use crate::offline;
use crate::policy::check::{self, Severity};

/// An error and a warning about two objects of one file, and a note about a policy document.
pub(super) fn findings() -> Vec<Finding> {
    let denied = Finding {
        rule: Rule::Offline(offline::Code::ScopeDenied),
        severity: Severity::Error,
        message: "no policy allows 100%".to_owned(),
        help: None,
        file: "a b.yaml".to_owned(),
        region: Region { start_line: 3, start_column: 5, end_line: 3, end_column: 9 },
        object: "MachineIdentity shop/orders".to_owned(),
        place: "spec.scopes[0]".to_owned(),
    };
    let missing = Finding {
        rule: Rule::Offline(offline::Code::NotJudged),
        severity: Severity::Warning,
        message: "there is no account".to_owned(),
        help: Some("add it with --with".to_owned()),
        region: Region { start_line: 9, start_column: 1, end_line: 12, end_column: 4 },
        object: "MachineIdentity shop/mailer".to_owned(),
        place: String::new(),
        ..denied.clone()
    };
    let covered = Finding {
        rule: Rule::Policy(check::Code::Covered),
        severity: Severity::Note,
        message: "one is in vain".to_owned(),
        file: "-".to_owned(),
        region: Region { start_line: 1, start_column: 2, end_line: 3, end_column: 4 },
        object: String::new(),
        place: "Statement[0]".to_owned(),
        ..denied.clone()
    };
    vec![denied, missing, covered]
}

/// The objects that they are about, and one that is fine.
pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str| Case { file: "a b.yaml".to_owned(), name: name.to_owned() };
    ["MachineIdentity shop/orders", "MachineIdentity shop/mailer", "CloudAccount prod"].map(case).into()
}
