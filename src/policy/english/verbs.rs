//! Verbs for access levels and for the commonest actions.

use crate::policy::catalogue::AccessLevel;

/// What one can do with a level.
pub(super) fn of_level(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "list",
        AccessLevel::Read => "read",
        AccessLevel::Write => "write",
        AccessLevel::Tagging => "tag",
        AccessLevel::Permissions => "change who has access to",
    }
}

/// Words for an action, such that a thing may follow them. Actions that are not
/// here are called by their names.
pub(super) fn of_action(action: &str) -> Option<&'static str> {
    Some(match action.to_ascii_lowercase().as_str() {
        "s3:getobject" | "ssm:getparameter" | "ssm:getparameters" => "read",
        "s3:listbucket" => "list what is in",
        "s3:putobject" => "write",
        "s3:deleteobject" => "delete",
        "sqs:sendmessage" => "send messages to",
        "sqs:receivemessage" => "receive messages from",
        "sqs:deletemessage" => "delete messages from",
        "sqs:purgequeue" => "delete all messages from",
        "sns:publish" => "publish to",
        "sns:subscribe" => "subscribe to",
        "dynamodb:getitem" | "dynamodb:batchgetitem" => "read items of",
        "dynamodb:query" => "query",
        "dynamodb:scan" => "scan",
        "dynamodb:putitem" => "put items into",
        "dynamodb:updateitem" => "update items of",
        "dynamodb:deleteitem" => "delete items of",
        "kms:decrypt" => "decrypt with",
        "kms:encrypt" => "encrypt with",
        "kms:generatedatakey" => "make data keys with",
        "kms:sign" => "sign with",
        "secretsmanager:getsecretvalue" => "read the value of",
        "secretsmanager:putsecretvalue" => "change the value of",
        "ssm:putparameter" => "change",
        "lambda:invokefunction" => "invoke",
        "logs:createlogstream" => "create streams in",
        "logs:putlogevents" => "write events to",
        _ => return None,
    })
}
