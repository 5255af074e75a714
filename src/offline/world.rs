//! What stands beside what: all objects of a set of files as one cluster would
//! have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::code::Code;
use super::finding::Finding;
use super::manifest::{Content, Manifest};
use crate::api::v1alpha1::{
    CloudAccount, Enforcement, MachineIdentity, NamespaceSelector, ScopePolicy, ScopePolicySpec,
};
use crate::names::{IdentityKey, InstallationId};
use crate::plan::guardrail::speaks_for;
use crate::plan::{Declaration, Grounds, Reason, Refusal, Resolved, resolve};
use crate::policy::Catalogue;

/// All objects of a set of files.
#[derive(Debug, Default)]
pub struct World {
    /// The identities that the question is about, in the order of their keys.
    pub identities: Vec<Declared>,
    accounts: BTreeMap<String, Arc<CloudAccount>>,
    policies: BTreeMap<String, Arc<ScopePolicy>>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether it was said which accounts the cluster has beside the files: one that is in neither is
    /// not there.
    knows_accounts: bool,
    /// By namespace and service account the name of the identity that has it.
    claims: BTreeMap<(String, String), String>,
}

/// A declared identity, and where.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its key.
    pub key: IdentityKey,
    /// The object.
    pub identity: MachineIdentity,
    /// Where it stands.
    pub manifest: Manifest,
}

/// What became of one identity.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Which.
    pub declared: &'a Declared,
    /// What it compiles to, or why not.
    pub outcome: Result<Resolved, Refusal>,
    /// What was not there to judge it by, in words. Where it is not empty, the outcome is that of a
    /// cluster that does not have it either, and nothing may be concluded from it: also not that the
    /// identity is accepted.
    pub missing: Vec<String>,
}

/// The service account that an identity asks for, with its namespace.
fn claim(key: &IdentityKey, identity: &MachineIdentity) -> Option<(String, String)> {
    let account = identity.spec.subject.service_account.as_ref()?;
    Some((key.namespace.clone(), account.name.clone()))
}

impl World {
    /// Puts objects together. `beside` are those of the cluster that are not asked about. What
    /// stands in both is taken from `objects`. `namespace` is that of identities that name none.
    #[must_use]
    pub fn of(objects: Vec<Manifest>, beside: Vec<Manifest>, namespace: &str) -> (Self, Vec<Finding>) {
        let knows_accounts = beside.iter().any(|manifest| matches!(manifest.content, Content::Account(_)));
        let mut world = Self { knows_accounts, ..Self::default() };
        let mut elders: BTreeMap<IdentityKey, MachineIdentity> = BTreeMap::new();
        let mut findings = Vec::new();
        let mut identities: BTreeMap<IdentityKey, Declared> = BTreeMap::new();
        for manifest in beside {
            if let Content::Identity(identity) = &manifest.content {
                let namespace = manifest.namespace.as_deref().unwrap_or(namespace);
                elders.insert(IdentityKey::new(namespace, manifest.name.clone()), identity.as_ref().clone());
            }
            world.add(manifest);
        }
        let mut seen: BTreeMap<String, Manifest> = BTreeMap::new();
        for mut manifest in objects {
            if let Content::Identity(_) = manifest.content {
                manifest.namespace.get_or_insert_with(|| namespace.to_owned());
            }
            if let Some(first) = seen.get(&manifest.title()) {
                findings.push(twice(first, &manifest));
                continue;
            }
            seen.insert(manifest.title(), manifest.clone());
            if let Content::Identity(identity) = &manifest.content {
                let mut identity = identity.as_ref().clone();
                identity.metadata.namespace.clone_from(&manifest.namespace);
                let key = IdentityKey::new(manifest.namespace.clone().unwrap_or_default(), manifest.name.clone());
                identities.insert(key.clone(), Declared { key, identity, manifest });
            } else {
                world.add(manifest);
            }
        }
        world.identities = identities.into_values().collect();
        world.claim(&elders);
        (world, findings)
    }

    /// Gives each service account to one identity: those that the cluster has are older than those that
    /// are only in the files. What the files say of one of them counts, not what it was.
    fn claim(&mut self, elders: &BTreeMap<IdentityKey, MachineIdentity>) {
        let is_elder = |declared: &&Declared| elders.contains_key(&declared.key);
        let (own, new): (Vec<&Declared>, Vec<&Declared>) = self.identities.iter().partition(is_elder);
        let mut old: BTreeMap<&IdentityKey, &MachineIdentity> = elders.iter().collect();
        old.extend(own.into_iter().map(|declared| (&declared.key, &declared.identity)));
        let new = new.into_iter().map(|declared| (&declared.key, &declared.identity));
        for (key, identity) in old.into_iter().chain(new) {
            if let Some(claim) = claim(key, identity) {
                self.claims.entry(claim).or_insert_with(|| key.name.clone());
            }
        }
    }

    fn add(&mut self, manifest: Manifest) {
        let name = manifest.name;
        match manifest.content {
            Content::Account(account) => drop(self.accounts.insert(name, Arc::from(account))),
            Content::Policy(policy) => drop(self.policies.insert(name, Arc::from(policy))),
            Content::Namespace(labels) => drop(self.namespaces.insert(name, labels)),
            Content::Identity(_) | Content::Test(_) => {}
        }
    }

    /// Judges one identity as the operator would.
    #[must_use]
    pub fn judge<'a>(
        &self,
        declared: &'a Declared,
        installation: &InstallationId,
        catalogue: &Catalogue,
    ) -> Judged<'a> {
        let grounds = self.grounds(declared, installation);
        let declaration = Declaration { identity: &declared.identity, key: &declared.key };
        let outcome = resolve(declaration, &grounds, catalogue);
        let missing = self.missing(declared, &outcome);
        Judged { declared, outcome, missing }
    }

    /// The account of that name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&CloudAccount> {
        self.accounts.get(name).map(Arc::as_ref)
    }

    /// Whether there is any scope policy.
    #[must_use]
    pub fn has_policies(&self) -> bool {
        !self.policies.is_empty()
    }

    /// What an identity is judged by beside its own text.
    pub(super) fn grounds<'a>(&self, declared: &Declared, installation: &'a InstallationId) -> Grounds<'a> {
        let namespace = &declared.key.namespace;
        let mut labels = self.namespaces.get(namespace).cloned().unwrap_or_default();
        labels.insert(NAME_LABEL.to_owned(), namespace.clone());
        Grounds {
            installation,
            account: self.accounts.get(&declared.identity.spec.account_ref.name).cloned(),
            namespace_labels: labels,
            policies: self.policies.values().cloned().collect(),
            earlier_claim: self.earlier_claim(declared),
        }
    }

    /// Of two identities with one service account, that of the cluster has it, else the first by name:
    /// files do not tell which is older.
    fn earlier_claim(&self, declared: &Declared) -> Option<String> {
        let first = self.claims.get(&claim(&declared.key, &declared.identity)?)?;
        (*first != declared.key.name).then(|| first.clone())
    }

    /// Whether the other world has the same scope policies.
    pub(super) fn has_policies_of(&self, other: &Self) -> bool {
        let same = |name: &String, policy: &ScopePolicy| {
            other.policies.get(name).is_some_and(|theirs| theirs.spec == policy.spec)
        };
        self.policies.len() == other.policies.len() && self.policies.iter().all(|(name, policy)| same(name, policy))
    }

    /// What happens to what is live where an identity does not fit: the strictest word of all policies
    /// that speak for it.
    pub(super) fn enforcement(&self, declared: &Declared, installation: &InstallationId) -> Enforcement {
        let labels = self.grounds(declared, installation).namespace_labels;
        let revokes = self.policies.values().any(|policy| {
            policy.spec.enforcement == Enforcement::Revoke && speaks_for(&policy.spec, &declared.identity, &labels)
        });
        if revokes { Enforcement::Revoke } else { Enforcement::Warn }
    }

    /// Whether labels decide over an identity, and those of its namespace are not known. A namespace
    /// that is not among the files may have any, whatever else `--with` holds.
    #[must_use]
    pub fn lacks_labels(&self, declared: &Declared) -> bool {
        if self.namespaces.contains_key(&declared.key.namespace) {
            return false;
        }
        let wanted = &declared.identity.spec.account_ref;
        let account = self.accounts.get(&wanted.name).and_then(|account| account.spec.namespace_selector.as_ref());
        let speaks = |spec: &ScopePolicySpec| spec.account_refs.is_empty() || spec.account_refs.contains(wanted);
        let policies = self.policies.values().filter(|policy| speaks(&policy.spec));
        account.into_iter().chain(policies.map(|policy| &policy.spec.namespace_selector)).any(asks_for_labels)
    }

    fn missing(&self, declared: &Declared, outcome: &Result<Resolved, Refusal>) -> Vec<String> {
        let labels = || format!("Namespace '{}' with its labels", declared.key.namespace);
        let lacks_labels = || self.lacks_labels(declared);
        let reason = outcome.as_ref().map_err(|refusal| refusal.verdict.reason).err();
        let mut missing = Vec::new();
        match reason {
            Some(Reason::AccountNotFound) => {
                let name = &declared.identity.spec.account_ref.name;
                if !self.accounts.contains_key(name) && !self.knows_accounts {
                    missing.push(format!("CloudAccount '{name}'"));
                }
            }
            Some(Reason::NoScopePolicy) if self.policies.is_empty() => {
                if !self.namespaces.contains_key(&declared.key.namespace) {
                    missing.push(labels());
                }
                missing.push("any ScopePolicy".to_owned());
            }
            // With its labels, more policies might speak for it, or others.
            None
            | Some(Reason::NamespaceNotSelected | Reason::NoScopePolicy | Reason::ScopeDenied | Reason::Undecidable)
                if lacks_labels() =>
            {
                missing.push(labels());
            }
            // Wrong in itself, whatever is not known.
            _ => {}
        }
        missing
    }
}

/// The label that the API server sets on every namespace: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Whether more than the name of a namespace decides whether it is selected.
fn asks_for_labels(selector: &NamespaceSelector) -> bool {
    let mut keys = selector.match_labels.keys().chain(selector.match_expressions.iter().map(|one| &one.key));
    keys.any(|key| key != NAME_LABEL)
}

fn twice(first: &Manifest, again: &Manifest) -> Finding {
    let spot = &first.spot;
    Finding {
        code: Code::Twice,
        severity: Code::Twice.severity(),
        spot: again.spot.clone(),
        object: again.title(),
        field: "metadata.name".to_owned(),
        message: format!(
            "{} is declared already at {}:{}:{}: only one of them would be there",
            again.title(),
            spot.file,
            spot.begin.line,
            spot.begin.column
        ),
        help: None,
    }
}
