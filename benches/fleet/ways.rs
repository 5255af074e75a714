//! How soon a pipeline's token is accepted, and how soon a suspended identity is denied.

use std::time::{Duration, Instant};

use ambit_bed::{ACCOUNT_ID, Bed, BedOptions, REGION, queue_url};
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use ambit::api::v1alpha1::MachineIdentity;

use super::figures::{line, seconds, title};
use super::{LIFTED, Result, bed, size};

const NAMESPACE: &str = "ways";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// How often is asked whether a token or a call is let through.
const POLL: Duration = Duration::from_millis(5);
/// What ends a wait that would never end by itself.
const LIMIT: Duration = Duration::from_mins(2);

/// From apply to an accepted token, and from suspending to a denied call of a live session.
pub async fn in_and_out() -> Result<()> {
    let bed = bed(BedOptions { events: true, requests_per_second: LIFTED, ..BedOptions::default() }).await?;
    bed.tenant(NAMESPACE).await?;
    bed.apply(&policy()).await?;
    let identities: Api<MachineIdentity> = Api::namespaced(bed.client().await?, NAMESPACE);
    let count = size(100);
    title(&format!("{count} pipelines, one after the other"));
    let (mut let_in, mut sessions) = (Vec::new(), Vec::new());
    for number in 0..count {
        let token = bed.mint("github", &json!({"aud": "sts.amazonaws.com", "sub": subject(number)})).await?;
        let begun = Instant::now();
        let object = identity(number);
        identities.patch(&name(number), &PatchParams::apply("bench"), &Patch::Apply(&object)).await?;
        sessions.push(accepted(&bed, number, &token).await?);
        let_in.push(begun.elapsed());
    }
    tell("from apply to an accepted token", let_in);
    for number in 0..count {
        ready(&identities, &name(number)).await?;
    }

    title(&format!("the same {count} suspended, one after the other"));
    let mut denied = Vec::new();
    let mut closed = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        may(session).await.map_err(|code| format!("a session may not do what it was given: {code}"))?;
        let begun = Instant::now();
        let suspend = Patch::Merge(json!({"spec": {"suspend": true}}));
        identities.patch(&name(number), &PatchParams::default(), &suspend).await?;
        poll("the denial", async || Ok(may(session).await.is_err().then_some(()))).await?;
        denied.push(begun.elapsed());
        poll("the end of the suspension", async || {
            let status = identities.get(&name(number)).await?.status.unwrap_or_default();
            Ok(status.suspension.and_then(|suspension| suspension.sessions_denied_time).map(drop))
        })
        .await?;
        closed.push(begun.elapsed());
    }
    tell("from suspending to a denied call of a session", denied);
    tell("from suspending to all three parts read back", closed);
    bed.finish()?;
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).copied().unwrap_or_default();
    let told = [at(50), at(99), at(100)].map(|time| seconds(time).trim().to_owned());
    line(what, &format!("p50 {}, p99 {}, longest {}", told[0], told[1], told[2]));
}

fn policy() -> String {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": NAMESPACE},
        "spec": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
            "pipelines": [{"issuer": ISSUER, "repositories": ["acme/*"]}],
            "allow": [{"name": "queue", "actions": ["sqs:*"], "resources": ["*"]}],
        },
    })
    .to_string()
}

fn name(number: usize) -> String {
    format!("deploy-{number}")
}

fn subject(number: usize) -> String {
    format!("repo:acme/shop-{number}:environment:prod")
}

fn identity(number: usize) -> serde_json::Value {
    let queue = format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:ambit-events");
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "metadata": {"name": name(number)},
        "spec": {
            "accountRef": {"name": ambit_bed::ACCOUNT_NAME},
            "subject": {"pipeline": {"github": {"repository": format!("acme/shop-{number}"), "environment": "prod"}}},
            "scopes": [{"name": "queue", "actions": ["sqs:GetQueueAttributes"], "resources": [queue]}],
        },
    })
}

/// Exchanges a token as soon as that is possible.
async fn accepted(bed: &Bed, number: usize, token: &str) -> Result<aws_sdk_sqs::Client> {
    let installation = ambit::names::InstallationId::parse(ambit_bed::INSTALLATION)?;
    let key = ambit::names::IdentityKey::new(NAMESPACE, name(number));
    let role = ambit::names::PrincipalName::role(&installation, &key);
    let arn = format!("arn:aws:iam::{ACCOUNT_ID}:role/ambit/{}/{role}", ambit_bed::INSTALLATION);
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bed.direct_url())
        .allow_no_auth()
        .build();
    let sts = aws_sdk_sts::Client::from_conf(config);
    let answer = poll("the token's acceptance", async || {
        let request = sts.assume_role_with_web_identity().role_session_name("job").role_arn(&arn);
        Ok(request.web_identity_token(token).send().await.ok())
    })
    .await?;
    let given = answer.credentials.ok_or("STS gave no credentials")?;
    let keys = Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), None, "bench");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bed.direct_url())
        .credentials_provider(keys)
        .build();
    Ok(aws_sdk_sqs::Client::from_conf(config))
}

/// Whether a session may still do what its role was given.
async fn may(session: &aws_sdk_sqs::Client) -> std::result::Result<(), String> {
    let answer = session.get_queue_attributes().queue_url(queue_url()).send().await;
    answer.map(drop).map_err(|error| format!("{error:?}"))
}

async fn ready(identities: &Api<MachineIdentity>, name: &str) -> Result<()> {
    poll("Ready", async || {
        let found = identities.list(&ListParams::default().fields(&format!("metadata.name={name}"))).await?;
        let status = found.items.into_iter().next().and_then(|object| object.status).unwrap_or_default();
        let is_ready = status.conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True");
        Ok(is_ready.then_some(()))
    })
    .await
}

async fn poll<T>(what: &str, mut check: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = check().await? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("{what} did not come within {LIMIT:?}").into());
        }
        tokio::time::sleep(POLL).await;
    }
}
