//! Patterns over texts, and one text for each way in which patterns can match.

mod walk;

use super::budget::{Budget, Exhausted};
use super::hash::{Map, Set};
use walk::Walk;

/// A pattern whose variables are gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Glob {
    signs: Vec<Sign>,
    /// The text that it is, if it is only text.
    literal: Option<String>,
    /// The text before its only star, if that stands at its end and no other sign is in it.
    prefix: Option<String>,
}

/// One sign of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Sign {
    /// This character.
    Char(char),
    /// This letter in either case.
    Folded(char),
    /// A digit.
    Digit,
    /// Any one character; but none that ends a segment, if it is bound to one.
    Any { bound: bool },
    /// Any text; but none that ends a segment, if it is bound to one.
    Star { bound: bool },
}

impl Sign {
    pub(super) fn takes(self, character: char) -> bool {
        match self {
            Self::Char(own) => own == character,
            Self::Folded(own) => own.eq_ignore_ascii_case(&character),
            Self::Digit => character.is_ascii_digit(),
            Self::Any { bound } | Self::Star { bound } => !(bound && character == ':'),
        }
    }

    pub(super) fn repeats(self) -> bool {
        matches!(self, Self::Star { .. })
    }
}

impl Glob {
    pub(super) fn of(signs: Vec<Sign>) -> Self {
        let literal = spelt(&signs);
        let prefix = match signs.split_last() {
            Some((Sign::Star { bound: false }, rest)) => spelt(rest),
            _ => None,
        };
        Self { signs, literal, prefix }
    }

    pub(super) fn text(text: &str) -> Self {
        Self { signs: text.chars().map(Sign::Char).collect(), literal: Some(text.to_owned()), prefix: None }
    }

    /// `*`.
    pub(super) fn everything() -> Self {
        Self::of(vec![Sign::Star { bound: false }])
    }

    pub(super) fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    pub(super) fn signs(&self) -> &[Sign] {
        &self.signs
    }

    pub(super) fn is_everything(&self) -> bool {
        matches!(self.signs.as_slice(), [Sign::Star { bound: false }])
    }

    /// How much work it is to match a character.
    fn cost(&self) -> usize {
        if self.prefix.is_some() { 0 } else { self.signs.len() }
    }

    /// Whether it matches a whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        if let Some(literal) = &self.literal {
            return literal == text;
        }
        if self.is_everything() {
            return true;
        }
        if let Some(prefix) = &self.prefix {
            return text.starts_with(prefix.as_str());
        }
        // The places in the pattern that the text may have reached: that many signs are behind.
        let mut places = vec![false; self.signs.len() + 1];
        places[0] = true;
        self.pass_stars(&mut places);
        for character in text.chars() {
            let mut next = vec![false; places.len()];
            for (at, sign) in self.signs.iter().enumerate() {
                if places[at] && sign.takes(character) {
                    next[if sign.repeats() { at } else { at + 1 }] = true;
                }
            }
            places = next;
            self.pass_stars(&mut places);
        }
        places[self.signs.len()]
    }

    /// A star may stand for nothing.
    fn pass_stars(&self, places: &mut [bool]) {
        for (at, sign) in self.signs.iter().enumerate() {
            if places[at] && sign.repeats() {
                places[at + 1] = true;
            }
        }
    }
}

fn spelt(signs: &[Sign]) -> Option<String> {
    signs.iter().map(|sign| if let Sign::Char(character) = sign { Some(*character) } else { None }).collect()
}

/// A set of texts that the same patterns match, with one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    /// The indexes of the patterns that match, in order.
    pub(super) matching: Vec<usize>,
    /// One of the texts.
    pub(super) example: String,
}

/// Every set of patterns that some text matches exactly, each once.
///
/// INVARIANT: for every text there is a class whose `matching` are the patterns that match it.
pub(super) fn classes(globs: &[&Glob], budget: &Budget) -> Result<Vec<Class>, Exhausted> {
    let wild: Vec<usize> = (0..globs.len()).filter(|index| literal(globs, *index).is_none()).collect();
    let mut found = Found::default();
    let mut literals: Map<&str, Vec<usize>> = Map::default();
    for (index, text) in globs.iter().enumerate().filter_map(|(index, glob)| Some((index, glob.literal()?))) {
        literals.entry(text).or_default().push(index);
    }
    let mut texts: Vec<(&str, &Vec<usize>)> = literals.iter().map(|(text, indexes)| (*text, indexes)).collect();
    texts.sort_by_key(|(_, indexes)| indexes.first().copied());
    let signs: usize = wild.iter().filter_map(|index| globs.get(*index)).map(|glob| glob.cost()).sum();
    for (text, indexes) in texts {
        budget.spend(1 + wild.len() + text.len() * signs / 16)?;
        let wild = wild.iter().filter(|index| globs.get(**index).is_some_and(|glob| glob.matches(text)));
        let mut matching: Vec<usize> = indexes.iter().chain(wild).copied().collect();
        matching.sort_unstable();
        found.add(matching, text.to_owned());
    }
    let prefixes: Option<Vec<(usize, &str)>> =
        wild.iter().map(|index| Some((*index, globs.get(*index)?.prefix.as_deref()?))).collect();
    match prefixes {
        Some(prefixes) => beyond_prefixes(&prefixes, &literals, globs, budget, &mut found)?,
        None => beyond_patterns(&wild, &literals, globs, budget, &mut found)?,
    }
    Ok(found.classes)
}

fn literal<'a>(globs: &[&'a Glob], index: usize) -> Option<&'a str> {
    globs.get(index)?.literal()
}

#[derive(Default)]
struct Found {
    seen: Set<Vec<usize>>,
    classes: Vec<Class>,
}

impl Found {
    fn add(&mut self, matching: Vec<usize>, example: String) {
        if self.seen.insert(matching.clone()) {
            self.classes.push(Class { matching, example });
        }
    }
}

/// The texts that are no literal, where every pattern is a beginning and a star. Such a text is
/// told by the longest beginning that it has.
fn beyond_prefixes(
    prefixes: &[(usize, &str)],
    literals: &Map<&str, Vec<usize>>,
    globs: &[&Glob],
    budget: &Budget,
    found: &mut Found,
) -> Result<(), Exhausted> {
    let fresh = fresh(globs);
    let beginnings = prefixes.iter().map(|(_, prefix)| *prefix).chain([""]);
    for beginning in beginnings.collect::<Set<_>>() {
        budget.spend(prefixes.len() + 1)?;
        let example = format!("{beginning}{fresh}");
        debug_assert!(!literals.contains_key(example.as_str()), "the character is in no pattern");
        let matching = prefixes.iter().filter(|(_, prefix)| beginning.starts_with(prefix)).map(|(index, _)| *index);
        found.add(matching.collect(), example);
    }
    Ok(())
}

/// A character that no pattern names.
fn fresh(globs: &[&Glob]) -> char {
    let named: Set<char> = globs
        .iter()
        .flat_map(|glob| glob.signs.iter())
        .flat_map(|sign| match sign {
            Sign::Char(own) => vec![*own],
            Sign::Folded(own) => vec![own.to_ascii_lowercase(), own.to_ascii_uppercase()],
            _ => Vec::new(),
        })
        .collect();
    // Letters first, as in names that people give; there are more characters than any policy has.
    let readable = "xyzqwkvjabcdefghilmnoprstu0123456789XYZ-_".chars();
    let others = ('\u{e0}'..='\u{d7ff}').chain('\u{e000}'..=char::MAX);
    readable.chain(others).find(|character| !named.contains(character)).unwrap_or(char::MAX)
}

/// The texts that are no literal, for any patterns: a walk through all states that the patterns
/// can be in together.
fn beyond_patterns(
    wild: &[usize],
    literals: &Map<&str, Vec<usize>>,
    globs: &[&Glob],
    budget: &Budget,
    found: &mut Found,
) -> Result<(), Exhausted> {
    let fresh = fresh(globs);
    let walked = Walk::over(wild, globs, fresh).run(budget)?;
    if walked.iter().any(|class| literals.contains_key(class.example.as_str())) {
        // Another text of that class may be no literal: the literals walk along to find it.
        let all: Vec<usize> = (0..globs.len()).collect();
        for class in Walk::over(&all, globs, fresh).run(budget)? {
            found.add(class.matching, class.example);
        }
        return Ok(());
    }
    for class in walked {
        found.add(class.matching, class.example);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
