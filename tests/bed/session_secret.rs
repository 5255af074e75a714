//! Credentials in a Secret, used by ordinary clients; and what the operator may do with Secrets.
//!
//! On a bed of its own: the operator has rights there that it has nowhere else.

use std::collections::BTreeSet;

use ambit_bed::{Bed, BedOptions, Part};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::chart::refusal;
use crate::eyes::{condition, own_tenant, pod_spec};
use crate::house::{Talk, house, identity, merged, until};

const NAMESPACE: &str = "secrets";

struct Scene {
    bed: Bed,
    talk: Talk,
    /// Every part of credentials that was ever seen in a Secret.
    issued: BTreeSet<String>,
}

/// An identity that may read one bucket and asks for a Secret.
fn asking(name: &str, secret: &Value) -> Value {
    let scope = json!({"name": "inbox", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::secrets-in/*"]});
    merged(identity(name, name), &json!({"spec": {"scopes": [scope], "credentials": {"sessionSecret": secret}}}))
}

#[tokio::test]
async fn credentials_in_a_secret_work_in_both_forms_are_renewed_and_show_up_nowhere_else() {
    let mut scene = Scene::start().await;
    scene.environment_variables_work().await;
    scene.a_shared_credentials_file_works().await;
    scene.they_are_renewed_in_time().await;
    scene.a_secret_that_was_lost_or_changed_is_written_anew().await;
    scene.a_secret_of_somebody_else_is_left_alone().await;
    scene.the_secret_moves_and_goes_with_the_declaration().await;
    scene.the_examples_do_what_they_say().await;
    scene.the_operator_may_write_no_other_secret().await;
    scene.nothing_secret_is_anywhere_else().await;
    scene.bed.finish().unwrap();
}

/// Without the chart's value the operator has no right to Secrets, and says so.
#[tokio::test]
async fn without_the_charts_value_the_message_names_it() {
    let house = house().await;
    let talk = house.tenant("no-secrets").await;
    talk.apply(&allowing("no-secrets")).await.unwrap();
    talk.apply(&asking("orders", &json!({"secretName": "orders-aws"}))).await.unwrap();
    let object = talk.reason("orders", "CredentialsFresh", "ClusterRefused").await;
    let (status, _, message) = condition(&object, "CredentialsFresh");
    assert_eq!(status, "False");
    assert!(
        message.starts_with(
            "the API server does not let Ambit keep Secrets: get secret: secrets \"orders-aws\" is forbidden"
        ),
        "{message}"
    );
    assert!(message.ends_with("; Ambit may do so where the chart's value `credentials.secrets` is true"), "{message}");
    let (status, reason, _) = condition(&object, "Ready");
    assert_eq!((status, reason), ("False", "ClusterRefused"));
    assert_eq!(talk.entry("orders").await["ready"], false, "pods wait for their Secret");
}

/// A policy by which the namespaces of a test may ask for Secrets.
fn allowing(name: &str) -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": format!("secrets-{name}")},
        "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            "credentialTypes": ["Federation", "SessionSecret"]},
    })
}

impl Scene {
    async fn start() -> Self {
        let options = BedOptions {
            chart_values: vec!["credentials.secrets=true".to_owned()],
            // Whatever a library logs of what it sends and gets, at its most talkative.
            log: Some("trace".to_owned()),
            ..BedOptions::default()
        };
        let bed = Bed::start(options).await.unwrap();
        let talk = own_tenant(&bed, NAMESPACE).await;
        talk.apply(&allowing(NAMESPACE)).await.unwrap();
        bed.plant(&["buckets", "secrets-in", "secrets-other"]).await.unwrap();
        Self { bed, talk, issued: BTreeSet::new() }
    }

    /// A Secret, whose parts are remembered; nothing where there is none.
    async fn found(&mut self, name: &str) -> Option<Secret> {
        let api: Api<Secret> = Api::namespaced(self.talk.client.clone(), NAMESPACE);
        let found = api.get_opt(name).await.unwrap()?;
        let of_ours = found.metadata.labels.iter().flatten().any(|(key, _)| key == "ambit.dev/credentials-of");
        for value in found.data.iter().flatten().filter(|_| of_ours).map(|(_, value)| &value.0) {
            let text = String::from_utf8(value.clone()).unwrap();
            let words = text.split_whitespace().filter(|word| word.len() >= 16 && !word.starts_with("aws_"));
            self.issued.extend(words.map(str::to_owned));
        }
        Some(found)
    }

    /// The values of a Secret.
    async fn data(&mut self, name: &str) -> Vec<(String, String)> {
        let found = self.found(name).await.unwrap_or_else(|| panic!("there must be a Secret `{name}`"));
        let text = |(key, value): (String, k8s_openapi::ByteString)| (key, String::from_utf8(value.0).unwrap());
        found.data.unwrap_or_default().into_iter().map(text).collect()
    }

    /// What a program in a new pod of this service account comes to, for a bucket it may read and for another.
    async fn reads(&self, pod: &str, account: &str, change: &Value) {
        let mut spec = pod_spec(&self.bed, account);
        let container = spec["containers"][0].take();
        let more = if change["container"].is_object() { change["container"].clone() } else { json!({}) };
        spec["containers"][0] = merged(container, &more);
        if change["volumes"].is_array() {
            spec["volumes"] = change["volumes"].clone();
        }
        let mut env = vec![json!({"name": "AWS_ENDPOINT_URL", "value": self.bed.endpoint_url()})];
        env.extend(change["env"].as_array().cloned().unwrap_or_default());
        spec["containers"][0]["env"] = json!(env);
        self.talk
            .create(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod}, "spec": spec}))
            .await
            .unwrap();
        assert_eq!(self.talk.read(&self.bed, pod, "secrets-in").await, Some(0), "{pod}");
        assert_eq!(self.talk.read(&self.bed, pod, "secrets-other").await, Some(3), "{pod}: denied by S3");
    }

    async fn environment_variables_work(&mut self) {
        self.talk.apply(&asking("orders", &json!({"secretName": "orders-aws"}))).await.unwrap();
        let object = self.talk.ready("orders").await;
        let (status, reason, message) = condition(&object, "CredentialsFresh");
        assert_eq!((status, reason), ("True", "Fresh"), "{message}");
        let told = &object["status"]["credentials"];
        assert_eq!((&told["secretName"], &told["format"]), (&json!("orders-aws"), &json!("Environment")));
        let found = self.found("orders-aws").await.unwrap();
        assert_eq!(found.type_.as_deref(), Some("Opaque"));
        let owner = json!(found.metadata.owner_references.unwrap());
        let expected = json!([{"apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "name": "orders",
            "uid": object["metadata"]["uid"], "controller": true}]);
        assert_eq!(owner, expected);
        let keys: Vec<String> = self.data("orders-aws").await.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
        let from = json!({"container": {"envFrom": [{"secretRef": {"name": "orders-aws"}}]}});
        self.reads("environment", "orders", &from).await;
        let pod = json!(self.talk.kind("v1", "Pod").get("environment").await.unwrap());
        assert_eq!(pod["metadata"]["annotations"]["ambit.dev/identity"], "orders");
        let text = pod["spec"].to_string();
        assert!(!text.contains("ambit-token") && !text.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{text}");
        assert!(text.contains(r#"{"name":"AWS_REGION","value":"#), "{text}");
    }

    async fn a_shared_credentials_file_works(&mut self) {
        for (name, profile) in [("plain", None), ("named", Some("shop"))] {
            let secret = json!({"secretName": name, "format": "SharedCredentialsFile", "profile": profile});
            let secret = merged(json!({}), &secret);
            self.talk.apply(&asking(name, &secret)).await.unwrap();
            self.talk.ready(name).await;
            let keys: Vec<String> = self.data(name).await.into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, ["credentials"]);
            let mut env = vec![json!({"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/aws/credentials"})];
            env.extend(profile.map(|profile| json!({"name": "AWS_PROFILE", "value": profile})));
            let change = json!({
                "container": {"volumeMounts": [{"name": "aws", "mountPath": "/aws"}]}, "env": env,
                "volumes": [{"name": "aws", "secret": {"secretName": name}}],
            });
            self.reads(&format!("file-{name}"), name, &change).await;
        }
    }

    /// What would take 40 minutes: the operator is away meanwhile, and finds in status that it is time.
    async fn they_are_renewed_in_time(&mut self) {
        let before = self.data("orders-aws").await;
        self.bed.stop_part(Part::Operator).await.unwrap();
        let past = json!({"status": {"credentials": {"nextRotationTime": "2026-01-01T00:00:00Z", "issuedTime": "2025-12-31T00:00:00Z"}}});
        let patch = ["-n", NAMESPACE, "patch", "mid", "orders", "--subresource=status", "--type=merge", "-p"];
        self.bed.kubectl(&[&patch[..], &[&past.to_string()]].concat()).await.unwrap();
        self.bed.start_part(Part::Operator).await.unwrap();
        self.talk
            .heard("orders", "CredentialsRenewed", "environment variables in Secret `orders-aws`, good until ")
            .await;
        let after = self.data("orders-aws").await;
        assert_eq!(before.len(), after.len());
        assert!(before.iter().zip(&after).all(|(one, other)| one.0 == other.0 && one.1 != other.1));
        let object = self.talk.ready("orders").await;
        let told = &object["status"]["credentials"];
        assert!(told["nextRotationTime"].as_str() > Some("2026-01-01T00:00:00Z"), "{told}");
        assert!(told["nextRotationTime"].as_str() < told["expirationTime"].as_str(), "{told}");
        // A new pod gets the new ones. Those that were read before are good until they run out.
        self.talk.delete("Pod", "environment").await;
        let from = json!({"container": {"envFrom": [{"secretRef": {"name": "orders-aws"}}]}});
        self.reads("renewed", "orders", &from).await;
        let old: Vec<Value> = before.iter().map(|(key, value)| json!({"name": key, "value": value})).collect();
        self.reads("old", "orders", &json!({"env": old})).await;
    }

    /// Seen by its next look, which comes as often as the account is swept.
    async fn a_secret_that_was_lost_or_changed_is_written_anew(&mut self) {
        let before = self.data("orders-aws").await;
        self.talk.delete("Secret", "orders-aws").await;
        self.wait_for_other_data("orders-aws", &before).await;
        let before = self.data("orders-aws").await;
        let by_hand = json!({"stringData": {"AWS_SESSION_TOKEN": "by-hand"}}).to_string();
        let patch = ["-n", NAMESPACE, "patch", "secret", "orders-aws", "--type=merge", "-p", &by_hand];
        self.bed.kubectl(&patch).await.unwrap();
        self.wait_for_other_data("orders-aws", &before).await;
        // What others add is theirs, and no reason to write anything.
        let labelled = ["-n", NAMESPACE, "label", "secret", "orders-aws", "team=shop"];
        self.bed.kubectl(&labelled).await.unwrap();
        let before = self.data("orders-aws").await;
        self.talk.patch("orders", &json!({"metadata": {"annotations": {"ambit.dev/reconcile": "look"}}})).await;
        until("the look that was asked for", async || {
            let handled = self.talk.get("orders").await["status"]["lastHandledReconcile"].clone();
            if handled == "look" { Ok(()) } else { Err(handled.to_string()) }
        })
        .await;
        assert_eq!(self.data("orders-aws").await, before);
    }

    async fn wait_for_other_data(&mut self, name: &str, before: &[(String, String)]) {
        let api: Api<Secret> = Api::namespaced(self.talk.client.clone(), NAMESPACE);
        until(&format!("other data in Secret `{name}`"), async || {
            let Some(found) = api.get_opt(name).await.unwrap() else { return Err("it is not there".to_owned()) };
            let data = found.data.unwrap_or_default();
            let is_new = |(key, old): &(String, String)| {
                data.get(key).is_some_and(|new| new.0 != old.as_bytes() && new.0 != b"by-hand")
            };
            if before.iter().all(is_new) { Ok(()) } else { Err(format!("{:?}", data.keys())) }
        })
        .await;
        self.data(name).await;
    }

    async fn a_secret_of_somebody_else_is_left_alone(&mut self) {
        let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"AWS_ACCESS_KEY_ID": "theirs"}});
        let made = self.talk.create(&theirs).await.unwrap();
        self.talk.apply(&asking("taker", &json!({"secretName": "theirs"}))).await.unwrap();
        let object = self.talk.reason("taker", "CredentialsFresh", "SecretTaken").await;
        assert_eq!(
            condition(&object, "Ready"),
            (
                "False",
                "SecretTaken",
                "Secret 'theirs' is there already and was not made by Ambit, so it is left as it is: name another one in `spec.credentials.sessionSecret.secretName`, or delete it"
            )
        );
        // That of another identity is not theirs either.
        self.talk.apply(&asking("copier", &json!({"secretName": "orders-aws"}))).await.unwrap();
        let object = self.talk.reason("copier", "CredentialsFresh", "SecretTaken").await;
        assert!(condition(&object, "Ready").2.contains("holds the credentials of MachineIdentity 'orders'"));
        self.talk.heard("taker", "SecretTaken", "Secret 'theirs'").await;
        assert_eq!(self.talk.entry("taker").await["ready"], false);
        for name in ["taker", "copier"] {
            self.talk.delete("MachineIdentity", name).await;
            self.talk.gone("MachineIdentity", name).await;
        }
        let found = json!(self.talk.kind("v1", "Secret").get("theirs").await.unwrap());
        assert_eq!(found["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"], "nobody wrote it");
        assert!(self.found("orders-aws").await.is_some());
    }

    async fn the_secret_moves_and_goes_with_the_declaration(&mut self) {
        self.talk.patch("plain", &json!({"spec": {"credentials": {"sessionSecret": {"secretName": "moved"}}}})).await;
        self.talk.ready("plain").await;
        self.talk.heard("plain", "SecretDeleted", "Secret 'plain' was deleted").await;
        assert!(self.found("plain").await.is_none());
        assert_eq!(self.data("moved").await[0].0, "credentials");
        self.talk.patch("plain", &json!({"spec": {"credentials": {"sessionSecret": null, "federation": {}}}})).await;
        // Told within minutes of the first, so it only counts one up.
        let secrets = self.talk.kind("v1", "Secret");
        until("the Secret is gone", async || match secrets.get_opt("moved").await {
            Ok(None) => Ok(()),
            other => Err(format!("{:?}", other.map(|found| found.is_some()))),
        })
        .await;
        let object = self.talk.reason("plain", "CredentialsFresh", "Federated").await;
        assert_eq!(object["status"]["credentials"], Value::Null);
        assert!(self.found("moved").await.is_none());
        assert_eq!(self.talk.entry("plain").await["audience"], "sts.amazonaws.com");
        self.talk.delete("MachineIdentity", "named").await;
        self.talk.gone("MachineIdentity", "named").await;
        assert!(self.found("named").await.is_none());
    }

    async fn the_examples_do_what_they_say(&mut self) {
        for file in ["policy", "environment", "file"] {
            let file = format!("examples/session-secret/{file}.yaml");
            self.bed.kubectl(&["apply", "--server-side", "-f", &file]).await.unwrap();
        }
        let legacy = Talk { namespace: "legacy".to_owned(), ..self.talk.clone() };
        for (name, keys) in [("importer", 3), ("reports", 1)] {
            legacy.ready(name).await;
            let secret = json!(legacy.kind("v1", "Secret").get(&format!("{name}-aws")).await.unwrap());
            assert_eq!(secret["data"].as_object().unwrap().len(), keys);
        }
        for file in ["environment", "file"] {
            let file = format!("examples/session-secret/{file}.yaml");
            assert_eq!(self.bed.kubectl(&["diff", "--server-side", "-f", &file]).await.unwrap(), "");
        }
    }

    async fn the_operator_may_write_no_other_secret(&mut self) {
        let file = Kubeconfig::read_from(self.bed.operator_kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
        let operator = Talk { client: Client::try_from(config).unwrap(), namespace: NAMESPACE.to_owned() };
        let owner = |name: &str| json!([{"apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "name": name, "uid": "u"}]);
        let secret = |change: &Value| {
            let labels = json!({"ambit.dev/credentials-of": "orders"});
            let metadata = json!({"name": "new", "labels": labels, "ownerReferences": owner("orders")});
            merged(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}), change)
        };
        operator.try_create(&secret(&json!({}))).await.unwrap();
        let none = |name: &str| {
            format!(
                "the operator may write and delete only Secrets with the label `ambit.dev/credentials-of` and an owner reference to the MachineIdentity that it names; Secret `{NAMESPACE}/{name}` is none"
            )
        };
        let token = json!({"type": "kubernetes.io/service-account-token",
            "metadata": {"annotations": {"kubernetes.io/service-account.name": "default"}}});
        for (change, expected) in [
            (json!({"metadata": {"labels": null}}), none("new")),
            (json!({"metadata": {"ownerReferences": null}}), none("new")),
            (json!({"metadata": {"ownerReferences": owner("mailer")}}), none("new")),
            (
                token,
                format!(
                    "the operator may write and delete only Secrets of type `Opaque`; Secret `{NAMESPACE}/new` is of type `kubernetes.io/service-account-token`"
                ),
            ),
        ] {
            assert_eq!(refusal(operator.try_create(&secret(&change)).await, "secrets"), expected, "{change}");
        }
        let elsewhere = Talk { namespace: "kube-system".to_owned(), ..operator.clone() };
        let expected =
            "the operator may not write or delete Secrets in namespace `kube-system`, whose pods Ambit leaves alone";
        assert_eq!(refusal(elsewhere.try_create(&secret(&json!({}))).await, "secrets"), expected);
        // What is not its own does not become so, and what is its own does not become another's.
        let named = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
        let taking =
            json!({"metadata": {"labels": {"ambit.dev/credentials-of": "orders"}, "ownerReferences": owner("orders")}});
        assert_eq!(refusal(operator.try_change(&named("theirs"), &taking).await, "secrets"), none("theirs"));
        let letting = json!({"metadata": {"labels": {"ambit.dev/credentials-of": null}}});
        assert_eq!(refusal(operator.try_change(&named("orders-aws"), &letting).await, "secrets"), none("orders-aws"));
        let giving =
            json!({"metadata": {"labels": {"ambit.dev/credentials-of": "mailer"}, "ownerReferences": owner("mailer")}});
        let expected = format!("the operator may not give Secret `{NAMESPACE}/orders-aws` to another MachineIdentity");
        assert_eq!(refusal(operator.try_change(&named("orders-aws"), &giving).await, "secrets"), expected);
        let deletion = DeleteParams { dry_run: true, ..DeleteParams::default() };
        let secrets = operator.kind("v1", "Secret");
        match secrets.delete("theirs", &deletion).await {
            Err(kube::Error::Api(status)) => assert_eq!(refusal(Err(status), "secrets"), none("theirs")),
            other => panic!("{other:?}"),
        }
        secrets.delete("orders-aws", &deletion).await.unwrap();
        assert!(secrets.list(&kube::api::ListParams::default()).await.is_err(), "it may not list them");
        // Nobody else is held up.
        self.talk.try_create(&named("anything")).await.unwrap();
    }

    /// Neither log, nor status, events and table, nor what the operator asked the API server for.
    async fn nothing_secret_is_anywhere_else(&mut self) {
        self.data("orders-aws").await;
        assert!(self.issued.len() >= 12, "credentials were issued again and again: {}", self.issued.len());
        assert_nowhere(&self.bed, &self.talk, &self.issued).await;
    }
}

/// None of these stands where people look, whatever a library logs of what it sends and gets.
pub async fn assert_nowhere(bed: &Bed, talk: &Talk, secrets: &BTreeSet<String>) {
    let mut places = vec![("the operator's log", bed.logs(Part::Operator).unwrap())];
    assert!(places[0].1.contains(r#""level":"TRACE""#), "the log is as talkative as it can be");
    for (kind, version) in [
        ("MachineIdentity", "ambit.dev/v1alpha1"),
        ("BindingTable", "ambit.dev/v1alpha1"),
        ("Event", "events.k8s.io/v1"),
        ("ConfigMap", "v1"),
    ] {
        let list = talk.kind(version, kind).list(&kube::api::ListParams::default()).await.unwrap();
        places.push((kind, json!(list.items).to_string()));
    }
    for (place, text) in &places {
        for secret in secrets {
            assert!(!text.contains(secret), "a secret stands in {place}");
        }
    }
}
