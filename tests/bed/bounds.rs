//! What the schemas themselves refuse, on a real API server: too much, too long, of the wrong form.

use serde_json::{Value, json};

use crate::house::{House, Talk, house, identity, merged};

async fn talk(house: &House) -> Talk {
    house.namespace("bounds", &[]).await
}

fn scopes(list: &[Value]) -> Value {
    json!({"spec": {"scopes": list}})
}

fn scope(name: &str) -> Value {
    json!({"name": name, "access": ["Read"], "resources": ["arn:aws:s3:::orders-in/*"]})
}

fn with(change: &Value) -> Value {
    scopes(&[merged(scope("inbox"), change)])
}

fn condition(operator: &str, values: &[&str]) -> Value {
    with(&json!({"conditions": [{"key": "aws:SourceVpce", "operator": operator, "values": values}]}))
}

fn secret(asked: &Value) -> Value {
    json!({"spec": {"credentials": {"sessionSecret": asked}}})
}

/// A change, the field for which it is refused, and the API server's words.
type Refused = (Value, &'static str, &'static str);

fn refused_scopes() -> Vec<Refused> {
    let name = |name: &str| scopes(&[scope(name)]);
    let many: Vec<Value> = (0..51).map(|number| scope(&format!("scope-{number}"))).collect();
    let long = "a".repeat(33);
    let resources: Vec<String> = (0..51).map(|number| format!("arn:aws:s3:::bucket-{number}")).collect();
    let actions: Vec<String> = (0..101).map(|number| format!("s3:Action{number}")).collect();
    vec![
        (scopes(&many), "spec.scopes", "Too many: 51: must have at most 50 items"),
        (scopes(&[]), "spec.scopes", "Invalid value: 0: spec.scopes in body should have at least 1 items"),
        (scopes(&[scope("inbox"), scope("inbox")]), "spec.scopes[1]", "Duplicate value: {\"name\":\"inbox\"}"),
        (name(&long), "spec.scopes[0].name", "Too long: may not be more than 32 bytes"),
        (
            name(""),
            "spec.scopes[0].name",
            "Invalid value: \"\": spec.scopes[0].name in body should be at least 1 chars long",
        ),
        (
            name("In Box"),
            "spec.scopes[0].name",
            "Invalid value: \"In Box\": spec.scopes[0].name in body should match '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'",
        ),
        (
            name("inbox\n"),
            "spec.scopes[0].name",
            "Invalid value: \"inbox\\n\": spec.scopes[0].name in body should match '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'",
        ),
        (
            with(&json!({"access": ["Reed"]})),
            "spec.scopes[0].access[0]",
            "Unsupported value: \"Reed\": supported values: \"List\", \"Read\", \"Write\", \"Tagging\", \"Permissions\"",
        ),
        (with(&json!({"access": ["Read", "Read"]})), "spec.scopes[0].access[1]", "Duplicate value: \"Read\""),
        (
            with(&json!({"resources": []})),
            "spec.scopes[0].resources",
            "Invalid value: 0: spec.scopes[0].resources in body should have at least 1 items",
        ),
        (
            with(&json!({"resources": resources})),
            "spec.scopes[0].resources",
            "Too many: 51: must have at most 50 items",
        ),
        (
            with(&json!({"resources": [format!("arn:{}", "a".repeat(1021))]})),
            "spec.scopes[0].resources[0]",
            "Too long: may not be more than 1024 bytes",
        ),
        (
            with(&json!({"access": null, "actions": actions})),
            "spec.scopes[0].actions",
            "Too many: 101: must have at most 100 items",
        ),
        (
            with(&json!({"access": null, "actions": ["s3:Get*", "s3:Get*"]})),
            "spec.scopes[0].actions[1]",
            "Duplicate value: \"s3:Get*\"",
        ),
    ]
}

fn refused_fields() -> Vec<Refused> {
    let values: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    let account = |name: &str| json!({"spec": {"accountRef": {"name": name}}});
    let subject = |name: &str| json!({"spec": {"subject": {"serviceAccount": {"name": name}}}});
    vec![
        (
            condition("String Equals", &["x"]),
            "spec.scopes[0].conditions[0].operator",
            "Invalid value: \"String Equals\": spec.scopes[0].conditions[0].operator in body should match '^[A-Za-z:]+$'",
        ),
        (
            condition("StringEquals", &[]),
            "spec.scopes[0].conditions[0].values",
            "Invalid value: 0: spec.scopes[0].conditions[0].values in body should have at least 1 items",
        ),
        (
            condition("StringEquals", &values.iter().map(String::as_str).collect::<Vec<_>>()),
            "spec.scopes[0].conditions[0].values",
            "Too many: 21: must have at most 20 items",
        ),
        (
            account("Prod\u{7}"),
            "spec.accountRef.name",
            "Invalid value: \"Prod\\a\": spec.accountRef.name in body should match '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'",
        ),
        (
            subject("Orders"),
            "spec.subject.serviceAccount.name",
            "Invalid value: \"Orders\": spec.subject.serviceAccount.name in body should match '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'",
        ),
        (subject(&"a".repeat(254)), "spec.subject.serviceAccount.name", "Too long: may not be more than 253 bytes"),
        (
            json!({"spec": {"sessionDuration": "1 hour"}}),
            "spec.sessionDuration",
            "Invalid value: \"1 hour\": spec.sessionDuration in body should match '^([0-9]+(h|m|s))+$'",
        ),
        (
            json!({"spec": {"sessionDuration": "-1h"}}),
            "spec.sessionDuration",
            "Invalid value: \"-1h\": spec.sessionDuration in body should match '^([0-9]+(h|m|s))+$'",
        ),
        (
            json!({"spec": {"managementPolicy": "Enforced"}}),
            "spec.managementPolicy",
            "Unsupported value: \"Enforced\": supported values: \"Enforce\", \"Observe\", \"Paused\"",
        ),
        (
            json!({"spec": {"deletionPolicy": null, "podAdmission": "Never"}}),
            "spec.podAdmission",
            "Unsupported value: \"Never\": supported values: \"RequireReady\", \"Allow\"",
        ),
        (json!({"spec": {"subject": null}}), "spec.subject", "Required value"),
        (
            secret(&json!({"secretName": "Orders_AWS"})),
            "spec.credentials.sessionSecret.secretName",
            r#"Invalid value: "Orders_AWS": spec.credentials.sessionSecret.secretName in body should match '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$'"#,
        ),
        (
            secret(&json!({"secretName": "a".repeat(254)})),
            "spec.credentials.sessionSecret.secretName",
            "Too long: may not be more than 253 bytes",
        ),
        (
            secret(&json!({"secretName": "a", "format": "SharedCredentialsFile", "profile": "two\nlines"})),
            "spec.credentials.sessionSecret.profile",
            "Invalid value: \"two\\nlines\": spec.credentials.sessionSecret.profile in body should match '^[A-Za-z0-9]([A-Za-z0-9_.@-]*[A-Za-z0-9])?$'",
        ),
    ]
}

#[tokio::test]
async fn what_is_too_much_or_of_the_wrong_form_is_refused() {
    let house = house().await;
    let talk = talk(&house).await;
    for (change, field, message) in [refused_scopes(), refused_fields()].concat() {
        let shown: String = change.to_string().chars().take(100).collect();
        let Err(status) = talk.try_create(&merged(identity("orders", "orders"), &change)).await else {
            panic!("{shown} must be refused")
        };
        let causes = status.details.map(|details| details.causes).unwrap_or_default();
        // Beside it the API server may say that it has not looked at the rules of CEL, or what they say.
        let told = causes.first().map(|cause| (cause.field.as_str(), cause.message.as_str()));
        assert_eq!(told, Some((field, message)), "{shown}");
    }
}

#[tokio::test]
async fn the_largest_of_everything_is_taken() {
    let house = house().await;
    let talk = talk(&house).await;
    let many: Vec<Value> = (0..50).map(|number| scope(&format!("{number:a>32}"))).collect();
    let longest = format!("arn:{}", "a".repeat(1020));
    for change in [scopes(&many), with(&json!({"resources": [longest]})), scopes(&[scope(&"a".repeat(32))])] {
        talk.try_create(&merged(identity("orders", "orders"), &change)).await.unwrap();
    }
    let words = json!({"spec": {"credentials": null, "sessionDuration": null, "managementPolicy": null}});
    talk.try_create(&merged(identity("orders", "orders"), &words)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_written_gets_the_documented_defaults() {
    let house = house().await;
    let stored = talk(&house).await.try_create(&identity("orders", "orders")).await.unwrap();
    let spec = &stored["spec"];
    let chosen = [&spec["sessionDuration"], &spec["managementPolicy"], &spec["deletionPolicy"], &spec["podAdmission"]];
    assert_eq!(chosen, ["3600s", "Enforce", "Delete", "RequireReady"]);
    assert_eq!(spec["credentials"], Value::Null);
}

/// `kubectl` asks the API server to be strict, so that a misspelt field is no silent loss of access.
#[tokio::test]
async fn a_misspelt_field_is_refused() {
    let house = house().await;
    let talk = talk(&house).await;
    let misspelt = merged(identity("orders", "orders"), &with(&json!({"resource": ["arn:aws:s3:::orders-in"]})));
    let file = house.dir().join("misspelt.json");
    std::fs::write(&file, misspelt.to_string()).unwrap();
    let args = ["-n", &talk.namespace, "create", "--dry-run=server", "-f", &file.to_string_lossy()];
    let error = house.kubectl(&args).await.unwrap_err().to_string();
    assert!(error.contains("strict decoding error: unknown field \"spec.scopes[0].resource\""), "{error}");
}

/// An object may be large and still be good in form. It must not hurt anybody else.
#[tokio::test]
async fn a_megabyte_is_refused_and_harms_nobody() {
    let house = house().await;
    let tenant = house.tenant("megabyte").await;
    let long = |scope: usize, number: usize| format!("arn:aws:s3:::{scope}-{number}/{}", "a".repeat(1000));
    let heavy: Vec<Value> = (0..20)
        .map(|number| {
            let resources: Vec<String> = (0..50).map(|resource| long(number, resource)).collect();
            merged(scope(&format!("scope-{number}")), &json!({"resources": resources}))
        })
        .collect();
    tenant.create(&merged(identity("heavy", "heavy"), &scopes(&heavy))).await.unwrap();
    tenant.create(&identity("light", "light")).await.unwrap();
    tenant.ready("light").await;
    let refused = tenant.condition("heavy", "Accepted", "False").await;
    let conditions = refused["status"]["conditions"].as_array().unwrap();
    let accepted = conditions.iter().find(|condition| condition["type"] == "Accepted").unwrap();
    assert_eq!(accepted["reason"], "TooLarge");
    let message = accepted["message"].as_str().unwrap();
    assert!(message.starts_with("`spec.scopes`: the permissions have at least "), "{message}");
    assert!(message.contains(" characters, 9840 are allowed; the largest: `scope-"), "{message}");
}
