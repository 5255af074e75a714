//! Reads a policy document strictly: what is not understood is kept as unknown
//! with its place, and never mistaken for something else.

use super::json::{Broken, Kind, Node};
use super::place::{Place, Position};
use super::statement::{Clause, Policy, PolicyKind, Principal, Statement, Test, Unknown, Version, Who};

/// The longest text that is read.
const LONGEST: usize = 1024 * 1024;

/// Why a text cannot be read as a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than any policy may have.
    #[error("the policy has {0} bytes: at most {LONGEST} are read")]
    TooLong(usize),
    /// Not JSON. The parser names line and column, and what it expected.
    #[error("the policy is not valid JSON: {0}")]
    Json(String),
    /// JSON, but not a policy.
    #[error("the policy cannot be read at `{place}`: {problem}")]
    Element {
        /// The way to the element, such as `Statement[1].Action`.
        place: String,
        /// What must hold.
        problem: String,
        /// Where that is in the text.
        position: Option<Position>,
    },
}

type Read<T> = Result<T, Unreadable>;

/// Reads a policy. What it does not understand is in its `unknown`.
pub(super) fn policy(text: &str) -> Read<Policy> {
    if text.len() > LONGEST {
        return Err(Unreadable::TooLong(text.len()));
    }
    let node = Node::read(text).map_err(|error| Unreadable::Json(error.to_string()))?;
    Reader { text }.policy(node)
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn policy(&self, node: Node<'a>) -> Read<Policy> {
        let mut fields = self.fields(node, Place::top())?;
        let mut unknown = Vec::new();
        let version = match fields.text("Version")?.as_deref() {
            None | Some("2008-10-17") => Version::V2008,
            Some("2012-10-17") => Version::V2012,
            Some(_) => {
                let problem = "it must be `2012-10-17` or `2008-10-17`";
                unknown.push(Unknown { place: Place::top().name("Version"), problem });
                Version::V2012
            }
        };
        fields.text("Id")?;
        let Some(list) = fields.take("Statement") else {
            return Err(fields.wrong("Statement", "it must be there"));
        };
        let place = Place::top().name("Statement");
        let mut statements = match list.items() {
            None => vec![self.statement(list, place)?],
            Some(items) => {
                let items = items.map_err(|_| self.wrong(list, &place, "it must be a list of objects".into()))?;
                let numbered = items.into_iter().enumerate();
                numbered.map(|(index, node)| self.statement(node, place.index(index))).collect::<Read<_>>()?
            }
        };
        fields.end(&mut unknown);
        require_resources(&mut statements);
        Ok(Policy { version, statements, unknown })
    }

    fn statement(&self, node: Node<'a>, place: Place) -> Read<Statement> {
        let mut unknown = Vec::new();
        let mut fields = self.fields(node, place)?;
        let sid = fields.text("Sid")?;
        let allows = match fields.text("Effect")?.as_deref() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(fields.wrong("Effect", "it must be `Allow` or `Deny`")),
        };
        let principal = match fields.either("Principal")? {
            None => None,
            Some((node, negated, place)) => Some(self.principal(node, negated, place, &mut unknown)?),
        };
        let Some(action) = self.clause(&mut fields, "Action")? else {
            return Err(fields.wrong("Action", "it or `NotAction` must be there"));
        };
        let resource = self.clause(&mut fields, "Resource")?;
        let conditions = match fields.take("Condition") {
            None => Vec::new(),
            Some(node) => self.conditions(node, &fields.place.name("Condition"))?,
        };
        fields.end(&mut unknown);
        Ok(Statement { sid, allows, principal, action, resource, conditions, unknown })
    }

    fn clause(&self, fields: &mut Fields<'a, '_>, name: &str) -> Read<Option<Clause>> {
        let Some((node, negated, place)) = fields.either(name)? else { return Ok(None) };
        Ok(Some(Clause { negated, values: self.texts(node, &place, false)? }))
    }

    fn principal(&self, node: Node<'a>, negated: bool, place: Place, unknown: &mut Vec<Unknown>) -> Read<Principal> {
        if node.text().is_ok_and(|text| text == "*") {
            return Ok(Principal { negated, who: Who::Everyone });
        }
        let mut fields = self.fields(node, place)?;
        let mut named = Vec::new();
        for kind in ["AWS", "CanonicalUser", "Federated", "Service"] {
            if let Some(node) = fields.take(kind) {
                named.push((kind.to_owned(), self.texts(node, &fields.place.name(kind), false)?));
            }
        }
        fields.end(unknown);
        Ok(Principal { negated, who: Who::Named(named) })
    }

    /// The conditions, sorted by operator and key as the writer needs them.
    fn conditions(&self, node: Node<'a>, place: &Place) -> Read<Vec<Test>> {
        let mut tests = Vec::new();
        for (operator, node) in self.entries(node, place)? {
            let place = place.name(&operator);
            for (key, node) in self.entries(node, &place)? {
                let values = self.texts(node, &place.name(&key), true)?;
                tests.push(Test { operator: operator.clone(), key, values });
            }
        }
        tests.sort_by(|a, b| (&a.operator, &a.key).cmp(&(&b.operator, &b.key)));
        Ok(tests)
    }

    /// One text or a list of them; where `loose`, numbers and booleans count as texts.
    fn texts(&self, node: Node<'a>, place: &Place, loose: bool) -> Read<Vec<String>> {
        let list = match node.items() {
            None => vec![node],
            Some(items) => items.map_err(|_| self.wrong(node, place, "it must be a list of texts".into()))?,
        };
        let text = |node: Node<'a>| match (node.kind(), node.text()) {
            (_, Ok(text)) => Ok(text),
            (Kind::Number | Kind::Bool, _) if loose => Ok(node.raw().to_owned()),
            (Kind::Text, Err(_)) => {
                Err(self.wrong(node, place, "it has an escape that stands for no character".into()))
            }
            (other, _) => {
                Err(self.wrong(node, place, format!("it must be a text or a list of texts, not {}", other.name())))
            }
        };
        list.into_iter().map(text).collect()
    }

    fn fields(&self, node: Node<'a>, place: Place) -> Read<Fields<'a, '_>> {
        let entries = self.entries(node, &place)?;
        Ok(Fields { reader: self, node, entries, place })
    }

    fn entries(&self, node: Node<'a>, place: &Place) -> Read<Vec<(String, Node<'a>)>> {
        node.entries().map_err(|broken| match broken {
            Broken::Other(kind) => self.wrong(node, place, format!("it must be an object, not {}", kind.name())),
            Broken::Doubled(key) => self.wrong(node, &place.name(&key), "it stands twice in one object".into()),
            Broken::Text => self.wrong(node, place, "it has an escape that stands for no character".into()),
        })
    }

    fn wrong(&self, node: Node<'a>, place: &Place, problem: String) -> Unreadable {
        let position = Position::of(self.text, node.offset());
        Unreadable::Element { place: place.to_string(), problem, position }
    }
}

/// In a policy of an identity each statement must say what it is about.
fn require_resources(statements: &mut [Statement]) {
    if PolicyKind::of(statements) != Some(PolicyKind::Identity) {
        return;
    }
    for (index, statement) in statements.iter_mut().enumerate().filter(|(_, statement)| statement.resource.is_none()) {
        let problem = "it or `NotResource` must be there";
        statement.unknown.push(Unknown { place: Place::statement(index).name("Resource"), problem });
    }
}

/// The elements of an object, taken out one by one; what is left at the end is unknown.
struct Fields<'a, 'r> {
    reader: &'r Reader<'a>,
    node: Node<'a>,
    entries: Vec<(String, Node<'a>)>,
    place: Place,
}

impl<'a> Fields<'a, '_> {
    fn wrong(&self, name: &str, problem: &str) -> Unreadable {
        let node = self.entries.iter().find(|(key, _)| key == name).map_or(self.node, |(_, node)| *node);
        self.reader.wrong(node, &self.place.name(name), problem.to_owned())
    }

    fn take(&mut self, name: &str) -> Option<Node<'a>> {
        let at = self.entries.iter().position(|(key, _)| key == name)?;
        Some(self.entries.swap_remove(at).1)
    }

    fn text(&mut self, name: &str) -> Read<Option<String>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        let problem = |kind: Kind| format!("it must be a text, not {}", kind.name());
        node.text().map(Some).map_err(|_| self.reader.wrong(node, &self.place.name(name), problem(node.kind())))
    }

    /// The element or its negation, with which of the two it is and where.
    fn either(&mut self, name: &str) -> Read<Option<(Node<'a>, bool, Place)>> {
        let negation = format!("Not{name}");
        match (self.take(name), self.take(&negation)) {
            (None, None) => Ok(None),
            (Some(node), None) => Ok(Some((node, false, self.place.name(name)))),
            (None, Some(node)) => Ok(Some((node, true, self.place.name(&negation)))),
            (Some(node), Some(_)) => {
                let problem = format!("it cannot stand beside `{negation}`");
                Err(self.reader.wrong(node, &self.place.name(name), problem))
            }
        }
    }

    fn end(mut self, unknown: &mut Vec<Unknown>) {
        self.entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        let left = self.entries.iter().map(|(name, _)| self.place.name(name));
        unknown.extend(left.map(|place| Unknown { place, problem: "it is not an element of a policy" }));
    }
}
