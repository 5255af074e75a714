use super::*;
use crate::names::{AccountId, ClusterArn, InstallationId, Partition, QueueUrl, Region, RolePath};

/// IAM's limit for a managed policy; white space does not count.
const MANAGED_POLICY_LIMIT: usize = 6144;

fn account(installation: &str, path: &str) -> AwsAccount {
    AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse(path).unwrap(),
        installation: InstallationId::parse(installation).unwrap(),
        assume_role: None,
        events: None,
        cluster: None,
        users: false,
    }
}

fn boundary() -> BoundaryArn {
    BoundaryArn::parse("arn:aws:iam::123456789012:policy/ambit-boundary").unwrap()
}

fn issuer() -> IssuerUrl {
    IssuerUrl::parse("https://oidc.example.com/id/A1").unwrap()
}

fn whole() -> String {
    operator_policy(&account("bed", "/ambit/bed/"), &boundary(), &[(&issuer(), true)])
}

fn actions(policy: &str) -> Vec<String> {
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn is_exactly_this_text() {
    assert_eq!(whole(), include_str!("operator_policy.golden.json").trim_end());
}

#[test]
fn fits_into_a_managed_policy_with_the_longest_names() {
    let counted = |policy: &str| policy.chars().filter(|c| !c.is_whitespace()).count();
    assert_eq!(counted(&whole()), 2958);
    let issuer = IssuerUrl::parse(&format!("https://{}", "i".repeat(247))).unwrap();
    let long = account(&"x".repeat(20), &format!("/{}/{}/", "p".repeat(100), "x".repeat(20)));
    let longest = counted(&operator_policy(&long, &boundary(), &[(&issuer, true)]));
    assert!(longest <= MANAGED_POLICY_LIMIT, "{longest}");
}

#[test]
fn a_provider_is_read_only_where_it_is_and_made_only_when_allowed() {
    let account = account("bed", "/ambit/bed/");
    let none = actions(&operator_policy(&account, &boundary(), &[]));
    assert!(!none.iter().any(|action| action.contains("OpenID")), "{none:?}");
    let existing = actions(&operator_policy(&account, &boundary(), &[(&issuer(), false)]));
    let provider: Vec<_> = existing.iter().filter(|action| action.contains("OpenID")).collect();
    assert_eq!(provider, ["iam:GetOpenIDConnectProvider"]);
}

#[test]
fn a_queue_is_read_only_where_there_is_one() {
    let plain = account("bed", "/ambit/bed/");
    let without = actions(&operator_policy(&plain, &boundary(), &[]));
    assert!(!without.iter().any(|action| action.starts_with("sqs:")), "{without:?}");
    let queue = QueueUrl::parse("https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events").unwrap();
    let events = Some(AwsEvents { queue, boundary: boundary(), issuer: Some(issuer()) });
    let policy = operator_policy(&AwsAccount { events, ..plain }, &boundary(), &[]);
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    let hears = policy["Statement"].as_array().unwrap().last().unwrap();
    let expected = serde_json::json!({
        "Sid": "ReceiveChangeEvents", "Effect": "Allow", "Action": ["sqs:DeleteMessage", "sqs:ReceiveMessage"],
        "Resource": "arn:aws:sqs:us-east-1:123456789012:ambit-events",
    });
    assert_eq!(*hears, expected);
}

#[test]
fn grants_no_way_up() {
    let forbidden = [
        "iam:AddUserToGroup",
        "iam:AttachGroupPolicy",
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:CreateLoginProfile",
        "iam:DeleteUserPermissionsBoundary",
        "iam:UntagUser",
        "iam:UpdateLoginProfile",
        "iam:UpdateUser",
        "iam:PassRole",
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:UntagRole",
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "sts:AssumeRole",
    ];
    let of_users = ["iam:CreateUser", "iam:CreateAccessKey"];
    let users = actions(&operator_policy(&with_users(account("bed", "/ambit/bed/")), &boundary(), &[]));
    let users = users.into_iter().filter(|action| !of_users.contains(&action.as_str()));
    for action in actions(&whole()).into_iter().chain(users) {
        assert!(!forbidden.contains(&action.as_str()), "{action}");
        assert!(!action.contains('*'), "{action}");
    }
}

fn with_users(account: AwsAccount) -> AwsAccount {
    AwsAccount { users: true, ..account }
}

#[test]
fn users_are_touched_only_where_identities_may_have_access_keys() {
    let of_users =
        |action: &String| ["User", "AccessKey", "LoginProfile", "Group"].iter().any(|it| action.contains(it));
    assert!(!actions(&whole()).iter().any(of_users), "{}", whole());
    let policy = operator_policy(&with_users(account("bed", "/ambit/bed/")), &boundary(), &[(&issuer(), true)]);
    assert_eq!(policy, include_str!("operator_policy_users.golden.json").trim_end());
}

/// Whatever is said of users is said on the path alone, of nothing new without boundary and tag, and of
/// nothing that is there without the tag; but for reads, and for the one action that knows no users.
#[test]
fn users_of_others_are_out_of_reach() {
    let policy = operator_policy(&with_users(account("bed", "/ambit/bed/")), &boundary(), &[]);
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    let ours = "arn:aws:iam::123456789012:user/ambit/bed/*";
    let mut seen = 0;
    for statement in policy["Statement"].as_array().unwrap() {
        let (sid, resource) = (statement["Sid"].as_str().unwrap(), statement["Resource"].to_string());
        let actions: Vec<&str> = statement["Action"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
        let changes = |action: &&str| {
            let of_user = ["User", "AccessKey", "LoginProfile"].iter().any(|kind| action.contains(kind));
            of_user && !action.starts_with("iam:Get") && !action.starts_with("iam:List")
        };
        let changing: Vec<&&str> = actions.iter().filter(|action| changes(action)).collect();
        if changing.is_empty() || sid == "TakeUsersOutOfGroups" {
            continue;
        }
        seen += changing.len();
        assert!(resource.contains(ours) && resource.matches(":user/").count() == 1, "{sid}: {resource}");
        let equals = &statement["Condition"]["StringEquals"];
        let is_ours = |key: &str| equals[format!("aws:{key}/ambit.dev/installation")] == "bed";
        let makes = ["CreateRolesAndUsersUnderTheBoundary", "TagRolesAndUsersOfThisInstallation"].contains(&sid);
        assert!(is_ours(if makes { "RequestTag" } else { "ResourceTag" }), "{sid}");
        let gives = changing.iter().any(|action| action.contains("Put") || action.ends_with("CreateUser"));
        assert!(!gives || equals["iam:PermissionsBoundary"] == boundary().as_str(), "{sid}");
    }
    assert_eq!(seen, 11);
}

fn with_cluster(installation: &str, path: &str, cluster: &str) -> AwsAccount {
    AwsAccount { cluster: Some(ClusterArn::parse(cluster).unwrap()), ..account(installation, path) }
}

const CLUSTER: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu";

#[test]
fn associations_are_touched_only_where_eks_hands_roles_to_pods() {
    let of_eks = |policy: &str| actions(policy).into_iter().filter(|action| action.starts_with("eks:")).count();
    assert_eq!(of_eks(&whole()), 0);
    let policy = operator_policy(&with_cluster("bed", "/ambit/bed/", CLUSTER), &boundary(), &[]);
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    let statements: Vec<_> =
        policy["Statement"].as_array().unwrap().iter().skip_while(|one| one["Sid"] != "SeeTheCluster").collect();
    let associations = "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod-eu/*";
    let tags =
        serde_json::json!(["ambit.dev/identity", "ambit.dev/installation", "ambit.dev/retained", "ambit.dev/uid"]);
    let expected = serde_json::json!([
        {"Sid": "SeeTheCluster", "Effect": "Allow",
         "Action": ["eks:DescribeCluster", "eks:ListPodIdentityAssociations"], "Resource": CLUSTER},
        {"Sid": "SeeItsAssociations", "Effect": "Allow",
         "Action": ["eks:DescribePodIdentityAssociation"], "Resource": associations},
        {"Sid": "MakeAssociations", "Effect": "Allow",
         "Action": ["eks:CreatePodIdentityAssociation"], "Resource": CLUSTER,
         "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": tags},
                       "StringEquals": {"aws:RequestTag/ambit.dev/installation": "bed"}}},
        {"Sid": "TagNewAssociations", "Effect": "Allow", "Action": ["eks:TagResource"], "Resource": associations,
         "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": tags},
                       "StringEquals": {"aws:RequestTag/ambit.dev/installation": "bed"},
                       "StringEqualsIfExists": {"aws:ResourceTag/ambit.dev/installation": "bed"}}},
        {"Sid": "ChangeAndDeleteAssociationsOfThisInstallation", "Effect": "Allow",
         "Action": ["eks:DeletePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"], "Resource": associations,
         "Condition": {"StringEquals": {"aws:ResourceTag/ambit.dev/installation": "bed"}}},
        {"Sid": "NameItsRolesToPodIdentityOnly", "Effect": "Allow", "Action": ["iam:PassRole"],
         "Resource": "arn:aws:iam::123456789012:role/ambit/bed/*",
         "Condition": {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}},
    ]);
    assert_eq!(serde_json::json!(statements), expected);
}

#[test]
fn with_a_cluster_or_users_it_fits_into_a_managed_policy_too() {
    let counted = |policy: &str| policy.chars().filter(|character| !character.is_whitespace()).count();
    let cluster = format!("arn:aws:eks:eu-west-1:123456789012:cluster/{}", "c".repeat(100));
    let (installation, path) = ("x".repeat(20), format!("/{}/{}/", "p".repeat(100), "x".repeat(20)));
    let long = with_cluster(&installation, &path, &cluster);
    let policy = counted(&operator_policy(&long, &boundary(), &[]));
    assert!(policy <= MANAGED_POLICY_LIMIT, "{policy}");
    let long = with_users(account(&installation, &path));
    let policy = counted(&operator_policy(&long, &boundary(), &[(&issuer(), true)]));
    assert!(policy <= MANAGED_POLICY_LIMIT, "{policy}");
    let all = with_users(with_cluster("production-eu", "/platform/ambit/production-eu/", CLUSTER));
    let policy = counted(&operator_policy(&all, &boundary(), &[(&issuer(), true)]));
    assert!(policy <= MANAGED_POLICY_LIMIT, "{policy}");
    // All of it with names as long as they may be does not; a role takes it as an inline policy.
    let all = with_users(with_cluster(&installation, &path, &cluster));
    let policy = counted(&operator_policy(&all, &boundary(), &[(&issuer(), true)]));
    assert!((MANAGED_POLICY_LIMIT + 1..=crate::policy::MAX_INLINE).contains(&policy), "{policy}");
}
