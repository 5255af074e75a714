use serde_json::{Value, json};

use super::*;

const SECRET: &str = "orders-key";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn run(name: &str, second: i64) -> Value {
    json!({"name": name, "image": "i", "imageID": "", "ready": true, "restartCount": 0,
           "state": {"running": {"startedAt": at(second).to_string()}}})
}

/// A pod that was made at second 0, with one container that started at second 1.
#[expect(clippy::needless_pass_by_value, reason = "both are made where the pod is")]
fn pod(container: Value, volumes: Value) -> Value {
    let mut container = container;
    container["name"] = json!("app");
    json!({
        "metadata": {"name": "orders-0", "creationTimestamp": at(0).to_string()},
        "spec": {"containers": [container], "volumes": volumes},
        "status": {"phase": "Running", "containerStatuses": [run("app", 1)]},
    })
}

fn by_env() -> Value {
    let reference = json!({"secretKeyRef": {"name": SECRET, "key": "AWS_ACCESS_KEY_ID"}});
    json!({"env": [{"name": "A", "value": "b"}, {"name": "AWS_ACCESS_KEY_ID", "valueFrom": reference}]})
}

fn by_mount(extra: Value) -> Value {
    let mut mount = extra;
    mount["name"] = json!("keys");
    mount["mountPath"] = json!("/keys");
    json!({"volumeMounts": [mount]})
}

fn secret_volume() -> Value {
    json!([{"name": "keys", "secret": {"secretName": SECRET}}])
}

fn found(pods: &[Value]) -> Vec<Consumer> {
    let pods: Vec<Pod> = pods.iter().map(|pod| serde_json::from_value(pod.clone()).unwrap()).collect();
    consumers(&pods, SECRET)
}

fn ways(pod: Value) -> Vec<(Option<String>, How)> {
    found(&[pod]).into_iter().map(|consumer| (consumer.container, consumer.how)).collect()
}

fn app(how: How) -> Vec<(Option<String>, How)> {
    vec![(Some("app".to_owned()), how)]
}

#[test]
fn each_way_to_use_a_secret_is_known() {
    let projected = json!([{"name": "keys", "projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": SECRET}}]}}]);
    let table = [
        ("env", by_env(), json!([]), How::Env),
        ("envFrom", json!({"envFrom": [{"secretRef": {"name": SECRET}}]}), json!([]), How::Env),
        ("volume", by_mount(json!({})), secret_volume(), How::Files),
        ("projected", by_mount(json!({})), projected, How::Files),
        ("subPath", by_mount(json!({"subPath": "credentials"})), secret_volume(), How::SubPath),
        ("subPathExpr", by_mount(json!({"subPathExpr": "$(A)"})), secret_volume(), How::SubPath),
        ("an empty subPath", by_mount(json!({"subPath": ""})), secret_volume(), How::Files),
    ];
    for (name, container, volumes, how) in table {
        assert_eq!(ways(pod(container, volumes)), app(how), "{name}");
    }
    let driver =
        json!([{"name": "bucket", "csi": {"driver": "s3.csi.aws.com", "nodePublishSecretRef": {"name": SECRET}}}]);
    assert_eq!(ways(pod(json!({}), driver)), [(None, How::Csi)]);
}

#[test]
fn what_only_looks_like_it_is_no_use() {
    let other_env = json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other", "key": "k"}}}],
                           "envFrom": [{"secretRef": {"name": "other"}}, {"configMapRef": {"name": SECRET}}]});
    let mut pulls = pod(json!({}), json!([]));
    pulls["spec"]["imagePullSecrets"] = json!([{"name": SECRET}]);
    let other_mount = json!({"volumeMounts": [{"name": "cache", "mountPath": "/cache"}]});
    let table = [
        ("another Secret, or another kind", pod(other_env, json!([]))),
        ("to pull images", pulls),
        ("a volume that no container mounts", pod(json!({}), secret_volume())),
        ("a mount of another volume", pod(other_mount, secret_volume())),
        (
            "another Secret's volume",
            pod(by_mount(json!({})), json!([{"name": "keys", "secret": {"secretName": "other"}}])),
        ),
    ];
    for (name, pod) in table {
        assert_eq!(ways(pod), [], "{name}");
    }
}

#[test]
fn of_several_ways_the_one_that_asks_most_counts() {
    let mut both = by_env();
    both["volumeMounts"] = by_mount(json!({}))["volumeMounts"].clone();
    assert_eq!(ways(pod(both, secret_volume())), app(How::Env));
    let twice = json!({"volumeMounts": [
        {"name": "keys", "mountPath": "/a"}, {"name": "keys", "mountPath": "/b", "subPath": "credentials"}]});
    assert_eq!(ways(pod(twice, secret_volume())), app(How::SubPath));
}

#[test]
fn containers_of_every_kind_count_while_they_run() {
    let mut pod = pod(json!({}), json!([]));
    let mut container = by_env();
    for (kind, statuses, name) in [
        ("initContainers", "initContainerStatuses", "sidecar"),
        ("ephemeralContainers", "ephemeralContainerStatuses", "debug"),
    ] {
        container["name"] = json!(name);
        pod["spec"][kind] = json!([container]);
        pod["status"][statuses] = json!([run(name, 5)]);
    }
    let named = |name: &str| (Some(name.to_owned()), How::Env);
    assert_eq!(ways(pod.clone()), [named("debug"), named("sidecar")]);
    assert_eq!(found(&[pod.clone()])[0].started, Some(at(5)));
    pod["status"]["initContainerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 0}});
    assert_eq!(ways(pod), [named("debug")]);
}

#[test]
fn what_does_not_run_holds_nothing() {
    let with = |change: fn(&mut Value)| {
        let mut pod = pod(by_env(), json!([]));
        change(&mut pod);
        ways(pod)
    };
    assert_eq!(with(|pod| pod["status"]["phase"] = json!("Succeeded")), []);
    assert_eq!(with(|pod| pod["status"]["phase"] = json!("Failed")), []);
    assert_eq!(with(|pod| pod["status"]["containerStatuses"][0]["state"] = json!({"waiting": {}})), []);
    assert_eq!(with(|pod| pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 1}})), []);
    assert_eq!(with(|pod| pod["status"] = json!({"phase": "Pending"})), []);
    // A node that does not answer, a pod that is being ended, and one that is not reported: it may run.
    assert_eq!(with(|pod| pod["status"]["phase"] = json!("Unknown")), app(How::Env));
    assert_eq!(with(|pod| pod["metadata"]["deletionTimestamp"] = json!(at(9).to_string())), app(How::Env));
    assert_eq!(with(|pod| pod["status"] = json!({"phase": "Running"})), app(How::Env));
    assert_eq!(with(|pod| pod["status"]["containerStatuses"][0]["state"] = json!({})), app(How::Env));
    assert_eq!(with(|pod| pod["status"] = Value::Null), app(How::Env));
}

fn consumer(how: How, made: i64, started: i64) -> Consumer {
    let container = Some("app".to_owned());
    Consumer { pod: "orders-0".into(), container, how, made: Some(at(made)), started: Some(at(started)) }
}

#[test]
fn who_has_to_be_restarted_before_it_gets_the_new_key() {
    let table = [
        ("started before", How::Env, 0, 99, true),
        ("started in the same second", How::Env, 0, 100, true),
        ("started after, in an old pod", How::Env, 0, 101, false),
        ("a new pod's file", How::SubPath, 101, 102, false),
        ("an old pod's file, in an old container", How::SubPath, 0, 99, true),
        ("an old pod's file, in a container that may have come too soon", How::SubPath, 0, 280, true),
        ("an old pod's file, in a container that came late enough", How::SubPath, 0, 281, false),
        ("an old pod's driver, whatever started", How::Csi, 100, 900, true),
        ("a new pod's driver", How::Csi, 101, 101, false),
        ("files come by themselves", How::Files, 0, 0, false),
    ];
    for (name, how, made, started, holds) in table {
        assert_eq!(consumer(how, made, started).holds(Some(at(100))), holds, "{name}");
    }
    for how in [How::Env, How::SubPath, How::Csi] {
        assert!(consumer(how, 999, 999).holds(None), "nobody knows when it was published: {how:?}");
        let unknown = Consumer { made: None, started: None, ..consumer(how, 0, 0) };
        assert!(unknown.holds(Some(at(100))), "nobody knows when it started: {how:?}");
    }
}

#[test]
fn a_few_are_told_by_name_and_the_rest_counted() {
    let many: Vec<Consumer> =
        (0..7).map(|n| Consumer { pod: format!("orders-{n}"), ..consumer(How::Env, 0, 0) }).collect();
    assert_eq!(in_words(&many[..1]), "pod `orders-0` (env of container `app`)");
    let words = in_words(&many);
    assert!(words.ends_with("pod `orders-4` (env of container `app`) and 2 more"), "{words}");
    let driver = Consumer { container: None, ..consumer(How::Csi, 0, 0) };
    assert_eq!(driver.to_string(), "pod `orders-0` (CSI driver)");
}

#[test]
fn an_emergency_says_first_what_it_breaks() {
    let both = [consumer(How::Env, 0, 0), consumer(How::Files, 0, 0)];
    assert_eq!(
        what_breaks(Some(&both)),
        "until they are restarted, these fail: pod `orders-0` (env of container `app`); for up to 3 minutes, these may fail: pod `orders-0` (files of container `app`); whatever else uses the old key fails at once"
    );
    assert_eq!(
        what_breaks(Some(&[])),
        "no running pod of the namespace uses the Secret; whatever else uses the old key fails at once"
    );
    assert_eq!(
        what_breaks(None),
        "the pods could not be read, so it is not known what breaks: whatever uses the old key fails at once"
    );
}
