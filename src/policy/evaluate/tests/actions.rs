//! Actions and resources: points 12 to 21 of the semantics.

use super::*;

fn allows(action: &str, asked: &str) -> bool {
    certainly(says(&allow(action, "*"), asked, "*"))
}

fn reaches(pattern: &str, resource: &str) -> bool {
    certainly(says(&allow("*", pattern), "s3:GetObject", resource))
}

// 12
#[test]
fn actions_ignore_case_and_are_never_trimmed() {
    assert!(allows("S3:getobject", "s3:GetObject"));
    assert!(allows("s3:GetObject", "S3:GETOBJECT"));
    for (written, asked) in [
        (" s3:GetObject", "s3:GetObject"),
        ("s3:GetObject ", "s3:GetObject"),
        ("s3:GetObject,s3:PutObject", "s3:GetObject"),
        ("s3: GetObject", "s3:GetObject"),
    ] {
        assert!(!allows(written, asked), "{written}");
        let not = format!(r#"{{"Effect":"Allow","NotAction":"{written}","Resource":"*"}}"#);
        assert_eq!(says(&not, asked, "*"), ALLOWED, "so not to be it is everything");
    }
}

// 13
#[test]
fn wildcards_stand_anywhere_in_an_action_and_in_its_service() {
    for (pattern, asked, expected) in [
        ("*", "s3:GetObject", true),
        ("*:*", "s3:GetObject", true),
        ("s?:Get*", "s3:GetObject", true),
        ("s*:*Object", "sdb:PutObject", true),
        ("s3:Get??ject", "s3:GetObject", true),
        ("s3:Get?", "s3:GetObject", false),
        ("s3:*Tagging", "s3:GetObjectTagging", true),
        ("s3:Get.bject", "s3:GetObject", false),
        ("s3", "s3:GetObject", false),
    ] {
        assert_eq!(allows(pattern, asked), expected, "{pattern} {asked}");
    }
}

// 14
#[test]
fn not_action_is_every_other_action_of_every_service() {
    let but = r#"{"Effect":"Allow","NotAction":["iam:*","s3:Delete*"],"Resource":"*"}"#;
    assert_eq!(says(but, "ec2:RunInstances", "*"), ALLOWED);
    assert_eq!(says(but, "s3:GetObject", OBJECT), ALLOWED);
    assert_eq!(says(but, "s3:DeleteObject", OBJECT), IMPLICIT);
    assert_eq!(says(but, "IAM:CreateUser", "*"), IMPLICIT);
}

// 15
#[test]
fn negated_elements_are_unions_of_complements() {
    let but = r#"{"Effect":"Allow","NotAction":"s3:DeleteObject","NotResource":"arn:aws:s3:::secret/*"}"#;
    assert_eq!(says(but, "s3:GetObject", OBJECT), ALLOWED);
    assert_eq!(says(but, "s3:GetObject", "arn:aws:s3:::secret/k"), IMPLICIT);
    assert_eq!(says(but, "s3:DeleteObject", OBJECT), IMPLICIT);
    let denies = r#"{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::orders","arn:aws:s3:::orders/*"]}"#;
    assert_eq!(says(&format!("{ALLOW_ALL},{denies}"), "s3:GetObject", OBJECT), ALLOWED);
    assert_eq!(says(&format!("{ALLOW_ALL},{denies}"), "s3:GetObject", "arn:aws:s3:::secret/k"), EXPLICIT);
}

// 16: Resource element; condition operators, ARN operators.
#[test]
fn wildcards_of_an_arn_stay_within_their_part_and_the_last_part_takes_anything() {
    for (pattern, resource, expected) in [
        ("arn:aws:sqs:*:111122223333:orders", QUEUE, true),
        ("arn:aws:sqs:*:orders:*", QUEUE, false),
        ("arn:aws:sqs:eu-west-?:*:or*", QUEUE, true),
        ("arn:aws:sqs:*:*:*", QUEUE, true),
        ("arn:aws:logs:*:*:log-group:*", "arn:aws:logs:eu-west-1:111122223333:log-group:/a:b:c", true),
        ("arn:aws:logs:*:*:*:b:c", "arn:aws:logs:eu-west-1:111122223333:log-group:/a:b:c", true),
        ("arn:aws:logs:*:*:b:c", "arn:aws:logs:eu-west-1:111122223333:log-group:/a:b:c", false),
        ("arn:aws:s3:::orders/*", OBJECT, true),
        ("arn:aws:s3:::orders*", "arn:aws:s3:::orders-2/x/y", true),
        ("arn:aws:s3:::*/a.csv", "arn:aws:s3:::orders/2026/a.csv", true),
        ("arn:aws:s3:::orders", OBJECT, false),
        ("*", QUEUE, true),
    ] {
        assert_eq!(reaches(pattern, resource), expected, "{pattern} {resource}");
    }
}

// The documentation's own examples (Resource element, "Using wildcards in resource ARNs").
#[test]
fn a_star_within_a_part_takes_slashes() {
    let pattern = "arn:aws:s3:::b/*/test/*";
    for matching in ["1/test/o.jpg", "1/2/test/o.jpg", "1/2/test/3/o.jpg", "1///test///o.jpg", "/test/o.jpg", "1/test/"]
    {
        assert!(reaches(pattern, &format!("arn:aws:s3:::b/{matching}")), "{matching}");
    }
    for other in ["1-test/o.jpg", "test/o.jpg", "1/2/test.jpg"] {
        assert!(!reaches(pattern, &format!("arn:aws:s3:::b/{other}")), "{other}");
    }
}

// 17: Amazon Resource Names page, note on incomplete ARNs.
#[test]
fn short_arns_are_completed_refused_or_only_text_by_the_type_of_the_policy() {
    let short = allow("*", "arn:aws:sqs");
    let full = || ask("sqs:SendMessage", QUEUE).by(SESSION);
    assert_eq!(full().identity(&short).outcome(), ALLOWED);
    assert_eq!(full().identity(&allow("*", "arn:aws:sqs:eu-west-2")).outcome(), IMPLICIT);
    assert_eq!(full().identity(ALLOW_ALL).boundary(&short).outcome(), ALLOWED);
    assert_eq!(full().identity(ALLOW_ALL).session(&short).outcome(), UNKNOWN, "AWS refuses the session policy");
    let resource = |arn: &str| format!(r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"{arn}"}}"#);
    assert_eq!(full().resource(&resource("arn:aws:sqs")).outcome(), IMPLICIT);
    assert_eq!(full().resource(&resource("arn:aws:sqs:*")).outcome(), ALLOWED, "its last star runs on");
    assert_eq!(full().identity(ALLOW_ALL).scp(&short).outcome(), UNKNOWN);
    assert_eq!(full().identity(ALLOW_ALL).scp(&allow("*", "arn:aws:sqs:*")).outcome(), ALLOWED);
    assert_eq!(full().identity(ALLOW_ALL).scp(&allow("*", "arn:aws:s3")).outcome(), IMPLICIT);
    assert_eq!(full().identity(&allow("*", "*orders")).outcome(), UNKNOWN, "no ARN at all");
    assert_eq!(full().identity(&allow("*", "*invoices")).outcome(), IMPLICIT);
    // Resource element: a star that ends a part "can expand to match beyond the colon boundaries".
    assert_eq!(full().identity(&allow("*", "arn:aws:sqs:*:orders")).outcome(), UNKNOWN);
    let unknown = full().identity(ALLOW_ALL).session(&short).reason();
    assert_eq!(
        unknown,
        "`Statement[0].Resource` of session: a session policy cannot have an ARN with fewer than six parts"
    );
}

// 18
#[test]
fn the_resource_of_an_action_without_resources_is_a_star_and_only_a_star_means_it() {
    let list = |statement: &str| says(statement, "s3:ListAllMyBuckets", "*");
    assert_eq!(list(&allow("s3:*", "*")), ALLOWED);
    for specific in ["arn:aws:s3:::orders", "arn:aws:s3:::*", "arn:aws:s3:*", "arn:*", "?"] {
        assert_eq!(list(&allow("s3:*", specific)), IMPLICIT, "{specific}");
        let but = format!(r#"{{"Effect":"Allow","Action":"s3:*","NotResource":"{specific}"}}"#);
        assert_eq!(list(&but), ALLOWED, "{specific}");
    }
    assert_eq!(list(r#"{"Effect":"Allow","Action":"s3:*","NotResource":"*"}"#), IMPLICIT);
}

// 19: AWS refuses most of these when they are saved, which is for a lint to say; what is saved is
// matched as it stands (Amazon Resource Names page, "Limitations on wildcard usage").
#[test]
fn a_wildcard_in_the_type_of_a_resource_is_matched_as_text() {
    let function = "arn:aws:lambda:us-east-2:111122223333:function:orders";
    assert!(reaches("arn:aws:lambda:us-east-2:111122223333:functi*:orders", function));
    assert!(!reaches("arn:aws:lambda:us-east-2:111122223333:lay*:orders", function));
}

// 20
#[test]
fn names_of_resources_keep_their_case() {
    assert!(!reaches("arn:aws:s3:::Orders/*", OBJECT));
    assert!(!reaches("arn:aws:iam::111122223333:user/Ann", USER));
    assert!(!reaches("ARN:aws:s3:::orders/*", OBJECT));
}

// 21
#[test]
fn each_resource_that_an_action_needs_is_a_question_of_its_own() {
    let statement = allow("ec2:RunInstances", "arn:aws:ec2:*:*:instance/*");
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
    let image = "arn:aws:ec2:eu-west-1::image/ami-1";
    assert_eq!(says(&statement, "ec2:RunInstances", instance), ALLOWED);
    assert_eq!(says(&statement, "ec2:RunInstances", image), IMPLICIT);
    assert_eq!(says(&statement, "iam:PassRole", ROLE), IMPLICIT, "nor is a dependent action implied");
}

#[test]
fn a_trust_policy_is_about_the_role_that_has_it() {
    let trust = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{USER}"}},"Action":"sts:AssumeRole"}}"#);
    assert_eq!(ask("sts:AssumeRole", ROLE).by(USER).resource(&trust).outcome(), ALLOWED);
}
