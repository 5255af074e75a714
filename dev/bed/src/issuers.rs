//! The issuers of pipelines' tokens that the bed's cloud can reach.

use serde_json::{Value, json};

/// An issuer of pipelines' tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issuer {
    /// What the bed calls it.
    pub name: &'static str,
    /// Its URL, as it stands in its tokens.
    pub url: &'static str,
    /// The audience that the bed's account accepts of it.
    pub audience: &'static str,
}

const fn issuer(name: &'static str, url: &'static str, audience: &'static str) -> Issuer {
    Issuer { name, url, audience }
}

const STS: &str = "sts.amazonaws.com";
/// The organization of the bed at CircleCI.
pub const CIRCLECI_ORGANIZATION: &str = "0a1b2c3d-0000-4000-8000-000000000001";

/// One of each kind, under the URLs of the real ones. The last stands for any other.
pub const ISSUERS: [Issuer; 5] = [
    issuer("github", "https://token.actions.githubusercontent.com", STS),
    issuer("gitlab", "https://gitlab.com", "https://gitlab.com"),
    issuer("circleci", "https://oidc.circleci.com/org/0a1b2c3d-0000-4000-8000-000000000001", CIRCLECI_ORGANIZATION),
    issuer("buildkite", "https://agent.buildkite.com", STS),
    issuer("oidc", "https://ci.example.com", "ambit"),
];

/// What the bed's account says of them.
pub(crate) fn declared() -> Value {
    ISSUERS.iter().map(|issuer| json!({"issuer": issuer.url, "audience": issuer.audience})).collect()
}
