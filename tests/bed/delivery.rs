//! How pods get an identity: by the webhook of EKS, by other tokens, and from one way to the other.
//!
//! The webhook itself is not on the bed. What it does with a service account's annotations is done
//! here to a pod before it is created, as its documentation has it (`webhooked`).

use ambit_bed::{ACCOUNT_NAME, Bed, BedOptions, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE, chain};
use kube::api::{Patch, PatchParams};
use kube::core::Status;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::chart::pods::{annotation, environment, mounts, pod, refusal, required, volumes};
use crate::eyes::{condition, own_tenant, pod_spec};
use crate::house::{Talk, as_operator, identity, merged, until};
use crate::main_job::reader;
use crate::root::role_arn;

const AMBIT: &str = "ambit.dev/v1alpha1";
const VALUE: &str = "delivery.serviceAccountAnnotation=true";
const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// The bed of these tests: its operator may annotate service accounts.
async fn bed() -> &'static Bed {
    static BED: OnceCell<Result<Bed, String>> = OnceCell::const_new();
    let options = || BedOptions { chart_values: vec![VALUE.to_owned()], ..BedOptions::default() };
    let bed = BED.get_or_init(|| async { Bed::start(options()).await.map_err(|error| chain(&error)) }).await;
    bed.as_ref().unwrap_or_else(|problem| panic!("no bed: {problem}"))
}

/// Another account of the same cloud, with these settings of its federation.
async fn account(talk: &Talk, name: &str, federation: &Value) {
    let first = json!(talk.kind(AMBIT, "CloudAccount").get(ACCOUNT_NAME).await.unwrap());
    let account =
        json!({"apiVersion": AMBIT, "kind": "CloudAccount", "metadata": {"name": name}, "spec": first["spec"]});
    let web = json!({"spec": {"aws": {"federation": {"webIdentity": federation}}}});
    talk.apply(&merged(account, &web)).await.unwrap();
}

fn by_annotation() -> Value {
    json!({"delivery": "ServiceAccountAnnotation"})
}

/// An identity of another account that may read one bucket.
fn reader_in(account: &str, name: &str, bucket: &str) -> Value {
    merged(reader(name, name, bucket), &json!({"spec": {"accountRef": {"name": account}}}))
}

/// What a service account says of roles.
async fn annotations(talk: &Talk, name: &str) -> Value {
    let found = json!(talk.kind("v1", "ServiceAccount").get(name).await.unwrap());
    found["metadata"].get("annotations").cloned().unwrap_or_else(|| json!({}))
}

fn said(identity: &str, arn: &str) -> Value {
    json!({
        "ambit.dev/annotated-by": identity,
        "eks.amazonaws.com/audience": "sts.amazonaws.com",
        "eks.amazonaws.com/role-arn": arn,
        "eks.amazonaws.com/sts-regional-endpoints": "true",
        "eks.amazonaws.com/token-expiration": "3600",
    })
}

/// A pod as the webhook of EKS leaves it: token, environment and mount in every container that does
/// not name a role or a token's file already, by the annotations of its service account.
fn webhooked(pod: Value, annotations: &Value) -> Value {
    let Some(role) = annotations[ROLE_ARN].as_str() else { return pod };
    let text = |name: &str, default: &str| annotations[name].as_str().unwrap_or(default).to_owned();
    let seconds: i64 = text("eks.amazonaws.com/token-expiration", "86400").parse().unwrap();
    let audience = text("eks.amazonaws.com/audience", "sts.amazonaws.com");
    let mut pod = pod;
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        let mut env = container["env"].as_array().cloned().unwrap_or_default();
        let has = |name: &str| env.iter().any(|variable| variable["name"] == name);
        let mut more = Vec::new();
        if !has("AWS_ROLE_ARN") && !has("AWS_WEB_IDENTITY_TOKEN_FILE") {
            more.push(json!({"name": "AWS_ROLE_ARN", "value": role}));
            more.push(json!({"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": format!("{MOUNT}/token")}));
        }
        if !has("AWS_REGION") {
            more.push(json!({"name": "AWS_REGION", "value": ambit_bed::REGION}));
        }
        if annotations["eks.amazonaws.com/sts-regional-endpoints"] == "true" {
            more.push(json!({"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"}));
        }
        env.extend(more);
        container["env"] = json!(env);
        container["volumeMounts"] = json!([{"name": "aws-iam-token", "mountPath": MOUNT, "readOnly": true}]);
    }
    let token = json!({"audience": audience, "expirationSeconds": seconds, "path": "token"});
    pod["spec"]["volumes"] =
        json!([{"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": token}]}}]);
    pod
}

/// A pod that reads buckets, made as the cluster would make it now.
async fn made(bed: &Bed, talk: &Talk, name: &str, account: &str, dry_run: bool) -> Result<Value, Box<Status>> {
    let spec = pod_spec(bed, account);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    let pod = webhooked(pod, &annotations(talk, account).await);
    if dry_run { talk.try_create(&pod).await } else { talk.create(&pod).await }
}

/// A pod that reads buckets: made again until it is let in, as its controller would.
async fn running(bed: &Bed, talk: &Talk, name: &str, account: &str) -> Value {
    until("the pod's admission", async || made(bed, talk, name, account, false).await.map_err(|status| status.message))
        .await
}

fn role_of(pod: &Value) -> Option<String> {
    let env = environment(&pod["spec"]["containers"][0]);
    env.into_iter().find(|(name, _)| name == "AWS_ROLE_ARN").map(|(_, arn)| arn)
}

const NOT_GIVEN: &str = "the pod was not given the credentials of machine identity `orders` of service account `orders` by the webhook of EKS (amazon-eks-pod-identity-webhook): it is missing or did not answer, or it has not seen the annotations of the service account yet; create the pod again";

#[tokio::test]
async fn annotations_lead_to_the_role_and_a_pod_without_them_is_refused() {
    let bed = bed().await;
    let talk = own_tenant(bed, "delivery-eks").await;
    bed.plant(&["buckets", "eks-in"]).await.unwrap();
    account(&talk, "eks", &by_annotation()).await;
    talk.apply(&reader_in("eks", "orders", "eks-in")).await.unwrap();
    let object = talk.ready("orders").await;
    let arn = role_arn("delivery-eks", "orders");
    assert_eq!(annotations(&talk, "orders").await, said("orders", &arn));
    let gate =
        json!({"identity": "orders", "ready": true, "requiredEnv": ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]});
    assert_eq!(talk.entry("orders").await, gate);
    let told = json!({"method": "ServiceAccountAnnotation", "annotatedServiceAccounts": ["orders"]});
    assert_eq!(object["status"]["delivery"], told);

    // The webhook was not there: such a pod would start with what its node has. The API server may
    // learn of the table a moment later.
    let status =
        until("the refusal", async || talk.try_create(&pod("bare", "orders")).await.err().ok_or_else(String::new))
            .await;
    assert_eq!(refusal(Err(status), "pod-gate"), NOT_GIVEN);
    let skipped = json!({"metadata": {"annotations": {"eks.amazonaws.com/skip-containers": "side,main"}}});
    let skipped = talk.try_create(&merged(pod("bare", "orders"), &skipped)).await.unwrap();
    assert_eq!(role_of(&skipped), None, "the pod says itself that it wants none");

    let first = running(bed, &talk, "orders", "orders").await;
    assert_eq!(role_of(&first).as_deref(), Some(&*arn));
    assert_eq!(volumes(&first).len(), 1, "Ambit adds no token of its own");
    assert_eq!(annotation(&first), "orders");
    assert_eq!(talk.read(bed, "orders", "eks-in").await, Some(0));
    // A pod that runs with the role is not counted as one without.
    talk.patch("orders", &json!({"metadata": {"annotations": {"ambit.dev/reconcile": "1"}}})).await;
    until("a look", async || {
        let object = talk.get("orders").await;
        if object["status"]["lastHandledReconcile"] == "1" { Ok(()) } else { Err(String::new()) }
    })
    .await;
    let bound = talk.get("orders").await;
    assert_eq!(condition(&bound, "Bound").1, "Bound", "{}", bound["status"]);

    // What is lost is put back.
    annotate(&talk, "orders", &json!({ROLE_ARN: null})).await;
    talk.patch("orders", &json!({"metadata": {"annotations": {"ambit.dev/reconcile": "2"}}})).await;
    let repaired = talk.reason("orders", "InSync", "Repaired").await;
    let words = "repaired: service account `orders` has no annotation `eks.amazonaws.com/role-arn`, so the webhook of EKS gives its new pods nothing";
    assert_eq!(condition(&repaired, "InSync").2, words);
    assert_eq!(annotations(&talk, "orders").await, said("orders", &arn));

    // It moves, and it goes.
    let moved = json!({"spec": {"subject": {"serviceAccount": {"name": "orders-2"}}}});
    talk.patch("orders", &moved).await;
    talk.ready("orders").await;
    assert_eq!(annotations(&talk, "orders").await, json!({}));
    assert_eq!(annotations(&talk, "orders-2").await, said("orders", &arn));
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(annotations(&talk, "orders-2").await, json!({}));
}

/// As a person with `kubectl annotate --overwrite` does it.
async fn annotate(talk: &Talk, service_account: &str, change: &Value) {
    let patch = json!({"metadata": {"annotations": change}});
    let api = talk.kind("v1", "ServiceAccount");
    api.patch(service_account, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

#[tokio::test]
async fn annotations_of_somebody_else_stay() {
    let bed = bed().await;
    let talk = own_tenant(bed, "delivery-foreign").await;
    account(&talk, "foreign", &by_annotation()).await;
    let theirs = "arn:aws:iam::123456789012:role/theirs";
    let service_account = |annotations: Value| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders", "annotations": annotations}});
    let shared = json!({"eks.amazonaws.com/audience": "sts.amazonaws.com", "team": "shop"});
    talk.apply(&service_account(merged(shared.clone(), &json!({ROLE_ARN: theirs})))).await.unwrap();
    talk.apply(&reader_in("foreign", "orders", "foreign-in")).await.unwrap();
    let object = talk.reason("orders", "Bound", "AnnotationConflict").await;
    let message = format!(
        "service account 'orders' has `eks.amazonaws.com/role-arn: {theirs}`, which somebody else wrote and Ambit does not overwrite: remove it, or name another service account"
    );
    assert_eq!(condition(&object, "Bound").2, message);
    assert_eq!(condition(&object, "Ready"), ("False", "AnnotationConflict", &*message));
    assert_eq!(annotations(&talk, "orders").await, merged(shared.clone(), &json!({ROLE_ARN: theirs})));
    assert_eq!(talk.entry("orders").await["ready"], false, "nobody starts with their role");

    talk.apply(&service_account(shared.clone())).await.unwrap();
    talk.ready("orders").await;
    let own = said("orders", &role_arn("delivery-foreign", "orders"));
    assert_eq!(annotations(&talk, "orders").await, merged(own, &json!({"team": "shop"})));
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(annotations(&talk, "orders").await, shared, "what they wrote as well stays");
}

/// While the account is switched there and back, pods are made all the time: whoever is let in has
/// the role, and who ran before goes on.
#[tokio::test]
async fn a_switch_of_delivery_leaves_no_pod_without_the_role() {
    let bed = bed().await;
    let talk = own_tenant(bed, "delivery-switch").await;
    bed.plant(&["buckets", "switch-in"]).await.unwrap();
    account(&talk, "switch", &json!({})).await;
    talk.apply(&reader_in("switch", "orders", "switch-in")).await.unwrap();
    talk.ready("orders").await;
    let arn = role_arn("delivery-switch", "orders");
    running(bed, &talk, "by-admission", "orders").await;
    assert_eq!(talk.read(bed, "by-admission", "switch-in").await, Some(0));

    for (turn, delivery, pod) in
        [(1, "ServiceAccountAnnotation", "by-webhook"), (2, "PodAdmission", "by-admission-again")]
    {
        account(&talk, "switch", &json!({"delivery": delivery})).await;
        let is_annotated = delivery == "ServiceAccountAnnotation";
        let (mut admitted, mut last) = (0, String::new());
        until("the end of the switch", async || {
            match made(bed, &talk, "probe", "orders", true).await {
                Ok(probe) => {
                    assert_eq!(role_of(&probe).as_deref(), Some(&*arn), "{}", probe["spec"]);
                    admitted += 1;
                }
                Err(status) => last = status.message.clone(),
            }
            let told = talk.get("orders").await["status"]["delivery"].clone();
            let is_told = if is_annotated { told["method"] == delivery } else { told.is_null() };
            if is_told { Ok(()) } else { Err(format!("{told}; {last}")) }
        })
        .await;
        assert!(admitted > 0, "turn {turn}: every pod was refused: {last}");
        let expected = if is_annotated { said("orders", &arn) } else { json!({}) };
        assert_eq!(annotations(&talk, "orders").await, expected);
        running(bed, &talk, pod, "orders").await;
        for pod in ["by-admission", pod] {
            assert_eq!(talk.read(bed, pod, "switch-in").await, Some(0), "turn {turn}, `{pod}`");
        }
        let object = talk.get("orders").await;
        assert_eq!(condition(&object, "InSync").1, "InSync", "nobody else changed anything");
        assert_eq!(condition(&object, "Bound").1, "Bound", "all pods have the role");
    }
    let told = talk.told("orders").await;
    assert!(told.iter().all(|told| told.kind == "Normal"), "{told:?}");
}

#[tokio::test]
async fn tokens_are_as_the_account_says() {
    let bed = bed().await;
    let talk = own_tenant(bed, "delivery-tokens").await;
    bed.plant(&["buckets", "tokens-in"]).await.unwrap();
    let folder = "/var/run/secrets/cloud/aws";
    account(&talk, "tokens", &json!({"token": {"expiration": "30m", "directory": folder}})).await;
    talk.apply(&reader_in("tokens", "orders", "tokens-in")).await.unwrap();
    let object = talk.ready("orders").await;
    let entry = talk.entry("orders").await;
    assert_eq!((&entry["expirationSeconds"], &entry["directory"]), (&json!(1800), &json!(folder)));
    let told = json!({"method": "PodAdmission", "expirationSeconds": 1800, "directory": folder});
    assert_eq!(object["status"]["delivery"], told);
    let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 1800, "path": "token"});
    let volume =
        json!({"name": "ambit-token", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": token}]}});
    let mount = json!({"name": "ambit-token", "mountPath": folder, "readOnly": true});
    let first = running(bed, &talk, "orders", "orders").await;
    let container = &first["spec"]["containers"][0];
    assert_eq!((volumes(&first), mounts(container)), (vec![volume.clone()], vec![mount]));
    let file = ("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(), format!("{folder}/token"));
    assert!(environment(container).contains(&file), "{container}");
    assert_eq!(talk.read(bed, "orders", "tokens-in").await, Some(0));

    // What a pod mounts there itself stays.
    let own = json!({"name": "data", "mountPath": format!("{folder}/")});
    let change = json!({"spec": {"volumes": [{"name": "data", "emptyDir": {}}],
        "containers": [{"name": "main", "image": "none", "volumeMounts": [own]}]}});
    let kept = talk.try_create(&merged(pod("own", "orders"), &change)).await.unwrap();
    assert_eq!(mounts(&kept["spec"]["containers"][0]), [own]);
}

#[tokio::test]
async fn the_operator_changes_nothing_of_service_accounts_but_its_annotations() {
    let bed = bed().await;
    let people = own_tenant(bed, "delivery-guard").await;
    let operator = as_operator(bed, &people).await;
    let orders = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders",
        "labels": {"team": "shop"}, "annotations": {"team": "shop"}}, "imagePullSecrets": [{"name": "registry"}]});
    people.apply(&orders).await.unwrap();
    let arn = "arn:aws:iam::123456789012:role/ambit/bed/x";
    let own = json!({"metadata": {"annotations": said("orders", arn)}});
    operator.try_change(&orders, &own).await.unwrap();
    let annotations = "the operator may change no annotations of a service account but `eks.amazonaws.com/role-arn`, `eks.amazonaws.com/audience`, `eks.amazonaws.com/token-expiration`, `eks.amazonaws.com/sts-regional-endpoints`, `ambit.dev/annotated-by`";
    let rest = "the operator may change nothing of a service account but its annotations for the webhook of EKS";
    for (change, expected) in [
        (json!({"metadata": {"annotations": {"eks.amazonaws.com/endpoint-url": "https://example.com"}}}), annotations),
        (json!({"metadata": {"annotations": {"team": "bank"}}}), annotations),
        (json!({"metadata": {"annotations": {"team": null}}}), annotations),
        (json!({"metadata": {"annotations": null}}), annotations),
        (json!({"metadata": {"labels": {"team": "bank"}}}), rest),
        (json!({"metadata": {"labels": null}}), rest),
        (json!({"metadata": {"finalizers": ["ambit.dev/x"]}}), rest),
        (json!({"imagePullSecrets": [{"name": "theirs"}]}), rest),
        (json!({"secrets": [{"name": "token"}]}), rest),
        (json!({"automountServiceAccountToken": false}), rest),
        (merged(own.clone(), &json!({"automountServiceAccountToken": true})), rest),
    ] {
        assert_eq!(refusal(operator.try_change(&orders, &change).await, "service-accounts"), expected, "{change}");
        // People are not held up.
        people.try_change(&orders, &change).await.unwrap();
    }
    let system = Talk { namespace: "kube-system".to_owned(), ..operator };
    let default = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let expected =
        "the operator may not annotate service accounts in namespace `kube-system`, whose pods Ambit leaves alone";
    assert_eq!(refusal(system.try_change(&default, &own).await, "service-accounts"), expected);
    // What it wrote before a namespace was excluded, it may take away.
    let people = Talk { namespace: "kube-system".to_owned(), ..people };
    annotate(&people, "default", &said("orders", arn)).await;
    let names = said("orders", arn);
    let none: Value = names.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
    system.try_change(&default, &json!({"metadata": {"annotations": none}})).await.unwrap();
    annotate(&people, "default", &none).await;
}

/// Without the value that gives the right: what is missing is told, and it goes on when it is there.
#[tokio::test]
async fn a_missing_right_is_told_and_waited_for() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let talk = own_tenant(&bed, "delivery-rightless").await;
    account(&talk, "eks", &by_annotation()).await;
    talk.apply(&reader_in("eks", "orders", "rightless-in")).await.unwrap();
    let object = talk.reason("orders", "Bound", "ClusterRefused").await;
    let (status, _, message) = condition(&object, "Bound");
    assert_eq!(status, "False");
    assert!(
        message
            .starts_with("the API server does not let Ambit annotate service account 'orders': patch serviceaccount: "),
        "{message}"
    );
    assert!(message.ends_with("; set the chart value `delivery.serviceAccountAnnotation` to true"), "{message}");
    assert_eq!(annotations(&talk, "orders").await, json!({}));
    let rule = json!([{"op": "add", "path": "/rules/-",
        "value": {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["patch"]}}]);
    bed.kubectl(&["patch", "clusterrole", "ambit-operator", "--type=json", "-p", &rule.to_string()]).await.unwrap();
    talk.ready("orders").await;
    assert_eq!(annotations(&talk, "orders").await, said("orders", &role_arn("delivery-rightless", "orders")));
}

/// Nothing can write down who suspends an identity, so whoever does must.
async fn who_suspends_writes_it_down(bed: &Bed) {
    let account = json!({"spec": {"resumeBy": "AnotherPerson"}}).to_string();
    bed.kubectl(&["patch", "ca", "bed", "--type=merge", "-p", &account]).await.unwrap();
    let mut object = identity("payments", "payments");
    object["metadata"]["namespace"] = json!("default");
    bed.apply(&object.to_string()).await.unwrap();
    let patch = async |user: &str, noted: Value, suspend: bool| {
        let patch =
            json!({"metadata": {"annotations": {"ambit.dev/suspended-by": noted}}, "spec": {"suspend": suspend}});
        let (user, patch) = (format!("--as={user}"), patch.to_string());
        let who =
            [user.as_str(), "--as-group=system:masters", "patch", "mid", "payments", "--type=merge", "-p", &patch];
        bed.kubectl(&who).await.map(drop).map_err(|error| error.to_string())
    };
    let must = "the annotation `ambit.dev/suspended-by` must be `maya` while the identity is suspended";
    for noted in [Value::Null, json!("noor")] {
        let error = patch("maya", noted, true).await.unwrap_err();
        assert!(error.contains(must), "{error}");
    }
    patch("maya", json!("maya"), true).await.unwrap();
    let error = patch("maya", json!("noor"), true).await.unwrap_err();
    assert!(error.contains(must), "{error}");
    let error = patch("maya", Value::Null, false).await.unwrap_err();
    assert!(error.contains("a person other than `maya` must resume the suspended identity"), "{error}");
    patch("noor", Value::Null, false).await.unwrap();
}

/// As on a cluster that knows no mutating admission policies: the gate is all there is.
#[tokio::test]
async fn without_the_injection_the_gate_holds_pods_back_all_the_same() {
    let chart_values = vec!["admission.injection=false".to_owned(), VALUE.to_owned()];
    let options = BedOptions { cloud: false, operator: false, chart_values, ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    let policies = bed.kubectl(&["get", "mutatingadmissionpolicies", "-o", "name"]).await.unwrap();
    assert_eq!(policies, "", "there is none");
    who_suspends_writes_it_down(&bed).await;
    let talk = Talk { namespace: "default".to_owned(), client: bed.client().await.unwrap() };
    let names = |names: &[&str]| json!({"requiredEnv": names, "ready": true, "identity": "orders"});
    let table = json!({"apiVersion": AMBIT, "kind": "BindingTable", "metadata": {"name": "ambit"}, "serviceAccounts": {
        "orders": names(&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
        "default": {"identity": "other", "ready": true, "audience": "sts.amazonaws.com"},
    }});
    for name in ["orders", "stranger"] {
        talk.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})).await.unwrap();
    }
    let file = bed.dir().join("table.json");
    std::fs::write(&file, table.to_string()).unwrap();
    let user = format!("--as=system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}");
    bed.kubectl(&["-n", "default", "create", "-f", &file.to_string_lossy(), &user]).await.unwrap();

    let status =
        until("the refusal", async || talk.try_create(&pod("bare", "orders")).await.err().ok_or_else(String::new))
            .await;
    assert_eq!(refusal(Err(status), "pod-gate"), NOT_GIVEN);
    let given = webhooked(pod("given", "orders"), &said("orders", "arn:aws:iam::123456789012:role/x"));
    let given = talk.try_create(&required(given)).await.unwrap();
    assert_eq!(*annotation(&given), Value::Null, "nothing marks it");
    let unfit = "the pod was not given the credentials of machine identity `other` of service account `default`: the chart is installed with `admission.injection: false`, so its CloudAccount must say `delivery: ServiceAccountAnnotation`, or name a cluster under `podIdentity`";
    assert_eq!(refusal(talk.try_create(&pod("unfit", "default")).await, "pod-gate"), unfit);
    let none = "the pod is labelled `ambit.dev/identity: required`, but no machine identity in namespace `default` is bound to service account `stranger` yet; to see which there are: kubectl get mid -n default";
    assert_eq!(refusal(talk.try_create(&required(pod("stranger", "stranger"))).await, "pod-required"), none);
    // Where there is no table at all, the API server says so in words of its own.
    let elsewhere = own_tenant(&bed, "no-table").await;
    let status = elsewhere.try_create(&required(pod("web", "default"))).await.unwrap_err();
    assert!(status.message.contains("ambit-pod-required"), "{}", status.message);
    elsewhere.try_create(&pod("web", "default")).await.unwrap();
}
