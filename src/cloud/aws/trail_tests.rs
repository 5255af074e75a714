use serde_json::json;

use super::*;

const ACCOUNT: &str = "123456789012";

fn reader() -> Reader {
    Reader {
        account: ACCOUNT.to_owned(),
        caller: "arn:aws:sts::123456789012:assumed-role/ambit-operator/ambit-bed".to_owned(),
        boundary: "arn:aws:iam::123456789012:policy/guard/ambit-boundary".to_owned(),
        provider: Some("arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A1".to_owned()),
    }
}

/// A record as EventBridge delivers it, as far as it is read.
fn event(operation: &str, parameters: &Value) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": ACCOUNT, "time": "2026-11-22T10:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::123456789012:user/mallory",
                "accountId": ACCOUNT, "accessKeyId": "AKIAEXAMPLE", "userName": "mallory",
            },
            "eventTime": "2026-11-22T10:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": operation,
            "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2",
            "requestParameters": parameters, "responseElements": null,
            "requestID": "r-1", "eventID": "e-1", "readOnly": false,
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        },
    })
}

fn put(policy: &str) -> Value {
    event("PutRolePolicy", &json!({"roleName": "shop-orders-x", "policyName": policy, "policyDocument": "{}"}))
}

fn with(mut event: Value, path: &str, value: Value) -> Value {
    *event.pointer_mut(path).unwrap() = value;
    event
}

fn without(mut event: Value, field: &str) -> Value {
    event["detail"].as_object_mut().unwrap().remove(field).unwrap();
    event
}

fn read(event: &Value) -> Record {
    reader().read(&event.to_string())
}

fn why(record: Record) -> String {
    match record {
        Record::Malformed(why) => why,
        other => panic!("{other:?} is not malformed"),
    }
}

#[test]
fn tells_who_did_what_to_which_role_and_from_where() {
    let change = ChangeEvent {
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
        event: "e-1".to_owned(),
        operation: "iam:PutRolePolicy".to_owned(),
        principal: "arn:aws:iam::123456789012:user/mallory".to_owned(),
        source: Some("203.0.113.9".to_owned()),
        target: Target::Permissions,
    };
    assert_eq!(read(&put("ambit")), Record::Role { name: "shop-orders-x".to_owned(), change });
}

#[test]
fn every_call_that_changes_a_role_has_its_target() {
    let role = json!({"roleName": "r", "policyName": "extra", "policyArn": "arn:aws:iam::aws:policy/P"});
    for (operation, target) in [
        ("CreateRole", Target::Role),
        ("DeleteRole", Target::Role),
        ("UpdateRole", Target::Session),
        ("UpdateAssumeRolePolicy", Target::Trust),
        ("PutRolePolicy", Target::Inline("extra".to_owned())),
        ("DeleteRolePolicy", Target::Inline("extra".to_owned())),
        ("AttachRolePolicy", Target::Attachment("arn:aws:iam::aws:policy/P".to_owned())),
        ("DetachRolePolicy", Target::Attachment("arn:aws:iam::aws:policy/P".to_owned())),
        ("PutRolePermissionsBoundary", Target::Boundary),
        ("DeleteRolePermissionsBoundary", Target::Boundary),
        ("TagRole", Target::Tags),
        ("UntagRole", Target::Tags),
    ] {
        match read(&event(operation, &role)) {
            Record::Role { name, change } => {
                assert_eq!((name.as_str(), &change.target), ("r", &target), "{operation}");
                assert_eq!(change.operation, format!("iam:{operation}"));
            }
            other => panic!("{operation}: {other:?}"),
        }
    }
    assert!(matches!(read(&put("ambit-closed")), Record::Role { change, .. } if change.target == Target::Denial));
    for beside in ["UpdateRoleDescription", "CreateUser", "PutUserPolicy", "CreateInstanceProfile", "PassRole", ""] {
        assert_eq!(read(&event(beside, &role)), Record::Foreign, "{beside}");
    }
}

#[test]
fn what_all_roles_rely_on_is_told_apart() {
    let boundary = reader().boundary;
    let provider = reader().provider.unwrap();
    let version = json!({"policyArn": boundary, "versionId": "v2"});
    let of_provider = json!({"openIDConnectProviderArn": provider, "clientID": "x"});
    for (event, target) in [
        (event("CreatePolicyVersion", &version), Target::BoundaryPolicy),
        (event("SetDefaultPolicyVersion", &version), Target::BoundaryPolicy),
        (event("DeletePolicyVersion", &version), Target::BoundaryPolicy),
        (event("DeletePolicy", &version), Target::BoundaryPolicy),
        (event("CreatePolicy", &json!({"policyName": "ambit-boundary", "path": "/guard/"})), Target::BoundaryPolicy),
        (event("DeleteOpenIDConnectProvider", &of_provider), Target::Provider),
        (event("AddClientIDToOpenIDConnectProvider", &of_provider), Target::Provider),
        (event("RemoveClientIDFromOpenIDConnectProvider", &of_provider), Target::Provider),
        (event("UpdateOpenIDConnectProviderThumbprint", &of_provider), Target::Provider),
        (event("CreateOpenIDConnectProvider", &json!({"url": "https://oidc.example.com/id/A1"})), Target::Provider),
    ] {
        assert!(matches!(read(&event), Record::Account(change) if change.target == target), "{event}");
    }
    let other = "arn:aws:iam::123456789012:policy/other";
    for event in [
        event("DeletePolicy", &json!({"policyArn": other})),
        event("CreatePolicy", &json!({"policyName": "ambit-boundary"})),
        event("DeleteOpenIDConnectProvider", &json!({"openIDConnectProviderArn": format!("{provider}2")})),
        event("CreateOpenIDConnectProvider", &json!({"url": "https://example.com/id/A1"})),
    ] {
        assert_eq!(read(&event), Record::Foreign, "{event}");
    }
}

#[test]
fn the_operators_own_doing_is_known_in_every_session() {
    let caller = |arn: &str| with(put("ambit"), "/detail/userIdentity/arn", json!(arn));
    for own in ["ambit-bed", "another-session"] {
        let event = caller(&format!("arn:aws:sts::123456789012:assumed-role/ambit-operator/{own}"));
        assert_eq!(read(&event), Record::Ours, "{own}");
    }
    for other in [
        "arn:aws:sts::123456789012:assumed-role/ambit-operator2/ambit-bed",
        "arn:aws:sts::999999999999:assumed-role/ambit-operator/ambit-bed",
        "arn:aws:iam::123456789012:role/ambit-operator",
        "arn:aws:sts::123456789012:assumed-role/ambit-operator",
        "",
    ] {
        assert!(matches!(read(&caller(other)), Record::Role { .. }), "{other}");
    }
    let user = Reader { caller: "arn:aws:iam::123456789012:user/ambit".to_owned(), ..reader() };
    let event = caller("arn:aws:iam::123456789012:user/ambit");
    assert_eq!(user.read(&event.to_string()), Record::Ours);
    assert!(matches!(user.read(&put("ambit").to_string()), Record::Role { .. }));
}

#[test]
fn what_changed_nothing_here_is_foreign() {
    let event = put("ambit");
    for foreign in [
        with(event.clone(), "/detail-type", json!("AWS Service Event via CloudTrail")),
        with(event.clone(), "/source", json!("aws.s3")),
        with(event.clone(), "/detail/eventSource", json!("sts.amazonaws.com")),
        with(event.clone(), "/detail/recipientAccountId", json!("999999999999")),
        with(event.clone(), "/detail/readOnly", json!(true)),
        with(event.clone(), "/detail/responseElements", json!(null)).as_object().map_or(Value::Null, |_| {
            let mut failed = event.clone();
            failed["detail"]["errorCode"] = json!("AccessDenied");
            failed
        }),
    ] {
        assert_eq!(read(&foreign), Record::Foreign, "{foreign}");
    }
    let mut fine = event;
    fine["detail"]["errorCode"] = Value::Null;
    assert!(matches!(read(&fine), Record::Role { .. }), "no error at all");
}

#[test]
fn says_what_is_wrong_with_what_is_no_record() {
    let event = put("ambit");
    for (body, expected) in [
        (String::new(), "it is not JSON: EOF while parsing a value at line 1 column 0"),
        ("\u{1f}\u{8b}\u{8}garbage".to_owned(), "it is not JSON: expected value at line 1 column 1"),
        ("null".to_owned(), "`detail-type` must be a text"),
        ("[]".to_owned(), "`detail-type` must be a text"),
        (
            json!({"Records": []}).to_string(),
            "it is no event of EventBridge: have a rule of EventBridge deliver to the queue",
        ),
        (
            json!({"Type": "Notification", "Message": event.to_string()}).to_string(),
            "it was sent by SNS: have the rule deliver to the queue itself",
        ),
        (with(event.clone(), "/detail", json!("x")).to_string(), "`detail` must be the record of a call"),
        (with(event.clone(), "/detail/eventName", json!(7)).to_string(), "`eventName` must be a text"),
        (without(event.clone(), "eventSource").to_string(), "`eventSource` must be a text"),
        (without(event.clone(), "recipientAccountId").to_string(), "`recipientAccountId` must be a text"),
        (without(event.clone(), "eventID").to_string(), "`eventID` must be a text"),
        (
            with(event.clone(), "/detail/eventTime", json!("yesterday")).to_string(),
            "`eventTime` must be a time such as 2026-01-31T12:00:00Z",
        ),
        (without(event.clone(), "requestParameters").to_string(), "`requestParameters.policyName` must be a text"),
        (
            with(event.clone(), "/detail/requestParameters", Value::Null).to_string(),
            "`requestParameters.policyName` must be a text",
        ),
        (
            with(event.clone(), "/detail/requestParameters/roleName", json!(["r"])).to_string(),
            "`requestParameters.roleName` must be a text",
        ),
        (
            with(event, "/detail/requestParameters/roleName", json!("")).to_string(),
            "`requestParameters.roleName` must be a text",
        ),
    ] {
        assert_eq!(why(reader().read(&body)), expected, "{body}");
    }
}

#[test]
fn a_huge_or_deep_text_is_refused_unread() {
    let huge = "x".repeat(LONGEST_BODY + 1);
    assert_eq!(why(reader().read(&huge)), "it has 1048577 bytes, and at most 1048576 are read");
    let deep = "[".repeat(LONGEST_BODY);
    assert!(why(reader().read(&deep)).starts_with("it is not JSON: recursion limit exceeded"));
}

#[test]
fn texts_are_cut_and_cleaned() {
    let event = with(put("ambit"), "/detail/userIdentity/arn", json!(format!("a`b\n\u{202e}{}", "x".repeat(600))));
    let event = with(event, "/detail/sourceIPAddress", json!("1.2.3.4\u{1b}[2J"));
    let Record::Role { change, .. } = read(&event) else { panic!() };
    assert_eq!(change.principal.chars().count(), LONGEST_NAME);
    assert!(
        change.principal.starts_with("a'b\u{fffd}\u{fffd}x") && change.principal.ends_with("x…"),
        "{}",
        change.principal
    );
    assert_eq!(change.source.as_deref(), Some("1.2.3.4\u{fffd}[2J"));
}

#[test]
fn who_has_no_arn_gets_the_next_best_name() {
    let identity = |identity: Value| match read(&with(put("ambit"), "/detail/userIdentity", identity)) {
        Record::Role { change, .. } => change.principal,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        identity(json!({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"})),
        "cloudformation.amazonaws.com"
    );
    assert_eq!(identity(json!({"type": "Root", "principalId": ACCOUNT})), ACCOUNT);
    assert_eq!(identity(json!({"type": "Unknown", "arn": null})), "Unknown");
    assert_eq!(identity(json!(null)), "somebody unknown");
    assert_eq!(identity(json!([1])), "somebody unknown");
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(body in ".{0,400}") {
        let _ = reader().read(&body);
    }

    #[test]
    fn any_value_in_any_place_gets_an_answer(place in 0_usize..12, value in 0_usize..7) {
        let places = [
            "/detail-type", "/source", "/detail", "/detail/userIdentity", "/detail/userIdentity/arn",
            "/detail/eventTime", "/detail/eventSource", "/detail/eventName", "/detail/requestParameters",
            "/detail/requestParameters/roleName", "/detail/eventID", "/detail/recipientAccountId",
        ];
        let values = [json!(null), json!(1.5), json!(""), json!([]), json!({}), json!(true), json!("\u{0}`\u{202e}")];
        let _ = read(&with(put("x"), places[place], values[value].clone()));
    }
}
