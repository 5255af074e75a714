//! What a role may do that it might not before, and the other way round: one
//! item for each kind of access to each declared resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Item, Part, Way, spot_of};
use crate::names::Arn;
use crate::offline::code::Code;
use crate::offline::finding::Spot;
use crate::offline::world::Declared;
use crate::plan::Resolved;
use crate::policy::compare::{self, Answer, Changes, Direction, Verdict};
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::explain::{self, Change, Sensitivity};
use crate::policy::{Catalogue, Outcome, Policy, Request};

/// More items than these in one direction are counted.
const MOST: usize = 100;
/// How many actions an item names.
const NAMED: usize = 1;

/// A role with its declaration.
#[derive(Clone, Copy)]
pub(super) struct Role<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) declared: &'a Declared,
}

/// The permissions of one side; empty where there is no role.
struct Held<'a> {
    role: Option<&'a Role<'a>>,
    text: &'a str,
    policy: Policy,
    prepared: Prepared,
    /// The same without its conditions.
    bare: Prepared,
}

const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

impl<'a> Held<'a> {
    fn of(role: Option<&'a Role<'a>>) -> Option<Self> {
        let text = role.map_or(NOTHING, |role| role.resolved.desired.permissions.text());
        let policy = Policy::read(text).ok()?;
        let prepared = Prepared::new(&policy);
        let bare = Prepared::new(&Policy::read(&without_conditions(text)?).ok()?);
        Some(Self { role, text, policy, prepared, bare })
    }

    fn allows(&self, request: &Request) -> Outcome {
        alone(&self.prepared, request).outcome
    }
}

/// What changes from one role to another, and what is to be known of the answer.
pub(super) fn items(old: Option<&Role<'_>>, new: Option<&Role<'_>>, catalogue: &Catalogue) -> (Vec<Item>, Vec<String>) {
    let same = |one: &Role<'_>, other: &Role<'_>| {
        one.resolved.desired.permissions.same_meaning(&other.resolved.desired.permissions)
    };
    if matches!((old, new), (Some(old), Some(new)) if same(old, new)) {
        return Default::default();
    }
    let (Some(old), Some(new)) = (Held::of(old), Held::of(new)) else { return Default::default() };
    let Ok(comparison) = compare::compare(&old.policy, &new.policy) else { return Default::default() };
    let differs = |direction: &Direction| direction.verdict.answer() == Answer::New;
    let mut found = [Changes::default(), Changes::default()];
    if differs(&comparison.forward) || differs(&comparison.backward) {
        found = compare::changes(&old.policy, &new.policy).unwrap_or_default();
    }
    let [gained, lost] = found;
    let (mut items, mut notes) = (Vec::new(), Vec::new());
    for (way, direction, changes, held, other) in
        [(Way::Wider, &comparison.forward, gained, &new, &old), (Way::Narrower, &comparison.backward, lost, &old, &new)]
    {
        let view = View { way, held, other, catalogue };
        let mut told = match direction.verdict.answer() {
            Answer::None => continue,
            Answer::New if direction.is_latent() || changes.requests.is_empty() => view.single(direction),
            Answer::New => view.grouped(&changes.requests),
            Answer::Unknown => view.single(direction),
        };
        if let Some(more @ 1..) = told.len().checked_sub(MOST) {
            told.truncate(MOST);
            notes.push(format!("{more} more kinds of access are {}, less sensitive than those", way.name()));
        }
        if differs(direction) && !changes.complete && !direction.is_latent() {
            notes.push(format!("not every kind of access was looked at: more may be {}", way.name()));
        }
        items.extend(told);
    }
    (items, notes)
}

/// One direction: what one side allows and the other does not.
struct View<'a> {
    way: Way,
    held: &'a Held<'a>,
    other: &'a Held<'a>,
    catalogue: &'a Catalogue,
}

/// Actions of like sensitivity on one declared resource.
struct Group {
    actions: BTreeSet<String>,
    request: Request,
    source: Source,
}

/// What in a declaration gives access.
#[derive(Clone)]
struct Source {
    resource: String,
    field: String,
    spot: Spot,
}

impl View<'_> {
    /// What one request or one doubt says.
    fn single(&self, direction: &Direction) -> Vec<Item> {
        let change = if self.way == Way::Wider { Change::Wider } else { Change::Narrower };
        let Some(said) = explain::direction(direction, change, self.catalogue) else { return Vec::new() };
        let (way, request) = match &direction.verdict {
            Verdict::None => return Vec::new(),
            Verdict::New(request) => (self.way, Some(&**request)),
            Verdict::Unknown { candidate, .. } => (Way::Undecided, candidate.as_deref()),
        };
        let source = self.source(request);
        let head = request
            .map_or_else(|| "permissions".to_owned(), |request| format!("{} on {}", request.action, source.resource));
        let sensitivity = Some(said.sensitivity).filter(|_| way != Way::Undecided);
        vec![Item {
            part: Part::Permissions,
            way,
            code: code(way, sensitivity),
            sensitivity,
            actions: request.map(|request| request.action.clone()).into_iter().collect(),
            head,
            english: without_way(&said.text),
            witness: request.cloned(),
            spot: source.spot,
            field: source.field,
        }]
    }

    /// One item for each sensitivity and declared resource.
    fn grouped(&self, requests: &[Request]) -> Vec<Item> {
        let mut groups: BTreeMap<(Sensitivity, String, String), Group> = BTreeMap::new();
        for request in requests {
            let source = self.source(Some(request));
            for action in self.actions(request) {
                let sensitivity = Sensitivity::of(&action, self.catalogue);
                let key = (sensitivity, source.resource.clone(), source.field.clone());
                let group = groups.entry(key).or_insert_with(|| {
                    let request = Request { action: action.clone(), ..request.clone() };
                    Group { actions: BTreeSet::new(), request, source: source.clone() }
                });
                group.actions.insert(action);
            }
        }
        groups.into_iter().map(|((sensitivity, ..), group)| self.item(sensitivity, group)).collect()
    }

    fn item(&self, sensitivity: Sensitivity, group: Group) -> Item {
        let Group { actions, mut request, source } = group;
        let change = if self.way == Way::Wider { Change::Wider } else { Change::Narrower };
        let mut actions: Vec<String> = actions.into_iter().collect();
        // The shortest name is the plainest: `DeleteObject` before `DeleteObjectVersion`.
        actions.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        if let Some(first) = actions.first() {
            let plain = Request { action: first.clone(), ..request.clone() };
            if self.shows(&plain) {
                request = plain;
            } else {
                let shown = request.action.clone();
                actions.sort_by_key(|action| *action != shown);
            }
        }
        let english = explain::changes(std::slice::from_ref(&request), change, self.catalogue);
        let english = english.first().map(|said| without_way(&said.text)).unwrap_or_default();
        // What the other side allows as well, if only under its conditions, is not gained or lost whole.
        let some = alone(&self.other.bare, &request).outcome == Outcome::Allowed;
        let english = match (some, self.way) {
            (true, Way::Wider) => format!("{english}, also where the conditions so far are not met"),
            (true, _) => format!("{english}, save where the conditions are met"),
            (false, _) => english,
        };
        let more = match actions.len().saturating_sub(NAMED) {
            0 => String::new(),
            1 => " and 1 more action".to_owned(),
            more => format!(" and {more} more actions"),
        };
        Item {
            part: Part::Permissions,
            way: self.way,
            code: code(self.way, Some(sensitivity)),
            sensitivity: Some(sensitivity),
            head: format!("{}{more} on {}", request.action, source.resource),
            actions,
            english,
            witness: Some(request),
            spot: source.spot,
            field: source.field,
        }
    }

    fn shows(&self, request: &Request) -> bool {
        self.held.allows(request) == Outcome::Allowed && self.other.allows(request).denies()
    }

    /// The action of a request, and those of its service of which the same can be said: the engine
    /// shows one of each level of access, and the level of a deletion is that of any writing.
    fn actions(&self, request: &Request) -> Vec<String> {
        let own = [request.action.clone()];
        let Some((service, _)) = self.catalogue.action(&request.action) else { return own.into() };
        let types = Arn::parse(&request.resource).map(|arn| service.closest(&arn)).unwrap_or_default();
        let fits = |action: &&crate::policy::catalogue::Action| {
            if request.resource == "*" { action.is_without_resource() } else { action.acts_on(&types) }
        };
        let all = service.actions.iter().filter(fits).map(|action| format!("{}:{}", service.prefix, action.name));
        let also = all.filter(|name| {
            !name.eq_ignore_ascii_case(&request.action)
                && self.shows(&Request { action: name.clone(), ..request.clone() })
        });
        own.into_iter().chain(also).collect()
    }

    /// The scope that gives access, with the resource in it that the request is about. Where it
    /// stands: in the new files, where the new side has such a scope.
    fn source(&self, request: Option<&Request>) -> Source {
        let resource = request.map_or_else(|| "*".to_owned(), |request| request.resource.clone());
        let found = request.and_then(|request| self.scope(request));
        let (resource, name) = found.unwrap_or((resource, None));
        let declared = [self.held, self.other].map(|held| held.role.map(|role| role.declared));
        // What is lost is told where the declaration now stands, if it still does.
        let declared = if self.way == Way::Narrower { [declared[1], declared[0]] } else { declared };
        let Some(declared) = declared.into_iter().flatten().next() else {
            let begin = crate::policy::Position { line: 1, column: 1 };
            return Source { resource, field: String::new(), spot: Spot { file: "".into(), begin, end: begin } };
        };
        let scopes = &declared.identity.spec.scopes;
        let index = name.and_then(|name| scopes.iter().position(|scope| scope.name == name));
        let field = index.map_or_else(|| "spec.scopes".to_owned(), |index| format!("spec.scopes[{index}]"));
        let spot = spot_of(declared, &field);
        Source { resource, field, spot }
    }

    /// The declared resource that matches, and the name of the scope that has it.
    fn scope(&self, request: &Request) -> Option<(String, Option<String>)> {
        let matched = alone(&self.held.prepared, request).matched.into_iter().next()?;
        let document: Value = serde_json::from_str(self.held.text).ok()?;
        let statement = document.get("Statement")?.get(matched.statement)?;
        let resources: Vec<&str> = match statement.get("Resource")? {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let resource = resources.into_iter().find(|resource| matches(resource, request))?;
        let sid = matched.sid.unwrap_or_default().to_ascii_lowercase();
        let scopes = &self.held.role?.declared.identity.spec.scopes;
        let has = |scope: &&crate::api::v1alpha1::ScopeSpec| {
            let letters: String = scope.name.chars().filter(char::is_ascii_alphanumeric).collect();
            sid.starts_with(&letters) && scope.resources.iter().any(|one| one == resource)
        };
        // `in` begins `inbox`: the longest name is meant.
        let name = scopes.iter().filter(has).max_by_key(|scope| scope.name.len()).map(|scope| scope.name.clone());
        Some((resource.to_owned(), name))
    }
}

/// The permissions of a role, which only allow, as if all conditions were met.
fn without_conditions(text: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(text).ok()?;
    for statement in document.get_mut("Statement")?.as_array_mut()? {
        statement.as_object_mut()?.remove("Condition");
    }
    Some(document.to_string())
}

/// Whether a resource of a policy matches that of a request.
fn matches(resource: &str, request: &Request) -> bool {
    let statement = serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": resource});
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [statement]});
    let read = Policy::read(&policy.to_string());
    read.is_ok_and(|policy| alone(&Prepared::new(&policy), request).outcome == Outcome::Allowed)
}

/// The text of a difference without the word that the label says.
fn without_way(text: &str) -> String {
    let plain = text.strip_prefix("wider: ").or_else(|| text.strip_prefix("narrower: "));
    plain.unwrap_or(text).to_owned()
}

fn code(way: Way, sensitivity: Option<Sensitivity>) -> Code {
    match (way, sensitivity) {
        (Way::Wider, Some(Sensitivity::Deletion)) => Code::DataLoss,
        (Way::Wider, Some(Sensitivity::PermissionsManagement)) => Code::Permissions,
        (Way::Wider, _) => Code::Wider,
        (Way::Undecided, _) => Code::Undecided,
        (Way::Narrower, _) => Code::Narrower,
    }
}
