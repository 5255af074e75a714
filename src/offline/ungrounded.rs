//! What can be said of an identity without its account: most mistakes in scopes
//! are mistakes in any account.

use std::collections::BTreeSet;

use super::world::Declared;
use crate::api::v1alpha1::CloudAccountSpec;
use crate::names::{Arn, InstallationId};
use crate::plan::account::AccountSettings;
use crate::plan::pipeline::pipeline;
use crate::plan::{Declaration, Fault, Reason, Refusal, Resolved, compile};
use crate::policy::{Catalogue, Document};

/// The account of an identity that names none in its resources.
const ANY: &str = "000000000000";

/// A declaration in an account of which nothing is known but what its resources say of it.
struct Guess {
    outcome: Result<Resolved, Refusal>,
    /// Whether its resources name no more than one account.
    sure: bool,
}

/// What is wrong with the declaration in whatever account it is. The account that its resources
/// name is taken to be its own; where they name several, only what does not depend on it is told.
pub(super) fn faults(declared: &Declared, installation: &InstallationId, catalogue: &Catalogue) -> Vec<Fault> {
    match guess(declared, installation, catalogue) {
        Some(Guess { outcome: Err(refusal), sure }) => {
            refusal.faults.into_iter().filter(|fault| sure || fault.reason == Reason::UnknownAction).collect()
        }
        _ => Vec::new(),
    }
}

/// The permissions that the declaration compiles to in whatever account it is.
#[must_use]
pub fn permissions(declared: &Declared, installation: &InstallationId, catalogue: &Catalogue) -> Option<Document> {
    let resolved = guess(declared, installation, catalogue)?.outcome.ok()?;
    Some(resolved.desired.permissions)
}

fn guess(declared: &Declared, installation: &InstallationId, catalogue: &Catalogue) -> Option<Guess> {
    let resources = declared.identity.spec.scopes.iter().flat_map(|scope| &scope.resources);
    let arns: Vec<Arn> = resources.filter_map(|text| Arn::parse(text).ok()).collect();
    let partitions: BTreeSet<&str> = arns.iter().map(Arn::partition).collect();
    let accounts: BTreeSet<&str> = arns.iter().map(Arn::account).filter(|account| !account.is_empty()).collect();
    let partition = partitions.first().copied().unwrap_or("aws");
    let account = accounts.first().copied().unwrap_or(ANY);
    // An account of a pipeline's identity lists its issuer.
    let pipeline = declared.identity.spec.subject.pipeline.as_ref().and_then(|subject| pipeline(subject).ok());
    let issuers: Vec<String> = pipeline.iter().map(|pipeline| pipeline.issuer.to_string()).collect();
    let found = settings(partition, account, &issuers, installation);
    let sure = found.is_some() && partitions.len() < 2 && accounts.len() < 2;
    let settings = found.or_else(|| settings("aws", ANY, &issuers, installation))?;
    let declaration = Declaration { identity: &declared.identity, key: &declared.key };
    Some(Guess { outcome: compile(declaration, settings, installation, catalogue), sure })
}

/// An account with nothing of its own but its place.
fn settings(
    partition: &str,
    account: &str,
    issuers: &[String],
    installation: &InstallationId,
) -> Option<AccountSettings> {
    let region = match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    };
    let pipelines: Vec<_> = issuers.iter().map(|issuer| serde_json::json!({"issuer": issuer})).collect();
    let spec: CloudAccountSpec = serde_json::from_value(serde_json::json!({
        "aws": {
            "accountId": account, "partition": partition, "region": region,
            "permissionsBoundaryArn": format!("arn:{partition}:iam::{account}:policy/boundary"),
            "federation": {"webIdentity": {"issuer": "https://example.com"}, "pipelines": pipelines},
        },
    }))
    .ok()?;
    AccountSettings::parse(&spec, installation).ok()
}
