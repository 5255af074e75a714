//! The requests of one case: each one that can really be made.
//!
//! A case about an action that does not exist, or about a resource that the
//! action does not act on, would hold under `mayNot` whatever anybody declares.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Reader, kind};
use crate::names::{Arn, shortened};
use crate::policy::catalogue::{Action, Service, nearest};
use crate::policy::{Catalogue, Context, Problem, Request};

/// The most cases that one test can have.
pub(super) const MOST_REQUESTS: usize = 10_000;

const FIELDS: [&str; 6] = ["name", "action", "actions", "resource", "resources", "context"];

/// An action that there is.
struct Known<'c> {
    name: String,
    service: &'c Service,
    action: &'c Action,
}

/// The name of a case, and its requests: every action with every resource.
pub(super) fn read(
    reader: &mut Reader<'_>,
    path: &str,
    value: &Value,
    catalogue: &Catalogue,
) -> (Option<String>, Vec<Request>) {
    let before = reader.mistakes.len();
    let Some(fields) = reader.object(path, value, "a case", &FIELDS) else { return (None, Vec::new()) };
    let name = fields.get("name").and_then(|value| reader.text(&fields.at("name"), value));
    let given = reader.one_or_several(&fields, "action", "actions");
    if given.is_empty() && reader.mistakes.len() == before {
        reader.wrong(path, "it must have an `action`, such as `s3:GetObject`, or several `actions`");
    }
    let actions: Vec<Known<'_>> =
        given.iter().filter_map(|(path, text)| known(reader, path, text, catalogue)).collect();
    let resources = reader.one_or_several(&fields, "resource", "resources");
    for (path, text) in &resources {
        check_resource(reader, path, text);
    }
    let context = fields.get("context").map(|value| context(reader, &fields.at("context"), value)).unwrap_or_default();
    if reader.mistakes.len() > before {
        return (name, Vec::new());
    }
    if actions.len().saturating_mul(resources.len()) > MOST_REQUESTS {
        let message = format!("`actions` and `resources` make more than {MOST_REQUESTS} cases: split it");
        reader.wrong(path, message);
        return (name, Vec::new());
    }
    let mut requests = Vec::new();
    for known in &actions {
        for resource in resources_for(reader, path, known, &resources) {
            let context = context.clone();
            requests.push(Request { action: known.name.clone(), resource, principal: None, context });
        }
    }
    (name, requests)
}

/// An action of the catalogue, in AWS's own spelling.
fn known<'c>(reader: &mut Reader<'_>, path: &str, text: &str, catalogue: &'c Catalogue) -> Option<Known<'c>> {
    if text.contains(['*', '?']) {
        let message = format!(
            "`{}` has a wildcard, and a case is one request: name one action, such as `s3:GetObject`; several go into `actions`",
            shortened(text)
        );
        reader.wrong(path, message);
        return None;
    }
    let problem = match (text.split_once(':'), catalogue.action(text)) {
        (_, Some((service, action))) => {
            return Some(Known { name: format!("{}:{}", service.prefix, action.name), service, action });
        }
        (None, None) => Problem::MalformedAction(shortened(text)),
        (Some((prefix, name)), None) => match catalogue.service(prefix) {
            None => Problem::UnknownService { service: shortened(prefix), nearest: catalogue.nearest_services(prefix) },
            Some(service) => Problem::UnknownAction {
                action: shortened(text),
                service: service.prefix,
                nearest: nearest(name, service.actions.iter().map(|action| action.name))
                    .into_iter()
                    .map(|name| format!("{}:{name}", service.prefix))
                    .collect(),
            },
        },
    };
    reader.wrong(path, problem.to_string());
    None
}

fn check_resource(reader: &mut Reader<'_>, path: &str, text: &str) {
    if text == "*" {
        return;
    }
    if text.contains(['*', '?']) {
        let message = format!(
            "`{}` has a wildcard, and a case is one request: name one resource; several go into `resources`",
            shortened(text)
        );
        reader.wrong(path, message);
    } else if text.contains("${") {
        let message = format!("`{}` has a variable, and a case is one request: name one resource", shortened(text));
        reader.wrong(path, message);
    } else if let Err(error) = Arn::parse(text) {
        reader.wrong(path, error.to_string());
    }
}

/// The resources that an action is asked about; a mistake for each that it cannot act on.
fn resources_for(reader: &mut Reader<'_>, path: &str, known: &Known<'_>, given: &[(String, String)]) -> Vec<String> {
    let name = &known.name;
    let alone = known.action.is_without_resource();
    if given.is_empty() && alone {
        return vec!["*".to_owned()];
    }
    if given.is_empty() {
        reader.wrong(path, format!("`{name}` acts on a resource: add `resource`, such as {}", example(known)));
    }
    let mut resources = Vec::new();
    for (path, text) in given {
        let fits = match Arn::parse(text) {
            Ok(arn) => known.action.acts_on(&known.service.fitting(&arn)),
            Err(_) => alone,
        };
        if fits {
            resources.push(text.clone());
        } else if known.action.is_without_resource() {
            reader.wrong(path, format!("`{name}` acts on no resource: leave `resource` out"));
        } else {
            let such = example(known);
            reader.wrong(path, format!("`{name}` does not act on `{}`: it acts on such as {such}", shortened(text)));
        }
    }
    resources
}

/// How the ARNs look that an action acts on: the plainest of them.
fn example(known: &Known<'_>) -> String {
    let types = known.service.resources_of(known.action).map(|(kind, _)| kind.arn);
    types.min_by_key(|arn| arn.len()).map(|arn| format!("`{arn}`")).unwrap_or_default()
}

fn context(reader: &mut Reader<'_>, path: &str, value: &Value) -> Context {
    let mut context = Context::default();
    let Some(fields) = reader.open(path, value, "the context") else { return context };
    let mut seen = BTreeSet::new();
    for (key, value) in fields.iter() {
        let path = fields.at(key);
        if !key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty()) {
            reader.wrong(&path, "it must be a condition key, such as `aws:SourceVpce`");
        } else if !seen.insert(key.to_ascii_lowercase()) {
            reader.wrong(&path, "it stands twice, in another case: leave one out");
        } else if let Value::Array(items) = value {
            let scalars = items.iter().enumerate();
            let values = scalars.filter_map(|(index, item)| scalar(reader, &format!("{path}[{index}]"), item));
            context.set_list(key, values.collect());
        } else if let Some(text) = scalar(reader, &path, value) {
            context.set(key, text);
        }
    }
    context
}

fn scalar(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        other => {
            reader.wrong(path, format!("it must be a text, a number, `true` or `false`, not {}", kind(other)));
            None
        }
    }
}
