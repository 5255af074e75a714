//! Reading what EventBridge delivers: a record of CloudTrail in an envelope.
//!
//! Whatever the text is, an answer comes: nothing in it is taken for granted,
//! and what it says is cut and cleaned before it goes on.

use jiff::Timestamp;
use serde_json::Value;

use super::{CLOSED, PERMISSIONS, SESSIONS};
use crate::cloud::Record;
use crate::domain::{ChangeEvent, Target};
use crate::names::printable;

/// The longest text that is read: the longest message that SQS keeps.
const LONGEST_BODY: usize = 1024 * 1024;
/// The longest name of a principal, and of what was changed, that is kept.
const LONGEST_NAME: usize = 512;
const LONGEST_WORD: usize = 128;

const API_CALL: &str = "AWS API Call via CloudTrail";
const IAM: &str = "iam.amazonaws.com";

/// What an account's records are read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reader {
    /// The account's number.
    pub account: String,
    /// The ARN under which the operator itself calls, as STS tells it.
    pub caller: String,
    /// The ARN of the policy that bounds every role.
    pub boundary: String,
    /// The ARN of the provider that stands for the issuer, where there is one.
    pub provider: Option<String>,
}

/// Why a text is no record of something that somebody did here.
enum Refused {
    /// It is a record of something else.
    Foreign,
    /// It is none, and why.
    Malformed(String),
}

impl From<Refused> for Record {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Foreign => Self::Foreign,
            Refused::Malformed(why) => Self::Malformed(why),
        }
    }
}

impl Reader {
    /// What a message says.
    pub fn read(&self, body: &str) -> Record {
        if body.len() > LONGEST_BODY {
            return malformed(&format!("it has {} bytes, and at most {LONGEST_BODY} are read", body.len())).into();
        }
        match serde_json::from_str::<Value>(body) {
            Ok(envelope) => self.envelope(&envelope).unwrap_or_else(Record::from),
            Err(error) => malformed(&format!("it is not JSON: {error}")).into(),
        }
    }

    fn envelope(&self, envelope: &Value) -> Result<Record, Refused> {
        if envelope.get("Type").is_some() && envelope.get("Message").is_some() {
            return Err(malformed("it was sent by SNS: have the rule deliver to the queue itself"));
        }
        if envelope.get("Records").is_some() {
            return Err(malformed("it is no event of EventBridge: have a rule of EventBridge deliver to the queue"));
        }
        if text(envelope, "detail-type")? != API_CALL || text(envelope, "source")? != "aws.iam" {
            return Err(Refused::Foreign);
        }
        let detail = envelope.get("detail").filter(|detail| detail.is_object());
        self.detail(detail.ok_or_else(|| malformed("`detail` must be the record of a call"))?)
    }

    fn detail(&self, detail: &Value) -> Result<Record, Refused> {
        let changes_something = text(detail, "eventSource")? == IAM
            && text(detail, "recipientAccountId")? == self.account
            && detail.get("readOnly").is_none_or(|value| *value != Value::Bool(true))
            && detail.get("errorCode").is_none_or(Value::is_null);
        if !changes_something {
            return Err(Refused::Foreign);
        }
        let operation = text(detail, "eventName")?;
        let (role, target) = self.about(operation, detail)?;
        if self.is_own(detail) {
            return Ok(Record::Ours);
        }
        let change = change(detail, operation, target)?;
        Ok(match role {
            Some(name) => Record::Role { name, change },
            None => Record::Account(change),
        })
    }

    /// What a call was about: a role, by name, or what all roles rely on.
    fn about(&self, operation: &str, detail: &Value) -> Result<(Option<String>, Target), Refused> {
        let asked = Asked(detail);
        let target = match operation {
            "CreateRole" | "DeleteRole" => Target::Role,
            "UpdateRole" => Target::Session,
            "UpdateAssumeRolePolicy" => Target::Trust,
            "PutRolePermissionsBoundary" | "DeleteRolePermissionsBoundary" => Target::Boundary,
            "TagRole" | "UntagRole" => Target::Tags,
            "PutRolePolicy" | "DeleteRolePolicy" => inline(asked.must("policyName")?),
            "AttachRolePolicy" | "DetachRolePolicy" => Target::Attachment(cut(asked.must("policyArn")?, LONGEST_NAME)),
            _ => return self.about_the_account(operation, &asked),
        };
        Ok((Some(cut(asked.must("roleName")?, LONGEST_WORD)), target))
    }

    fn about_the_account(&self, operation: &str, asked: &Asked<'_>) -> Result<(Option<String>, Target), Refused> {
        let is_provider = |arn: &str| self.provider.as_deref() == Some(arn);
        let found = match operation {
            "CreatePolicy" => {
                let path = asked.may("path").unwrap_or("/");
                let end = format!(":policy{path}{}", asked.must("policyName")?);
                self.boundary.ends_with(&end).then_some(Target::BoundaryPolicy)
            }
            "CreatePolicyVersion" | "DeletePolicyVersion" | "SetDefaultPolicyVersion" | "DeletePolicy" => {
                (asked.must("policyArn")? == self.boundary).then_some(Target::BoundaryPolicy)
            }
            "CreateOpenIDConnectProvider" => {
                let url = asked.must("url")?;
                let host = url.split_once("://").map_or(url, |(_, host)| host).trim_end_matches('/');
                let end = format!(":oidc-provider/{host}");
                self.provider.as_ref().is_some_and(|arn| arn.ends_with(&end)).then_some(Target::Provider)
            }
            "DeleteOpenIDConnectProvider"
            | "AddClientIDToOpenIDConnectProvider"
            | "RemoveClientIDFromOpenIDConnectProvider"
            | "UpdateOpenIDConnectProviderThumbprint"
            | "TagOpenIDConnectProvider"
            | "UntagOpenIDConnectProvider" => {
                is_provider(asked.must("openIDConnectProviderArn")?).then_some(Target::Provider)
            }
            _ => None,
        };
        found.map(|target| (None, target)).ok_or(Refused::Foreign)
    }

    /// Whether the operator did it itself, in whatever session of its role.
    fn is_own(&self, detail: &Value) -> bool {
        let caller = detail.pointer("/userIdentity/arn").and_then(Value::as_str);
        caller.is_some_and(|caller| without_session(caller) == without_session(&self.caller))
    }
}

/// An inline policy by its name: one of Ambit's own, or another.
fn inline(name: &str) -> Target {
    match name {
        PERMISSIONS => Target::Permissions,
        CLOSED | SESSIONS => Target::Denial,
        name => Target::Inline(cut(name, LONGEST_WORD)),
    }
}

/// The ARN of an assumed role without the name of the session, which each login makes anew.
fn without_session(arn: &str) -> &str {
    let Some((_, role)) = arn.split_once(":assumed-role/") else { return arn };
    role.split_once('/').map_or(arn, |(_, session)| arn.strip_suffix(session).unwrap_or(arn))
}

fn change(detail: &Value, operation: &str, target: Target) -> Result<ChangeEvent, Refused> {
    let at = text(detail, "eventTime")?;
    let at =
        at.parse::<Timestamp>().map_err(|_| malformed("`eventTime` must be a time such as 2026-01-31T12:00:00Z"))?;
    Ok(ChangeEvent {
        at,
        event: cut(text(detail, "eventID")?, LONGEST_WORD),
        operation: format!("iam:{}", cut(operation, LONGEST_WORD - 4)),
        principal: principal(detail),
        source: detail
            .get("sourceIPAddress")
            .and_then(Value::as_str)
            .filter(|source| !source.is_empty())
            .map(|source| cut(source, LONGEST_WORD)),
        target,
    })
}

/// Who called, by the best name that the record has.
fn principal(detail: &Value) -> String {
    let named = |path: &str| detail.pointer(path).and_then(Value::as_str).filter(|name| !name.is_empty());
    let best = ["arn", "invokedBy", "principalId", "userName", "accountId", "type"]
        .iter()
        .find_map(|field| named(&format!("/userIdentity/{field}")));
    cut(best.unwrap_or("somebody unknown"), LONGEST_NAME)
}

/// What a call was asked to do.
struct Asked<'a>(&'a Value);

impl<'a> Asked<'a> {
    fn may(&self, parameter: &str) -> Option<&'a str> {
        self.0.get("requestParameters")?.get(parameter)?.as_str()
    }

    fn must(&self, parameter: &str) -> Result<&'a str, Refused> {
        let found = self.may(parameter).filter(|value| !value.is_empty());
        found.ok_or_else(|| malformed(&format!("`requestParameters.{parameter}` must be a text")))
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Refused> {
    value.get(field).and_then(Value::as_str).ok_or_else(|| malformed(&format!("`{field}` must be a text")))
}

fn malformed(why: &str) -> Refused {
    Refused::Malformed(shortened(why, LONGEST_NAME))
}

/// A text of somebody else's, fit to stand between backticks.
fn cut(text: &str, most: usize) -> String {
    shortened(&text.replace('`', "'"), most)
}

/// A text on one line, without what could disguise it, and cut.
fn shortened(text: &str, most: usize) -> String {
    let mut kept = printable(&text.chars().take(most).collect::<String>());
    if text.chars().nth(most).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
#[path = "trail_tests.rs"]
mod tests;
