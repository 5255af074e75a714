//! A plan as SARIF: what a code host shows beside the changed lines.

use super::{Report, labels};
use crate::cli::report::{self, Finding};
use crate::offline::change::{Change, Item, Verdict};
use crate::offline::{self, Code, Spot};

pub(super) fn of(report: &Report) -> Result<String, String> {
    let broken = report.findings.iter().map(Finding::of);
    let all = broken.chain(report.changes.iter().flat_map(results));
    report::sarif(&all.collect::<Vec<_>>())
}

fn result(code: Code, spot: &Spot, object: &str, place: &str, message: String) -> Finding {
    Finding::of(&offline::Finding {
        code,
        severity: code.severity(),
        spot: spot.clone(),
        object: object.to_owned(),
        field: place.to_owned(),
        message,
        help: None,
    })
}

/// One result for the identity where its items do not say it all, and one for each item that
/// takes effect.
fn results(change: &Change) -> Vec<Finding> {
    let name = format!("MachineIdentity {}", change.key);
    if let Some(refusal) = &change.refusal {
        let code = if change.verdict == Verdict::Refused { refusal.code } else { change.verdict.code() };
        let message = format!("{}: {}; {}", change.key, refusal.message, refusal.effect);
        return vec![result(code, &refusal.spot, &name, &refusal.field, message)];
    }
    let own = whole(change).map(|message| result(change.verdict.code(), &change.spot, &name, "", message));
    let told = change.items.iter().filter(|_| change.verdict != Verdict::Deleted);
    let items = told.map(|item| result(item.code, &item.spot, &name, &item.field, said(change, item)));
    own.into_iter().chain(items).collect()
}

fn whole(change: &Change) -> Option<String> {
    let words = match change.verdict {
        Verdict::Wider | Verdict::Narrower => return None,
        Verdict::Undecided if !change.items.is_empty() => return None,
        Verdict::NowAllowed => "it was refused before and is accepted now: all its access is new",
        verdict => verdict.code().title(),
    };
    let notes: Vec<&str> = change.notes.iter().map(String::as_str).collect();
    let notes = if notes.is_empty() { String::new() } else { format!("; {}", notes.join("; ")) };
    Some(format!("{}: {words}{notes}", change.key))
}

fn said(change: &Change, item: &Item) -> String {
    format!("{}: {} [{}]: {}", change.key, item.head, labels(item).join(", "), item.english)
}
