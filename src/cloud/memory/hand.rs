//! What a test does with its own hands: set up, plant, change, look and count.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{MemoryAssociation, MemoryCloud, MemoryRole};
use crate::domain::{PodsOf, Provider};
use crate::names::{BoundaryArn, ClusterArn, IssuerUrl};

/// What the port counts as reading; all else writes.
const READS: [&str; 13] = [
    "observe",
    "prove",
    "credentials",
    "sweep",
    "observe-provider",
    "observe-boundary",
    "observe-cluster",
    "observe-association",
    "sweep-associations",
    "account",
    "usage",
    "access-keys",
    "last-use",
];

/// What a boundary says when a test does not care.
const ANYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

impl MemoryCloud {
    /// Makes a boundary exist.
    pub fn add_boundary(&self, boundary: &BoundaryArn) {
        self.write_boundary(boundary, ANYTHING);
    }

    /// Makes a boundary say something, as whoever owns it may.
    pub fn write_boundary(&self, boundary: &BoundaryArn, document: &str) {
        self.locked().boundaries.insert(boundary.to_string(), document.to_owned());
    }

    /// From now on, the account may have so many roles by what it says of itself.
    pub fn set_roles_quota(&self, roles: u32) {
        self.locked().roles_quota = roles;
    }

    /// From now on, calls wait for each other so long.
    pub fn set_backlog(&self, backlog: Duration) {
        self.locked().backlog = backlog;
    }

    /// From now on, the caller may not tag roles.
    pub fn forbid_tagging(&self) {
        self.locked().may_tag = false;
    }

    /// From now on, this is the account's clock.
    pub fn set_clock(&self, clock: fn() -> Timestamp) {
        self.locked().clock = clock;
    }

    /// How often credentials were handed out so far.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.locked().issued
    }

    /// Makes a boundary vanish.
    pub fn remove_boundary(&self, boundary: &BoundaryArn) {
        self.locked().boundaries.remove(boundary.as_str());
    }

    /// Registers a provider as if somebody else had, or replaces it.
    pub fn plant_provider(&self, issuer: &IssuerUrl, provider: Provider) {
        self.locked().providers.insert(issuer.host_and_path().to_owned(), provider);
    }

    /// Removes a provider.
    pub fn remove_provider(&self, issuer: &IssuerUrl) {
        self.locked().providers.remove(issuer.host_and_path());
    }

    /// Makes a cluster exist.
    pub fn add_cluster(&self, cluster: &ClusterArn) {
        self.locked().clusters.entry(cluster.clone()).or_default();
    }

    /// Removes a cluster, with its associations.
    pub fn remove_cluster(&self, cluster: &ClusterArn) {
        self.locked().clusters.remove(cluster);
    }

    /// Puts an association into a cluster as if somebody else had made it.
    pub fn plant_association(&self, cluster: &ClusterArn, association: MemoryAssociation) {
        self.locked().keep_association(cluster, association, 0);
    }

    /// The associations of a cluster as they are, whatever readers see.
    #[must_use]
    pub fn associations(&self, cluster: &ClusterArn) -> Vec<MemoryAssociation> {
        self.locked().associations(cluster)
    }

    /// Changes an association by hand; false if there is none.
    pub fn change_association(
        &self,
        cluster: &ClusterArn,
        pods: &PodsOf,
        change: impl FnOnce(&mut MemoryAssociation),
    ) -> bool {
        self.locked().association_mut(cluster, pods).map(change).is_some()
    }

    /// Removes an association by hand; false if there is none.
    #[must_use]
    pub fn remove_association(&self, cluster: &ClusterArn, pods: &PodsOf) -> bool {
        self.locked().remove_association(cluster, pods)
    }

    /// The ARN of the role that pods of a cluster get, as EKS would hand it to them.
    #[must_use]
    pub fn handed_to(&self, cluster: &ClusterArn, pods: &PodsOf) -> Option<String> {
        self.locked().handed_to(cluster, pods)
    }

    /// Puts a role there as if somebody else had made it.
    pub fn plant(&self, role: MemoryRole) {
        self.locked().keep(role, 0, 0);
    }

    /// Changes a role by hand; false if there is none.
    pub fn change_by_hand(&self, name: &str, change: impl FnOnce(&mut MemoryRole)) -> bool {
        self.locked().role_mut(name).map(change).is_some()
    }

    /// Removes a role by hand, whatever policies it has; false if there is none.
    #[must_use]
    pub fn remove_by_hand(&self, name: &str) -> bool {
        self.locked().remove(name)
    }

    /// A role as it is, whatever readers see.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<MemoryRole> {
        self.locked().role_mut(name).cloned()
    }

    /// All roles of the account as they are, by name.
    #[must_use]
    pub fn roles(&self) -> Vec<MemoryRole> {
        self.locked().roles().cloned().collect()
    }

    /// From now on, so many reads after its creation do not see a new role.
    pub fn lag_reads(&self, reads: u32) {
        self.locked().read_lag = reads;
    }

    /// From now on, so many proofs after its creation are denied to a new role.
    pub fn lag_proofs(&self, proofs: u32) {
        self.locked().proof_lag = proofs;
    }

    /// From now on, sweeps come in pages of so many roles of the account.
    pub fn set_page_size(&self, roles: usize) {
        self.locked().page_size = roles.max(1);
    }

    /// How often the port was called so far, by step or question.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.locked().calls.clone()
    }

    /// The same, of those that write, refused ones included.
    #[must_use]
    pub fn writes(&self) -> BTreeMap<&'static str, u64> {
        let mut calls = self.calls();
        calls.retain(|call, _| !READS.contains(call));
        calls
    }
}
