//! What EKS says of the pods for which it becomes a role.
//!
//! Nobody but the service sets these claims, and it takes them from the pod's own token: so a role
//! that asks for all of them is opened for the pods of one service account of one cluster.

use crate::domain::PodsOf;
use crate::names::ClusterArn;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::{
    Context, Document, Outcome, POD_IDENTITY, POD_IDENTITY_ACTIONS, Policy, Request, pod_identity_claims,
};

/// The variable by which SDKs find the agent of their node. EKS sets it in the pods that it hands a
/// role when they are created.
pub const CREDENTIALS_VARIABLE: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// Pods that EKS hands a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedTo {
    /// Their cluster.
    pub cluster: ClusterArn,
    /// Whose pods.
    pub pods: PodsOf,
}

impl HandedTo {
    /// Whether a trust policy lets exactly these pods in, by the evaluator: EKS for them, and
    /// neither for pods of which it says something else or less, nor anybody but EKS.
    #[must_use]
    pub fn are_admitted_by(&self, trust: &Document, role_arn: &str) -> bool {
        let Ok(policy) = Policy::read(trust.text()) else { return false };
        let policy = Prepared::new(&policy);
        let claims = pod_identity_claims(&self.cluster, &self.pods.namespace, &self.pods.service_account);
        let admits = |who: &str, action: &str, changed: Option<(&str, Option<&str>)>| {
            let mut context = Context::default();
            for (key, value) in &claims {
                match changed {
                    Some((other, None)) if other == *key => {}
                    Some((other, Some(more))) if other == *key => context.set(key, format!("{value}{more}")),
                    _ => context.set(key, value.clone()),
                }
            }
            let (resource, principal) = (role_arn.to_owned(), Some(who.to_owned()));
            let request = Request { action: action.to_owned(), resource, principal, context };
            alone(&policy, &request).outcome == Outcome::Allowed
        };
        POD_IDENTITY_ACTIONS.iter().all(|action| {
            let near = |changed| admits(POD_IDENTITY, action, Some(changed));
            admits(POD_IDENTITY, action, None)
                && !admits("eks.amazonaws.com", action, None)
                && claims.iter().all(|(key, _)| !near((key, None)) && !near((key, Some("x"))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::pod_identity_trust;

    const ROLE: &str = "arn:aws:iam::123456789012:role/ambit/sim/orders";
    const CLUSTER: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu";

    fn orders() -> HandedTo {
        HandedTo { cluster: ClusterArn::parse(CLUSTER).unwrap(), pods: PodsOf::new("shop", "orders") }
    }

    fn trust() -> Document {
        let HandedTo { cluster, pods } = orders();
        pod_identity_trust(&cluster, &pods.namespace, &pods.service_account).unwrap()
    }

    /// Who calls, for what, and what EKS would say of the pod: the claims, with these changed.
    fn lets_in(trust: &Document, who: &str, action: &str, changes: &[(&str, &str)]) -> Outcome {
        let mut context = Context::default();
        // What EKS sends beside, by its documentation.
        context.set("aws:RequestTag/eks-cluster-name", "prod-eu");
        context.set("aws:RequestTag/kubernetes-pod-name", "orders-1");
        context.set("aws:RequestTag/kubernetes-pod-uid", "0a1b2c3d-0000-4000-8000-000000000000");
        for (key, value) in pod_identity_claims(&orders().cluster, "shop", "orders") {
            context.set(key, value);
        }
        for (key, value) in changes {
            let key = if *key == "aws:SourceAccount" { (*key).to_owned() } else { format!("aws:RequestTag/{key}") };
            context.remove(&key);
            if !value.is_empty() {
                context.set(&key, *value);
            }
        }
        let request =
            Request { action: action.to_owned(), resource: ROLE.to_owned(), principal: Some(who.to_owned()), context };
        alone(&Prepared::new(&Policy::read(trust.text()).unwrap()), &request).outcome
    }

    #[test]
    fn exactly_the_declared_pods_are_let_in() {
        let trust = trust();
        let cases: [(&[(&str, &str)], &str); 22] = [
            (&[("kubernetes-service-account", "orders-2")], "another service account"),
            (&[("kubernetes-service-account", "order")], "the beginning of its name"),
            (&[("kubernetes-service-account", "Orders")], "another case"),
            (&[("kubernetes-service-account", "*")], "a star"),
            (&[("kubernetes-service-account", "")], "no service account"),
            (&[("kubernetes-namespace", "shop-2")], "another namespace"),
            (&[("kubernetes-namespace", "sho")], "the beginning of its name"),
            (&[("kubernetes-namespace", "SHOP")], "another case"),
            (&[("kubernetes-namespace", "*")], "a star"),
            (&[("kubernetes-namespace", "")], "no namespace"),
            (&[("kubernetes-namespace", "shop/orders"), ("kubernetes-service-account", "orders")], "both in one"),
            (&[("kubernetes-namespace", "orders"), ("kubernetes-service-account", "shop")], "the one for the other"),
            (&[("eks-cluster-arn", "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu-2")], "another cluster"),
            (&[("eks-cluster-arn", "arn:aws:eks:eu-west-1:123456789012:cluster/prod")], "the beginning of its name"),
            (&[("eks-cluster-arn", "arn:aws:eks:us-east-1:123456789012:cluster/prod-eu")], "another region"),
            (&[("eks-cluster-arn", "arn:aws:eks:eu-west-1:999999999999:cluster/prod-eu")], "a cluster elsewhere"),
            (&[("eks-cluster-arn", "prod-eu")], "the cluster's name alone"),
            (&[("eks-cluster-arn", "")], "no cluster"),
            (&[("aws:SourceAccount", "999999999999")], "another account"),
            (&[("aws:SourceAccount", "")], "no account"),
            (
                &[("eks-cluster-arn", ""), ("kubernetes-namespace", ""), ("kubernetes-service-account", "")],
                "session tags switched off",
            ),
            (&[("eks-cluster-arn", ""), ("eks-cluster-name", "prod-eu")], "the name in the place of the ARN"),
        ];
        for action in POD_IDENTITY_ACTIONS {
            assert_eq!(lets_in(&trust, POD_IDENTITY, action, &[]), Outcome::Allowed, "{action}");
            for (changes, what) in cases {
                assert_eq!(lets_in(&trust, POD_IDENTITY, action, changes), Outcome::ImplicitDeny, "{action}: {what}");
            }
            for who in [
                "eks.amazonaws.com",
                "ec2.amazonaws.com",
                "pods.eks.amazonaws.com.cn",
                "eks-pods.amazonaws.com",
                "arn:aws:iam::123456789012:root",
                "arn:aws:iam::123456789012:role/ambit/sim/mailer",
                "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A",
            ] {
                assert_eq!(lets_in(&trust, who, action, &[]), Outcome::ImplicitDeny, "{action}: {who}");
            }
        }
        for action in ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML", "sts:SetSourceIdentity", "sts:*"] {
            assert_eq!(lets_in(&trust, POD_IDENTITY, action, &[]), Outcome::ImplicitDeny, "{action}");
        }
    }

    #[test]
    fn only_a_trust_in_exactly_them_admits_them() {
        let good = trust();
        assert!(orders().are_admitted_by(&good, ROLE));
        let changed = |from: &str, to: &str| {
            let text = good.text().replace(from, to);
            assert_ne!(text, good.text(), "{from}");
            Document::read(&text).unwrap()
        };
        for (from, to) in [
            ("kubernetes-namespace\":\"shop", "kubernetes-namespace\":\"bank"),
            (r#","aws:RequestTag/kubernetes-service-account":"orders""#, ""),
            (r#","aws:SourceAccount":"123456789012""#, ""),
            (r#""aws:RequestTag/eks-cluster-arn":"arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu","#, ""),
            ("\"StringEquals\"", "\"StringEqualsIfExists\""),
            (r#":"orders""#, r#":["orders","ordersx"]"#),
            (r#"["sts:AssumeRole","sts:TagSession"]"#, r#""sts:AssumeRole""#),
            (r#""pods.eks.amazonaws.com""#, r#"["pods.eks.amazonaws.com","eks.amazonaws.com"]"#),
            (r#""Service":"pods.eks.amazonaws.com""#, r#""Service":"ec2.amazonaws.com""#),
        ] {
            assert!(!orders().are_admitted_by(&changed(from, to), ROLE), "{to}");
        }
    }
}
