//! What became of cases, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Line, place};
use crate::names::printable;
use crate::offline::Spot;
use crate::offline::cases::{Facet, Nearest};

/// A line for each case; those that do not hold with the difference.
pub(super) fn table(lines: &[Line<'_>]) -> String {
    let mut out = String::new();
    for line in lines {
        let word = if line.answer.holds { "ok    " } else { "FAILED" };
        let _ = writeln!(out, "{word}  {}", title(line));
        if !line.answer.holds {
            for detail in details(line) {
                let _ = writeln!(out, "        {detail}");
            }
        }
    }
    let failed = lines.iter().filter(|line| !line.answer.holds).count();
    let cases = if lines.len() == 1 { "1 case".to_owned() } else { format!("{} cases", lines.len()) };
    let _ = match failed {
        0 => writeln!(out, "\n{cases}: all hold"),
        1 => writeln!(out, "\n{cases}: 1 does not hold"),
        more => writeln!(out, "\n{cases}: {more} do not hold"),
    };
    out
}

/// The case in a sentence, after its name.
pub(super) fn title(line: &Line<'_>) -> String {
    let claim = printable(&line.answer.claim);
    match &line.case.name {
        Some(name) => format!("{}: {claim}", printable(name)),
        None => claim,
    }
}

/// Place, difference, and what decided it.
pub(super) fn details(line: &Line<'_>) -> Vec<String> {
    let answer = &line.answer;
    let mut details = vec![
        format!("at {}", place(&line.case.spot)),
        format!("- {}", printable(&answer.expected)),
        format!("+ {}", printable(&answer.got)),
    ];
    for (scope, spot) in &answer.scopes {
        details.push(format!("scope `{}` is at {}", printable(scope), place(spot)));
    }
    if let Some(Nearest { scope, spot, facets }) = &answer.nearest {
        details.push(format!("nearest is scope `{}` at {}", printable(scope), place(spot)));
        for Facet { what, fits, note } in facets {
            let what = printable(what);
            details.push(match fits {
                true => format!("  {what}: fits"),
                false => format!("  {what}: does not fit; {}", printable(note)),
            });
        }
    }
    details
}

#[derive(Serialize)]
struct Whole<'a> {
    cases: Vec<One<'a>>,
    total: usize,
    failed: usize,
}

#[derive(Serialize)]
struct One<'a> {
    test: &'a str,
    identity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    claim: &'a str,
    #[serde(flatten)]
    at: At<'a>,
    holds: bool,
    expected: &'a str,
    got: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Near<'a>>,
}

#[derive(Serialize)]
struct At<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Scope<'a> {
    scope: &'a str,
    #[serde(flatten)]
    at: At<'a>,
}

#[derive(Serialize)]
struct Near<'a> {
    #[serde(flatten)]
    scope: Scope<'a>,
    facets: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    what: &'a str,
    fits: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

impl<'a> At<'a> {
    fn of(spot: &'a Spot) -> Self {
        Self { file: &spot.file, line: spot.begin.line, column: spot.begin.column }
    }
}

pub(super) fn json(lines: &[Line<'_>]) -> Result<String, String> {
    let whole = Whole {
        cases: lines.iter().map(One::of).collect(),
        total: lines.len(),
        failed: lines.iter().filter(|line| !line.answer.holds).count(),
    };
    serde_json::to_string_pretty(&whole).map(|text| format!("{text}\n")).map_err(|error| error.to_string())
}

impl<'a> One<'a> {
    fn of(line: &'a Line<'a>) -> Self {
        let answer = &line.answer;
        let scope = |scope: &'a str, spot| Scope { scope, at: At::of(spot) };
        let part = |facet: &'a Facet| Part { what: &facet.what, fits: facet.fits, note: &facet.note };
        Self {
            test: line.test,
            identity: &line.identity,
            name: line.case.name.as_deref(),
            claim: &answer.claim,
            at: At::of(&line.case.spot),
            holds: answer.holds,
            expected: &answer.expected,
            got: &answer.got,
            scopes: answer.scopes.iter().map(|(name, spot)| scope(name, spot)).collect(),
            nearest: answer.nearest.as_ref().map(|near| Near {
                scope: scope(&near.scope, &near.spot),
                facets: near.facets.iter().map(part).collect(),
            }),
        }
    }
}
