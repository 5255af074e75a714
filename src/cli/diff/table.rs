//! A comparison in words, no wider than a page.

use std::fmt::Write as _;

use super::Report;
use super::compare::{Compared, DifferenceReport, PartReport, State, Witness};
use crate::cli::columns::{WIDTH, beside, wrapped};
use crate::cli::report::number;

/// The whole answer. Parts that do not differ are left out unless `full`.
pub fn words(report: &Report, full: bool) -> String {
    let mut out = String::new();
    for one in &report.identities {
        identity(&mut out, one, full);
        out.push('\n');
    }
    out.push_str("not looked at:\n");
    for what in report.not_looked_at {
        wrapped(&mut out, 2, what);
    }
    out
}

fn identity(out: &mut String, one: &Compared, full: bool) {
    let place =
        format!("{}: role {} of account `{}` ({})", one.identity, role(&one.role_arn), one.account, one.account_id);
    wrapped(out, 0, &place);
    wrapped(out, 2, &headline(one));
    for note in &one.notes {
        wrapped(out, 2, &format!("note: {note}"));
    }
    for what in &one.not_looked_at {
        wrapped(out, 2, &format!("not looked at: {what}"));
    }
    for part in one.parts.iter().filter(|part| full || part.difference.is_some()) {
        self::part(out, part, full);
    }
}

/// The name of a role without its path.
fn role(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn headline(one: &Compared) -> String {
    let differences: Vec<&DifferenceReport> = one.parts.iter().filter_map(|part| part.difference.as_ref()).collect();
    let count = |severity: &str| differences.iter().filter(|found| found.severity == severity).count();
    let (critical, warnings) = (count("critical"), count("warning"));
    match (one.state, &one.about) {
        (State::InSync, _) => "in sync: live is as declared".to_owned(),
        (State::Cosmetic, _) => "in sync: live is written in another way and means the same".to_owned(),
        (State::Missing, Some(about)) => format!("MISSING: {about}"),
        (State::Foreign, Some(about)) => format!("FOREIGN, and untouched: {about}"),
        _ => {
            let differs = number(critical + warnings, "difference");
            let grave = match critical {
                0 => String::new(),
                _ => format!(", {critical} critical"),
            };
            let more = if one.widens { ": live allows more than was declared, or may" } else { "" };
            format!("DRIFTED: {differs}{grave}{more}")
        }
    }
}

fn part(out: &mut String, part: &PartReport, full: bool) {
    out.push('\n');
    let subject = part.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
    let Some(found) = &part.difference else {
        wrapped(out, 2, &format!("{}{subject}: as declared", part.part));
        beside(out, 4, ("declared", &part.desired.words), ("live", &part.live.words), full);
        return;
    };
    let means = if found.class == "Cosmetic" { ": means the same" } else { "" };
    wrapped(out, 2, &format!("{}{subject}: {}, {}{means}", part.part, found.class, found.severity));
    wrapped(out, 4, &found.summary);
    if let Some(witness) = &found.witness {
        wrapped(out, 4, &format!("witness: {}", example(witness)));
    }
    if let Some(since) = &found.since {
        wrapped(out, 4, &format!("since {since}"));
    }
    if let Some(by) = &found.by {
        let source = by.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
        wrapped(out, 4, &format!("by {}{source}: {} at {}, event {}", by.principal, by.operation, by.time, by.event));
    }
    if found.class != "Cosmetic" || full {
        beside(out, 4, ("declared", &part.desired.words), ("live", &part.live.words), full);
    }
}

/// A request in one line.
pub fn example(witness: &Witness) -> String {
    let mut text = format!("{} on {}", witness.action, witness.resource);
    if let Some(principal) = &witness.principal {
        let _ = write!(text, " by {principal}");
    }
    for (index, (key, values)) in witness.context.iter().enumerate() {
        let _ = write!(text, "{} {key} = {}", if index == 0 { ", with" } else { "," }, values.join(" | "));
    }
    text
}

const _: () = assert!(WIDTH >= 80, "two columns need some room");
