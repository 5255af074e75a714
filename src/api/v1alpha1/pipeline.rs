//! A pipeline as a subject: what its tokens must say.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A pipeline, by what the tokens of its issuer say of it. The `CloudAccount` names the
/// issuers that the account trusts, and a `ScopePolicy` the repositories that may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("[has(self.github), has(self.gitlab), has(self.circleci), has(self.buildkite), has(self.oidc)].filter(set, set).size() == 1")
    .message("must set exactly one of `github`, `gitlab`, `circleci`, `buildkite` and `oidc`"))]
pub struct PipelineSubject {
    /// A workflow of GitHub Actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubPipeline>,
    /// A job of GitLab CI/CD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab: Option<GitlabPipeline>,
    /// A job of CircleCI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circleci: Option<CircleciPipeline>,
    /// A job of Buildkite Pipelines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buildkite: Option<BuildkitePipeline>,
    /// Anything else with an OIDC issuer, by one exact subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcPipeline>,
}

/// A workflow of GitHub Actions. A job of a pull request matches only where it names the declared
/// environment: protect that, or set `branch` beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.environment) || has(self.branch) || has(self.tag) || has(self.workflow)")
        .message("must set at least one of `environment`, `branch`, `tag` and `workflow`: a whole repository is too much"),
    validation = Rule::new("!(has(self.branch) && has(self.tag))").message("must not set both `branch` and `tag`")
)]
pub struct GithubPipeline {
    /// The repository with its owner, in the case in which GitHub shows it: `acme/shop`.
    #[schemars(length(min = 3, max = 140), regex(pattern = "^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$"))]
    pub repository: String,
    /// The ids of owner and repository. Set them where the repository's tokens have them in their
    /// subject: the default of GitHub for repositories made or renamed since July 15, 2026.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<GithubIds>,
    /// The environment that the job must name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[^*?$:]+$"))]
    pub environment: Option<String>,
    /// The branch that it must run on: `main`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+$"))]
    pub branch: Option<String>,
    /// The tag that it must run on: `v1.2.0`, or `v*` for all that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+[*]?$"))]
    pub tag: Option<String>,
    /// The file that the job must be written in, with the ref that it is taken from:
    /// `acme/ci/.github/workflows/deploy.yaml@refs/heads/main`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 10, max = 512),
        regex(pattern = "^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+/[^*?$@]+@refs/[^*?$:~^ ]+$")
    )]
    pub workflow: Option<String>,
}

/// Numbers that GitHub never gives to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubIds {
    /// Of the owner.
    #[schemars(length(min = 1, max = 20), regex(pattern = "^[0-9]+$"))]
    pub owner: String,
    /// Of the repository.
    #[schemars(length(min = 1, max = 20), regex(pattern = "^[0-9]+$"))]
    pub repository: String,
}

/// A job of GitLab CI/CD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.branch) != has(self.tag)").message("must set exactly one of `branch` and `tag`"))]
pub struct GitlabPipeline {
    /// The GitLab.
    #[serde(default = "gitlab")]
    #[schemars(length(min = 10, max = 255), regex(pattern = "^https://[^*?#$ ]+[^*?#$ /]$"))]
    pub issuer: String,
    /// The project with its groups: `acme/shop`.
    #[schemars(length(min = 3, max = 255), regex(pattern = "^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$"))]
    pub project: String,
    /// The branch that it must run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+$"))]
    pub branch: Option<String>,
    /// The tag that it must run on: `v1.2.0`, or `v*` for all that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+[*]?$"))]
    pub tag: Option<String>,
}

fn gitlab() -> String {
    "https://gitlab.com".into()
}

/// A job of CircleCI, whose token is that of `CIRCLE_OIDC_TOKEN_V2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.branch) != has(self.tag)").message("must set exactly one of `branch` and `tag`"))]
pub struct CircleciPipeline {
    /// The id of the organization.
    #[schemars(length(min = 36, max = 36), regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub organization: String,
    /// The id of the project.
    #[schemars(length(min = 36, max = 36), regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub project: String,
    /// Where its code comes from: `github.com/acme/shop`.
    #[schemars(length(min = 5, max = 255), regex(pattern = "^[A-Za-z0-9.-]+/[A-Za-z0-9._/-]+$"))]
    pub origin: String,
    /// The branch that it must run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+$"))]
    pub branch: Option<String>,
    /// The tag that it must run on: `v1.2.0`, or `v*` for all that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+[*]?$"))]
    pub tag: Option<String>,
}

/// A job of Buildkite Pipelines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.branch) != has(self.tag)").message("must set exactly one of `branch` and `tag`"))]
pub struct BuildkitePipeline {
    /// The slug of the organization.
    #[schemars(length(min = 1, max = 100), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub organization: String,
    /// The slug of the pipeline.
    #[schemars(length(min = 1, max = 100), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub pipeline: String,
    /// The branch that it must run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+$"))]
    pub branch: Option<String>,
    /// The tag that it must run on: `v1.2.0`, or `v*` for all that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 244), regex(pattern = "^[^*?$:~^ ]+[*]?$"))]
    pub tag: Option<String>,
}

/// Anything that gets tokens from an OIDC issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OidcPipeline {
    /// The issuer's URL, as it stands in the tokens.
    #[schemars(length(min = 10, max = 255), regex(pattern = "^https://[^*?#$ ]+[^*?#$ /]$"))]
    pub issuer: String,
    /// The one subject of the tokens, whole.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[^$*?]+$"))]
    pub subject: String,
}
