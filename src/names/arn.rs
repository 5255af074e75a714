//! Amazon resource names, split into their six parts.

use super::shortened;

/// `arn:partition:service:region:account:resource`, possibly with wildcards.
///
/// Only the shape is checked here; which service knows which resource is the
/// catalogue's business.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: String,
    /// Where each of the first five colons stands.
    colons: [usize; 5],
}

/// Why a text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// Fewer than six parts, or not beginning with `arn:`.
    #[error("`{0}` is not an ARN: it must look like `arn:partition:service:region:account:resource`")]
    Shape(String),
    /// A character that no ARN has.
    #[error("`{0}` is not an ARN: it must consist of visible ASCII characters")]
    Character(String),
    /// Longer than any ARN that a policy may name.
    #[error("the ARN that begins with `{0}` has more than 2048 characters")]
    TooLong(String),
}

impl Arn {
    /// The longest ARN that is read.
    pub const MAX_LENGTH: usize = 2048;

    /// Splits a text into the parts of an ARN.
    pub fn parse(text: &str) -> Result<Self, ArnError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(ArnError::TooLong(shortened(text)));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(ArnError::Character(shortened(text)));
        }
        let shape = || ArnError::Shape(shortened(text));
        let mut colons = [0; 5];
        let mut found = text.bytes().enumerate().filter(|(_, b)| *b == b':').map(|(at, _)| at);
        for colon in &mut colons {
            *colon = found.next().ok_or_else(shape)?;
        }
        let arn = Self { text: text.to_owned(), colons };
        if arn.part(0) != "arn" || arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(shape());
        }
        Ok(arn)
    }

    fn part(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.colons[index - 1] + 1 };
        let end = self.colons.get(index).copied().unwrap_or(self.text.len());
        &self.text[start..end]
    }

    /// `aws`, `aws-cn`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The service's prefix, such as `s3`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region, empty for global services.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account, empty where the service has none in its ARNs.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// All that follows the fifth colon.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// The whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Arn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_into_six_parts_and_keeps_later_colons() {
        let arn = Arn::parse("arn:aws:logs:eu-west-1:123456789012:log-group:/a:*").unwrap();
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.service(), "logs");
        assert_eq!(arn.region(), "eu-west-1");
        assert_eq!(arn.account(), "123456789012");
        assert_eq!(arn.resource(), "log-group:/a:*");
    }

    #[test]
    fn says_what_an_arn_looks_like() {
        for wrong in ["", "*", "s3://bucket", "arn:aws:s3:::", "arn::s3:::b", "arn:aws::::b", "ARN:aws:s3:::b"] {
            assert_eq!(
                Arn::parse(wrong).unwrap_err().to_string(),
                format!("`{wrong}` is not an ARN: it must look like `arn:partition:service:region:account:resource`"),
            );
        }
    }

    #[test]
    fn refuses_what_no_arn_contains() {
        assert!(matches!(Arn::parse("arn:aws:s3:::b\nc"), Err(ArnError::Character(_))));
        assert!(matches!(Arn::parse("arn:aws:s3:::bücket"), Err(ArnError::Character(_))));
        let long = format!("arn:aws:s3:::{}", "x".repeat(3000));
        assert!(matches!(Arn::parse(&long), Err(ArnError::TooLong(_))));
    }
}
