//! Patterns of ARNs: of resources, and of the values of `Arn…` conditions.
//!
//! The first five parts are matched one by one, and no wildcard reaches beyond
//! its colon; what follows the fifth colon takes anything (IAM user guide,
//! `Resource` and "Amazon Resource Name (ARN) condition operators").

use super::super::pattern::{Pattern, Syntax, Token};
use super::facts::{ArnText, Facts};
use super::glob::{Glob, Glyph, glyphs, glyphs_match};
use super::tri::Tri;

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct ArnPattern(Shape);

#[derive(Debug, Clone)]
enum Shape {
    /// A lone `*`.
    Everything,
    /// Six parts, or fewer.
    Parts(Box<Parts>),
    /// With variables before the fifth colon: the parts show only once they are filled in.
    Variables(Box<[Token]>),
}

#[derive(Debug, Clone)]
struct Parts {
    /// The six parts; those that are missing are `*`.
    six: [Glob; 6],
    /// For a pattern with fewer parts: the whole as one text.
    short: Option<Glob>,
}

/// How a pattern fits an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fits {
    No,
    Yes,
    /// The pattern has fewer than six parts: whether it fits when the missing ones are `*`, and
    /// whether its text fits as a whole.
    Short {
        completed: bool,
        whole: bool,
    },
    /// It fits if variables before the fifth colon are filled in, as the documentation says they
    /// cannot be.
    Misplaced,
}

impl ArnPattern {
    pub(super) fn new(text: &str, variables: bool) -> Self {
        let pattern = Pattern::parse(text, Syntax { wildcards: true, variables });
        if pattern.tokens == [Token::Star] {
            return Self(Shape::Everything);
        }
        let ahead = match pattern.segments() {
            Some([head @ .., _tail]) => head.iter().any(|part| has_variable(part)),
            None => has_variable(&pattern.tokens),
        };
        if ahead {
            return Self(Shape::Variables(pattern.tokens.into()));
        }
        Self(Shape::Parts(Box::new(match pattern.segments() {
            Some(parts) => Parts { six: parts.map(Glob::of), short: None },
            None => Parts { six: completed(&pattern.tokens), short: Some(Glob::of(&pattern.tokens)) },
        })))
    }

    /// Its signs, with the variables filled in; nothing if one has no value.
    pub(super) fn glyphs(&self, facts: &Facts<'_>) -> Option<Vec<Glyph>> {
        match &self.0 {
            Shape::Everything => Some(vec![Glyph::Star]),
            Shape::Variables(tokens) => glyphs(tokens, Some(facts)),
            Shape::Parts(parts) => parts.glyphs(facts),
        }
    }

    pub(super) fn is_everything(&self) -> bool {
        matches!(self.0, Shape::Everything)
    }

    /// How the pattern fits the resource of a request. The resource `*` of an action that has no
    /// other is meant by the pattern `*` alone.
    pub(super) fn fits(&self, resource: ArnText<'_>, facts: &Facts<'_>) -> Fits {
        match &self.0 {
            Shape::Everything => Fits::Yes,
            _ if resource.text == "*" => Fits::No,
            Shape::Parts(parts) => parts.fits(resource, facts),
            Shape::Variables(tokens) => {
                let Some(pattern) = glyphs(tokens, Some(facts)) else { return Fits::No };
                match (six(&pattern), resource.parts) {
                    (Some(six), Some(parts))
                        if six.iter().zip(parts).all(|(glyphs, part)| glyphs_match(glyphs, part)) =>
                    {
                        Fits::Misplaced
                    }
                    (Some(_), _) => Fits::No,
                    (None, _) => Fits::Short { completed: false, whole: glyphs_match(&pattern, resource.text) },
                }
            }
        }
    }

    /// Whether a value of a key fits a value of an `Arn…` condition, where variables may stand anywhere.
    pub(super) fn holds_for(&self, value: &str, facts: &Facts<'_>) -> Tri<&'static str> {
        const SHORT: &str = "the documentation leaves open what a pattern of an ARN with fewer than six parts matches";
        let value = ArnText::new(value);
        if value.parts.is_none() {
            return Tri::No;
        }
        match self.fits(value, facts) {
            Fits::Yes if self.is_everything() => Tri::Unknown(SHORT),
            Fits::Short { whole: true, .. } => Tri::Unknown(SHORT),
            Fits::Misplaced | Fits::Yes => Tri::Yes,
            Fits::Short { whole: false, .. } | Fits::No => Tri::No,
        }
    }
}

impl Parts {
    fn glyphs(&self, facts: &Facts<'_>) -> Option<Vec<Glyph>> {
        if let Some(short) = &self.short {
            return short.glyphs(facts);
        }
        let parts = self.six.iter().map(|part| part.glyphs(facts)).collect::<Option<Vec<_>>>()?;
        Some(parts.join(&Glyph::Byte(b':')))
    }

    fn fits(&self, resource: ArnText<'_>, facts: &Facts<'_>) -> Fits {
        let in_parts = resource
            .parts
            .is_some_and(|parts| self.six.iter().zip(parts).all(|(pattern, part)| pattern.matches(part, facts)));
        match &self.short {
            Some(short) => Fits::Short { completed: in_parts, whole: short.matches(resource.text, facts) },
            None if in_parts => Fits::Yes,
            None => Fits::No,
        }
    }
}

fn has_variable(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Variable(_)))
}

/// The parts of a pattern that has fewer than six, with `*` for those that are missing.
fn completed(tokens: &[Token]) -> [Glob; 6] {
    let mut parts = tokens.split(|token| *token == Token::Char(':'));
    std::array::from_fn(|_| parts.next().map_or(Glob::Everything, Glob::of))
}

pub(super) fn six(glyphs: &[Glyph]) -> Option<[&[Glyph]; 6]> {
    let mut parts = glyphs.splitn(6, |glyph| *glyph == Glyph::Byte(b':'));
    Some([parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?])
}
