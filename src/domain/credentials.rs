//! Credentials that a cloud handed out.

use jiff::Timestamp;

/// Short-lived credentials of a principal: a secret for as long as they live.
///
/// They have no `Display` and their `Debug` tells nothing, so that they cannot
/// reach a log by accident.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expires: Timestamp,
}

impl Credentials {
    /// Takes credentials over.
    #[must_use]
    pub fn new(access_key_id: String, secret_access_key: String, session_token: String, expires: Timestamp) -> Self {
        Self { access_key_id, secret_access_key, session_token, expires }
    }

    /// The id of the key, for the Secret that is to hold it.
    #[must_use]
    pub fn expose_access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The key itself, for the Secret that is to hold it.
    #[must_use]
    pub fn expose_secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// The token of the session, for the Secret that is to hold it.
    #[must_use]
    pub fn expose_session_token(&self) -> &str {
        &self.session_token
    }

    /// When they run out, by the cloud's clock. No secret.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_show_themselves() {
        let word = |text: &str| format!("canary-{text}");
        let credentials = Credentials::new(word("id"), word("key"), word("token"), Timestamp::UNIX_EPOCH);
        assert_eq!(format!("{credentials:?} {:?}", Some(&credentials)), "Credentials(…) Some(Credentials(…))");
    }
}
