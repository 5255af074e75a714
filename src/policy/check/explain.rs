//! What the codes mean, at length: for `ambit explain` and for the help texts
//! of SARIF. Where a rule is AWS's, the page of its documentation is named.

use super::code::Code;

/// What a code means, why it matters, and how to mend it.
pub(super) fn explanation(code: Code) -> &'static str {
    match code {
        Code::InvalidJson => {
            "Policies are JSON. Comments, single quotes, and a comma after the last item are not JSON. The position is where reading stopped: the mistake is there or shortly before."
        }
        Code::NotAPolicy => {
            "A policy is an object with `Version` and `Statement`; a statement has `Effect`, `Action` or `NotAction`, in policies of identities and organisations `Resource` or `NotResource`, and perhaps `Sid`, `Principal` or `NotPrincipal`, and `Condition`. (IAM User Guide, \"Grammar of the IAM JSON policy language\".)"
        }
        Code::UnknownElement => {
            "AWS refuses a policy with an element that it does not know. Mostly the name is misspelt, or it stands a level too high or too deep: `Condition` belongs into a statement, not beside it."
        }
        Code::UnknownOperator => {
            "A condition compares with one of the operators of IAM, perhaps with `ForAllValues:` or `ForAnyValue:` before and `IfExists` behind its name. `Null` takes neither. (IAM User Guide, \"Condition operators\".)"
        }
        Code::DoubledElement => {
            "Two elements of one name stand in one object. Readers of JSON keep only one of them, so half of what was written would silently have no effect. Put the values into one list, or make two statements."
        }
        Code::EmptyList => {
            "A statement about no action or no resource, and a policy of no statements, mean nothing; AWS refuses them. Mostly a template has produced an empty list."
        }
        Code::NotChecked => {
            "The policy is so large or so full of patterns that not everything was looked at. What is reported is true; there may be more."
        }
        Code::UnknownService => {
            "What stands before the colon of an action is the prefix of a service, such as `s3`. This one is not among the services that Ambit knows: it is misspelt, or AWS made it after the catalogue that Ambit carries was written."
        }
        Code::UnknownAction => {
            "The service has no action of that name as far as Ambit knows. IAM takes such a policy without a word, and the action simply never matches: an Allow gives nothing, a Deny protects from nothing. Actions of AWS that are newer than Ambit's catalogue are reported too."
        }
        Code::NoSuchActions => {
            "The pattern matches none of the service's known actions. Mostly the part before the wildcard is misspelt."
        }
        Code::MalformedAction => {
            "No action has blanks, commas, variables or a second colon, and IAM does not trim: ` s3:GetObject` matches nothing. Under `Action` it has no effect. Under `NotAction` it is dangerous: it excludes nothing, so the statement also covers what it was to leave out."
        }
        Code::DeniesNothing => {
            "None of the actions of this Deny exists, so it protects from nothing. A Deny that does not work is worse than none, because people rely on it."
        }
        Code::ResourceUnused => {
            "Each action acts on certain types of resources. No action of the statement acts on a resource that looks like this one, so it stands there without effect. (Service Authorization Reference, columns \"Resource types\".)"
        }
        Code::ActionWithoutResource => {
            "The action acts on other types of resources than the statement names, so the statement does not grant it, or does not deny it. The classic: `s3:GetObject` acts on objects, `arn:aws:s3:::bucket/*`, and not on the bucket. (Service Authorization Reference, columns \"Resource types\".)"
        }
        Code::ActionNeedsStar => {
            "The action acts on no particular resource, and requests for it name `*` as theirs. No ARN matches that, so the statement has no effect for this action; only `\"Resource\": \"*\"` does. (Service Authorization Reference: an empty column \"Resource types\".)"
        }
        Code::IncompleteArn => {
            "An ARN has six parts between colons. In policies of identities AWS fills the missing ones with `*`, which is more than most people expect: `arn:aws:sqs` is every queue of every account. In policies of resources a short ARN is refused or never matches. (IAM User Guide, \"IAM JSON policy elements: Resource\".)"
        }
        Code::MalformedArn => {
            "A resource is `*` or an ARN: `arn:partition:service:region:account:resource`. A bare name, a URL or an ARN with an impossible partition, region or account matches nothing, and IAM refuses most of them."
        }
        Code::WildcardService => {
            "The service of an ARN must be written out. (IAM User Guide, \"IAM JSON policy elements: Resource\": a wildcard cannot be used in the service segment.)"
        }
        Code::WildcardType => {
            "The type of a resource, such as `user` in `arn:aws:iam::123456789012:user/anna`, cannot be given by a pattern such as `u*`. (IAM User Guide, \"IAM ARNs\": a wildcard cannot be used in the portion that names the resource type.)"
        }
        Code::VariableOutsideTail => {
            "Policy variables are replaced only in the last part of an ARN, behind the fifth colon, and in the values of conditions. (IAM User Guide, \"IAM policy elements: Variables and tags\".)"
        }
        Code::UnknownVariable => {
            "A policy variable is the name of a condition key in `${` and `}`. A request that does not have the key cannot match, so a misspelt variable makes the statement match nothing. A default stands behind a comma: `${aws:PrincipalTag/team, 'none'}`. (IAM User Guide, \"IAM policy elements: Variables and tags\".)"
        }
        Code::LiteralVariable => {
            "Variables came with version 2012-10-17 of the policy language. In a policy without `Version`, or with the older one, `${aws:username}` is those sixteen signs and nothing else. (IAM User Guide, \"IAM policy elements: Variables and tags\".)"
        }
        Code::NoValues => {
            "A condition holds when one of its values fits. Without values none does: a positive operator never holds, a negated one always."
        }
        Code::BadValue => {
            "The operator cannot read the value: numbers, times, IP ranges, `true` and `false` have their forms. Such a value fits no request, and IAM refuses most of them."
        }
        Code::Contradiction => {
            "All conditions of a statement must hold, so two that exclude each other leave nothing: the statement never matches. Several values of which one is to fit belong into one list under one operator. (IAM User Guide, \"Conditions with multiple context keys or values\".)"
        }
        Code::LiteralWildcard => {
            "`StringEquals` and its kin compare sign by sign: `*` is a star and nothing else. Patterns need `StringLike`. AWS has shipped this mistake itself: version 3 of the managed policy AmazonRedshiftDataFullAccess had `StringEquals` with `*`, and version 4 mended it."
        }
        Code::AlwaysHolds => {
            "The condition holds for every request, or for every one that has the key, so it restricts nothing, though it looks as if it did."
        }
        Code::AllValuesOfNone => {
            "`ForAllValues` asks whether each value of the request fits. A request without the key has no value, and all of none do fit: the Allow applies. Add a `Null` condition with `false`, or use `ForAnyValue`. (IAM User Guide, \"Set operators for multivalued context keys\".)"
        }
        Code::NegatedAbsent => {
            "A negated operator also holds when the request does not have the key at all. In an Allow that may let in requests that nobody thought of. Add a `Null` condition with `false` if the key must be there. (IAM User Guide, \"Condition operators\".)"
        }
        Code::ShortArnPattern => {
            "`ArnLike` and `ArnEquals` compare the six parts of an ARN one by one. A pattern with fewer has nothing to compare with. (IAM User Guide, \"Amazon Resource Name (ARN) condition operators\".)"
        }
        Code::UnknownKey => {
            "The condition key is neither one of AWS's global keys nor one that the named service has. A request never has it: positive operators never hold, negated ones and those with `IfExists` always do."
        }
        Code::KeyNotOfAction => {
            "The key exists, but requests for the actions of this statement do not have it: positive operators never hold, negated ones and those with `IfExists` always do. (Service Authorization Reference, column \"Condition keys\".)"
        }
        Code::WrongOperator => {
            "The key has another type than the operator compares. An address must be compared by `IpAddress`, because one address can be written in several ways; numbers and times as numbers and times. What cannot be read as the operator's type never fits."
        }
        Code::SingleOnMany => {
            "Requests may have several values under this key. An operator without `ForAllValues` or `ForAnyValue` is made for one value. (IAM User Guide, \"Single-valued vs. multivalued context keys\".)"
        }
        Code::SetOnSingle => {
            "The key has at most one value, so a set operator adds nothing; and `ForAllValues` holds for requests without the key, which is seldom meant. (IAM User Guide, \"Single-valued vs. multivalued context keys\".)"
        }
        Code::PrincipalMissing => {
            "The policy of a resource says who may do what to it. A statement that names nobody matches nobody, and AWS refuses it."
        }
        Code::NotOfThisKind => {
            "Each kind of policy has its own elements: policies of identities, boundaries and SCPs have no `Principal`, trust policies no `Resource` and only actions of `sts`, RCPs deny only and name everyone. Say the kind with `--kind` if it was taken for another."
        }
        Code::Everyone => {
            "The principal `*` is everyone, in every account, and without an account. Without a condition that says who or from where, the resource is public."
        }
        Code::AllowNotPrincipal => {
            "Allow with `NotPrincipal` gives access to everyone but those it names, anonymous callers included. AWS advises against it in every case. (IAM User Guide, \"IAM JSON policy elements: NotPrincipal\".)"
        }
        Code::DenyNotPrincipal => {
            "Deny with `NotPrincipal` always denies identities that have a permissions boundary, also those it names; and a role must be named with its sessions and its account. Use `\"Principal\": \"*\"` with a condition on `aws:PrincipalArn`. (IAM User Guide, \"IAM JSON policy elements: NotPrincipal\".)"
        }
        Code::AllowNotAction => {
            "Allow with `NotAction` allows everything that it does not name, in every service, and everything that AWS makes later. (IAM User Guide, \"IAM JSON policy elements: NotAction\".)"
        }
        Code::AllowNotResource => {
            "Allow with `NotResource` allows the actions on everything that it does not name, in other services and accounts too. (IAM User Guide, \"IAM JSON policy elements: NotResource\".)"
        }
        Code::MalformedPrincipal => {
            "A principal is an account, the ARN of a user, role or session, a service, an identity provider, or `*` alone. Patterns are not replaced, and AWS refuses principals that do not exist. (IAM User Guide, \"AWS JSON policy elements: Principal\".)"
        }
        Code::OpenFederation => {
            "Whoever gets a token from this provider may assume the role. A provider such as GitHub gives tokens to everybody, so the claim `sub` must be compared too; the audience alone is chosen by whoever asks for the token. (IAM User Guide, \"Create a role for OpenID Connect federation\".)"
        }
        Code::GrantsEverything => {
            "Every action on every resource is what an administrator has. Whoever gets hold of such an identity owns the account."
        }
        Code::PolicyEscalation => {
            "Who can write, attach or choose policies, or join groups, can give itself every permission. Keep it to named roles and policies, and require a permissions boundary with a condition on `iam:PermissionsBoundary`. (Rhino Security Labs, \"AWS IAM Privilege Escalation – Methods and Mitigation\"; IAM User Guide, \"Permissions boundaries for IAM entities\".)"
        }
        Code::CredentialEscalation => {
            "Who can make access keys or passwords for other users can act as any of them, administrators included. Allow it on `user/${aws:username}` alone. (Rhino Security Labs, \"AWS IAM Privilege Escalation – Methods and Mitigation\".)"
        }
        Code::TrustEscalation => {
            "Who can change the trust policy of any role can let itself in. Who can assume any role can become every role that trusts the account. Name the roles. (Rhino Security Labs, \"AWS IAM Privilege Escalation – Methods and Mitigation\".)"
        }
        Code::PassRole => {
            "Who can pass any role to a service, and make something there that runs code or calls AWS, acts with that role. Name the roles that may be passed, and the service with `iam:PassedToService`. (IAM User Guide, \"Grant a user permissions to pass a role to an AWS service\".)"
        }
        Code::CodeEscalation => {
            "Functions, jobs, instances and stacks run with roles of their own. Who can change what runs there, or open a shell, acts with those roles. Name the resources. (Rhino Security Labs, \"AWS IAM Privilege Escalation – Methods and Mitigation\".)"
        }
        Code::BoundaryRemoval => {
            "A permissions boundary limits what an identity can be given. Who can take it away or change it lifts the limit. (IAM User Guide, \"Permissions boundaries for IAM entities\", on delegating with boundaries.)"
        }
        Code::Exposure => {
            "The action changes who has access to the data itself: bucket and key policies, shared snapshots, permissions of functions and queues. On any resource it can open all of them, to other accounts or to everyone. (Service Authorization Reference, access level \"Permissions management\".)"
        }
        Code::TooLarge => {
            "AWS takes at most 6,144 characters for a managed policy or boundary, 10,240 for the inline policies of a role, 5,120 of a group, 2,048 of a user, 2,048 for a trust or session policy, 5,120 for an SCP or RCP. IAM does not count white space; AWS Organizations does. (IAM User Guide, \"IAM and AWS STS quotas\"; AWS Organizations User Guide, \"Quotas\".)"
        }
        Code::DuplicateSid => {
            "The `Sid` of a statement must be unique within its policy; AWS refuses two of one name. (IAM User Guide, \"IAM JSON policy elements: Sid\".)"
        }
        Code::IllegalSid => {
            "In policies of IAM a `Sid` has letters and digits only: no blanks, no hyphens. (IAM User Guide, \"IAM JSON policy elements: Sid\".)"
        }
        Code::Covered => {
            "Another statement of the policy with the same effect already covers everything in this one. It does no harm, but people will take it for a restriction, and it costs characters."
        }
    }
}
