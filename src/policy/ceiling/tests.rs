use super::*;
use crate::names::Arn;
use crate::policy::catalogue::AccessLevel;
use serde_json::{Value, json};

const ACCOUNT: &str = "arn:aws:iam::123456789012:";

fn rule(actions: &[&str], resources: &[&str]) -> Rule {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Rule { grant: Grant::Actions(texts(actions)), resources: texts(resources), conditions: Vec::new() }
}

fn levels(levels: &[AccessLevel], resources: &[&str]) -> Rule {
    Rule { grant: Grant::Access(levels.to_vec()), ..rule(&[], resources) }
}

fn when(key: &str, operator: &str, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Condition { key: key.to_owned(), operator: operator.to_owned(), values }
}

fn document(statements: &[Value]) -> Document {
    Document::read(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn asks(actions: &[&str], resources: &[&str]) -> Document {
    document(&[json!({"Effect": "Allow", "Action": actions, "Resource": resources})])
}

fn judge(allows: &[Rule], denies: &[Rule], requested: &Document) -> Ruling {
    let ceiling = Ceiling { allows: allows.to_vec(), denies: denies.to_vec() };
    let catalogue = Catalogue::embedded();
    let ruling = ceiling.explain(requested, catalogue);
    // Both ways of asking find the same, if not the same request.
    let quick = ceiling.judge(requested, catalogue);
    assert_eq!(std::mem::discriminant(&quick), std::mem::discriminant(&ruling), "{quick:?} {ruling:?}");
    ruling
}

fn beyond(allows: &[Rule], denies: &[Rule], requested: &Document) -> Beyond {
    match judge(allows, denies, requested) {
        Ruling::Beyond(beyond) => *beyond,
        other => panic!("{other:?} of {}", requested.text()),
    }
}

fn within(allows: &[Rule], denies: &[Rule], requested: &Document) {
    assert_eq!(judge(allows, denies, requested), Ruling::Within, "{}", requested.text());
}

#[test]
fn nothing_is_allowed_by_no_rule_and_nothing_asked_is_within() {
    let found = beyond(&[], &[], &asks(&["s3:GetObject"], &["arn:aws:s3:::b/*"]));
    assert_eq!((found.request.action.as_str(), found.denied_by, found.nearest), ("s3:GetObject", None, None));
    within(&[], &[], &document(&[]));
    within(&[], &[], &document(&[json!({"Effect": "Deny", "Action": "*", "Resource": "*"})]));
}

#[test]
fn several_rules_allow_together_what_none_does_alone() {
    let asked = asks(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]);
    let read = rule(&["s3:Get*"], &["arn:aws:s3:::*"]);
    let write = |bucket: &str| rule(&["S3:PUTobject"], &[bucket]);
    within(&[read.clone(), write("arn:aws:s3:::a/*"), write("arn:aws:s3:::b*")], &[], &asked);
    let found = beyond(&[read, write("arn:aws:s3:::a/*")], &[], &asked);
    assert_eq!((found.request.action.as_str(), found.request.resource.as_str()), ("s3:PutObject", "arn:aws:s3:::b/x"));
}

#[test]
fn a_condition_may_be_split_between_rules() {
    let with = |operator: &str| Rule {
        conditions: vec![when("aws:SourceVpce", operator, &["vpce-1"])],
        ..rule(&["s3:*"], &["*"])
    };
    let asked = asks(&["s3:GetObject"], &["arn:aws:s3:::b/*"]);
    within(&[with("StringEquals"), with("StringNotEquals")], &[], &asked);
    within(&[with("StringEqualsIfExists"), with("StringNotEquals")], &[], &asked);
    let found = beyond(&[with("StringEquals"), with("StringNotEqualsIgnoreCase")], &[], &asked);
    assert_eq!(found.request.context.get("aws:SourceVpce").unwrap().values[0].to_lowercase(), "vpce-1");
}

#[test]
fn a_denial_wins_and_is_named() {
    let all = [rule(&["*"], &["*"])];
    let denies = [rule(&["sqs:*"], &["*"]), rule(&["s3:D*"], &["*"]), rule(&["*"], &["arn:aws:s3:::b/secret/*"])];
    let asked = asks(&["s3:GetObject"], &["arn:aws:s3:::b/*"]);
    let found = beyond(&all, &denies, &asked);
    assert_eq!((found.denied_by, found.nearest), (Some(2), None));
    assert!(found.request.resource.starts_with("arn:aws:s3:::b/secret/"));
    assert_eq!(beyond(&all, &denies, &asks(&["s3:*"], &["arn:aws:s3:::c/*"])).denied_by, Some(1));
    within(&all, &denies, &asks(&["s3:GetObject"], &["arn:aws:s3:::c/*"]));
}

#[test]
fn of_equal_denials_the_first_is_named() {
    let all = [rule(&["*"], &["*"])];
    let denies = [rule(&["s3:*"], &["*"]), rule(&["*"], &["*"])];
    assert_eq!(beyond(&all, &denies, &asks(&["s3:GetObject"], &["arn:aws:s3:::b/*"])).denied_by, Some(0));
}

#[test]
fn levels_stand_for_the_actions_of_today() {
    use AccessLevel::{List, Read};
    let reading = [levels(&[List, Read], &["arn:aws:s3:::b*"])];
    within(&reading, &[], &asks(&["s3:GetObject", "s3:ListBucket", "s3:getbucketpolicy"], &["arn:aws:s3:::b*"]));
    let found = beyond(&reading, &[], &asks(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::b/*"]));
    assert_eq!(found.request.action, "s3:PutObject");
    let found = beyond(&reading, &[], &asks(&["s3:GetObjectA*"], &["arn:aws:s3:::b/*"]));
    assert!(Catalogue::embedded().action(&found.request.action).is_none(), "{}", found.request.action);
    // A level may be denied, too.
    let found = beyond(&[rule(&["*"], &["*"])], &[levels(&[Read], &["*"])], &asks(&["s3:*"], &["arn:aws:s3:::b/*"]));
    assert_eq!(Catalogue::embedded().action(&found.request.action).unwrap().1.level, Read);
}

/// What cannot match is left out of the question; nothing else may be.
#[test]
fn rules_for_other_words_of_the_same_thing_count() {
    let asked = asks(&["s3:GetObject"], &["arn:aws:s3:::shop-in/a*"]);
    for (action, resource) in [
        ("S3:GETOBJECT", "arn:aws:s3:::shop-in/*"),
        ("*", "*"),
        ("*:Get*", "arn:aws:s3:::shop-??/*"),
        ("s?:*", "arn:aws:s3*"),
        ("s3:*", "arn:*:s3:::shop-in/a*"),
        ("s3:?etObject", "arn:aws:s3:*:*:*"),
    ] {
        within(&[rule(&[action], &[resource])], &[], &asked);
        let denied = beyond(&[rule(&["*"], &["*"])], &[rule(&[action], &[resource])], &asked);
        assert_eq!(denied.denied_by, Some(0), "{action} {resource}");
    }
    for (action, resource) in [
        ("s3:PutObject", "*"),
        ("s3express:*", "*"),
        ("s3-object-lambda:GetObject", "*"),
        ("s:GetObject", "*"),
        ("*", "arn:aws:s3:::shop-in"),
        ("*", "arn:aws:s3:::Shop-in/a*"),
        ("*", "arn:aws-cn:s3:::shop-in/a*"),
        ("*", "arn:aws:s3:eu-west-1::shop-in/a*"),
    ] {
        beyond(&[rule(&[action], &[resource])], &[], &asked);
        within(&[rule(&["*"], &["*"])], &[rule(&[action], &[resource])], &asked);
    }
}

#[test]
fn the_nearest_rule_lacks_least() {
    let asked = asks(&["s3:GetObject"], &["arn:aws:s3:::a/*"]);
    let elsewhere = rule(&["s3:GetObject"], &["arn:aws:s3:::b/*"]);
    let other = rule(&["s3:PutObject"], &["arn:aws:s3:::a/*"]);
    let service = rule(&["s3:PutObject"], &["arn:aws:s3:::b/*"]);
    let conditional =
        Rule { conditions: vec![when("aws:SourceVpce", "StringEquals", &["vpce-1"])], ..rule(&["s3:*"], &["*"]) };
    let foreign = rule(&["sqs:*"], &["arn:aws:sqs:eu-west-1:123456789012:q"]);
    let nearest = |rules: &[&Rule]| {
        let rules: Vec<Rule> = rules.iter().map(|rule| (*rule).clone()).collect();
        beyond(&rules, &[], &asked).nearest
    };
    let near = |rule, action, resource, conditions| Some(Near { rule, action, resource, conditions });
    assert_eq!(nearest(&[&foreign]), None);
    assert_eq!(nearest(&[&foreign, &service]), near(1, false, false, true));
    assert_eq!(nearest(&[&service, &other]), near(1, false, true, true));
    assert_eq!(nearest(&[&other, &elsewhere]), near(1, true, false, true));
    assert_eq!(nearest(&[&elsewhere, &conditional]), near(1, true, true, false));
    assert_eq!(nearest(&[&elsewhere, &elsewhere]), near(0, true, false, true), "of equal ones the first");
    // A rule for levels is not near only because it is for some service.
    assert_eq!(nearest(&[&levels(&[AccessLevel::Write], &["arn:aws:s3:::b/*"])]), None);
    assert_eq!(nearest(&[&levels(&[AccessLevel::Read], &["arn:aws:s3:::b/*"])]), near(0, true, false, true));
}

#[test]
fn the_request_that_says_most_is_told() {
    let told = |actions: &[&str], resources: &[&str]| beyond(&[], &[], &asks(actions, resources)).request.action;
    assert_eq!(told(&["s3:AbortMultipartUpload", "s3:DeleteObject"], &["arn:aws:s3:::b/*"]), "s3:DeleteObject");
    assert_eq!(told(&["s3:*"], &["arn:aws:s3:::b"]), "s3:DeleteBucketPolicy");
    // An action that acts on the resource goes before one that never will.
    let read = [rule(&["s3:GetObjectTagging"], &["arn:aws:s3:::b/*"])];
    let found = beyond(&read, &[], &asks(&["s3:Get*Tagging"], &["arn:aws:s3:::b/*"]));
    assert_eq!(found.request.action, "s3:GetObjectVersionTagging");
}

/// At once it is too much for the comparison.
#[test]
fn a_wildcard_is_judged_action_by_action_where_it_is_too_much_at_once() {
    use AccessLevel::{Permissions, Read};
    let asked = asks(&["s3:GetObject*", "s3:?etObject", "s3:*"], &["arn:aws:s3:::*"]);
    let all = rule(&["s3:GetObject*", "s3:?etObject", "s3:*"], &["arn:aws:s3:::*"]);
    let allows = [all, levels(&[Read], &["arn:*:s3:::shop-*/*"])];
    let found = beyond(&allows, &[levels(&[Permissions], &["*"])], &asked);
    assert_eq!((found.request.action.as_str(), found.denied_by), ("s3:DeleteBucketPolicy", Some(0)));
    let harmless = levels(&[Permissions], &["arn:aws:sqs:*:*:*"]);
    within(&allows, &[harmless, levels(&[Permissions], &["arn:aws:s3:*:123456789012:*"])], &asked);
}

/// A live policy may have what no scope can: then the known actions of all services are meant too.
#[test]
fn a_wildcard_in_the_service_is_not_taken_to_pieces() {
    let ceiling =
        Ceiling { allows: vec![rule(&["*"], &["*"])], denies: vec![rule(&["iam:UpdateAssumeRolePolicy"], &["*"])] };
    for action in ["*:*", "i*:Update*", "*", "iam:*", "?am:UpdateAssumeRolePolicy"] {
        let requested = Policy::read(asks(&[action], &["*"]).text()).unwrap();
        let decided = pieces::decide(&ceiling, &requested, Catalogue::embedded());
        assert!(!matches!(decided, Pieces::Within), "{action}");
    }
}

#[test]
fn pieces_are_decided_as_the_whole_is() {
    let decided = |allows: &[Rule], denies: &[Rule], requested: &Document| {
        let ceiling = Ceiling { allows: allows.to_vec(), denies: denies.to_vec() };
        match pieces::decide(&ceiling, &Policy::read(requested.text()).unwrap(), Catalogue::embedded()) {
            Pieces::Within => "within".to_owned(),
            Pieces::Beyond(request) if Catalogue::embedded().action(&request.action).is_none() => "future".to_owned(),
            Pieces::Beyond(request) => request.action.to_ascii_lowercase(),
            Pieces::Undecided => "undecided".to_owned(),
        }
    };
    let (all, everything) = (rule(&["s3:*"], &["*"]), levels(&AccessLevel::ALL, &["*"]));
    let asked = asks(&["s3:*", "sqs:SendMessage"], &["arn:aws:s3:::b/*"]);
    let queues = rule(&["sqs:*"], &["*"]);
    assert_eq!(decided(&[all.clone(), queues.clone()], &[], &asked), "within");
    assert_eq!(decided(&[all.clone(), everything.clone(), queues.clone()], &[], &asked), "within");
    assert_eq!(decided(std::slice::from_ref(&all), &[], &asked), "sqs:sendmessage");
    assert_eq!(decided(&[everything, queues.clone()], &[], &asked), "future");
    assert_eq!(
        decided(&[all.clone(), queues.clone()], &[rule(&["s3:DeleteObject"], &["*"])], &asked),
        "s3:deleteobject"
    );
    // A name that the catalogue does not know is a name for what may come.
    let coming = rule(&["s3:DeleteObjectTomorrow"], &["*"]);
    assert_eq!(decided(&[all.clone(), queues], &[coming], &asked), "future");
    // What is denied by the policy itself is no piece of it.
    let denial = json!({"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"});
    let allowance = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    assert_eq!(decided(&[all], &[], &document(&[allowance, denial])), "undecided");
}

#[test]
fn what_cannot_be_decided_is_said_to_be_so() {
    let undecided = |allows: &[Rule], requested: &Document| match judge(allows, &[], requested) {
        Ruling::Undecided { reason, candidate } => (reason, candidate.is_some()),
        other => panic!("{other:?}"),
    };
    // Patterns that meet in ever new ways.
    let both: Vec<(String, String)> =
        (0..40).map(|number| (format!("arn:aws:s3:::*a{number}b*"), format!("arn:aws:s3:::*a{number}*"))).collect();
    let (asked, allowed): (Vec<&str>, Vec<&str>) = both.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();
    let found = undecided(&[rule(&["s3:GetObject"], &allowed)], &asks(&["s3:GetObject"], &asked));
    assert_eq!(found, (compare::TOO_MUCH.to_owned(), false));
    let odd = Rule { conditions: vec![when("aws:SourceVpce", "StringIs", &["x"])], ..rule(&["*"], &["*"]) };
    let found = undecided(&[odd], &asks(&["s3:GetObject"], &["arn:aws:s3:::b/*"]));
    let reason = "the old policy is not understood at `Statement[0].Condition.StringIs.aws:SourceVpce`: its operator is not a condition operator";
    assert_eq!(found, (reason.to_owned(), true));
    let trust = document(&[json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})]);
    let (reason, _) = undecided(&[rule(&["*"], &["*"])], &trust);
    assert!(reason.contains("both must be of one kind"), "{reason}");
}

#[test]
fn a_rule_must_have_conditions_that_aws_has() {
    let check = |condition: Condition| {
        let rule = Rule { conditions: vec![condition], ..rule(&["*"], &["*"]) };
        rule.check().map_err(|problem| problem.to_string())
    };
    assert_eq!(check(when("aws:SourceVpce", "ForAnyValue:StringLikeIfExists", &["vpce-*"])), Ok(()));
    for (key, operator, value) in [
        ("aws:SourceVpce", "StringIs", "x"),
        ("aws:SourceIp", "IpAddress", "everywhere"),
        ("s3:max-keys", "NumericLessThan", "few"),
        ("aws:SecureTransport", "Bool", "yes"),
        ("aws:CurrentTime", "DateLessThan", "soon"),
        ("SourceVpce", "StringEquals", "x"),
    ] {
        assert!(check(when(key, operator, &[value])).is_err(), "{operator} {value}");
    }
}

// ---- the floor ----

const ASSOCIATIONS: &str = "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/";

fn protected() -> Protected {
    let arn = |resource: &str| format!("{ACCOUNT}{resource}");
    Protected {
        roles: vec![arn("role/ambit/sim/*")],
        means: vec![arn("role/ambit-*"), arn("policy/ambit-*"), arn("policy/bounds"), arn("user/ambit-*")],
        provider: Some(arn("oidc-provider/oidc.example.com/id/A")),
        associations: Some(format!("{ASSOCIATIONS}prod-eu/*")),
        people: arn("role/aws-reserved/sso.amazonaws.com/*"),
    }
}

/// What the floor keeps: a resource of each kind.
const KEPT: [&str; 7] = [
    "role/ambit/sim/shop-orders",
    "role/ambit-operator",
    "policy/ambit-operator",
    "policy/bounds",
    "user/ambit-operator",
    "oidc-provider/oidc.example.com/id/A",
    "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_1",
];

/// Whether the floor alone refuses an action on a resource; it says which of its rules does.
fn floored(action: &str, resource: &str) -> Option<usize> {
    let denies: Vec<Rule> = floor(&protected(), Catalogue::embedded()).into_iter().map(|(_, rule)| rule).collect();
    let ceiling = Ceiling { allows: vec![rule(&["*"], &["*"])], denies };
    match ceiling.judge(&asks(&[action], &[resource]), Catalogue::embedded()) {
        Ruling::Within => None,
        Ruling::Beyond(beyond) => Some(beyond.denied_by.unwrap()),
        Ruling::Undecided { reason, .. } => panic!("{action} on {resource}: {reason}"),
    }
}

/// Every action of whatever service that acts on a resource, with whether it changes or becomes it.
fn acting(arn: &str) -> Vec<(String, bool)> {
    let arn = Arn::parse(arn).unwrap();
    let mut found = Vec::new();
    for service in Catalogue::embedded().services() {
        let types = service.fitting(&arn);
        for action in service.actions.iter().filter(|action| action.acts_on(&types)) {
            let changes = !matches!(action.level, AccessLevel::List | AccessLevel::Read);
            found.push((format!("{}:{}", service.prefix, action.name), changes));
        }
    }
    found
}

#[test]
fn no_action_that_changes_or_becomes_what_is_kept_gets_past_the_floor() {
    let mut refused = 0;
    let kept = KEPT.iter().map(|resource| format!("{ACCOUNT}{resource}"));
    for arn in kept.chain([format!("{ASSOCIATIONS}prod-eu/a-1")]) {
        for (action, changes) in acting(&arn) {
            assert_eq!(floored(&action, &arn).is_some(), changes, "{action} on {arn}");
            refused += usize::from(changes);
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn patterns_get_nothing_past_the_floor() {
    let (role, start) = (format!("{ACCOUNT}{}", KEPT[0]), format!("{ACCOUNT}role/"));
    let resources =
        ["a*", "*bit/*", "?mbit/sim/x", "*", "ambit/sim/shop-*", "amb??/*/*-orders"].map(|end| format!("{start}{end}"));
    for (action, _) in acting(&role).into_iter().filter(|(_, changes)| *changes) {
        for resource in &resources {
            assert!(floored(&action, resource).is_some(), "{action} on {resource}");
        }
        let (service, name) = action.split_once(':').unwrap();
        let (half, rest) = name.split_at(name.len() / 2);
        for pattern in [format!("{half}*"), format!("*{rest}"), format!("?{}", &name[1..]), name.to_ascii_uppercase()] {
            let pattern = format!("{service}:{pattern}");
            assert!(floored(&pattern, &role).is_some(), "{pattern}");
        }
    }
}

#[test]
fn the_trust_of_no_role_may_be_changed() {
    for resource in ["role/app", "role/*", "role/a/b/c", "role/x?"] {
        for action in
            ["iam:UpdateAssumeRolePolicy", "IAM:updateassumerolepolicy", "iam:*", "iam:Update*", "iam:*Policy"]
        {
            assert_eq!(floored(action, &format!("{ACCOUNT}{resource}")), Some(0), "{action} on {resource}");
        }
    }
}

#[test]
fn what_is_not_kept_is_left_alone() {
    for resource in [
        "role/app",
        "role/ambition",
        "role/team/ambit/x",
        "policy/ambit",
        "policy/bounds2",
        "user/ann",
        "oidc-provider/oidc.example.com/id/B",
        "role/aws-service-role/x.amazonaws.com/y",
    ] {
        let arn = format!("{ACCOUNT}{resource}");
        let acting = acting(&arn);
        assert!(!acting.is_empty(), "{arn}");
        for (action, _) in acting.iter().filter(|(action, _)| action != "iam:UpdateAssumeRolePolicy") {
            assert_eq!(floored(action, &arn), None, "{action} on {arn}");
        }
    }
    for (action, resource) in [
        ("eks:*", "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod-eu-2/a-1"),
        ("eks:*", "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu"),
        ("s3:*", "arn:aws:s3:::ambit-bucket/*"),
        ("sqs:*", "arn:aws:sqs:eu-west-1:123456789012:ambit-operator"),
        ("iam:Get*", "arn:aws:iam::123456789012:role/ambit/sim/x"),
        ("sts:GetCallerIdentity", "*"),
        ("iam:PassRole", "arn:aws:iam::210987654321:role/ambit/sim/x"),
    ] {
        assert_eq!(floored(action, resource), None, "{action} on {resource}");
    }
}
