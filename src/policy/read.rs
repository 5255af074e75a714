//! Reads a live policy document: strictly, so that what is not understood is
//! never mistaken for something else.

use super::condition::is_operator;
use super::json::Node;
use super::statement::{Clause, Policy, Principal, Statement, Test, Version, Who};
use crate::names::shortened;
use std::collections::BTreeMap;

/// The longest text that is read.
const LONGEST: usize = 1024 * 1024;

/// Why a text cannot be read as a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than any policy may have.
    #[error("the policy has {0} bytes: at most {LONGEST} are read")]
    TooLong(usize),
    /// Not JSON, or a key twice in one object. The parser names line and column.
    #[error("the policy is not valid JSON: {0}")]
    Json(String),
    /// JSON, but not a policy.
    #[error("the policy cannot be read at `{place}`: {problem}")]
    Element {
        /// The way to the element, such as `Statement[1].Action`.
        place: String,
        /// What must hold.
        problem: String,
    },
}

type Read<T> = Result<T, Unreadable>;

/// Reads a policy.
pub(super) fn policy(text: &str) -> Read<Policy> {
    if text.len() > LONGEST {
        return Err(Unreadable::TooLong(text.len()));
    }
    let node = serde_json::from_str(text).map_err(|error| Unreadable::Json(error.to_string()))?;
    let mut fields = Fields::of(node, "policy")?;
    let version = match fields.text("Version")?.as_deref() {
        None | Some("2008-10-17") => Version::V2008,
        Some("2012-10-17") => Version::V2012,
        Some(_) => return Err(fields.wrong("Version", "it must be `2012-10-17` or `2008-10-17`")),
    };
    fields.text("Id")?;
    let statements = match fields.take("Statement") {
        None => return Err(fields.wrong("Statement", "it must be there")),
        Some(Node::List(list)) => {
            let numbered = list.into_iter().enumerate();
            numbered.map(|(index, node)| statement(node, &format!("Statement[{index}]"))).collect::<Read<_>>()?
        }
        Some(single) => vec![statement(single, "Statement")?],
    };
    fields.end()?;
    Ok(Policy { version, statements })
}

fn statement(node: Node, place: &str) -> Read<Statement> {
    let mut fields = Fields::of(node, place)?;
    let sid = fields.text("Sid")?;
    let allows = match fields.text("Effect")?.as_deref() {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(fields.wrong("Effect", "it must be `Allow` or `Deny`")),
    };
    let principal =
        fields.either("Principal")?.map(|(node, negated, place)| principal(node, negated, &place)).transpose()?;
    let action =
        clause(&mut fields, "Action")?.ok_or_else(|| fields.wrong("Action", "it or `NotAction` must be there"))?;
    let resource = clause(&mut fields, "Resource")?;
    let conditions = match fields.take("Condition") {
        None => Vec::new(),
        Some(node) => conditions(node, &fields.place("Condition"))?,
    };
    fields.end()?;
    Ok(Statement { sid, allows, principal, action, resource, conditions })
}

fn clause(fields: &mut Fields, name: &str) -> Read<Option<Clause>> {
    let Some((node, negated, place)) = fields.either(name)? else { return Ok(None) };
    Ok(Some(Clause { negated, values: texts(node, &place, false)? }))
}

fn principal(node: Node, negated: bool, place: &str) -> Read<Principal> {
    if node == Node::Text("*".into()) {
        return Ok(Principal { negated, who: Who::Everyone });
    }
    let mut fields = Fields::of(node, place)?;
    let mut named = Vec::new();
    for kind in ["AWS", "CanonicalUser", "Federated", "Service"] {
        if let Some(node) = fields.take(kind) {
            named.push((kind.to_owned(), texts(node, &fields.place(kind), false)?));
        }
    }
    fields.end()?;
    Ok(Principal { negated, who: Who::Named(named) })
}

/// The conditions, sorted by operator and key as the writer needs them.
fn conditions(node: Node, place: &str) -> Read<Vec<Test>> {
    let mut tests = Vec::new();
    for (operator, node) in Fields::of(node, place)?.map {
        let place = format!("{place}.{}", shortened(&operator));
        if !is_operator(&operator) {
            return Err(wrong(place, "it is not a condition operator"));
        }
        for (key, node) in Fields::of(node, &place)?.map {
            let values = texts(node, &format!("{place}.{}", shortened(&key)), true)?;
            tests.push(Test { operator: operator.clone(), key, values });
        }
    }
    Ok(tests)
}

/// One text or a list of them; where `loose`, numbers and booleans count as texts.
fn texts(node: Node, place: &str, loose: bool) -> Read<Vec<String>> {
    let list = match node {
        Node::List(list) => list,
        single => vec![single],
    };
    let text = |node| match node {
        Node::Text(text) => Ok(text),
        Node::Number(number) if loose => Ok(number),
        Node::Bool(value) if loose => Ok(value.to_string()),
        other => Err(wrong(place.to_owned(), &format!("it must be a text or a list of texts, not {}", other.kind()))),
    };
    list.into_iter().map(text).collect()
}

fn wrong(place: String, problem: &str) -> Unreadable {
    Unreadable::Element { place, problem: problem.to_owned() }
}

/// The elements of an object, taken out one by one; at the end none may be left.
struct Fields {
    map: BTreeMap<String, Node>,
    place: String,
}

impl Fields {
    fn of(node: Node, place: &str) -> Read<Self> {
        match node {
            Node::Map(map) => Ok(Self { map, place: place.to_owned() }),
            other => Err(wrong(place.to_owned(), &format!("it must be an object, not {}", other.kind()))),
        }
    }

    fn place(&self, name: &str) -> String {
        if self.place == "policy" { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    fn wrong(&self, name: &str, problem: &str) -> Unreadable {
        wrong(self.place(name), problem)
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        self.map.remove(name)
    }

    fn text(&mut self, name: &str) -> Read<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &format!("it must be a text, not {}", other.kind()))),
        }
    }

    /// The element or its negation, with which of the two it is and where.
    fn either(&mut self, name: &str) -> Read<Option<(Node, bool, String)>> {
        let negation = format!("Not{name}");
        match (self.take(name), self.take(&negation)) {
            (None, None) => Ok(None),
            (Some(node), None) => Ok(Some((node, false, self.place(name)))),
            (None, Some(node)) => Ok(Some((node, true, self.place(&negation)))),
            (Some(_), Some(_)) => Err(self.wrong(name, &format!("it cannot stand beside `{negation}`"))),
        }
    }

    fn end(self) -> Read<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.wrong(&shortened(name), "it is not an element of a policy")),
        }
    }
}
