//! The objects of a cluster, as far as the commands read them.

use async_trait::async_trait;

use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity};
use crate::domain::annotation::Annotations;
use crate::names::IdentityKey;
use crate::policy::catalogue::nearest;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Whether the person lacks the right to read it: what is not essential is then left out.
    pub forbidden: bool,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Reads objects. Behind a trait, so that commands can be tested without an API server.
#[async_trait]
pub trait Objects: Send + Sync {
    /// An identity.
    async fn identity(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, Trouble>;
    /// All identities of a namespace, or of the cluster.
    async fn identities(&self, namespace: Option<&str>) -> Result<Vec<MachineIdentity>, Trouble>;
    /// An account.
    async fn account(&self, name: &str) -> Result<Option<CloudAccount>, Trouble>;
    /// The names of all accounts.
    async fn accounts(&self) -> Result<Vec<String>, Trouble>;
    /// The table of a namespace.
    async fn table(&self, namespace: &str) -> Result<Option<BindingTable>, Trouble>;
    /// The annotations of a service account.
    async fn annotations(&self, namespace: &str, service_account: &str) -> Result<Option<Annotations>, Trouble>;
}

/// What to do when there is nothing of a name: the names nearest to it, or all of them.
pub fn near(name: &str, known: &[String]) -> String {
    let close = nearest(name, known.iter().map(String::as_str));
    let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (close.is_empty(), known.len()) {
        (_, 0) => "there is none at all".to_owned(),
        (false, _) => format!("did you mean {}?", quoted(&close)),
        (true, 1..=10) => format!("there is {}", quoted(known)),
        (true, count) => format!("there are {count} others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_is_answered_with_right_ones() {
        let known = ["orders", "mailer"].map(str::to_owned);
        assert_eq!(near("order", &known), "did you mean `orders`?");
        assert_eq!(near("zzz", &known), "there is `orders`, `mailer`");
        assert_eq!(near("zzz", &[]), "there is none at all");
        let many: Vec<String> = (0..11).map(|index| format!("identity-{index}")).collect();
        assert_eq!(near("zzz", &many), "there are 11 others");
    }
}
