//! Services as people call them.

use crate::policy::catalogue::Catalogue;
use crate::policy::english::words::quoted;

/// What a service is called: short names for those that everybody shortens.
pub(super) fn name(prefix: &str, catalogue: &Catalogue) -> String {
    if let Some((_, name)) = SHORT.iter().find(|(known, _)| *known == prefix) {
        return (*name).to_owned();
    }
    match catalogue.service(prefix) {
        Some(service) => {
            let name = service.name;
            name.strip_prefix("Amazon ").or_else(|| name.strip_prefix("AWS ")).unwrap_or(name).to_owned()
        }
        None => format!("service {}", quoted(prefix)),
    }
}

/// The resource at which a policy of that service stands, where `*` or nothing names it.
pub(super) fn own(prefix: &str) -> Option<&'static str> {
    OWN.iter().find(|(known, _)| *known == prefix).map(|(_, own)| *own)
}

const SHORT: [(&str, &str); 12] = [
    ("cloudformation", "CloudFormation"),
    ("ecr", "ECR"),
    ("ecs", "ECS"),
    ("eks", "EKS"),
    ("elasticloadbalancing", "Elastic Load Balancing"),
    ("execute-api", "API Gateway"),
    ("iam", "IAM"),
    ("kms", "KMS"),
    ("logs", "CloudWatch Logs"),
    ("route53", "Route 53"),
    ("ssm", "Systems Manager"),
    ("sts", "STS"),
];

const OWN: [(&str, &str); 8] = [
    ("ecr", "this repository"),
    ("execute-api", "this API"),
    ("kms", "this key"),
    ("lambda", "this function"),
    ("secretsmanager", "this secret"),
    ("sns", "this topic"),
    ("sqs", "this queue"),
    ("sts", "this role"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_called_by_their_short_names() {
        let name = |prefix| name(prefix, Catalogue::embedded());
        for (prefix, called) in
            [("s3", "S3"), ("iam", "IAM"), ("secretsmanager", "Secrets Manager"), ("no`w", "service `no'w`")]
        {
            assert_eq!(name(prefix), called);
        }
        for (prefix, _) in SHORT.iter().chain(&OWN) {
            assert!(Catalogue::embedded().service(prefix).is_some(), "{prefix}");
        }
    }
}
