//! Pods as the admission policies leave them, and pods that cannot be run.

use serde_json::json;

use super::*;
use crate::kubelet::PodName;

fn pod(container: &serde_json::Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u1"},
        "spec": {
            "serviceAccountName": "orders",
            "containers": [container],
            "volumes": [
                {"name": "ambit-token", "projected": {"sources": [
                    {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 900, "path": "token"}}]}},
                {"name": "kube-api-access", "projected": {"sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
                    {"secret": {"name": "hush"}}]}},
                {"name": "disk", "hostPath": {"path": "/"}}
            ]
        }
    }))
    .unwrap()
}

#[test]
fn the_injected_token_is_minted_as_asked_and_its_path_points_into_the_folder() {
    let pod = pod(&json!({
        "name": "main", "image": "x",
        "env": [
            {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/ambit.dev/token"},
            {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::1:role/x"}],
        "volumeMounts": [{"name": "ambit-token", "mountPath": "/var/run/secrets/ambit.dev"}]
    }));
    let plan = container(&pod, None, Path::new("/bed/u1")).unwrap();
    let source = Source::Token { audience: Some("sts.amazonaws.com".into()), expiration: 900, path: "token".into() };
    assert_eq!(plan.volumes, [Volume { folder: "/bed/u1/ambit-token".into(), sources: vec![source] }]);
    assert_eq!(
        plan.env,
        [
            ("AWS_WEB_IDENTITY_TOKEN_FILE".into(), "/bed/u1/ambit-token/token".into()),
            ("AWS_ROLE_ARN".into(), "arn:aws:iam::1:role/x".to_string())
        ]
    );
    assert!(plan.notes.is_empty());
}

#[test]
fn a_volume_that_the_container_does_not_mount_gives_it_nothing() {
    let plan = container(&pod(&json!({"name": "main", "image": "x"})), None, Path::new("/bed/u1")).unwrap();
    assert!(plan.volumes.is_empty() && plan.env.is_empty());
}

#[test]
fn the_api_access_volume_is_honoured_and_what_is_left_out_is_told() {
    let pod = pod(&json!({
        "name": "main", "image": "x",
        "volumeMounts": [
            {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
            {"name": "disk", "mountPath": "/disk"}]
    }));
    let plan = container(&pod, Some("main"), Path::new("/bed/u1")).unwrap();
    let expected = [
        Source::Token { audience: None, expiration: 3607, path: "token".into() },
        Source::ConfigMap {
            name: "kube-root-ca.crt".into(),
            optional: false,
            items: vec![("ca.crt".into(), "ca.crt".into())],
        },
        Source::Text { path: "namespace".into(), text: "shop".into() },
    ];
    assert_eq!(plan.volumes[0].sources, expected);
    assert_eq!(
        plan.notes,
        [
            "a source of volume `kube-api-access` is of a kind that is left out",
            "volume `disk` is of a kind that is left out"
        ]
    );
}

#[test]
fn only_whole_path_parts_are_rewritten_and_the_deepest_mount_wins() {
    let mounts = [("/a".to_owned(), PathBuf::from("/x")), ("/a/b".to_owned(), PathBuf::from("/y"))];
    assert_eq!(rewrite("/a/token", &mounts), "/x/token");
    assert_eq!(rewrite("/a/b/token", &mounts), "/y/token");
    assert_eq!(rewrite("/a", &mounts), "/x");
    assert_eq!(rewrite("/ab/token", &mounts), "/ab/token");
    assert_eq!(rewrite("see /a/token", &mounts), "see /a/token");
}

#[test]
fn what_cannot_be_given_is_refused_with_the_variable_and_the_container() {
    let home = Path::new("/bed");
    let field = json!({"fieldRef": {"fieldPath": "metadata.uid"}});
    let from = json!({"name": "main", "env": [{"name": "KEY", "valueFrom": field}]});
    assert_eq!(
        container(&pod(&from), None, home).unwrap_err(),
        "variable `KEY` of container `main` uses `valueFrom` without `secretKeyRef`, which is not supported"
    );
    let all = json!({"name": "main", "envFrom": [{"configMapRef": {"name": "s"}}]});
    assert_eq!(
        container(&pod(&all), None, home).unwrap_err(),
        "container `main` uses `envFrom` without `secretRef`, which is not supported"
    );
    assert_eq!(
        container(&pod(&json!({"name": "main"})), Some("side"), home).unwrap_err(),
        "it has no container `side`"
    );
    let mut leaving = pod(&json!({"name": "main"}));
    leaving.metadata.deletion_timestamp = Some(serde_json::from_value(json!("2026-11-21T00:00:00Z")).unwrap());
    assert_eq!(container(&leaving, None, home).unwrap_err(), "it is being deleted, so no program can be started in it");
}

#[test]
fn secrets_come_as_variables_and_as_files() {
    let mut pod = pod(&json!({
        "name": "main", "image": "x",
        "envFrom": [{"secretRef": {"name": "aws"}}, {"prefix": "X_", "secretRef": {"name": "more", "optional": true}}],
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"name": "A", "value": "/aws/credentials"}],
        "volumeMounts": [{"name": "aws", "mountPath": "/aws"}]
    }));
    let volume =
        json!({"name": "aws", "secret": {"secretName": "aws", "items": [{"key": "credentials", "path": "c"}]}});
    pod.spec.as_mut().unwrap().volumes.as_mut().unwrap().push(serde_json::from_value(volume).unwrap());
    let plan = container(&pod, None, Path::new("/bed/u1")).unwrap();
    let from = |name: &str, optional, wanted| FromSecret { name: name.to_owned(), optional, wanted };
    assert_eq!(
        plan.secrets,
        [
            from("aws", false, Wanted::All { prefix: String::new() }),
            from("more", true, Wanted::All { prefix: "X_".to_owned() }),
            from("s", false, Wanted::Key { key: "k".to_owned(), variable: "KEY".to_owned() }),
        ]
    );
    assert_eq!(plan.env, [("A".to_owned(), "/bed/u1/aws/credentials".to_owned())]);
    let items = vec![("credentials".to_owned(), "c".to_owned())];
    assert_eq!(plan.volumes[0].sources, [Source::Secret { name: "aws".to_owned(), optional: false, items }]);
}

#[test]
fn a_pod_is_named_by_namespace_and_name() {
    let name: PodName = "shop/orders".parse().unwrap();
    assert_eq!((name.namespace.as_str(), name.name.as_str()), ("shop", "orders"));
    for wrong in ["orders", "/orders", "shop/", "a/b/c"] {
        assert_eq!(wrong.parse::<PodName>().unwrap_err(), format!("`{wrong}` must be NAMESPACE/POD"));
    }
}
