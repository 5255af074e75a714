//! The tags by which a role says whose it is.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;

use super::errors;
use crate::cloud::CloudError;
use crate::domain::OwnerTags;
use crate::names::Owner;

/// The installation that manages a role or a provider.
pub(super) const INSTALLATION: &str = "ambit.dev/installation";
/// `namespace/name` of the identity.
pub(super) const IDENTITY: &str = "ambit.dev/identity";
/// The UID of the identity's incarnation.
pub(super) const UID: &str = "ambit.dev/uid";

/// The UID of the incarnation that left a role behind when it went.
pub(super) const RETAINED: &str = "ambit.dev/retained";

/// All tags of an owner, as keys and values.
pub(super) fn pairs(owner: &Owner) -> [(&'static str, String); 3] {
    [(INSTALLATION, owner.installation.to_string()), (IDENTITY, owner.identity.to_string()), (UID, owner.uid.clone())]
}

/// All tags of an owner.
pub(super) fn of(operation: &'static str, owner: &Owner) -> Result<Vec<Tag>, CloudError> {
    pairs(owner).into_iter().map(|(key, value)| tag(operation, key, &value)).collect()
}

/// The mark of a role that its owner left behind. The installation is written
/// once more, because Ambit may write tags only together with it.
pub(super) fn of_retained(operation: &'static str, owner: &Owner) -> Result<Vec<Tag>, CloudError> {
    let tags = [(INSTALLATION, owner.installation.as_str()), (RETAINED, &owner.uid)];
    tags.into_iter().map(|(key, value)| tag(operation, key, value)).collect()
}

/// One tag.
pub(super) fn tag(operation: &'static str, key: &str, value: &str) -> Result<Tag, CloudError> {
    Tag::builder().key(key).value(value).build().map_err(|error| errors::unbuildable(operation, &error))
}

/// Parts the tags that say whose something is from all others.
pub(super) fn read(tags: Option<Vec<Tag>>) -> (OwnerTags, BTreeMap<String, String>) {
    parted(tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)))
}

/// The same, of keys and values.
pub(super) fn parted(tags: impl IntoIterator<Item = (String, String)>) -> (OwnerTags, BTreeMap<String, String>) {
    let mut others: BTreeMap<_, _> = tags.into_iter().collect();
    let owner = OwnerTags {
        installation: others.remove(INSTALLATION),
        identity: others.remove(IDENTITY),
        uid: others.remove(UID),
        retained: others.remove(RETAINED),
    };
    (owner, others)
}
