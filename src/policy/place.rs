//! Places within a policy document: named in messages, found again in the text.

use super::json::Node;
use crate::names::shortened;

/// The way from the top of a document to one of its elements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    Name(String),
    Index(usize),
}

/// Where a place stands in a text. Both count from one; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Place {
    /// The whole document.
    #[must_use]
    pub fn top() -> Self {
        Self::default()
    }

    /// A statement, by its number from zero.
    #[must_use]
    pub fn statement(index: usize) -> Self {
        Self::top().name("Statement").index(index)
    }

    /// The element of that name.
    #[must_use]
    pub fn name(&self, name: &str) -> Self {
        self.with(Step::Name(name.to_owned()))
    }

    /// The element at that index of a list. A single element that stands without its list is its index 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Finds the value at this place in the text of its document.
    #[must_use]
    pub fn locate(&self, text: &str) -> Option<Position> {
        let mut node = Node::read(text).ok()?;
        for step in &self.0 {
            node = match step {
                Step::Name(name) => node.entries().ok()?.into_iter().find(|(key, _)| key == name)?.1,
                Step::Index(index) => match node.items() {
                    Some(items) => items.ok()?.into_iter().nth(*index)?,
                    None if *index == 0 => node,
                    None => return None,
                },
            };
        }
        Position::of(text, node.offset())
    }
}

impl Position {
    /// The position of a byte in a text.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Option<Self> {
        let before = text.get(..offset)?;
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Self { line, column: before.get(start..)?.chars().count() + 1 })
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("policy");
        }
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if index == 0 => f.write_str(&shortened(name))?,
                Step::Name(name) => write!(f, ".{}", shortened(name))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"Statement\": {\n    \"é\": 1, \"Action\": [\"a\",\n \"b\"]\n  }\n}";

    #[test]
    fn a_place_is_written_as_a_way_and_found_in_the_text() {
        for (place, written, position) in [
            (Place::top(), "policy", Some((1, 1))),
            (Place::statement(0), "Statement[0]", Some((2, 16))),
            (Place::statement(0).name("Action"), "Statement[0].Action", Some((3, 23))),
            (Place::statement(0).name("Action").index(1), "Statement[0].Action[1]", Some((4, 2))),
            (Place::statement(1), "Statement[1]", None),
            (Place::statement(0).name("Action").index(2), "Statement[0].Action[2]", None),
            (Place::top().name("Version"), "Version", None),
        ] {
            assert_eq!(place.to_string(), written);
            assert_eq!(place.locate(TEXT), position.map(|(line, column)| Position { line, column }), "{written}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_has_no_places() {
        assert_eq!(Place::statement(0).locate("{"), None);
        assert_eq!(Position::of("é", 1), None, "within a character");
        assert_eq!(Position { line: 1, column: 2 }.to_string(), "line 1, column 2");
    }
}
