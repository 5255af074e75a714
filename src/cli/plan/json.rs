//! A plan as JSON. Others build on its shape.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Counts, Report, labels};
use crate::offline::change::{Change, Item, Means, Refused};
use crate::offline::{Finding, Spot};
use crate::policy::Request;

#[derive(Serialize)]
struct Whole<'a> {
    summary: Summary,
    changes: Vec<One<'a>>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Summary {
    change: usize,
    create: usize,
    delete: usize,
    widens: usize,
    refused: usize,
}

#[derive(Serialize)]
struct One<'a> {
    identity: String,
    action: &'static str,
    verdict: &'static str,
    code: &'static str,
    widens: bool,
    cloud: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(flatten)]
    place: Place<'a>,
    items: Vec<Said<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Said<'a> {
    part: &'static str,
    way: &'static str,
    code: &'static str,
    labels: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivity: Option<&'static str>,
    what: &'a str,
    english: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    actions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<Value>,
    field: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: &'static str,
    reason: &'a str,
    message: &'a str,
    effect: &'static str,
    field: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
struct Found<'a> {
    code: &'static str,
    severity: &'static str,
    object: &'a str,
    field: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(flatten)]
    place: Place<'a>,
}

pub(super) fn of(report: &Report) -> Result<String, String> {
    let Counts { change, create, delete, widens, refused } = report.counts();
    let whole = Whole {
        summary: Summary { change, create, delete, widens, refused },
        changes: report.changes.iter().map(one).collect(),
        findings: report.findings.iter().map(found).collect(),
    };
    let text = serde_json::to_string_pretty(&whole).map_err(|error| format!("the answer is no JSON: {error}"))?;
    Ok(format!("{text}\n"))
}

fn one(change: &Change) -> One<'_> {
    One {
        identity: change.key.to_string(),
        action: match change.means {
            Means::Create => "create",
            Means::Change => "change",
            Means::Delete => "delete",
        },
        verdict: change.verdict.name(),
        code: code(change),
        widens: change.widens(),
        cloud: "AWS",
        role: change.role.as_deref(),
        place: place(&change.spot),
        items: change.items.iter().map(said).collect(),
        notes: &change.notes,
        refusal: change.refusal.as_ref().map(refusal),
    }
}

fn code(change: &Change) -> &'static str {
    match (&change.refusal, change.verdict) {
        (Some(refusal), crate::offline::change::Verdict::Refused) => refusal.code.id(),
        (_, verdict) => verdict.code().id(),
    }
}

fn said(item: &Item) -> Said<'_> {
    Said {
        part: item.part.name(),
        way: item.way.name(),
        code: item.code.id(),
        labels: labels(item),
        sensitivity: item.sensitivity.map(crate::policy::explain::Sensitivity::name),
        what: &item.head,
        english: &item.english,
        actions: &item.actions,
        witness: item.witness.as_ref().map(witness),
        field: &item.field,
        place: place(&item.spot),
    }
}

fn witness(request: &Request) -> Value {
    let context: BTreeMap<&str, Value> = request
        .context
        .iter()
        .map(|value| match value.values.as_slice() {
            [only] if !value.list => (value.key.as_str(), json!(only)),
            several => (value.key.as_str(), json!(several)),
        })
        .collect();
    let mut shown = json!({"action": request.action, "resource": request.resource, "context": context});
    if let (Some(principal), Some(map)) = (&request.principal, shown.as_object_mut()) {
        map.insert("principal".to_owned(), json!(principal));
    }
    shown
}

fn refusal(refused: &Refused) -> Refusal<'_> {
    Refusal {
        code: refused.code.id(),
        reason: &refused.reason,
        message: &refused.message,
        effect: refused.effect,
        field: &refused.field,
        place: place(&refused.spot),
    }
}

fn found(finding: &Finding) -> Found<'_> {
    Found {
        code: finding.code.id(),
        severity: finding.severity.name(),
        object: &finding.object,
        field: &finding.field,
        message: &finding.message,
        help: finding.help.as_deref(),
        place: place(&finding.spot),
    }
}

fn place(spot: &Spot) -> Place<'_> {
    Place { file: &spot.file, line: spot.begin.line, column: spot.begin.column }
}
