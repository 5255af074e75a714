//! Resources as sets: patterns without those that others cover.

use crate::policy::pattern::{Pattern, Syntax, Token};
use crate::policy::statement::Clause;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// How many patterns are compared with each other in one policy.
const MOST_COMPARED: usize = 200_000;
/// How many patterns are put into unions in one policy. Beyond that parts stay apart.
const MOST_UNITED: usize = 1_000_000;

/// A pattern in its [`Patterns`].
pub(super) type PatternId = usize;

/// Patterns that are shared by many actions: equal ones are mostly the very same.
#[derive(Debug, Clone)]
pub(super) struct Ids(Rc<[PatternId]>);

impl std::ops::Deref for Ids {
    type Target = [PatternId];

    fn deref(&self) -> &[PatternId] {
        &self.0
    }
}

impl FromIterator<PatternId> for Ids {
    fn from_iter<I: IntoIterator<Item = PatternId>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

impl Ord for Ids {
    fn cmp(&self, other: &Self) -> Ordering {
        if Rc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Ids {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ids {}

/// What a statement reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// There is no resource element: it is the resource that the policy stands at.
    Own,
    /// `*`.
    All,
    /// What matches one of these.
    Some(Ids),
    /// `NotResource`.
    AllBut(Ids),
}

/// Every resource pattern of a policy, once.
pub(super) struct Patterns {
    syntax: Syntax,
    texts: Vec<(String, Pattern)>,
    ids: HashMap<String, PatternId>,
    /// What may still be compared and united.
    compared: usize,
    united: usize,
}

impl Patterns {
    pub(super) fn new(variables: bool) -> Self {
        let syntax = Syntax { wildcards: true, variables };
        Self { syntax, texts: Vec::new(), ids: HashMap::new(), compared: MOST_COMPARED, united: MOST_UNITED }
    }

    /// The text of a pattern.
    pub(super) fn text(&self, id: PatternId) -> &str {
        self.texts.get(id).map_or("", |(text, _)| text)
    }

    /// The text with `*` in place of variables, for looking up what it may name.
    pub(super) fn without_variables(&self, id: PatternId) -> String {
        let Some((_, pattern)) = self.texts.get(id) else { return String::new() };
        let sign = |token: &Token| match token {
            Token::Char(character) => *character,
            Token::Any => '?',
            Token::Star | Token::Variable(_) => '*',
        };
        pattern.tokens.iter().map(sign).collect()
    }

    /// The first of some patterns, by text, where there are more than `most`.
    pub(super) fn first(&self, ids: &Ids, most: usize) -> Ids {
        if ids.len() <= most {
            return ids.clone();
        }
        let mut sorted: Vec<PatternId> = ids.to_vec();
        sorted.sort_unstable_by_key(|id| self.text(*id));
        sorted.truncate(most);
        sorted.sort_unstable();
        sorted.into_iter().collect()
    }

    /// The texts of patterns, sorted.
    #[cfg(test)]
    pub(super) fn sorted(&self, ids: &[PatternId]) -> Vec<&str> {
        let mut texts: Vec<&str> = ids.iter().map(|id| self.text(*id)).collect();
        texts.sort_unstable();
        texts
    }

    fn add(&mut self, text: &str) -> PatternId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.texts.len();
        self.texts.push((text.to_owned(), Pattern::parse(text, self.syntax)));
        self.ids.insert(text.to_owned(), id);
        id
    }

    /// What a resource element reaches. Nothing if it reaches nothing.
    pub(super) fn reach(&mut self, clause: Option<&Clause>) -> Option<Reach> {
        let Some(clause) = clause else { return Some(Reach::Own) };
        let all = clause.values.iter().any(|value| !value.is_empty() && value.bytes().all(|byte| byte == b'*'));
        let ids: BTreeSet<PatternId> = clause.values.iter().map(|value| self.add(value)).collect();
        match (clause.negated, all) {
            (true, true) => None,
            (false, true) => Some(Reach::All),
            (false, false) if ids.is_empty() => None,
            (true, false) if ids.is_empty() => Some(Reach::All),
            (true, false) => Some(Reach::AllBut(self.least(ids))),
            (false, false) => Some(Reach::Some(ids.into_iter().collect())),
        }
    }

    /// The union of what is reached, in as few parts as it has.
    pub(super) fn union<'r>(&mut self, reaches: impl IntoIterator<Item = &'r Reach>) -> BTreeSet<Reach> {
        let reaches: BTreeSet<&Reach> = reaches.into_iter().collect();
        let size = |reach: &&Reach| if let Reach::Some(ids) = reach { ids.len() } else { 0 };
        let sizes: usize = reaches.iter().map(size).sum();
        if reaches.len() > 1 && !spend(&mut self.united, sizes) {
            return reaches.into_iter().cloned().collect();
        }
        let mut parts = BTreeSet::new();
        let mut some = BTreeSet::new();
        for reach in reaches {
            match reach {
                Reach::Some(ids) => some.extend(ids.iter().copied()),
                other => {
                    parts.insert(other.clone());
                }
            }
        }
        if parts.contains(&Reach::All) {
            parts.retain(|part| matches!(part, Reach::All | Reach::Own));
        } else if !some.is_empty() {
            parts.insert(Reach::Some(self.least(some)));
        }
        parts
    }

    /// The patterns that no other of them covers.
    fn least(&mut self, ids: BTreeSet<PatternId>) -> Ids {
        let wide: Vec<PatternId> = ids.iter().copied().filter(|id| self.is_wide(*id)).collect();
        if !spend(&mut self.compared, wide.len() * ids.len()) {
            return ids.into_iter().collect();
        }
        let covered = |id: PatternId| wide.iter().any(|other| *other != id && self.covers(*other, id));
        ids.into_iter().filter(|id| !covered(*id)).collect()
    }

    fn is_wide(&self, id: PatternId) -> bool {
        self.texts.get(id).is_some_and(|(_, pattern)| pattern.tokens.iter().any(is_wild))
    }

    /// Whether everything that one matches the other does too, as far as their signs show it.
    fn covers(&self, wide: PatternId, narrow: PatternId) -> bool {
        let (Some((_, wide)), Some((_, narrow))) = (self.texts.get(wide), self.texts.get(narrow)) else { return false };
        let (Some(wide), Some(narrow)) = (wide.segments(), narrow.segments()) else { return false };
        wide.iter().zip(narrow).all(|(wide, narrow)| covers(wide, narrow))
    }

    /// What is left of one part when another is taken away. Only whole patterns are taken.
    pub(super) fn without(&mut self, part: Reach, taken: &Reach) -> Option<Reach> {
        if part == *taken {
            return None;
        }
        match (part, taken) {
            (Reach::Own, _) => Some(Reach::Own),
            (_, Reach::All) => None,
            (Reach::Some(ids), Reach::Some(by)) => {
                if !spend(&mut self.compared, ids.len() + by.len()) {
                    return Some(Reach::Some(ids));
                }
                let wide: Vec<PatternId> = by.iter().copied().filter(|id| self.is_wide(*id)).collect();
                let compare = spend(&mut self.compared, wide.len() * ids.len());
                let by: BTreeSet<PatternId> = by.iter().copied().collect();
                let covered =
                    |id: PatternId| by.contains(&id) || compare && wide.iter().any(|other| self.covers(*other, id));
                let left: Ids = ids.iter().copied().filter(|id| !covered(*id)).collect();
                (!left.is_empty()).then_some(Reach::Some(left))
            }
            (Reach::AllBut(ids), Reach::AllBut(fewer)) => {
                let compare = spend(&mut self.compared, ids.len() * fewer.len());
                let excepted = |id: &PatternId| ids.iter().any(|other| other == id || self.covers(*other, *id));
                if compare && fewer.iter().all(excepted) { None } else { Some(Reach::AllBut(ids)) }
            }
            (part, _) => Some(part),
        }
    }
}

/// Takes from what is left; whether there was enough.
fn spend(left: &mut usize, amount: usize) -> bool {
    let rest = left.checked_sub(amount);
    *left = rest.unwrap_or_default();
    rest.is_some()
}

fn is_wild(token: &Token) -> bool {
    matches!(token, Token::Any | Token::Star)
}

/// The signs of one pattern against those of another, as if these were a text.
fn covers(wide: &[Token], narrow: &[Token]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(token) = narrow.get(at) {
        match wide.get(next) {
            Some(Token::Star) => {
                next += 1;
                star = Some((next, at));
            }
            Some(sign) if sign == token || *sign == Token::Any && matches!(token, Token::Char(_)) => {
                next += 1;
                at += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (next, at) = (after, taken + 1);
            }
        }
    }
    wide.get(next..).unwrap_or_default().iter().all(|sign| *sign == Token::Star)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn union(lists: &[&[&str]]) -> Vec<String> {
        let mut patterns = Patterns::new(true);
        let reaches: Vec<Reach> = lists
            .iter()
            .filter_map(|list| patterns.reach(Some(&Clause::of(list.iter().map(|text| (*text).to_owned())))))
            .collect();
        let parts = patterns.union(&reaches);
        parts.iter().flat_map(|part| texts(&patterns, part)).collect()
    }

    fn texts(patterns: &Patterns, part: &Reach) -> Vec<String> {
        match part {
            Reach::Some(ids) => patterns.sorted(ids).into_iter().map(str::to_owned).collect(),
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn what_another_covers_is_left_out() {
        for (lists, left) in [
            (&[&["arn:aws:s3:::b/*", "arn:aws:s3:::b/x"][..], &["arn:aws:s3:::b/y?"]][..], &["arn:aws:s3:::b/*"][..]),
            (&[&["arn:aws:s3:::b"], &["*"]], &["All"]),
            (
                &[&["arn:aws:sqs:*:1:q", "arn:aws:sqs:a:1:q", "arn:aws:sqs:a:2:q"]],
                &["arn:aws:sqs:*:1:q", "arn:aws:sqs:a:2:q"],
            ),
            (&[&["arn:aws:s3:::a?", "arn:aws:s3:::a*"]], &["arn:aws:s3:::a*"]),
            (
                &[&["arn:aws:s3:::b/${aws:userid}", "arn:aws:s3:::b/${aws:username}"]],
                &["arn:aws:s3:::b/${aws:userid}", "arn:aws:s3:::b/${aws:username}"],
            ),
            (&[&["arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:userid}"]], &["arn:aws:s3:::b/*"]),
            (&[&["arn:aws:*:q", "arn:aws:sqs:a:1:q"]], &["arn:aws:*:q", "arn:aws:sqs:a:1:q"]),
        ] {
            assert_eq!(union(lists), left);
        }
    }

    #[test]
    fn exceptions_shrink_as_they_are_covered() {
        let mut patterns = Patterns::new(true);
        let mut but = |texts: &[&str]| {
            let values = texts.iter().map(|text| (*text).to_owned()).collect();
            patterns.reach(Some(&Clause { negated: true, values })).unwrap()
        };
        let narrow = but(&["arn:aws:s3:::a", "arn:aws:s3:::b"]);
        let wide = but(&["arn:aws:s3:::a"]);
        assert_eq!(patterns.without(narrow.clone(), &wide), None);
        assert_eq!(patterns.without(wide.clone(), &narrow), Some(wide));
        assert_eq!(patterns.reach(Some(&Clause { negated: true, values: vec!["*".into()] })), None);
    }
}
