use serde_json::{Map, Value, json};

use super::*;
use crate::names::Arn;
use crate::policy::web_identity_trust;

fn subject(value: Value) -> PipelineSubject {
    serde_json::from_value(value).unwrap()
}

/// The tokens that an account accepts of a pipeline, and the trust that says so.
fn trusted(value: Value, audience: &str) -> (Tokens, Document) {
    let pipeline = pipeline(&subject(value)).unwrap();
    let provider = format!("arn:aws:iam::123456789012:oidc-provider/{}", pipeline.issuer.host_and_path());
    let arn = Arn::parse(&provider).unwrap();
    let trust = web_identity_trust(&arn, &pipeline.issuer, audience, &pipeline.claims).unwrap();
    (Tokens { pipeline, audience: audience.to_owned(), provider }, trust)
}

/// The claims that AWS compares, of any issuer or of GitHub's.
const COMPARED: [&str; 11] = [
    "aud",
    "sub",
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "workflow",
];

/// Whether a trust lets in a token with these claims.
fn admits((tokens, trust): &(Tokens, Document), claims: &Map<String, Value>) -> bool {
    let host = tokens.pipeline.issuer.host_and_path();
    let mut context = Context::default();
    for (key, value) in claims {
        if let (true, Some(value)) = (COMPARED.contains(&key.as_str()), value.as_str()) {
            context.set(&format!("{host}:{key}"), value);
        }
    }
    let request = Request {
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: "*".to_owned(),
        principal: Some(tokens.provider.clone()),
        context,
    };
    alone(&Prepared::new(&Policy::read(trust.text()).unwrap()), &request).outcome == Outcome::Allowed
}

const ORG: &str = "0a1b2c3d-0000-4000-8000-000000000001";
const PROJECT: &str = "0a1b2c3d-0000-4000-8000-000000000002";

/// What each issuer is asked for, a token that it mints then, and tokens that only look like it.
#[test]
fn exactly_the_pinned_tokens_are_let_in() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("tokens.json")).unwrap();
    let mut refused = 0;
    for case in &cases {
        let claims = case["claims"].as_object().unwrap();
        let trusted = trusted(case["pipeline"].clone(), claims["aud"].as_str().unwrap());
        assert!(trusted.0.are_admitted_by(&trusted.1), "{:?}", trusted.0.pipeline);
        assert!(admits(&trusted, claims), "{}: {claims:?}", case["name"]);
        let found = crate::plan::lint::inexact(trusted.1.text());
        assert_eq!(found, None, "the linter lets `{}` pass", case["name"]);
        for (name, changes) in case["nearMisses"].as_object().unwrap() {
            let mut claims = claims.clone();
            claims.extend(changes.as_object().unwrap().clone());
            assert!(!admits(&trusted, &claims), "{}, {name}: is let in by {}", case["name"], trusted.1.text());
            refused += 1;
        }
    }
    assert!(refused >= 70, "{refused}");
}

/// What the API server refuses is refused here as well, and the rest of what is wrong.
#[test]
fn what_is_too_much_or_nothing_is_refused_with_its_field() {
    let refused = |value: Value| {
        let error = pipeline(&subject(value)).unwrap_err();
        (error.field.strip_prefix("spec.subject.").unwrap().to_owned(), error.message)
    };
    let field = |value: Value| refused(value).0;
    assert_eq!(field(json!({})), "pipeline");
    assert_eq!(
        refused(json!({"github": {"repository": "acme/shop"}})),
        (
            "pipeline.github".to_owned(),
            "must set at least one of `environment`, `branch`, `tag` and `workflow`: a whole repository is too much"
                .to_owned()
        )
    );
    let github = |key: &str, value: &str| field(json!({"github": {"repository": "acme/shop", key: value}}));
    for repository in
        ["acme", "acme/*", "acme/", "/shop", "acme/shop/x", "acme/..", "a:b/c", "acme/shop:ref:refs/heads/x"]
    {
        assert_eq!(
            field(json!({"github": {"repository": repository, "branch": "main"}})),
            "pipeline.github.repository"
        );
    }
    for branch in ["*", "ma*n", "refs/heads/main", "a b", "a:b", "a..b", "", "-x", "x/", "${aws:username}"] {
        assert_eq!(github("branch", branch), "pipeline.github.branch", "{branch}");
    }
    for tag in ["*", "v*1", "**", "refs/tags/v1"] {
        assert_eq!(github("tag", tag), "pipeline.github.tag", "{tag}");
    }
    for environment in ["*", "a:b", "a?"] {
        assert_eq!(github("environment", environment), "pipeline.github.environment", "{environment}");
    }
    for workflow in [
        "deploy.yaml",
        "acme/ci/.github/workflows/d.yaml",
        "acme/ci/.github/workflows/*.yaml@refs/heads/main",
        "acme/ci/.github/workflows/d.yaml@refs/heads/*",
        "acme/ci/.github/workflows/d.yaml@main",
    ] {
        assert_eq!(github("workflow", workflow), "pipeline.github.workflow", "{workflow}");
    }
    let bad_id = json!({"github": {"repository": "a/b", "branch": "main", "ids": {"owner": "x", "repository": "2"}}});
    assert_eq!(field(bad_id), "pipeline.github.ids.owner");
    assert_eq!(field(json!({"gitlab": {"project": "acme/shop"}})), "pipeline.gitlab");
    assert_eq!(field(json!({"gitlab": {"project": "shop", "branch": "main"}})), "pipeline.gitlab.project");
    let circleci = |organization: &str| json!({"circleci": {"organization": organization, "project": PROJECT, "origin": "github.com/acme/shop", "branch": "main"}});
    assert_eq!(field(circleci(&ORG.to_uppercase())), "pipeline.circleci.organization");
    assert_eq!(field(circleci("????????-????-????-????-????????????")), "pipeline.circleci.organization");
    let tags = json!({"buildkite": {"organization": "acme", "pipeline": "shop", "tag": "v*"}});
    assert_eq!(field(tags), "pipeline.buildkite.tag");
    assert_eq!(field(json!({"oidc": {"issuer": "http://x", "subject": "a"}})), "pipeline.oidc.issuer");
    assert_eq!(field(json!({"oidc": {"issuer": "https://x.example", "subject": "${a}"}})), "pipeline.oidc.subject");
    assert_eq!(field(json!({"oidc": {"issuer": "https://x.example", "subject": "job:*"}})), "pipeline.oidc.subject");
    for issuer in [GITHUB, "https://gitlab.com", "https://agent.buildkite.com", "https://oidc.circleci.com/org/x"] {
        let round = json!({"oidc": {"issuer": issuer, "subject": "repo:acme/shop:pull_request"}});
        assert_eq!(field(round), "pipeline.oidc.issuer", "{issuer}");
    }
}

/// What is read back may be wider than what was written.
#[test]
fn a_trust_that_lets_in_more_does_not_pass() {
    let value = json!({"github": {"repository": "acme/shop", "environment": "prod"}});
    let (tokens, exact) = trusted(value, "sts.amazonaws.com");
    assert!(tokens.are_admitted_by(&exact));
    let changed = |from: &str, to: &str| {
        let text = exact.text().replace(from, to);
        assert_ne!(text, exact.text(), "{from}");
        Document::read(&text).unwrap()
    };
    let everybody =
        r#"[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"},"#;
    let statement = exact.text().split_once("\"Statement\":").unwrap().1;
    let one = statement.strip_prefix('[').unwrap_or(statement);
    let ending =
        if statement.starts_with('[') { one.to_owned() } else { format!("{}]}}", one.strip_suffix('}').unwrap()) };
    let more = Document::read(&format!("{{\"Version\":\"2012-10-17\",\"Statement\":{everybody}{ending}")).unwrap();
    assert!(!tokens.are_admitted_by(&more), "somebody without a token");
    for (from, to) in [
        (r#""StringEquals""#, r#""StringEqualsIgnoreCase""#),
        ("environment:prod", "environment:dev"),
        (
            r#":"repo:acme/shop:environment:prod""#,
            r#":["repo:acme/shop:environment:prod","repo:acme/shop:environment:prodx"]"#,
        ),
        (r#":"sts.amazonaws.com""#, r#":["sts.amazonaws.com","sts.amazonaws.comx"]"#),
        ("oidc-provider/token", "oidc-provider/other.token"),
    ] {
        assert!(!tokens.are_admitted_by(&changed(from, to)), "{to}");
    }
    let (from, to) = (r#""StringEquals""#, r#""StringLike""#);
    let starred =
        Document::read(&exact.text().replace(from, to).replace("environment:prod", "environment:prod*")).unwrap();
    assert!(!tokens.are_admitted_by(&starred), "whatever begins like it");
}
