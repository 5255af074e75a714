//! From a declaration to the one principal that it asks for, or a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt as _;

use super::account::{AccountSettings, Federation, WebIdentity};
use super::credentials::{SecretTarget, Storing};
use super::delivery::{Delivery, delivery};
use super::guardrail;
use super::judged::Judged;
use super::pipeline::{Pipeline, Tokens, pipeline};
use super::reason::Reason;
use super::refusal::{Fault, Refusal};
use super::rotation::KeyTerms;
use crate::api::v1alpha1::{
    AccessName, CloudAccount, Enforcement, MachineIdentity, ManagementPolicy, ScopeCondition, ScopePolicy, ScopeSpec,
};
use crate::domain::{Desired, PodsOf, SessionSeconds};
use crate::names::{Arn, IdentityKey, InstallationId, IssuerUrl, Owner, PrincipalKind, PrincipalName};
use crate::policy::{
    self, AccessLevel, Catalogue, ClaimTest, Condition, Document, Grant, Ground, Problem, Scope, ScopeError,
};

/// A declared identity by its key and incarnation.
#[derive(Debug, Clone, Copy)]
pub struct Declaration<'a> {
    /// The object.
    pub identity: &'a MachineIdentity,
    /// Its key.
    pub key: &'a IdentityKey,
}

/// What an identity is judged by beside its own text.
#[derive(Debug, Clone)]
pub struct Grounds<'a> {
    /// This installation.
    pub installation: &'a InstallationId,
    /// The account that it names, if there is one of that name.
    pub account: Option<Arc<CloudAccount>>,
    /// The labels of its namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Every scope policy of the cluster.
    pub policies: Vec<Arc<ScopePolicy>>,
    /// The name of the identity that has claimed the service account before this one.
    pub earlier_claim: Option<String>,
}

/// Who gets an identity, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// Pods of a service account, which the cluster hands a token.
    Pods(Delivery),
    /// A pipeline, which brings its own. Nothing in the cluster has a part in it.
    Pipeline(Tokens),
}

/// An accepted declaration: everything that follows from it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The account's settings.
    pub account: AccountSettings,
    /// The principal.
    pub desired: Desired,
    /// Its ARN.
    pub role_arn: String,
    /// Who gets it, and how.
    pub user: User,
    /// What it may do, in words.
    pub summary: String,
    /// Whether differences are repaired.
    pub enforce: bool,
}

impl Resolved {
    /// Issuer and audience of the tokens that open it, where tokens do.
    #[must_use]
    pub fn tokens(&self) -> Option<(&IssuerUrl, &str)> {
        match &self.user {
            User::Pods(_) => self.account.web_identity().map(|web| (&web.issuer, web.audience.as_str())),
            User::Pipeline(tokens) => Some((&tokens.pipeline.issuer, &tokens.audience)),
        }
    }

    /// The Secret that is to hold an access key, where one is declared.
    #[must_use]
    pub fn key(&self) -> Option<&KeyTerms> {
        self.delivery()?.key()
    }

    /// The Secret that is to hold short-lived credentials, where one is declared.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretTarget> {
        self.delivery()?.secret()
    }

    /// How pods get it, where pods do.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        match &self.user {
            User::Pods(delivery) => Some(delivery),
            User::Pipeline(_) => None,
        }
    }
}

/// Resolves a declaration. Cheap checks first, so that the message names the
/// first thing that somebody must change.
pub fn resolve(
    declaration: Declaration<'_>,
    grounds: &Grounds<'_>,
    catalogue: &Catalogue,
) -> Result<Resolved, Refusal> {
    resolve_knowing(declaration, grounds, catalogue, &mut None)
}

/// Resolves a declaration, by what is known of its last judgement where that is
/// still about the same things. `known` must be of the same incarnation.
pub fn resolve_knowing(
    declaration: Declaration<'_>,
    grounds: &Grounds<'_>,
    catalogue: &Catalogue,
    known: &mut Option<Judged>,
) -> Result<Resolved, Refusal> {
    let settings = account(declaration, grounds)?;
    let policies = guardrail::selecting(declaration, grounds);
    if policies.is_empty() {
        let refusal = guardrail::unselected(declaration);
        return Err(match compile(declaration, settings, grounds.installation, catalogue) {
            Ok(resolved) => refusal.objecting(resolved, Enforcement::Warn),
            Err(_) => refusal,
        });
    }
    if let Some(other) = &grounds.earlier_claim {
        return Err(taken(declaration, other));
    }
    let resolved = compile(declaration, settings, grounds.installation, catalogue)?;
    let scopes = scopes(&declaration.identity.spec.scopes)?;
    let judge = || guardrail::judge(declaration, &resolved, &scopes, &policies, catalogue);
    match Judged::recall_or(known, declaration, &resolved.account, grounds, &policies, judge) {
        Ok(()) => Ok(resolved),
        Err(refusal) => Err(refusal.objecting(resolved, guardrail::enforcement(&policies))),
    }
}

/// The principal that a declaration asks for in an account, whoever may ask.
pub fn compile(
    declaration: Declaration<'_>,
    account: AccountSettings,
    installation: &InstallationId,
    catalogue: &Catalogue,
) -> Result<Resolved, Refusal> {
    let spec = &declaration.identity.spec;
    let user = user(declaration, &account)?;
    let scopes = scopes(&spec.scopes)?;
    let name = principal(declaration, installation);
    let ground = Ground { partition: account.partition.clone(), account: account.account.clone() };
    let permissions =
        policy::permissions_of(name.kind(), &scopes, &ground, catalogue).map_err(|errors| scope_refusal(&errors))?;
    let stored = Storing::of(spec);
    let trust = match name.kind() {
        PrincipalKind::Role => trust(declaration, &account, &user)?,
        PrincipalKind::User => policy::nobody(),
    };
    let role_arn = account.principal_arn(&name);
    let desired = Desired {
        owner: owner(declaration, installation),
        trust,
        permissions,
        boundary: account.boundary.clone(),
        session: session(declaration)?,
        name,
    };
    let user = match user {
        Asked::ServiceAccount(name) => {
            let pods = PodsOf::new(&declaration.key.namespace, name);
            User::Pods(delivery(&pods, stored, &account, &role_arn))
        }
        Asked::Pipeline(tokens) => User::Pipeline(tokens),
    };
    let summary = policy::summary(&scopes, catalogue);
    let enforce = spec.management_policy == ManagementPolicy::Enforce;
    Ok(Resolved { account, desired, role_arn, user, summary, enforce })
}

/// The principal of an identity: a user where it has an access key, and a role else.
#[must_use]
pub fn principal(declaration: Declaration<'_>, installation: &InstallationId) -> PrincipalName {
    let has_key = KeyTerms::of(&declaration.identity.spec).is_some();
    let kind = if has_key { PrincipalKind::User } else { PrincipalKind::Role };
    PrincipalName::of(kind, installation, declaration.key)
}

/// Who owns the principal of an identity.
#[must_use]
pub fn owner(declaration: Declaration<'_>, installation: &InstallationId) -> Owner {
    Owner {
        installation: installation.clone(),
        identity: declaration.key.clone(),
        uid: declaration.identity.uid().unwrap_or_default(),
    }
}

fn account(declaration: Declaration<'_>, grounds: &Grounds<'_>) -> Result<AccountSettings, Refusal> {
    let name = &declaration.identity.spec.account_ref.name;
    let account = grounds.account.as_ref().ok_or_else(|| {
        Refusal::new(
            Reason::AccountNotFound,
            "spec.accountRef.name",
            format!("`spec.accountRef` names '{name}', and there is no such CloudAccount: create it, or name one of `kubectl get cloudaccounts`"),
        )
    })?;
    let selected = account.spec.namespace_selector.as_ref().is_some_and(|s| s.selects(&grounds.namespace_labels));
    if !selected {
        return Err(Refusal::new(
            Reason::NamespaceNotSelected,
            "spec.accountRef.name",
            format!(
                "CloudAccount '{name}' does not select namespace '{}': ask its owners to, or label the namespace as `spec.namespaceSelector` of the account says",
                declaration.key.namespace
            ),
        ));
    }
    AccountSettings::parse(&account.spec, grounds.installation).map_err(|error| {
        let message = format!("CloudAccount '{name}' cannot be used: {error}");
        Refusal::new(Reason::AccountNotFound, "spec.accountRef.name", message)
    })
}

/// Who is to use an identity.
enum Asked<'a> {
    ServiceAccount(&'a str),
    Pipeline(Tokens),
}

fn user<'a>(declaration: Declaration<'a>, settings: &AccountSettings) -> Result<Asked<'a>, Refusal> {
    let subject = &declaration.identity.spec.subject;
    match (&subject.service_account, &subject.pipeline) {
        (Some(_), None) if KeyTerms::of(&declaration.identity.spec).is_some() && !settings.allows_access_keys => {
            Err(keyless(declaration))
        }
        (Some(_), None)
            if SecretTarget::of(&declaration.identity.spec).is_some() && settings.web_identity().is_none() =>
        {
            Err(untokened(declaration))
        }
        (Some(account), None) => Ok(Asked::ServiceAccount(&account.name)),
        (None, Some(_)) if Storing::of(&declaration.identity.spec).is_some() => {
            let message = "`spec.credentials` of a pipeline must be by federation: it exchanges its own token; a Secret must go with `spec.subject.serviceAccount`";
            Err(Refusal::new(Reason::InvalidScope, "spec.credentials", message))
        }
        (None, Some(spec)) => {
            let pipeline = pipeline(spec).map_err(|error| {
                let message = format!("`{}` {}", error.field, error.message);
                Refusal::new(Reason::InvalidScope, &error.field, message)
            })?;
            let listed = settings.pipelines.iter().find(|listed| listed.issuer == pipeline.issuer);
            let federated = listed.ok_or_else(|| unlisted(declaration, &pipeline))?;
            let provider = settings.provider_arn(&pipeline.issuer);
            Ok(Asked::Pipeline(Tokens { pipeline, audience: federated.audience.clone(), provider }))
        }
        _ => {
            let message = "`spec.subject` must set exactly one of `serviceAccount` and `pipeline`";
            Err(Refusal::new(Reason::InvalidScope, "spec.subject", message))
        }
    }
}

/// A key never ends by itself: its account's owners have to agree to have any.
fn keyless(declaration: Declaration<'_>) -> Refusal {
    let message = format!(
        "`spec.credentials.accessKey` needs a CloudAccount with `spec.aws.accessKeys: Allowed`, and '{}' forbids access keys: take `federation` or `sessionSecret`, or ask its owners",
        declaration.identity.spec.account_ref.name
    );
    Refusal::new(Reason::InvalidScope, "spec.credentials.accessKey", message)
}

/// Credentials for a Secret come from the exchange of a token, and there EKS alone hands out the role.
fn untokened(declaration: Declaration<'_>) -> Refusal {
    let message = format!(
        "`spec.credentials.sessionSecret` does not go with CloudAccount '{}', whose federation is `podIdentity`: there EKS gives the role to pods alone, and Ambit can get no credentials for a Secret; name a CloudAccount with `webIdentity`, or remove `spec.credentials`",
        declaration.identity.spec.account_ref.name
    );
    Refusal::new(Reason::InvalidScope, "spec.credentials.sessionSecret", message)
}

fn taken(declaration: Declaration<'_>, other: &str) -> Refusal {
    let account = declaration.identity.spec.subject.service_account.as_ref();
    let name = account.map(|account| account.name.as_str()).unwrap_or_default();
    Refusal::new(
        Reason::SubjectTaken,
        "spec.subject.serviceAccount.name",
        format!(
            "service account '{name}' is already that of MachineIdentity '{other}', and a shared identity would tell nobody who acted: name another service account, or delete '{other}'"
        ),
    )
}

fn session(declaration: Declaration<'_>) -> Result<SessionSeconds, Refusal> {
    let duration = std::time::Duration::from(declaration.identity.spec.session_duration);
    SessionSeconds::new(duration.as_secs()).ok_or_else(|| {
        let field = "spec.sessionDuration";
        Refusal::new(Reason::InvalidScope, field, "`spec.sessionDuration` must be a duration from '1h' to '12h'")
    })
}

/// Trust in exactly the declared service account or pipeline.
fn trust(declaration: Declaration<'_>, settings: &AccountSettings, user: &Asked<'_>) -> Result<Document, Refusal> {
    let refused = |error: &dyn std::error::Error| Refusal::new(Reason::InvalidScope, "spec.subject", error.to_string());
    let (issuer, audience, claims) = match (user, &settings.federation) {
        (Asked::ServiceAccount(name), Federation::PodIdentity { cluster_arn, .. }) => {
            let trust = policy::pod_identity_trust(cluster_arn, &declaration.key.namespace, name);
            return trust.map_err(|error| refused(&error));
        }
        (Asked::ServiceAccount(name), Federation::WebIdentity(WebIdentity { federated, .. })) => {
            let subject = policy::service_account_subject(&declaration.key.namespace, name);
            (&federated.issuer, &federated.audience, vec![ClaimTest::is("sub", subject)])
        }
        (Asked::Pipeline(Tokens { pipeline, audience, .. }), _) => {
            (&pipeline.issuer, audience, pipeline.claims.clone())
        }
    };
    let provider = Arn::parse(&settings.provider_arn(issuer)).map_err(|error| refused(&error))?;
    policy::web_identity_trust(&provider, issuer, audience, &claims).map_err(|error| refused(&error))
}

/// Whom a declaration means to let in, whatever it asks for; nothing where the account knows nobody of the kind.
pub(super) fn declared_trust(declaration: Declaration<'_>, settings: &AccountSettings) -> Option<Document> {
    let user = user(declaration, settings).ok()?;
    trust(declaration, settings, &user).ok()
}

fn unlisted(declaration: Declaration<'_>, pipeline: &Pipeline) -> Refusal {
    let account = &declaration.identity.spec.account_ref.name;
    Refusal::new(
        Reason::ProviderMissing,
        "spec.subject.pipeline",
        format!(
            "the pipeline's tokens are signed by `{}`, which CloudAccount '{account}' does not list: ask its owners to add it to `spec.aws.federation.pipelines`",
            pipeline.issuer
        ),
    )
}

/// The scopes in the words of the policy room.
fn scopes(specs: &[ScopeSpec]) -> Result<Vec<Scope>, Refusal> {
    specs.iter().enumerate().map(|(index, spec)| scope(index, spec)).collect()
}

fn scope(index: usize, spec: &ScopeSpec) -> Result<Scope, Refusal> {
    let grant = match (spec.access.is_empty(), spec.actions.is_empty()) {
        (false, true) => Grant::Access(spec.access.iter().copied().map(level).collect()),
        (true, false) => Grant::Actions(spec.actions.clone()),
        _ => {
            let message = format!("scope `{}` must set exactly one of `access` and `actions`", spec.name);
            return Err(Refusal::new(Reason::InvalidScope, &format!("spec.scopes[{index}]"), message));
        }
    };
    let conditions = spec.conditions.iter().map(condition).collect();
    Ok(Scope { name: spec.name.clone(), grant, resources: spec.resources.clone(), conditions })
}

/// A condition in the words of the policy room.
pub(super) fn condition(condition: &ScopeCondition) -> Condition {
    let ScopeCondition { key, operator, values } = condition.clone();
    Condition { key, operator, values }
}

/// A level in the words of the policy room.
pub(super) fn level(name: AccessName) -> AccessLevel {
    match name {
        AccessName::List => AccessLevel::List,
        AccessName::Read => AccessLevel::Read,
        AccessName::Write => AccessLevel::Write,
        AccessName::Tagging => AccessLevel::Tagging,
        AccessName::Permissions => AccessLevel::Permissions,
    }
}

/// One refusal for all errors of the scopes: the first ones in full, the rest counted.
fn scope_refusal(errors: &[ScopeError]) -> Refusal {
    let reason = |error: &ScopeError| match error.problem {
        Problem::UnknownService { .. } | Problem::UnknownAction { .. } | Problem::EmptyPattern { .. } => {
            Reason::UnknownAction
        }
        Problem::TooLarge { .. } => Reason::TooLarge,
        _ => Reason::InvalidScope,
    };
    let fault =
        |error: &ScopeError| Fault { reason: reason(error), field: error.field.clone(), message: error.to_string() };
    let first = errors.first().map_or(Reason::InvalidScope, reason);
    Refusal::of(first, errors.iter().map(fault).collect(), |fault| format!("`{}`: {}", fault.field, fault.message))
}

#[cfg(test)]
mod tests;
