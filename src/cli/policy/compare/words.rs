//! A comparison in words.

use std::fmt::Write as _;

use super::super::engine::Compared;
use super::super::table::request;
use crate::names::printable;
use crate::policy::compare::{Answer, Direction, Domain, Verdict};

/// What changes from the policy named `old` to the one named `new`.
pub(super) fn of(compared: &Compared, old: &str, new: &str) -> String {
    let (forward, backward) = (&compared.comparison.forward, &compared.comparison.backward);
    let [gained, lost] = &compared.english;
    let [all_gained, all_lost] = &compared.changes;
    let mut out = format!("{}\n", headline(forward.verdict.answer(), backward.verdict.answer()));
    one_way(&mut out, [new, old], forward, gained.as_deref(), all_gained);
    one_way(&mut out, [old, new], backward, lost.as_deref(), all_lost);
    if !compared.not_understood.is_empty() {
        out.push_str("\nnot understood:\n");
    }
    for one in &compared.not_understood {
        let _ = writeln!(out, "  {}", printable(&one.to_string()));
    }
    out
}

fn headline(forward: Answer, backward: Answer) -> String {
    let word = match (forward, backward) {
        (Answer::None, Answer::None) => "same",
        (Answer::None, Answer::New) => "narrower",
        (Answer::New, Answer::New) => "changed",
        (Answer::New, _) => "wider",
        (Answer::Unknown, _) | (Answer::None, Answer::Unknown) => "undecided",
    };
    let gained = match forward {
        Answer::None => "no new access",
        Answer::New => "new access",
        Answer::Unknown => "perhaps new access",
    };
    let lost = match backward {
        Answer::None => "none lost",
        Answer::New => "some lost",
        Answer::Unknown => "perhaps some lost",
    };
    format!("{word}: {gained}, {lost}")
}

fn one_way(
    out: &mut String,
    [allows, denies]: [&str; 2],
    direction: &Direction,
    english: Option<&str>,
    all: &[String],
) {
    let _ = write!(out, "\nallowed by `{}` and not by `{}`:", printable(allows), printable(denies));
    match &direction.verdict {
        Verdict::None => out.push_str(" nothing\n"),
        Verdict::New(witness) => {
            out.push('\n');
            let first = if all.is_empty() || direction.is_latent() { english } else { None };
            for line in first.into_iter().chain(all.iter().map(String::as_str).filter(|_| first.is_none())) {
                let _ = writeln!(out, "  {}", printable(line));
            }
            out.push_str(caveat(direction));
            out.push_str("  for example\n");
            request(out, "    ", witness);
        }
        Verdict::Unknown { reason, candidate } => {
            let _ = writeln!(out, " not decided\n  {}", printable(reason));
            if let Some(candidate) = candidate {
                out.push_str("  perhaps\n");
                request(out, "    ", candidate);
            }
        }
    }
}

/// What must be said of a difference that is not shown for what AWS has today.
fn caveat(direction: &Direction) -> &'static str {
    if direction.is_latent() {
        "  only for actions or resources that AWS does not have today\n"
    } else if direction.domain() == Domain::Catalogue {
        ""
    } else {
        "  not decided for the actions and resources that AWS has today\n"
    }
}

#[cfg(test)]
mod tests;
