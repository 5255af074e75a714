//! How pods get an identity: what the namespace's table says of their service account, what the
//! service account itself says, and whose that is.

use super::account::{AccountSettings, Federation, TokenSettings, WebIdentity};
use super::credentials::{SecretTarget, Storing};
use super::drift::{Difference, DriftClass, Part};
use super::pod_identity::HandedTo;
use super::rotation::KeyTerms;
use crate::api::v1alpha1::{
    Binding, DeliveredBy, DeliveryMethod, DeliveryStatus, EnvVar, TOKEN_DIRECTORY, TOKEN_SECONDS,
};
use crate::domain::PodsOf;
use crate::domain::annotation::{
    ANNOTATED_BY, AUDIENCE, Annotations, READ_BY_WEBHOOK, REGIONAL_ENDPOINTS, ROLE_ARN, ROLE_VARIABLE, TOKEN_EXPIRATION,
};
use crate::names::PrincipalName;

/// Where pods find the token's file, below the directory.
const TOKEN_FILE: &str = "token";
/// The variable by which SDKs find the token.
const FILE_VARIABLE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// What a pod needs to use the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The service account.
    pub service_account: String,
    /// How its pods get it.
    pub means: Means,
}

/// How pods get an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// Ambit's admission policies add token and environment, as the namespace's table says.
    Injected(Injected),
    /// The webhook of EKS adds them, as the service account says. The table only holds pods back.
    Annotated(Annotated),
    /// EKS hands it to them, because of an association, and adds what they need. The table only
    /// holds pods back.
    HandedTo(HandedTo),
    /// Their own spec names the Secret in which Ambit keeps credentials. The table only holds pods
    /// back, and gives them the region.
    Stored(Stored),
    /// Their own spec names the Secret in which Ambit keeps an access key. The table only holds
    /// pods back, and gives them the region.
    Keyed(Keyed),
}

/// What Ambit's admission policies add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected {
    /// The audience of the token.
    pub audience: String,
    /// How many seconds it is valid.
    pub expiration_seconds: i32,
    /// Where it is mounted.
    pub directory: String,
    /// The environment.
    pub env: Vec<EnvVar>,
}

/// What the webhook of EKS is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotated {
    /// The role.
    pub role_arn: String,
    /// The audience of the token.
    pub audience: String,
    /// How many seconds it is valid.
    pub expiration_seconds: i32,
}

/// Credentials in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The Secret.
    pub target: SecretTarget,
    /// The audience of the token that Ambit exchanges for them.
    pub audience: String,
    /// The region, where Ambit's admission policies give it to pods.
    pub env: Vec<EnvVar>,
}

/// An access key in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The Secret, and when its key is rotated.
    pub terms: KeyTerms,
    /// The region, where Ambit's admission policies give it to pods.
    pub env: Vec<EnvVar>,
}

/// How the annotations of a service account stand to what Ambit wants to say there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// They say it, and Ambit wrote it.
    InPlace,
    /// Nothing stands in the way of writing it.
    Free,
    /// Somebody else says something else: in words.
    Foreign(String),
}

/// How pods of a service account get a principal.
///
/// A Secret with short-lived credentials counts only where tokens open the principal: elsewhere a declaration with one is refused.
#[must_use]
pub fn delivery(pods: &PodsOf, stored: Option<Storing>, account: &AccountSettings, role_arn: &str) -> Delivery {
    let service_account = pods.service_account.clone();
    let secret = match stored {
        Some(Storing::Key(terms)) => {
            let is_injecting = account.delivery() == Some(DeliveryMethod::PodAdmission);
            let env = if is_injecting { region(account).into() } else { Vec::new() };
            return Delivery { service_account, means: Means::Keyed(Keyed { terms, env }) };
        }
        Some(Storing::Session(target)) => Some(target),
        None => None,
    };
    let means = match &account.federation {
        Federation::WebIdentity(WebIdentity { federated, delivery, token }) => {
            let (audience, expiration_seconds) = (federated.audience.clone(), token.expiration_seconds);
            match (secret, delivery) {
                (Some(target), method) => {
                    let is_injecting = *method == DeliveryMethod::PodAdmission;
                    let env = if is_injecting { region(account).into() } else { Vec::new() };
                    Means::Stored(Stored { target, audience, env })
                }
                (None, DeliveryMethod::PodAdmission) => Means::Injected(Injected {
                    audience,
                    expiration_seconds,
                    directory: token.directory.clone(),
                    env: environment(account, token, role_arn),
                }),
                (None, DeliveryMethod::ServiceAccountAnnotation) => {
                    Means::Annotated(Annotated { role_arn: role_arn.to_owned(), audience, expiration_seconds })
                }
            }
        }
        Federation::PodIdentity { cluster_arn, .. } => {
            Means::HandedTo(HandedTo { cluster: cluster_arn.clone(), pods: pods.clone() })
        }
    };
    Delivery { service_account, means }
}

fn environment(settings: &AccountSettings, token: &TokenSettings, role_arn: &str) -> Vec<EnvVar> {
    let file = format!("{}/{TOKEN_FILE}", token.directory);
    [(ROLE_VARIABLE, role_arn), (FILE_VARIABLE, file.as_str()), ("AWS_STS_REGIONAL_ENDPOINTS", "regional")]
        .map(|(name, value)| EnvVar { name: name.to_owned(), value: value.to_owned() })
        .into_iter()
        .chain(region(settings))
        .collect()
}

fn region(settings: &AccountSettings) -> [EnvVar; 2] {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .map(|name| EnvVar { name: name.to_owned(), value: settings.region.as_str().to_owned() })
}

impl Delivery {
    /// What the namespace's table says of the service account; `waits_for` where its pods must wait.
    #[must_use]
    pub fn binding(&self, identity: &str, waits_for: Option<String>) -> Binding {
        let gate = Binding {
            identity: identity.to_owned(),
            ready: waits_for.is_none(),
            reason: waits_for,
            ..Binding::default()
        };
        match &self.means {
            // What is as entries have always had it is left out.
            Means::Injected(Injected { audience, expiration_seconds, directory, env }) => Binding {
                audience: Some(audience.clone()),
                expiration_seconds: Some(*expiration_seconds).filter(|seconds| *seconds != TOKEN_SECONDS),
                directory: Some(directory.clone()).filter(|directory| directory != TOKEN_DIRECTORY),
                env: env.clone(),
                ..gate
            },
            // A container that names one of the two is left as it is by the webhook.
            Means::Annotated(_) => {
                Binding { required_env: [ROLE_VARIABLE, FILE_VARIABLE].map(str::to_owned).into(), ..gate }
            }
            Means::HandedTo(_) => gate,
            Means::Stored(Stored { env, .. }) | Means::Keyed(Keyed { env, .. }) => Binding { env: env.clone(), ..gate },
        }
    }

    /// What Ambit says on the service account, where it says anything there.
    #[must_use]
    pub fn annotated(&self) -> Option<&Annotated> {
        match &self.means {
            Means::Annotated(annotated) => Some(annotated),
            Means::Injected(_) | Means::HandedTo(_) | Means::Stored(_) | Means::Keyed(_) => None,
        }
    }

    /// The pods that EKS hands it to, where EKS does.
    #[must_use]
    pub fn handed_to(&self) -> Option<&HandedTo> {
        match &self.means {
            Means::HandedTo(handed_to) => Some(handed_to),
            Means::Injected(_) | Means::Annotated(_) | Means::Stored(_) | Means::Keyed(_) => None,
        }
    }

    /// The Secret that is to hold short-lived credentials, where one is declared.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretTarget> {
        match &self.means {
            Means::Stored(Stored { target, .. }) => Some(target),
            Means::Injected(_) | Means::Annotated(_) | Means::HandedTo(_) | Means::Keyed(_) => None,
        }
    }

    /// The Secret that is to hold an access key, where one is declared.
    #[must_use]
    pub fn key(&self) -> Option<&KeyTerms> {
        match &self.means {
            Means::Keyed(Keyed { terms, .. }) => Some(terms),
            Means::Injected(_) | Means::Annotated(_) | Means::HandedTo(_) | Means::Stored(_) => None,
        }
    }

    /// The audience of the tokens that open the principal, where tokens of the service account do.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        match &self.means {
            Means::Injected(Injected { audience, .. })
            | Means::Annotated(Annotated { audience, .. })
            | Means::Stored(Stored { audience, .. }) => Some(audience),
            Means::HandedTo(_) | Means::Keyed(_) => None,
        }
    }

    /// What status says when pods get the identity this way.
    #[must_use]
    pub fn status(&self) -> DeliveryStatus {
        let unusual = |seconds: i32| Some(seconds).filter(|seconds| *seconds != TOKEN_SECONDS);
        match &self.means {
            Means::Injected(injected) => DeliveryStatus {
                method: DeliveredBy::PodAdmission,
                expiration_seconds: unusual(injected.expiration_seconds),
                directory: Some(injected.directory.clone()).filter(|directory| directory != TOKEN_DIRECTORY),
                annotated_service_accounts: Vec::new(),
            },
            Means::Annotated(annotated) => DeliveryStatus {
                method: DeliveredBy::ServiceAccountAnnotation,
                expiration_seconds: unusual(annotated.expiration_seconds),
                directory: None,
                annotated_service_accounts: vec![self.service_account.clone()],
            },
            Means::HandedTo(_) => DeliveryStatus { method: DeliveredBy::PodIdentity, ..DeliveryStatus::default() },
            Means::Keyed(_) => DeliveryStatus { method: DeliveredBy::AccessKey, ..DeliveryStatus::default() },
            Means::Stored(_) => DeliveryStatus { method: DeliveredBy::SessionSecret, ..DeliveryStatus::default() },
        }
    }

    /// Whether status says that pods get the identity this way, and in no other besides.
    #[must_use]
    pub fn is_told(&self, status: Option<&DeliveryStatus>) -> bool {
        self.status() == status.cloned().unwrap_or_default()
    }
}

impl Annotated {
    /// The annotations that say it, for an identity.
    #[must_use]
    pub fn annotations(&self, identity: &str) -> Annotations {
        let seconds = self.expiration_seconds.to_string();
        [
            (ROLE_ARN, self.role_arn.as_str()),
            (AUDIENCE, self.audience.as_str()),
            (TOKEN_EXPIRATION, seconds.as_str()),
            (REGIONAL_ENDPOINTS, "true"),
            (ANNOTATED_BY, identity),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// How the annotations of a service account stand to it. What somebody else wrote is never
    /// overwritten; what says the same is no hindrance.
    #[must_use]
    pub fn claim(&self, identity: &str, found: &Annotations) -> Claim {
        let wanted = self.annotations(identity);
        let differing = differing(&wanted, found);
        if is_of(identity, found) {
            return if differing.is_empty() { Claim::InPlace } else { Claim::Free };
        }
        let foreign: Vec<String> =
            differing.iter().filter_map(|name| found.get(*name).map(|value| format!("`{name}: {value}`"))).collect();
        if foreign.is_empty() {
            return Claim::Free;
        }
        let whose = found.get(ANNOTATED_BY).map(|other| format!(" of MachineIdentity '{other}'")).unwrap_or_default();
        Claim::Foreign(format!("{}{whose}", foreign.join(", ")))
    }

    /// How the annotations that Ambit wrote on a service account differ. Those of somebody else
    /// are no drift: they are not Ambit's to put right.
    #[must_use]
    pub fn difference(&self, service_account: &str, identity: &str, found: &Annotations) -> Option<Difference> {
        if self.claim(identity, found) != Claim::Free {
            return None;
        }
        let wanted = self.annotations(identity);
        let said = |what: &str| format!("service account `{service_account}` {what}");
        if !found.contains_key(ROLE_ARN) {
            let what = format!("has no annotation `{ROLE_ARN}`, so the webhook of EKS gives its new pods nothing");
            return Some(Difference::new(Part::ServiceAccount, DriftClass::Missing, said(&what)));
        }
        let mut names: Vec<&str> = differing(&wanted, found);
        names.extend(Some(ANNOTATED_BY).filter(|_| !is_of(identity, found)));
        let (other, missing): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| found.contains_key(*name));
        let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let parts = [("has another annotation", other), ("has no annotation", missing)];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let what: Vec<String> = parts.map(|(what, names)| format!("{what} {}", quoted(names))).collect();
        Some(Difference::new(Part::ServiceAccount, DriftClass::Changed, said(&what.join(" and "))))
    }
}

/// Whether Ambit wrote annotations for this identity.
fn is_of(identity: &str, found: &Annotations) -> bool {
    found.get(ANNOTATED_BY).is_some_and(|name| name == identity)
}

/// Whether something there may be what Ambit wrote for an identity: by its mark, or by its role.
#[must_use]
pub fn may_be_of(identity: &str, principal: &PrincipalName, found: &Annotations) -> bool {
    let role = found.get(ROLE_ARN).and_then(|arn| arn.rsplit_once('/'));
    is_of(identity, found) || role.is_some_and(|(_, name)| name == principal.as_str())
}

/// The annotations for the webhook that are not there or say something else.
fn differing<'a>(wanted: &Annotations, found: &Annotations) -> Vec<&'a str> {
    READ_BY_WEBHOOK.into_iter().filter(|name| wanted.get(*name) != found.get(*name)).collect()
}

#[cfg(test)]
mod tests;
