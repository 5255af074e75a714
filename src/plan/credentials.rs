//! Credentials in a Secret: whose a Secret is, when credentials are renewed, what
//! stands in the Secret, and what is said of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::reason::{Reason, Standing, Verdict};
use super::rotation::KeyTerms;
use crate::api::v1alpha1::{CredentialType, CredentialsStatus, MachineIdentitySpec, SecretFormat};
use crate::domain::{Credentials, NewAccessKey, SecretData, SecretSeen, SecretVersion, SessionSeconds};
use crate::names::{Digest, IdentityKey};

/// How long before they run out credentials are renewed at the latest, where they live long enough.
const RESERVE: Duration = Duration::from_mins(5);

/// Credentials are never renewed sooner than this, whatever clocks say.
const SHORTEST: Duration = Duration::from_mins(5);

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const FILE: &str = "credentials";

/// What kind of credentials a Secret holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Short-lived ones, with the token of a session.
    Session,
    /// An access key.
    AccessKey,
}

/// A Secret that is to hold credentials, as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretTarget {
    /// What it holds.
    pub holds: Holds,
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub format: SecretFormat,
    /// The profile of a shared credentials file, where another than `default` was declared.
    pub profile: Option<String>,
}

impl SecretTarget {
    /// The Secret for short-lived credentials that an identity asks for, if it does.
    #[must_use]
    pub fn of(spec: &MachineIdentitySpec) -> Option<Self> {
        let asked = spec.credentials.as_ref()?.session_secret.as_ref()?;
        Some(Self::new(Holds::Session, &asked.secret_name, asked.format, asked.profile.as_deref()))
    }

    /// A Secret as it was declared.
    #[must_use]
    pub fn new(holds: Holds, name: &str, format: SecretFormat, profile: Option<&str>) -> Self {
        let is_file = format == SecretFormat::SharedCredentialsFile;
        let profile = profile.filter(|profile| is_file && *profile != "default").map(str::to_owned);
        Self { holds, name: name.to_owned(), format, profile }
    }

    /// The keys that stand in it. An access key has no session.
    #[must_use]
    pub fn keys(&self) -> &'static [&'static str] {
        match (self.format, self.holds) {
            (SecretFormat::Environment, Holds::Session) => &[ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN],
            (SecretFormat::Environment, Holds::AccessKey) => &[ACCESS_KEY_ID, SECRET_ACCESS_KEY],
            (SecretFormat::SharedCredentialsFile, _) => &[FILE],
        }
    }

    /// What is written into it.
    #[must_use]
    pub fn data(&self, credentials: &Credentials) -> SecretData {
        let (id, key, token) = (
            credentials.expose_access_key_id(),
            credentials.expose_secret_access_key(),
            credentials.expose_session_token(),
        );
        self.formed(id, key, Some(token))
    }

    /// What is written into it of an access key.
    #[must_use]
    pub fn key_data(&self, made: &NewAccessKey) -> SecretData {
        self.formed(made.key().id.as_str(), made.expose_secret(), None)
    }

    fn formed(&self, id: &str, key: &str, token: Option<&str>) -> SecretData {
        match self.format {
            SecretFormat::Environment => {
                let values = [(ACCESS_KEY_ID, Some(id)), (SECRET_ACCESS_KEY, Some(key)), (SESSION_TOKEN, token)];
                let absent = token.is_none().then_some(SESSION_TOKEN).into_iter().chain([FILE]).collect();
                let values = values.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
                SecretData::new(values.collect(), absent)
            }
            SecretFormat::SharedCredentialsFile => {
                let profile = self.profile.as_deref().unwrap_or("default");
                let token = token.map(|token| format!("aws_session_token = {token}\n")).unwrap_or_default();
                let file = format!("[{profile}]\naws_access_key_id = {id}\naws_secret_access_key = {key}\n{token}");
                let absent = vec![ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN];
                SecretData::new(BTreeMap::from([(FILE, file)]), absent)
            }
        }
    }

    /// What stands in it, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.format, &self.profile) {
            (SecretFormat::Environment, _) => format!("environment variables in Secret `{}`", self.name),
            (SecretFormat::SharedCredentialsFile, None) => {
                format!("a shared credentials file in Secret `{}`", self.name)
            }
            (SecretFormat::SharedCredentialsFile, Some(profile)) => {
                format!("a shared credentials file with profile `{profile}` in Secret `{}`", self.name)
            }
        }
    }
}

/// What an identity asks to have kept in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storing {
    /// Short-lived credentials.
    Session(SecretTarget),
    /// An access key of a user.
    Key(KeyTerms),
}

impl Storing {
    /// What an identity asks for, if it asks for anything of the kind.
    #[must_use]
    pub fn of(spec: &MachineIdentitySpec) -> Option<Self> {
        SecretTarget::of(spec).map(Self::Session).or_else(|| KeyTerms::of(spec).map(Self::Key))
    }

    /// The Secret.
    #[must_use]
    pub fn target(&self) -> &SecretTarget {
        match self {
            Self::Session(target) => target,
            Self::Key(terms) => &terms.target,
        }
    }

    /// What stands in it, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Session(target) => target.words(),
            Self::Key(terms) => terms.words(),
        }
    }
}

/// The kind of credentials that an identity asks for.
#[must_use]
pub fn credential_type(spec: &MachineIdentitySpec) -> CredentialType {
    match Storing::of(spec) {
        Some(Storing::Session(_)) => CredentialType::SessionSecret,
        Some(Storing::Key(_)) => CredentialType::AccessKey,
        None => CredentialType::Federation,
    }
}

/// Credentials that were issued and stand in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The Secret, and what stands in it.
    pub target: SecretTarget,
    /// When they were issued.
    pub at: Timestamp,
    /// When they run out, by the cloud's clock.
    pub expires: Timestamp,
    /// When they are renewed.
    pub next: Timestamp,
    /// A Secret of an earlier name that is still to be deleted.
    pub previous: Option<String>,
}

impl Issued {
    /// Credentials that were issued now, for so long.
    ///
    /// They are renewed at two thirds of their life, and up to a tenth sooner, which differs
    /// from identity to identity and from time to time. Life counts by Ambit's own clock where
    /// the cloud's is ahead of it.
    #[must_use]
    pub fn new(
        target: SecretTarget,
        uid: &str,
        at: Timestamp,
        (expires, asked): (Timestamp, SessionSeconds),
        previous: Option<String>,
    ) -> Self {
        let at = seconds(at);
        let told = Duration::try_from(expires.duration_since(at)).unwrap_or_default();
        let life = told.min(Duration::from_secs(asked.get().into()));
        let latest = match life.checked_sub(RESERVE) {
            Some(latest) if latest >= life / 2 => latest.min(life * 2 / 3),
            _ => life * 2 / 3,
        };
        let spread = Digest::of(&format!("{uid} {at}")).fraction();
        let pause = latest.mul_f64(1.0 - 0.1 * spread).max(SHORTEST);
        let next = seconds(at.checked_add(pause).unwrap_or(Timestamp::MAX));
        Self { target, at, expires: seconds(expires), next, previous }
    }

    /// Reads what status tells.
    #[must_use]
    pub fn read(status: &CredentialsStatus) -> Option<Self> {
        let time = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        Some(Self {
            target: SecretTarget {
                holds: Holds::Session,
                name: status.secret_name.clone(),
                format: status.format?,
                profile: status.profile.clone(),
            },
            at: time(&status.issued_time)?,
            expires: time(&status.expiration_time)?,
            next: time(&status.next_rotation_time)?,
            previous: status.previous_secret_name.clone(),
        })
    }

    /// What status tells.
    #[must_use]
    pub fn status(&self) -> CredentialsStatus {
        CredentialsStatus {
            secret_name: self.target.name.clone(),
            format: Some(self.target.format),
            profile: self.target.profile.clone(),
            issued_time: Some(Time(self.at)),
            expiration_time: Some(Time(self.expires)),
            next_rotation_time: Some(Time(self.next)),
            previous_secret_name: self.previous.clone(),
            ..CredentialsStatus::default()
        }
    }

    /// Whether they are to be renewed. A clock that was set back would have it forgotten.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.next || now.checked_add(SHORTEST).is_ok_and(|soon| soon < self.at)
    }

    /// From when on people should know that they were not renewed.
    #[must_use]
    pub fn overdue_from(&self) -> Timestamp {
        let rest = Duration::try_from(self.expires.duration_since(self.next)).unwrap_or_default();
        self.next.checked_add(rest / 4).unwrap_or(Timestamp::MAX)
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        now >= self.overdue_from() || now >= self.expires
    }

    /// What is said of them while nothing is known to be wrong.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let Self { target: SecretTarget { name, .. }, expires, next, .. } = self;
        if !self.is_overdue(now) {
            let message =
                format!("the credentials in Secret '{name}' are good until {expires} and are renewed at {next}");
            return Verdict::good(Reason::Fresh, message);
        }
        let message = format!("the credentials in Secret '{name}' {} and have not been renewed yet", self.end(now));
        Verdict::retrying(Reason::Overdue, message)
    }

    /// What is said of them when renewing them failed. Until they are overdue, they are as good as ever.
    #[must_use]
    pub fn failing(&self, why: &Verdict, now: Timestamp) -> Verdict {
        let Self { target: SecretTarget { name, .. }, expires, .. } = self;
        if !self.is_overdue(now) {
            let message = format!(
                "the credentials in Secret '{name}' are good until {expires}; they could not be looked after, and it is tried again: {}",
                why.message
            );
            return Verdict::good(Reason::Rotating, message);
        }
        let standing = if why.standing == Standing::Terminal { Standing::Terminal } else { Standing::Retrying };
        let message =
            format!("the credentials in Secret '{name}' {} and cannot be renewed: {}", self.end(now), why.message);
        Verdict::new(Reason::Overdue, standing, message)
    }

    /// What is said of them where Ambit only observes.
    #[must_use]
    pub fn observed(&self, now: Timestamp) -> Verdict {
        let name = &self.target.name;
        let message = format!(
            "the credentials in Secret '{name}' {} and are not renewed, because `spec.managementPolicy` is Observe",
            self.end(now)
        );
        if now < self.expires {
            return Verdict::good(Reason::Observing, message);
        }
        Verdict::terminal(Reason::Overdue, message)
    }

    /// What is said of them while the declaration is not carried out.
    #[must_use]
    pub fn unattended(&self, why: &str) -> Verdict {
        let Self { target: SecretTarget { name, .. }, expires, .. } = self;
        let message =
            format!("{why}; until then the credentials in Secret '{name}' are not renewed, and run out at {expires}");
        Verdict::working(Reason::Pending, message)
    }

    fn end(&self, now: Timestamp) -> String {
        let words = if now < self.expires { "run out" } else { "ran out" };
        format!("{words} at {}", self.expires)
    }
}

/// What stands in the place of the Secret that is to hold an identity's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Free,
    /// The Secret that Ambit made for this identity, and whether all that Ambit wrote stands in it still.
    Ours(SecretVersion, bool),
    /// Something that is not provably this identity's: it is left as it is.
    Taken(String),
    /// The Secret that Ambit made for this identity, on its way out.
    Leaving,
}

/// Whose the Secret is that stands in a place. It is an identity's own when label and owner
/// reference both say so, the latter with the UID: a name alone would also mean a predecessor.
#[must_use]
pub fn place(name: &str, keys: &[&str], seen: Option<&SecretSeen>, key: &IdentityKey, uid: &str) -> Place {
    let Some(seen) = seen else { return Place::Free };
    let labelled = seen.credentials_of.as_deref();
    let is_of_this_name = labelled == Some(&key.name);
    if is_of_this_name && seen.owners.contains(uid) {
        let is_whole = keys.iter().all(|key| seen.own_keys.contains(*key));
        return if seen.deleting { Place::Leaving } else { Place::Ours(seen.version.clone(), is_whole) };
    }
    let whose = match labelled {
        Some(other) if !is_of_this_name => format!("holds the credentials of MachineIdentity '{other}'"),
        Some(_) => "was made for an earlier MachineIdentity of this name".to_owned(),
        None => "was not made by Ambit".to_owned(),
    };
    Place::Taken(format!(
        "Secret '{name}' is there already and {whose}, so it is left as it is: name another one in `spec.credentials.sessionSecret.secretName`, or delete it"
    ))
}

/// The API server keeps whole seconds in status.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests;
