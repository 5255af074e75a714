//! A Secret of the cluster: what is written into it, and as much of it as is ever read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// A Secret as its metadata tells it. Its data is never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// Which incarnation it is, and in which version.
    pub version: SecretVersion,
    /// The identity whose credentials it holds, by its label.
    pub credentials_of: Option<String>,
    /// The UIDs of the `MachineIdentity` objects that own it.
    pub owners: BTreeSet<String>,
    /// The keys whose values are those that Ambit wrote: nobody has written them since.
    pub own_keys: BTreeSet<String>,
    /// What Ambit's annotations on it say.
    pub annotations: BTreeMap<String, String>,
    /// When an access key was put into it last, by the API server's clock.
    pub key_written: Option<Timestamp>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// One version of one incarnation of a Secret: a write that names it reaches no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretVersion {
    /// The UID.
    pub uid: String,
    /// The resource version.
    pub resource_version: String,
}

/// What is to stand in a Secret.
///
/// Its `Debug` tells the keys and no value, so that none can reach a log by accident.
#[derive(Clone)]
pub struct SecretData {
    values: BTreeMap<&'static str, String>,
    absent: Vec<&'static str>,
}

impl SecretData {
    /// These values, by key. The keys in `absent` go, if they are there.
    #[must_use]
    pub fn new(values: BTreeMap<&'static str, String>, absent: Vec<&'static str>) -> Self {
        Self { values, absent }
    }

    /// The values, for the one write that needs them.
    #[must_use]
    pub fn expose(&self) -> &BTreeMap<&'static str, String> {
        &self.values
    }

    /// The keys that are to go.
    #[must_use]
    pub fn absent(&self) -> &[&'static str] {
        &self.absent
    }
}

impl std::fmt::Debug for SecretData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretData").field("keys", &self.values.keys()).finish_non_exhaustive()
    }
}

/// One write of a Secret.
#[derive(Debug, Clone)]
pub struct SecretWrite {
    /// Its credentials. Absent where only annotations are written.
    pub data: Option<SecretData>,
    /// Annotations of Ambit.
    pub annotations: BTreeMap<&'static str, String>,
}

impl SecretWrite {
    /// Credentials, and nothing that is to be known of them.
    #[must_use]
    pub fn data(data: SecretData) -> Self {
        Self { data: Some(data), annotations: BTreeMap::new() }
    }

    /// Whether it puts an access key there: then the API server's clock says when.
    #[must_use]
    pub fn is_publication(&self) -> bool {
        self.data.is_some() && !self.annotations.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_shows_its_keys_only() {
        let data = SecretData::new(BTreeMap::from([("credentials", "canary".to_owned())]), vec!["AWS_SESSION_TOKEN"]);
        assert_eq!(format!("{data:?}"), r#"SecretData { keys: ["credentials"], .. }"#);
    }
}
