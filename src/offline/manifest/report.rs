//! Findings of one object, while it is looked at.

use std::fmt::Write as _;
use std::sync::Arc;

use super::node::Range;
use crate::names::printable;
use crate::offline::code::Code;
use crate::offline::finding::{Finding, Spot};

/// What is told of one object.
pub(super) struct Report {
    file: Arc<str>,
    object: String,
    pub findings: Vec<Finding>,
    /// Whether the object is not even of the shape that the rules of its kind speak of.
    pub blocked: bool,
    /// The ways to fields that are not there because their names are misspelt.
    meant: Vec<String>,
}

impl Report {
    pub(super) fn new(file: &Arc<str>, object: String) -> Self {
        Self { file: Arc::clone(file), object, findings: Vec::new(), blocked: false, meant: Vec::new() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers have just made it and need it no more")]
    pub(super) fn tell(&mut self, code: Code, range: Range, field: &str, message: String) -> &mut Finding {
        self.findings.push(Finding {
            code,
            severity: code.severity(),
            spot: spot(&self.file, range),
            object: self.object.clone(),
            field: printable(field),
            message: printable(&message),
            help: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Tells of a field that the API server refuses.
    pub(super) fn refuse(&mut self, range: Range, field: &str, message: String) -> &mut Finding {
        self.tell(Code::Schema, range, field, message)
    }

    /// Tells of a field that the API server refuses without asking the rules of the kind.
    pub(super) fn block(&mut self, range: Range, field: &str, message: String) -> &mut Finding {
        self.blocked = true;
        self.refuse(range, field, message)
    }
}

impl Report {
    /// Notes which field is meant by one that is told as unknown.
    pub(super) fn note_meant(&mut self, around: &str, name: &str) {
        self.meant.push(if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") });
    }

    /// Whether it is told already that this field is there under another name.
    pub(super) fn is_meant(&self, field: &str) -> bool {
        self.meant.iter().any(|meant| meant == field)
    }

    /// Whether it is told already that a field right in this value is there under another name.
    pub(super) fn misspelt(&self, around: &str) -> bool {
        self.meant.iter().any(|meant| meant.rsplit_once('.').map_or("", |(before, _)| before) == around)
    }
}

pub(super) fn spot(file: &Arc<str>, range: Range) -> Spot {
    Spot { file: Arc::clone(file), begin: range.begin, end: range.end }
}

/// The way to a field, while it is walked.
#[derive(Debug, Clone, Default)]
pub(super) struct Way(String);

impl Way {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Goes to a field, does something there, and comes back.
    pub(super) fn field<T>(&mut self, name: &str, there: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        let result = there(self);
        self.0.truncate(length);
        result
    }

    /// Goes to an entry of a list, does something there, and comes back.
    pub(super) fn item<T>(&mut self, index: usize, there: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        let _ = write!(self.0, "[{index}]");
        let result = there(self);
        self.0.truncate(length);
        result
    }
}
