use super::*;
use crate::names::{AccountId, Partition};
use crate::policy::AccessLevel::{self, List, Permissions, Read, Tagging, Write};
use proptest::prelude::*;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";

fn ground() -> Ground {
    Ground { partition: Partition::parse("aws").unwrap(), account: AccountId::parse("123456789012").unwrap() }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn access(name: &str, levels: &[AccessLevel], resources: &[&str]) -> Scope {
    Scope {
        name: name.into(),
        grant: Grant::Access(levels.to_vec()),
        resources: owned(resources),
        conditions: Vec::new(),
    }
}

fn actions(name: &str, actions: &[&str], resources: &[&str]) -> Scope {
    Scope {
        name: name.into(),
        grant: Grant::Actions(owned(actions)),
        resources: owned(resources),
        conditions: Vec::new(),
    }
}

fn with(mut scope: Scope, operator: &str, key: &str, values: &[&str]) -> Scope {
    scope.conditions.push(Condition { key: key.into(), operator: operator.into(), values: owned(values) });
    scope
}

fn compile(scopes: &[Scope]) -> Result<Document, Vec<ScopeError>> {
    permissions(scopes, &ground(), Catalogue::embedded())
}

fn text(scopes: &[Scope]) -> String {
    compile(scopes).unwrap().to_string()
}

/// The refusals of one scope, each as `field: message`.
fn refused(scope: Scope) -> Vec<String> {
    refused_all(&[scope])
}

fn refused_all(scopes: &[Scope]) -> Vec<String> {
    compile(scopes).unwrap_err().iter().map(|error| format!("{}: {error}", error.field)).collect()
}

#[test]
fn actions_become_one_statement_in_canonical_spelling() {
    let scope = actions("publish", &["SQS:sendmessage", "sqs:SendMessage", "sqs:GetQueueUrl"], &[QUEUE]);
    let scope = with(scope, "StringEquals", "aws:SourceVpce", &["vpce-2", "vpce-1", "vpce-2"]);
    assert_eq!(
        text(&[scope]),
        concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"Publish","Effect":"Allow","#,
            r#""Action":["sqs:GetQueueUrl","sqs:SendMessage"],"Resource":"arn:aws:sqs:eu-west-1:123456789012:orders","#,
            r#""Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}}]}"#,
        ),
    );
}

#[test]
fn access_becomes_the_actions_of_that_level_on_those_resources() {
    let text = text(&[access("q", &[Tagging], &[QUEUE])]);
    assert!(text.contains(r#""Action":["sqs:TagQueue","sqs:UntagQueue"],"#), "{text}");
}

#[test]
fn list_and_read_on_a_bucket_and_its_objects_is_one_statement() {
    let text = text(&[access("inbox", &[List, Read], &["arn:aws:s3:::orders-in", "arn:aws:s3:::orders-in/*"])]);
    assert_eq!(text.matches("\"Sid\"").count(), 1, "{text}");
    for action in ["s3:GetObject", "s3:ListBucket", "s3:GetBucketPolicy"] {
        assert!(text.contains(&format!("\"{action}\"")), "{action} is missing in {text}");
    }
    for action in
        ["s3:PutObject", "s3:ListAllMyBuckets", "s3:GetObjectLegalHoldX", "s3:GetAccessPoint", "s3:PutObjectTagging"]
    {
        assert!(!text.contains(&format!("\"{action}\"")), "{action} is in {text}");
    }
}

#[test]
fn access_to_a_bucket_is_no_access_to_its_objects() {
    let bucket = text(&[access("b", &[Read], &["arn:aws:s3:::orders-*"])]);
    assert!(bucket.contains("s3:GetBucketPolicy") && !bucket.contains("\"s3:GetObject\""), "{bucket}");
    let objects = text(&[access("b", &[Read], &["arn:aws:s3:::orders-in/*"])]);
    assert!(objects.contains("\"s3:GetObject\"") && !objects.contains("s3:GetBucketPolicy"), "{objects}");
}

#[test]
fn object_actions_never_stand_beside_a_pattern_of_buckets() {
    let text = text(&[access("two-parts", &[Read], &["arn:aws:s3:::orders-*", "arn:aws:s3:::other/*"])]);
    let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 2, "{text}");
    for statement in statements {
        let reads_objects = statement["Action"].as_array().unwrap().contains(&"s3:GetObject".into());
        assert_eq!(reads_objects, statement["Resource"] == "arn:aws:s3:::other/*", "{text}");
    }
    assert!(text.contains("\"TwoParts\"") && text.contains("\"TwoParts2\""), "{text}");
}

#[test]
fn actions_without_resource_need_the_star() {
    let scope = actions("all", &["s3:ListAllMyBuckets", "sts:GetCallerIdentity"], &["*"]);
    assert_eq!(
        text(&[scope]),
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":["s3:ListAllMyBuckets","sts:GetCallerIdentity"],"Resource":"*"}]}"#,
    );
    assert_eq!(
        refused(actions("all", &["s3:ListAllMyBuckets"], &["arn:aws:s3:::orders-in"])),
        [
            "spec.scopes[0].actions[0]: scope `all`: `s3:ListAllMyBuckets` acts on no particular resource: give it a scope of its own with the resource `*`"
        ],
    );
    assert_eq!(
        refused(actions("all", &["s3:GetObject"], &["*"])),
        [
            "spec.scopes[0].actions[0]: scope `all`: resource `*` is only for actions that act on no particular resource, but `s3:GetObject` acts on \
             resources that look like `arn:aws:s3:<Region>:123456789012:accesspoint/<AccessPointName>/object/<ObjectName>` or \
             `arn:aws:s3:::<BucketName>/<ObjectName>`"
        ],
    );
    assert_eq!(
        refused(actions("all", &["s3:ListAllMyBuckets"], &["arn:aws:s3:::a", "*"])),
        [
            "spec.scopes[0].resources[1]: scope `all`: resource `*` cannot stand beside others: give it a scope of its own"
        ],
    );
    assert_eq!(
        refused(access("all", &[Read], &["*"])),
        [
            "spec.scopes[0].resources[0]: scope `all`: resource `*` cannot be used with `access`: name the resources, or use `actions`"
        ],
    );
}

#[test]
fn patterns_of_actions_stay_patterns_and_must_match() {
    let kept = text(&[actions("get", &["S3:Get*"], &["arn:aws:s3:::orders-in/*"])]);
    assert!(kept.contains(r#""Action":"s3:Get*""#), "{kept}");
    assert_eq!(
        refused(actions("get", &["s3:GetObjekt*"], &["arn:aws:s3:::orders-in/*"])),
        [
            "spec.scopes[0].actions[0]: scope `get`: `s3:GetObjekt*` matches no action of s3; did you mean `s3:GetObject`?"
        ],
    );
    for wildcard in ["*", "s*:GetObject", "*:*", "?3:Get*"] {
        assert_eq!(
            refused(actions("get", &[wildcard], &["arn:aws:s3:::orders-in/*"])),
            [format!(
                "spec.scopes[0].actions[0]: scope `get`: `{wildcard}` has a wildcard in its service: name one service, as in `s3:Get*`"
            )],
        );
    }
}

#[test]
fn unknown_actions_are_refused_with_the_nearest() {
    for (action, message) in [
        ("s3:GetObjekt", "`s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?"),
        ("s3:Frobnicate", "`s3:Frobnicate` is not an action of s3"),
        ("s33:GetObject", "`s33` is not a service of AWS; did you mean `s3`?"),
        ("GetObject", "`GetObject` is not an action: it must look like `s3:GetObject`"),
        ("s3:", "`s3:` is not an action: it must look like `s3:GetObject`"),
        (
            "s3:GetObject\u{7}",
            "`s3:GetObject\u{fffd}` has a character that IAM does not accept: only printable characters of Latin-1 are allowed",
        ),
        ("s3:${aws:username}", "`s3:${aws:username}` has a policy variable: `${` is not supported in scopes"),
    ] {
        let refused = refused(actions("inbox", &["s3:PutObject", action], &["arn:aws:s3:::orders-in/*"]));
        assert_eq!(refused, [format!("spec.scopes[0].actions[1]: scope `inbox`: {message}")]);
    }
}

#[test]
fn an_action_must_act_on_a_resource_and_a_resource_be_acted_on() {
    assert_eq!(
        refused(actions("x", &["s3:PutBucketPolicy"], &["arn:aws:s3:::orders-in/*"])),
        [
            "spec.scopes[0].actions[0]: scope `x`: `s3:PutBucketPolicy` acts on none of the resources: it needs one that looks like `arn:aws:s3:::<BucketName>`"
        ],
    );
    assert_eq!(
        refused(actions("x", &["sqs:SendMessage"], &[QUEUE, "arn:aws:s3:::orders-in"])),
        ["spec.scopes[0].resources[1]: scope `x`: none of the actions acts on `arn:aws:s3:::orders-in`"],
    );
}

#[test]
fn resources_of_another_service_may_be_acted_on() {
    let instance = "arn:aws:ec2:eu-west-1:123456789012:instance/i-1";
    let document = "arn:aws:ssm:eu-west-1:123456789012:document/run";
    assert!(compile(&[actions("run", &["ssm:SendCommand"], &[instance, document])]).is_ok());
    assert!(
        compile(&[actions(
            "call",
            &["lambda:InvokeFunction"],
            &["arn:aws:lambda:eu-west-1:123456789012:function:f:live"]
        )])
        .is_ok()
    );
    assert!(
        compile(&[actions(
            "say",
            &["logs:CreateLogStream", "logs:DescribeLogStreams"],
            &["arn:aws:logs:eu-west-1:123456789012:log-group:/a:*"]
        )])
        .is_ok()
    );
}

#[test]
fn resources_must_be_known_and_in_the_account() {
    for (resource, message) in [
        ("orders", "`orders` is not an ARN: it must look like `arn:partition:service:region:account:resource`"),
        (
            "arn:aws:sqs:eu-west-1:999999999999:orders",
            "`arn:aws:sqs:eu-west-1:999999999999:orders` is in account `999999999999`, but the identity is for account `123456789012`: resources of other accounts are not supported",
        ),
        (
            "arn:aws:sqs:eu-west-1:*:orders",
            "`arn:aws:sqs:eu-west-1:*:orders` has a wildcard in its account: it must be named",
        ),
        (
            "arn:aws:s*:eu-west-1:123456789012:orders",
            "`arn:aws:s*:eu-west-1:123456789012:orders` has a wildcard in its service: it must be named",
        ),
        (
            "arn:*:sqs:eu-west-1:123456789012:orders",
            "`arn:*:sqs:eu-west-1:123456789012:orders` has a wildcard in its partition: it must be named",
        ),
        (
            "arn:aws-cn:sqs:eu-west-1:123456789012:orders",
            "`arn:aws-cn:sqs:eu-west-1:123456789012:orders` is in partition `aws-cn`, but the account is in `aws`",
        ),
        ("arn:aws:sqss:eu-west-1:123456789012:orders", "`sqss` is not a service of AWS; did you mean `sqs`?"),
        (
            "arn:aws:sqs:::orders",
            "`arn:aws:sqs:::orders` is not a resource of sqs: it must look like `arn:aws:sqs:<Region>:123456789012:<QueueName>`",
        ),
        (
            "arn:aws:s3:::${aws:username}",
            "`arn:aws:s3:::${aws:username}` has a policy variable: `${` is not supported in scopes",
        ),
        ("arn:aws:a2c:::x", "`arn:aws:a2c:::x` is not a resource of a2c: its actions act on no particular resource"),
    ] {
        let refused = refused(access("q", &[Read], &[QUEUE, resource]));
        assert_eq!(refused, [format!("spec.scopes[0].resources[1]: scope `q`: {message}")]);
    }
    let refused = refused(access("t", &[Read], &["arn:aws:dynamodb:eu-west-1:123456789012:tables/orders"]));
    assert!(refused[0].contains("is not a resource of dynamodb: it must look like `arn:aws:dynamodb:<Region>:123456789012:table/<TableName>`"), "{refused:?}");
}

#[test]
fn levels_that_give_nothing_are_refused() {
    assert_eq!(
        refused(access("q", &[List], &[QUEUE])),
        [
            "spec.scopes[0].access: scope `q`: no action of level `List` acts on the resources: there are actions of level `Read`, `Write`, `Tagging` and `Permissions`"
        ],
    );
    assert_eq!(
        refused(access("q", &[List], &[QUEUE, "arn:aws:s3:::orders-in"])),
        [format!(
            "spec.scopes[0].resources[0]: scope `q`: no action of level `List` acts on `{QUEUE}`: there are actions of level `Read`, `Write`, `Tagging` and `Permissions`"
        )],
    );
    assert!(compile(&[access("q", &[Read, Permissions], &[QUEUE])]).is_ok());
}

#[test]
fn conditions_are_checked() {
    for (operator, key, values, field, message) in [
        (
            "StringEqual",
            "aws:SourceVpce",
            vec!["v"],
            "operator",
            "`StringEqual` is not a condition operator; did you mean `StringEquals`?",
        ),
        ("IfExists", "aws:SourceVpce", vec!["v"], "operator", "`IfExists` is not a condition operator"),
        (
            "NullIfExists",
            "aws:SourceVpce",
            vec!["true"],
            "operator",
            "`NullIfExists` is not a condition operator; did you mean `Null`?",
        ),
        (
            "StringLike",
            "SourceVpce",
            vec!["v"],
            "key",
            "`SourceVpce` is not a condition key: it must look like `aws:SourceVpce` and have at most 256 characters",
        ),
        (
            "StringLike",
            "aws:",
            vec!["v"],
            "key",
            "`aws:` is not a condition key: it must look like `aws:SourceVpce` and have at most 256 characters",
        ),
        ("StringLike", "aws:SourceVpce", vec![], "values", "`values` must not be empty"),
        (
            "StringLike",
            "aws:SourceVpce",
            vec!["${aws:username}"],
            "values[0]",
            "`${aws:username}` has a policy variable: `${` is not supported in scopes",
        ),
        (
            "Bool",
            "aws:SecureTransport",
            vec!["yes"],
            "values[0]",
            "`yes` cannot be compared by `Bool`: it must be `true` or `false`",
        ),
        (
            "NumericLessThanIfExists",
            "s3:max-keys",
            vec!["ten"],
            "values[0]",
            "`ten` cannot be compared by `NumericLessThanIfExists`: it must be a number",
        ),
        (
            "IpAddress",
            "aws:SourceIp",
            vec!["10.0.0.0/33"],
            "values[0]",
            "`10.0.0.0/33` cannot be compared by `IpAddress`: it must be an IP address or a range such as `10.0.0.0/8`",
        ),
        (
            "DateLessThan",
            "aws:CurrentTime",
            vec!["tomorrow"],
            "values[0]",
            "`tomorrow` cannot be compared by `DateLessThan`: it must be a time such as `2026-01-31T00:00:00Z` or seconds since 1970",
        ),
    ] {
        let refused = refused(with(access("q", &[Read], &[QUEUE]), operator, key, &values));
        assert_eq!(refused, [format!("spec.scopes[0].conditions[0].{field}: scope `q`: {message}")]);
    }
    let twice = with(access("q", &[Read], &[QUEUE]), "StringEquals", "aws:SourceVpce", &["a"]);
    assert_eq!(
        refused(with(twice, "StringEquals", "AWS:sourcevpce", &["b"])),
        [
            "spec.scopes[0].conditions[1].key: scope `q`: key `AWS:sourcevpce` stands twice with `StringEquals`: give one condition all the values"
        ],
    );
}

#[test]
fn every_operator_with_prefix_and_suffix_is_accepted() {
    for (operator, value) in [
        ("ForAllValues:StringLike", "a*"),
        ("ForAnyValue:StringEqualsIfExists", "a"),
        ("ArnNotLikeIfExists", "arn:aws:s3:::a"),
        ("NumericGreaterThanEquals", "7.5"),
        ("DateGreaterThan", "2026-01-31"),
        ("DateGreaterThan", "1767225600"),
        ("NotIpAddress", "2001:db8::/32"),
        ("BinaryEquals", "QmFzZTY0"),
        ("Null", "true"),
    ] {
        let document =
            compile(&[with(access("q", &[Read], &[QUEUE]), operator, "aws:ResourceTag/cost center", &[value])])
                .unwrap();
        assert!(Document::read(document.text()).is_ok(), "{document}");
    }
}

#[test]
fn empty_lists_and_doubled_names_are_refused() {
    assert_eq!(refused_all(&[]), ["spec.scopes: `scopes` must not be empty"]);
    assert_eq!(refused(access("a", &[], &[QUEUE])), ["spec.scopes[0].access: scope `a`: `access` must not be empty"]);
    assert_eq!(
        refused(actions("a", &[], &[QUEUE])),
        ["spec.scopes[0].actions: scope `a`: `actions` must not be empty"]
    );
    assert_eq!(
        refused(access("a", &[Read], &[])),
        ["spec.scopes[0].resources: scope `a`: `resources` must not be empty"]
    );
    assert_eq!(
        refused_all(&[access("a", &[Read], &[QUEUE]), access("a", &[Write], &[QUEUE])]),
        [
            "spec.scopes[1].name: scope `a`: the name is already that of another scope: each scope must have a name of its own"
        ],
    );
}

#[test]
fn too_large_says_by_how_much_and_which_scopes_weigh_most() {
    let names: Vec<String> = (0..178).map(|n| format!("arn:aws:s3:::bucket-{n:03}-{}", "x".repeat(25))).collect();
    let resources: Vec<&str> = names.iter().map(String::as_str).collect();
    let scopes = [
        actions("many", &["s3:ListBucket"], &resources),
        actions("few", &["s3:ListBucket"], &resources[..2]),
        actions("half", &["s3:ListBucket"], &resources[..15]),
        actions("one", &["s3:ListBucket"], &resources[..1]),
    ];
    assert_eq!(
        refused_all(&scopes),
        [
            "spec.scopes: the permissions have 10506 characters, 9840 are allowed; the largest: `many` (9325), `half` (849), `few` (172); \
             name fewer resources or actions, or use patterns such as `s3:Get*`"
        ],
    );
}

/// A user has a fifth of the room, and both denials still fit beside the most that it may be given.
#[test]
fn a_user_may_be_given_less_than_a_role() {
    let names: Vec<String> = (0..32).map(|n| format!("arn:aws:s3:::bucket-{n:03}-{}", "x".repeat(25))).collect();
    let resources: Vec<&str> = names.iter().map(String::as_str).collect();
    let of = |kind: PrincipalKind, count: usize| {
        let scopes = [actions("many", &["s3:ListBucket"], &resources[..count])];
        permissions_of(kind, &scopes, &ground(), Catalogue::embedded()).map_err(|errors| errors[0].to_string())
    };
    let most = of(PrincipalKind::User, 22).unwrap();
    assert!(most.size() <= MAX_USER_PERMISSIONS, "{}", most.size());
    let over = of(PrincipalKind::User, 32).unwrap_err();
    assert!(over.starts_with("the permissions have 1") && over.contains(", 1648 are allowed; "), "{over}");
    assert!(of(PrincipalKind::Role, 32).is_ok());
    let denials = [crate::policy::deny_all(), crate::policy::deny_sessions_before("2026-11-22T10:00:00.123456789Z")];
    let denials: usize = denials.iter().map(Document::size).sum();
    assert!(MAX_USER_PERMISSIONS + denials <= MAX_USER_INLINE, "{denials}");
}

#[test]
fn a_megabyte_is_refused_at_once() {
    let huge: Vec<String> = (0..20_000).map(|n| format!("arn:aws:s3:::{}{n}", "*".repeat(40))).collect();
    let scope = Scope { resources: huge, ..access("huge", &[Read], &[]) };
    let refused = refused(scope);
    assert_eq!(
        refused,
        [
            "spec.scopes: the permissions have at least 1148890 characters, 9840 are allowed; the largest: `huge` (1148890); \
             name fewer resources or actions, or use patterns such as `s3:Get*`"
        ],
    );
}

#[test]
fn the_worst_patterns_within_the_limit_end() {
    let stars = format!("arn:aws:ec2:*:123456789012:*{}", "a*".repeat(900));
    let scopes: Vec<Scope> = (0..5).map(|n| access(&format!("s{n}"), &[Read], &[&stars])).collect();
    // Whether it is refused is not the question here.
    let _ = compile(&scopes);
}

#[test]
fn refusals_are_bounded_in_number_and_length() {
    let actions: Vec<String> = (0..300).map(|n| format!("s3:Nothing{n}")).collect();
    let scope = Scope { grant: Grant::Actions(actions), ..access(&"n".repeat(500), &[], &["arn:aws:s3:::b"]) };
    let errors = compile(&[scope]).unwrap_err();
    assert_eq!(errors.len(), 20);
    assert!(errors.iter().all(|error| error.to_string().chars().count() < 300), "{errors:?}");
}

#[test]
fn statement_names_are_letters_and_digits_and_unique() {
    let text = text(&[
        access("a-b", &[Read], &[QUEUE]),
        access("a.b", &[Read], &[QUEUE]),
        access("ä", &[Read], &[QUEUE]),
        access("aB", &[Read], &[QUEUE]),
    ]);
    let sids: Vec<&str> = text.split("\"Sid\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(sids, ["AB", "AB2", "AB3", "Scope"]);
}

fn pool() -> Vec<Scope> {
    vec![
        access("inbox", &[Read, List], &["arn:aws:s3:::orders-in/*", "arn:aws:s3:::orders-in"]),
        with(
            actions("publish", &["sqs:SendMessage", "sqs:GetQueueUrl"], &[QUEUE]),
            "StringEquals",
            "aws:SourceVpce",
            &["b", "a"],
        ),
        access("table", &[Write], &["arn:aws:dynamodb:eu-west-1:123456789012:table/orders"]),
        actions("who", &["sts:GetCallerIdentity"], &["*"]),
        access("mixed", &[Read, Write], &["arn:aws:s3:::a-*", "arn:aws:s3:::b/*"]),
    ]
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing(order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(), turn in 0_usize..4) {
        let plain = text(&pool());
        let mut scopes: Vec<Scope> = order.iter().map(|index| pool()[*index].clone()).collect();
        for scope in &mut scopes {
            let places = scope.resources.len();
            scope.resources.rotate_left(turn % places);
            let first = scope.resources[0].clone();
            scope.resources.push(first);
            match &mut scope.grant {
                Grant::Access(levels) => levels.reverse(),
                Grant::Actions(actions) => actions.reverse(),
            }
            for condition in &mut scope.conditions {
                condition.values.reverse();
            }
        }
        // A repeated `*` is still only `*`.
        prop_assert_eq!(text(&scopes), plain);
    }

    #[test]
    fn what_is_compiled_can_be_read_and_fits(levels in proptest::sample::subsequence(AccessLevel::ALL.to_vec(), 1..=5), name in "\\PC{0,20}") {
        if let Ok(document) = compile(&[access(&name, &levels, &["arn:aws:s3:::orders", "arn:aws:s3:::orders/*", QUEUE])]) {
            let read = Document::read(document.text()).unwrap();
            prop_assert!(read.same_meaning(&document));
            prop_assert!(document.size() <= MAX_PERMISSIONS);
        }
    }

    #[test]
    fn no_text_breaks_it(action in "\\PC{0,30}|s3:[A-Za-z*?]{0,12}", resource in "\\PC{0,30}|arn:aws:[a-z0-9*]{1,5}:[a-z*]{0,3}:[0-9*]{0,12}:[a-z/:*?]{1,20}", value in "\\PC{0,9}") {
        let scope = with(actions("x", &[&action], &[&resource]), "StringEquals", "aws:SourceVpce", &[&value]);
        for error in compile(&[scope]).err().into_iter().flatten() {
            prop_assert!(!error.to_string().is_empty());
        }
        let _ = compile(&[access("x", &[Read], &[&resource])]);
    }
}
