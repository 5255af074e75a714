//! How sensitive an action is.

use crate::policy::catalogue::{AccessLevel, Action, Catalogue};

/// How sensitive it is what a sentence says. The first are the most sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// What cannot be read may be anything.
    Unknown,
    /// Who may do what, also by way of another identity.
    PermissionsManagement,
    /// The data itself: objects, items, messages, secrets.
    DataReading,
    /// What cannot be undone.
    Deletion,
    /// All other changes.
    Write,
    /// Changes of tags.
    Tagging,
    /// What things are like, but not what is in them.
    Reading,
    /// That things exist.
    Listing,
    /// Actions of which nothing is known.
    Other,
}

impl Sensitivity {
    /// The name that it has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::PermissionsManagement => "permissionsManagement",
            Self::DataReading => "dataReading",
            Self::Deletion => "deletion",
            Self::Write => "write",
            Self::Tagging => "tagging",
            Self::Reading => "reading",
            Self::Listing => "listing",
            Self::Other => "other",
        }
    }

    /// The sensitivity of an action by its full name.
    #[must_use]
    pub fn of(action: &str, catalogue: &Catalogue) -> Self {
        match catalogue.action(action) {
            Some((service, known)) => Self::of_known(service.prefix, known),
            None if action.contains('*') => Self::PermissionsManagement,
            None => Self::Other,
        }
    }

    /// The sensitivity of a known action.
    pub(super) fn of_known(service: &str, action: &Action) -> Self {
        let listed = |list: &[(&str, &[&str])]| {
            list.iter().any(|(prefix, names)| *prefix == service && names.contains(&action.name))
        };
        match action.level {
            AccessLevel::Permissions => Self::PermissionsManagement,
            _ if listed(&PERMISSIONS) => Self::PermissionsManagement,
            AccessLevel::Write if deletes(action.name) => Self::Deletion,
            _ if listed(&DATA) => Self::DataReading,
            AccessLevel::Write => Self::Write,
            AccessLevel::Tagging => Self::Tagging,
            AccessLevel::Read => Self::Reading,
            AccessLevel::List => Self::Listing,
        }
    }
}

/// Whether an action can destroy data. Overwriting is not counted: whoever writes can overwrite.
fn deletes(name: &str) -> bool {
    const WORDS: [&str; 5] = ["Delete", "Terminate", "Purge", "Destroy", "BatchDelete"];
    WORDS.iter().any(|word| name.starts_with(word)) || DESTROYING.contains(&name)
}

/// Actions that destroy without a name that says so: at once, after a time, or by a statement that may
/// say anything.
const DESTROYING: [&str; 15] = [
    "BatchExecuteStatement",
    // Of DynamoDB: deletes items too.
    "BatchWriteItem",
    "DisableKey",
    "ESHttpDelete",
    // Also `_delete_by_query` and `_bulk`.
    "ESHttpPost",
    "ExecuteSql",
    "ExecuteStatement",
    "PartiQLDelete",
    "PutLifecycleConfiguration",
    "PutLifecyclePolicy",
    "PutRetentionPolicy",
    "ReplicateDelete",
    "ScheduleKeyDeletion",
    "UpdateRecoveryPointLifecycle",
    "UpdateTimeToLive",
];

/// Actions which AWS sorts as writing, and which lead to the permissions of others.
const PERMISSIONS: [(&str, &[&str]); 4] = [
    (
        "iam",
        &[
            "AddRoleToInstanceProfile",
            "AddUserToGroup",
            "CreateAccessKey",
            "CreateLoginProfile",
            "CreateOpenIDConnectProvider",
            "CreateRole",
            "CreateSAMLProvider",
            "CreateServiceSpecificCredential",
            "CreateUser",
            "PassRole",
            "UpdateAccessKey",
            "UpdateLoginProfile",
            "UpdateOpenIDConnectProviderThumbprint",
            "UpdateSAMLProvider",
        ],
    ),
    (
        "sts",
        &[
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "AssumeRoot",
            "GetFederationToken",
            "SetSourceIdentity",
            "TagSession",
        ],
    ),
    ("sso", &["CreateAccountAssignment", "PutInlinePolicyToPermissionSet"]),
    ("organizations", &["AttachPolicy", "DetachPolicy", "UpdatePolicy", "LeaveOrganization"]),
];

/// Actions that return what is kept, and not only what it is like.
const DATA: [(&str, &[&str]); 23] = [
    ("athena", &["GetQueryResults", "GetQueryResultsStream"]),
    ("backup", &["GetRecoveryPointRestoreMetadata"]),
    ("codecommit", &["GetBlob", "GetFile", "GitPull"]),
    ("cognito-identity", &["GetCredentialsForIdentity", "GetOpenIdToken"]),
    (
        "dynamodb",
        &[
            "BatchGetItem",
            "GetItem",
            "GetRecords",
            "PartiQLSelect",
            "Query",
            "ReadDataForReplication",
            "Scan",
            "SearchVectors",
        ],
    ),
    ("ebs", &["GetSnapshotBlock"]),
    ("ec2", &["GetConsoleOutput", "GetConsoleScreenshot", "GetPasswordData"]),
    ("ecr", &["BatchGetImage", "GetDownloadUrlForLayer"]),
    ("elasticfilesystem", &["ClientMount"]),
    ("es", &["ESHttpGet"]),
    ("glacier", &["GetJobOutput"]),
    ("kinesis", &["GetRecords", "SubscribeToShard"]),
    ("kms", &["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair", "ReEncryptFrom"]),
    ("lambda", &["GetFunction", "GetLayerVersion"]),
    ("logs", &["FilterLogEvents", "GetLogEvents", "GetLogRecord", "GetQueryResults", "StartLiveTail", "Unmask"]),
    ("rds", &["DownloadCompleteDBLogFile", "DownloadDBLogFilePortion"]),
    ("redshift", &["GetClusterCredentials", "GetClusterCredentialsWithIAM"]),
    ("redshift-data", &["GetStatementResult"]),
    (
        "s3",
        &[
            "GetObject",
            "GetObjectTorrent",
            "GetObjectVersion",
            "GetObjectVersionForReplication",
            "GetObjectVersionTorrent",
        ],
    ),
    ("secretsmanager", &["BatchGetSecretValue", "GetSecretValue"]),
    ("sqs", &["ReceiveMessage"]),
    ("ssm", &["GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath"]),
    ("states", &["GetExecutionHistory", "RevealSecrets"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_as_sensitive_as_what_they_reach() {
        for (action, sensitivity) in [
            ("iam:PutRolePolicy", Sensitivity::PermissionsManagement),
            ("iam:passrole", Sensitivity::PermissionsManagement),
            ("S3:getobject", Sensitivity::DataReading),
            ("kms:Decrypt", Sensitivity::DataReading),
            ("s3:DeleteObject", Sensitivity::Deletion),
            ("kms:ScheduleKeyDeletion", Sensitivity::Deletion),
            ("dynamodb:BatchWriteItem", Sensitivity::Deletion),
            ("s3:PutLifecycleConfiguration", Sensitivity::Deletion),
            ("s3:ReplicateDelete", Sensitivity::Deletion),
            ("es:ESHttpDelete", Sensitivity::Deletion),
            ("logs:PutRetentionPolicy", Sensitivity::Deletion),
            ("dynamodb:UpdateTimeToLive", Sensitivity::Deletion),
            ("rds-data:ExecuteStatement", Sensitivity::Deletion),
            ("redshift-data:BatchExecuteStatement", Sensitivity::Deletion),
            ("kms:DisableKey", Sensitivity::Deletion),
            ("backup:UpdateRecoveryPointLifecycle", Sensitivity::Deletion),
            ("s3:PutObject", Sensitivity::Write),
            ("s3:DeleteObjectTagging", Sensitivity::Tagging),
            ("s3:GetBucketLocation", Sensitivity::Reading),
            ("s3:ListBucket", Sensitivity::Listing),
            ("s3:Frobnicate", Sensitivity::Other),
            ("*", Sensitivity::PermissionsManagement),
        ] {
            assert_eq!(Sensitivity::of(action, Catalogue::embedded()), sensitivity, "{action}");
        }
        assert!(Sensitivity::PermissionsManagement < Sensitivity::DataReading);
        assert!(Sensitivity::DataReading < Sensitivity::Deletion);
    }

    #[test]
    fn every_listed_action_exists() {
        for (service, names) in PERMISSIONS.iter().chain(&DATA) {
            for name in *names {
                assert!(Catalogue::embedded().action(&format!("{service}:{name}")).is_some(), "{service}:{name}");
            }
        }
        for name in DESTROYING {
            let mut services = Catalogue::embedded().services();
            assert!(services.any(|service| service.action(name).is_some()), "{name}");
        }
    }
}
