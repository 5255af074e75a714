//! How much of an account is used up.

/// What the account counts of itself. A number that it does not tell is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many roles there are, everybody's together.
    pub roles: Option<u32>,
    /// How many there may be.
    pub roles_quota: Option<u32>,
}

impl Usage {
    /// The roles and their quota, where both are told.
    #[must_use]
    pub fn of_roles(&self) -> Option<(u32, u32)> {
        Some((self.roles?, self.roles_quota?))
    }
}
