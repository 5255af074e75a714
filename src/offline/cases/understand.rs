//! From a file to cases: every field known, every request one that AWS has.

use serde_json::Value;

use super::super::manifest::{Content, Manifest};
use super::fields::{Fields, Reader, list};
use super::request::{self, MOST_REQUESTS};
use super::{API_VERSION, AccessTest, Case, Expected, Mistake};
use crate::names::{IdentityKey, shortened};
use crate::plan::Reason;
use crate::policy::Catalogue;
use crate::policy::catalogue::nearest;

const FIELDS: [&str; 11] =
    ["apiVersion", "kind", "metadata", "files", "identity", "boundary", "accepted", "reason", "says", "may", "mayNot"];

/// Why an identity can be refused.
const REASONS: [Reason; 9] = [
    Reason::AccountNotFound,
    Reason::NamespaceNotSelected,
    Reason::NoScopePolicy,
    Reason::ScopeDenied,
    Reason::Undecidable,
    Reason::UnknownAction,
    Reason::InvalidScope,
    Reason::TooLarge,
    Reason::SubjectTaken,
];

/// Reads the cases of an `AccessTest`; all mistakes in it at once.
pub fn understand(manifest: &Manifest, catalogue: &Catalogue) -> Result<AccessTest, Vec<Mistake>> {
    let mut reader = Reader { manifest, mistakes: Vec::new() };
    let test = match &manifest.content {
        Content::Test(value) => test(&mut reader, value, catalogue),
        _ => None,
    };
    if test.is_none() && reader.mistakes.is_empty() {
        reader.wrong("", "it must be an AccessTest");
    }
    match test {
        Some(test) if reader.mistakes.is_empty() => Ok(test),
        _ => Err(reader.mistakes),
    }
}

fn test(reader: &mut Reader<'_>, value: &Value, catalogue: &Catalogue) -> Option<AccessTest> {
    if value.get("spec").is_some() {
        reader.wrong("spec", "an AccessTest has no `spec`: its fields stand beside `metadata`");
        return None;
    }
    let fields = reader.object("", value, "an AccessTest", &FIELDS)?;
    if fields.get("apiVersion").and_then(Value::as_str) != Some(API_VERSION) {
        reader.wrong("apiVersion", format!("it must be `{API_VERSION}`"));
    }
    let name = name(reader, &fields);
    let identity = identity(reader, &fields);
    let files = fields.get("files").map(|value| reader.texts("files", value)).unwrap_or_default();
    let boundary = fields.get("boundary").and_then(|value| reader.text("boundary", value));
    let mut cases = acceptance(reader, &fields);
    let refused = matches!(cases.first(), Some(Case { expected: Expected::Refused { .. }, .. }));
    for (field, of) in [("may", Expected::May as fn(_) -> _), ("mayNot", Expected::MayNot)] {
        let Some(value) = fields.get(field) else { continue };
        if refused {
            reader.wrong(field, "an identity that must be refused has no access to test: leave it out");
            continue;
        }
        for (path, value) in reader.items(field, value) {
            let spot = reader.manifest.spot_of(&path);
            let (name, requests) = request::read(reader, &path, value, catalogue);
            let case = |request| Case { name: name.clone(), spot: spot.clone(), expected: of(request) };
            cases.extend(requests.into_iter().map(case));
        }
    }
    if cases.is_empty() && reader.mistakes.is_empty() {
        reader.wrong("", "it has no case: add `may`, `mayNot` or `accepted`");
    }
    if cases.len() > MOST_REQUESTS {
        reader.wrong("", format!("it has {} cases, and at most {MOST_REQUESTS} are decided: split it", cases.len()));
    }
    let spot = |path: &str| reader.manifest.spot_of(path);
    Some(AccessTest {
        name: name?,
        identity: (identity?, spot("identity")),
        files: files.into_iter().map(|(path, file)| (file, spot(&path))).collect(),
        boundary: boundary.map(|file| (file, spot("boundary"))),
        cases,
    })
}

fn name(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<String> {
    let Some(value) = fields.get("metadata") else {
        reader.wrong("metadata", "it must be there, with `name`: what the cases are about");
        return None;
    };
    let metadata =
        reader.object("metadata", value, "the metadata of an AccessTest", &["name", "labels", "annotations"])?;
    let Some(value) = metadata.get("name") else {
        reader.wrong("metadata.name", "it must be there: what the cases are about");
        return None;
    };
    reader.text("metadata.name", value)
}

fn identity(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<IdentityKey> {
    const MUST: &str = "it must be the namespace and the name of a MachineIdentity, such as `shop/orders`";
    let Some(value) = fields.get("identity") else {
        reader.wrong("identity", MUST.replace("it must be", "it must be there:"));
        return None;
    };
    let text = reader.text("identity", value)?;
    match text.split('/').collect::<Vec<_>>()[..] {
        [namespace, name] if !namespace.is_empty() && !name.is_empty() => Some(IdentityKey::new(namespace, name)),
        _ => {
            reader.wrong("identity", format!("{MUST}, not `{}`", shortened(&text)));
            None
        }
    }
}

/// The case of `accepted`, with `reason` and `says`.
fn acceptance(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Case> {
    let accepted = fields.get("accepted");
    if accepted != Some(&Value::Bool(false)) {
        for name in ["reason", "says"].into_iter().filter(|name| fields.get(name).is_some()) {
            reader.wrong(name, "it goes only with `accepted: false`: why the identity must be refused");
        }
    }
    let spot = reader.manifest.spot_of("accepted");
    let case = |expected| vec![Case { name: None, spot, expected }];
    match accepted {
        None => Vec::new(),
        Some(Value::Bool(true)) => case(Expected::Accepted),
        Some(Value::Bool(false)) => {
            let reason = fields.get("reason").and_then(|value| reason(reader, value));
            let says = fields.get("says").map(|value| reader.texts("says", value)).unwrap_or_default();
            let says = says.into_iter().map(|(_, text)| text).collect();
            case(Expected::Refused { reason, says })
        }
        Some(_) => {
            reader.wrong("accepted", "it must be `true` or `false`");
            Vec::new()
        }
    }
}

fn reason(reader: &mut Reader<'_>, value: &Value) -> Option<Reason> {
    let text = reader.text("reason", value)?;
    let found = REASONS.into_iter().find(|reason| reason.name() == text);
    if found.is_none() {
        let names = REASONS.map(Reason::name);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = match nearest(&text, names.iter().copied()).first() {
            Some(first) => format!("did you mean `{first}`?"),
            None => format!("there are {}", list(&names)),
        };
        reader.wrong("reason", format!("`{}` is no reason for a refusal; {hint}", shortened(&text)));
    }
    found
}
