use std::collections::BTreeMap;

use super::super::scripted::{Asked, no, yes};
use super::super::tests::{cloud_that, name};
use super::*;
use crate::cloud::Cloud as _;

#[tokio::test]
async fn a_proof_is_unsigned_and_short() {
    let (cloud, scripted) = cloud_that(|_| yes("AssumeRoleWithWebIdentity", "")).await;
    cloud.prove(&name(), &WebToken::new("canary".into())).await.unwrap();
    let [asked] = &scripted.asked()[..] else { panic!("{:?}", scripted.actions()) };
    assert!(!asked.signed);
    let arn = format!("arn:aws:iam::123456789012:role/ambit/bed/{}", name());
    let expected = [
        ("DurationSeconds", "900"),
        ("RoleArn", &arn),
        ("RoleSessionName", "ambit-proof"),
        ("WebIdentityToken", "canary"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(asked.parameters, expected);
}

#[tokio::test]
async fn a_refused_proof_says_what_kind_it_is() {
    for (status, code, kind) in [
        (403, "AccessDenied", ErrorKind::Denied),
        (400, "InvalidIdentityToken", ErrorKind::Invalid),
        (400, "ExpiredTokenException", ErrorKind::Transient),
        (400, "IDPCommunicationError", ErrorKind::Transient),
        (403, "IDPRejectedClaim", ErrorKind::Denied),
    ] {
        let (cloud, _) = cloud_that(move |_| no(status, code, "words")).await;
        let error = cloud.prove(&name(), &WebToken::new("canary".into())).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (kind, code));
    }
}

#[tokio::test]
async fn no_part_of_a_token_travels_on() {
    let secret: String = (0..200_u8).map(char::from).filter(char::is_ascii_alphanumeric).cycle().take(800).collect();
    let script = |asked: &Asked| {
        let token = asked.parameters.get("WebIdentityToken").cloned().unwrap_or_default();
        no(400, "InvalidIdentityToken", &format!("{} {token}", "x".repeat(450)))
    };
    let (cloud, _) = cloud_that(script).await;
    let error = cloud.prove(&name(), &WebToken::new(secret)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(error.to_string(), "sts:AssumeRoleWithWebIdentity: the answer repeats the token and is withheld");
}

fn exchanged(id: &str, key: &str, token: &str) -> String {
    yes(
        "AssumeRoleWithWebIdentity",
        &format!(
            "<Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{key}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration></Credentials>"
        ),
    )
    .1
}

#[tokio::test]
async fn credentials_last_as_long_as_asked_and_show_nothing_of_themselves() {
    let (cloud, scripted) = cloud_that(|_| (200, exchanged("ASIACANARY", "canary-key", "canary-token"))).await;
    let session = SessionSeconds::new(7200).unwrap();
    let got = cloud.credentials(&name(), &WebToken::new("canary".into()), session).await.unwrap();
    assert_eq!(
        [got.expose_access_key_id(), got.expose_secret_access_key(), got.expose_session_token()],
        ["ASIACANARY", "canary-key", "canary-token"]
    );
    assert_eq!(got.expires().to_string(), "2026-11-22T13:00:00Z");
    assert_eq!(format!("{got:?}"), "Credentials(…)");
    let [asked] = &scripted.asked()[..] else { panic!("{:?}", scripted.actions()) };
    assert!(!asked.signed);
    let told = ["DurationSeconds", "RoleSessionName"].map(|key| asked.parameters[key].as_str());
    assert_eq!(told, ["7200", "ambit-secret"]);
}

/// Half of credentials, or a line break in them, would make a Secret that nobody can use.
#[tokio::test]
async fn credentials_that_are_not_whole_are_none() {
    for (id, key, token) in [("", "k", "t"), ("i", "", "t"), ("i", "k", ""), ("i", "k\nx = y", "t"), ("i", "k", "t t")]
    {
        let (cloud, _) = cloud_that(move |_| (200, exchanged(id, key, token))).await;
        let error = cloud.credentials(&name(), &WebToken::new("canary".into()), SessionSeconds::MIN).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
        assert_eq!(error.to_string(), "sts:AssumeRoleWithWebIdentity: the answer has no credentials that can be used");
    }
}
