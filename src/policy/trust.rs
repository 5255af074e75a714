//! Who may assume a role: documents compiled from names, never from user text.

use super::document::{Document, size_for_iam};
use super::scope::check_text;
use super::statement::{Clause, Policy, Principal, Statement, Test, Who};
use crate::names::{Arn, ClusterArn, IssuerUrl, shortened};

/// The most characters that IAM takes in a trust policy unless its quota was raised.
pub const MAX_TRUST: usize = 2048;

/// The service that becomes a role for pods of EKS.
pub const POD_IDENTITY: &str = "pods.eks.amazonaws.com";

/// What that service calls: the one to become the role, the other to say for whom. Both calls come
/// with the same claims.
pub const POD_IDENTITY_ACTIONS: [&str; 2] = ["sts:AssumeRole", "sts:TagSession"];

/// Why a trust policy cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The provider's ARN is that of another issuer, or of something else.
    #[error("`{provider}` is not the OIDC provider of issuer `{issuer}`: it must end in `:oidc-provider/{issuer}`")]
    Provider {
        /// The ARN.
        provider: String,
        /// The issuer without its scheme.
        issuer: String,
    },
    /// An audience or subject that IAM would not compare literally.
    #[error(
        "{what} `{text}` cannot be trusted exactly: it must have printable characters, no `${{`, and must not be empty"
    )]
    Claim {
        /// `audience`, `subject`, or the name of what else is compared.
        what: &'static str,
        /// The text, cut to a length fit for a message.
        text: String,
    },
    /// A trust in everybody whom the issuer knows.
    #[error(
        "the trust policy must compare the subject of tokens: without that, everybody whom the issuer knows is let in"
    )]
    NoSubject,
    /// More than IAM takes.
    #[error("the trust policy has {0} characters: at most {MAX_TRUST} are allowed")]
    TooLarge(usize),
}

/// What a token must say in one of its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimTest {
    key: &'static str,
    /// One of these.
    values: Vec<String>,
    /// Whether `*` and `?` stand for other text in them.
    is_pattern: bool,
}

impl ClaimTest {
    /// The claim says exactly this.
    #[must_use]
    pub fn is(key: &'static str, value: impl Into<String>) -> Self {
        Self { key, values: vec![value.into()], is_pattern: false }
    }

    /// The claim fits one of these patterns.
    #[must_use]
    pub fn like(key: &'static str, values: Vec<String>) -> Self {
        Self { key, values, is_pattern: true }
    }

    /// The claim's name.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Whether it takes one value and no other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.is_pattern
    }

    /// A value that it takes.
    #[must_use]
    pub fn example(&self) -> String {
        let first = self.values.first().cloned().unwrap_or_default();
        if self.is_pattern { first.replace('*', "x").replace('?', "0") } else { first }
    }

    fn test(&self, host: &str) -> Result<Test, TrustError> {
        // `StringEquals` takes `*` literally, but variables are replaced everywhere.
        self.values.iter().try_for_each(|value| literal(self.what(), value))?;
        let operator = if self.is_pattern { "StringLike" } else { "StringEquals" };
        Ok(Test { operator: operator.into(), key: format!("{host}:{}", self.key), values: self.values.clone() })
    }

    fn what(&self) -> &'static str {
        match self.key {
            "aud" => "audience",
            "sub" => "subject",
            other => other,
        }
    }
}

/// A text that IAM compares as it stands.
fn literal(what: &'static str, text: &str) -> Result<(), TrustError> {
    let is_literal = !text.is_empty() && check_text(text).is_ok();
    is_literal.then_some(()).ok_or_else(|| TrustError::Claim { what, text: shortened(text) })
}

/// Trust in tokens of an OIDC issuer for exactly one audience, with these claims. The subject
/// must be among them.
pub fn web_identity_trust(
    provider: &Arn,
    issuer: &IssuerUrl,
    audience: &str,
    claims: &[ClaimTest],
) -> Result<Document, TrustError> {
    let host = issuer.host_and_path();
    if provider.service() != "iam" || provider.resource().strip_prefix("oidc-provider/") != Some(host) {
        return Err(TrustError::Provider { provider: shortened(provider.as_str()), issuer: shortened(host) });
    }
    if !claims.iter().any(|claim| claim.key == "sub") {
        return Err(TrustError::NoSubject);
    }
    let audience = ClaimTest::is("aud", audience);
    let tests = [&audience].into_iter().chain(claims).map(|claim| claim.test(host));
    let mut conditions = tests.collect::<Result<Vec<Test>, _>>()?;
    // As the writer needs them.
    conditions.sort_by(|one, other| (&one.operator, &one.key).cmp(&(&other.operator, &other.key)));
    written(("Federated", provider.as_str()), &["sts:AssumeRoleWithWebIdentity"], conditions)
}

/// What EKS says of the pod for which it becomes a role, as condition keys with their values:
/// session tags, which nobody but the service sets, and the account that it works for.
#[must_use]
pub fn pod_identity_claims(
    cluster: &ClusterArn,
    namespace: &str,
    service_account: &str,
) -> [(&'static str, String); 4] {
    // As the writer needs them. The name of a cluster says neither its region nor its account.
    [
        ("aws:RequestTag/eks-cluster-arn", cluster.to_string()),
        ("aws:RequestTag/kubernetes-namespace", namespace.to_owned()),
        ("aws:RequestTag/kubernetes-service-account", service_account.to_owned()),
        ("aws:SourceAccount", cluster.account().to_owned()),
    ]
}

/// Trust in EKS for the pods of exactly one service account of one cluster.
pub fn pod_identity_trust(
    cluster: &ClusterArn,
    namespace: &str,
    service_account: &str,
) -> Result<Document, TrustError> {
    literal("namespace", namespace)?;
    literal("service account", service_account)?;
    let claims = pod_identity_claims(cluster, namespace, service_account);
    let tests =
        claims.map(|(key, value)| Test { operator: "StringEquals".into(), key: key.into(), values: vec![value] });
    written(("Service", POD_IDENTITY), &POD_IDENTITY_ACTIONS, tests.into())
}

/// A trust policy of one statement.
fn written((kind, who): (&str, &str), actions: &[&str], conditions: Vec<Test>) -> Result<Document, TrustError> {
    let statement = Statement {
        sid: None,
        allows: true,
        principal: Some(Principal { negated: false, who: Who::Named(vec![(kind.to_owned(), vec![who.to_owned()])]) }),
        action: Clause::of(actions.iter().map(|action| (*action).to_owned())),
        resource: None,
        conditions,
        unknown: Vec::new(),
    };
    let document = Document::write(Policy::of(vec![statement]));
    match size_for_iam(document.text()) {
        size if size > MAX_TRUST => Err(TrustError::TooLarge(size)),
        _ => Ok(document),
    }
}

/// Permissions that deny everything: what closes a role before it is deleted.
#[must_use]
pub fn deny_all() -> Document {
    Document::write(Policy::of(vec![Statement {
        sid: Some("AmbitClosed".into()),
        allows: false,
        principal: None,
        action: Clause::of(["*".into()]),
        resource: Some(Clause::of(["*".into()])),
        conditions: Vec::new(),
        unknown: Vec::new(),
    }]))
}

/// A trust that lets in nobody.
#[must_use]
pub fn nobody() -> Document {
    Document::write(Policy::of(vec![Statement {
        sid: Some("AmbitNobody".into()),
        allows: false,
        principal: Some(Principal { negated: false, who: Who::Everyone }),
        // IAM takes no wildcard here.
        action: Clause::of(
            ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"].map(Into::into),
        ),
        resource: None,
        conditions: Vec::new(),
        unknown: Vec::new(),
    }]))
}

/// Permissions that deny everything to sessions from before a time, such as
/// `2026-01-31T12:00:00Z`.
#[must_use]
pub fn deny_sessions_before(time: &str) -> Document {
    Document::write(Policy::of(vec![Statement {
        sid: Some("AmbitOldSessions".into()),
        allows: false,
        principal: None,
        action: Clause::of(["*".into()]),
        resource: Some(Clause::of(["*".into()])),
        conditions: vec![Test {
            operator: "DateLessThan".into(),
            key: "aws:TokenIssueTime".into(),
            values: vec![time.to_owned()],
        }],
        unknown: Vec::new(),
    }]))
}

/// The time before which a policy denies sessions, where it does that and nothing else.
#[must_use]
pub fn sessions_denied_before(document: &Document) -> Option<String> {
    let policy = Policy::read(document.text()).ok()?;
    let [statement] = policy.statements.as_slice() else { return None };
    let [test] = statement.conditions.as_slice() else { return None };
    let [time] = test.values.as_slice() else { return None };
    document.same_meaning(&deny_sessions_before(time)).then(|| time.clone())
}

/// The subject that a cluster's tokens name for a service account.
#[must_use]
pub fn service_account_subject(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";

    fn trust(provider: &str, audience: &str, subject: &str) -> Result<Document, TrustError> {
        let issuer = IssuerUrl::parse(&format!("https://{HOST}")).unwrap();
        web_identity_trust(&Arn::parse(provider).unwrap(), &issuer, audience, &[ClaimTest::is("sub", subject)])
    }

    fn provider() -> String {
        format!("arn:aws:iam::123456789012:oidc-provider/{HOST}")
    }

    #[test]
    fn trusts_one_subject_and_one_audience_exactly() {
        let subject = service_account_subject("shop", "orders");
        let document = trust(&provider(), "sts.amazonaws.com", &subject).unwrap();
        assert_eq!(
            document.text(),
            concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","#,
                r#""Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"},"#,
                r#""Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"#,
                r#""oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:aud":"sts.amazonaws.com","#,
                r#""oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub":"system:serviceaccount:shop:orders"}}}]}"#,
            ),
        );
        assert!(Document::read(document.text()).unwrap().same_meaning(&document));
    }

    #[test]
    fn another_subject_audience_or_issuer_is_another_meaning() {
        let document = trust(&provider(), "sts.amazonaws.com", "system:serviceaccount:shop:orders").unwrap();
        for other in [
            trust(&provider(), "sts.amazonaws.com", "system:serviceaccount:shop:Orders"),
            trust(&provider(), "sts", "system:serviceaccount:shop:orders"),
            Ok(Document::read(&document.text().replace("id/EXAMPLE:", "id/example:")).unwrap()),
            Ok(Document::read(&document.text().replace("StringEquals", "StringLike")).unwrap()),
        ] {
            assert!(!other.unwrap().same_meaning(&document));
        }
    }

    #[test]
    fn a_provider_of_another_issuer_is_refused() {
        let error = trust("arn:aws:iam::123456789012:oidc-provider/evil.example", "a", "b").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`arn:aws:iam::123456789012:oidc-provider/evil.example` is not the OIDC provider of issuer `{HOST}`: \
                 it must end in `:oidc-provider/{HOST}`"
            ),
        );
        assert!(trust("arn:aws:iam::123456789012:role/oidc", "a", "b").is_err());
    }

    #[test]
    fn claims_are_literal() {
        assert_eq!(
            trust(&provider(), "a", "${aws:username}").unwrap_err().to_string(),
            "subject `${aws:username}` cannot be trusted exactly: it must have printable characters, no `${`, and must not be empty",
        );
        assert_eq!(
            trust(&provider(), "", "b").unwrap_err(),
            TrustError::Claim { what: "audience", text: String::new() }
        );
        assert!(matches!(trust(&provider(), "a", "b\n"), Err(TrustError::Claim { what: "subject", .. })));
    }

    #[test]
    fn the_longest_names_of_kubernetes_fit_and_more_does_not() {
        let subject = service_account_subject(&"n".repeat(63), &"s".repeat(253));
        assert!(trust(&provider(), "sts.amazonaws.com", &subject).is_ok());
        assert_eq!(
            trust(&provider(), "sts.amazonaws.com", &"s".repeat(2000)).unwrap_err().to_string(),
            "the trust policy has 2364 characters: at most 2048 are allowed",
        );
    }

    #[test]
    fn closing_a_role_denies_everything() {
        assert_eq!(
            deny_all().text(),
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"AmbitClosed","Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        );
    }

    #[test]
    fn a_trust_in_nobody_only_denies() {
        assert_eq!(
            nobody().text(),
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"AmbitNobody","Effect":"Deny","Principal":"*","Action":["sts:AssumeRole","sts:AssumeRoleWithSAML","sts:AssumeRoleWithWebIdentity"]}]}"#,
        );
    }

    #[test]
    fn a_denial_of_old_sessions_names_its_time_and_nothing_else_does() {
        let time = "2026-01-31T12:00:00Z";
        let denial = deny_sessions_before(time);
        assert_eq!(
            denial.text(),
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"AmbitOldSessions","Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-31T12:00:00Z"}}}]}"#,
        );
        assert_eq!(sessions_denied_before(&denial).as_deref(), Some(time));
        for (from, to) in [
            ("Deny", "Allow"),
            ("\"*\"", "\"s3:*\""),
            ("DateLessThan", "DateGreaterThan"),
            ("TokenIssueTime", "CurrentTime"),
        ] {
            let other = Document::read(&denial.text().replace(from, to)).unwrap();
            assert_eq!(sessions_denied_before(&other), None, "{}", other.text());
        }
        assert_eq!(sessions_denied_before(&deny_all()), None);
    }

    #[test]
    fn further_claims_are_compared_as_well() {
        let provider = Arn::parse("arn:aws:iam::123456789012:oidc-provider/ci.example.com").unwrap();
        let issuer = IssuerUrl::parse("https://ci.example.com").unwrap();
        let claims = [
            ClaimTest::like("sub", vec!["repo:acme/shop:ref:refs/tags/v*".into()]),
            ClaimTest::is("repository_id", "2"),
        ];
        let document = web_identity_trust(&provider, &issuer, "sts.amazonaws.com", &claims).unwrap();
        let value: serde_json::Value = serde_json::from_str(document.text()).unwrap();
        let condition = &value["Statement"][0]["Condition"];
        assert_eq!(condition["StringLike"]["ci.example.com:sub"], "repo:acme/shop:ref:refs/tags/v*");
        assert_eq!(condition["StringEquals"]["ci.example.com:repository_id"], "2");
        assert_eq!(condition["StringEquals"]["ci.example.com:aud"], "sts.amazonaws.com");
        let without = web_identity_trust(&provider, &issuer, "sts.amazonaws.com", &claims[1..]);
        assert_eq!(without.unwrap_err(), TrustError::NoSubject);
    }

    #[test]
    fn trusts_the_pods_of_one_service_account_of_one_cluster_exactly() {
        let cluster = ClusterArn::parse("arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu").unwrap();
        let document = pod_identity_trust(&cluster, "shop", "orders").unwrap();
        assert_eq!(
            document.text(),
            concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"#,
                r#""Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"#,
                r#""aws:RequestTag/eks-cluster-arn":"arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu","#,
                r#""aws:RequestTag/kubernetes-namespace":"shop","aws:RequestTag/kubernetes-service-account":"orders","#,
                r#""aws:SourceAccount":"123456789012"}}}]}"#,
            ),
        );
        assert!(Document::read(document.text()).unwrap().same_meaning(&document));
        let long = ClusterArn::parse(&format!("arn:aws:eks:eu-west-1:123456789012:cluster/{}", "c".repeat(100)));
        assert!(pod_identity_trust(&long.unwrap(), &"n".repeat(63), &"s".repeat(253)).is_ok());
        assert_eq!(
            pod_identity_trust(&cluster, "shop", "${aws:username}").unwrap_err().to_string(),
            "service account `${aws:username}` cannot be trusted exactly: it must have printable characters, no `${`, and must not be empty",
        );
        assert_eq!(
            pod_identity_trust(&cluster, "", "orders").unwrap_err(),
            TrustError::Claim { what: "namespace", text: String::new() }
        );
    }
}
