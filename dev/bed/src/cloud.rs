//! The cloud endpoint as the bed uses it: who is root, what is planted, what it could not check.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{BedError, Result};
use crate::layout::{Layout, Project};
use crate::process::Program;
use crate::run;
use crate::state::State;

/// The account of the endpoint.
pub const ACCOUNT_ID: &str = "000000000000";
/// The region of the endpoint.
pub const REGION: &str = "us-east-1";
/// Name and secret of the account's root key, with which tests plant and read.
pub const ROOT_KEY: (&str, &str) = ("test", "test");
/// The boundary that every role of the bed must carry.
pub const BOUNDARY_NAME: &str = "ambit-boundary";
/// The cloud user as which the operator runs.
pub const OPERATOR_USER: &str = "ambit-operator";

/// The cluster of EKS that the bed's own cluster is, where roles come to pods by EKS Pod Identity.
pub const CLUSTER_NAME: &str = "bed";

/// The cluster's ARN.
#[must_use]
pub fn cluster_arn() -> String {
    format!("arn:aws:eks:{REGION}:{ACCOUNT_ID}:cluster/{CLUSTER_NAME}")
}

/// The queue into which the endpoint puts what is done to IAM, where a bed has one.
pub(crate) const QUEUE_NAME: &str = "ambit-events";

/// The queue's URL, as SQS gives it; every client calls the endpoint all the same.
#[must_use]
pub fn queue_url() -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{QUEUE_NAME}")
}

/// What no identity may ever do, whatever it is granted.
pub(crate) const BOUNDARY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Anything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Sid": "ButNoAccessToAccess", "Effect": "Deny", "Action": ["iam:*", "organizations:*"], "Resource": "*"}
  ]
}
"#;

/// The boundary's ARN.
#[must_use]
pub fn boundary_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT_ID}:policy/{BOUNDARY_NAME}")
}

/// The variables with which an AWS client is root at this address.
pub(crate) fn root_environment(url: &str) -> BTreeMap<String, String> {
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", ROOT_KEY.0),
        ("AWS_SECRET_ACCESS_KEY", ROOT_KEY.1),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Runs `plant.py` as root, past the proxy, so that planting is not counted.
pub(crate) async fn plant(project: &Project, layout: &Layout, state: &State, args: &[&str]) -> Result<Value> {
    let mut program = Program::new(project.python()?)
        .arg(project.cloud_code().join("plant.py").to_string_lossy())
        .args(args.iter().copied());
    program.env.extend(root_environment(&state.cloud_url()));
    let text = run::stdout(&program, layout.dir(), project.root(), None).await?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).map_err(|error| BedError::Parse {
        what: format!("what `plant.py {}` printed", args.join(" ")),
        problem: error.to_string(),
    })
}

/// Fails when the endpoint let an action pass that it could not check.
pub(crate) fn check_events(log: &str) -> Result<()> {
    let lines: Vec<&str> = log.lines().filter(|line| line.to_lowercase().contains("unmapped")).collect();
    if lines.is_empty() { Ok(()) } else { Err(BedError::Unmapped { lines: lines.join("; ") }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchecked_action_is_found_in_the_log() {
        assert!(check_events("INFO endpoint ready\nINFO call iam:GetRole\n").is_ok());
        let error = check_events("INFO ready\nWARNING unmapped action iam:Foo allowed\n").unwrap_err();
        assert!(error.to_string().ends_with(": WARNING unmapped action iam:Foo allowed"), "{error}");
    }

    #[test]
    fn the_boundary_is_a_policy_document() {
        let document: Value = serde_json::from_str(BOUNDARY).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
    }
}
