use super::*;

mod bounds;
mod cosmetic;
mod resources;

/// The explanation of a document.
fn explained(text: &str) -> Explanation {
    document(&Policy::read(text).unwrap(), Catalogue::embedded())
}

/// The sentences of statements, given without the brackets around them.
fn said(statements: &str) -> String {
    explained(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).text()
}

/// What an identity may do.
fn allow(action: &str, resource: &str) -> String {
    said(&format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#))
}

/// The conditions of a sentence about one action.
fn under(effect: &str, conditions: &str) -> String {
    let queue = r#""arn:aws:sqs:eu-west-1:123456789012:orders""#;
    let text = said(&format!(
        r#"{{"Effect":"{effect}","Action":"sqs:SendMessage","Resource":{queue},"Condition":{conditions}}}"#
    ));
    let what = "send messages to queue `orders`";
    let rest = text.strip_prefix("can ").map(|text| text.strip_prefix("never ").unwrap_or(text));
    rest.and_then(|text| text.strip_prefix(what)).unwrap_or(&text).to_owned()
}

#[test]
fn the_usual_identities_read_well() {
    for (action, resource, text) in [
        (
            r#"["s3:GetObject","s3:ListBucket"]"#,
            r#"["arn:aws:s3:::orders-in","arn:aws:s3:::orders-in/*"]"#,
            "can read objects in `orders-in` and list what is in bucket `orders-in`",
        ),
        (
            r#""sqs:SendMessage""#,
            r#""arn:aws:sqs:eu-west-1:123456789012:orders""#,
            "can send messages to queue `orders`",
        ),
        (r#""s3:PutBucketPolicy""#, r#""*""#, "can change who has access to any bucket"),
        (r#""s3:GetObject""#, r#""arn:aws:s3:::b/in/*""#, "can read objects under `b/in/`"),
        (r#""s3:GetObject""#, r#""arn:aws:s3:::*/*""#, "can read objects in any bucket"),
        (
            r#"["secretsmanager:GetSecretValue","secretsmanager:DeleteSecret"]"#,
            r#""arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf""#,
            "can read the value of secret `db-AbCdEf`\ncan delete secret `db-AbCdEf`",
        ),
        (
            r#"["dynamodb:GetItem","dynamodb:Query","dynamodb:PutItem"]"#,
            r#"["arn:aws:dynamodb:eu-west-1:123456789012:table/a","arn:aws:dynamodb:eu-west-1:123456789012:table/b"]"#,
            "can query and read items of tables `a` and `b`\ncan put items into tables `a` and `b`",
        ),
        (
            r#"["lambda:InvokeFunction","sns:Publish"]"#,
            r#"["arn:aws:lambda:eu-west-1:123456789012:function:f","arn:aws:sns:eu-west-1:123456789012:t"]"#,
            "can invoke function `f`\ncan publish to topic `t`",
        ),
        (
            r#"["logs:CreateLogStream","logs:PutLogEvents"]"#,
            r#""arn:aws:logs:eu-west-1:123456789012:log-group:/app:*""#,
            "can create streams in and write events to log group `/app`",
        ),
        (
            r#"["iam:PassRole","sts:AssumeRole"]"#,
            r#""arn:aws:iam::123456789012:role/app/x""#,
            "can pass on role `app/x`\ncan assume role `app/x`",
        ),
        (r#""sqs:TagQueue""#, r#""*""#, "can use `sqs:TagQueue`"),
        (
            r#"["s3:ListAllMyBuckets","ec2:DescribeInstances"]"#,
            r#""*""#,
            "can describe all instances\ncan list all buckets",
        ),
    ] {
        assert_eq!(allow(action, resource), text, "{action}");
    }
}

#[test]
fn sets_of_actions_are_said_as_such() {
    let bucket = r#"["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
    for (action, resource, text) in [
        (r#""*""#, r#""*""#, "can do everything"),
        (r#""*""#, r#""arn:aws:sqs:eu-west-1:123456789012:orders""#, "can do everything with queue `orders`"),
        (r#""s3:*""#, r#""*""#, "can do everything in S3"),
        (r#""s3:*""#, bucket, "can do everything with bucket `b` and objects in `b`"),
        (
            r#""s3:*""#,
            r#""arn:aws:s3:::orders-*""#,
            "can do everything with buckets like `orders-*` and objects in buckets like `orders-*`",
        ),
        (r#""ec2:Describe*""#, r#""*""#, "can use all of `ec2:Describe*`"),
        (r#""s3:Get*""#, r#""*""#, "can read and read versions of objects in any bucket and use all of `s3:Get*`"),
        (r#"["sqs:Frob*","nowhere:Do"]"#, r#""*""#, "can use `nowhere:do`\ncan use `sqs:frob*`"),
        (r#""nowhere:*""#, r#""*""#, "can use `nowhere:*`"),
        (
            r#""sqs:*Queue""#,
            r#""*""#,
            "can delete and delete all messages from any queue\ncan use `sqs:CreateQueue` and tag everything in SQS",
        ),
    ] {
        assert_eq!(allow(action, resource), text, "{action}");
    }
}

#[test]
fn whole_levels_are_said_as_such() {
    let every = |level: &str| {
        let service = Catalogue::embedded().service("sqs").unwrap();
        let names = service.actions.iter().filter(|action| action.level.as_str() == level);
        names.map(|action| format!("\"sqs:{}\"", action.name)).collect::<Vec<_>>().join(",")
    };
    let queue = r#""arn:aws:sqs:eu-west-1:123456789012:q""#;
    for (level, everywhere, here) in [
        ("Read", "can read everything in SQS", "can read queue `q`"),
        ("Write", "can write everything in SQS", "can write queue `q`"),
        ("Tagging", "can tag everything in SQS", "can tag queue `q`"),
        ("Permissions", "can change who has access to everything in SQS", "can change who has access to queue `q`"),
    ] {
        assert_eq!(allow(&format!("[{}]", every(level)), r#""*""#), everywhere);
        assert_eq!(allow(&format!("[{}]", every(level)), queue), here);
    }
    let both = format!("[{},{}]", every("Write"), every("Tagging"));
    assert_eq!(allow(&both, queue), "can write and tag queue `q`");
}

#[test]
fn exceptions_are_said() {
    for (statement, text) in [
        (
            r#"{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}"#,
            "can do everything except in IAM and Organizations",
        ),
        (
            r#"{"Effect":"Allow","NotAction":["sts:*","s3:getobject"],"Resource":"*"}"#,
            "can do everything except in STS, and `s3:GetObject`",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:DeleteObject","NotResource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}"#,
            "can delete objects in any bucket, on all but objects in `a` and `b`",
        ),
        (
            r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:sqs:eu-west-1:123456789012:q"}"#,
            "can do everything, on all but queue `q`",
        ),
        (
            r#"{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-central-1"]}}}"#,
            "can never do anything except in IAM and STS, unless in region `eu-central-1` or `eu-west-1`",
        ),
        (r#"{"Effect":"Allow","NotAction":"*","Resource":"*"}"#, "some of it can match nothing, and has no effect"),
    ] {
        assert_eq!(said(statement), text);
    }
}

#[test]
fn denials_are_said_as_such() {
    for (statement, text) in [
        (
            r#"{"Effect":"Deny","Action":["s3:DeleteBucket","s3:DeleteObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}"#,
            "can never delete bucket `b` or delete objects in `b`",
        ),
        (
            r#"{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}"#,
            "can never use `organizations:LeaveOrganization`",
        ),
        (r#"{"Effect":"Deny","Action":"cloudtrail:*","Resource":"*"}"#, "can never do anything in CloudTrail"),
        (
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}"#,
            "can never do anything, unless with MFA",
        ),
    ] {
        assert_eq!(said(statement), text);
        assert!(explained(&format!(r#"{{"Statement":[{statement}]}}"#)).sentences[0].denial);
    }
}

#[test]
fn conditions_are_words() {
    for (conditions, allowed, denied) in [
        (
            r#"{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#,
            ", only through endpoint `vpce-1`",
            ", when through endpoint `vpce-1`",
        ),
        (
            r#"{"StringNotEquals":{"aws:SourceVpc":["vpc-1","vpc-2"]}}"#,
            ", except from network `vpc-1` or `vpc-2`",
            ", unless from network `vpc-1` or `vpc-2`",
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            ", only from address `10.0.0.0/8`",
            ", when from address `10.0.0.0/8`",
        ),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, ", only over TLS", ", when over TLS"),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, ", except over TLS", ", unless over TLS"),
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, ", only with MFA", ", when with MFA"),
        (
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#,
            ", only where `aws:MultiFactorAuthPresent` is `false`",
            ", when `aws:MultiFactorAuthPresent` is `false`",
        ),
        (
            r#"{"StringLike":{"aws:RequestedRegion":"eu-*"}}"#,
            ", only in region like `eu-*`",
            ", when in region like `eu-*`",
        ),
        (
            r#"{"StringEquals":{"aws:ResourceTag/Team":"${aws:PrincipalTag/Team}"}}"#,
            ", only where the resource's tag `Team` is `${aws:PrincipalTag/Team}`",
            ", when the resource's tag `Team` is `${aws:PrincipalTag/Team}`",
        ),
        (
            r#"{"StringEquals":{"aws:PrincipalTag/a":"1","aws:RequestTag/b":"2"}}"#,
            ", only where the caller's tag `a` is `1`, only where the requested tag `b` is `2`",
            ", when the caller's tag `a` is `1` and the requested tag `b` is `2`",
        ),
        (
            r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"},"Bool":{"aws:PrincipalIsAWSService":"false"}}"#,
            ", except for AWS services themselves, except for callers of organisation `o-1`",
            ", unless for AWS services themselves or for callers of organisation `o-1`",
        ),
        (
            r#"{"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnLike":{"aws:SourceArn":"arn:aws:s3:::b"}}"#,
            ", only on behalf of account `123456789012`, only on behalf of resource `arn:aws:s3:::b`",
            ", when on behalf of account `123456789012` and on behalf of resource `arn:aws:s3:::b`",
        ),
        (
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01"},"DateLessThanEquals":{"aws:CurrentTime":"2026-02-01"}}"#,
            ", only after `2026-01-01T00:00:00Z`, only at or before `2026-02-01T00:00:00Z`",
            ", when after `2026-01-01T00:00:00Z` and at or before `2026-02-01T00:00:00Z`",
        ),
        (
            r#"{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"3600"}}"#,
            ", only where `aws:MultiFactorAuthAge` is at most `3600`",
            ", when `aws:MultiFactorAuthAge` is at most `3600`",
        ),
        (
            r#"{"Null":{"aws:TokenIssueTime":"true"}}"#,
            ", only where `aws:TokenIssueTime` is not given",
            ", when `aws:TokenIssueTime` is not given",
        ),
        (
            r#"{"Null":{"aws:TokenIssueTime":false}}"#,
            ", only where `aws:TokenIssueTime` is given",
            ", when `aws:TokenIssueTime` is given",
        ),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#,
            ", only where every value of `aws:TagKeys` is `a` or `b` or there is none",
            ", when every value of `aws:TagKeys` is `a` or `b` or there is none",
        ),
        (
            r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/*"}}"#,
            ", only where a value of `aws:PrincipalOrgPaths` is like `o-1/*`",
            ", when a value of `aws:PrincipalOrgPaths` is like `o-1/*`",
        ),
        (
            r#"{"ForAllValues:StringNotEquals":{"aws:TagKeys":"a"}}"#,
            ", except where a value of `aws:TagKeys` is `a`",
            ", unless a value of `aws:TagKeys` is `a`",
        ),
        (
            r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}}"#,
            ", only where a value of `aws:TagKeys` is not `a`",
            ", when a value of `aws:TagKeys` is not `a`",
        ),
        (
            r#"{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}"#,
            ", only through endpoint `vpce-1` or where it is not given",
            ", when through endpoint `vpce-1` or where it is not given",
        ),
        (
            r#"{"StringEqualsIfExists":{"sqs:x":"1"}}"#,
            ", only where `sqs:x` is `1` or is not given",
            ", when `sqs:x` is `1` or is not given",
        ),
        (
            r#"{"StringEquals":{"sqs:x":"a*"}}"#,
            ", only where `sqs:x` is exactly `a*`",
            ", when `sqs:x` is exactly `a*`",
        ),
        (
            r#"{"StringEqualsIgnoreCase":{"sqs:x":"A"},"BinaryEquals":{"sqs:y":"YQ=="}}"#,
            ", only where `sqs:x` is `a` in any case, only where `sqs:y` is the bytes `YQ==`",
            ", when `sqs:x` is `a` in any case and `sqs:y` is the bytes `YQ==`",
        ),
    ] {
        assert_eq!(under("Allow", conditions), allowed, "{conditions}");
        assert_eq!(under("Deny", conditions), denied, "{conditions}");
    }
}

#[test]
fn the_most_sensitive_stands_first_and_denials_last() {
    let text = r#"{"Statement":[
        {"Effect":"Deny","Action":"iam:PutRolePolicy","Resource":"*"},
        {"Effect":"Allow","Action":["sqs:ListQueues","sqs:TagQueue","sqs:SendMessage","s3:DeleteObject","s3:GetObject","iam:PassRole"],"Resource":"*"}]}"#;
    let explanation = explained(text);
    let order: Vec<_> = explanation.sentences.iter().map(|s| (s.sensitivity, s.service.as_str(), s.denial)).collect();
    assert_eq!(
        order,
        [
            (Sensitivity::PermissionsManagement, "iam", false),
            (Sensitivity::DataReading, "s3", false),
            (Sensitivity::Deletion, "s3", false),
            (Sensitivity::Write, "sqs", false),
            (Sensitivity::Reading, "sqs", false),
            (Sensitivity::PermissionsManagement, "iam", true),
        ]
    );
    assert_eq!(explanation.sensitivity(), Some(Sensitivity::PermissionsManagement));
    assert_eq!(explanation.to_string(), explanation.text());
}

#[test]
fn wildcards_are_told_apart_only_beside_the_text() {
    let names = Catalogue::embedded().service("sqs").unwrap().matching("Send*");
    let listed = names.iter().map(|action| format!("\"sqs:{}\"", action.name)).collect::<Vec<_>>().join(",");
    let explain = |action: &str| {
        explained(&format!(r#"{{"Statement":[{{"Effect":"Allow","Action":[{action}],"Resource":"*"}}]}}"#))
    };
    let (wildcard, list) = (explain("\"sqs:Send*\""), explain(&listed));
    assert_eq!(wildcard.text(), list.text());
    assert_eq!(wildcard.sentences[0].future, ["sqs:send*"]);
    assert!(list.sentences[0].future.is_empty());
}

#[test]
fn what_cannot_be_read_is_said_first_with_its_place() {
    let text = r#"{"Version":"2020","Statement":[
        {"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"},
        {"Effect":"Allow","Action":"*","Resource":"*","Frob":1},
        {"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:x":"1"}}}]}"#;
    let explanation = explained(text);
    assert_eq!(
        explanation.text(),
        "one statement cannot be read: `Statement[1].Frob`: it is not an element of a policy\n\
         one statement cannot be read: `Statement[2].Condition.StringIs.aws:x`: its operator is not a condition operator\n\
         the policy cannot be read whole: `Version`: it must be `2012-10-17` or `2008-10-17`\n\
         can send messages to any queue"
    );
    assert_eq!(explanation.sensitivity(), Some(Sensitivity::Unknown));
}

#[test]
fn actions_that_the_catalogue_has_not_are_as_sensitive_as_they_may_be() {
    for (action, sensitivity) in [
        (r#""s3:frobnicate""#, Sensitivity::Other),
        (r#""s3:Frob*""#, Sensitivity::Other),
        (r#""nowhere:Do""#, Sensitivity::Other),
        (r#""nowhere:*""#, Sensitivity::Unknown),
    ] {
        let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":{action},"Resource":"*"}}]}}"#);
        assert_eq!(explained(&text).sensitivity(), Some(sensitivity), "{action}");
    }
}

#[test]
fn a_policy_without_statements_allows_nothing() {
    assert_eq!(said(""), "allows nothing");
    let nobody = r#"{"Effect":"Allow","Principal":{"AWS":[]},"Action":"s3:GetObject","Resource":"*"}"#;
    assert_eq!(said(nobody), "some of it can match nothing, and has no effect");
}

#[test]
fn what_has_no_effect_is_said_where_there_is_nothing_else() {
    let bucket = r#""arn:aws:s3:::b""#;
    assert_eq!(
        allow(r#""s3:ListAllMyBuckets""#, bucket),
        "can use `s3:ListAllMyBuckets` on bucket `b`, to no effect, because it acts on other things"
    );
    assert_eq!(allow(r#"["s3:ListAllMyBuckets","s3:ListBucket"]"#, bucket), "can list what is in bucket `b`");
    assert_eq!(
        allow(r#"["sqs:SendMessage","sqs:ReceiveMessage"]"#, bucket),
        "can use `sqs:ReceiveMessage` and `sqs:SendMessage` on bucket `b`, to no effect, because they act on other things"
    );
}

#[test]
fn regions_and_accounts_are_said_where_they_tell_apart() {
    for (queues, text) in [
        (["eu-west-1:123456789012:a", "eu-west-1:123456789012:b"], "queues `a` and `b`"),
        (
            ["eu-west-1:123456789012:a", "us-east-1:123456789012:a"],
            "queue `a` in region `eu-west-1` and queue `a` in region `us-east-1`",
        ),
        (
            ["eu-west-1:123456789012:a", "eu-west-1:210987654321:a"],
            "queue `a` of account `123456789012` and queue `a` of account `210987654321`",
        ),
        (["*:123456789012:a", "eu-west-1:123456789012:b"], "queues `a` and `b`"),
    ] {
        let [one, two] = queues;
        let resource = format!(r#"["arn:aws:sqs:{one}","arn:aws:sqs:{two}"]"#);
        assert_eq!(allow(r#""sqs:SendMessage""#, &resource), format!("can send messages to {text}"));
    }
}
