//! EKS Pod Identity without a cluster: what the example says, and what the commands say of it.

use serde_json::Value;

use crate::folder::{Folder, here};
use crate::samples::{CLUSTER, ORDERS};

const EXAMPLE: &str = "examples/pod-identity";

/// The account of the samples, where EKS hands roles to the pods of a cluster.
fn with_pod_identity(cluster: &str) -> String {
    let federation = format!("federation: {{podIdentity: {{clusterName: {cluster}}}}}");
    CLUSTER.replace("federation: {webIdentity: {issuer: 'https://oidc.example.com/prod-eu'}}", &federation)
}

#[test]
fn the_example_is_sound_and_says_which_pods_get_the_role() {
    let (code, out, err) = here(&["validate", "-f", EXAMPLE]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let (code, out, err) = here(&["explain", "-f", EXAMPLE]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let who = "
  who       pods of service account `orders` in namespace `shop`
            of the EKS cluster arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu
";
    assert!(out.contains(who), "{out}");
    assert!(!out.contains("token"), "{out}");
}

#[test]
fn its_trust_is_for_eks_and_names_pods_and_cluster() {
    let (code, out, err) = here(&["render", "-f", EXAMPLE, "--installation", "prod-eu", "-o", "json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("pods.eks.amazonaws.com") && !out.contains("oidc-provider"), "{out}");
    for (claim, value) in [
        ("aws:SourceAccount", "123456789012"),
        ("aws:RequestTag/eks-cluster-arn", "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu"),
        ("aws:RequestTag/kubernetes-namespace", "shop"),
        ("aws:RequestTag/kubernetes-service-account", "orders"),
    ] {
        assert!(out.contains(claim) && out.contains(value), "{claim}: {out}");
    }
}

#[test]
fn the_operator_gets_what_associations_need_and_passes_only_its_own_roles() {
    let (code, out, err) =
        here(&["account", "policy", "--account", "examples/pod-identity/account.yaml", "--installation", "prod-eu"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let policy: Value = serde_json::from_str(&out).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let passes: Vec<&Value> = statements.iter().filter(|one| one["Action"].to_string().contains("PassRole")).collect();
    assert_eq!(passes.len(), 1, "{out}");
    assert_eq!(passes[0]["Resource"].as_str(), Some("arn:aws:iam::123456789012:role/ambit/prod-eu/*"), "{out}");
    assert_eq!(passes[0]["Condition"]["StringEquals"]["iam:PassedToService"], "pods.eks.amazonaws.com");
    assert!(!out.contains("OpenIDConnectProvider"), "{out}");
    let folder = Folder::new("web").with("account.yaml", CLUSTER);
    let (code, out, _) =
        folder.ask(&["account", "policy", "--account", "account.yaml", "--installation", "prod-eu"], "");
    assert_eq!(code, Some(0), "{out}");
    assert!(!out.contains("PassRole") && !out.contains("eks:"), "who does not use it passes no role: {out}");
}

#[test]
fn exactly_one_way_to_pods_is_declared() {
    let both = CLUSTER.replace("'}}", "'}, podIdentity: {clusterName: prod-eu}}");
    let none = with_pod_identity("prod-eu").replace("{podIdentity: {clusterName: prod-eu}}", "{}");
    let folder = Folder::new("one").with("both.yaml", both).with("none.yaml", none);
    for file in ["both.yaml", "none.yaml"] {
        let (code, out, _) = folder.ask(&["validate", "-f", file], "");
        assert_eq!(code, Some(1), "{file}: {out}");
        assert!(out.contains("must set exactly one of `webIdentity` and `podIdentity`"), "{file}: {out}");
    }
    let (code, out, _) = folder.ask(&["validate", "-f", "-"], &with_pod_identity("'prod eu'"));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("must be the name of an EKS cluster"), "{out}");
}

#[test]
fn a_plan_says_whose_pods_come_in_another_way() {
    let folder = Folder::new("plan")
        .with("web/account.yaml", CLUSTER)
        .with("eu/account.yaml", with_pod_identity("prod-eu"))
        .with("us/account.yaml", with_pod_identity("prod-us"))
        .with("beside/orders.yaml", ORDERS);
    let plan = |old: &str, new: &str| {
        let arguments = ["plan", "-f", new, "--base", old, "--with", "beside", "--installation", "sim"];
        let (code, out, err) = folder.ask(&arguments, "");
        assert_eq!((code, err.as_str()), (Some(3), ""), "who comes in is another one: {out}");
        out
    };
    let pods = "service account `shop/orders`";
    let cluster = |name: &str| format!("{pods} of EKS cluster `arn:aws:eks:eu-west-1:123456789012:cluster/{name}`");
    let out = plan("web", "eu");
    let before = format!("{pods} of issuer `https://oidc.example.com/prod-eu` for audience `sts.amazonaws.com`");
    assert!(out.contains(&format!("{} instead of {before}", cluster("prod-eu"))), "{out}");
    let out = plan("eu", "us");
    assert!(out.contains(&format!("{} instead of {}", cluster("prod-us"), cluster("prod-eu"))), "{out}");
}

#[test]
fn credentials_in_a_secret_do_not_go_with_it() {
    let allowing = |cluster: String| cluster.replace("  allow: [", "  credentialTypes: [SessionSecret]\n  allow: [");
    let folder = Folder::new("secret")
        .with("by-eks.yaml", allowing(with_pod_identity("prod-eu")))
        .with("by-tokens.yaml", allowing(CLUSTER.to_owned()))
        .with("orders.yaml", format!("{ORDERS}  credentials: {{sessionSecret: {{secretName: orders-aws}}}}\n"));
    let validate = |account: &str| folder.ask(&["validate", "-f", account, "-f", "orders.yaml"], "");
    let (code, out, _) = validate("by-tokens.yaml");
    assert_eq!(code, Some(0), "{out}");
    let (code, out, _) = validate("by-eks.yaml");
    assert_eq!(code, Some(1), "{out}");
    let why =
        "`spec.credentials.sessionSecret` does not go with CloudAccount 'prod', whose federation is `podIdentity`";
    assert!(out.contains(why) && out.contains("name a CloudAccount with `webIdentity`"), "{out}");
}
