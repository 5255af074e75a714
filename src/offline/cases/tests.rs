//! Golden cases over files in memory.

use super::*;
use crate::names::InstallationId;
use crate::offline::manifest::{Content, Manifest, read};
use crate::offline::{Finding, World};
use crate::policy::Catalogue;

const ACCOUNT: &str = r#"
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: "123456789012"
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: "https://oidc.example.com/prod", provider: Create}}
  namespaceSelector: {}
"#;

const IDENTITY: &str = r#"---
apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata: {name: orders, namespace: shop}
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  scopes:
  - name: inbox
    access: [List, Read]
    resources: ["arn:aws:s3:::orders-in", "arn:aws:s3:::orders-in/*"]
  - name: publish
    actions: ["sqs:SendMessage"]
    resources: ["arn:aws:sqs:eu-west-1:123456789012:orders"]
    conditions: [{key: aws:SourceVpce, operator: StringEquals, values: [vpce-1a2b3c4d]}]
"#;

const POLICY: &str = r#"---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: lists}
spec:
  namespaceSelector: {}
  allow: [{name: lists, access: [List], resources: ["*"]}]
"#;

fn world(texts: &[&str]) -> World {
    let found = read("world.yaml", &texts.concat());
    let findings: Vec<&Finding> = found.findings.iter().collect();
    assert!(findings.is_empty(), "{findings:?}");
    World::of(found.objects, Vec::new(), "default").0
}

/// A test with these fields beside its head, which has four lines.
fn manifest(fields: &str) -> Manifest {
    let head = format!("apiVersion: {API_VERSION}\nkind: AccessTest\nmetadata:\n  name: orders\n");
    let mut found = read("test.yaml", &format!("{head}{fields}"));
    assert!(matches!(found.objects.first(), Some(Manifest { content: Content::Test(_), .. })), "{:?}", found.findings);
    found.objects.remove(0)
}

fn at(spot: &Spot) -> String {
    format!("{}:{}:{}", spot.file, spot.begin.line, spot.begin.column)
}

fn mistakes(fields: &str) -> Vec<String> {
    let all = understand(&manifest(fields), Catalogue::embedded()).unwrap_err();
    all.iter().map(|mistake| format!("{}: {}", at(&mistake.spot), mistake.message)).collect()
}

fn answers(world: &World, fields: &str, boundary: Option<&str>) -> Vec<Answer> {
    let test = understand(&manifest(fields), Catalogue::embedded()).unwrap();
    let policy = |text| Boundary { file: "boundary.json".to_owned(), policy: Policy::read(text).unwrap() };
    let boundary = boundary.map(policy);
    let installation = InstallationId::parse("bed").unwrap();
    let setting =
        Setting { world, installation: &installation, catalogue: Catalogue::embedded(), boundary: boundary.as_ref() };
    run(&test, setting).unwrap()
}

/// Claim and outcome of each case.
fn told(answers: &[Answer]) -> Vec<String> {
    let mut lines = Vec::new();
    for answer in answers {
        let word = if answer.holds { "ok" } else { "FAILED" };
        lines.push(format!("{word}: {}: - {} + {}", answer.claim, answer.expected, answer.got));
        lines.extend(answer.scopes.iter().map(|(name, spot)| format!("  {name} {}", at(spot))));
        if let Some(near) = &answer.nearest {
            lines.push(format!("  nearest {} {}", near.scope, at(&near.spot)));
            let facet = |facet: &Facet| format!("    {} {}", facet.what, if facet.fits { "fits" } else { &facet.note });
            lines.extend(near.facets.iter().map(facet));
        }
    }
    lines
}

/// One case of `field`.
fn one(field: &str, case: &str) -> String {
    format!("identity: shop/orders\n{field}:\n- {case}\n")
}

#[test]
fn cases_that_hold() {
    let fields = "\
identity: shop/orders
may:
- {action: 's3:getobject', resource: 'arn:aws:s3:::orders-in/1'}
- action: sqs:SendMessage
  resource: arn:aws:sqs:eu-west-1:123456789012:orders
  context: {AWS:SourceVPCE: vpce-1a2b3c4d, aws:SecureTransport: true}
mayNot:
- {action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:123456789012:orders'}
- {actions: ['s3:PutObject', 's3:DeleteObject'], resources: ['arn:aws:s3:::orders-in/1', 'arn:aws:s3:::b/2']}
- {action: 's3:ListAllMyBuckets'}
";
    let queue = "sqs:SendMessage on arn:aws:sqs:eu-west-1:123456789012:orders";
    assert_eq!(
        told(&answers(&world(&[ACCOUNT, IDENTITY]), fields, None)),
        [
            "ok: shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1: - allowed + allowed".to_owned(),
            format!(
                "ok: shop/orders may {queue} with aws:SecureTransport true and AWS:SourceVPCE vpce-1a2b3c4d: - allowed + allowed"
            ),
            format!("ok: shop/orders may not {queue}: - denied + denied"),
            "ok: shop/orders may not s3:PutObject on arn:aws:s3:::orders-in/1: - denied + denied".to_owned(),
            "ok: shop/orders may not s3:PutObject on arn:aws:s3:::b/2: - denied + denied".to_owned(),
            "ok: shop/orders may not s3:DeleteObject on arn:aws:s3:::orders-in/1: - denied + denied".to_owned(),
            "ok: shop/orders may not s3:DeleteObject on arn:aws:s3:::b/2: - denied + denied".to_owned(),
            "ok: shop/orders may not s3:ListAllMyBuckets: - denied + denied".to_owned(),
        ]
    );
}

#[test]
fn what_fails_says_what_decided_it_and_what_comes_nearest() {
    let world = world(&[ACCOUNT, IDENTITY]);
    let told = |field: &str, case: &str| told(&answers(&world, &one(field, case), None));
    let get = "shop/orders may s3:GetObject on arn:aws:s3:::orders-out/1";
    assert_eq!(
        told("mayNot", "{action: 's3:GetObject', resource: 'arn:aws:s3:::orders-in/1'}"),
        [
            "FAILED: shop/orders may not s3:GetObject on arn:aws:s3:::orders-in/1: - denied + allowed: scope `inbox` allows it",
            "  inbox world.yaml:20:5",
        ]
    );
    assert_eq!(
        told("may", "{action: 's3:DeleteObject', resource: 'arn:aws:s3:::orders-in/1'}")[1..],
        [
            "  nearest inbox world.yaml:20:5",
            "    action the scope has access List, Read, and the action is Write",
            "    resource fits",
        ]
    );
    assert_eq!(
        told("may", "{action: 's3:GetObject', resource: 'arn:aws:s3:::orders-out/1'}"),
        [
            &format!("FAILED: {get}: - allowed + denied: no scope allows it"),
            "  nearest inbox world.yaml:20:5",
            "    action fits",
            "    resource the scope has `arn:aws:s3:::orders-in`, `arn:aws:s3:::orders-in/*`",
        ]
    );
    let queue = "{action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:123456789012:orders'";
    let condition = told("may", &format!("{queue}, context: {{'aws:SourceVpce': vpce-2}}}}"));
    assert_eq!(
        &condition[1..],
        [
            "  nearest publish world.yaml:23:5",
            "    action fits",
            "    resource fits",
            "    condition `StringEquals` on `aws:SourceVpce` the scope has `vpce-1a2b3c4d`, the case has `vpce-2`",
        ]
    );
    let absent = told("may", &format!("{queue}}}"));
    let note =
        "    condition `StringEquals` on `aws:SourceVpce` the scope has `vpce-1a2b3c4d`, the case has no value for it";
    assert_eq!(absent.last().unwrap(), note);
    let far = told("may", "{action: 'dynamodb:GetItem', resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/t'}");
    assert_eq!(far.len(), 1, "{far:#?}");
}

#[test]
fn a_boundary_bounds_and_what_is_not_understood_fails_both_ways() {
    let world = world(&[ACCOUNT, IDENTITY]);
    let case = "{action: 's3:GetObject', resource: 'arn:aws:s3:::orders-in/1'}";
    let told = |field: &str, boundary: &str| {
        let answers = answers(&world, &one(field, case), Some(boundary));
        format!("{} {}", answers[0].holds, answers[0].got)
    };
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let lists = statement(r#"{"Effect":"Allow","Action":"s3:List*","Resource":"*"}"#);
    assert_eq!(told("may", &statement(all)), "true allowed");
    assert_eq!(told("may", &lists), "false denied: scope `inbox` allows it, but the boundary `boundary.json` does not");
    assert_eq!(told("mayNot", &lists), "true denied");
    let denies = statement(&format!(r#"{all},{{"Sid":"NoReads","Effect":"Deny","Action":"s3:Get*","Resource":"*"}}"#));
    assert_eq!(told("may", &denies), "false denied: statement `NoReads` of the boundary `boundary.json` denies it");
    let odd =
        statement(r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringOdd":{"aws:SourceVpce":"x"}}}"#);
    let unknown = "false not known: `Statement[0].Condition.StringOdd.aws:SourceVpce` of boundary: its operator is not a condition operator";
    assert_eq!(told("may", &odd), unknown);
    assert_eq!(told("mayNot", &odd), told("may", &odd));
}

#[test]
fn a_resource_of_another_account_hides_nothing() {
    let case = "{action: 's3:GetObject', resource: 'arn:aws:s3:::orders-in/1', context: {'aws:ResourceAccount': '210987654321'}}";
    let answers = answers(&world(&[ACCOUNT, IDENTITY]), &one("mayNot", case), None);
    assert_eq!((answers[0].holds, &*answers[0].got), (false, "allowed: scope `inbox` allows it"));
}

#[test]
fn an_identity_that_does_not_compile_has_no_access() {
    let identity = IDENTITY.replace("sqs:SendMessage", "sqs:SendMesage");
    let case = "{action: 's3:DeleteObject', resource: 'arn:aws:s3:::orders-in/1'}";
    let answers = answers(&world(&[ACCOUNT, &identity]), &one("mayNot", case), None);
    let got = "refused with UnknownAction: scope `publish`: `sqs:SendMesage` is not an action of sqs; did you mean `sqs:SendMessage`?";
    assert_eq!((answers[0].holds, &*answers[0].got), (false, got));
}

#[test]
fn acceptance_is_that_of_the_operator() {
    let world = world(&[ACCOUNT, IDENTITY, POLICY]);
    let told = |fields: &str| {
        let answers = answers(&world, &format!("identity: shop/orders\n{fields}"), None);
        (answers[0].holds, answers[0].claim.clone(), answers[0].got.clone())
    };
    let (holds, claim, got) = told("accepted: true\n");
    assert!(!holds && got.starts_with("refused with ScopeDenied: 'shop/orders' asks in scope `inbox` to "), "{got}");
    assert_eq!(claim, "shop/orders is accepted");
    assert!(told("accepted: false\n").0);
    assert!(told("accepted: false\nreason: ScopeDenied\nsays: [inbox]\n").0);
    assert!(!told("accepted: false\nsays: [no such text]\n").0);
    let (holds, claim, _) = told("accepted: false\nreason: TooLarge\n");
    assert_eq!((holds, &*claim), (false, "shop/orders is refused with TooLarge"));
    // What is refused has no access, so nothing about it holds by itself.
    let (holds, _, got) = told("mayNot: [{action: 's3:DeleteObject', resource: 'arn:aws:s3:::b/1'}]\n");
    assert!(!holds && got.starts_with("refused with ScopeDenied: "), "{got}");
}

#[test]
fn without_any_scope_policy_access_is_what_is_asked_for() {
    let world = world(&[ACCOUNT, IDENTITY]);
    let answers = answers(&world, "identity: shop/orders\naccepted: true\n", None);
    assert_eq!(
        answers[0].got,
        "refused with NoScopePolicy: no ScopePolicy selects namespace 'shop' for account 'prod', so nothing may be asked for: ask the platform team for a ScopePolicy (the files do not hold Namespace 'shop' with its labels and any ScopePolicy)"
    );
}

#[test]
fn what_cannot_be_decided_at_all_is_a_mistake() {
    let case = one("may", "{action: 's3:GetObject', resource: 'arn:aws:s3:::b/1'}");
    let told = |world: &World, fields: &str| {
        let test = understand(&manifest(fields), Catalogue::embedded()).unwrap();
        let installation = InstallationId::parse("bed").unwrap();
        let catalogue = Catalogue::embedded();
        let mistake =
            run(&test, Setting { world, installation: &installation, catalogue, boundary: None }).unwrap_err();
        format!("{}: {}", at(&mistake.spot), mistake.message)
    };
    assert_eq!(
        told(&world(&[ACCOUNT, IDENTITY]), &case.replace("shop/orders", "shop/order")),
        "test.yaml:5:11: the files hold no MachineIdentity `shop/order`; did you mean `shop/orders`?"
    );
    assert_eq!(
        told(&world(&[ACCOUNT]), &case),
        "test.yaml:5:11: the files hold no MachineIdentity `shop/orders`; name the files that do in `files`"
    );
    assert_eq!(
        told(&world(&[IDENTITY]), &case),
        "test.yaml:5:11: MachineIdentity `shop/orders` cannot be decided: the files hold no CloudAccount 'prod': add the file that does with `-f`, or with `--with` if it is only to be looked at"
    );
}

#[test]
fn mistakes_in_cases_are_told_with_their_place() {
    let cases = [
        (
            "{actoin: 's3:GetObject', resource: 'arn:aws:s3:::b/1'}",
            "7:4: `may[0].actoin`: it is not a field of a case; did you mean `action`?",
        ),
        ("{actions: 's3:GetObject'}", "7:13: `may[0].actions`: it must be a list: one alone goes into `action`"),
        ("{action: ['s3:GetObject']}", "7:12: `may[0].action`: it must be one text: several go into `actions`"),
        (
            "{action: 's3:GetObject', actions: ['s3:GetObject']}",
            "7:37: `may[0].actions`: set either `action` or `actions`, not both",
        ),
        ("{actions: []}", "7:13: `may[0].actions`: it must not be empty: leave it out"),
        ("{action: ''}", "7:12: `may[0].action`: it must not be empty"),
        ("{action: 7}", "7:12: `may[0].action`: it must be a text, not a number"),
        ("s3:GetObject", "7:3: `may[0]`: a case must be an object with fields, not a text"),
        (
            "{action: 's3:Get*', resource: 'arn:aws:s3:::b/1'}",
            "7:12: `may[0].action`: `s3:Get*` has a wildcard, and a case is one request: name one action, such as `s3:GetObject`; several go into `actions`",
        ),
        (
            "{action: GetObject}",
            "7:12: `may[0].action`: `GetObject` is not an action: it must look like `s3:GetObject`",
        ),
        ("{action: 's4:GetObject'}", "7:12: `may[0].action`: `s4` is not a service of AWS; did you mean `s3`?"),
        (
            "{action: 's3:GetObjekt'}",
            "7:12: `may[0].action`: `s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?",
        ),
        (
            "{action: 's3:GetObject'}",
            "7:3: `may[0]`: `s3:GetObject` acts on a resource: add `resource`, such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`",
        ),
        (
            "{action: 's3:GetObject', resource: 'arn:aws:s3:::b/*'}",
            "7:38: `may[0].resource`: `arn:aws:s3:::b/*` has a wildcard, and a case is one request: name one resource; several go into `resources`",
        ),
        (
            "{action: 's3:GetObject', resource: 'arn:aws:s3:::${b}/1'}",
            "7:38: `may[0].resource`: `arn:aws:s3:::${b}/1` has a variable, and a case is one request: name one resource",
        ),
        (
            "{action: 's3:GetObject', resource: 'b/1'}",
            "7:38: `may[0].resource`: `b/1` is not an ARN: it must look like `arn:partition:service:region:account:resource`",
        ),
        (
            "{action: 's3:GetObject', resource: 'arn:aws:s3:::b'}",
            "7:38: `may[0].resource`: `s3:GetObject` does not act on `arn:aws:s3:::b`: it acts on such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`",
        ),
        (
            "{action: 's3:GetObject', resource: '*'}",
            "7:38: `may[0].resource`: `s3:GetObject` does not act on `*`: it acts on such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`",
        ),
        (
            "{action: 's3:ListAllMyBuckets', resource: 'arn:aws:s3:::b'}",
            "7:45: `may[0].resource`: `s3:ListAllMyBuckets` acts on no resource: leave `resource` out",
        ),
        (
            "{action: 's3:ListAllMyBuckets', context: {vpce: x}}",
            "7:51: `may[0].context.vpce`: it must be a condition key, such as `aws:SourceVpce`",
        ),
        (
            "{action: 's3:ListAllMyBuckets', context: {'aws:a': {}}}",
            "7:54: `may[0].context.aws:a`: it must be a text, a number, `true` or `false`, not an object",
        ),
        (
            "{action: 's3:ListAllMyBuckets', context: {'aws:A': 1, 'aws:a': 2}}",
            "7:66: `may[0].context.aws:a`: it stands twice, in another case: leave one out",
        ),
    ];
    for (case, message) in cases {
        assert_eq!(mistakes(&one("may", case)), [format!("test.yaml:{message}")], "{case}");
    }
}

#[test]
fn mistakes_around_cases_are_told_with_their_place() {
    let case = "[{action: 's3:ListAllMyBuckets'}]";
    let cases = [
        (
            format!("identity: shop/orders\nmaynot: {case}\n"),
            "6:1: `maynot`: it is not a field of an AccessTest; did you mean `mayNot`?",
        ),
        (
            "spec:\n  identity: shop/orders\n".to_owned(),
            "6:3: `spec`: an AccessTest has no `spec`: its fields stand beside `metadata`",
        ),
        (
            format!("may: {case}\n"),
            "1:1: `identity`: it must be there: the namespace and the name of a MachineIdentity, such as `shop/orders`",
        ),
        (
            format!("identity: orders\nmay: {case}\n"),
            "5:11: `identity`: it must be the namespace and the name of a MachineIdentity, such as `shop/orders`, not `orders`",
        ),
        ("identity: shop/orders\n".to_owned(), "1:1: it has no case: add `may`, `mayNot` or `accepted`"),
        (
            format!("identity: shop/orders\nmay: {case}\nreason: ScopeDenied\n"),
            "7:9: `reason`: it goes only with `accepted: false`: why the identity must be refused",
        ),
        ("identity: shop/orders\naccepted: no way\n".to_owned(), "6:11: `accepted`: it must be `true` or `false`"),
        (
            "identity: shop/orders\naccepted: false\nreason: ScopeDenid\n".to_owned(),
            "7:9: `reason`: `ScopeDenid` is no reason for a refusal; did you mean `ScopeDenied`?",
        ),
        (
            format!("identity: shop/orders\naccepted: false\nmayNot: {case}\n"),
            "7:9: `mayNot`: an identity that must be refused has no access to test: leave it out",
        ),
        (
            format!("identity: shop/orders\nfiles: ../here\nmay: {case}\n"),
            "6:8: `files`: it must be a list, not a text",
        ),
    ];
    for (fields, message) in cases {
        assert_eq!(mistakes(&fields), [format!("test.yaml:{message}")], "{fields}");
    }
}

#[test]
fn no_case_multiplies_without_end() {
    let many = |text: &str| (0..101).map(|n| format!("'{text}{n}'")).collect::<Vec<_>>().join(", ");
    let actions = vec!["'s3:GetObject'"; 101].join(", ");
    let case = format!("{{actions: [{actions}], resources: [{}]}}", many("arn:aws:s3:::b/"));
    assert_eq!(
        mistakes(&one("may", &case)),
        ["test.yaml:7:3: `may[0]`: `actions` and `resources` make more than 10000 cases: split it"]
    );
}

/// The mistake that deciding a test ends with.
fn refused_to_decide(fields: &str) -> String {
    let world = world(&[ACCOUNT, IDENTITY]);
    let test = understand(&manifest(fields), Catalogue::embedded()).unwrap();
    let installation = InstallationId::parse("bed").unwrap();
    let setting =
        Setting { world: &world, installation: &installation, catalogue: Catalogue::embedded(), boundary: None };
    let mistake = run(&test, setting).unwrap_err();
    assert_eq!(mistake.spot.begin.line, 7);
    mistake.message
}

#[test]
fn a_denial_of_what_nobody_could_allow_is_a_mistake() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:orders";
    for (case, message) in [
        (
            "{action: 's3:GetObject', resource: 'arn:aws-cn:s3:::orders-in/1'}".to_owned(),
            "`arn:aws-cn:s3:::orders-in/1` is in partition `aws-cn`, and the identity's account in `aws`: no declaration could allow it",
        ),
        (
            "{action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:210987654321:orders'}".to_owned(),
            "`arn:aws:sqs:eu-west-1:210987654321:orders` is in account `210987654321`, and the identity in `123456789012`: no declaration could allow it",
        ),
        (
            format!("{{action: 'sqs:SendMessage', resource: '{queue}', context: {{aws:SourceVpcee: vpce-1a2b3c4d}}}}"),
            "`aws:SourceVpcee` is a condition key of no service; did you mean `aws:SourceVpce`?",
        ),
        (
            format!("{{action: 'sqs:SendMessage', resource: '{queue}', context: {{aws:SourceVpce: [vpce-1a2b3c4d]}}}}"),
            "a request has one value under `aws:SourceVpce`, not a list of them: give it alone, or leave the key out",
        ),
    ] {
        assert_eq!(refused_to_decide(&one("mayNot", &case)), message);
    }
    // Keys with a name in them, and those of services, are known.
    let known = one(
        "mayNot",
        "{action: 's3:PutObject', resource: 'arn:aws:s3:::orders-in/1', context: {s3:RequestObjectTag/team: shop, aws:PrincipalTag/a: b, s3:x-amz-acl: private}}",
    );
    assert!(answers(&world(&[ACCOUNT, IDENTITY]), &known, None)[0].holds);
}

const FENCE: &str = r#"---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: fence}
spec:
  namespaceSelector: {matchLabels: {tier: guarded}}
  allow: [{name: all, actions: ["*"], resources: ["*"]}]
"#;

#[test]
fn nothing_is_proven_of_an_identity_that_is_not_judged_whole() {
    let without = world(&[ACCOUNT, IDENTITY, POLICY, FENCE]);
    let lacks = "the files do not hold Namespace 'shop' with its labels";
    for fields in ["accepted: true\n", "accepted: false\n"] {
        let found = answers(&without, &format!("identity: shop/orders\n{fields}"), None);
        assert!(!found[0].holds && found[0].got.contains(lacks), "{found:?}");
    }
    for field in ["may", "mayNot"] {
        let found = answers(&without, &one(field, "{action: 's3:ListAllMyBuckets'}"), None);
        assert!(!found[0].holds && found[0].got.contains(lacks), "{found:?}");
    }
    // Refused because no policy was handed in.
    let found = answers(&world(&[ACCOUNT, IDENTITY]), "identity: shop/orders\naccepted: false\n", None);
    assert!(!found[0].holds && found[0].got.contains("any ScopePolicy"), "{found:?}");
}
