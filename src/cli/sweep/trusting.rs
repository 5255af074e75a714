//! Which roles a token of one issuer opens, and what they reach together by their
//! inline policies: the question that is asked on the day on which an issuer was
//! broken into.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::engine::{self, Allows, Parsed};
use crate::domain::Swept;
use crate::names::IssuerUrl;
use crate::plan::account::AccountSettings;
use crate::policy::{Catalogue, explain};

/// What the answer leaves out. It stands under it.
pub const NOT_LOOKED_AT: [&str; 4] = [
    "what attached managed policies allow: they are named, and not read",
    "boundaries and policies of the organisation, which can only take away",
    "policies of resources, which can give more to a role",
    "roles that these roles may assume in turn",
];

/// The roles that were found so far. Asked about nothing, it looks at nothing.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    issuer: Option<IssuerUrl>,
    /// As whom a token's holder asks: the provider's ARN, or the bare host.
    principals: Vec<String>,
    /// What trust documents said before: most are the same.
    known: HashMap<String, Allows>,
    roles: Vec<Role>,
    /// The statements that allow, of all roles that are open.
    union: Vec<Value>,
    denies: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trusting {
    pub issuer: String,
    pub roles: Vec<Role>,
    /// What all roles that are open may do together by their inline policies. What
    /// attached and unreadable policies allow is not in it: see each role.
    pub union: Vec<String>,
    /// Whether roles deny some of that to themselves.
    pub less_denials: bool,
}

/// A role that trusts the issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub arn: String,
    /// Whether it lies on this installation's path.
    pub ours: bool,
    /// The identity that its tags name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Why it cannot be decided whether it trusts the issuer; it is taken for one that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// Whether its own policies leave it nothing.
    pub closed: bool,
    /// Who may assume it, in English.
    pub trust: Vec<String>,
    /// What its inline policies say, in English.
    pub reach: Vec<String>,
    /// Attached managed policies, which were not read.
    pub attached: Vec<String>,
    /// Inline policies that cannot be read, and why.
    pub unreadable: Vec<String>,
    /// When it was last used; absent where IAM knows of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

impl Role {
    /// Whether it is open, and has policies that were not read: it may do more than is said.
    pub fn may_do_more(&self) -> bool {
        !(self.closed || self.attached.is_empty() && self.unreadable.is_empty())
    }
}

impl Trusting {
    /// Whether some role is open to the issuer, or may be.
    pub fn is_open(&self) -> bool {
        self.roles.iter().any(|role| !role.closed)
    }
}

impl Asked {
    /// Asks about an issuer in an account.
    pub fn about(issuer: &IssuerUrl, settings: &AccountSettings) -> Self {
        let host = issuer.host_and_path();
        let provider = format!("arn:{}:iam::{}:oidc-provider/{host}", settings.partition, settings.account);
        Self { issuer: Some(issuer.clone()), principals: vec![provider, host.to_owned()], ..Self::default() }
    }

    /// Looks at one role.
    pub fn look(&mut self, role: &Swept) {
        if self.issuer.is_none() {
            return;
        }
        let undecided = match self.lets_in(role) {
            Allows::Nothing => return,
            Allows::This(_) => None,
            Allows::Undecided(why) => Some(why),
        };
        let found = self.found(role, undecided);
        self.roles.push(found);
    }

    /// Whether a token of the issuer opens the role, decided by the engine.
    fn lets_in(&mut self, role: &Swept) -> Allows {
        let text = role.trust.clone().unwrap_or_else(|why| format!("unreadable: {why}"));
        if let Some(known) = self.known.get(&text) {
            return known.clone();
        }
        let allows = match Parsed::of(&role.trust) {
            Err(why) => Allows::Undecided(format!("its trust policy cannot be read: {why}")),
            Ok(trust) => {
                let mut statements = trust.statements;
                statements.push(json!({
                    "Effect": "Deny", "NotPrincipal": {"Federated": self.principals}, "Action": "*",
                }));
                statements.push(json!({"Effect": "Deny", "Principal": "*", "NotAction": "sts:AssumeRole*"}));
                engine::admitted(&trust.version, &statements)
            }
        };
        self.known.insert(text, allows.clone());
        allows
    }

    fn found(&mut self, role: &Swept, undecided: Option<String>) -> Role {
        let (mut statements, mut unreadable) = (Vec::new(), Vec::new());
        for (name, raw) in &role.inline {
            match Parsed::of(raw) {
                Ok(parsed) => statements.extend(parsed.statements),
                Err(why) => unreadable.push(format!("`{name}`: {why}")),
            }
        }
        let (allows, denies): (Vec<Value>, Vec<Value>) =
            statements.iter().cloned().partition(|statement| statement["Effect"] == "Allow");
        // An explicit denial of everything also closes what attached policies allow.
        let is_denied = !denies.is_empty() && denied_everything(&denies);
        let is_empty = engine::allowed(&version(), &statements) == Allows::Nothing;
        let closed = is_denied || (is_empty && role.attached.is_empty() && unreadable.is_empty());
        let reach = if closed || statements.is_empty() { Vec::new() } else { english(&statements) };
        if !closed {
            self.denies |= !denies.is_empty();
            self.union.extend(allows);
        }
        let trust = Parsed::of(&role.trust).map(|trust| english(&trust.statements)).unwrap_or_default();
        Role {
            arn: role.arn.clone(),
            ours: role.on_our_path,
            identity: role.owner.identity.clone(),
            undecided,
            closed,
            trust,
            reach,
            attached: role.attached.iter().cloned().collect(),
            unreadable,
            last_used: role.last_used.map(|time| time.to_string()),
        }
    }

    /// The answer, once every page was seen.
    pub fn finish(mut self) -> Trusting {
        self.roles.sort_by(|a, b| (a.closed, &a.arn).cmp(&(b.closed, &b.arn)));
        let mut seen = std::collections::BTreeSet::new();
        self.union.retain(|statement| seen.insert(statement.to_string()));
        Trusting {
            issuer: self.issuer.map(|issuer| issuer.to_string()).unwrap_or_default(),
            roles: self.roles,
            union: if self.union.is_empty() { Vec::new() } else { english(&self.union) },
            less_denials: self.denies,
        }
    }
}

/// Whether denials leave nothing of everything.
fn denied_everything(denies: &[Value]) -> bool {
    let mut statements = vec![json!({"Effect": "Allow", "Action": "*", "Resource": "*"})];
    statements.extend_from_slice(denies);
    engine::allowed(&version(), &statements) == Allows::Nothing
}

fn version() -> Value {
    json!("2012-10-17")
}

fn english(statements: &[Value]) -> Vec<String> {
    match engine::policy(&version(), statements) {
        Ok(policy) => {
            let said = explain::document(&policy, Catalogue::embedded());
            said.sentences.into_iter().map(|sentence| sentence.text).collect()
        }
        Err(why) => vec![format!("cannot be said: {why}")],
    }
}
