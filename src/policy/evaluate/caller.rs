//! Who calls, taken from the principal of a request.

use crate::names::is_account_id;

/// A caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller<'r> {
    /// Somebody of the resource's own account.
    Unnamed,
    Anonymous,
    Root {
        arn: &'r str,
        account: &'r str,
    },
    /// `name` is what follows the path.
    User {
        arn: &'r str,
        account: &'r str,
        name: &'r str,
    },
    /// A session of a role that is not named further.
    Role {
        arn: &'r str,
        account: &'r str,
        name: &'r str,
    },
    /// A session of a role. Its ARN has the role's name without its path.
    Session {
        arn: &'r str,
        account: &'r str,
        role: &'r str,
    },
    FederatedUser {
        arn: &'r str,
        account: &'r str,
    },
    /// An identity provider with an ARN: before a role is assumed there is nobody else.
    Provider(&'r str),
    /// `lambda.amazonaws.com`, `accounts.google.com`.
    Named(&'r str),
    /// An ARN of another kind.
    Other {
        arn: &'r str,
        account: &'r str,
    },
}

/// What follows the last slash.
pub(super) fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The partition, service, account and resource of an ARN of an identity.
pub(super) fn identity_arn(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    (arn == "arn").then_some([partition, service, account, resource])
}

impl<'r> Caller<'r> {
    pub(super) fn of(principal: Option<&'r str>) -> Self {
        let Some(text) = principal else { return Self::Unnamed };
        if text == "*" {
            return Self::Anonymous;
        }
        let Some([_, service, account, resource]) = identity_arn(text) else {
            return if is_account_id(text) { Self::Root { arn: text, account: text } } else { Self::Named(text) };
        };
        let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
        match (service, kind) {
            ("iam", "root") if rest.is_empty() => Self::Root { arn: text, account },
            ("iam", "user") => Self::User { arn: text, account, name: last_part(rest) },
            ("iam", "role") => Self::Role { arn: text, account, name: last_part(rest) },
            ("iam", "oidc-provider" | "saml-provider") => Self::Provider(text),
            ("sts", "assumed-role") => {
                Self::Session { arn: text, account, role: rest.split('/').next().unwrap_or(rest) }
            }
            ("sts", "federated-user") => Self::FederatedUser { arn: text, account },
            _ => Self::Other { arn: text, account },
        }
    }

    pub(super) fn account(&self) -> Option<&'r str> {
        match *self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Session { account, .. }
            | Self::FederatedUser { account, .. }
            | Self::Other { account, .. } => Some(account),
            Self::Unnamed | Self::Anonymous | Self::Provider(_) | Self::Named(_) => None,
        }
    }

    /// Whether it has policies of its own: anonymous callers, services and identity providers have none.
    pub(super) fn is_identity(&self) -> bool {
        !matches!(self, Self::Anonymous | Self::Provider(_) | Self::Named(_))
    }

    /// Whether it can have a permissions boundary.
    pub(super) fn can_be_bounded(&self) -> bool {
        matches!(self, Self::Unnamed | Self::User { .. } | Self::Role { .. } | Self::Session { .. })
    }

    /// Service control and resource control policies do not reach service-linked roles
    /// (Organizations user guide, SCPs and RCPs). Their sessions show no path; the name is reserved.
    pub(super) fn is_service_linked(&self) -> bool {
        match self {
            Self::Role { arn, .. } => arn.contains(":role/aws-service-role/"),
            Self::Session { role, .. } => role.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }

    /// `aws:PrincipalArn`: for a session that of its role (IAM user guide, global condition keys).
    pub(super) fn principal_arn(&self) -> Option<String> {
        match *self {
            Self::Root { arn, account } if arn == account => Some(format!("arn:aws:iam::{account}:root")),
            Self::Root { arn, .. }
            | Self::User { arn, .. }
            | Self::Role { arn, .. }
            | Self::FederatedUser { arn, .. }
            | Self::Other { arn, .. } => Some(arn.to_owned()),
            Self::Session { arn, account, role } => {
                let partition = identity_arn(arn).map_or("aws", |[partition, ..]| partition);
                Some(format!("arn:{partition}:iam::{account}:role/{role}"))
            }
            Self::Unnamed | Self::Anonymous | Self::Provider(_) | Self::Named(_) => None,
        }
    }

    /// `aws:PrincipalType` (IAM user guide, policy variables, "Principal key values").
    pub(super) fn principal_type(&self) -> Option<&'static str> {
        match self {
            Self::Anonymous => Some("Anonymous"),
            Self::Root { .. } => Some("Account"),
            Self::User { .. } => Some("User"),
            Self::Role { .. } | Self::Session { .. } => Some("AssumedRole"),
            Self::FederatedUser { .. } => Some("FederatedUser"),
            Self::Unnamed | Self::Provider(_) | Self::Named(_) | Self::Other { .. } => None,
        }
    }

    /// `aws:username`, which only IAM users have.
    pub(super) fn username(&self) -> Option<&'r str> {
        if let Self::User { name, .. } = *self { Some(name) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_told_apart() {
        let of = |text| Caller::of(Some(text));
        assert_eq!(Caller::of(None), Caller::Unnamed);
        assert_eq!(of("*"), Caller::Anonymous);
        assert_eq!(of("lambda.amazonaws.com"), Caller::Named("lambda.amazonaws.com"));
        assert!(matches!(of("123456789012"), Caller::Root { account: "123456789012", .. }));
        assert!(matches!(of("arn:aws:iam::123456789012:root"), Caller::Root { .. }));
        assert!(matches!(of("arn:aws:iam::123456789012:user/a/b/ann"), Caller::User { name: "ann", .. }));
        assert!(matches!(of("arn:aws:iam::123456789012:role/x/app"), Caller::Role { name: "app", .. }));
        assert!(matches!(of("arn:aws:sts::123456789012:assumed-role/app/s"), Caller::Session { role: "app", .. }));
        assert!(matches!(of("arn:aws:sts::123456789012:federated-user/f"), Caller::FederatedUser { .. }));
        assert!(matches!(of("arn:aws:iam::123456789012:oidc-provider/a.example"), Caller::Provider(_)));
        assert!(matches!(of("arn:aws:iam::123456789012:group/g"), Caller::Other { .. }));
        assert!(matches!(of(""), Caller::Named("")));
    }

    #[test]
    fn the_principal_of_a_session_is_its_role() {
        let session = Caller::of(Some("arn:aws-cn:sts::123456789012:assumed-role/app/s"));
        assert_eq!(session.principal_arn().unwrap(), "arn:aws-cn:iam::123456789012:role/app");
        assert_eq!(session.principal_type(), Some("AssumedRole"));
        assert_eq!(Caller::of(Some("123456789012")).principal_arn().unwrap(), "arn:aws:iam::123456789012:root");
    }
}
