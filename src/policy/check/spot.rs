//! Where the elements of a document stand in its text.

use crate::policy::json::{Broken, Kind, Node};
use crate::policy::place::{Place, Position};
use std::collections::BTreeMap;

/// As deep as the values of a condition lie, counted from the top.
const DEEPEST: usize = 6;

/// One step on the way to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The element of that name.
    In(&'a str),
    /// The item of that number. What stands without its list is its own item 0.
    At(usize),
}

/// An element of the document with what is in it.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) kind: Kind,
    pub(super) raw: &'a str,
    start: usize,
    /// Where its name stands, if it has one.
    name: Option<Span>,
    pub(super) inside: Inside<'a>,
}

/// What is in an element.
#[derive(Debug)]
pub(super) enum Inside<'a> {
    /// Nothing that concerns a policy.
    Nothing,
    Map(Vec<(String, Tree<'a>)>),
    List(Vec<Tree<'a>>),
    /// A name that stands twice, and where it does the second time.
    Doubled(String, Span),
    /// A string with an escape that stands for no character.
    Broken,
}

/// A piece of the text, by its first byte and the one behind its last.
pub(super) type Span = (usize, usize);

impl<'a> Tree<'a> {
    /// Takes a valid JSON text apart.
    pub(super) fn of(node: Node<'a>) -> Self {
        Self::build(node, None, 0)
    }

    fn build(node: Node<'a>, name: Option<Span>, depth: usize) -> Self {
        let (kind, raw, start) = (node.kind(), node.raw(), node.offset());
        let inside = if depth < DEEPEST { Inside::of(node, depth) } else { Inside::Nothing };
        Self { kind, raw, start, name, inside }
    }

    /// The element of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key == name).map(|(_, tree)| tree)
    }

    /// All elements of an object; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Inside::Map(entries) = &self.inside { entries } else { &[] }
    }

    /// The items of a list; what is no list is one item.
    pub(super) fn items(&self) -> &[Self] {
        if let Inside::List(items) = &self.inside { items } else { std::slice::from_ref(self) }
    }

    /// The string that it is.
    pub(super) fn text(&self) -> Option<String> {
        (self.kind == Kind::Text).then(|| serde_json::from_str(self.raw).ok()).flatten()
    }

    pub(super) fn span(&self) -> Span {
        (self.start, self.start + self.raw.len())
    }

    fn name_span(&self) -> Span {
        self.name.unwrap_or_else(|| self.span())
    }

    /// Where a way leads: the last element on it that is there.
    pub(super) fn find(&self, way: &[Step<'_>]) -> &Self {
        let mut here = self;
        for step in way {
            let next = match step {
                Step::In(name) => here.get(name),
                Step::At(index) => here.items().get(*index),
            };
            let Some(next) = next else { break };
            here = next;
        }
        here
    }

    /// Where the name of the last element on a way stands.
    pub(super) fn find_name(&self, way: &[Step<'_>]) -> Span {
        self.find(way).name_span()
    }
}

impl<'a> Inside<'a> {
    fn of(node: Node<'a>, depth: usize) -> Self {
        match node.kind() {
            Kind::Map => Self::map(node, depth),
            Kind::List => match node.items() {
                Some(Ok(items)) => {
                    Self::List(items.into_iter().map(|item| Tree::build(item, None, depth + 1)).collect())
                }
                _ => Self::Broken,
            },
            Kind::Text if node.text().is_err() => Self::Broken,
            _ => Self::Nothing,
        }
    }

    fn map(node: Node<'a>, depth: usize) -> Self {
        let names = names(node.raw(), node.offset());
        match node.entries() {
            Ok(entries) => {
                let mut names = names.into_iter();
                let entry = |(key, value)| (key, Tree::build(value, names.next(), depth + 1));
                Self::Map(entries.into_iter().map(entry).collect())
            }
            Err(Broken::Doubled(key)) => {
                let same = |span: &&Span| {
                    let raw = node.raw().get(span.0 - node.offset()..span.1 - node.offset()).unwrap_or_default();
                    serde_json::from_str::<String>(raw).is_ok_and(|name| name == key)
                };
                let second = names.iter().filter(same).nth(1).copied();
                Self::Doubled(key, second.unwrap_or((node.offset(), node.offset() + node.raw().len())))
            }
            Err(_) => Self::Broken,
        }
    }
}

/// Where the names of an object stand, in their order. `raw` is valid JSON.
fn names(raw: &str, offset: usize) -> Vec<Span> {
    let (mut names, mut depth, mut begin, mut escaped) = (Vec::new(), 0_usize, None, false);
    // Within the object itself a string is a name where one is due: after `{` and `,`.
    let mut due = true;
    for (at, byte) in raw.bytes().enumerate() {
        if let Some(start) = begin {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    if depth == 1 && due {
                        names.push((offset + start, offset + at + 1));
                        due = false;
                    }
                    begin = None;
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => begin = Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => due = true,
            _ => {}
        }
    }
    names
}

/// The place that a way leads to.
pub(super) fn place(way: &[Step<'_>]) -> Place {
    way.iter().fold(Place::top(), |place, step| match step {
        Step::In(name) => place.name(name),
        Step::At(index) => place.index(*index),
    })
}

/// Turns bytes of a text into positions, in one walk over it.
pub(super) fn positions(text: &str, offsets: impl IntoIterator<Item = usize>) -> BTreeMap<usize, Position> {
    let mut wanted: BTreeMap<usize, Position> =
        offsets.into_iter().map(|at| (at, Position { line: 1, column: 1 })).collect();
    let mut characters = text.char_indices();
    let (mut here, mut position) = (0, Position { line: 1, column: 1 });
    for (offset, found) in &mut wanted {
        while here < *offset {
            let Some((at, character)) = characters.next() else { break };
            here = at + character.len_utf8();
            position = match character {
                '\n' => Position { line: position.line + 1, column: 1 },
                _ => Position { line: position.line, column: position.column + 1 },
            };
        }
        *found = position;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::Step::{At, In};
    use super::*;

    const TEXT: &str = "{\n  \"Statement\": {\"Sid\": \"a,\\\"{\", \"Action\": [\"é\", \"b\"]}, \"Id\": \"x\"\n}";

    fn at(span: Span) -> (&'static str, Position) {
        (&TEXT[span.0..span.1], positions(TEXT, [span.0])[&span.0])
    }

    #[test]
    fn elements_and_their_names_are_found() {
        let tree = Tree::of(Node::read(TEXT).unwrap());
        let position = |line, column| Position { line, column };
        for (way, value, value_at, name, name_at) in [
            (&[In("Statement"), At(0), In("Sid")] as &[_], r#""a,\"{""#, (2, 24), "\"Sid\"", (2, 17)),
            (&[In("Statement"), At(0), In("Action"), At(1)], "\"b\"", (2, 49), "\"b\"", (2, 49)),
            (&[In("Id")], "\"x\"", (2, 62), "\"Id\"", (2, 56)),
            (&[In("Id"), In("Nothing")], "\"x\"", (2, 62), "\"Id\"", (2, 56)),
        ] {
            let found = at(tree.find(way).span());
            assert_eq!(found, (value, position(value_at.0, value_at.1)), "{way:?}");
            let found = at(tree.find_name(way));
            assert_eq!(found, (name, position(name_at.0, name_at.1)), "{way:?}");
        }
    }

    #[test]
    fn the_second_of_two_is_found_even_where_it_is_written_otherwise() {
        let text = r#"{"a": 1, "b": {"a": 2}, "\u0061": 3}"#;
        let tree = Tree::of(Node::read(text).unwrap());
        let Inside::Doubled(name, span) = tree.inside else { panic!() };
        assert_eq!((name.as_str(), &text[span.0..span.1]), ("a", r#""\u0061""#));
    }

    #[test]
    fn depth_is_bounded() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let tree = Tree::of(Node::read(&text).unwrap());
        assert_eq!(tree.find(&[At(0); 20]).raw.len(), 200_000 - 2 * DEEPEST);
    }
}
