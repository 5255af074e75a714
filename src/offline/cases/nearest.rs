//! The scope that comes nearest to allowing a request, and what it lacks.

use serde_json::{Map, Value, json};

use super::super::finding::Spot;
use super::super::world::Declared;
use crate::api::v1alpha1::ScopeSpec;
use crate::names::InstallationId;
use crate::names::shortened;
use crate::plan::account::AccountSettings;
use crate::plan::{Declaration, compile};
use crate::policy::evaluate::{self, Prepared};
use crate::policy::{Catalogue, Outcome, Policy, Request};

/// How many values of a scope are told.
const TOLD: usize = 3;

/// The scope that comes nearest to allowing a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// Its name.
    pub scope: String,
    /// Where it stands.
    pub spot: Spot,
    /// Its action, its resource and each of its conditions.
    pub facets: Vec<Facet>,
}

/// One thing in which a scope fits a request, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// `action`, `resource`, or a condition such as ``condition `StringEquals` on `aws:SourceVpce` ``.
    pub what: String,
    /// Whether it fits.
    pub fits: bool,
    /// What the scope has, and what the case has, where they do not fit.
    pub note: String,
}

/// One scope by itself.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) name: String,
    pub(super) spot: Spot,
    /// Its actions or levels of access, and its resources, as they are declared.
    has: [String; 2],
    /// Its statements.
    statements: Vec<Value>,
    policy: Prepared,
}

impl Alone {
    /// Every scope of an identity, as if the identity had no other.
    pub(super) fn each(
        declared: &Declared,
        account: &AccountSettings,
        installation: &InstallationId,
        catalogue: &Catalogue,
    ) -> Vec<Self> {
        let numbered = declared.identity.spec.scopes.iter().enumerate();
        let alone = numbered.filter_map(|(index, scope)| {
            let mut identity = declared.identity.clone();
            identity.spec.scopes = vec![scope.clone()];
            let declaration = Declaration { identity: &identity, key: &declared.key };
            let resolved = compile(declaration, account.clone(), installation, catalogue).ok()?;
            let text = resolved.desired.permissions.text();
            let document: Value = serde_json::from_str(text).ok()?;
            Some(Self {
                name: scope.name.clone(),
                has: declared_of(scope),
                spot: declared.manifest.spot_of(&format!("spec.scopes[{index}]")),
                statements: document.get("Statement").and_then(Value::as_array).cloned().unwrap_or_default(),
                policy: Prepared::new(&Policy::read(text).ok()?),
            })
        });
        alone.collect()
    }

    /// Whether the scope allows a request.
    pub(super) fn allows(&self, request: &Request) -> bool {
        evaluate::alone(&self.policy, request).outcome == Outcome::Allowed
    }

    /// Its statement that fits the request in most things.
    fn facets(&self, request: &Request, catalogue: &Catalogue) -> Option<Vec<Facet>> {
        let each = self.statements.iter().map(|statement| self.facets_of(statement, request, catalogue));
        // The first of several that are as good.
        each.min_by_key(|facets| lacking(facets))
    }

    fn facets_of(&self, statement: &Value, request: &Request, catalogue: &Catalogue) -> Vec<Facet> {
        let part = |name: &str| statement.get(name).cloned().unwrap_or_else(|| json!([]));
        let [actions, resources] = &self.has;
        let level = catalogue.action(&request.action).map(|(_, action)| action.level.to_string());
        let level = level.map(|level| format!(", and the action is {level}")).filter(|_| actions.starts_with("access"));
        let mut facets = vec![
            Facet {
                what: "action".to_owned(),
                fits: fits(&part("Action"), &json!("*"), None, request),
                note: format!("the scope has {actions}{}", level.unwrap_or_default()),
            },
            Facet {
                what: "resource".to_owned(),
                fits: fits(&json!("*"), &part("Resource"), None, request),
                note: format!("the scope has {resources}"),
            },
        ];
        let conditions = statement.get("Condition").and_then(Value::as_object);
        for (operator, keys) in conditions.into_iter().flatten() {
            let keys = keys.as_object().into_iter().flatten();
            facets.extend(keys.map(|(key, values)| condition(operator, key, values, request)));
        }
        for facet in facets.iter_mut().filter(|facet| facet.fits) {
            facet.note.clear();
        }
        facets
    }
}

/// The scope that lacks least.
pub(super) fn nearest(scopes: &[Alone], request: &Request, catalogue: &Catalogue) -> Option<Nearest> {
    let each = scopes.iter().filter_map(|scope| Some((scope, scope.facets(request, catalogue)?)));
    let (scope, facets) = each.min_by_key(|(_, facets)| lacking(facets))?;
    // One that has neither the action nor the resource is as far away as any other.
    let related = facets.iter().take(2).any(|facet| facet.fits);
    related.then(|| Nearest { scope: scope.name.clone(), spot: scope.spot.clone(), facets })
}

/// How much does not fit.
fn lacking(facets: &[Facet]) -> usize {
    facets.iter().filter(|facet| !facet.fits).count()
}

fn condition(operator: &str, key: &str, values: &Value, request: &Request) -> Facet {
    let given = request.context.get(key).map_or_else(
        || "has no value for it".to_owned(),
        |value| format!("has {}", quoted(value.values.iter().map(String::as_str))),
    );
    Facet {
        what: format!("condition `{operator}` on `{key}`"),
        fits: fits(&json!("*"), &json!("*"), Some(json!({operator: {key: values}})), request),
        note: format!("the scope has {}, the case {given}", texts(values)),
    }
}

/// What a scope has, in the words of its declaration.
fn declared_of(scope: &ScopeSpec) -> [String; 2] {
    let actions = if scope.access.is_empty() {
        quoted(scope.actions.iter().map(String::as_str))
    } else {
        let levels: Vec<String> = scope.access.iter().map(|level| format!("{level:?}")).collect();
        format!("access {}", levels.join(", "))
    };
    [actions, quoted(scope.resources.iter().map(String::as_str))]
}

/// Whether a statement of these parts alone would allow the request.
fn fits(action: &Value, resource: &Value, condition: Option<Value>, request: &Request) -> bool {
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), json!("Allow"));
    statement.insert("Action".to_owned(), action.clone());
    statement.insert("Resource".to_owned(), resource.clone());
    statement.extend(condition.map(|condition| ("Condition".to_owned(), condition)));
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let policy = Policy::read(&text);
    policy.is_ok_and(|policy| evaluate::alone(&Prepared::new(&policy), request).outcome == Outcome::Allowed)
}

/// The first values of a policy's element.
fn texts(value: &Value) -> String {
    match value {
        Value::Array(items) => quoted(items.iter().filter_map(Value::as_str)),
        Value::String(text) => quoted([text.as_str()]),
        other => other.to_string(),
    }
}

fn quoted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut quoted: Vec<String> = texts.into_iter().map(|text| format!("`{}`", shortened(text))).collect();
    if let Some(more @ 1..) = quoted.len().checked_sub(TOLD) {
        quoted.truncate(TOLD);
        return format!("{} and {more} more", quoted.join(", "));
    }
    quoted.join(", ")
}
