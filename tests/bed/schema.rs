//! A walk through the schemas of all kinds.

use ambit::api::v1alpha1::crds;
use serde_json::Value;

/// One schema and where it stands, such as `spec.scopes[].name`. `[]` stands
/// for the items of a list and for the values of a map.
pub struct Node<'a> {
    pub kind: &'a str,
    pub path: String,
    pub schema: &'a Value,
    /// Whether a list is above it.
    pub in_list: bool,
    /// Whether it is a field of an object, with a description of its own.
    pub is_field: bool,
}

impl Node<'_> {
    /// The name that a failed check shows.
    pub fn label(&self) -> String {
        format!("{} {}", self.kind, self.path)
    }
}

/// The definitions of all kinds, as JSON.
pub fn definitions() -> Vec<Value> {
    crds().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect()
}

/// Visits every schema of a definition, from the outermost to the innermost.
pub fn walk<'a>(definition: &'a Value, visit: &mut impl FnMut(&Node<'a>)) {
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
    for version in definition["spec"]["versions"].as_array().unwrap() {
        let schema = &version["schema"]["openAPIV3Schema"];
        descend(&Node { kind, path: String::new(), schema, in_list: false, is_field: true }, visit);
    }
}

fn descend<'a>(node: &Node<'a>, visit: &mut impl FnMut(&Node<'a>)) {
    visit(node);
    for (name, schema) in node.schema["properties"].as_object().into_iter().flatten() {
        let path = if node.path.is_empty() { name.clone() } else { format!("{}.{name}", node.path) };
        descend(&Node { kind: node.kind, path, schema, in_list: node.in_list, is_field: true }, visit);
    }
    for (keyword, is_list) in [("items", true), ("additionalProperties", false)] {
        let schema = &node.schema[keyword];
        if schema.is_object() {
            let path = format!("{}[]", node.path);
            let in_list = node.in_list || is_list;
            descend(&Node { kind: node.kind, path, schema, in_list, is_field: false }, visit);
        }
    }
}

/// A rule of CEL: the kind, where it stands, and its message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub kind: String,
    pub path: String,
    pub message: String,
}

/// Every rule of CEL in every kind.
pub fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for definition in &definitions() {
        walk(definition, &mut |node| {
            for rule in node.schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                rules.push(Rule {
                    kind: node.kind.to_owned(),
                    path: node.path.clone(),
                    message: rule["message"].as_str().unwrap_or_default().to_owned(),
                });
            }
        });
    }
    rules
}
