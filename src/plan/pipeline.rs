//! What the tokens of a pipeline must say for it to be the declared one.
//!
//! INVARIANTS:
//! - Every trust compares the subject, and no pattern in it crosses the border of a repository.
//! - A pattern stands only where the issuer alone decides what stands there, or at the end of a
//!   tag; nobody can make a ref whose name looks like the rest of the subject.
//! - What pull requests of GitHub get (`…:pull_request`) matches nothing.
//!
//! Sources: the issuers' documentation of their claims, and AWS's list of the claims that it
//! compares beside `aud` and `sub`.

use crate::api::v1alpha1::{
    BuildkitePipeline, CircleciPipeline, GithubIds, GithubPipeline, GitlabPipeline, OidcPipeline, PipelineSubject,
};
use crate::names::IssuerUrl;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::{ClaimTest, Context, Document, Outcome, Policy, Request};

/// The issuer of GitHub Actions.
const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// The issuer of Buildkite.
const BUILDKITE: &str = "https://agent.buildkite.com";
/// What a token is exchanged by.
const BY_TOKEN: &str = "sts:AssumeRoleWithWebIdentity";
/// What a UUID looks like to a pattern: so many characters, whatever they are.
const UUID: &str = "????????-????-????-????-????????????";

/// A pipeline, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Who signs its tokens.
    pub issuer: IssuerUrl,
    /// Its repository or project, as a `ScopePolicy` lists it.
    pub project: String,
    /// What the tokens must say beside issuer and audience. `sub` is always among it.
    pub claims: Vec<ClaimTest>,
    /// Which tokens these are, for people.
    pub words: String,
}

/// The tokens that an account accepts of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Their audience.
    pub audience: String,
    /// The ARN of the account's provider for their issuer.
    pub provider: String,
}

impl Tokens {
    /// Whether a trust policy lets exactly such tokens in, by the evaluator: one of them, and none
    /// that differs in its audience, its subject or another claim, or that lacks it; no other
    /// issuer's, and nobody without a token.
    #[must_use]
    pub fn are_admitted_by(&self, trust: &Document) -> bool {
        let Ok(policy) = Policy::read(trust.text()) else { return false };
        let policy = Prepared::new(&policy);
        let host = self.pipeline.issuer.host_and_path();
        let audience = ClaimTest::is("aud", self.audience.clone());
        let claims: Vec<&ClaimTest> = self.pipeline.claims.iter().chain([&audience]).collect();
        let admits = |action: &str, who: &str, changed: Option<(&str, Option<String>)>| {
            let mut context = Context::default();
            for claim in &claims {
                let value = match &changed {
                    Some((key, other)) if *key == claim.key() => other.clone(),
                    _ => Some(claim.example()),
                };
                if let Some(value) = value {
                    context.set(&format!("{host}:{}", claim.key()), value);
                }
            }
            let (resource, principal) = ("*".to_owned(), Some(who.to_owned()));
            let request = Request { action: action.to_owned(), resource, principal, context };
            alone(&policy, &request).outcome == Outcome::Allowed
        };
        let is_let_in = |changed| admits(BY_TOKEN, &self.provider, changed);
        let near = |claim: &ClaimTest| {
            let example = claim.example();
            // What a pattern leaves open stands at its end.
            let more = claim.is_exact().then(|| [format!("{example}x"), example.to_uppercase()]);
            let more = more.into_iter().flatten().filter(|other| *other != example);
            let values = [None, Some(format!("x{example}"))].into_iter().chain(more.map(Some));
            values.map(|value| (claim.key(), value)).collect::<Vec<_>>()
        };
        let root = self.provider.split_once(":oidc-provider/").map(|(account, _)| format!("{account}:root"));
        is_let_in(None)
            && !claims.iter().flat_map(|claim| near(claim)).any(|changed| is_let_in(Some(changed)))
            && !admits(BY_TOKEN, &format!("{}x", self.provider), None)
            && !root.is_some_and(|root| admits("sts:AssumeRole", &root, None))
    }
}

/// What is wrong with a pipeline, and in which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineError {
    /// The field.
    pub field: String,
    /// What is wrong with it, and how to mend it.
    pub message: String,
}

fn wrong(field: &str, message: impl Into<String>) -> PipelineError {
    PipelineError { field: format!("spec.subject.pipeline.{field}"), message: message.into() }
}

/// Checks a pipeline. The API server refuses most of what is wrong, unless its rules are older.
pub fn pipeline(subject: &PipelineSubject) -> Result<Pipeline, PipelineError> {
    match subject {
        PipelineSubject { github: Some(it), gitlab: None, circleci: None, buildkite: None, oidc: None } => github(it),
        PipelineSubject { github: None, gitlab: Some(it), circleci: None, buildkite: None, oidc: None } => gitlab(it),
        PipelineSubject { github: None, gitlab: None, circleci: Some(it), buildkite: None, oidc: None } => circleci(it),
        PipelineSubject { github: None, gitlab: None, circleci: None, buildkite: Some(it), oidc: None } => {
            buildkite(it)
        }
        PipelineSubject { github: None, gitlab: None, circleci: None, buildkite: None, oidc: Some(it) } => oidc(it),
        _ => Err(PipelineError {
            field: "spec.subject.pipeline".to_owned(),
            message: "must set exactly one of `github`, `gitlab`, `circleci`, `buildkite` and `oidc`".to_owned(),
        }),
    }
}

fn issuer(field: &str, url: &str) -> Result<IssuerUrl, PipelineError> {
    IssuerUrl::parse(url).map_err(|error| wrong(field, error.to_string()))
}

/// What a job runs on.
enum Ref<'a> {
    Branch(&'a str),
    Tag(&'a str),
}

impl<'a> Ref<'a> {
    /// Exactly one of both, checked.
    fn one(of: &str, branch: Option<&'a String>, tag: Option<&'a String>) -> Result<Self, PipelineError> {
        match (branch, tag) {
            (Some(branch), None) => Self::branch(of, branch),
            (None, Some(tag)) => Self::tag(of, tag),
            _ => Err(wrong(of, "must set exactly one of `branch` and `tag`")),
        }
    }

    fn branch(of: &str, name: &'a str) -> Result<Self, PipelineError> {
        is_ref(name).then_some(Self::Branch(name)).ok_or_else(|| {
            wrong(
                &format!("{of}.branch"),
                format!("`{name}` is no name of a branch, or has a wildcard: name one branch without `refs/heads/`"),
            )
        })
    }

    fn tag(of: &str, name: &'a str) -> Result<Self, PipelineError> {
        let literal = name.strip_suffix('*').unwrap_or(name);
        (is_ref(literal)).then_some(Self::Tag(name)).ok_or_else(|| {
            wrong(
                &format!("{of}.tag"),
                format!("`{name}` is no name of a tag: name one without `refs/tags/`, or how all begin, such as `v*`"),
            )
        })
    }

    /// As git has it.
    fn full(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
        }
    }

    fn is_pattern(&self) -> bool {
        matches!(self, Self::Tag(name) if name.ends_with('*'))
    }

    fn words(&self) -> String {
        match self {
            Self::Branch(name) => format!("branch `{name}`"),
            Self::Tag(name) if self.is_pattern() => format!("tags `{name}`"),
            Self::Tag(name) => format!("tag `{name}`"),
        }
    }
}

/// Whether this may be the name of a ref, without what git forbids and what patterns mean.
fn is_ref(name: &str) -> bool {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || "*?[\\^~:$".contains(c);
    !name.is_empty()
        && name.len() <= 244
        && !name.starts_with("refs/")
        && !name.contains(is_bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains("//")
        && !name.starts_with(['/', '-'])
        && !name.ends_with(['/', '.'])
}

/// A text of an issuer that is no pattern.
fn literal(field: &str, text: &str) -> Result<(), PipelineError> {
    let is_bad = |c: char| c.is_control() || "*?$:".contains(c);
    if text.is_empty() || text.contains(is_bad) {
        return Err(wrong(field, format!("`{text}` must be a name without `*`, `?`, `$` and `:`")));
    }
    Ok(())
}

/// A repository below its owner: so many names, separated by slashes.
fn path(field: &str, text: &str, most: usize) -> Result<(), PipelineError> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let names = text.split('/').count();
    if (2..=most).contains(&names) && text.split('/').all(is_name) {
        return Ok(());
    }
    Err(wrong(field, format!("`{text}` must be a repository with its owner, such as `acme/shop`")))
}

fn github(it: &GithubPipeline) -> Result<Pipeline, PipelineError> {
    path("github.repository", &it.repository, 2)?;
    let repository = match &it.ids {
        None => it.repository.clone(),
        Some(ids) => with_ids(&it.repository, ids)?,
    };
    let runs_on = match (&it.branch, &it.tag) {
        (None, None) => None,
        (branch, tag) => Some(Ref::one("github", branch.as_ref(), tag.as_ref())?),
    };
    let mut claims = Vec::new();
    let mut words = vec![format!("GitHub Actions of `{}`", it.repository)];
    match (&it.environment, &runs_on) {
        (Some(environment), runs_on) => {
            literal("github.environment", environment)?;
            claims.push(ClaimTest::is("sub", format!("repo:{repository}:environment:{environment}")));
            words.push(format!("in environment `{environment}`"));
            if let Some(runs_on) = runs_on {
                claims.push(on("ref", runs_on.full(), runs_on));
            }
        }
        (None, Some(runs_on)) => claims.push(on("sub", format!("repo:{repository}:ref:{}", runs_on.full()), runs_on)),
        (None, None) if it.workflow.is_some() => {
            let any = ["ref:refs/heads/*", "ref:refs/tags/*", "environment:*"];
            claims.push(ClaimTest::like("sub", any.map(|rest| format!("repo:{repository}:{rest}")).to_vec()));
        }
        (None, None) => {
            let message = "must set at least one of `environment`, `branch`, `tag` and `workflow`: a whole repository is too much";
            return Err(wrong("github", message));
        }
    }
    words.extend(runs_on.as_ref().map(|runs_on| format!("on {}", runs_on.words())));
    if let Some(ids) = &it.ids {
        claims.push(ClaimTest::is("repository_id", ids.repository.clone()));
    }
    if let Some(workflow) = &it.workflow {
        claims.push(ClaimTest::is("job_workflow_ref", workflow_ref(workflow)?));
        words.push(format!("by workflow `{workflow}`"));
    }
    Ok(Pipeline { issuer: issuer("github", GITHUB)?, project: it.repository.clone(), claims, words: words.join(" ") })
}

/// A claim that names what a job runs on.
fn on(key: &'static str, value: String, runs_on: &Ref<'_>) -> ClaimTest {
    if runs_on.is_pattern() { ClaimTest::like(key, vec![value]) } else { ClaimTest::is(key, value) }
}

/// The repository as tokens with ids have it: `acme@1/shop@2`.
fn with_ids(repository: &str, ids: &GithubIds) -> Result<String, PipelineError> {
    for (field, id) in [("github.ids.owner", &ids.owner), ("github.ids.repository", &ids.repository)] {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong(field, format!("`{id}` must be a number, as `gh api repos/OWNER/NAME` shows it")));
        }
    }
    let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
    Ok(format!("{owner}@{}/{name}@{}", ids.owner, ids.repository))
}

/// A workflow's file and ref, checked.
fn workflow_ref(workflow: &str) -> Result<String, PipelineError> {
    let message = || {
        format!(
            "`{workflow}` must be a workflow's file and the ref that it is taken from, such as `acme/ci/.github/workflows/deploy.yaml@refs/heads/main`"
        )
    };
    let refused = || wrong("github.workflow", message());
    let (file, from) = workflow.split_once('@').ok_or_else(refused)?;
    let is_file = file.split('/').count() >= 5 && file.contains("/.github/workflows/") && literal("", file).is_ok();
    let name = from.strip_prefix("refs/heads/").or_else(|| from.strip_prefix("refs/tags/"));
    if is_file && name.is_some_and(is_ref) { Ok(workflow.to_owned()) } else { Err(refused()) }
}

fn gitlab(it: &GitlabPipeline) -> Result<Pipeline, PipelineError> {
    path("gitlab.project", &it.project, 20)?;
    let runs_on = Ref::one("gitlab", it.branch.as_ref(), it.tag.as_ref())?;
    let (kind, name) = match &runs_on {
        Ref::Branch(name) => ("branch", name),
        Ref::Tag(name) => ("tag", name),
    };
    let subject = format!("project_path:{}:ref_type:{kind}:ref:{name}", it.project);
    Ok(Pipeline {
        issuer: issuer("gitlab.issuer", &it.issuer)?,
        project: it.project.clone(),
        claims: vec![on("sub", subject, &runs_on)],
        words: format!("GitLab CI/CD of `{}` on {}", it.project, runs_on.words()),
    })
}

fn circleci(it: &CircleciPipeline) -> Result<Pipeline, PipelineError> {
    for (field, id) in [("circleci.organization", &it.organization), ("circleci.project", &it.project)] {
        if !is_uuid(id) {
            return Err(wrong(
                field,
                format!("`{id}` must be an id such as `0a1b2c3d-0000-4000-8000-000000000000`, in lower case"),
            ));
        }
    }
    path("circleci.origin", &it.origin, 20)?;
    let runs_on = Ref::one("circleci", it.branch.as_ref(), it.tag.as_ref())?;
    let (organization, project, origin) = (&it.organization, &it.project, &it.origin);
    // Who started the job is a UUID of CircleCI's, so nothing that a ref is named can stand there.
    let subject =
        format!("org/{organization}/project/{project}/user/{UUID}/vcs-origin/{origin}/vcs-ref/{}", runs_on.full());
    Ok(Pipeline {
        issuer: issuer("circleci.organization", &format!("https://oidc.circleci.com/org/{organization}"))?,
        project: origin.split_once('/').map_or(origin.as_str(), |(_, path)| path).to_owned(),
        claims: vec![ClaimTest::like("sub", vec![subject])],
        words: format!("CircleCI of `{origin}` on {}", runs_on.words()),
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID.len()
        && text.bytes().zip(UUID.bytes()).all(|(byte, shape)| match shape {
            b'-' => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

fn buildkite(it: &BuildkitePipeline) -> Result<Pipeline, PipelineError> {
    for (field, slug) in [("buildkite.organization", &it.organization), ("buildkite.pipeline", &it.pipeline)] {
        let is_slug = slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if slug.is_empty() || !is_slug {
            return Err(wrong(field, format!("`{slug}` must be a slug, as it stands in the pipeline's URL")));
        }
    }
    let runs_on = Ref::one("buildkite", it.branch.as_ref(), it.tag.as_ref())?;
    if runs_on.is_pattern() {
        // What follows the ref is separated by colons, and a star would pass over them.
        return Err(wrong(
            "buildkite.tag",
            "must name one tag: its subject goes on after the ref, so `*` would match more than tags",
        ));
    }
    let (organization, pipeline) = (&it.organization, &it.pipeline);
    // No ref has a colon in its name, so what follows is what Buildkite puts there.
    let subject = format!("organization:{organization}:pipeline:{pipeline}:ref:{}:commit:*:step:*", runs_on.full());
    Ok(Pipeline {
        issuer: issuer("buildkite", BUILDKITE)?,
        project: format!("{organization}/{pipeline}"),
        claims: vec![ClaimTest::like("sub", vec![subject])],
        words: format!("Buildkite's `{organization}/{pipeline}` on {}", runs_on.words()),
    })
}

fn oidc(it: &OidcPipeline) -> Result<Pipeline, PipelineError> {
    if it.subject.is_empty() || it.subject.contains(|c: char| c.is_control() || ['$', '*', '?'].contains(&c)) {
        return Err(wrong("oidc.subject", "must be one whole subject, without `$`, `*` and `?`"));
    }
    let own = [(GITHUB, "github"), ("https://gitlab.com", "gitlab"), ("https://agent.buildkite.com", "buildkite")];
    let named = own.into_iter().find(|(url, _)| *url == it.issuer).map(|(_, name)| name);
    let circleci = it.issuer.starts_with("https://oidc.circleci.com/").then_some("circleci");
    if let Some(name) = named.or(circleci) {
        let message =
            format!("is the issuer of `{name}`, whose subjects have rules: declare `subject.pipeline.{name}`");
        return Err(wrong("oidc.issuer", message));
    }
    Ok(Pipeline {
        issuer: issuer("oidc.issuer", &it.issuer)?,
        project: it.subject.clone(),
        claims: vec![ClaimTest::is("sub", it.subject.clone())],
        words: format!("`{}` of `{}`", it.subject, it.issuer),
    })
}

#[cfg(test)]
mod tests;
