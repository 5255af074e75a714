//! From the texts of a policy to patterns that can be walked: variables given a
//! value or set free, resource patterns brought to six segments.

use super::super::pattern::{Pattern, Syntax, Token, Variable};
use super::glob::{Glob, Sign};
use crate::names::Arn;
use std::collections::BTreeMap;

/// What stands for policy variables.
#[derive(Debug, Clone)]
pub(super) enum Variables {
    /// Anything: a text with a variable may or may not match where it could.
    Free,
    /// One request's values; what is not here is absent from it.
    Fixed(BTreeMap<String, String>),
}

enum Resolved {
    Free,
    Text(String),
    Nothing,
}

impl Variables {
    fn resolve(&self, variable: &Variable) -> Resolved {
        match self {
            Self::Free => Resolved::Free,
            Self::Fixed(values) => {
                let value = values.get(&variable.key).or(variable.default.as_ref());
                value.map_or(Resolved::Nothing, |value| Resolved::Text(value.clone()))
            }
        }
    }
}

/// A text of a policy as something that matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Text {
    /// What it matches at most.
    pub(super) glob: Glob,
    /// Whether it may match less than that.
    pub(super) free: Option<Free>,
}

/// What a pattern that may match less is made of, and how it is compared: two that are the same
/// match alike, two others need not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Free {
    tokens: Vec<Token>,
    compared: Compared,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Compared {
    /// Sign for sign.
    Exactly,
    /// Whatever the case of letters.
    Folded,
    /// As `true` or `false`.
    AsBool,
    /// In segments.
    AsArn,
}

/// The text of a condition value; nothing if it can never match.
pub(super) fn condition_text(text: &str, syntax: Syntax, compared: Compared, variables: &Variables) -> Option<Text> {
    let pattern = Pattern::parse(text, syntax);
    let signs = Signs::of(&pattern.tokens, compared, variables)?;
    Some(signs.text(&pattern.tokens, compared))
}

/// A value of an ARN condition: wildcards of the first five segments stay within them.
pub(super) fn condition_arn(text: &str, syntax: Syntax, variables: &Variables) -> Option<Text> {
    let pattern = Pattern::parse(text, syntax);
    let mut signs = Signs::of(&pattern.tokens, Compared::AsArn, variables)?;
    // What stands for a variable may have colons, so that the segments show only when it is there.
    if !signs.free {
        let colons = signs.signs.iter().enumerate().filter(|(_, sign)| **sign == Sign::Char(':'));
        match colons.map(|(at, _)| at).nth(4) {
            Some(fifth) => bind(&mut signs.signs, fifth),
            // AWS's documentation leaves open whether a last star goes on over colons here.
            None if signs.signs.last() == Some(&Sign::Star { bound: false }) => signs.free = true,
            None => return None,
        }
    }
    Some(signs.text(&pattern.tokens, Compared::AsArn))
}

/// Keeps the wildcards before a place within their segments.
fn bind(signs: &mut [Sign], end: usize) {
    for sign in signs.iter_mut().take(end) {
        match sign {
            Sign::Any { bound } | Sign::Star { bound } => *bound = true,
            Sign::Char(_) | Sign::Folded(_) | Sign::Digit => {}
        }
    }
}

struct Signs {
    signs: Vec<Sign>,
    free: bool,
}

impl Signs {
    /// The signs of a text; nothing if a variable in it has no value.
    fn of(tokens: &[Token], compared: Compared, variables: &Variables) -> Option<Self> {
        let sign = |character: char| match compared {
            Compared::Folded | Compared::AsBool if character.is_ascii_alphabetic() => {
                Sign::Folded(character.to_ascii_lowercase())
            }
            _ => Sign::Char(character),
        };
        let mut all = Self { signs: Vec::with_capacity(tokens.len()), free: false };
        for token in tokens {
            match token {
                Token::Char(character) => all.signs.push(sign(*character)),
                Token::Any => all.signs.push(Sign::Any { bound: false }),
                Token::Star => all.signs.push(Sign::Star { bound: false }),
                Token::Variable(variable) => match variables.resolve(variable) {
                    Resolved::Text(text) => all.signs.extend(text.chars().map(sign)),
                    Resolved::Nothing => return None,
                    Resolved::Free => {
                        all.free = true;
                        all.signs.push(Sign::Star { bound: false });
                    }
                },
            }
        }
        Some(all)
    }

    fn text(self, tokens: &[Token], compared: Compared) -> Text {
        let free = self.free.then(|| Free { tokens: tokens.to_vec(), compared });
        Text { glob: Glob::of(self.signs), free }
    }
}

/// What becomes of a resource pattern with fewer than six segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Short {
    /// The missing segments are anything: policies of identities, boundaries.
    Completed,
    /// It matches nothing: policies of resources.
    Nothing,
    /// It is not documented, or IAM refuses the policy: session policies, SCPs, RCPs.
    Undecided,
}

/// A resource pattern of a policy. `G` is a pattern of one segment, or its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ArnPattern<G = Glob> {
    /// Whether it matches `*`, which is what actions without a resource ask for.
    pub(super) star: bool,
    /// The ways to match an ARN, each segment by segment.
    pub(super) ways: Vec<[G; 6]>,
    /// Whether it may match less than that.
    pub(super) free: Option<Free>,
}

/// More ways than this to spread a short pattern over six segments are not followed.
const MOST_WAYS: usize = 64;

impl ArnPattern {
    /// The same with numbers for patterns.
    pub(super) fn numbered(self, mut number: impl FnMut(Glob) -> usize) -> ArnPattern<usize> {
        let ways = self.ways.into_iter().map(|way| way.map(&mut number)).collect();
        ArnPattern { star: self.star, ways, free: self.free }
    }

    /// Reads a text. One with fewer than six segments is several patterns: what it matches for
    /// certain, and what it may match.
    pub(super) fn read(text: &str, short: Short, version_has_variables: bool, variables: &Variables) -> Vec<Self> {
        let pattern = Pattern::parse(text, Syntax { wildcards: true, variables: version_has_variables });
        if pattern.tokens == [Token::Star] {
            return vec![Self { star: true, ways: vec![everything()], free: None }];
        }
        match pattern.segments() {
            Some(segments) => Self::whole(&pattern.tokens, segments, variables).into_iter().collect(),
            None => Self::short(&pattern.tokens, short),
        }
    }

    fn whole(tokens: &[Token], [head @ .., tail]: [&[Token]; 6], variables: &Variables) -> Option<Self> {
        // Only the last segment has variables; elsewhere it is not known what they do.
        let misplaced = head.iter().any(|segment| segment.iter().any(is_variable));
        let tail = text_of(tail, variables)?;
        let head = head.iter().filter_map(|segment| text_of(segment, &Variables::Free)).map(|text| text.glob);
        let way: [Glob; 6] = head.chain([tail.glob]).collect::<Vec<_>>().try_into().ok()?;
        let is_free = tail.free.is_some() || misplaced;
        Some(Self { star: false, ways: vec![way], free: is_free.then(|| free(tokens)) })
    }

    fn short(tokens: &[Token], short: Short) -> Vec<Self> {
        let Some(text) = text_of(tokens, &Variables::Free) else { return Vec::new() };
        let runs_on = tokens.last() == Some(&Token::Star);
        let mut ways = Vec::new();
        if tokens.len() <= Arn::MAX_LENGTH {
            spread(text.glob.signs(), 6, &mut Vec::new(), &mut ways);
        }
        if ways.len() > MOST_WAYS || tokens.len() > Arn::MAX_LENGTH {
            ways = vec![everything()];
        }
        // Whether wildcards stand for colons here is not documented.
        let mut patterns = vec![Self { star: false, ways, free: Some(free(tokens)) }];
        let completed = vec![completed(text.glob.signs())];
        let doubt = text.free.or_else(|| (short == Short::Undecided).then(|| free(tokens)));
        if runs_on || short != Short::Nothing {
            patterns.push(Self { star: false, ways: completed, free: doubt });
        }
        patterns
    }
}

fn is_variable(token: &Token) -> bool {
    matches!(token, Token::Variable(_))
}

fn text_of(tokens: &[Token], variables: &Variables) -> Option<Text> {
    Some(Signs::of(tokens, Compared::AsArn, variables)?.text(tokens, Compared::AsArn))
}

fn free(tokens: &[Token]) -> Free {
    Free { tokens: tokens.to_vec(), compared: Compared::AsArn }
}

fn everything() -> [Glob; 6] {
    std::array::from_fn(|_| Glob::everything())
}

/// The segments that are written, and `*` for those that are missing.
fn completed(signs: &[Sign]) -> [Glob; 6] {
    let mut segments = signs.split(|sign| *sign == Sign::Char(':'));
    std::array::from_fn(|_| segments.next().map_or_else(Glob::everything, |signs| Glob::of(signs.to_vec())))
}

/// All ways to cut a pattern into six segments, where wildcards may stand for the colons between.
fn spread(signs: &[Sign], left: usize, head: &mut Vec<Glob>, ways: &mut Vec<[Glob; 6]>) {
    if left == 1 {
        let way: Vec<Glob> = head.iter().cloned().chain([Glob::of(signs.to_vec())]).collect();
        ways.extend(<[Glob; 6]>::try_from(way).ok());
        return;
    }
    for (at, sign) in signs.iter().enumerate() {
        if ways.len() > MOST_WAYS {
            return;
        }
        let (before, after) = match sign {
            Sign::Star { .. } => (signs.get(..=at), signs.get(at..)),
            Sign::Any { .. } | Sign::Char(':') => (signs.get(..at), signs.get(at + 1..)),
            _ => continue,
        };
        head.push(Glob::of(before.unwrap_or_default().to_vec()));
        spread(after.unwrap_or_default(), left - 1, head, ways);
        head.pop();
        // The segment ends here at the latest.
        if *sign == Sign::Char(':') {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an ARN is matched for certain, and whether it may be.
    fn matches(patterns: &[ArnPattern], arn: &str) -> (bool, bool) {
        let segments: Vec<&str> = arn.splitn(6, ':').collect();
        let matches = |pattern: &&ArnPattern| {
            pattern.ways.iter().any(|way| way.iter().zip(&segments).all(|(glob, segment)| glob.matches(segment)))
        };
        let matching: Vec<&ArnPattern> = patterns.iter().filter(matches).collect();
        (matching.iter().any(|pattern| pattern.free.is_none()), !matching.is_empty())
    }

    fn arn(text: &str, short: Short) -> Vec<ArnPattern> {
        ArnPattern::read(text, short, true, &Variables::Free)
    }

    #[test]
    fn short_patterns_are_completed_or_undecided_or_match_nothing() {
        let bucket = "arn:aws:s3:::orders/a:b";
        let (yes, perhaps, no) = ((true, true), (false, true), (false, false));
        for (text, completed, nothing, undecided) in [
            ("*", yes, yes, yes),
            ("arn:*", yes, yes, perhaps),
            ("arn:aws:s3*", yes, yes, perhaps),
            ("arn:aws:s3:*", yes, yes, perhaps),
            ("arn:*orders*", perhaps, perhaps, perhaps),
            ("arn:aws:s3", yes, no, perhaps),
            ("arn:aws:sqs", no, no, no),
            ("orders*", no, no, no),
        ] {
            assert_eq!(matches(&arn(text, Short::Completed), bucket), completed, "{text}");
            assert_eq!(matches(&arn(text, Short::Nothing), bucket), nothing, "{text}");
            assert_eq!(matches(&arn(text, Short::Undecided), bucket), undecided, "{text}");
        }
    }

    #[test]
    fn wildcards_stay_within_the_first_five_segments() {
        assert!(matches(&arn("arn:aws:s3:::a*d", Short::Completed), "arn:aws:s3:::ab:c/d").0);
        assert!(!matches(&arn("arn:aws:*:::a", Short::Completed), "arn:aws:x:y:::a").1);
    }

    #[test]
    fn only_a_lone_star_matches_the_resource_of_no_resource() {
        for (text, star) in [("*", true), ("?", false), ("${*}", false), ("arn:*", false), ("*:*", false), ("", false)]
        {
            assert_eq!(arn(text, Short::Completed).iter().any(|pattern| pattern.star), star, "{text}");
        }
    }

    #[test]
    fn variables_are_free_fixed_or_absent() {
        let text = "arn:aws:s3:::home/${aws:username}/*";
        assert_eq!(matches(&arn(text, Short::Completed), "arn:aws:s3:::home/bob/x"), (false, true));
        let fixed = Variables::Fixed([("aws:username".to_owned(), "b*b".to_owned())].into());
        let fixed = ArnPattern::read(text, Short::Completed, true, &fixed);
        assert!(matches(&fixed, "arn:aws:s3:::home/b*b/x").0 && !matches(&fixed, "arn:aws:s3:::home/bob/x").1);
        let absent = ArnPattern::read(text, Short::Completed, true, &Variables::Fixed(BTreeMap::new()));
        assert!(absent.is_empty());
        assert!(
            arn("arn:aws:sqs:${aws:region}:1:q", Short::Completed).iter().all(|pattern| pattern.free.is_some()),
            "misplaced"
        );
        let old = ArnPattern::read("${a}", Short::Completed, false, &Variables::Free);
        assert!(old.iter().any(|pattern| pattern.free.is_none()), "an old version has no variables");
    }
}
