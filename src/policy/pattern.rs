//! The texts of policies taken apart: characters, wildcards, variables.
//!
//! This is shared vocabulary. How a pattern is matched is written twice, once in
//! the evaluator and once in the comparison, so that each can check the other.

/// Whether a text has wildcards.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// A text of a policy as its signs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pattern {
    pub(super) tokens: Vec<Token>,
}

/// One sign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Token {
    /// Itself.
    Char(char),
    /// `?`: one character, whichever.
    Any,
    /// `*`: any text, also none.
    Star,
    /// `${key}`: what the request has under that key.
    Variable(Variable),
}

/// A policy variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Variable {
    /// The key, in lower case: keys are compared without regard to case.
    pub(super) key: String,
    /// What stands for it when the request lacks the key.
    pub(super) default: Option<String>,
}

/// Which signs mean more than themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) wildcards: bool,
    /// Only since version 2012-10-17.
    pub(super) variables: bool,
}

impl Pattern {
    /// Takes a text apart. Every text is a pattern; `${` without its end is only text.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if syntax.variables
                && let Some((token, after)) = braced(rest)
            {
                tokens.push(token);
                rest = after;
                continue;
            }
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            match character {
                // Two stars in a row are one.
                '*' if syntax.wildcards && tokens.last() == Some(&Token::Star) => {}
                '*' if syntax.wildcards => tokens.push(Token::Star),
                '?' if syntax.wildcards => tokens.push(Token::Any),
                other => tokens.push(Token::Char(other)),
            }
        }
        Self { tokens }
    }

    /// The text that it is, if it is only text.
    pub(super) fn literal(&self) -> Option<String> {
        self.tokens
            .iter()
            .map(|token| if let Token::Char(character) = token { Some(*character) } else { None })
            .collect()
    }

    /// The keys of its variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.tokens.iter().filter_map(|token| if let Token::Variable(variable) = token { Some(variable) } else { None })
    }

    /// Its parts between the first five colons, if there are six of them.
    pub(super) fn segments(&self) -> Option<[&[Token]; 6]> {
        let mut parts = self.tokens.splitn(6, |token| *token == Token::Char(':'));
        let segments = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        Some(segments)
    }
}

/// A variable or an escaped sign at the beginning of a text, and what follows it.
fn braced(text: &str) -> Option<(Token, &str)> {
    let inner = text.strip_prefix("${")?;
    let end = end_of(inner)?;
    let (name, after) = (inner.get(..end)?, inner.get(end + 1..)?);
    let token = match name {
        "*" => Token::Char('*'),
        "?" => Token::Char('?'),
        "$" => Token::Char('$'),
        _ => Token::Variable(variable(name)),
    };
    Some((token, after))
}

/// Where the brace closes. One within the quotes of a default does not.
fn end_of(inner: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted => return Some(at),
            _ => {}
        }
    }
    inner.find('}')
}

fn variable(name: &str) -> Variable {
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key, quoted(default.trim())),
        None => (name, None),
    };
    Variable { key: key.trim().to_ascii_lowercase(), default: default.map(str::to_owned) }
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Syntax = Syntax { wildcards: true, variables: true };

    fn shown(text: &str, syntax: Syntax) -> String {
        let token = |token: &Token| match token {
            Token::Char(character) => character.to_string(),
            Token::Any => "<any>".to_owned(),
            Token::Star => "<star>".to_owned(),
            Token::Variable(variable) => format!("<{}|{}>", variable.key, variable.default.as_deref().unwrap_or("-")),
        };
        Pattern::parse(text, syntax).tokens.iter().map(token).collect()
    }

    #[test]
    fn signs_are_what_the_syntax_makes_of_them() {
        for (text, all, plain) in [
            ("a*b?", "a<star>b<any>", "a*b?"),
            ("a***", "a<star>", "a***"),
            ("${aws:UserName}/x", "<aws:username|->/x", "${aws:UserName}/x"),
            ("${*}${?}${$}*", "*?$<star>", "${*}${?}${$}*"),
            ("${aws:PrincipalTag/Team, 'a}b'}c", "<aws:principaltag/team|a}b>c", "${aws:PrincipalTag/Team, 'a}b'}c"),
            ("${a", "${a", "${a"),
            ("${a'}", "<a'|->", "${a'}"),
            ("${}é", "<|->é", "${}é"),
        ] {
            assert_eq!(shown(text, ALL), all, "{text}");
            assert_eq!(shown(text, Syntax { wildcards: false, variables: false }), plain, "{text}");
        }
        assert_eq!(shown("${*}*", Syntax { wildcards: false, variables: true }), "**");
    }

    #[test]
    fn six_segments_end_at_the_first_five_colons_outside_of_variables() {
        let pattern = Pattern::parse("arn:aws:s3:*:${aws:PrincipalAccount}:a:b", ALL);
        let segments = pattern.segments().unwrap();
        assert_eq!(segments.map(<[Token]>::len), [3, 3, 2, 1, 1, 3]);
        assert!(Pattern::parse("arn:aws:s3", ALL).segments().is_none());
    }
}
