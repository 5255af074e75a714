//! The table of cases, a file for each kind that has many.

use serde_json::{Value, json};

use super::{account, identity, policy};

/// How the API server is asked.
#[derive(Debug, Clone, Copy)]
pub enum Judge {
    /// To create the base with a change.
    Creation,
    /// To change the base, which is stored.
    Change,
}

/// One rule, and changes to an object that it accepts and refuses.
#[derive(Debug, Clone)]
pub struct Case {
    pub base: Value,
    pub path: String,
    pub message: &'static str,
    pub judge: Judge,
    pub accepted: Vec<Value>,
    pub refused: Vec<Value>,
}

impl Case {
    pub fn new(base: Value, path: impl Into<String>, message: &'static str) -> Self {
        Self { base, path: path.into(), message, judge: Judge::Creation, accepted: Vec::new(), refused: Vec::new() }
    }

    /// A rule that compares an object with what is stored.
    pub fn about_changes(self) -> Self {
        Self { judge: Judge::Change, ..self }
    }

    pub fn accepts(mut self, changes: impl IntoIterator<Item = Value>) -> Self {
        self.accepted.extend(changes);
        self
    }

    pub fn refuses(mut self, changes: impl IntoIterator<Item = Value>) -> Self {
        self.refused.extend(changes);
        self
    }
}

pub fn all() -> Vec<Case> {
    [identity::cases(), account::cases(), policy::cases(), tables()].concat()
}

fn tables() -> Vec<Case> {
    let base = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": {"name": "ambit"},
        "serviceAccounts": {"orders": {"identity": "orders", "ready": true, "audience": "sts.amazonaws.com"}},
    });
    let entry = |change: Value| json!({"serviceAccounts": {"orders": change}});
    vec![
        Case::new(base.clone(), "", "must be named 'ambit': a namespace has one table")
            .accepts([json!({})])
            .refuses([json!({"metadata": {"name": "other"}})]),
        Case::new(base, "serviceAccounts[]", "must say in `reason` why it is not ready")
            .accepts([json!({}), entry(json!({"ready": false, "reason": "it is being prepared"}))])
            .accepts([entry(json!({"audience": null, "requiredEnv": ["AWS_ROLE_ARN"]}))])
            .refuses([entry(json!({"ready": false}))]),
    ]
}

/// A rule that `namespaceSelector` has in more than one kind.
pub fn selectors(base: &Value) -> Case {
    let selector = |operator: &str, values: Value| {
        let requirement = json!({"key": "team", "operator": operator, "values": values});
        json!({"spec": {"namespaceSelector": {"matchExpressions": [requirement]}}})
    };
    let without = |operator: &str| json!({"spec": {"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": operator}]}}});
    Case::new(
        base.clone(),
        "spec.namespaceSelector.matchExpressions[]",
        "must list `values` with operator 'In' or 'NotIn', and only then",
    )
    .accepts([
        selector("In", json!(["shop"])),
        selector("NotIn", json!(["shop", "bank"])),
        selector("Exists", json!([])),
    ])
    .accepts([without("Exists"), without("DoesNotExist")])
    .refuses([without("In"), without("NotIn"), selector("In", json!([])), selector("Exists", json!(["shop"]))])
}

/// A rule for names that stand in labels.
pub fn short_name(base: &Value) -> Case {
    Case::new(base.clone(), "", "must have a name of at most 63 characters")
        .accepts([json!({"metadata": {"name": "a".repeat(63)}})])
        .refuses([json!({"metadata": {"name": "a".repeat(64)}})])
}
