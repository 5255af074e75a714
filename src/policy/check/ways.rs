//! The grants that lead to more access than they seem to give.
//!
//! Sources: Rhino Security Labs, "AWS IAM Privilege Escalation – Methods and
//! Mitigation" and its later additions; IAM User Guide, "Granting a user
//! permissions to pass a role to an AWS service" and "Permissions boundaries for
//! IAM entities"; for exposure the Service Authorization Reference, actions of
//! level "Permissions management".

use super::code::Code;

/// One dangerous action.
pub(super) struct Way {
    pub(super) action: &'static str,
    pub(super) code: Code,
    /// The service and the last part of the ARN of a resource that nobody would name: who may do it
    /// to this may do it to any. Empty for actions without resource.
    pub(super) probe: (&'static str, &'static str),
    /// Another resource that the action needs besides.
    pub(super) besides: Option<(&'static str, &'static str)>,
    /// Whether it is dangerous also where it is allowed only on the caller itself.
    pub(super) own: bool,
    /// Condition keys, in lower case, that take the danger away.
    pub(super) tempered: &'static [&'static str],
}

const ROLE: (&str, &str) = ("iam", "role/ambit-probe-7q");
const USER: (&str, &str) = ("iam", "user/ambit-probe-7q");
const GROUP: (&str, &str) = ("iam", "group/ambit-probe-7q");
const POLICY: (&str, &str) = ("iam", "policy/ambit-probe-7q");
const NONE: (&str, &str) = ("", "");
const ATTACH: &[&str] = &["iam:policyarn", "iam:permissionsboundary"];
const BOUNDED: &[&str] = &["iam:permissionsboundary"];

const fn way(action: &'static str, code: Code, probe: (&'static str, &'static str)) -> Way {
    Way { action, code, probe, besides: None, own: false, tempered: &[] }
}

const fn policy(action: &'static str, probe: (&'static str, &'static str), tempered: &'static [&'static str]) -> Way {
    Way { action, code: Code::PolicyEscalation, probe, besides: None, own: true, tempered }
}

/// All of them but the passing of roles.
pub(super) const WAYS: [Way; 61] = [
    policy("iam:CreatePolicyVersion", POLICY, &[]),
    policy("iam:SetDefaultPolicyVersion", POLICY, &[]),
    policy("iam:AttachUserPolicy", USER, ATTACH),
    policy("iam:AttachGroupPolicy", GROUP, ATTACH),
    policy("iam:AttachRolePolicy", ROLE, ATTACH),
    policy("iam:PutUserPolicy", USER, BOUNDED),
    policy("iam:PutGroupPolicy", GROUP, &[]),
    policy("iam:PutRolePolicy", ROLE, BOUNDED),
    policy("iam:AddUserToGroup", GROUP, &[]),
    policy("sso:AttachManagedPolicyToPermissionSet", ("sso", "permissionSet/ssoins-1/ps-1"), &[]),
    policy("sso:PutInlinePolicyToPermissionSet", ("sso", "permissionSet/ssoins-1/ps-1"), &[]),
    way("iam:CreateAccessKey", Code::CredentialEscalation, USER),
    way("iam:CreateLoginProfile", Code::CredentialEscalation, USER),
    way("iam:UpdateLoginProfile", Code::CredentialEscalation, USER),
    way("iam:CreateServiceSpecificCredential", Code::CredentialEscalation, USER),
    Way {
        action: "iam:UpdateAssumeRolePolicy",
        code: Code::TrustEscalation,
        probe: ROLE,
        besides: None,
        own: true,
        tempered: &[],
    },
    way("sts:AssumeRole", Code::TrustEscalation, ROLE),
    way("lambda:UpdateFunctionCode", Code::CodeEscalation, ("lambda", "function:ambit-probe-7q")),
    way("lambda:UpdateFunctionConfiguration", Code::CodeEscalation, ("lambda", "function:ambit-probe-7q")),
    way("glue:UpdateDevEndpoint", Code::CodeEscalation, ("glue", "devEndpoint/ambit-probe-7q")),
    way("glue:UpdateJob", Code::CodeEscalation, ("glue", "job/ambit-probe-7q")),
    way("codebuild:UpdateProject", Code::CodeEscalation, ("codebuild", "project/ambit-probe-7q")),
    Way {
        action: "ssm:SendCommand",
        code: Code::CodeEscalation,
        probe: ("ec2", "instance/ambit-probe-7q"),
        // Who may run one harmless document only is harmless.
        besides: Some(("ssm", "document/ambit-probe-7q")),
        own: false,
        tempered: &[],
    },
    way("ssm:StartSession", Code::CodeEscalation, ("ec2", "instance/ambit-probe-7q")),
    way("ec2-instance-connect:SendSSHPublicKey", Code::CodeEscalation, ("ec2", "instance/ambit-probe-7q")),
    way("ec2:ModifyInstanceAttribute", Code::CodeEscalation, ("ec2", "instance/ambit-probe-7q")),
    way("ecs:ExecuteCommand", Code::CodeEscalation, ("ecs", "task/ambit-probe-7q/x")),
    way(
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        Code::CodeEscalation,
        ("sagemaker", "notebook-instance/ambit-probe-7q"),
    ),
    way("cloudformation:UpdateStack", Code::CodeEscalation, ("cloudformation", "stack/ambit-probe-7q/x")),
    way("iam:DeleteRolePermissionsBoundary", Code::BoundaryRemoval, ROLE),
    way("iam:DeleteUserPermissionsBoundary", Code::BoundaryRemoval, USER),
    Way {
        action: "iam:PutRolePermissionsBoundary",
        code: Code::BoundaryRemoval,
        probe: ROLE,
        besides: None,
        own: false,
        tempered: BOUNDED,
    },
    Way {
        action: "iam:PutUserPermissionsBoundary",
        code: Code::BoundaryRemoval,
        probe: USER,
        besides: None,
        own: false,
        tempered: BOUNDED,
    },
    way("s3:PutBucketPolicy", Code::Exposure, ("s3", "ambit-probe-7q")),
    way("s3:PutBucketAcl", Code::Exposure, ("s3", "ambit-probe-7q")),
    way("s3:PutBucketPublicAccessBlock", Code::Exposure, ("s3", "ambit-probe-7q")),
    way("s3:PutAccountPublicAccessBlock", Code::Exposure, NONE),
    way("s3:PutObjectAcl", Code::Exposure, ("s3", "ambit-probe-7q/x")),
    way("kms:PutKeyPolicy", Code::Exposure, ("kms", "key/ambit-probe-7q")),
    Way {
        action: "kms:CreateGrant",
        code: Code::Exposure,
        probe: ("kms", "key/ambit-probe-7q"),
        besides: None,
        own: false,
        tempered: &["kms:grantisforawsresource", "kms:viaservice"],
    },
    way("secretsmanager:PutResourcePolicy", Code::Exposure, ("secretsmanager", "secret:ambit-probe-7q")),
    way("sqs:AddPermission", Code::Exposure, ("sqs", "ambit-probe-7q")),
    way("sqs:SetQueueAttributes", Code::Exposure, ("sqs", "ambit-probe-7q")),
    way("sns:AddPermission", Code::Exposure, ("sns", "ambit-probe-7q")),
    way("sns:SetTopicAttributes", Code::Exposure, ("sns", "ambit-probe-7q")),
    way("lambda:AddPermission", Code::Exposure, ("lambda", "function:ambit-probe-7q")),
    way("ecr:SetRepositoryPolicy", Code::Exposure, ("ecr", "repository/ambit-probe-7q")),
    way("ec2:ModifySnapshotAttribute", Code::Exposure, ("ec2", "snapshot/ambit-probe-7q")),
    way("ec2:ModifyImageAttribute", Code::Exposure, ("ec2", "image/ambit-probe-7q")),
    way("rds:ModifyDBSnapshotAttribute", Code::Exposure, ("rds", "snapshot:ambit-probe-7q")),
    way("rds:ModifyDBClusterSnapshotAttribute", Code::Exposure, ("rds", "cluster-snapshot:ambit-probe-7q")),
    way("ssm:ModifyDocumentPermission", Code::Exposure, ("ssm", "document/ambit-probe-7q")),
    way("dynamodb:PutResourcePolicy", Code::Exposure, ("dynamodb", "table/ambit-probe-7q")),
    way("kinesis:PutResourcePolicy", Code::Exposure, ("kinesis", "stream/ambit-probe-7q")),
    way("logs:PutResourcePolicy", Code::Exposure, NONE),
    way("events:PutPermission", Code::Exposure, ("events", "event-bus/ambit-probe-7q")),
    way("elasticfilesystem:PutFileSystemPolicy", Code::Exposure, ("elasticfilesystem", "file-system/ambit-probe-7q")),
    way("backup:PutBackupVaultAccessPolicy", Code::Exposure, ("backup", "backup-vault:ambit-probe-7q")),
    way("glacier:SetVaultAccessPolicy", Code::Exposure, ("glacier", "vaults/ambit-probe-7q")),
    way("ram:CreateResourceShare", Code::Exposure, NONE),
    way("ram:AssociateResourceShare", Code::Exposure, ("ram", "resource-share/ambit-probe-7q")),
];

/// The passing of a role.
pub(super) const PASS_ROLE: Way =
    Way { action: "iam:PassRole", code: Code::PassRole, probe: ROLE, besides: None, own: false, tempered: &[] };

/// Actions that make something that runs code, or calls AWS, with a passed role; and the service
/// that the role must trust.
pub(super) const RUNNERS: [(&str, &str); 25] = [
    ("ec2:RunInstances", "ec2.amazonaws.com"),
    ("autoscaling:CreateLaunchConfiguration", "ec2.amazonaws.com"),
    ("lambda:CreateFunction", "lambda.amazonaws.com"),
    ("ecs:RegisterTaskDefinition", "ecs-tasks.amazonaws.com"),
    ("ecs:RunTask", "ecs-tasks.amazonaws.com"),
    ("batch:RegisterJobDefinition", "ecs-tasks.amazonaws.com"),
    ("apprunner:CreateService", "tasks.apprunner.amazonaws.com"),
    ("eks:CreatePodIdentityAssociation", "pods.eks.amazonaws.com"),
    ("cloudformation:CreateStack", "cloudformation.amazonaws.com"),
    ("cloudformation:CreateChangeSet", "cloudformation.amazonaws.com"),
    ("codebuild:CreateProject", "codebuild.amazonaws.com"),
    ("codepipeline:CreatePipeline", "codepipeline.amazonaws.com"),
    ("glue:CreateDevEndpoint", "glue.amazonaws.com"),
    ("glue:CreateJob", "glue.amazonaws.com"),
    ("glue:CreateSession", "glue.amazonaws.com"),
    ("sagemaker:CreateNotebookInstance", "sagemaker.amazonaws.com"),
    ("sagemaker:CreateTrainingJob", "sagemaker.amazonaws.com"),
    ("sagemaker:CreateProcessingJob", "sagemaker.amazonaws.com"),
    ("states:CreateStateMachine", "states.amazonaws.com"),
    ("ssm:StartAutomationExecution", "ssm.amazonaws.com"),
    ("datapipeline:CreatePipeline", "datapipeline.amazonaws.com"),
    ("elasticmapreduce:RunJobFlow", "ec2.amazonaws.com"),
    ("emr-serverless:StartJobRun", "emr-serverless.amazonaws.com"),
    ("scheduler:CreateSchedule", "scheduler.amazonaws.com"),
    ("bedrock-agentcore:CreateCodeInterpreter", "bedrock-agentcore.amazonaws.com"),
];

/// What whoever has such a grant can do.
pub(super) fn consequence(code: Code) -> &'static str {
    match code {
        Code::PolicyEscalation => "whoever has it can give itself every permission",
        Code::CredentialEscalation => "whoever has it can sign in as another user",
        Code::TrustEscalation => "whoever has it can become another role",
        Code::CodeEscalation => "whoever has it can act with the roles of what runs there",
        Code::BoundaryRemoval => "whoever has it can lift the limits of other identities",
        _ => "whoever has it can let others, outside the account too, at the data",
    }
}

/// How to keep it harmless.
pub(super) fn remedy(code: Code) -> &'static str {
    match code {
        Code::PolicyEscalation => {
            "name the few roles or policies, and ask for a boundary with a condition on `iam:PermissionsBoundary`"
        }
        Code::CredentialEscalation => "allow it on the caller alone, with `user/${aws:username}`",
        Code::TrustEscalation => "name the roles",
        Code::BoundaryRemoval => {
            "leave it to administrators; where it is needed, fix the boundary with a condition on `iam:PermissionsBoundary`"
        }
        _ => "name the resources",
    }
}
