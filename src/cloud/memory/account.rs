//! The account itself: what IAM keeps, and what it refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::MemoryRole;
use super::association::Clusters;
use super::users::Users;
use crate::cloud::aws::{CLOSED, PERMISSIONS, SESSIONS};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Birth, Provider, Step, StepDone};
use crate::names::{AccountId, InstallationId, IssuerUrl};
use crate::policy::{MAX_INLINE, MAX_TRUST, deny_all, deny_sessions_before, size_for_iam};

#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    /// By name in lower case.
    roles: BTreeMap<String, Kept>,
    /// By host and path of the issuer.
    pub(super) providers: BTreeMap<String, Provider>,
    /// By ARN, with their documents.
    pub(super) boundaries: BTreeMap<String, String>,
    pub(super) clusters: Clusters,
    pub(super) users: Users,
    pub(super) calls: BTreeMap<&'static str, u64>,
    pub(super) read_lag: u32,
    pub(super) proof_lag: u32,
    pub(super) page_size: usize,
    pub(super) roles_quota: u32,
    pub(super) backlog: Duration,
    pub(super) may_tag: bool,
    pub(super) clock: fn() -> Timestamp,
    /// How often credentials were handed out.
    pub(super) issued: u64,
    next_id: u64,
}

#[derive(Debug)]
struct Kept {
    role: MemoryRole,
    /// So many reads do not see it yet.
    unseen: u32,
    /// So many proofs do not see it yet.
    unproven: u32,
}

impl Account {
    pub(super) fn new(id: AccountId) -> Self {
        Self {
            id,
            roles: BTreeMap::new(),
            providers: BTreeMap::new(),
            boundaries: BTreeMap::new(),
            clusters: Clusters::new(),
            users: Users::default(),
            calls: BTreeMap::new(),
            read_lag: 0,
            proof_lag: 0,
            page_size: 1000,
            roles_quota: 5000,
            backlog: Duration::ZERO,
            may_tag: true,
            clock: Timestamp::now,
            issued: 0,
            next_id: 1,
        }
    }

    pub(super) fn count(&mut self, call: &'static str) {
        *self.calls.entry(call).or_default() += 1;
    }

    /// A role as the cloud's readers see it, which may be later than it is.
    pub(super) fn read(&mut self, name: &str) -> Option<MemoryRole> {
        let kept = self.roles.get_mut(&key(name))?;
        lagging(&mut kept.unseen).then(|| kept.role.clone())
    }

    /// A role as the token service sees it.
    pub(super) fn provable(&mut self, name: &str) -> Option<MemoryRole> {
        let kept = self.roles.get_mut(&key(name))?;
        lagging(&mut kept.unproven).then(|| kept.role.clone())
    }

    /// One page of all roles, and where the next one begins.
    pub(super) fn page(&mut self, from: Option<&str>) -> (Vec<MemoryRole>, Option<String>) {
        let start = from.unwrap_or_default().to_owned();
        let mut rest = self.roles.range_mut(start..);
        let page = rest.by_ref().take(self.page_size).filter_map(|(_, kept)| {
            let seen = lagging(&mut kept.unseen);
            seen.then(|| kept.role.clone())
        });
        let page = page.collect();
        (page, rest.next().map(|(key, _)| key.clone()))
    }

    pub(super) fn create(&mut self, name: &str, path: &str, birth: &Birth) -> Result<StepDone, CloudError> {
        const OPERATION: &str = "iam:CreateRole";
        self.must_exist(OPERATION, birth.boundary.as_str())?;
        check_trust(OPERATION, birth.trust.text())?;
        if self.roles.contains_key(&key(name)) {
            let message = format!("Role with name {name} already exists.");
            return Err(refusal(ErrorKind::Conflict, OPERATION, "EntityAlreadyExists", message));
        }
        let mut role = MemoryRole::foreign(name, path);
        role.tag(&birth.owner);
        birth.trust.text().clone_into(&mut role.trust);
        role.boundary = Some(birth.boundary.to_string());
        role.session = birth.session.get();
        let (read_lag, proof_lag) = (self.read_lag, self.proof_lag);
        let role = self.keep(role, read_lag, proof_lag);
        Ok(StepDone::Created { id: role.id.clone(), arn: role.arn.clone() })
    }

    /// Puts a role into the account and gives it an id that no other ever had.
    pub(super) fn keep(&mut self, mut role: MemoryRole, unseen: u32, unproven: u32) -> &MemoryRole {
        role.id = format!("AROA{:017}", self.new_id());
        role.arn = format!("arn:aws:iam::{}:role{}{}", self.id, role.path, role.name);
        let key = key(&role.name);
        self.roles.remove(&key);
        &self.roles.entry(key).or_insert(Kept { role, unseen, unproven }).role
    }

    /// A number that nothing else here has.
    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), CloudError> {
        const OPERATION: &str = "iam:DeleteRole";
        let Some(kept) = self.roles.get(&key(name)) else { return Ok(()) };
        let blocker = match (kept.role.attached.is_empty(), kept.role.inline.is_empty()) {
            (true, true) => {
                self.roles.remove(&key(name));
                return Ok(());
            }
            (false, _) => "detach all policies first",
            (true, false) => "delete policies first",
        };
        let message = format!("Cannot delete entity, must {blocker}.");
        Err(refusal(ErrorKind::Conflict, OPERATION, "DeleteConflict", message))
    }

    /// All steps that change a role which is there.
    pub(super) fn change(&mut self, name: &str, step: &Step) -> Result<(), CloudError> {
        if let Step::SetBoundary(boundary) = step {
            self.must_exist("iam:PutRolePermissionsBoundary", boundary.as_str())?;
        }
        if !self.may_tag && matches!(step, Step::SetOwner(_) | Step::Retain(_)) {
            let message = "is not authorized to perform: iam:TagRole".to_owned();
            return Err(refusal(ErrorKind::Denied, "iam:TagRole", "AccessDenied", message));
        }
        let Some(role) = self.role_mut(name) else {
            return match step {
                Step::RemovePermissions
                | Step::Open
                | Step::AdmitSessions
                | Step::RemoveInline(_)
                | Step::Detach(_) => Ok(()),
                _ => Err(no_role(name)),
            };
        };
        let put = |role: &mut MemoryRole, policy: &str, text: &str| {
            put_inline(("iam:PutRolePolicy", MAX_INLINE), &role.name, &mut role.inline, policy, text)
        };
        match step {
            Step::Create(_) | Step::Delete => {}
            Step::SetOwner(owner) => role.tag(owner),
            Step::Retain(owner) => role.retain(owner),
            Step::SetBoundary(boundary) => role.boundary = Some(boundary.to_string()),
            Step::SetTrust(trust) => {
                check_trust("iam:UpdateAssumeRolePolicy", trust.text())?;
                trust.text().clone_into(&mut role.trust);
            }
            Step::SetSession(session) => role.session = session.get(),
            Step::SetPermissions(document) => put(role, PERMISSIONS, document.text())?,
            Step::RemovePermissions => drop(role.inline.remove(PERMISSIONS)),
            Step::Close => put(role, CLOSED, deny_all().text())?,
            Step::Open => drop(role.inline.remove(CLOSED)),
            Step::DenySessions(before) => put(role, SESSIONS, deny_sessions_before(&before.to_string()).text())?,
            Step::AdmitSessions => drop(role.inline.remove(SESSIONS)),
            Step::RemoveInline(policy) => drop(role.inline.remove(policy)),
            Step::Detach(arn) => drop(role.attached.remove(arn)),
            Step::LeaveGroup(_) | Step::RemovePassword => {
                let message = format!("`{}` is no step of a role", step.name());
                return Err(refusal(ErrorKind::Invalid, "iam:UpdateRole", "InvalidInput", message));
            }
        }
        Ok(())
    }

    pub(super) fn create_provider(
        &mut self,
        issuer: &IssuerUrl,
        audience: &str,
        installation: &InstallationId,
    ) -> Result<(), CloudError> {
        if self.providers.contains_key(issuer.host_and_path()) {
            let message = "Provider with this url already exists.".to_owned();
            let operation = "iam:CreateOpenIDConnectProvider";
            return Err(refusal(ErrorKind::Conflict, operation, "EntityAlreadyExists", message));
        }
        let audiences = BTreeSet::from([audience.to_owned()]);
        let installation = Some(installation.to_string());
        let provider = Provider { audiences, thumbprints: BTreeSet::new(), installation };
        self.providers.insert(issuer.host_and_path().to_owned(), provider);
        Ok(())
    }

    pub(super) fn add_audience(&mut self, issuer: &IssuerUrl, audience: &str) -> Result<(), CloudError> {
        let found = self.registered("iam:AddClientIDToOpenIDConnectProvider", issuer)?;
        found.audiences.insert(audience.to_owned());
        Ok(())
    }

    /// Removing what is not accepted is done, as IAM has it.
    pub(super) fn remove_audience(&mut self, issuer: &IssuerUrl, audience: &str) -> Result<(), CloudError> {
        let found = self.registered("iam:RemoveClientIDFromOpenIDConnectProvider", issuer)?;
        found.audiences.remove(audience);
        Ok(())
    }

    fn registered(&mut self, operation: &'static str, issuer: &IssuerUrl) -> Result<&mut Provider, CloudError> {
        self.providers.get_mut(issuer.host_and_path()).ok_or_else(|| {
            let message = format!("OpenIDConnect Provider not found for {issuer}");
            refusal(ErrorKind::NotFound, operation, "NoSuchEntity", message)
        })
    }

    pub(super) fn role_mut(&mut self, name: &str) -> Option<&mut MemoryRole> {
        self.roles.get_mut(&key(name)).map(|kept| &mut kept.role)
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.roles.remove(&key(name)).is_some()
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = &MemoryRole> {
        self.roles.values().map(|kept| &kept.role)
    }

    pub(super) fn must_exist(&self, operation: &'static str, boundary: &str) -> Result<(), CloudError> {
        if self.boundaries.contains_key(boundary) {
            return Ok(());
        }
        let message = format!("Scope ARN: {boundary} does not exist or is not attachable.");
        Err(refusal(ErrorKind::NotFound, operation, "NoSuchEntity", message))
    }
}

/// Counts a lag down; whether it is over.
pub(super) fn lagging(reads: &mut u32) -> bool {
    let over = *reads == 0;
    *reads = reads.saturating_sub(1);
    over
}

pub(super) fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn check_trust(operation: &'static str, trust: &str) -> Result<(), CloudError> {
    if size_for_iam(trust) <= MAX_TRUST {
        return Ok(());
    }
    let message = format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}");
    Err(refusal(ErrorKind::LimitExceeded, operation, "LimitExceeded", message))
}

/// Writes an inline policy, if all of them together stay under the limit.
pub(super) fn put_inline(
    (operation, limit): (&'static str, usize),
    name: &str,
    inline: &mut BTreeMap<String, String>,
    policy: &str,
    document: &str,
) -> Result<(), CloudError> {
    let others = inline.iter().filter(|(name, _)| name.as_str() != policy);
    let total: usize = others.map(|(_, text)| size_for_iam(text)).sum::<usize>() + size_for_iam(document);
    if total > limit {
        let message = format!("Maximum policy size of {limit} bytes exceeded for {name}");
        return Err(refusal(ErrorKind::LimitExceeded, operation, "LimitExceeded", message));
    }
    inline.insert(policy.to_owned(), document.to_owned());
    Ok(())
}

fn no_role(name: &str) -> CloudError {
    let message = format!("The role with name {name} cannot be found.");
    refusal(ErrorKind::NotFound, "iam:PutRolePolicy", "NoSuchEntity", message)
}

pub(super) fn refusal(kind: ErrorKind, operation: &'static str, code: &str, message: String) -> CloudError {
    CloudError { kind, operation, code: code.to_owned(), message }
}
