//! Texts with wildcards and variables, ready to be matched.
//!
//! The matcher walks pattern and text once and goes back to the last star only:
//! it needs no memory, and never more steps than the two lengths multiplied.

use super::super::pattern::{Pattern, Syntax, Token};
use super::facts::Facts;
use std::borrow::Cow;

/// A text that may have wildcards and variables.
#[derive(Debug, Clone)]
pub(super) enum Glob {
    /// `*`.
    Everything,
    /// Neither wildcards nor variables.
    Exact(Box<str>),
    /// Wildcards, no variables.
    Glyphs(Box<[Glyph]>),
    /// Variables, and perhaps wildcards.
    Template(Box<[Token]>),
}

/// A sign of a pattern whose variables have been filled in. Text is matched by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    Byte(u8),
    Any,
    Star,
}

impl Glob {
    pub(super) fn new(text: &str, syntax: Syntax) -> Self {
        Self::of(&Pattern::parse(text, syntax).tokens)
    }

    pub(super) fn of(tokens: &[Token]) -> Self {
        if tokens == [Token::Star] {
            return Self::Everything;
        }
        if tokens.iter().any(|token| matches!(token, Token::Variable(_))) {
            return Self::Template(tokens.into());
        }
        let text: Option<String> = tokens
            .iter()
            .map(|token| if let Token::Char(character) = token { Some(*character) } else { None })
            .collect();
        match text {
            Some(text) => Self::Exact(text.into()),
            None => Self::Glyphs(glyphs(tokens, None).unwrap_or_default().into()),
        }
    }

    /// Its signs, with the variables filled in; nothing if one has no value.
    pub(super) fn glyphs(&self, facts: &Facts<'_>) -> Option<Vec<Glyph>> {
        match self {
            Self::Everything => Some(vec![Glyph::Star]),
            Self::Exact(text) => Some(text.bytes().map(Glyph::Byte).collect()),
            Self::Glyphs(pattern) => Some(pattern.to_vec()),
            Self::Template(tokens) => glyphs(tokens, Some(facts)),
        }
    }

    /// Whether a text is one that the pattern means. A variable without a value means none.
    pub(super) fn matches(&self, text: &str, facts: &Facts<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Exact(exact) => **exact == *text,
            Self::Glyphs(pattern) => glyphs_match(pattern, text),
            Self::Template(tokens) => glyphs(tokens, Some(facts)).is_some_and(|pattern| glyphs_match(&pattern, text)),
        }
    }
}

/// The signs of a pattern, its variables filled in. What stands for a variable is text: its stars
/// are stars. Nothing if a variable has no value.
pub(super) fn glyphs(tokens: &[Token], facts: Option<&Facts<'_>>) -> Option<Vec<Glyph>> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut buffer = [0; 4];
    for token in tokens {
        match token {
            Token::Char(character) => out.extend(character.encode_utf8(&mut buffer).bytes().map(Glyph::Byte)),
            Token::Any => out.push(Glyph::Any),
            Token::Star => out.push(Glyph::Star),
            Token::Variable(variable) => out.extend(facts?.variable(variable)?.bytes().map(Glyph::Byte)),
        }
    }
    Some(out)
}

/// Whether a text is one that the pattern means.
pub(super) fn glyphs_match(pattern: &[Glyph], text: &str) -> bool {
    let text = text.as_bytes();
    let (mut at, mut position) = (0, 0);
    // Behind the last star, and where in the text its share ends for now.
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(Glyph::Star) => {
                at += 1;
                if at == pattern.len() {
                    return true;
                }
                last_star = Some((at, position));
                continue;
            }
            Some(Glyph::Any) => {
                if let Some(byte) = text.get(position) {
                    (at, position) = (at + 1, position + length_of_character(*byte));
                    continue;
                }
            }
            Some(Glyph::Byte(byte)) if text.get(position) == Some(byte) => {
                (at, position) = (at + 1, position + 1);
                continue;
            }
            None if position == text.len() => return true,
            Some(Glyph::Byte(_)) | None => {}
        }
        let Some((behind, end)) = last_star else { return false };
        let Some(byte) = text.get(end) else { return false };
        (at, position) = (behind, end + length_of_character(*byte));
        last_star = Some((at, position));
    }
}

/// How many bytes the character has that begins with this one.
fn length_of_character(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// A text without wildcards that may have variables.
#[derive(Debug, Clone)]
pub(super) enum Literal {
    Text(Box<str>),
    Template(Box<[Token]>),
}

impl Literal {
    pub(super) fn new(text: &str, variables: bool) -> Self {
        let pattern = Pattern::parse(text, Syntax { wildcards: false, variables });
        match pattern.literal() {
            Some(text) => Self::Text(text.into()),
            None => Self::Template(pattern.tokens.into()),
        }
    }

    /// The text with its variables filled in; nothing if one has no value.
    pub(super) fn resolve(&self, facts: &Facts<'_>) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Template(tokens) => {
                let mut out = String::new();
                for token in tokens {
                    match token {
                        Token::Char(character) => out.push(*character),
                        Token::Variable(variable) => out.push_str(facts.variable(variable)?),
                        Token::Any | Token::Star => return None,
                    }
                }
                Some(Cow::Owned(out))
            }
        }
    }
}

/// Whether two texts are the same but for the case of their letters, of which there are those of
/// ASCII: that AWS folds others is not documented.
pub(super) fn same_but_for_case(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let syntax = Syntax { wildcards: true, variables: false };
        let request = super::super::super::Request::default();
        Glob::new(pattern, syntax).matches(text, &Facts::of(&request))
    }

    #[test]
    fn wildcards_match_characters_and_not_bytes() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("a*c*", "abcd", true),
            ("*?", "é", true),
            ("*??", "€", false),
            ("??", "é€", true),
            ("?", "", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("*aab", "aaaab", true),
            ("[a]", "a", false),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn ten_thousand_wildcards_end_soon() {
        let pattern = "*a".repeat(10_000);
        assert!(!matches(&pattern, &"a".repeat(9_999)));
        assert!(matches(&pattern, &"a".repeat(10_000)));
        assert!(!matches(&format!("{}b", "a*".repeat(1_000)), &"a".repeat(20_000)));
    }

    #[test]
    fn the_case_of_letters_of_ascii_is_ignored() {
        assert!(same_but_for_case("éCOLE", "école"));
        assert!(!same_but_for_case("École", "école") && !same_but_for_case("ecole", "école"));
    }

    /// The same by definition, however long it takes.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', pattern @ ..], _) => (0..=text.len()).any(|taken| by_definition(pattern, &text[taken..])),
            (['?', pattern @ ..], [_, text @ ..]) => by_definition(pattern, text),
            ([sign, pattern @ ..], [character, text @ ..]) => sign == character && by_definition(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_its_definition_says(pattern in "[ab€*?]{0,8}", text in "[ab€]{0,8}") {
            let signs: Vec<char> = pattern.chars().collect();
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(matches(&pattern, &text), by_definition(&signs, &characters));
        }
    }
}
