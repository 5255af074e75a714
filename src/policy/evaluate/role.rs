//! The ARN of a role whose path is not known.

use super::arn::six;
use super::facts::ArnText;
use super::glob::{Glyph, glyphs_match};

/// Whether a pattern may mean the role of an ARN, which is written without a path, if the role has
/// one. May say yes too often, never too rarely.
pub(super) fn may_be_meant(pattern: &[Glyph], role: &str) -> bool {
    let Some([head @ .., tail]) = six(pattern) else { return pattern.iter().any(|glyph| !is_text(*glyph)) };
    let Some([parts @ .., resource]) = ArnText::new(role).parts else { return false };
    let name = resource.strip_prefix("role").unwrap_or(resource);
    let begin: Vec<u8> = text(tail.iter());
    let mut end: Vec<u8> = text(tail.iter().rev());
    end.reverse();
    head.iter().zip(parts).all(|(pattern, part)| glyphs_match(pattern, part))
        && (begin.starts_with(b"role/") || b"role/".starts_with(&begin))
        && (end.ends_with(name.as_bytes()) || name.as_bytes().ends_with(&end))
}

fn is_text(glyph: Glyph) -> bool {
    matches!(glyph, Glyph::Byte(_))
}

/// The bytes up to the first wildcard.
fn text<'g>(glyphs: impl Iterator<Item = &'g Glyph>) -> Vec<u8> {
    glyphs.map_while(|glyph| if let Glyph::Byte(byte) = glyph { Some(*byte) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_mean_a_role_with_a_path_that_it_could_name() {
        for (pattern, expected) in [
            ("arn:aws:iam::*:role/admin/*", true),
            ("arn:aws:iam::111122223333:role/admin/app", true),
            ("arn:aws:iam::111122223333:role/admin/a?p", true),
            ("arn:aws:iam::*:*admin*", true),
            ("*admin*", true),
            ("arn:aws:iam::*:user/*", false),
            ("arn:aws:iam::444455556666:role/admin/*", false),
            ("arn:aws:iam::111122223333:role/admin/other", false),
            ("arn:aws:iam::111122223333:role/*-admin", false),
            ("arn:aws:iam::111122223333", false),
        ] {
            let star = |byte| match byte {
                b'*' => Glyph::Star,
                b'?' => Glyph::Any,
                byte => Glyph::Byte(byte),
            };
            let glyphs: Vec<Glyph> = pattern.bytes().map(star).collect();
            assert_eq!(may_be_meant(&glyphs, "arn:aws:iam::111122223333:role/app"), expected, "{pattern}");
        }
    }
}
