//! Policies that name principals.

use super::said;

#[test]
fn trust_policies_say_who_may_assume() {
    let assume = |principal: &str, rest: &str| {
        said(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{rest}}}"#))
    };
    for (principal, rest, text) in [
        (r#"{"Service":"ec2.amazonaws.com"}"#, "", "service `ec2.amazonaws.com` can assume this role"),
        (r#"{"AWS":"123456789012"}"#, "", "account `123456789012` can assume this role"),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:role/ci"}"#,
            r#","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#,
            "role `ci` of account `123456789012` can assume this role, only with external id `x`",
        ),
        (r#""*""#, "", "everybody can assume this role"),
        (
            r#"{"AWS":["arn:aws:iam::123456789012:user/u"],"Service":["lambda.amazonaws.com"]}"#,
            "",
            "user `u` of account `123456789012` and service `lambda.amazonaws.com` can assume this role",
        ),
        (
            r#"{"Service":"pods.eks.amazonaws.com"}"#,
            r#","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}"#,
            "service `pods.eks.amazonaws.com` can assume this role, only on behalf of account `123456789012`",
        ),
    ] {
        assert_eq!(assume(principal, rest), text);
    }
}

#[test]
fn federated_subjects_are_said_as_callers() {
    let host = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let trust = |conditions: &str| {
        let principal = format!("arn:aws:iam::123456789012:oidc-provider/{host}");
        let conditions = conditions.replace("HOST", host);
        said(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{principal}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{conditions}}}"#
        ))
    };
    let issuer = format!("of issuer `{host}` can assume this role");
    for (conditions, text) in [
        (
            r#"{"StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:sub":"system:serviceaccount:shop:orders"}}"#,
            format!("subject `system:serviceaccount:shop:orders` {issuer}, only for audience `sts.amazonaws.com`"),
        ),
        (
            r#"{"StringLike":{"HOST:sub":"system:serviceaccount:shop:*"}}"#,
            format!("subjects like `system:serviceaccount:shop:*` {issuer}"),
        ),
        (
            r#"{"StringEquals":{"HOST:aud":"sts.amazonaws.com"}}"#,
            format!("every subject {issuer}, only for audience `sts.amazonaws.com`"),
        ),
        (
            r#"{"StringEqualsIfExists":{"HOST:sub":"a"}}"#,
            format!("every subject {issuer}, only for subject `a` or where it is not given"),
        ),
        (r#"{"StringEquals":{"other.example:sub":"a"}}"#, format!("every subject {issuer}, only for subject `a`")),
    ] {
        assert_eq!(trust(conditions), text);
    }
}

#[test]
fn resource_policies_say_who_may_do_what() {
    for (statements, text) in [
        (
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
            "nobody can do anything with bucket `b` or objects in `b`, unless over TLS",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#,
            "everybody can read objects in `b`",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"},
               {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/app"},"Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*"}"#,
            "account `123456789012` can do everything with this key\n\
             role `app` of account `123456789012` can decrypt with and describe this key",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:123456789012:q","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:123456789012:t"}}}"#,
            "service `sns.amazonaws.com` can send messages to queue `q`, only on behalf of resource `arn:aws:sns:eu-west-1:123456789012:t`",
        ),
        (
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/admin"},"Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::b"}"#,
            "everybody but role `admin` of account `123456789012` can never delete bucket `b`",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}"#,
            "account `111122223333` can download layers from and pull images from this repository",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"CanonicalUser":"abc"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#,
            "canonical user `abc` can read objects in `b`",
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},
               {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/x"}"#,
            "everybody can read objects in `b`",
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},
               {"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}"#,
            "everybody can read objects in `b`\n\
             without a principal, and so without effect: can write objects in `b`",
        ),
    ] {
        assert_eq!(said(statements), text);
    }
}

#[test]
fn many_callers_are_counted() {
    let accounts: Vec<String> = (0..20).map(|n| format!("\"{n:012}\"")).collect();
    let text = said(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":[{}]}},"Action":"sts:AssumeRole"}}"#,
        accounts.join(",")
    ));
    assert!(text.starts_with("account `000000000000`, account `000000000001`,"), "{text}");
    assert!(text.ends_with("account `000000000007` and 12 more can assume this role"), "{text}");
}
