//! Tables that live as long as one comparison. Their order is never looked at.

use foldhash::fast::FixedState;

pub(super) type Map<K, V> = std::collections::HashMap<K, V, FixedState>;
pub(super) type Set<T> = std::collections::HashSet<T, FixedState>;

/// Values that are equal are one, and have one number.
#[derive(Debug)]
pub(super) struct Interner<T> {
    pub(super) values: Vec<T>,
    numbers: Map<T, usize>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: Map::default() }
    }
}

impl<T: std::hash::Hash + Eq + Clone> Interner<T> {
    pub(super) fn number(&mut self, value: T) -> usize {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = self.values.len();
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}
