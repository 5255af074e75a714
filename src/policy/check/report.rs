//! Collects findings, up to a number that people still read, and bounds the
//! work that is spent on finding them.

use super::Finding;
use super::code::{Code, Severity};
use super::spot::{Span, Step, Tree, place, positions};
use crate::policy::place::Place;
use std::cell::Cell;

/// How many findings are reported.
const MOST: usize = 500;

/// How many comparisons of signs are made: about a second's worth.
const WORK: u64 = 300_000_000;

/// Findings on their way.
pub(super) struct Report<'t> {
    tree: Option<&'t Tree<'t>>,
    drafts: Vec<Draft>,
    left_out: usize,
    work: Cell<u64>,
    /// Whether something was too much work.
    is_cut: Cell<bool>,
}

struct Draft {
    code: Code,
    severity: Severity,
    place: Place,
    span: Span,
    message: String,
    help: String,
}

impl<'t> Report<'t> {
    pub(super) fn new(tree: Option<&'t Tree<'t>>) -> Self {
        Self { tree, drafts: Vec::new(), left_out: 0, work: Cell::new(WORK), is_cut: Cell::new(false) }
    }

    /// Reports on the value at the end of a way.
    pub(super) fn add(&mut self, code: Code, way: &[Step<'_>], message: impl Into<String>, help: impl Into<String>) {
        self.add_as(code.severity(), code, way, message, help);
    }

    /// Reports with another severity than the code has as a rule.
    pub(super) fn add_as(
        &mut self,
        severity: Severity,
        code: Code,
        way: &[Step<'_>],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.has_room() {
            let span = self.tree.map_or((0, 0), |tree| tree.find(way).span());
            self.push(severity, code, place(way), span, message.into(), help.into());
        }
    }

    /// Reports on the name of the element at the end of a way.
    pub(super) fn add_name(
        &mut self,
        code: Code,
        way: &[Step<'_>],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.has_room() {
            let span = self.tree.map_or((0, 0), |tree| tree.find_name(way));
            self.push(code.severity(), code, place(way), span, message.into(), help.into());
        }
    }

    /// Reports on a piece of the text.
    pub(super) fn add_span(&mut self, code: Code, way: &[Step<'_>], span: Span, message: String, help: &str) {
        if self.has_room() {
            self.push(code.severity(), code, place(way), span, message, help.to_owned());
        }
    }

    /// Whether further findings are only counted, so that their messages need not be made.
    pub(super) fn is_full(&self) -> bool {
        self.drafts.len() >= MOST
    }

    fn has_room(&mut self) -> bool {
        let room = !self.is_full();
        self.left_out += usize::from(!room);
        room
    }

    fn push(&mut self, severity: Severity, code: Code, place: Place, span: Span, message: String, help: String) {
        self.drafts.push(Draft { code, severity, place, span, message, help });
    }

    /// How many findings of at least that severity there are.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.drafts.iter().filter(|draft| draft.severity >= severity).count()
    }

    /// Whether there is room for work of that size. If so, there is less of it afterwards.
    pub(super) fn spend(&self, work: usize) -> bool {
        let work = u64::try_from(work).unwrap_or(u64::MAX).saturating_add(1);
        let left = self.work.get().checked_sub(work);
        match left {
            Some(left) => self.work.set(left),
            None => self.is_cut.set(true),
        }
        left.is_some()
    }

    /// The findings in the order of the text.
    pub(super) fn finish(mut self, text: &str) -> Vec<Finding> {
        if self.is_cut.get() {
            let message = "the policy has more patterns than can be compared in a second: not all were looked at";
            self.tail(message.to_owned(), "split the policy, or use fewer wildcards");
        }
        if self.left_out > 0 {
            let message = format!("{} more findings are not shown", self.left_out);
            self.tail(message, "mend those that are, and check again");
        }
        let positions = positions(text, self.drafts.iter().flat_map(|draft| [draft.span.0, draft.span.1]));
        let mut findings: Vec<Finding> = self
            .drafts
            .into_iter()
            .filter_map(|draft| {
                let (position, end) = (*positions.get(&draft.span.0)?, *positions.get(&draft.span.1)?);
                let help = (!draft.help.is_empty()).then_some(draft.help);
                let Draft { code, severity, place, message, .. } = draft;
                Some(Finding { code, severity, place, position, end, message, help })
            })
            .collect();
        findings.sort_by(|a, b| (a.position, a.code, &a.place).cmp(&(b.position, b.code, &b.place)));
        findings
    }

    fn tail(&mut self, message: String, help: &str) {
        self.push(Severity::Note, Code::NotChecked, Place::top(), (0, 0), message, help.to_owned());
    }
}
