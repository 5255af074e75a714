//! The questions that a sweep asks of the policy engine. Nothing is ever decided
//! by looking at texts.

use serde_json::{Value, json};

use crate::domain::{Raw, Reading, reading};
use crate::policy::compare::{self, Verdict};
use crate::policy::{Policy, Request};

/// Whether something is allowed at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allows {
    /// Nothing.
    Nothing,
    /// This request, for one.
    This(Box<Request>),
    /// It could not be decided, and why.
    Undecided(String),
}

/// A document that was understood whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Its version.
    pub version: Value,
    /// Its statements.
    pub statements: Vec<Value>,
}

impl Parsed {
    /// Reads a document; why not, if it cannot be understood.
    pub fn of(raw: &Raw) -> Result<Self, String> {
        let document = match reading(raw) {
            Reading::Document(document) => document,
            Reading::Unreadable(why) => return Err(why),
        };
        let mut value: Value = serde_json::from_str(document.text()).map_err(|error| error.to_string())?;
        let version = value.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
        let statements = match value.get_mut("Statement").map(Value::take) {
            Some(Value::Array(all)) => all,
            Some(one @ Value::Object(_)) => vec![one],
            _ => Vec::new(),
        };
        Ok(Self { version, statements })
    }

    /// The statements that allow, with their numbers.
    pub fn allows(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.statements.iter().enumerate().filter(|(_, statement)| statement["Effect"] == "Allow")
    }

    /// The statements that deny.
    pub fn denies(&self) -> impl Iterator<Item = &Value> {
        self.statements.iter().filter(|statement| statement["Effect"] == "Deny")
    }
}

/// A policy of these statements.
pub fn policy(version: &Value, statements: &[Value]) -> Result<Policy, String> {
    let document = json!({"Version": version, "Statement": statements});
    Policy::read(&document.to_string()).map_err(|why| why.to_string())
}

/// Whether these statements of an identity's policies allow anything that there is today.
pub fn allowed(version: &Value, statements: &[Value]) -> Allows {
    let nothing = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    beyond(version, &nothing, statements)
}

/// Whether these statements of a trust policy let anybody in.
pub fn admitted(version: &Value, statements: &[Value]) -> Allows {
    let nothing = json!({"Effect": "Deny", "Principal": "*", "Action": "*"});
    beyond(version, &nothing, statements)
}

fn beyond(version: &Value, nothing: &Value, statements: &[Value]) -> Allows {
    let sides = policy(version, std::slice::from_ref(nothing)).and_then(|old| Ok((old, policy(version, statements)?)));
    let direction = match sides {
        Ok((old, new)) => compare::beyond(&old, &new).map_err(|mismatch| mismatch.to_string()),
        Err(why) => Err(why),
    };
    match direction {
        Err(why) => Allows::Undecided(why),
        Ok(direction) if direction.is_latent() => Allows::Nothing,
        Ok(direction) => match direction.verdict {
            Verdict::None => Allows::Nothing,
            Verdict::New(request) => Allows::This(request),
            Verdict::Unknown { reason, .. } => Allows::Undecided(reason),
        },
    }
}
