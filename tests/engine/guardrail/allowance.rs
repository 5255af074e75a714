//! What policies allow of one request, written apart from the guardrails: each
//! question becomes a policy document for its action, and the evaluator decides.

use ambit::policy::evaluate::{Prepared, alone};
use ambit::policy::{AccessLevel, Catalogue, Outcome, Policy, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The policies of an identity.
pub struct Allowance<'a> {
    pub policies: &'a [Value],
    pub namespace: &'a str,
    pub name: &'a str,
    /// The document for each action that was asked about.
    prepared: BTreeMap<String, Prepared>,
}

/// What no identity may change or become, in the account of the tests.
const KEPT: &[&str] = &[
    "arn:aws:iam::123456789012:role/ambit/*",
    "arn:aws:iam::123456789012:role/ambit-*",
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*",
    "arn:aws:iam::123456789012:policy/bounds",
];

impl<'a> Allowance<'a> {
    pub fn new(policies: &'a [Value], namespace: &'a str, name: &'a str) -> Self {
        Self { policies, namespace, name, prepared: BTreeMap::new() }
    }

    /// Whether the policies allow a request.
    pub fn allows(&mut self, request: &Request) -> bool {
        if !self.prepared.contains_key(&request.action) {
            let document = self.document(&request.action).to_string();
            self.prepared.insert(request.action.clone(), Prepared::new(&Policy::read(&document).unwrap()));
        }
        alone(&self.prepared[&request.action], request).outcome == Outcome::Allowed
    }

    /// All that the policies say of one action.
    fn document(&self, action: &str) -> Value {
        let level = Catalogue::embedded().action(action).map(|(_, known)| known.level);
        let mut statements = Vec::new();
        for (list, effect) in [("allow", "Allow"), ("deny", "Deny")] {
            for rule in self.policies.iter().filter_map(|policy| policy[list].as_array()).flatten() {
                statements.extend(self.statement(effect, rule, action, level));
            }
        }
        let says = |word: &str| self.policies.iter().any(|policy| policy["permissionsManagement"] == word);
        if level == Some(AccessLevel::Permissions) && (says("Forbid") || !says("Allow")) {
            statements.push(json!({"Effect": "Deny", "Action": action, "Resource": "*"}));
        }
        let service = action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let reads = matches!(level, None | Some(AccessLevel::List | AccessLevel::Read));
        if matches!(service.as_str(), "iam" | "sts") && !reads {
            statements.push(json!({"Effect": "Deny", "Action": action, "Resource": KEPT}));
        }
        statements.push(json!({"Effect": "Deny", "Action": "iam:UpdateAssumeRolePolicy", "Resource": "*"}));
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn statement(&self, effect: &str, rule: &Value, action: &str, level: Option<AccessLevel>) -> Option<Value> {
        let actions = match rule["access"].as_array() {
            Some(levels) => levels.contains(&json!(level?.as_str())).then(|| json!(action))?,
            None => rule["actions"].clone(),
        };
        let text = rule.to_string().replace("${namespace}", self.namespace).replace("${name}", self.name);
        let rule: Value = serde_json::from_str(&text).unwrap();
        let mut statement = json!({"Effect": effect, "Action": actions, "Resource": rule["resources"]});
        for condition in rule["conditions"].as_array().into_iter().flatten() {
            let (operator, key) = (condition["operator"].as_str()?, condition["key"].as_str()?);
            statement["Condition"][operator][key] = condition["values"].clone();
        }
        Some(statement)
    }
}
