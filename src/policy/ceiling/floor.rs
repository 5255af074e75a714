//! What no identity may do, whatever anybody allows: Ambit's own roles,
//! policies and provider, the trust of any role, and becoming a person.
//!
//! Whoever could change these could give itself everything that Ambit may give.

use super::Rule;
use crate::names::Arn;
use crate::policy::catalogue::{AccessLevel, Catalogue};
use crate::policy::scope::Grant;

/// What of an account is Ambit's own, as ARNs with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// Its roles.
    pub roles: Vec<String>,
    /// The boundary, its own policies and users.
    pub means: Vec<String>,
    /// The provider of the cluster's tokens, where the account trusts one.
    pub provider: Option<String>,
    /// What says which role the pods of the cluster get, where EKS hands it to them.
    pub associations: Option<String>,
    /// The roles of people.
    pub people: String,
}

/// Services whose actions act on IAM's resources, and EKS: a test finds those that are new.
const SERVICES: [&str; 7] = ["codestar", "ec2", "eks", "es", "iam", "ssm", "sts"];
/// The resource of every role's trust.
const EVERYTHING: &str = "*";

/// The rules of the floor, each with its reason, in words that follow `because`.
#[must_use]
pub fn floor(protected: &Protected, catalogue: &Catalogue) -> Vec<(&'static str, Rule)> {
    let deny = |actions: Vec<String>, resources: &[String]| Rule {
        grant: Grant::Actions(actions),
        resources: resources.to_vec(),
        conditions: Vec::new(),
    };
    let kept = |resources: &[String]| deny(changes(resources, catalogue), resources);
    let one = |resource: &str| [resource.to_owned()];
    let mut rules = vec![
        (
            "the trust of a role says who may become it, and no identity may change that",
            deny(vec!["iam:UpdateAssumeRolePolicy".to_owned()], &one(EVERYTHING)),
        ),
        ("the role belongs to another identity, and a shared identity tells nobody who acted", kept(&protected.roles)),
        ("it is Ambit's own, and no identity may change what bounds it", kept(&protected.means)),
        ("the role belongs to people, and a shared identity tells nobody who acted", kept(&one(&protected.people))),
    ];
    rules.extend(protected.provider.iter().map(|provider| {
        let why = "the account trusts this issuer, and no identity may change whom the account believes";
        (why, kept(&one(provider)))
    }));
    rules.extend(protected.associations.iter().map(|associations| {
        let why = "EKS hands roles to pods by these associations, and no identity may change which pods get which";
        (why, kept(&one(associations)))
    }));
    rules
}

/// Every action that changes one of these resources, or becomes it.
fn changes(resources: &[String], catalogue: &Catalogue) -> Vec<String> {
    let arns: Vec<Arn> = resources.iter().filter_map(|text| Arn::parse(text).ok()).collect();
    let mut actions = Vec::new();
    for service in SERVICES.iter().filter_map(|prefix| catalogue.service(prefix)) {
        let types: Vec<_> = arns.iter().flat_map(|arn| service.fitting(arn)).collect();
        let changing = service
            .actions
            .iter()
            .filter(|action| !matches!(action.level, AccessLevel::List | AccessLevel::Read) && action.acts_on(&types));
        actions.extend(changing.map(|action| format!("{}:{}", service.prefix, action.name)));
    }
    actions
}
