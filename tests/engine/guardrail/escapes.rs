//! Escapes: what somebody might try who wants more than the policies allow, and
//! with which sentence it is refused.

use super::{identity, judged, policy};
use ambit::names::IdentityKey;
use serde::Deserialize;
use serde_json::Value;

/// At least so many are tried.
const ESCAPES: usize = 25;

/// One attempt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Escape {
    /// What is tried.
    name: String,
    /// The identity's namespace and name, where that matters.
    #[serde(default = "orders")]
    identity: String,
    /// The policy, `shop`.
    policy: Value,
    /// A second policy, `more`.
    #[serde(default)]
    more: Option<Value>,
    /// The identity's `spec` without account and subject.
    asks: Value,
    /// Each fault: its reason, its field and the sentence.
    refused: Vec<String>,
}

fn orders() -> String {
    "shop/orders".to_owned()
}

impl Escape {
    /// What the operator says.
    fn said(&self) -> Vec<String> {
        let (namespace, name) = self.identity.split_once('/').unwrap();
        let key = IdentityKey::new(namespace, name);
        let mut policies = Vec::new();
        for (name, rules) in [("shop", Some(&self.policy)), ("more", self.more.as_ref())] {
            match rules.map(|rules| policy(name, rules)).transpose() {
                Ok(policy) => policies.extend(policy),
                Err(error) => return vec![format!("the policy cannot be written: {error}")],
            }
        }
        let identity = match identity(&key, &self.asks) {
            Ok(identity) => identity,
            Err(error) => return vec![format!("the identity cannot be written: {error}")],
        };
        let Err(refusal) = judged(&key, &identity, policies) else { return vec!["accepted".to_owned()] };
        refusal.faults.iter().map(|fault| format!("{:?} {}: {}", fault.reason, fault.field, fault.message)).collect()
    }
}

#[test]
fn every_escape_is_refused_with_the_right_sentence() {
    let escapes: Vec<Escape> = serde_saphyr::from_str(include_str!("escapes.yaml")).unwrap();
    assert!(escapes.len() >= ESCAPES, "only {} escapes are tried", escapes.len());
    let mut wrong = Vec::new();
    for escape in &escapes {
        let said = escape.said();
        if said != escape.refused {
            wrong.push(format!("{}\n{}", escape.name, serde_json::to_string_pretty(&said).unwrap()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), escapes.len(), wrong.join("\n\n"));
}
