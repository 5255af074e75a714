//! Checking a token against a provider and a trust document.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::MemoryRole;
use super::account::{Account, refusal};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Credentials, Provider, SessionSeconds, WebToken};

/// What every part of credentials of this cloud begins with.
pub const CANARY: &str = "canary";

const OPERATION: &str = "sts:AssumeRoleWithWebIdentity";

impl Account {
    /// Whether a token's holder can become a role. A token for tests is the text
    /// `subject|audience`, issued by whatever provider the role trusts.
    pub(super) fn prove(&mut self, name: &str, path: &str, token: &WebToken) -> Result<(), CloudError> {
        let Some((subject, audience)) = token.expose().split_once('|') else {
            return Err(invalid("the web identity token that was passed could not be decoded"));
        };
        let role = self.provable(name).filter(|role| role.path == path).ok_or_else(denied)?;
        let providers = self.trusted_providers(&role);
        if providers.is_empty() {
            return Err(invalid("no OpenIDConnect provider found in your account"));
        }
        let (host, _) = providers
            .into_iter()
            .find(|(_, provider)| provider.audiences.contains(audience))
            .ok_or_else(|| invalid("incorrect token audience"))?;
        let trusted = statements(&role).iter().any(|statement| allows(statement, &host, subject, audience));
        trusted.then_some(()).ok_or_else(denied)
    }

    /// Credentials of a role for a token's holder. Each part is easily recognised, wherever it
    /// should turn up, and tells how often credentials were handed out before.
    pub(super) fn issue(
        &mut self,
        name: &str,
        path: &str,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        self.prove(name, path, token)?;
        if self.role_mut(name).is_none_or(|role| role.session < session.get()) {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned();
            return Err(refusal(ErrorKind::Invalid, OPERATION, "ValidationError", message));
        }
        self.issued += 1;
        let part = |what: &str| format!("{CANARY}-{what}-{}", self.issued);
        let expires = (self.clock)().checked_add(Duration::from_secs(session.get().into())).unwrap_or(Timestamp::MAX);
        Ok(Credentials::new(part("id"), part("key"), part("token"), expires))
    }

    /// The registered providers that the role's trust document names.
    fn trusted_providers(&self, role: &MemoryRole) -> Vec<(String, Provider)> {
        let hosts = statements(role);
        let hosts = hosts.iter().filter_map(federated);
        hosts.filter_map(|host| Some((host.to_owned(), self.providers.get(host)?.clone()))).collect()
    }
}

fn statements(role: &MemoryRole) -> Vec<Value> {
    let document: Value = serde_json::from_str(&role.trust).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    }
}

/// The host and path of the provider that a statement trusts.
fn federated(statement: &Value) -> Option<&str> {
    let arn = statement.pointer("/Principal/Federated").and_then(only)?;
    arn.split_once(":oidc-provider/").map(|(_, host)| host)
}

/// Whether a statement lets this subject and audience in. Every condition must
/// be one that is understood: `StringEquals` on the two claims.
fn allows(statement: &Value, host: &str, subject: &str, audience: &str) -> bool {
    let claim = |key: &String, value: &Value| match key.strip_prefix(host) {
        Some(":sub") => only(value) == Some(subject),
        Some(":aud") => only(value) == Some(audience),
        _ => false,
    };
    let conditions = match statement.get("Condition") {
        None => true,
        Some(Value::Object(operators)) => operators.iter().all(|(operator, keys)| {
            operator == "StringEquals"
                && keys.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| claim(key, value)))
        }),
        Some(_) => false,
    };
    let effect = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let action = statement.get("Action").and_then(only) == Some(OPERATION);
    effect && action && federated(statement) == Some(host) && conditions
}

/// The text of a value that may stand alone or in a list of one.
fn only(value: &Value) -> Option<&str> {
    match value {
        Value::Array(values) if values.len() == 1 => values[0].as_str(),
        value => value.as_str(),
    }
}

fn denied() -> CloudError {
    let message = format!("Not authorized to perform {OPERATION}");
    refusal(ErrorKind::Denied, OPERATION, "AccessDenied", message)
}

fn invalid(message: &str) -> CloudError {
    refusal(ErrorKind::Invalid, OPERATION, "InvalidIdentityToken", message.to_owned())
}
