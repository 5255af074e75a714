//! What the codes mean, at length.

use super::Code;

/// What a code means, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What it means.
    pub means: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// What leads to it, and what does not.
    pub example: &'static str,
}

impl Explanation {
    /// All but the example, in one text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {} {}", self.means, self.matters, self.mend)
    }
}

/// The explanation of a code.
pub(super) fn explanation(code: Code) -> Explanation {
    match code {
        Code::Unreadable
        | Code::Schema
        | Code::Rule
        | Code::Twice
        | Code::NotJudged
        | Code::RuleMatchesNothing
        | Code::OpenPrefix => file(code),
        Code::AccountNotFound
        | Code::NamespaceNotSelected
        | Code::NoScopePolicy
        | Code::ScopeDenied
        | Code::Undecidable
        | Code::UnknownAction
        | Code::InvalidScope
        | Code::TooLarge
        | Code::SubjectTaken => refusal(code),
        _ => change(code),
    }
}

/// What is found in files by themselves.
fn file(code: Code) -> Explanation {
    match code {
        Code::Unreadable => Explanation {
            means: "The text is neither YAML nor JSON. The position is where reading stopped: the mistake is there or shortly before.",
            matters: "Nothing in the file was judged, so nothing is known about it.",
            mend: "Correct the text. Templates, such as those of a Helm chart, are not YAML yet: render them first and hand the output in with `-f -`.",
            example: "  image: {{ .Values.image }}           a template: not YAML\n  helm template chart | ambit validate -f -",
        },
        Code::Schema => Explanation {
            means: "A field is missing, misspelt, of the wrong type, too long, or has a value that is not among those that are allowed.",
            matters: "The API server refuses the object, so a merge would break the next `kubectl apply` or synchronisation.",
            mend: "The message names the field and what it must be. `kubectl explain machineidentity.spec` lists all fields.",
            example: "  sessionDuration: 1 hour              not a duration\n  sessionDuration: 1h                  a duration",
        },
        Code::Rule => Explanation {
            means: "Each field by itself may be right, but a rule that the kind has about several fields, or about the text in one, is not kept.",
            matters: "The API server judges by the same rules and refuses the object.",
            mend: "The message is the rule's own: it says what must hold.",
            example: "  access: [Read]\n  actions: [\"s3:GetObject\"]            exactly one of the two must be set",
        },
        Code::Twice => Explanation {
            means: "Two objects have the same kind, namespace and name.",
            matters: "A cluster has one object of a name: whichever is applied last silently replaces the other. Which one that is depends on the order of the files.",
            mend: "Take one of them out, or give it another name or namespace. If two overlays of Kustomize are read together, read each by itself.",
            example: "  kustomize build overlays/prod | ambit validate -f -",
        },
        Code::NotJudged => Explanation {
            means: "The files do not hold what the identity is judged by: its CloudAccount, the labels of its namespace, or any ScopePolicy. What can be judged without these was judged; whether the identity would be accepted is not known.",
            matters: "It may be refused in the cluster although nothing was found here.",
            mend: "Hand in what the cluster has with --with. These objects hold no secrets, and whoever may read them can write the file once for all pipelines.",
            example: "  kubectl get cloudaccounts,scopepolicies,machineidentities,namespaces -o yaml > cluster.yaml\n  ambit validate -f deploy --with cluster.yaml",
        },
        Code::RuleMatchesNothing => Explanation {
            means: "AWS has no action of that name, as far as Ambit's catalogue knows. Mostly it is misspelt; it may also be newer than the catalogue.",
            matters: "An allow rule that matches nothing gives nothing. A deny rule that matches nothing is a hole: people rely on it, and it protects from nothing.",
            mend: "Take the name that is offered. If the action is newer than the catalogue, leave it.",
            example: "  deny: [{name: no-users, actions: [\"iam:CreateUsr\"], resources: [\"*\"]}]\n  the action is called iam:CreateUser",
        },
        _ => Explanation {
            means: "A resource of an allow rule has `${namespace}` or `${name}` in it, and nothing between it and a wildcard or another variable that a name could not hold too. So what one name stands for runs on into what a longer name stands for. Or it has `${name}` without `${namespace}`.",
            matters: "With `${namespace}-*` the namespace `shop` may ask for everything of the namespace `shop-eu` as well. With `${name}` alone, whoever may declare identities in any selected namespace chooses the name, and reaches what is another namespace's.",
            mend: "Put a sign that no name can hold, such as `/`, between the variable and the wildcard, or list the names instead of the wildcard. Put `${namespace}` before `${name}`.",
            example: "  arn:aws:s3:::${namespace}-*          `shop` reaches the buckets of `shop-eu`\n  arn:aws:s3:::data/${namespace}/*     `shop` reaches its own folder\n  arn:aws:s3:::${namespace}-data       `shop` reaches its own bucket",
        },
    }
}

/// What the operator would refuse.
fn refusal(code: Code) -> Explanation {
    match code {
        Code::AccountNotFound => Explanation {
            means: "The identity names a CloudAccount that is not there, or one whose own settings cannot be used.",
            matters: "Without an account there is nowhere to make a role: the identity waits with the reason AccountNotFound.",
            mend: "Correct `spec.accountRef.name`, or the field of the CloudAccount that the message names.",
            example: "  accountRef: {name: production}       there is only CloudAccount `prod`",
        },
        Code::NamespaceNotSelected => Explanation {
            means: "The CloudAccount says by labels which namespaces may use it, and the identity's namespace does not have them.",
            matters: "The identity is refused. An account that selects nobody on purpose is how a platform team keeps it closed.",
            mend: "Ask the owners of the account, or label the namespace as `spec.namespaceSelector` of the account says.",
            example: "  namespaceSelector: {matchLabels: {ambit.dev/account: prod}}\n  the Namespace needs the label ambit.dev/account: prod",
        },
        Code::NoScopePolicy => Explanation {
            means: "What identities of a namespace may ask for is said by the ScopePolicies that select it. None selects this one, for this account.",
            matters: "Where nothing is allowed, nothing may be asked for: the identity is refused.",
            mend: "Ask the platform team for a ScopePolicy that selects the namespace, or for a label that an existing one selects.",
            example: "  namespaceSelector: {matchLabels: {team: shop}}\n  the Namespace needs the label team: shop",
        },
        Code::ScopeDenied => Explanation {
            means: "The scope compiles to access that the selecting ScopePolicies do not allow, or that one of them denies. Decided on what the documents mean, not on how they are spelt; the message has a request that shows it.",
            matters: "The identity is refused, or, where it was accepted before, treated as `enforcement` of the policy says.",
            mend: "Ask for less: the message names the smallest change. Where the access is really needed, ask the owners of the policy that the message names.",
            example: "  the policy allows [Read] on arn:aws:s3:::orders-*\n  access: [Read, Write] on arn:aws:s3:::orders-in/*      Write is not allowed",
        },
        Code::Undecidable => Explanation {
            means: "Whether the access lies within what is allowed could not be decided: AWS's documentation leaves it open, or the work would be too much. The message says which.",
            matters: "What cannot be decided is refused, so that nothing slips through.",
            mend: "Write the scope or the rule more simply: fewer wildcards in one text, fewer conditions, known condition keys.",
            example: "  arn:aws:s3:::*a*b*c*d*               many wildcards in one text",
        },
        Code::UnknownAction => Explanation {
            means: "AWS has no such service or no such action, as far as Ambit's catalogue knows.",
            matters: "IAM takes a misspelt action without a word, and it never matches: the workload would miss the access that it was declared to need.",
            mend: "Take one of the names that are offered.",
            example: "  actions: [\"s3:GetObjekt\"]            the action is called s3:GetObject",
        },
        Code::InvalidScope => Explanation {
            means: "The scope cannot become a statement of a policy: no action of that level acts on the resource, the ARN is of another account or partition, a wildcard stands where none may, or a condition is not one.",
            matters: "The identity is refused, and no role is made or changed.",
            mend: "The message names the field and what it must be.",
            example: "  actions: [\"s3:GetObject\"]\n  resources: [\"arn:aws:s3:::orders\"]   objects are arn:aws:s3:::orders/*",
        },
        Code::TooLarge => Explanation {
            means: "Compiled, the scopes are longer than 9,840 characters: of the 10,240 that IAM takes as inline policies of a role, Ambit keeps some free to deny them.",
            matters: "IAM would refuse the document. Nothing is granted by halves: the identity is refused.",
            mend: "Shorten the scopes that the message names, for instance with one wildcard in place of many names, or split the workload's identity.",
            example: "  actions: [\"s3:GetObject\", \"s3:GetObjectTagging\", \"s3:GetObjectVersion\", …]\n  actions: [\"s3:GetObject*\"]           shorter",
        },
        _ => Explanation {
            means: "Another MachineIdentity names the same service account. The older one has it; files do not tell which is older, so here it is the first by name.",
            matters: "A pod has one role. The second identity is refused.",
            mend: "Name another service account, or put both sets of scopes into one identity.",
            example: "  subject: {serviceAccount: {name: orders}}     in two identities of one namespace",
        },
    }
}

/// What a change of files means.
fn change(code: Code) -> Explanation {
    match code {
        Code::Wider => Explanation {
            means: "After the change an identity may do something that it may not do now. A request that shows it stands beside it.",
            matters: "New access is what a reviewer must see; everything else about an identity is spelling.",
            mend: "Nothing, if it is meant. `ambit plan` ends with exit code 3 so that a pipeline can ask for a second pair of eyes.",
            example: "  actions: [\"s3:GetObject\"]  becomes  actions: [\"s3:Get*\"]",
        },
        Code::DataLoss => Explanation {
            means: "Among the new access are actions that delete or overwrite data.",
            matters: "A mistake or a stolen token can then destroy what cannot be brought back.",
            mend: "Ask for the levels without Write, or name the single actions that are needed. Versioning and backups should be out of the identity's reach.",
            example: "  access: [List, Read]  becomes  access: [List, Read, Write]",
        },
        Code::Permissions => Explanation {
            means: "Among the new access are actions that change who has access: to a bucket, a queue, a key, or to roles.",
            matters: "Whoever may change access can give it to himself or to others, past every later review.",
            mend: "Leave it to the platform team. Where it is needed, name the few actions and resources.",
            example: "  actions: [\"s3:PutObject\"]  becomes  actions: [\"s3:Put*\"], which holds s3:PutBucketPolicy",
        },
        Code::Narrower => Explanation {
            means: "After the change an identity may no longer do something that it may do now.",
            matters: "It is safe for what is reached, but the workload fails if it still needs the access.",
            mend: "Nothing, if it is meant. A case under `ambit test` keeps what is needed from going unnoticed.",
            example: "  actions: [\"s3:Get*\"]  becomes  actions: [\"s3:GetObject\"]",
        },
        Code::Both => Explanation {
            means: "The change gives an identity new access and takes other access away.",
            matters: "It is reviewed as new access; what goes may break the workload.",
            mend: "Look at both requests that show it. Two smaller changes are easier to review.",
            example: "  actions: [\"s3:GetObject\"]  becomes  actions: [\"s3:PutObject\"]",
        },
        Code::Undecided => Explanation {
            means: "Whether the change widens access could not be decided. The message says why.",
            matters: "Treat it as wider until somebody has looked.",
            mend: "Write the scope more simply: fewer wildcards in one text, fewer conditions, known condition keys.",
            example: "  resources: [\"arn:aws:s3:::*a*b*c*d*\"]",
        },
        Code::Cosmetic => Explanation {
            means: "The text changes and what the identity may do does not.",
            matters: "Nothing has to be reviewed for access.",
            mend: "Nothing.",
            example: "  actions: [\"s3:GetObject\", \"s3:PutObject\"]  becomes  actions: [\"s3:PutObject\", \"s3:GetObject\"]",
        },
        Code::Created => Explanation {
            means: "The identity is not among the files that the change is measured by: all of its access is new.",
            matters: "Somebody gets a role that nobody had.",
            mend: "Nothing, if it is meant. If only its name or namespace changed, look at what it replaces.",
            example: "  a new file with a MachineIdentity",
        },
        Code::Deleted => Explanation {
            means: "The identity is no longer among the files.",
            matters: "Its role goes with it, unless `deletionPolicy` is Retain. Pods that use it lose their access.",
            mend: "Nothing, if it is meant. Take the workload away first.",
            example: "  a file with a MachineIdentity that goes",
        },
        Code::NoLongerAllowed => Explanation {
            means: "The change of a ScopePolicy, of a CloudAccount or of a label leaves an identity outside of what is allowed.",
            matters: "With `enforcement: Warn` it keeps its access and says so; with `Revoke` its role is denied everything until it fits again.",
            mend: "Allow it, or change the identity first.",
            example: "  resources: [\"arn:aws:s3:::orders-*\"]  becomes  resources: [\"arn:aws:s3:::orders-in\"]",
        },
        _ => Explanation {
            means: "The role stays and somebody else may become it: another service account, another issuer, or another namespace.",
            matters: "What the role may do did not change, but who has it did: for the new holder all of it is new.",
            mend: "Nothing, if it is meant. Look at what the role may do as if it were new.",
            example: "  subject: {serviceAccount: {name: orders}}  becomes  {name: mailer}",
        },
    }
}
