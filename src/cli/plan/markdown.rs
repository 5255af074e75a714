//! A plan as a comment on a pull request.
//!
//! What comes from files is text and nothing else there: no link, no mention, no
//! tag, no row of a table. Two fences see to it. Every sign that Markdown could
//! take for its own is written as a number; and what a code host looks for
//! afterwards in the finished text, such as `@name` and `#1`, stands in `<code>`,
//! where it does not look.

use std::fmt::Write as _;

use super::{Report, example, labels, remark, sign};
use crate::names::printable;
use crate::offline::Finding;
use crate::offline::change::{Change, Item};

/// Hosts take a little more.
const LONGEST: usize = 60_000;
/// How many identities the table has.
const ROWS: usize = 200;

pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    if report.is_void {
        out.push_str("**Ambit: nothing was compared, mend the files first**\n");
    } else {
        let _ = writeln!(out, "**Ambit: {}**", report.counts().words());
    }
    if !report.findings.is_empty() {
        out.push('\n');
    }
    let mut left = Left::default();
    for finding in &report.findings {
        left.push(&mut out, &broken(finding));
    }
    if !report.changes.is_empty() {
        out.push_str("\n| | Identity | Change | What |\n|---|---|---|---|\n");
    }
    for change in report.changes.iter().take(ROWS) {
        left.push(&mut out, &row(change));
    }
    let mut untold = left.count + report.changes.len().saturating_sub(ROWS);
    if untold == 0 {
        out.push('\n');
        for change in report.changes.iter().filter(|change| has_details(change)) {
            left.push(&mut out, &details(change));
        }
        untold = left.count;
    }
    if untold > 0 {
        let _ = writeln!(out, "\nand {untold} more that have no room here: run `ambit plan` to see them");
    }
    out
}

/// What had no room.
#[derive(Default)]
struct Left {
    count: usize,
}

impl Left {
    fn push(&mut self, out: &mut String, text: &str) {
        if self.count == 0 && out.len() + text.len() <= LONGEST {
            out.push_str(text);
        } else {
            self.count += 1;
        }
    }
}

fn broken(finding: &Finding) -> String {
    let place = format!("{}:{}", finding.spot.file, finding.spot.begin.line);
    let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("- {} {}: {}\n", code(&place), finding.code.id(), plain(&format!("{}{help}", finding.message)))
}

fn row(change: &Change) -> String {
    let mut words: Vec<&str> = remark(change.verdict).into_iter().collect();
    if change.refusal.is_none() {
        for label in change.items.iter().flat_map(labels) {
            if !words.contains(&label) {
                words.push(label);
            }
        }
    }
    let first = match (&change.refusal, change.items.first()) {
        (Some(refusal), _) => plain(&refusal.message),
        (None, Some(item)) => {
            let more = match change.items.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{}{more}", head(item))
        }
        (None, None) => change.notes.first().map(|note| plain(note)).unwrap_or_default(),
    };
    let sign = code(&sign(change.means).to_string());
    format!("| {sign} | {} | {} | {first} |\n", code(&change.key.to_string()), plain(&words.join(", ")))
}

fn has_details(change: &Change) -> bool {
    !change.items.is_empty() || !change.notes.is_empty() || change.refusal.is_some()
}

fn details(change: &Change) -> String {
    let role = change.role.as_ref().map(|role| format!(", role {}", code(role))).unwrap_or_default();
    let mut out = format!("<details><summary>{}{role}</summary>\n\n", code(&change.key.to_string()));
    if let Some(refusal) = &change.refusal {
        let _ = writeln!(out, "- **{}** {}", refusal.code.id(), plain(&refusal.message));
        let _ = writeln!(out, "  <br>{}", plain(refusal.effect));
        if !change.items.is_empty() {
            out.push_str("- if it were accepted:\n");
        }
    }
    change.items.iter().for_each(|item| self::item(&mut out, item));
    for note in &change.notes {
        let _ = writeln!(out, "- {}", plain(note));
    }
    out.push_str("\n</details>\n\n");
    out
}

fn item(out: &mut String, item: &Item) {
    let _ = writeln!(out, "- **{}** {}", labels(item).join(", "), head(item));
    let _ = writeln!(out, "  <br>{}", plain(&item.english));
    if let Some(witness) = &item.witness {
        let _ = writeln!(out, "  <br>for example {}", code(&example(witness)));
    }
}

/// Permissions are a request's words; what else there is, is a sentence.
fn head(item: &Item) -> String {
    if item.actions.is_empty() { plain(&item.head) } else { code(&item.head) }
}

/// A sentence, in which what stands in backticks becomes code.
fn plain(text: &str) -> String {
    let text = printable(text);
    let mut out = String::new();
    for (number, piece) in text.split('`').enumerate() {
        if number % 2 == 1 && !piece.is_empty() {
            out.push_str(&code(piece));
            continue;
        }
        for sign in piece.chars() {
            // What hosts turn into mentions and references after Markdown is done.
            let calls = matches!(sign, '@' | '#' | '!' | '%' | '~' | '$' | '&' | '^');
            if calls { out.push_str(&code(&sign.to_string())) } else { push(&mut out, sign) }
        }
    }
    out
}

/// A name, a request, a path.
fn code(text: &str) -> String {
    let mut out = "<code>".to_owned();
    printable(text).chars().for_each(|sign| push(&mut out, sign));
    out.push_str("</code>");
    out
}

fn push(out: &mut String, sign: char) {
    let harmless = !sign.is_ascii_punctuation() || matches!(sign, ',' | '/' | '\'' | '(' | ')');
    if harmless {
        out.push(sign);
    } else {
        let _ = write!(out, "&#{};", u32::from(sign));
    }
}
