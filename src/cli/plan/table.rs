//! A plan in words.

use std::fmt::Write as _;

use super::{Report, example, labels, remark, sign};
use crate::cli::report::line;
use crate::names::printable;
use crate::offline::change::{Change, Item, Verdict, Way};

pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let _ = writeln!(out, "{}", line(finding));
    }
    if report.is_void {
        out.push_str("nothing was compared: mend the files first\n");
        return out;
    }
    for change in &report.changes {
        self::change(&mut out, change);
    }
    let _ = writeln!(out, "{}", report.counts().words());
    out
}

fn change(out: &mut String, change: &Change) {
    let mut line = |indent: usize, text: &str| {
        let _ = writeln!(out, "{:indent$}{}", "", printable(text));
    };
    let role = change.role.as_ref().map(|role| format!("  AWS  role {role}")).unwrap_or_default();
    let remark = remark(change.verdict).map(|remark| format!("   [{remark}]")).unwrap_or_default();
    line(0, &format!("{} {}{role}{remark}", sign(change.means), change.key));
    if let Some(refusal) = &change.refusal {
        line(2, &format!("! {} {}: {}", refusal.code.id(), refusal.reason, refusal.message));
        line(4, refusal.effect);
        if !change.items.is_empty() {
            line(2, "if it were accepted:");
        }
    }
    for item in &change.items {
        self::item(&mut line, item, change.verdict);
    }
    for note in &change.notes {
        line(2, &format!("* {note}"));
    }
}

fn item(line: &mut impl FnMut(usize, &str), item: &Item, verdict: Verdict) {
    let sign = match item.way {
        Way::Wider => '+',
        Way::Undecided => '?',
        Way::Narrower => '-',
    };
    line(2, &format!("{sign} {}   [{}]", item.head, labels(item).join(", ")));
    // What goes with its identity needs no proof.
    if verdict == Verdict::Deleted {
        return;
    }
    line(4, &item.english);
    if let Some(witness) = &item.witness {
        line(4, &format!("for example {}", example(witness)));
    }
}
