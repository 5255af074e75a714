//! A table of planted drifts: what somebody did to a live role, and what must be
//! said of it. Every answer must be right, every witness must hold for the
//! evaluator, which is written separately from the comparison, and every plan
//! must lead back to what was declared.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::domain::Observation;
use crate::plan::account::AccountSettings;
use crate::plan::sample::{self, declaration, installation, key};
use crate::plan::{Decision, Recorded, compile, decide, lint};
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::{Catalogue, Outcome, Policy};

mod around;
mod permissions;
mod rest;
mod trust;

/// What must be said: the class, if anything, and whether access may be wider.
type Expected = (Option<DriftClass>, bool);

const NOTHING: Expected = (None, false);
const COSMETIC: Expected = (Some(DriftClass::Cosmetic), false);
const NARROWED: Expected = (Some(DriftClass::Narrowed), false);
const WIDENED: Expected = (Some(DriftClass::Widened), true);
const CHANGED: Expected = (Some(DriftClass::Changed), true);
const UNREADABLE: Expected = (Some(DriftClass::Unreadable), true);

/// How a document is changed.
enum Edit {
    /// Values at JSON pointers: replaced, put there, or removed where the text is empty.
    Set(&'static [(&'static str, &'static str)]),
    /// Texts for texts.
    Replace(&'static [(&'static str, &'static str)]),
    /// More statements.
    Add(&'static str),
    /// In any other way.
    With(fn(&mut Value)),
    /// Its text in any other way.
    Text(fn(&str) -> String),
}

/// One planted drift.
struct Row {
    name: &'static str,
    part: Part,
    expected: Expected,
    plant: Box<dyn Fn(&mut Observed)>,
}

/// Rows in which a document of the live role is edited.
fn edited(
    part: Part,
    rows: &'static [(&'static str, Expected, Edit)],
    declared: &Document,
    put: fn(&mut Observed, Reading),
) -> Vec<Row> {
    let row = |(name, expected, edit): &'static (&'static str, Expected, Edit)| {
        let text = edit.apply(declared.text());
        assert_ne!(text, declared.text(), "`{name}` changes nothing");
        let reading = crate::domain::reading(&Ok(text));
        Row { name, part, expected: *expected, plant: Box::new(move |found| put(found, reading.clone())) }
    };
    rows.iter().map(row).collect()
}

impl Edit {
    fn apply(&self, text: &str) -> String {
        let mut value: Value = serde_json::from_str(text).unwrap();
        match self {
            Self::Set(changes) => changes.iter().for_each(|(pointer, json)| set(&mut value, pointer, json)),
            Self::Replace(changes) => {
                return changes.iter().fold(text.to_owned(), |text, (from, to)| {
                    assert!(text.contains(from), "`{from}` is not in {text}");
                    text.replace(from, to)
                });
            }
            Self::Add(more) => {
                let more: Vec<Value> = serde_json::from_str(&format!("[{more}]")).unwrap();
                statements(&mut value).extend(more);
            }
            Self::With(change) => change(&mut value),
            Self::Text(change) => return change(text),
        }
        value.to_string()
    }
}

fn statements(value: &mut Value) -> &mut Vec<Value> {
    value["Statement"].as_array_mut().unwrap()
}

/// Sets what is at a pointer, or removes it.
fn set(value: &mut Value, pointer: &str, json: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let (parent, key) = (value.pointer_mut(parent).unwrap(), &key.replace("~1", "/"));
    match parent {
        Value::Object(map) if json.is_empty() => assert!(map.remove(key).is_some(), "{pointer}"),
        Value::Object(map) => drop(map.insert(key.to_owned(), serde_json::from_str(json).unwrap())),
        Value::Array(list) if json.is_empty() => drop(list.remove(key.parse().unwrap())),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = serde_json::from_str(json).unwrap(),
        other => panic!("{pointer}: {other}"),
    }
}

/// A role as a real declaration compiles to it.
fn declared() -> Desired {
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:123456789012:{rest}");
    let function = arn("lambda", "function:orders");
    let mut identity = sample::identity();
    identity.spec.scopes = serde_json::from_value(json!([
        {"name": "archive", "actions": ["s3:GetObject", "s3:PutObject"], "resources": ["arn:aws:s3:::orders-archive/*"]},
        {"name": "key", "actions": ["kms:Decrypt"], "resources": [arn("kms", "key/0a1b2c3d-0000-4000-8000-000000000000")],
            "conditions": [{"key": "aws:SourceArn", "operator": "ArnEquals", "values": [function]}]},
        {"name": "list", "actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::orders-in"],
            "conditions": [{"key": "s3:prefix", "operator": "StringLike", "values": ["in/*", "out/*"]}]},
        {"name": "publish", "actions": ["sqs:SendMessage"], "resources": [arn("sqs", "orders")],
            "conditions": [{"key": "aws:SourceVpce", "operator": "StringEquals", "values": ["vpce-1a2b3c4d", "vpce-5e6f7a8b"]}]},
        {"name": "read", "access": ["List", "Read"], "resources": [arn("dynamodb", "table/orders")]},
        {"name": "secret", "actions": ["secretsmanager:GetSecretValue"], "resources": [arn("secretsmanager", "secret:orders/db-*")],
            "conditions": [{"key": "aws:SourceIp", "operator": "IpAddress", "values": ["10.0.0.0/16"]}]},
        {"name": "topic", "actions": ["sns:Publish"], "resources": [arn("sns", "orders")],
            "conditions": [{"key": "aws:SecureTransport", "operator": "Bool", "values": ["true"]}]},
    ]))
    .unwrap();
    identity.spec.session_duration = serde_json::from_value(json!("2h")).unwrap();
    let (installation, key) = (installation(), key());
    let account = AccountSettings::parse(&sample::account().spec, &installation).unwrap();
    compile(declaration(&identity, &key), account, &installation, Catalogue::embedded()).unwrap().desired
}

fn recorded(desired: &Desired) -> Recorded {
    Recorded {
        id: Some("AROA1".into()),
        permissions: Some(desired.permissions.meaning().to_string()),
        trust: Some(desired.trust.meaning().to_string()),
        boundary: Some(desired.boundary.to_string()),
        session: Some(desired.session.get()),
        ..Recorded::default()
    }
}

/// What is wrong with what is said of one row.
fn wrong(desired: &Desired, row: &Row) -> Vec<String> {
    let mut live = sample::live(desired);
    (row.plant)(&mut live);
    let mut wrong = Vec::new();
    let found = judge(desired, &live);
    let said: Vec<Expected> = found.iter().map(|found| (Some(found.class), found.widens)).collect();
    let expected: Vec<Expected> = Some(row.expected).filter(|(class, _)| class.is_some()).into_iter().collect();
    if said != expected || found.iter().any(|found| found.part != row.part) {
        let told: Vec<_> = found.iter().map(|found| (found.part.name(), found.class.name(), &found.summary)).collect();
        wrong.push(format!("expected {:?}, found {told:?}", row.expected));
    }
    wrong.extend(found.iter().filter_map(|found| unproven(desired, &live, found)));
    wrong.extend(unmended(desired, live, row.expected));
    wrong
}

/// Why the witness of a difference shows nothing, if so.
fn unproven(desired: &Desired, live: &Observed, found: &Difference) -> Option<String> {
    let (declared, there) = match found.part {
        Part::Permissions => (&desired.permissions, live.permissions.as_ref()?),
        Part::Trust => (&desired.trust, &live.trust),
        Part::InlinePolicy => (&desired.permissions, live.other_inline.get(found.subject.as_deref()?)?),
        _ => return found.witness.as_ref().map(|_| "a witness without documents".to_owned()),
    };
    let Reading::Document(there) = there else { return None };
    let needs = match found.class {
        DriftClass::Cosmetic => false,
        DriftClass::Foreign => found.widens,
        _ => true,
    };
    let Some(witness) = &found.witness else {
        return needs.then(|| format!("{} without a witness: {}", found.class.name(), found.summary));
    };
    let outcome = |document: &Document| alone(&Prepared::new(&Policy::read(document.text()).unwrap()), witness).outcome;
    let (allows, denies) = if found.widens { (there, declared) } else { (declared, there) };
    let shows = outcome(allows) == Outcome::Allowed && outcome(denies).denies();
    (!shows).then(|| format!("the witness does not replay: {witness:?}"))
}

/// Why the plan does not lead back to what was declared, if so.
fn unmended(desired: &Desired, live: Observed, expected: Expected) -> Option<String> {
    let recorded = recorded(desired);
    let leave = matches!(expected.0, None | Some(DriftClass::Cosmetic));
    match decide(desired, &Observation::Present(live.clone()), &recorded, false) {
        Decision::Settled => (!leave).then(|| "nothing is planned".to_owned()),
        Decision::Change(plan) if !leave => {
            let findings =
                lint(desired.name.kind(), &plan.steps, &desired.owner, &Observation::Present(live.clone()), false);
            let mut mended = live;
            plan.steps.iter().for_each(|step| take(&mut mended, step));
            let after = decide(desired, &Observation::Present(mended), &recorded, false);
            let good = findings.is_empty() && after == Decision::Settled;
            (!good).then(|| format!("{findings:?}, and after {:?}: {after:?}", plan.steps))
        }
        other => Some(format!("{other:?}")),
    }
}

/// What a step does to a role.
fn take(live: &mut Observed, step: &Step) {
    match step {
        Step::SetOwner(owner) => live.owner.uid = Some(owner.uid.clone()),
        Step::SetBoundary(boundary) => live.boundary = Some(boundary.to_string()),
        Step::SetTrust(document) => live.trust = Reading::Document(document.clone()),
        Step::SetSession(session) => live.session = Some(session.get()),
        Step::SetPermissions(document) => live.permissions = Some(Reading::Document(document.clone())),
        Step::Close => live.denial = Denial::InPlace,
        Step::Open => live.denial = Denial::Absent,
        Step::RemoveInline(name) => drop(live.other_inline.remove(name)),
        Step::Detach(arn) => drop(live.attached.remove(arn)),
        Step::LeaveGroup(group) => drop(live.groups.remove(group)),
        Step::RemovePassword => live.has_password = Some(false),
        Step::DenySessions(before) => live.sessions_denied_before = Some(*before),
        Step::Create(_) | Step::Retain(_) | Step::RemovePermissions | Step::AdmitSessions | Step::Delete => {
            panic!("no step of a repair: {step:?}")
        }
    }
}

/// How many rows of each part and class there are, and how many of them are right.
type Counts = BTreeMap<(&'static str, &'static str), (usize, usize)>;

#[test]
#[expect(clippy::print_stdout, reason = "BENCHMARKS.md tells how many there are of what")]
fn every_planted_drift_is_judged_right() {
    let desired = declared();
    let rows: Vec<Row> =
        [permissions::rows(&desired), trust::rows(&desired), rest::rows(&desired)].into_iter().flatten().collect();
    let mut counts = Counts::new();
    let mut failures = Vec::new();
    for row in &rows {
        let found = wrong(&desired, row);
        let class = row.expected.0.map_or("None", DriftClass::name);
        let count = counts.entry((row.part.name(), class)).or_default();
        count.0 += 1;
        count.1 += usize::from(found.is_empty());
        failures.extend(found.into_iter().map(|why| format!("{}, {}: {why}", row.part.name(), row.name)));
    }
    let table: Vec<String> =
        counts.iter().map(|((part, class), (all, right))| format!("{part} {class}: {right} of {all}")).collect();
    println!("{} planted drifts\n{}", rows.len(), table.join("\n"));
    assert!(failures.is_empty(), "{}\n{}", failures.join("\n"), table.join("\n"));
    assert!(rows.len() >= 170, "{} rows\n{}", rows.len(), table.join("\n"));
    assert!(counts.len() >= 20, "{}", table.join("\n"));
}

#[test]
fn every_planted_drift_of_a_user_is_judged_right() {
    let desired = Desired { permissions: declared().permissions, ..sample::desired_user() };
    for row in rest::of_users() {
        assert_eq!(wrong(&desired, &row), Vec::<String>::new(), "{}", row.name);
    }
}

/// The role itself: gone, or taken by somebody else.
#[test]
fn the_role_is_judged_before_its_parts() {
    let desired = declared();
    let Decision::Change(plan) = decide(&desired, &Observation::Absent, &recorded(&desired), true) else {
        panic!("a role that is gone is made anew")
    };
    let told: Vec<_> = plan.drift.iter().map(|found| (found.part, found.class, found.widens)).collect();
    assert_eq!(told, [(Part::Role, DriftClass::Missing, false)]);
    let foreign = Observed { owner: crate::domain::OwnerTags::default(), ..sample::live(&desired) };
    let decision = decide(&desired, &Observation::Present(foreign), &recorded(&desired), false);
    assert!(matches!(decision, Decision::NotOurs(_)), "{decision:?}");
}
