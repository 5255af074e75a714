//! Verbs for access levels and for the commonest actions.

use crate::policy::catalogue::AccessLevel;

/// What one can do with a level.
pub(in crate::policy) fn of_level(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "list",
        AccessLevel::Read => "read",
        AccessLevel::Write => "write",
        AccessLevel::Tagging => "tag",
        AccessLevel::Permissions => "change who has access to",
    }
}

/// Words for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Verb {
    /// Such that a thing may follow.
    pub(in crate::policy) words: &'static str,
    /// What such a thing is called. Empty where the action has none and the words say it all.
    pub(in crate::policy) kind: &'static str,
}

/// Words for an action. Those that are not here are called by their names.
pub(in crate::policy) fn of_action(action: &str) -> Option<Verb> {
    let wanted = action.to_ascii_lowercase();
    let found = VERBS.binary_search_by(|(name, ..)| (*name).cmp(wanted.as_str())).ok()?;
    VERBS.get(found).map(|(_, words, kind)| Verb { words, kind })
}

/// By full name in lower case, sorted.
const VERBS: [(&str, &str, &str); 128] = [
    ("cloudformation:createstack", "create", "stack"),
    ("cloudformation:deletestack", "delete", "stack"),
    ("cloudformation:describestacks", "describe", "stack"),
    ("cloudformation:updatestack", "update", "stack"),
    ("cloudtrail:deletetrail", "delete", "trail"),
    ("cloudtrail:stoplogging", "stop", "trail"),
    ("dynamodb:batchgetitem", "read items of", "table"),
    ("dynamodb:batchwriteitem", "put and delete items of", "table"),
    ("dynamodb:createtable", "create", "table"),
    ("dynamodb:deleteitem", "delete items of", "table"),
    ("dynamodb:deletetable", "delete", "table"),
    ("dynamodb:describetable", "describe", "table"),
    ("dynamodb:getitem", "read items of", "table"),
    ("dynamodb:getrecords", "read records of", "stream"),
    ("dynamodb:putitem", "put items into", "table"),
    ("dynamodb:query", "query", "table"),
    ("dynamodb:scan", "scan", "table"),
    ("dynamodb:updateitem", "update items of", "table"),
    ("ec2:createtags", "tag", "EC2 resource"),
    ("ec2:deletesnapshot", "delete", "snapshot"),
    ("ec2:deletevolume", "delete", "volume"),
    ("ec2:describeinstances", "describe all instances", ""),
    ("ec2:rebootinstances", "reboot", "instance"),
    ("ec2:runinstances", "launch instances with", "EC2 resource"),
    ("ec2:startinstances", "start", "instance"),
    ("ec2:stopinstances", "stop", "instance"),
    ("ec2:terminateinstances", "terminate", "instance"),
    ("ecr:batchchecklayeravailability", "check layers of", "repository"),
    ("ecr:batchdeleteimage", "delete images from", "repository"),
    ("ecr:batchgetimage", "pull images from", "repository"),
    ("ecr:getauthorizationtoken", "sign in to the registry", ""),
    ("ecr:getdownloadurlforlayer", "download layers from", "repository"),
    ("ecr:putimage", "push images to", "repository"),
    ("ecs:runtask", "run tasks of", "task definition"),
    ("ecs:updateservice", "update", "service"),
    ("eks:describecluster", "describe", "cluster"),
    ("events:deleterule", "delete", "rule"),
    ("events:putevents", "put events on", "event bus"),
    ("events:putrule", "create and change", "rule"),
    ("events:puttargets", "set the targets of", "rule"),
    ("execute-api:invoke", "call", "API"),
    ("iam:attachrolepolicy", "attach policies to", "role"),
    ("iam:attachuserpolicy", "attach policies to", "user"),
    ("iam:createaccesskey", "create access keys for", "user"),
    ("iam:createloginprofile", "create passwords for", "user"),
    ("iam:createpolicyversion", "change", "policy"),
    ("iam:createrole", "create", "role"),
    ("iam:createservicelinkedrole", "create", "service-linked role"),
    ("iam:createuser", "create", "user"),
    ("iam:deleterole", "delete", "role"),
    ("iam:deleteuser", "delete", "user"),
    ("iam:detachrolepolicy", "detach policies from", "role"),
    ("iam:getrole", "describe", "role"),
    ("iam:listroles", "list all roles", ""),
    ("iam:listusers", "list all users", ""),
    ("iam:passrole", "pass on", "role"),
    ("iam:putrolepolicy", "write policies into", "role"),
    ("iam:updateassumerolepolicy", "change who can assume", "role"),
    ("kinesis:getrecords", "read records from", "stream"),
    ("kinesis:putrecord", "put records into", "stream"),
    ("kinesis:putrecords", "put records into", "stream"),
    ("kms:creategrant", "grant use of", "key"),
    ("kms:decrypt", "decrypt with", "key"),
    ("kms:describekey", "describe", "key"),
    ("kms:disablekey", "disable", "key"),
    ("kms:encrypt", "encrypt with", "key"),
    ("kms:generatedatakey", "make data keys with", "key"),
    ("kms:generatedatakeywithoutplaintext", "make sealed data keys with", "key"),
    ("kms:putkeypolicy", "change who can use", "key"),
    ("kms:reencryptfrom", "re-encrypt from", "key"),
    ("kms:reencryptto", "re-encrypt to", "key"),
    ("kms:schedulekeydeletion", "schedule the deletion of", "key"),
    ("kms:sign", "sign with", "key"),
    ("kms:verify", "verify with", "key"),
    ("lambda:addpermission", "change who can invoke", "function"),
    ("lambda:createfunction", "create", "function"),
    ("lambda:deletefunction", "delete", "function"),
    ("lambda:getfunction", "read the code of", "function"),
    ("lambda:invokefunction", "invoke", "function"),
    ("lambda:updatefunctioncode", "change the code of", "function"),
    ("lambda:updatefunctionconfiguration", "configure", "function"),
    ("logs:createloggroup", "create", "log group"),
    ("logs:createlogstream", "create streams in", "log group"),
    ("logs:deleteloggroup", "delete", "log group"),
    ("logs:filterlogevents", "search events of", "log group"),
    ("logs:getlogevents", "read events of", "log group"),
    ("logs:putlogevents", "write events to", "log group"),
    ("rds:deletedbinstance", "delete", "database"),
    ("s3:abortmultipartupload", "abort uploads of", "object"),
    ("s3:createbucket", "create", "bucket"),
    ("s3:deletebucket", "delete", "bucket"),
    ("s3:deletebucketpolicy", "remove the policy of", "bucket"),
    ("s3:deleteobject", "delete", "object"),
    ("s3:deleteobjectversion", "delete versions of", "object"),
    ("s3:getbucketlocation", "see the region of", "bucket"),
    ("s3:getobject", "read", "object"),
    ("s3:getobjectversion", "read versions of", "object"),
    ("s3:listallmybuckets", "list all buckets", ""),
    ("s3:listbucket", "list what is in", "bucket"),
    ("s3:putbucketpolicy", "change who has access to", "bucket"),
    ("s3:putobject", "write", "object"),
    ("s3:putobjectacl", "change who has access to", "object"),
    ("secretsmanager:deletesecret", "delete", "secret"),
    ("secretsmanager:describesecret", "describe", "secret"),
    ("secretsmanager:getsecretvalue", "read the value of", "secret"),
    ("secretsmanager:putsecretvalue", "change the value of", "secret"),
    ("sns:publish", "publish to", "topic"),
    ("sns:subscribe", "subscribe to", "topic"),
    ("sqs:deletemessage", "delete messages from", "queue"),
    ("sqs:deletequeue", "delete", "queue"),
    ("sqs:getqueueattributes", "see the attributes of", "queue"),
    ("sqs:getqueueurl", "see the URL of", "queue"),
    ("sqs:purgequeue", "delete all messages from", "queue"),
    ("sqs:receivemessage", "receive messages from", "queue"),
    ("sqs:sendmessage", "send messages to", "queue"),
    ("ssm:deleteparameter", "delete", "parameter"),
    ("ssm:getparameter", "read", "parameter"),
    ("ssm:getparameters", "read", "parameter"),
    ("ssm:getparametersbypath", "read by path", "parameter"),
    ("ssm:putparameter", "change", "parameter"),
    ("ssm:sendcommand", "run commands with", "resource"),
    ("ssm:startsession", "start sessions on", "resource"),
    ("states:startexecution", "start", "state machine"),
    ("sts:assumerole", "assume", "role"),
    ("sts:assumerolewithsaml", "assume", "role"),
    ("sts:assumerolewithwebidentity", "assume", "role"),
    ("sts:setsourceidentity", "set the source identity of sessions of", "role"),
    ("sts:tagsession", "tag sessions of", "role"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::catalogue::Catalogue;

    #[test]
    fn verbs_are_sorted_and_found_in_any_case() {
        assert!(VERBS.is_sorted_by_key(|(name, ..)| *name));
        assert_eq!(of_action("SQS:sendMessage"), Some(Verb { words: "send messages to", kind: "queue" }));
        assert_eq!(of_action("sqs:SendNothing"), None);
    }

    #[test]
    fn every_verb_is_for_an_action_that_there_is() {
        for (name, _, kind) in VERBS {
            let (_, action) = Catalogue::embedded().action(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(kind.is_empty(), action.is_without_resource(), "{name}");
        }
    }
}
