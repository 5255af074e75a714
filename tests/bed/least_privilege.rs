//! What the operator could do if its code were bad.

use ambit_bed::{AccessKey, BOUNDARY_NAME, Bed, INSTALLATION, OPERATOR_USER, boundary_arn};
use aws_sdk_iam::Client;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::create_role::builders::CreateRoleFluentBuilder;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::house::{house, identity};
use crate::root::{Root, iam, role_name, tag};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// The key of the operator's own cloud user.
pub fn operator_key(bed: &Bed) -> AccessKey {
    let state: Value = serde_json::from_slice(&std::fs::read(bed.dir().join("state.json")).unwrap()).unwrap();
    serde_json::from_value(state["operatorKeys"].clone()).unwrap()
}

fn operator(bed: &Bed) -> Client {
    let key = operator_key(bed);
    iam(&bed.direct_url(), (&key.access_key_id, &key.secret_access_key))
}

/// The code of a refusal.
fn code<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

#[tokio::test]
async fn the_operators_user_has_what_the_command_prints_and_nothing_else() {
    let bed = house().await;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(["account", "policy", "--installation", INSTALLATION, "--account"])
        .arg(bed.account_file())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();

    let root = Root::of(&bed).iam;
    let inline = root.list_user_policies().user_name(OPERATOR_USER).send().await.unwrap().policy_names;
    let attached = root.list_attached_user_policies().user_name(OPERATOR_USER).send().await.unwrap();
    let attached = attached.attached_policies.unwrap_or_default();
    assert_eq!((inline.len(), attached.len()), (0, 1), "one managed policy: it is too long for an inline one");
    let arn = attached[0].policy_arn.clone().unwrap();
    let policy = root.get_policy().policy_arn(&arn).send().await.unwrap().policy.unwrap();
    let version = root.get_policy_version().policy_arn(arn).version_id(policy.default_version_id.unwrap());
    let encoded = version.send().await.unwrap().policy_version.unwrap().document.unwrap();
    let text = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), printed);
}

#[tokio::test]
async fn roles_are_made_only_on_the_path_under_the_boundary_and_with_the_tag() {
    let bed = house().await;
    let operator = operator(&bed);
    let request = |name: &str, path: &str| -> CreateRoleFluentBuilder {
        operator.create_role().role_name(name).path(path).assume_role_policy_document(TRUST)
    };
    let ours = tag("ambit.dev/installation", INSTALLATION);
    let right = || request("lp-right", "/ambit/bed/").permissions_boundary(boundary_arn()).tags(ours.clone());
    let wrong = [
        ("path", request("lp-path", "/").permissions_boundary(boundary_arn()).tags(ours.clone())),
        (
            "other installation's path",
            request("lp-other", "/ambit/other/").permissions_boundary(boundary_arn()).tags(ours.clone()),
        ),
        ("no boundary", request("lp-bare", "/ambit/bed/").tags(ours.clone())),
        (
            "other boundary",
            request("lp-loose", "/ambit/bed/")
                .permissions_boundary("arn:aws:iam::aws:policy/AdministratorAccess")
                .tags(ours.clone()),
        ),
        ("no tag", request("lp-untagged", "/ambit/bed/").permissions_boundary(boundary_arn())),
        (
            "other tag",
            request("lp-foreign", "/ambit/bed/")
                .permissions_boundary(boundary_arn())
                .tags(tag("ambit.dev/installation", "other")),
        ),
        ("one more tag", right().role_name("lp-more").tags(tag("team", "admins"))),
    ];
    for (why, request) in wrong {
        assert_eq!(code(request.send().await), "AccessDenied", "{why}");
    }
    assert_eq!(code(right().send().await), "allowed", "or the refusals above would prove nothing");
    // What is its own it may change, but not free from its bounds.
    let name = "lp-right";
    assert_eq!(
        code(
            operator
                .put_role_policy()
                .role_name(name)
                .policy_name("ambit")
                .policy_document(crate::root::EVERYTHING)
                .send()
                .await
        ),
        "allowed"
    );
    assert_eq!(code(operator.delete_role_permissions_boundary().role_name(name).send().await), "AccessDenied");
    assert_eq!(
        code(
            operator
                .put_role_permissions_boundary()
                .role_name(name)
                .permissions_boundary("arn:aws:iam::aws:policy/AdministratorAccess")
                .send()
                .await
        ),
        "AccessDenied"
    );
    assert_eq!(
        code(operator.untag_role().role_name(name).tag_keys("ambit.dev/installation").send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(operator.tag_role().role_name(name).tags(tag("ambit.dev/installation", "other")).send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(
            operator
                .attach_role_policy()
                .role_name(name)
                .policy_arn("arn:aws:iam::aws:policy/AdministratorAccess")
                .send()
                .await
        ),
        "AccessDenied"
    );
    assert_eq!(code(operator.delete_role_policy().role_name(name).policy_name("ambit").send().await), "allowed");
    assert_eq!(code(operator.delete_role().role_name(name).send().await), "allowed");
}

#[tokio::test]
async fn roles_without_the_tag_and_everything_beside_roles_are_out_of_reach() {
    let bed = house().await;
    let (operator, root) = (operator(&bed), Root::of(&bed));
    let planted = [
        root.plant("lp-theirs", "/ambit/bed/", &[]).await,
        root.plant("lp-neighbours", "/ambit/bed/", &[("ambit.dev/installation", "other")]).await,
        root.plant("lp-far", "/", &[("ambit.dev/installation", INSTALLATION)]).await,
    ];
    for (name, before) in ["lp-theirs", "lp-neighbours", "lp-far"].into_iter().zip(&planted) {
        let answers = [
            code(operator.update_assume_role_policy().role_name(name).policy_document(TRUST).send().await),
            code(operator.update_role().role_name(name).max_session_duration(7200).send().await),
            code(
                operator
                    .put_role_policy()
                    .role_name(name)
                    .policy_name("x")
                    .policy_document(crate::root::EVERYTHING)
                    .send()
                    .await,
            ),
            code(operator.delete_role_policy().role_name(name).policy_name("theirs").send().await),
            code(
                operator
                    .put_role_permissions_boundary()
                    .role_name(name)
                    .permissions_boundary(boundary_arn())
                    .send()
                    .await,
            ),
            code(operator.detach_role_policy().role_name(name).policy_arn(boundary_arn()).send().await),
            code(operator.delete_role().role_name(name).send().await),
        ];
        assert_eq!(answers, ["AccessDenied"; 7], "{name}");
        assert_eq!(root.role(name).await.as_ref(), Some(before));
    }
    let boundary = boundary_arn();
    let answers = [
        code(
            operator
                .tag_role()
                .role_name("lp-neighbours")
                .tags(tag("ambit.dev/installation", INSTALLATION))
                .send()
                .await,
        ),
        code(operator.create_user().user_name("lp-user").send().await),
        code(operator.create_access_key().user_name(OPERATOR_USER).send().await),
        code(
            operator
                .put_user_policy()
                .user_name(OPERATOR_USER)
                .policy_name("x")
                .policy_document(crate::root::EVERYTHING)
                .send()
                .await,
        ),
        code(operator.create_policy().policy_name("lp-policy").policy_document(crate::root::EVERYTHING).send().await),
        code(
            operator
                .create_policy_version()
                .policy_arn(&boundary)
                .policy_document(crate::root::EVERYTHING)
                .set_as_default(true)
                .send()
                .await,
        ),
        code(operator.delete_policy().policy_arn(&boundary).send().await),
        code(operator.delete_open_id_connect_provider().open_id_connect_provider_arn(provider(&bed)).send().await),
    ];
    assert_eq!(answers, ["AccessDenied"; 8]);
    assert!(boundary.ends_with(BOUNDARY_NAME));
}

fn provider(bed: &Bed) -> String {
    format!("arn:aws:iam::{}:oidc-provider/{}", bed.account_id(), bed.issuer().replace("https://", ""))
}

#[tokio::test]
async fn nothing_that_is_granted_may_pass_a_role_on() {
    let bed = house().await;
    let text = std::process::Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(["account", "policy", "--installation", INSTALLATION, "--account"])
        .arg(bed.account_file())
        .output()
        .unwrap();
    let policy: Value = serde_json::from_slice(&text.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions: Vec<&str> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    assert!(!actions.is_empty() && actions.iter().all(|action| action.starts_with("iam:") && !action.contains('*')));
    for never in
        ["iam:PassRole", "iam:CreateUser", "iam:AttachRolePolicy", "iam:UntagRole", "iam:DeleteRolePermissionsBoundary"]
    {
        assert!(!actions.contains(&never), "{never}");
    }
}

#[tokio::test]
async fn the_operators_service_account_can_read_no_secret_and_write_no_workload() {
    let bed = house().await;
    let talk = bed.tenant("least-rights").await;
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    assert!(Root::of(&bed).role(&role_name("least-rights", "orders")).await.is_some());
    let operator = bed.as_operator(&talk).await;
    for (version, kind) in [
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ] {
        assert_eq!(refused(operator.kind(version, kind).list(&ListParams::default()).await), 403, "list {kind}");
        assert_eq!(refused(operator.kind(version, kind).get("any").await), 403, "get {kind}");
        let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "any"}});
        assert_eq!(operator.try_create(&object).await.unwrap_err().code, 403, "create {kind}");
    }
    let pods = operator.kind("v1", "Pod");
    assert_eq!(refused(pods.get("any").await), 403);
    assert_eq!(refused(pods.delete("any", &DeleteParams::default()).await), 403);
    assert!(pods.list(&ListParams::default()).await.is_ok(), "pods are counted");
    let accounts = operator.kind("v1", "ServiceAccount");
    assert_eq!(refused(accounts.delete("orders", &DeleteParams::default()).await), 403);
    let identities = operator.kind("ambit.dev/v1alpha1", "MachineIdentity");
    assert_eq!(refused(identities.delete("orders", &DeleteParams::default()).await), 403);
    assert_eq!(operator.try_create(&identity("made-up", "made-up")).await.unwrap_err().code, 403);
    let account = operator.kind("ambit.dev/v1alpha1", "CloudAccount");
    assert_eq!(refused(account.delete("bed", &DeleteParams::default()).await), 403);
}

/// The code of the API server's refusal; zero where it did what was asked.
fn refused<T>(answer: kube::Result<T>) -> u16 {
    match answer {
        Ok(_) => 0,
        Err(kube::Error::Api(status)) => status.code,
        Err(error) => panic!("the API server could not be asked: {error}"),
    }
}
