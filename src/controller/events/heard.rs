//! The events that were heard lately, so that none is heard twice.

use std::collections::{HashSet, VecDeque};

/// So many are remembered. One that comes again later than that has somebody look
/// once more, which costs a few calls and changes nothing.
const MOST: usize = 4096;

/// The ids of the events that were heard lately.
#[derive(Debug, Default)]
pub(super) struct Heard {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Heard {
    /// Whether an event was heard before.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Remembers an event; the oldest is forgotten.
    pub(super) fn note(&mut self, id: String) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_only_so_many() {
        let mut heard = Heard::default();
        for number in 0..MOST {
            heard.note(number.to_string());
            heard.note(number.to_string());
        }
        assert!(heard.knows("0") && !heard.knows("4096"));
        heard.note("4096".to_owned());
        assert!(!heard.knows("0") && heard.knows("1") && heard.knows("4096"));
        assert_eq!((heard.ids.len(), heard.order.len()), (MOST, MOST));
    }
}
