//! Who reaches a resource: pod, service account, identity, role, statement.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::engine::{self, Allows, Parsed};
use super::read::Seen;
use crate::api::v1alpha1::MachineIdentity;
use crate::cli::diff::Witness;
use crate::domain::Swept;
use crate::names::{Arn, IdentityKey, InstallationId, PrincipalName};
use crate::policy::{Catalogue, explain};

/// What the answer leaves out. It stands under it.
pub const NOT_LOOKED_AT: [&str; 6] = [
    "policies of the resource itself, such as a bucket's, which can give more or deny",
    "boundaries and policies of the organisation, which can only take away",
    "attached managed policies: who has one is told, what it allows is not",
    "roles that no identity of this installation has",
    "actions that AWS added after the catalogue that Ambit carries",
    "which calls were made: when the role was used last is known, not for what",
];

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaching {
    pub resource: String,
    pub paths: Vec<Path>,
}

/// One way to the resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    /// The service account whose pods have the role, as `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// The identity; absent where a role is left over from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    pub role_arn: String,
    pub policy: String,
    /// The statement: its Sid, or its number from zero.
    pub statement: String,
    /// What it allows there, in English.
    pub can: Vec<String>,
    /// Why it is not certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// When the role was last used; absent where the cloud knows of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

/// Everybody who reaches it, or may.
pub fn answer(arn: &Arn, seen: &Seen, identities: &[MachineIdentity], installation: &InstallationId) -> Reaching {
    let named = |identity: &MachineIdentity| {
        let key = IdentityKey::new(identity.namespace().unwrap_or_default(), identity.name_any());
        let subject = identity.spec.subject.service_account.as_ref();
        let account = subject.map(|subject| format!("{}/{}", key.namespace, subject.name));
        (PrincipalName::role(installation, &key).to_string(), (key.to_string(), account))
    };
    let owners: BTreeMap<String, (String, Option<String>)> = identities.iter().map(named).collect();
    let mut paths = Vec::new();
    for role in seen.kept.values().filter(|role| role.on_our_path) {
        let (identity, service_account) = match owners.get(&role.name) {
            Some((identity, account)) => (Some(identity.clone()), account.clone()),
            None => (None, None),
        };
        let found = ways(role, arn);
        paths.extend(found.into_iter().map(|way| Path {
            service_account: service_account.clone(),
            identity: identity.clone(),
            ..way
        }));
    }
    paths.sort_by(|a, b| (&a.identity, &a.role_arn).cmp(&(&b.identity, &b.role_arn)));
    Reaching { resource: arn.to_string(), paths }
}

/// What of one role's policies reaches the resource.
fn ways(role: &Swept, arn: &Arn) -> Vec<Path> {
    let way = |policy: &str, statement: String| Path {
        service_account: None,
        identity: None,
        role_arn: role.arn.clone(),
        policy: policy.to_owned(),
        statement,
        can: Vec::new(),
        undecided: None,
        witness: None,
        last_used: role.last_used.map(|time| time.to_string()),
    };
    let (mut policies, mut found) = (Vec::new(), Vec::new());
    for (name, raw) in &role.inline {
        match Parsed::of(raw) {
            Ok(parsed) => policies.push((name, parsed)),
            Err(why) => {
                let undecided = Some(format!("the policy cannot be read: {why}"));
                found.push(Path { undecided, ..way(name, "?".to_owned()) });
            }
        }
    }
    let targets = targets(arn);
    let mut limits: Vec<Value> = policies.iter().flat_map(|(_, parsed)| parsed.denies().cloned()).collect();
    limits.push(json!({"Effect": "Deny", "Action": "*", "NotResource": targets}));
    for (name, parsed) in &policies {
        for (number, statement) in parsed.allows() {
            let sid = statement["Sid"].as_str().map_or_else(|| number.to_string(), str::to_owned);
            match under(&parsed.version, statement, &limits) {
                Allows::Nothing => {}
                Allows::This(request) => {
                    let can = english(&parsed.version, statement, &limits, &targets);
                    found.push(Path { can, witness: Some(Witness::of(&request)), ..way(name, sid) });
                }
                Allows::Undecided(why) => found.push(Path { undecided: Some(why), ..way(name, sid) }),
            }
        }
    }
    for policy in role.attached.iter().filter(|_| !is_closed(&limits)) {
        let undecided = Some("what an attached managed policy allows was not read".to_owned());
        found.push(Path { undecided, ..way(policy, "?".to_owned()) });
    }
    found
}

/// The resource, and what lies in it.
fn targets(arn: &Arn) -> Vec<String> {
    let text = arn.as_str();
    if text.ends_with('*') {
        vec![text.to_owned()]
    } else {
        vec![text.to_owned(), format!("{text}/*"), format!("{text}:*")]
    }
}

fn under(version: &Value, statement: &Value, limits: &[Value]) -> Allows {
    let statements: Vec<Value> = std::iter::once(statement).chain(limits).cloned().collect();
    engine::allowed(version, &statements)
}

/// Whether nothing is left even of everything.
fn is_closed(limits: &[Value]) -> bool {
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    under(&json!("2012-10-17"), &everything, limits) == Allows::Nothing
}

/// What a statement allows there: itself, cut down to the actions and resources that count.
fn english(version: &Value, statement: &Value, limits: &[Value], targets: &[String]) -> Vec<String> {
    let mut cut = statement.clone();
    let Some(fields) = cut.as_object_mut() else { return Vec::new() };
    let resources: Vec<String> = match statement.get("Resource") {
        Some(resources) => texts(resources).iter().flat_map(|one| narrowed(one, targets)).collect(),
        None => targets.to_vec(),
    };
    fields.remove("NotResource");
    fields.insert("Resource".to_owned(), json!(resources));
    if let Some(actions) = statement.get("Action") {
        let counts = |action: &&String| {
            let mut alone = statement.clone();
            alone["Action"] = json!(action);
            under(version, &alone, limits) != Allows::Nothing
        };
        fields.insert("Action".to_owned(), json!(texts(actions).iter().filter(counts).collect::<Vec<_>>()));
    }
    match engine::policy(version, &[cut]) {
        Ok(policy) => {
            let said = explain::document(&policy, Catalogue::embedded());
            said.sentences.into_iter().map(|sentence| sentence.text).collect()
        }
        Err(why) => vec![format!("cannot be said: {why}")],
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What of a resource pattern lies in the resource that was asked for: the pattern itself where
/// all of it does, else those of the targets that it meets.
fn narrowed(pattern: &str, targets: &[String]) -> Vec<String> {
    let statement = |effect: &str, field: &str, resources: Value| {
        let mut statement = json!({"Effect": effect, "Action": "*"});
        statement[field] = resources;
        statement
    };
    let version = json!("2012-10-17");
    let allow = statement("Allow", "Resource", json!(pattern));
    let is_met = |targets: Value, field| {
        let statements = [allow.clone(), statement("Deny", field, targets)];
        engine::allowed(&version, &statements) != Allows::Nothing
    };
    // Nothing of it lies outside.
    if !is_met(json!(targets), "Resource") {
        return vec![pattern.to_owned()];
    }
    targets.iter().filter(|target| is_met(json!([target]), "NotResource")).cloned().collect()
}
