//! Whether the ARN that a scope names may be a resource of a certain type.
//!
//! Both sides are patterns: the user's ARN has `*` and `?`, the type's template
//! has `${Variables}` (and, rarely, `*`). They fit when some ARN matches both.
//!
//! There are two manners, because IAM's `*` crosses every border within the
//! last part of an ARN, and people seldom mean that:
//!
//! - **loose**: as IAM matches. `arn:aws:s3:::orders-*` may be a bucket or an
//!   object in one. Only this holds against a type: where the template of
//!   another type of the service goes on with a `/`, as the object's
//!   `${BucketName}/${ObjectName}` does after the bucket's `${BucketName}`, the
//!   variable contains no `/`. So `arn:aws:s3:::orders/*` is no bucket.
//! - **close**: a wildcard stands for one name or a piece of it, never for a
//!   `/` or `:`, and a variable never contains the separator that follows it.
//!   `arn:aws:s3:::orders-*` is a bucket.

use crate::names::Arn;

/// How strictly an ARN must have the structure of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Wildcards and variables stay within one name.
    Close,
    /// As IAM matches.
    Loose,
}

/// The template of a resource type's ARNs, ready for matching.
#[derive(Debug, Clone)]
pub(super) struct Template {
    service: &'static str,
    region: &'static str,
    account: &'static str,
    resource: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Byte(u8),
    /// Any text, also none.
    Rest,
    Variable(Border),
}

/// What follows a variable: the separators that it cannot contain.
#[derive(Debug, Clone, Copy, Default)]
struct Border {
    /// In both manners: another type's ARNs go on with `/` here.
    slash_always: bool,
    slash: bool,
    colon: bool,
}

impl Template {
    /// Reads a template. `siblings` are all templates of its service.
    pub(super) fn read(text: &'static str, siblings: &[&'static str]) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (_, _) = (parts.next()?, parts.next()?);
        let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let mut pieces = pieces(resource);
        if let Some(Piece::Variable(border)) = pieces.last_mut() {
            let own = outline(text);
            for next in siblings.iter().filter_map(|other| outline(other).strip_prefix(&own)?.bytes().next()) {
                border.slash |= next == b'/';
                border.slash_always |= next == b'/';
                border.colon |= next == b':';
            }
        }
        Some(Self { service, region, account, resource: pieces })
    }

    /// Whether some ARN matches the user's pattern and this template.
    pub(super) fn fits(&self, arn: &Arn, manner: Manner) -> bool {
        (is_variable(self.service) || self.service == arn.service())
            && region_fits(self.region, arn.region())
            && account_fits(self.account, arn.account())
            && self.begins_like(arn.resource())
            && meet(&user_tokens(arn.resource(), manner), &self.tokens(manner))
    }

    /// The literal account of the template, such as `aws`, if it has one.
    pub(super) fn literal_account(&self) -> Option<&'static str> {
        let literal = !self.account.is_empty() && !is_variable(self.account) && self.account != "*";
        literal.then_some(self.account)
    }

    /// A quick answer for the many types whose literal beginning differs.
    fn begins_like(&self, resource: &str) -> bool {
        let literal = self.resource.iter().map_while(|piece| match piece {
            Piece::Byte(byte) => Some(*byte),
            _ => None,
        });
        literal.zip(resource.bytes()).take_while(|(_, user)| !b"*?".contains(user)).all(|(ours, user)| ours == user)
    }

    fn tokens(&self, manner: Manner) -> Vec<Token> {
        let mut tokens = Vec::with_capacity(self.resource.len() + 4);
        for piece in &self.resource {
            match *piece {
                Piece::Byte(byte) => tokens.push(Token::Byte(byte)),
                Piece::Rest => tokens.push(Token::Many(Class::ANY)),
                Piece::Variable(border) => {
                    let close = manner == Manner::Close;
                    let class = Class {
                        slash: !(border.slash_always || close && border.slash),
                        colon: !(close && border.colon),
                    };
                    tokens.extend([Token::One(class), Token::Many(class)]);
                }
            }
        }
        tokens
    }
}

/// A template with its variables made alike, for comparing two of them.
fn outline(text: &str) -> String {
    let mut outline = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        outline.push_str(before);
        outline.push('$');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    outline.push_str(rest);
    outline
}

fn pieces(resource: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = resource;
    while let Some(byte) = rest.bytes().next() {
        if let Some((_, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            let border = Border { slash: after.starts_with('/'), colon: after.starts_with(':'), slash_always: false };
            pieces.push(Piece::Variable(border));
            rest = after;
        } else {
            pieces.push(if byte == b'*' { Piece::Rest } else { Piece::Byte(byte) });
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    pieces
}

fn is_variable(part: &str) -> bool {
    part.starts_with("${")
}

fn region_fits(template: &str, user: &str) -> bool {
    match template {
        "*" => true,
        _ if is_variable(template) => !user.is_empty(),
        literal => glob(user, literal),
    }
}

fn account_fits(template: &str, user: &str) -> bool {
    match template {
        "*" => true,
        _ if is_variable(template) => {
            !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit() || b"*?".contains(&byte))
        }
        literal => glob(user, literal),
    }
}

/// Whether a pattern with `*` and `?` matches a text exactly, case included.
pub(in crate::policy) fn glob(pattern: &str, text: &str) -> bool {
    let literal: Vec<Token> = text.bytes().map(Token::Byte).collect();
    meet(&user_tokens(pattern, Manner::Loose), &literal)
}

fn user_tokens(pattern: &str, manner: Manner) -> Vec<Token> {
    let class = if manner == Manner::Close { Class { slash: false, colon: false } } else { Class::ANY };
    pattern
        .bytes()
        .map(|byte| match byte {
            b'*' => Token::Many(class),
            b'?' => Token::One(class),
            literal => Token::Byte(literal),
        })
        .collect()
}

/// A set of bytes: all, or all but a separator.
#[derive(Debug, Clone, Copy)]
struct Class {
    slash: bool,
    colon: bool,
}

impl Class {
    const ANY: Self = Self { slash: true, colon: true };

    fn has(self, byte: u8) -> bool {
        match byte {
            b'/' => self.slash,
            b':' => self.colon,
            _ => true,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Token {
    Byte(u8),
    One(Class),
    Many(Class),
}

impl Token {
    fn repeats(self) -> bool {
        matches!(self, Self::Many(_))
    }

    /// Whether one byte may stand for both.
    fn shares_a_byte(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(a), Self::Byte(b)) => a == b,
            (Self::Byte(byte), Self::One(class) | Self::Many(class))
            | (Self::One(class) | Self::Many(class), Self::Byte(byte)) => class.has(byte),
            // Every class has letters.
            _ => true,
        }
    }
}

/// Whether some text matches both patterns: a walk over the pairs of places in
/// the two, in time proportional to the product of their lengths.
fn meet(left: &[Token], right: &[Token]) -> bool {
    let mut here = vec![false; right.len() + 1];
    here[0] = true;
    for row in 0..=left.len() {
        let token = left.get(row).copied();
        let mut below = vec![false; right.len() + 1];
        for column in 0..=right.len() {
            if !here[column] {
                continue;
            }
            let other = right.get(column).copied();
            if token.is_none() && other.is_none() {
                return true;
            }
            if token.is_some_and(Token::repeats) {
                below[column] = true;
            }
            if other.is_some_and(Token::repeats) {
                here[column + 1] = true;
            }
            if let (Some(token), Some(other)) = (token, other)
                && token.shares_a_byte(other)
            {
                let column = if other.repeats() { column } else { column + 1 };
                let next = if token.repeats() { &mut here } else { &mut below };
                next[column] = true;
            }
        }
        here = below;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S3: [&str; 2] = ["arn:${Partition}:s3:::${BucketName}", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"];
    const LOGS: [&str; 2] = [
        "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}",
        "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}",
    ];

    fn fitting(templates: [&'static str; 2], arn: &str, manner: Manner) -> [bool; 2] {
        let arn = Arn::parse(arn).unwrap();
        templates.map(|template| Template::read(template, &templates).unwrap().fits(&arn, manner))
    }

    #[test]
    fn a_bucket_is_no_object_and_the_other_way_round() {
        for manner in [Manner::Close, Manner::Loose] {
            assert_eq!(fitting(S3, "arn:aws:s3:::orders", manner), [true, false]);
            assert_eq!(fitting(S3, "arn:aws:s3:::orders/*", manner), [false, true]);
            assert_eq!(fitting(S3, "arn:aws:s3:::orders/2026/*/a", manner), [false, true]);
            assert_eq!(fitting(S3, "arn:aws:s3:::*/*", manner), [false, true]);
            assert_eq!(fitting(S3, "arn:aws:s3:::orders/", manner), [false, false], "a key is not empty");
        }
    }

    #[test]
    fn a_wildcard_within_a_name_is_closest_to_that_name_alone() {
        for arn in ["arn:aws:s3:::orders-*", "arn:aws:s3:::*", "arn:aws:s3:::o?ders*"] {
            assert_eq!(fitting(S3, arn, Manner::Close), [true, false], "{arn}");
            assert_eq!(fitting(S3, arn, Manner::Loose), [true, true], "{arn}");
        }
    }

    #[test]
    fn a_log_group_may_have_slashes_and_end_with_a_star() {
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/x";
        assert_eq!(fitting(LOGS, group, Manner::Close), [true, false]);
        assert_eq!(fitting(LOGS, &format!("{group}:*"), Manner::Close), [false, false]);
        assert_eq!(fitting(LOGS, &format!("{group}:*"), Manner::Loose), [true, true]);
        assert_eq!(fitting(LOGS, &format!("{group}:log-stream:a"), Manner::Close), [false, true]);
    }

    #[test]
    fn region_and_account_must_be_there_or_not_as_the_template_has_them() {
        for wrong in ["arn:aws:s3:eu-west-1::orders", "arn:aws:s3::123456789012:orders", "arn:aws:sqs:::orders"] {
            assert_eq!(fitting(S3, wrong, Manner::Loose), [false, false], "{wrong}");
        }
        for wrong in [
            "arn:aws:logs:::log-group:a",
            "arn:aws:logs:eu-west-1::log-group:a",
            "arn:aws:logs:eu-west-1:aws:log-group:a",
        ] {
            assert_eq!(fitting(LOGS, wrong, Manner::Loose), [false, false], "{wrong}");
        }
        assert_eq!(fitting(LOGS, "arn:aws:logs:*:123456789012:log-group:a", Manner::Close), [true, false]);
    }

    #[test]
    fn globs_match_whole_texts() {
        assert!(glob("get*", "getobject"));
        assert!(glob("*ob?ect", "getobject"));
        assert!(glob("*", ""));
        assert!(!glob("get", "getobject"));
        assert!(!glob("get?", "get"));
        assert!(!glob("", "a"));
    }

    proptest! {
        #[test]
        fn a_text_made_from_a_pattern_matches_it(pieces in proptest::collection::vec(("[ab*?]", "[ab/:]{0,3}"), 0..12)) {
            let pattern: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
            let text: String = pieces.iter().map(|(piece, filling)| match piece.as_str() {
                "*" => filling.clone(),
                "?" => "b".to_owned(),
                literal => literal.to_owned(),
            }).collect();
            prop_assert!(glob(&pattern, &text));
            let longer = text + "z";
            prop_assert!(!glob(&pattern, &longer) || pattern.ends_with(['*', '?']));
        }
    }
}
