//! Digests of canonical texts.

use sha2::{Digest as _, Sha256};

/// A short SHA-256 digest, shown in status to tell two documents apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let full = Sha256::digest(text.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Self(short)
    }

    /// A number in 0..=1 that is the same for the same text, to spread what would come together.
    #[must_use]
    pub fn fraction(self) -> f64 {
        let [first, second, ..] = self.0;
        f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stable_across_releases() {
        assert_eq!(Digest::of("").to_string(), "sha256:e3b0c44298fc1c149afbf4c8996fb924");
        assert_ne!(Digest::of("a"), Digest::of("b"));
    }

    #[test]
    fn fractions_are_spread_and_stay_the_same() {
        let all: Vec<f64> = (0..1000).map(|number| Digest::of(&number.to_string()).fraction()).collect();
        assert!(all.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        for tenth in 0..10 {
            let bounds = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
            let within = |fraction: &&f64| bounds.contains(*fraction);
            assert!(all.iter().filter(within).count() > 50, "{tenth}");
        }
        assert_eq!(Digest::of("7").fraction().to_bits(), Digest::of("7").fraction().to_bits());
    }
}
