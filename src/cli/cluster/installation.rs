//! Which installation the roles of a cluster belong to, where nobody says it.

use std::collections::BTreeSet;

use kube::ResourceExt as _;

use crate::api::v1alpha1::MachineIdentity;
use crate::names::{IdentityKey, InstallationId, PrincipalName};
use crate::plan::{self, Declaration};

/// What to say when it can be learned from nothing.
const UNKNOWN: &str = "it is not known which installation is meant, because no identity has a role yet: name it with `--installation`, or set AMBIT_INSTALLATION";

/// The installation whose roles these identities have.
///
/// A role's path ends in the installation, and its name holds a hash over it: one is learned only
/// where both agree, so text in a status alone is never believed.
pub fn learned<'a>(identities: impl IntoIterator<Item = &'a MachineIdentity>) -> Result<InstallationId, String> {
    identities.into_iter().find_map(of).ok_or_else(|| UNKNOWN.to_owned())
}

/// The namespace and name of an identity.
pub fn key(identity: &MachineIdentity) -> IdentityKey {
    IdentityKey::new(identity.namespace().unwrap_or_default(), identity.name_any())
}

/// The principal of an identity.
pub fn principal(identity: &MachineIdentity, installation: &InstallationId) -> PrincipalName {
    plan::principal(Declaration { identity, key: &key(identity) }, installation)
}

/// The names that the roles of these identities have.
pub fn role_names(identities: &[MachineIdentity], installation: &InstallationId) -> BTreeSet<String> {
    identities.iter().map(|identity| principal(identity, installation).to_string()).collect()
}

fn of(identity: &MachineIdentity) -> Option<InstallationId> {
    let arn = identity.status.as_ref()?.aws.as_ref()?.arn()?;
    let mut parts = arn.rsplit('/');
    let (name, installation) = (parts.next()?, InstallationId::parse(parts.next()?).ok()?);
    (principal(identity, &installation).as_str() == name).then_some(installation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cluster::fake;

    #[test]
    fn it_is_learned_from_a_role_whose_name_agrees() {
        let identity = fake::identity("shop", "orders");
        let installation = InstallationId::parse("prod-eu").unwrap();
        let name = PrincipalName::role(&installation, &IdentityKey::new("shop", "orders"));
        let with = |arn: String| fake::with_role(identity.clone(), &arn, "AROA1");
        let arn = |installation: &str| format!("arn:aws:iam::123456789012:role/ambit/{installation}/{name}");
        assert_eq!(learned([&identity, &with(arn("prod-eu"))]), Ok(installation));
        assert_eq!(learned([&identity, &with(arn("other"))]), Err(UNKNOWN.to_owned()), "the name has another hash");
        assert_eq!(learned([&with("x".to_owned())]), Err(UNKNOWN.to_owned()));
    }
}
