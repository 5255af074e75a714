//! What bad input gets: a reason, the field, what must hold; and nothing in the cloud.

use ambit_bed::{NAMESPACE_LABEL, Part};
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, Talk, anything, house, identity, merged};
use crate::root::{Root, role_name};

/// A declaration that is refused, with exactly this reason and message.
struct Refused {
    object: Value,
    reason: &'static str,
    message: String,
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// Nothing but words came of it.
async fn nothing_came_of_it(bed: &House, talk: &Talk, case: &Refused) {
    let name = name_of(&case.object);
    match talk.create(&case.object).await {
        Err(status) if status.code != 409 => panic!("{}", status.message),
        _ => {}
    }
    let object = talk.reason(name, "Accepted", case.reason).await;
    assert_eq!(condition(&object, "Accepted"), ("False", case.reason, &*case.message));
    assert_eq!(condition(&object, "Ready"), ("False", case.reason, &*case.message));
    assert_eq!(condition(&object, "Stalled"), ("True", case.reason, &*case.message));
    assert_eq!(condition(&object, "Reconciling").0, "");
    for other in ["Provisioned", "Bound", "InSync", "CredentialsFresh"] {
        assert_eq!((condition(&object, other).0, condition(&object, other).1), ("Unknown", "Pending"));
    }
    assert_eq!(object["status"]["aws"], Value::Null);
    assert_eq!(object["metadata"]["finalizers"], Value::Null);

    let role = role_name(&talk.namespace, name);
    assert_eq!(Root::of(bed).role(&role).await, None);
    let steps = bed.logs(Part::Operator).unwrap();
    assert!(!steps.lines().any(|line| line.contains("changing the principal") && line.contains(&role)));
    let cut: String = case.message.chars().take(64).collect();
    let told = talk.heard(name, case.reason, &cut).await;
    assert_eq!((told.kind.as_str(), told.count), ("Warning", 1));
}

/// Its pods are told why they must wait.
async fn pods_are_refused(bed: &House, talk: &Talk, case: &Refused) {
    let account = case.object["spec"]["subject"]["serviceAccount"]["name"].as_str().unwrap();
    talk.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}})).await.unwrap();
    let name = name_of(&case.object);
    let refused = talk.pod(bed, name, account).await.unwrap_err();
    let reason: String = format!("{}: {}", case.reason, case.message).chars().take(512).collect();
    let expected = format!("machine identity `{name}` of service account `{account}` is not ready ({reason})");
    assert!(refused.contains(&expected), "{refused}\ndoes not say\n{expected}");
}

/// The mended declaration works without a restart, and what was told was told once.
async fn mended(bed: &House, talk: &Talk, case: &Refused, object: &Value) {
    let name = name_of(object);
    talk.patch(name, &json!({"spec": object["spec"]})).await;
    talk.ready(name).await;
    assert!(Root::of(bed).role(&role_name(&talk.namespace, name)).await.is_some());
    let told = talk.told(name).await;
    let refusals: Vec<_> = told.iter().filter(|told| told.reason == case.reason).collect();
    assert_eq!((refusals.len(), refusals[0].count), (1, 1), "{told:?}");
}

/// A declaration with these scopes, refused.
fn scopes(name: &str, scopes: &Value, reason: &'static str, message: &str) -> Refused {
    let object = merged(identity(name, name), &json!({"spec": {"scopes": scopes}}));
    Refused { object, reason, message: message.to_owned() }
}

/// A declaration with one scope of one resource, refused.
fn resource(name: &str, resource: &str, reason: &'static str, message: &str) -> Refused {
    let message = format!("`spec.scopes[0].resources[0]`: scope `s`: {message}");
    scopes(name, &json!([{"name": "s", "access": ["Read"], "resources": [resource]}]), reason, &message)
}

#[tokio::test]
async fn scopes_that_cannot_be_right_are_refused_with_field_and_fix() {
    let bed = house().await;
    let talk = bed.tenant("refused-scopes").await;
    let action = |action: &str| json!([{"name": "s", "actions": [action], "resources": ["arn:aws:s3:::b/*"]}]);
    let at = |field: &str, words: &str| format!("`spec.scopes[0].{field}`: scope `s`: {words}");
    let condition = json!([{"name": "s", "access": ["Read"], "resources": ["arn:aws:s3:::b/*"],
        "conditions": [{"key": "aws:SourceVpce", "operator": "StringEquals", "values": ["${aws:username}"]}]}]);
    let cases = [
        scopes(
            "action",
            &action("s3:GetObjekt"),
            "UnknownAction",
            &at("actions[0]", "`s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?"),
        ),
        scopes(
            "service",
            &action("s4:GetObject"),
            "UnknownAction",
            &at("actions[0]", "`s4` is not a service of AWS; did you mean `s3`?"),
        ),
        scopes("pattern", &action("s3:Gut*"), "UnknownAction", &at("actions[0]", "`s3:Gut*` matches no action of s3")),
        scopes(
            "level",
            &json!([{"name": "s", "access": ["Permissions"], "resources": ["arn:aws:dynamodb:us-east-1:000000000000:table/t/index/i"]}]),
            "InvalidScope",
            &at(
                "access",
                "no action of level `Permissions` acts on the resources: there are actions of level `Read` and `Write`",
            ),
        ),
        scopes(
            "variable",
            &condition,
            "InvalidScope",
            &at("conditions[0].values[0]", "`${aws:username}` has a policy variable: `${` is not supported in scopes"),
        ),
        resource(
            "account",
            "arn:aws:sqs:us-east-1:123456789012:q",
            "InvalidScope",
            "`arn:aws:sqs:us-east-1:123456789012:q` is in account `123456789012`, but the identity is for account `000000000000`: resources of other accounts are not supported",
        ),
        resource(
            "partition",
            "arn:aws-cn:sqs:cn-north-1:000000000000:q",
            "InvalidScope",
            "`arn:aws-cn:sqs:cn-north-1:000000000000:q` is in partition `aws-cn`, but the account is in `aws`",
        ),
        resource(
            "wildcard",
            "arn:aws:*:us-east-1:000000000000:q",
            "InvalidScope",
            "`arn:aws:*:us-east-1:000000000000:q` has a wildcard in its service: it must be named",
        ),
        resource(
            "unknown",
            "arn:aws:s3:us-east-1:000000000000:a/b",
            "InvalidScope",
            "`arn:aws:s3:us-east-1:000000000000:a/b` is not a resource of s3: it must look like `arn:aws:s3:<Region>:000000000000:job/<JobId>`, `arn:aws:s3:::<BucketName>` or `arn:aws:s3:::<BucketName>/<ObjectName>`",
        ),
    ];
    for case in &cases {
        nothing_came_of_it(&bed, &talk, case).await;
    }
    for case in &cases[..3] {
        pods_are_refused(&bed, &talk, case).await;
    }
    for case in &cases {
        let name = name_of(&case.object);
        mended(&bed, &talk, case, &identity(name, name)).await;
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_or_not_for_the_namespace_is_refused() {
    let bed = house().await;
    let talk = bed.tenant("refused-account").await;
    let other = json!({"spec": {"accountRef": {"name": "no-such"}}});
    let message = "`spec.accountRef` names 'no-such', and there is no such CloudAccount: create it, or name one of `kubectl get cloudaccounts`";
    let object = merged(identity("lost", "lost"), &other);
    let unknown = Refused { object, reason: "AccountNotFound", message: message.to_owned() };
    nothing_came_of_it(&bed, &talk, &unknown).await;
    pods_are_refused(&bed, &talk, &unknown).await;

    let stranger = bed.namespace("refused-stranger", &[("tests.ambit.dev/scopes", "any")]).await;
    let message = "CloudAccount 'bed' does not select namespace 'refused-stranger': ask its owners to, or label the namespace as `spec.namespaceSelector` of the account says";
    let unselected =
        Refused { object: identity("orders", "orders"), reason: "NamespaceNotSelected", message: message.to_owned() };
    nothing_came_of_it(&bed, &stranger, &unselected).await;
    pods_are_refused(&bed, &stranger, &unselected).await;
    bed.tenant("refused-stranger").await;
    mended(&bed, &stranger, &unselected, &unselected.object).await;
}

#[tokio::test]
async fn a_namespace_that_no_scope_policy_selects_may_ask_for_nothing() {
    let bed = house().await;
    let talk = bed.namespace("refused-policy", &[NAMESPACE_LABEL]).await;
    let message = "no ScopePolicy selects namespace 'refused-policy' for account 'bed', so nothing may be asked for: ask the platform team for a ScopePolicy";
    let case = Refused { object: identity("orders", "orders"), reason: "NoScopePolicy", message: message.to_owned() };
    nothing_came_of_it(&bed, &talk, &case).await;
    pods_are_refused(&bed, &talk, &case).await;
    // A policy for another account does not help; one for this account does.
    let policy = |account: &str| {
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "refused-policy"},
            "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "refused-policy"}},
                "accountRefs": [{"name": account}], "allow": [anything()]}})
    };
    talk.apply(&policy("another")).await.unwrap();
    nothing_came_of_it(&bed, &talk, &case).await;
    talk.apply(&policy("bed")).await.unwrap();
    mended(&bed, &talk, &case, &case.object).await;
}

/// Scopes whose permissions have far too many characters, the later the more.
fn heavy(scopes: usize, resources: usize, length: usize) -> Value {
    let arns = |scope: usize| -> Vec<String> {
        (0..resources)
            .map(|index| format!("arn:aws:s3:::b{scope:02}-{index:02}/{}", "x".repeat(length + scope)))
            .collect()
    };
    (0..scopes)
        .map(|scope| json!({"name": format!("s{scope:02}"), "access": ["Read"], "resources": arns(scope)}))
        .collect()
}

#[tokio::test]
async fn too_many_characters_are_counted_and_the_heaviest_scopes_named() {
    let bed = house().await;
    let talk = bed.tenant("refused-size").await;
    let ends = "name fewer resources or actions, or use patterns such as `s3:Get*`";
    let large = format!(
        "`spec.scopes`: the permissions have at least 12060 characters, 9840 are allowed; the largest: `s02` (4040), `s01` (4020), `s00` (4000); {ends}"
    );
    let huge = format!(
        "`spec.scopes`: the permissions have at least 984500 characters, 9840 are allowed; the largest: `s49` (20180), `s48` (20160), `s47` (20140); {ends}"
    );
    let large = scopes("large", &heavy(3, 20, 180), "TooLarge", &large);
    let huge = scopes("huge", &heavy(50, 20, 940), "TooLarge", &huge);
    assert!(huge.object.to_string().len() > 980_000, "one megabyte");
    for case in [large, huge] {
        nothing_came_of_it(&bed, &talk, &case).await;
        pods_are_refused(&bed, &talk, &case).await;
        let name = name_of(&case.object);
        mended(&bed, &talk, &case, &identity(name, name)).await;
    }
}

#[tokio::test]
async fn of_two_claims_to_a_service_account_the_older_holds() {
    let bed = house().await;
    let talk = bed.tenant("refused-taken").await;
    let root = Root::of(&bed);
    talk.apply(&identity("older", "shared")).await.unwrap();
    let older = talk.ready("older").await;
    // Times of creation have whole seconds; within one the UID decides.
    let created = older["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    crate::house::until("the next second", async || {
        let probe = talk.try_create(&identity("younger", "shared")).await.unwrap();
        let now = probe["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        if now > created { Ok(()) } else { Err(now) }
    })
    .await;
    let message = "service account 'shared' is already that of MachineIdentity 'older', and a shared identity would tell nobody who acted: name another service account, or delete 'older'";
    let case = Refused { object: identity("younger", "shared"), reason: "SubjectTaken", message: message.to_owned() };
    nothing_came_of_it(&bed, &talk, &case).await;
    assert_eq!(talk.entry("shared").await["identity"], "older");
    assert_eq!(talk.entry("shared").await["ready"], true);
    assert_eq!(condition(&talk.ready("older").await, "Ready").1, "Verified");

    talk.delete("MachineIdentity", "older").await;
    talk.gone("MachineIdentity", "older").await;
    talk.ready("younger").await;
    assert_eq!(talk.entry("shared").await["identity"], "younger");
    assert_eq!(root.role(&role_name("refused-taken", "older")).await, None);
    assert!(root.role(&role_name("refused-taken", "younger")).await.is_some());
    talk.pod(&bed, "pod", "shared").await.unwrap();
    assert_eq!(talk.run(&bed, "pod", &["whoami"]).await, Some(0));
}
