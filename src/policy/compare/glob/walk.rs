//! A walk through all states that patterns can be in together.

use super::super::budget::{Budget, Exhausted};
use super::super::hash::{Map, Set};
use super::{Class, Glob, Sign};

/// All patterns side by side, each as the set of its signs that may come next.
///
/// A bit stands for a place in a pattern: that many of its signs, stars apart, have been taken. A
/// star before the next sign lets the place stay.
pub(super) struct Walk {
    /// Of each pattern: its index, and the bit that says that it matches.
    ends: Vec<(usize, usize)>,
    letters: Vec<Letter>,
    start: Vec<u64>,
}

/// A character that patterns tell from others, with the bits that it lets advance and stay.
struct Letter {
    character: char,
    advance: Vec<u64>,
    stay: Vec<u64>,
    fresh: bool,
}

impl Walk {
    pub(super) fn over(indexes: &[usize], globs: &[&Glob], fresh: char) -> Self {
        let chosen: Vec<(usize, &Glob)> =
            indexes.iter().filter_map(|index| Some((*index, *globs.get(*index)?))).collect();
        let places: usize =
            chosen.iter().map(|(_, glob)| glob.signs().iter().filter(|sign| !sign.repeats()).count() + 1).sum();
        let words = places.div_ceil(64);
        let mut letters: Vec<Letter> = alphabet(&chosen, fresh)
            .into_iter()
            .map(|character| Letter {
                character,
                advance: vec![0; words],
                stay: vec![0; words],
                fresh: character == fresh,
            })
            .collect();
        let (mut start, mut ends) = (vec![0; words], Vec::new());
        let mut place = 0;
        for (index, glob) in chosen {
            set(&mut start, place);
            for sign in glob.signs() {
                for letter in letters.iter_mut().filter(|letter| sign.takes(letter.character)) {
                    set(if sign.repeats() { &mut letter.stay } else { &mut letter.advance }, place);
                }
                place += usize::from(!sign.repeats());
            }
            ends.push((index, place));
            place += 1;
        }
        Self { ends, letters, start }
    }

    /// One text for each set of patterns; one with the fresh letter where there is any, because
    /// such a text is certainly no literal.
    pub(super) fn run(&self, budget: &Budget) -> Result<Vec<Class>, Exhausted> {
        let mut steps: Vec<(usize, char)> = vec![(0, ' ')];
        let mut states = vec![(self.start.clone(), false)];
        let mut known: Set<(Vec<u64>, bool)> = states.iter().cloned().collect();
        let mut classes: Map<Vec<usize>, (usize, bool)> = Map::default();
        let mut order = Vec::new();
        let mut at = 0;
        while let Some((state, has_fresh)) = states.get(at).cloned() {
            budget.spend(4 + (self.letters.len() + self.ends.len() / 8) * state.len())?;
            let matching = self.matching(&state);
            match classes.get_mut(&matching) {
                None => {
                    order.push(matching.clone());
                    classes.insert(matching, (at, has_fresh));
                }
                Some(best) if has_fresh && !best.1 => *best = (at, true),
                Some(_) => {}
            }
            for letter in &self.letters {
                let next = (letter.after(&state), has_fresh || letter.fresh);
                if !known.contains(&next) {
                    // What is kept takes room as well.
                    budget.spend(24 + 2 * next.0.len())?;
                    known.insert(next.clone());
                    states.push(next);
                    steps.push((at, letter.character));
                }
            }
            at += 1;
        }
        let example = |matching: &Vec<usize>| classes.get(matching).map(|(state, _)| spelled(&steps, *state));
        Ok(order.into_iter().filter_map(|matching| Some(Class { example: example(&matching)?, matching })).collect())
    }

    fn matching(&self, state: &[u64]) -> Vec<usize> {
        let ended = |bit: usize| state.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        self.ends.iter().filter(|(_, bit)| ended(*bit)).map(|(index, _)| *index).collect()
    }
}

impl Letter {
    fn after(&self, state: &[u64]) -> Vec<u64> {
        let mut carry = 0;
        let mut next = Vec::with_capacity(state.len());
        for ((word, advance), stay) in state.iter().zip(&self.advance).zip(&self.stay) {
            let moving = word & advance;
            next.push(moving << 1 | carry | word & stay);
            carry = moving >> 63;
        }
        next
    }
}

fn set(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

/// Every character that some pattern tells from the others, a fresh one, and a fresh digit.
fn alphabet(chosen: &[(usize, &Glob)], fresh: char) -> Vec<char> {
    let mut characters: Vec<char> = vec![fresh];
    let (mut digits, mut bound) = (false, false);
    for sign in chosen.iter().flat_map(|(_, glob)| glob.signs().iter()) {
        match sign {
            Sign::Char(own) => characters.push(*own),
            Sign::Folded(own) => characters.extend([own.to_ascii_lowercase(), own.to_ascii_uppercase()]),
            Sign::Digit => digits = true,
            Sign::Any { bound: is } | Sign::Star { bound: is } => bound |= is,
        }
    }
    if bound {
        characters.push(':');
    }
    if digits {
        characters.extend('0'..='9');
    }
    let mut seen = Set::default();
    characters.retain(|character| seen.insert(*character));
    characters
}

fn spelled(steps: &[(usize, char)], state: usize) -> String {
    let mut text = Vec::new();
    let mut at = state;
    while at != 0
        && let Some((before, character)) = steps.get(at)
    {
        text.push(*character);
        at = *before;
    }
    text.into_iter().rev().collect()
}
