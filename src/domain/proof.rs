//! The token with which an identity proves itself.

/// A service account's token: a secret for as long as it lives.
///
/// It has no `Display` and its `Debug` tells nothing, so that it cannot reach a
/// log by accident.
#[derive(Clone)]
pub struct WebToken(String);

impl WebToken {
    /// Takes a token over.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself, for the one request that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_itself() {
        assert_eq!(format!("{:?}", WebToken::new("canary".into())), "WebToken(…)");
    }
}
