//! Access keys of users: used by ordinary clients, rotated, and taken away. On a bed of its own,
//! whose account and chart allow them.

use std::collections::BTreeSet;

use ambit_bed::{Bed, BedOptions, Part, ROOT_KEY};
use aws_sdk_iam::Client as Iam;
use aws_sdk_iam::types::StatusType;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use serde_json::{Value, json};

use crate::eyes::{condition, own_tenant, pod_spec};
use crate::house::{Talk, identity, merged, until};
use crate::root::{iam, role_name};
use crate::session_secret::assert_nowhere;

const NAMESPACE: &str = "keys";
const SECRET: &str = "orders-key";

struct Scene {
    bed: Bed,
    talk: Talk,
    root: Iam,
    user: String,
    /// Every secret that was ever seen in the Secret.
    told: BTreeSet<String>,
}

#[tokio::test]
async fn a_key_is_made_rotated_without_anyone_noticing_and_taken_away() {
    let mut scene = Scene::start().await;
    scene.a_user_with_exactly_the_declared_access_gets_one_key().await;
    scene.the_old_key_stays_until_the_pod_that_holds_it_is_restarted().await;
    scene.an_emergency_waits_for_nobody().await;
    scene.an_operator_that_is_killed_loses_and_doubles_nothing().await;
    scene.what_is_done_by_hand_is_undone().await;
    scene.a_suspension_takes_the_keys_away().await;
    scene.nothing_secret_is_anywhere_else().await;
    scene.the_user_goes_with_its_identity().await;
    scene.bed.finish().unwrap();
}

impl Scene {
    async fn start() -> Self {
        let options = BedOptions {
            access_keys: true,
            chart_values: vec!["credentials.secrets=true".to_owned()],
            // Whatever a library logs of what it sends and gets, at its most talkative.
            log: Some("trace".to_owned()),
            ..BedOptions::default()
        };
        let bed = Bed::start(options).await.unwrap();
        let talk = own_tenant(&bed, NAMESPACE).await;
        let policy = json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "keys"},
            "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                "credentialTypes": ["Federation", "AccessKey"]},
        });
        talk.apply(&policy).await.unwrap();
        bed.plant(&["buckets", "keys-in", "keys-other"]).await.unwrap();
        let root = iam(&bed.direct_url(), ROOT_KEY);
        Self { bed, talk, root, user: role_name(NAMESPACE, "orders"), told: BTreeSet::new() }
    }

    /// What the Secret holds: the id, and the secret, which is remembered.
    async fn held(&mut self) -> Option<(String, String)> {
        let api: Api<Secret> = Api::namespaced(self.talk.client.clone(), NAMESPACE);
        let data = api.get_opt(SECRET).await.unwrap()?.data?;
        let text = |key: &str| Some(String::from_utf8(data.get(key)?.0.clone()).unwrap());
        let held = (text("AWS_ACCESS_KEY_ID")?, text("AWS_SECRET_ACCESS_KEY")?);
        self.told.insert(held.1.clone());
        Some(held)
    }

    /// The user's keys, with whether they are active.
    async fn keys(&self) -> Vec<(String, bool)> {
        let listed = self.root.list_access_keys().user_name(&self.user).send().await;
        let listed = listed.map(|answer| answer.access_key_metadata).unwrap_or_default();
        listed.into_iter().map(|key| (key.access_key_id.unwrap(), key.status == Some(StatusType::Active))).collect()
    }

    /// What a program in a pod with this environment comes to, for a bucket.
    async fn reads(&self, pod: &str, bucket: &str, more: &Value) -> Option<i32> {
        let mut spec = pod_spec(&self.bed, "orders");
        let container = merged(spec["containers"][0].take(), more);
        spec["containers"][0] = container;
        let mut env = vec![json!({"name": "AWS_ENDPOINT_URL", "value": self.bed.endpoint_url()})];
        env.extend(more["env"].as_array().cloned().unwrap_or_default());
        spec["containers"][0]["env"] = json!(env);
        let pod_object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod}, "spec": spec});
        self.talk.create(&pod_object).await.unwrap();
        self.talk.read(&self.bed, pod, bucket).await
    }

    /// Whether a key works now: a new pod that has it reads what was declared.
    async fn works(&self, pod: &str, (id, secret): &(String, String)) -> bool {
        let env = json!({"env": [{"name": "AWS_ACCESS_KEY_ID", "value": id}, {"name": "AWS_SECRET_ACCESS_KEY", "value": secret}]});
        self.reads(pod, "keys-in", &env).await == Some(0)
    }

    async fn ask(&self, value: &str) {
        self.talk.patch("orders", &json!({"metadata": {"annotations": {"ambit.dev/rotate": value}}})).await;
    }

    /// A request was acted on, and nothing is under way any more: one key, the Secret's.
    async fn rests(&mut self, value: &str) -> (String, String) {
        until(&format!("the end of what `{value}` asked for"), async || {
            let found = self.talk.get("orders").await["status"]["credentials"].clone();
            let is_over = found["lastHandledRotate"] == value && found["phase"] == "Stable";
            if is_over { Ok(()) } else { Err(found.to_string()) }
        })
        .await;
        let held = self.held().await.unwrap();
        assert_eq!(self.keys().await, [(held.0.clone(), true)]);
        held
    }

    async fn a_user_with_exactly_the_declared_access_gets_one_key(&mut self) {
        let scope = json!({"name": "inbox", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::keys-in/*"]});
        let asked = json!({"secretName": SECRET, "rotateEvery": "48h", "overlap": "0s"});
        let spec = json!({"spec": {"scopes": [scope], "credentials": {"accessKey": asked}}});
        self.talk.apply(&merged(identity("orders", "orders"), &spec)).await.unwrap();
        let object = self.talk.ready("orders").await;
        let (_, reason, message) = condition(&object, "Ready");
        assert_eq!(reason, "Evaluated", "{message}");
        let user = self.root.get_user().user_name(&self.user).send().await.unwrap().user.unwrap();
        assert_eq!(object["status"]["aws"]["userArn"], user.arn);
        assert!(user.arn.contains(":user/ambit/"), "{}", user.arn);
        assert!(user.permissions_boundary.is_some());
        assert!(self.root.get_login_profile().user_name(&self.user).send().await.is_err(), "no console");
        assert!(self.root.get_role().role_name(&self.user).send().await.is_err(), "a user, and no role");
        let held = self.held().await.unwrap();
        assert_eq!(self.keys().await, [(held.0.clone(), true)]);
        let from = json!({"envFrom": [{"secretRef": {"name": SECRET}}]});
        assert_eq!(self.reads("first", "keys-in", &from).await, Some(0));
        assert_eq!(self.reads("other", "keys-other", &from).await, Some(3), "denied by S3");
        for pod in ["first", "other"] {
            self.talk.delete("Pod", pod).await;
        }
    }

    async fn the_old_key_stays_until_the_pod_that_holds_it_is_restarted(&mut self) {
        let from = json!({"envFrom": [{"secretRef": {"name": SECRET}}], "command": ["sleep", "3600"]});
        let mut spec = pod_spec(&self.bed, "orders");
        spec["containers"][0] = merged(spec["containers"][0].take(), &from);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "holder"}, "spec": spec});
        self.talk.create(&pod).await.unwrap();
        let running = json!({"status": {"phase": "Running", "containerStatuses": [{
            "name": spec_name(&pod), "image": "x", "imageID": "x", "ready": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}});
        let patch = ["-n", NAMESPACE, "patch", "pod", "holder", "--subresource=status", "--type=merge", "-p"];
        self.bed.kubectl(&[&patch[..], &[&running.to_string()]].concat()).await.unwrap();
        let old = self.held().await.unwrap();
        self.ask("one").await;
        let object = self.talk.reason("orders", "CredentialsFresh", "HeldByConsumer").await;
        let (status, _, message) = condition(&object, "CredentialsFresh");
        assert_eq!(status, "False");
        assert!(message.contains("pod `holder`") && message.contains(&old.0), "{message}");
        assert_eq!(condition(&object, "Ready").0, "True", "nothing is broken");
        let new = self.held().await.unwrap();
        assert_ne!(new.0, old.0);
        assert!(self.works("old-works", &old).await && self.works("new-works", &new).await);
        self.talk.delete("Pod", "holder").await;
        self.talk.patch("orders", &json!({"metadata": {"annotations": {"ambit.dev/reconcile": "look"}}})).await;
        assert_eq!(self.rests("one").await, new);
        assert!(!self.works("old-gone", &old).await && self.works("new-stays", &new).await);
        for (reason, note) in [("KeyPublished", old.0.as_str()), ("RotationFinished", old.0.as_str())] {
            self.talk.heard("orders", reason, note).await;
        }
    }

    async fn an_emergency_waits_for_nobody(&mut self) {
        let old = self.held().await.unwrap();
        self.ask("revoke-old/two").await;
        let new = self.rests("revoke-old/two").await;
        assert_ne!(new.0, old.0);
        assert!(!self.works("revoked", &old).await);
    }

    /// Killed over and over while it rotates, it comes to one key each time, and that works.
    async fn an_operator_that_is_killed_loses_and_doubles_nothing(&mut self) {
        for round in 0..6 {
            let before = self.held().await.unwrap();
            let value = format!("revoke-old/kill-{round}");
            self.ask(&value).await;
            for _ in 0..=round {
                self.bed.kill_part(Part::Operator).unwrap();
                self.bed.start_part(Part::Operator).await.unwrap();
                // At every moment what the Secret has works.
                let held = self.held().await.unwrap();
                let listed = self.keys().await;
                assert!(listed.len() <= 2, "{listed:?}");
                let now = self.held().await.unwrap();
                assert!(now != held || listed.contains(&(held.0.clone(), true)), "{} of {listed:?}", held.0);
            }
            assert_ne!(self.rests(&value).await.0, before.0);
        }
    }

    async fn what_is_done_by_hand_is_undone(&mut self) {
        let planted = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        let policy = self.root.put_user_policy().user_name(&self.user).policy_name("by-hand");
        policy.policy_document(planted).send().await.unwrap();
        until("the policy made by hand is gone", async || {
            let found = self.root.list_user_policies().user_name(&self.user).send().await.unwrap().policy_names;
            if found.iter().any(|name| name == "by-hand") { Err(format!("{found:?}")) } else { Ok(()) }
        })
        .await;
        self.talk.ready("orders").await;
    }

    async fn a_suspension_takes_the_keys_away(&mut self) {
        let old = self.held().await.unwrap();
        self.talk.patch("orders", &json!({"spec": {"suspend": true}})).await;
        until("no key is left", async || {
            let object = self.talk.get("orders").await;
            let (status, reason, message) = condition(&object, "Ready");
            if (status, reason) == ("False", "Suspended") { Ok(()) } else { Err(message.to_owned()) }
        })
        .await;
        assert_eq!(self.keys().await, []);
        let secrets = self.talk.kind("v1", "Secret");
        until("the Secret is gone", async || match secrets.get_opt(SECRET).await {
            Ok(None) => Ok(()),
            other => Err(format!("{:?}", other.map(|found| found.is_some()))),
        })
        .await;
        self.talk.patch("orders", &json!({"spec": {"suspend": false}})).await;
        self.talk.ready("orders").await;
        let new = self.held().await.unwrap();
        assert!(!self.works("suspended", &old).await && self.works("resumed", &new).await);
    }

    /// No secret of any key stands in anything that the bed wrote: logs, events, objects, metrics.
    async fn nothing_secret_is_anywhere_else(&self) {
        assert!(self.told.len() >= 9, "{}", self.told.len());
        assert_nowhere(&self.bed, &self.talk, &self.told).await;
    }

    async fn the_user_goes_with_its_identity(&mut self) {
        self.talk.delete("MachineIdentity", "orders").await;
        self.talk.gone("MachineIdentity", "orders").await;
        assert!(self.root.get_user().user_name(&self.user).send().await.is_err());
        assert_eq!(self.held().await, None);
    }
}

fn spec_name(pod: &Value) -> String {
    pod["spec"]["containers"][0]["name"].as_str().unwrap().to_owned()
}
