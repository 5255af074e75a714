//! Who may assume a role: documents compiled from names, never from user text.

use super::document::{Document, size_for_iam};
use super::scope::check_text;
use super::statement::{Clause, Policy, Principal, Statement, Test, Who};
use crate::names::{Arn, IssuerUrl, shortened};

/// The most characters that IAM takes in a trust policy unless its quota was raised.
pub const MAX_TRUST: usize = 2048;

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
        /// `audience` or `subject`.
        what: &'static str,
        /// The text, cut to a length fit for a message.
        text: String,
    },
    /// More than IAM takes.
    #[error("the trust policy has {0} characters: at most {MAX_TRUST} are allowed")]
    TooLarge(usize),
}

/// Trust in exactly one subject of an OIDC issuer, for exactly one audience.
pub fn web_identity_trust(
    provider: &Arn,
    issuer: &IssuerUrl,
    audience: &str,
    subject: &str,
) -> Result<Document, TrustError> {
    let host = issuer.host_and_path();
    if provider.service() != "iam" || provider.resource().strip_prefix("oidc-provider/") != Some(host) {
        return Err(TrustError::Provider { provider: shortened(provider.as_str()), issuer: shortened(host) });
    }
    let claim = |what: &'static str, key: &str, value: &str| {
        // `StringEquals` takes `*` literally, but variables are replaced everywhere.
        if value.is_empty() || check_text(value).is_err() {
            return Err(TrustError::Claim { what, text: shortened(value) });
        }
        Ok(Test { operator: "StringEquals".into(), key: format!("{host}:{key}"), values: vec![value.to_owned()] })
    };
    let statement = Statement {
        sid: None,
        allows: true,
        principal: Some(Principal {
            negated: false,
            who: Who::Named(vec![("Federated".into(), vec![provider.to_string()])]),
        }),
        action: Clause::of(["sts:AssumeRoleWithWebIdentity".into()]),
        resource: None,
        conditions: vec![claim("audience", "aud", audience)?, claim("subject", "sub", subject)?],
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
        web_identity_trust(&Arn::parse(provider).unwrap(), &issuer, audience, subject)
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
}
