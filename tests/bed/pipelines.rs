//! Pipelines: the cloud lets in the tokens that were declared, and none that only look like them.

use ambit_bed::{ISSUERS, REGION};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, Config, Region};
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, house, identity, until};
use crate::root::{Root, role_arn, role_name};

/// What each issuer is asked for, the claims of a token that it mints then, and near misses.
const TOKENS: &str = include_str!("../../src/plan/pipeline/tokens.json");

/// An identity of a pipeline.
fn pipeline(name: &str, subject: &Value) -> Value {
    let mut object = identity(name, "none");
    object["spec"]["subject"] = json!({"pipeline": subject});
    object
}

/// What a job does: it exchanges its token. The code of the refusal, if there is one.
async fn exchange(bed: &House, role: &str, token: &str) -> Result<String, String> {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bed.direct_url())
        .allow_no_auth()
        .build();
    let request = Client::from_conf(config).assume_role_with_web_identity().role_session_name("job");
    match request.role_arn(role).web_identity_token(token).send().await {
        Ok(answer) => Ok(answer.credentials.unwrap().access_key_id),
        Err(error) => Err(error.code().unwrap_or_default().to_owned()),
    }
}

/// A policy that lets a namespace's pipelines be those of the table.
fn policy(label: &str) -> Value {
    let rules: Value =
        ISSUERS.iter().map(|issuer| json!({"issuer": issuer.url, "repositories": ["*", "*/*", "*/*/*"]})).collect();
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": label},
        "spec": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": label}},
            "pipelines": rules,
            "allow": [{"name": "inbox", "access": ["Read"], "resources": ["arn:aws:s3:::orders-in/*"]}],
        },
    })
}

#[tokio::test]
async fn the_cloud_lets_in_exactly_the_pinned_tokens() {
    let bed = house().await;
    let talk = bed.namespace("pipelines", &[ambit_bed::NAMESPACE_LABEL]).await;
    talk.apply(&policy("pipelines")).await.unwrap();
    let cases: Vec<Value> = serde_json::from_str(TOKENS).unwrap();
    let mut refused = 0;
    for (number, case) in cases.iter().enumerate() {
        let name = format!("case-{number}");
        let issuer = case["issuer"].as_str().unwrap();
        let role = role_arn("pipelines", &name);
        let good = bed.mint(issuer, &case["claims"]).await.unwrap();
        assert_eq!(exchange(&bed, &role, &good).await, Err("AccessDenied".to_owned()), "no role yet");

        talk.apply(&pipeline(&name, &case["pipeline"])).await.unwrap();
        until(&format!("the acceptance of a token of {}", case["name"]), async || {
            match exchange(&bed, &role, &good).await {
                Ok(_) => Ok(()),
                Err(code) => Err(format!(
                    "{code}; {}",
                    json!(talk.kind("ambit.dev/v1alpha1", "MachineIdentity").get(&name).await.unwrap())["status"]
                )),
            }
        })
        .await;
        let object = talk.ready(&name).await;
        assert_eq!(condition(&object, "Ready").1, "Evaluated");
        assert_eq!(condition(&object, "Bound").1, "Bound");

        for (miss, changes) in case["nearMisses"].as_object().unwrap() {
            let mut claims = case["claims"].as_object().unwrap().clone();
            claims.extend(changes.as_object().unwrap().clone());
            claims.retain(|_, value| !value.is_null());
            let token = bed.mint(issuer, &json!(claims)).await.unwrap();
            let code = exchange(&bed, &role, &token).await.expect_err(&format!("{}: {miss}", case["name"]));
            assert!(
                ["AccessDenied", "InvalidIdentityToken"].contains(&code.as_str()),
                "{}: {miss}: {code}",
                case["name"]
            );
            refused += 1;
        }
    }
    assert!(refused >= 70, "{refused}");
}

/// A token is worth what its signature is, whatever it says.
#[tokio::test]
async fn a_token_of_another_issuer_is_worth_nothing() {
    let bed = house().await;
    let talk = bed.namespace("pipelines-forged", &[ambit_bed::NAMESPACE_LABEL]).await;
    talk.apply(&policy("pipelines-forged")).await.unwrap();
    talk.apply(&pipeline("deploy", &json!({"github": {"repository": "acme/shop", "environment": "prod"}})))
        .await
        .unwrap();
    talk.ready("deploy").await;
    let role = role_arn("pipelines-forged", "deploy");
    let claims = json!({"sub": "repo:acme/shop:environment:prod", "aud": "sts.amazonaws.com"});
    let as_github = |mut claims: Value| {
        claims["iss"] = ISSUERS[0].url.into();
        claims
    };
    exchange(&bed, &role, &bed.mint("github", &claims).await.unwrap()).await.unwrap();
    let refused = [
        (
            "signed by another issuer in GitHub's name",
            bed.mint("buildkite", &as_github(claims.clone())).await.unwrap(),
            "InvalidIdentityToken",
        ),
        ("the same claims of another issuer", bed.mint("buildkite", &claims).await.unwrap(), "AccessDenied"),
        (
            "run out",
            bed.mint("github", &json!({"sub": claims["sub"], "aud": claims["aud"], "exp": 1})).await.unwrap(),
            "ExpiredTokenException",
        ),
    ];
    for (what, token, code) in refused {
        assert_eq!(exchange(&bed, &role, &token).await, Err(code.to_owned()), "{what}");
    }
}

/// There is no service account, no table and no pod in it, and it is deleted like any other.
#[tokio::test]
async fn a_pipeline_leaves_nothing_in_the_cluster_and_nothing_behind_in_the_cloud() {
    let bed = house().await;
    let talk = bed.namespace("pipelines-alone", &[ambit_bed::NAMESPACE_LABEL]).await;
    talk.apply(&policy("pipelines-alone")).await.unwrap();
    let declared = pipeline("deploy", &json!({"gitlab": {"project": "acme/shop", "tag": "v*"}}));
    talk.apply(&declared).await.unwrap();
    talk.ready("deploy").await;
    for (version, kind) in [("v1", "ServiceAccount"), ("ambit.dev/v1alpha1", "BindingTable"), ("v1", "Secret")] {
        let found = talk.kind(version, kind).list(&kube::api::ListParams::default()).await.unwrap();
        let names: Vec<String> = found.items.into_iter().filter_map(|object| object.metadata.name).collect();
        assert!(names.is_empty() || names == ["default"], "{kind}: {names:?}");
    }
    let refused = talk.apply(&identity("deploy", "orders")).await.unwrap_err();
    assert!(refused.message.contains("must stay of one kind"), "{}", refused.message);
    let api = talk.kind("ambit.dev/v1alpha1", "MachineIdentity");
    api.delete("deploy", &kube::api::DeleteParams::default()).await.unwrap();
    let gone = role_name("pipelines-alone", "deploy");
    let root = Root::of(&bed);
    until("the end of the role", async || {
        let left = root.names_on("/ambit/bed/").await;
        if left.contains(&gone) { Err(format!("{left:?}")) } else { Ok(()) }
    })
    .await;
}

/// What nobody allowed is refused with what to do about it.
#[tokio::test]
async fn a_repository_that_no_policy_names_is_refused_by_name() {
    let bed = house().await;
    let talk = bed.tenant("pipelines-refused").await;
    talk.apply(&pipeline("deploy", &json!({"github": {"repository": "evil/shop", "branch": "main"}}))).await.unwrap();
    let object = talk.condition("deploy", "Accepted", "False").await;
    let (_, reason, message) = condition(&object, "Accepted");
    assert_eq!(reason, "ScopeDenied");
    assert!(message.contains("evil/shop"), "{message}");
}
