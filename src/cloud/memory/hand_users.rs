//! What a test does with its own hands to users and their keys.

use jiff::Timestamp;

use super::{MemoryCloud, MemoryKey, MemoryUser};
use crate::names::AccessKeyId;

impl MemoryCloud {
    /// Puts a user there as if somebody else had made it.
    pub fn plant_user(&self, user: MemoryUser) {
        self.locked().keep_user(user, 0);
    }

    /// Changes a user by hand; false if there is none.
    pub fn change_user_by_hand(&self, name: &str, change: impl FnOnce(&mut MemoryUser)) -> bool {
        self.locked().user_mut(name).map(change).is_some()
    }

    /// Changes an access key by hand; false if there is none.
    pub fn change_key_by_hand(&self, id: &AccessKeyId, change: impl FnOnce(&mut MemoryKey)) -> bool {
        self.locked().key_mut(id).map(change).is_some()
    }

    /// Deletes an access key by hand; false if there is none.
    #[must_use]
    pub fn remove_key_by_hand(&self, id: &AccessKeyId) -> bool {
        self.locked().remove_key(id)
    }

    /// Removes a user by hand, whatever it has; false if there is none.
    #[must_use]
    pub fn remove_user_by_hand(&self, name: &str) -> bool {
        self.locked().remove_user(name)
    }

    /// A user as it is, whatever readers see.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<MemoryUser> {
        self.locked().user_mut(name).cloned()
    }

    /// All users of the account as they are, by name.
    #[must_use]
    pub fn users(&self) -> Vec<MemoryUser> {
        self.locked().all_users().cloned().collect()
    }

    /// From now on, so many lists of a user's keys after a change to them still tell what was before.
    pub fn lag_key_lists(&self, lists: u32) {
        self.locked().users.list_lag = lists;
    }

    /// Somebody used a key: from now on the account tells this time. False if there is no such key.
    #[must_use]
    pub fn use_key(&self, id: &AccessKeyId, at: Timestamp) -> bool {
        self.change_key_by_hand(id, |key| key.last_used = Some(at))
    }

    /// The user that whoever signs with this key is, if key and secret work now. A new key takes as
    /// many tries as `lag_proofs` says.
    #[must_use]
    pub fn opened_by(&self, id: &AccessKeyId, secret: &str) -> Option<MemoryUser> {
        self.locked().opened_by(id, secret).cloned()
    }

    /// Whether whoever signs with this key may do something now: the key works, and the user's
    /// inline policies and its boundary allow it.
    #[must_use]
    pub fn key_allows(&self, id: &AccessKeyId, secret: &str, action: &str, resource: &str) -> bool {
        let mut account = self.locked();
        let user = account.opened_by(id, secret).cloned();
        user.is_some_and(|user| account.allows(&user, action, resource))
    }

    /// Every secret that the account ever told, to look for where none may be.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.locked().users.secrets.clone()
    }
}
