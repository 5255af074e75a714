//! The users of the account and their access keys: what IAM keeps, and what it refuses.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;

use super::account::{Account, key, lagging, put_inline, refusal};
use super::user::{MemoryKey, MemoryUser};
use crate::cloud::aws::{CLOSED, PERMISSIONS, SESSIONS};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{AccessKey, Birth, KeyStep, LastUse, NewAccessKey, Step, StepDone};
use crate::names::AccessKeyId;
use crate::policy::evaluate::{Prepared, decide};
use crate::policy::{Context, Layers, MAX_USER_INLINE, Outcome, Policy, Request, deny_all, deny_sessions_before};

/// As many keys as IAM lets a user have.
const KEYS: usize = 2;
/// What stands before a user's name where a page of a sweep begins with it.
const PAGE: &str = "user:";

/// All users, by name in lower case.
#[derive(Debug, Default)]
pub(super) struct Users {
    kept: BTreeMap<String, Kept>,
    /// Every secret that was ever made.
    pub(super) secrets: Vec<String>,
    /// So many lists after a change to a user's keys do not see it.
    pub(super) list_lag: u32,
}

#[derive(Debug)]
struct Kept {
    user: MemoryUser,
    /// So many reads do not see it yet.
    unseen: u32,
    /// What lists of its keys still tell, and how many of them.
    stale: Option<(u32, Vec<AccessKey>)>,
    /// So many uses of a key are refused yet, by the key's id.
    unproven: BTreeMap<AccessKeyId, u32>,
}

impl Kept {
    /// Changes the keys. Lists may tell what was for a while.
    fn change_keys<T>(&mut self, lag: u32, change: impl FnOnce(&mut Vec<MemoryKey>) -> T) -> T {
        if lag > 0 && self.stale.is_none() {
            self.stale = Some((lag, self.listed()));
        }
        change(&mut self.user.keys)
    }

    fn listed(&self) -> Vec<AccessKey> {
        self.user.keys.iter().map(MemoryKey::listed).collect()
    }
}

impl Account {
    /// A user as the cloud's readers see it.
    pub(super) fn read_user(&mut self, name: &str) -> Option<MemoryUser> {
        let kept = self.users.kept.get_mut(&key(name))?;
        lagging(&mut kept.unseen).then(|| kept.user.clone())
    }

    /// Where the page of users begins that a token names; nothing if it names roles.
    pub(super) fn users_from(from: &str) -> Option<&str> {
        from.strip_prefix(PAGE)
    }

    /// Where the first page of users begins, if there are any.
    pub(super) fn first_users(&self) -> Option<String> {
        (!self.users.kept.is_empty()).then(|| PAGE.to_owned())
    }

    /// One page of all users, and where the next one begins.
    pub(super) fn page_of_users(&mut self, from: &str) -> (Vec<MemoryUser>, Option<String>) {
        let size = self.page_size;
        let mut rest = self.users.kept.range_mut::<str, _>((Bound::Included(from), Bound::Unbounded));
        let page = rest.by_ref().take(size).filter_map(|(_, kept)| {
            let seen = lagging(&mut kept.unseen);
            seen.then(|| kept.user.clone())
        });
        let page = page.collect();
        (page, rest.next().map(|(key, _)| format!("{PAGE}{key}")))
    }

    pub(super) fn create_user(&mut self, name: &str, path: &str, birth: &Birth) -> Result<StepDone, CloudError> {
        const OPERATION: &str = "iam:CreateUser";
        self.must_exist(OPERATION, birth.boundary.as_str())?;
        if self.users.kept.contains_key(&key(name)) {
            let message = format!("User with name {name} already exists.");
            return Err(refusal(ErrorKind::Conflict, OPERATION, "EntityAlreadyExists", message));
        }
        let mut user = MemoryUser::foreign(name, path);
        user.tag(&birth.owner);
        user.boundary = Some(birth.boundary.to_string());
        let lag = self.read_lag;
        let user = self.keep_user(user, lag);
        Ok(StepDone::Created { id: user.id.clone(), arn: user.arn.clone() })
    }

    /// Puts a user into the account and gives it an id that no other ever had.
    pub(super) fn keep_user(&mut self, mut user: MemoryUser, unseen: u32) -> &MemoryUser {
        user.id = format!("AIDA{:017}", self.new_id());
        user.arn = format!("arn:aws:iam::{}:user{}{}", self.id, user.path, user.name);
        let key = key(&user.name);
        self.users.kept.remove(&key);
        let kept = Kept { user, unseen, stale: None, unproven: BTreeMap::new() };
        &self.users.kept.entry(key).or_insert(kept).user
    }

    pub(super) fn delete_user(&mut self, name: &str) -> Result<(), CloudError> {
        let Some(kept) = self.users.kept.get(&key(name)) else { return Ok(()) };
        let user = &kept.user;
        let blockers = [
            (!user.keys.is_empty(), "delete access keys first"),
            (user.has_password, "delete login profile first"),
            (!user.groups.is_empty(), "remove users from group first"),
            (!user.attached.is_empty(), "detach all policies first"),
            (!user.inline.is_empty(), "delete policies first"),
        ];
        if let Some((_, blocker)) = blockers.into_iter().find(|(blocks, _)| *blocks) {
            let message = format!("Cannot delete entity, must {blocker}.");
            return Err(refusal(ErrorKind::Conflict, "iam:DeleteUser", "DeleteConflict", message));
        }
        self.users.kept.remove(&key(name));
        Ok(())
    }

    /// All steps that change a user who is there.
    pub(super) fn change_user(&mut self, name: &str, step: &Step) -> Result<(), CloudError> {
        const PUT: &str = "iam:PutUserPolicy";
        if let Step::SetBoundary(boundary) = step {
            self.must_exist("iam:PutUserPermissionsBoundary", boundary.as_str())?;
        }
        if !self.may_tag && matches!(step, Step::SetOwner(_) | Step::Retain(_)) {
            let message = "is not authorized to perform: iam:TagUser".to_owned();
            return Err(refusal(ErrorKind::Denied, "iam:TagUser", "AccessDenied", message));
        }
        let Some(user) = self.user_mut(name) else {
            return match step {
                Step::RemovePermissions
                | Step::Open
                | Step::AdmitSessions
                | Step::RemoveInline(_)
                | Step::Detach(_)
                | Step::LeaveGroup(_)
                | Step::RemovePassword => Ok(()),
                _ => Err(no_user(PUT, name)),
            };
        };
        let put = |user: &mut MemoryUser, policy: &str, text: &str| {
            put_inline((PUT, MAX_USER_INLINE), &user.name, &mut user.inline, policy, text)
        };
        match step {
            Step::Create(_) | Step::Delete => {}
            Step::SetOwner(owner) => user.tag(owner),
            Step::Retain(owner) => user.retain(owner),
            Step::SetBoundary(boundary) => user.boundary = Some(boundary.to_string()),
            Step::SetTrust(_) | Step::SetSession(_) => {
                let message = format!("`{}` is no step of a user", step.name());
                return Err(refusal(ErrorKind::Invalid, "iam:UpdateUser", "InvalidInput", message));
            }
            Step::SetPermissions(document) => put(user, PERMISSIONS, document.text())?,
            Step::RemovePermissions => drop(user.inline.remove(PERMISSIONS)),
            Step::Close => put(user, CLOSED, deny_all().text())?,
            Step::Open => drop(user.inline.remove(CLOSED)),
            Step::DenySessions(before) => put(user, SESSIONS, deny_sessions_before(&before.to_string()).text())?,
            Step::AdmitSessions => drop(user.inline.remove(SESSIONS)),
            Step::RemoveInline(policy) => drop(user.inline.remove(policy)),
            Step::Detach(arn) => drop(user.attached.remove(arn)),
            Step::LeaveGroup(group) => drop(user.groups.remove(group)),
            Step::RemovePassword => user.has_password = false,
        }
        Ok(())
    }

    /// The keys of a user, as lists tell them.
    pub(super) fn list_keys(&mut self, name: &str) -> Vec<AccessKey> {
        let Some(kept) = self.users.kept.get_mut(&key(name)) else { return Vec::new() };
        let Some((left, listed)) = kept.stale.take() else { return kept.listed() };
        if left > 1 {
            kept.stale = Some((left - 1, listed.clone()));
        }
        listed
    }

    pub(super) fn last_use(&self, id: &AccessKeyId) -> Result<LastUse, CloudError> {
        let key = self.users.kept.values().flat_map(|kept| &kept.user.keys).find(|key| key.id == *id);
        let key = key.ok_or_else(|| no_key("iam:GetAccessKeyLastUsed", id))?;
        Ok(key.last_used.map_or(LastUse::Never, LastUse::At))
    }

    pub(super) fn create_key(&mut self, name: &str, now: Timestamp) -> Result<NewAccessKey, CloudError> {
        const OPERATION: &str = "iam:CreateAccessKey";
        let number = self.new_id();
        let (list_lag, proof_lag) = (self.users.list_lag, self.proof_lag);
        let kept = self.users.kept.get_mut(&key(name)).ok_or_else(|| no_user(OPERATION, name))?;
        if kept.user.keys.len() >= KEYS {
            let message = format!("Cannot exceed quota for AccessKeysPerUser: {KEYS}");
            return Err(refusal(ErrorKind::LimitExceeded, OPERATION, "LimitExceeded", message));
        }
        let unbuilt = |why: String| refusal(ErrorKind::Invalid, OPERATION, "", why);
        let id = AccessKeyId::parse(&format!("AKIA{number:016}")).map_err(|why| unbuilt(why.to_string()))?;
        let secret = format!("canary+secret/{number:026}");
        // IAM keeps whole seconds.
        let created = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let made = MemoryKey { id: id.clone(), secret: secret.clone(), active: true, created, last_used: None };
        let listed = made.listed();
        kept.change_keys(list_lag, |keys| keys.push(made));
        kept.unproven.insert(id, proof_lag);
        self.users.secrets.push(secret.clone());
        NewAccessKey::new(listed, secret).map_err(|why| unbuilt(why.to_string()))
    }

    pub(super) fn change_key(&mut self, name: &str, step: &KeyStep) -> Result<(), CloudError> {
        let lag = self.users.list_lag;
        let kept = self.users.kept.get_mut(&key(name));
        let has_it = |kept: &&mut Kept| kept.user.keys.iter().any(|key| key.id == *step.id());
        let Some(kept) = kept.filter(has_it) else {
            return match step {
                KeyStep::Delete(_) => Ok(()),
                _ => Err(no_key("iam:UpdateAccessKey", step.id())),
            };
        };
        kept.change_keys(lag, |keys| match step {
            KeyStep::Delete(id) => keys.retain(|key| key.id != *id),
            KeyStep::Activate(id) | KeyStep::Deactivate(id) => {
                let active = matches!(step, KeyStep::Activate(_));
                keys.iter_mut().filter(|key| key.id == *id).for_each(|key| key.active = active);
            }
        });
        Ok(())
    }

    /// The user that whoever signs with this key is, if the key works now.
    pub(super) fn opened_by(&mut self, id: &AccessKeyId, secret: &str) -> Option<&MemoryUser> {
        let fits = |key: &MemoryKey| key.id == *id && key.secret == secret && key.active;
        let kept = self.users.kept.values_mut().find(|kept| kept.user.keys.iter().any(fits))?;
        let is_known = kept.unproven.get_mut(id).is_none_or(lagging);
        is_known.then_some(&kept.user)
    }

    /// Whether the policies that can be read allow a user something: its inline ones within its
    /// boundary. What managed policies and groups say is not kept here.
    pub(super) fn allows(&self, user: &MemoryUser, action: &str, resource: &str) -> bool {
        let read = |text: &String| Policy::read(text).ok().map(|policy| Prepared::new(&policy));
        let boundary = user.boundary.as_ref().map(|arn| self.boundaries.get(arn).and_then(read));
        // A boundary that is not there or says nothing allows nothing.
        if boundary.as_ref().is_some_and(Option::is_none) {
            return false;
        }
        let identity = user.inline.values().filter_map(read).collect();
        let layers = Layers { identity, boundary: boundary.flatten(), ..Layers::default() };
        let principal = Some(user.arn.clone());
        let (action, resource) = (action.to_owned(), resource.to_owned());
        let request = Request { action, resource, principal, context: Context::default() };
        decide(&layers, &request).outcome == Outcome::Allowed
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Option<&mut MemoryUser> {
        self.users.kept.get_mut(&key(name)).map(|kept| &mut kept.user)
    }

    pub(super) fn key_mut(&mut self, id: &AccessKeyId) -> Option<&mut MemoryKey> {
        let keys = self.users.kept.values_mut().flat_map(|kept| &mut kept.user.keys);
        keys.into_iter().find(|key| key.id == *id)
    }

    pub(super) fn remove_key(&mut self, id: &AccessKeyId) -> bool {
        let kept = self.users.kept.values_mut().find(|kept| kept.user.keys.iter().any(|key| key.id == *id));
        kept.map(|kept| kept.user.keys.retain(|key| key.id != *id)).is_some()
    }

    pub(super) fn remove_user(&mut self, name: &str) -> bool {
        self.users.kept.remove(&key(name)).is_some()
    }

    pub(super) fn all_users(&self) -> impl Iterator<Item = &MemoryUser> {
        self.users.kept.values().map(|kept| &kept.user)
    }
}

fn no_user(operation: &'static str, name: &str) -> CloudError {
    let message = format!("The user with name {name} cannot be found.");
    refusal(ErrorKind::NotFound, operation, "NoSuchEntity", message)
}

fn no_key(operation: &'static str, id: &AccessKeyId) -> CloudError {
    let message = format!("The Access Key with id {id} cannot be found.");
    refusal(ErrorKind::NotFound, operation, "NoSuchEntity", message)
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
