//! Names of statements and statements that say nothing new. Size has tests of its own.

use super::Case;
use crate::policy::check::Code;

pub(super) const CASES: &[Case] = &[
    Case {
        code: Code::DuplicateSid,
        kind: None,
        text: r#"{"Sid":"A","Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}"#,
        place: "Statement[1].Sid",
        at: (2, 85),
        told: "error: `A` is already the name of statement 1",
        near: r#"{"Sid":"","Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}"#,
    },
    Case {
        code: Code::IllegalSid,
        kind: None,
        text: r#"{"Sid":"list queues","Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}"#,
        place: "Statement[0].Sid",
        at: (2, 10),
        told: "error: `list queues` is not a name for a statement of the policy of an identity",
        near: r#"{"Sid":"list queues","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:ListQueues","Resource":"*"}"#,
    },
    Case {
        code: Code::Covered,
        kind: None,
        text: r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/*"},{"Effect":"Allow","Action":"S3:Get*","Resource":"arn:aws:s3:::*"}"#,
        place: "Statement[0]",
        at: (2, 3),
        told: "note: statement 2 covers all of this one",
        near: r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/*"},{"Effect":"Allow","Action":"S3:Get*","Resource":"arn:aws:s3:::*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
    },
    Case {
        code: Code::Covered,
        kind: None,
        text: r#"{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*"},{"Effect":"Deny","NotAction":["iam:*"],"Resource":"*"}"#,
        place: "Statement[0]",
        at: (2, 3),
        told: "note: statement 2 covers all of this one",
        near: r#"{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*"},{"Effect":"Deny","NotAction":["iam:*","s3:*"],"Resource":"*"}"#,
    },
];
