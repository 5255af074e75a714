//! The Secrets of a cluster in memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::error::{ClusterError, ClusterErrorKind};
use super::port::Incarnation;
use crate::domain::{SecretData, SecretSeen, SecretVersion, SecretWrite};

/// A Secret in all its parts, to look at and to plant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemorySecret {
    /// Counts incarnations and versions of all Secrets.
    pub version: u64,
    /// The number of its incarnation.
    pub incarnation: u64,
    /// The identity whose credentials it holds, by its label.
    pub credentials_of: Option<String>,
    /// The UIDs of the identities that own it.
    pub owners: BTreeSet<String>,
    /// Its data.
    pub data: BTreeMap<String, String>,
    /// The keys that Ambit wrote, and nobody since.
    pub own_keys: BTreeSet<String>,
    /// What Ambit's annotations on it say.
    pub annotations: BTreeMap<String, String>,
    /// When an access key was put into it last.
    pub key_written: Option<Timestamp>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// All Secrets, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    all: BTreeMap<(String, String), MemorySecret>,
    count: u64,
}

impl Secrets {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&MemorySecret> {
        self.all.get(&key(namespace, name))
    }

    pub(super) fn names(&self, namespace: &str) -> Vec<String> {
        self.all.keys().filter(|(found, _)| found == namespace).map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn put(&mut self, namespace: &str, name: &str, mut secret: MemorySecret) {
        self.count += 1;
        (secret.version, secret.incarnation) = (self.count, self.count);
        self.all.insert(key(namespace, name), secret);
    }

    pub(super) fn lose(&mut self, namespace: &str, name: &str) {
        self.all.remove(&key(namespace, name));
    }

    pub(super) fn change(&mut self, namespace: &str, name: &str, field: &str, value: &str) {
        self.count += 1;
        let Some(secret) = self.all.get_mut(&key(namespace, name)) else { return };
        secret.version = self.count;
        secret.data.insert(field.to_owned(), value.to_owned());
        secret.own_keys.remove(field);
    }

    pub(super) fn seen(&self, namespace: &str, name: &str) -> Option<SecretSeen> {
        let secret = self.get(namespace, name)?;
        Some(SecretSeen {
            version: version(secret),
            credentials_of: secret.credentials_of.clone(),
            owners: secret.owners.clone(),
            own_keys: secret.own_keys.clone(),
            annotations: secret.annotations.clone(),
            key_written: secret.key_written,
            deleting: secret.deleting,
        })
    }

    pub(super) fn write(
        &mut self,
        identity: &Incarnation,
        name: &str,
        version: Option<&SecretVersion>,
        (written, now): (&SecretWrite, Option<Timestamp>),
    ) -> Result<(), ClusterError> {
        let namespace = &identity.key.namespace;
        match version {
            None if self.get(namespace, name).is_some() => return Err(conflict("create secret", "already exists")),
            None => {
                let made = MemorySecret {
                    credentials_of: Some(identity.key.name.clone()),
                    owners: BTreeSet::from([identity.uid.clone()]),
                    ..MemorySecret::default()
                };
                self.put(namespace, name, made);
            }
            Some(meant) => self.must_be("patch secret", namespace, name, meant)?,
        }
        self.count += 1;
        let Some(secret) = self.all.get_mut(&key(namespace, name)) else { return Ok(()) };
        secret.version = self.count;
        let said = written.annotations.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        secret.annotations.extend(said);
        if written.is_publication() {
            // Times of objects are whole seconds.
            secret.key_written = now.and_then(|now| Timestamp::from_second(now.as_second()).ok());
        }
        for field in written.data.iter().flat_map(SecretData::absent) {
            secret.data.remove(*field);
            secret.own_keys.remove(*field);
        }
        for (field, value) in written.data.iter().flat_map(SecretData::expose) {
            secret.data.insert((*field).to_owned(), value.clone());
            secret.own_keys.insert((*field).to_owned());
        }
        Ok(())
    }

    /// Whether there was one to delete.
    pub(super) fn delete(&mut self, namespace: &str, name: &str, meant: &SecretVersion) -> Result<bool, ClusterError> {
        if self.get(namespace, name).is_none() {
            return Ok(false);
        }
        self.must_be("delete secret", namespace, name, meant)?;
        self.lose(namespace, name);
        Ok(true)
    }

    fn must_be(
        &self,
        operation: &'static str,
        namespace: &str,
        name: &str,
        meant: &SecretVersion,
    ) -> Result<(), ClusterError> {
        match self.get(namespace, name) {
            Some(found) if version(found) == *meant => Ok(()),
            Some(_) => Err(conflict(operation, "the object has been modified")),
            None => Err(ClusterError {
                kind: ClusterErrorKind::NotFound,
                operation,
                message: format!("secret `{name}` was not found"),
            }),
        }
    }
}

fn key(namespace: &str, name: &str) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}

fn version(secret: &MemorySecret) -> SecretVersion {
    SecretVersion { uid: format!("uid-{}", secret.incarnation), resource_version: secret.version.to_string() }
}

fn conflict(operation: &'static str, message: &str) -> ClusterError {
    ClusterError { kind: ClusterErrorKind::Conflict, operation, message: message.to_owned() }
}
