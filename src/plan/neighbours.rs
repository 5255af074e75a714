//! The other `CloudAccount`s that share something with one. Pure.
//!
//! Two of them may name the same account: with the same OIDC provider, or with
//! the same roles. What is shared is nobody's to set right alone.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use kube::ResourceExt as _;

use super::account::AccountSettings;
use crate::api::v1alpha1::{CloudAccount, CloudAccountSpec};
use crate::names::InstallationId;

/// What others share with a `CloudAccount`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The audiences that others declare for the same provider.
    pub audiences: BTreeSet<String>,
    /// The oldest of those that have the same roles, if that is another one: it removes orphans.
    pub elder: Option<String>,
}

/// What others share with an account. Nothing is known where it is not among `all`:
/// then these are not all of them, or its own spec cannot be used.
#[must_use]
pub fn neighbours<A: Borrow<CloudAccount>>(
    account: &CloudAccount,
    all: &[A],
    installation: &InstallationId,
) -> Option<Neighbours> {
    let own = AccountSettings::parse(&account.spec, installation).ok()?;
    let (others, this): (Vec<&CloudAccount>, Vec<&CloudAccount>) =
        all.iter().map(Borrow::borrow).partition(|one| one.uid() != account.uid());
    let mut eldest = age(this.first()?);
    let mut neighbours = Neighbours::default();
    for other in others {
        match AccountSettings::parse(&other.spec, installation) {
            Ok(theirs) => {
                if let (Some(theirs_web), Some(own_web)) = (theirs.web_identity(), own.web_identity())
                    && theirs.provider_arn(&theirs_web.issuer) == own.provider_arn(&own_web.issuer)
                {
                    neighbours.audiences.insert(theirs_web.audience.clone());
                }
                let has_same_roles =
                    (&theirs.partition, &theirs.account, &theirs.path) == (&own.partition, &own.account, &own.path);
                if has_same_roles && age(other) < eldest {
                    eldest = age(other);
                    neighbours.elder = Some(other.name_any());
                }
            }
            // It may be a slip of the pen, and its pods run: no audience of it is taken off.
            Err(_) => neighbours.audiences.extend(audience(&other.spec)),
        }
    }
    Some(neighbours)
}

/// Smaller is older. Names decide between those that were made in the same second.
fn age(account: &CloudAccount) -> (Option<jiff::Timestamp>, String) {
    (account.metadata.creation_timestamp.as_ref().map(|time| time.0), account.name_any())
}

fn audience(spec: &CloudAccountSpec) -> Option<String> {
    let web = spec.aws.as_ref()?.federation.web_identity.as_ref()?;
    Some(web.audience.clone())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::plan::sample::{self, installation};

    fn account(name: &str, second: i64) -> CloudAccount {
        let mut account = sample::account();
        account.metadata.name = Some(name.to_owned());
        account.metadata.uid = Some(format!("uid-{name}"));
        account.metadata.creation_timestamp = Some(Time(jiff::Timestamp::from_second(second).unwrap()));
        account
    }

    fn with(name: &str, second: i64, change: impl FnOnce(&mut crate::api::v1alpha1::AwsAccountSpec)) -> CloudAccount {
        let mut account = account(name, second);
        change(account.spec.aws.as_mut().unwrap());
        account
    }

    fn accepts(aws: &mut crate::api::v1alpha1::AwsAccountSpec, audience: &str) {
        aws.federation.web_identity.as_mut().unwrap().audience = audience.to_owned();
    }

    fn among(all: &[CloudAccount]) -> Option<Neighbours> {
        neighbours(&account("prod", 5), all, &installation())
    }

    fn elder(all: &[CloudAccount]) -> Option<String> {
        among(all).unwrap().elder
    }

    #[test]
    fn audiences_of_the_same_provider_are_shared() {
        let all = [
            account("prod", 5),
            with("same", 1, |aws| accepts(aws, "same")),
            with("broken", 1, |aws| {
                accepts(aws, "broken");
                aws.region = "nowhere!".into();
            }),
            with("elsewhere", 1, |aws| {
                accepts(aws, "elsewhere");
                aws.account_id = "999999999999".into();
            }),
            with("of another issuer", 1, |aws| {
                accepts(aws, "of another issuer");
                aws.federation.web_identity.as_mut().unwrap().issuer = "https://oidc.example.com/id/B".into();
            }),
        ];
        let audiences = ["broken", "same"].map(str::to_owned);
        assert_eq!(among(&all).unwrap().audiences, BTreeSet::from(audiences));
    }

    #[test]
    fn the_oldest_with_the_same_roles_removes_orphans() {
        assert_eq!(elder(&[account("prod", 5)]), None);
        assert_eq!(elder(&[account("prod", 5), account("young", 6)]), None);
        assert_eq!(elder(&[account("old", 4), account("prod", 5), account("oldest", 3)]), Some("oldest".into()));
        assert_eq!(elder(&[account("a", 5), account("prod", 5)]), Some("a".into()), "the name decides");
        assert_eq!(elder(&[account("z", 5), account("prod", 5)]), None);
        let elsewhere = [
            account("prod", 5),
            with("other path", 1, |aws| aws.role_path = "/other/".into()),
            with("other account", 1, |aws| aws.account_id = "999999999999".into()),
        ];
        assert_eq!(elder(&elsewhere), None);
    }

    #[test]
    fn nothing_is_known_while_the_account_itself_is_not_among_them() {
        assert_eq!(among(&[]), None);
        assert_eq!(among(&[account("other", 1)]), None);
    }
}
