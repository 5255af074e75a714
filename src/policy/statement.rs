//! A policy as a value: what is compiled into one, and what is read from one.

use super::json::{write_separated, write_text, write_texts};
use super::operator::Operator;
use super::place::Place;
use super::read::{self, Unreadable};

/// A whole policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(super) version: Version,
    pub(super) statements: Vec<Statement>,
    /// What is not understood and concerns every statement.
    pub(super) unknown: Vec<Unknown>,
}

/// Something in a policy that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Where.
    pub place: Place,
    /// What must hold for it to be understood.
    pub problem: &'static str,
}

/// What a policy is attached to, as far as its elements show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// No statement names a principal: an identity's policy, a boundary, a session policy, an SCP.
    Identity,
    /// Statements name principals and resources: the policy of a bucket, a queue, a key; an RCP.
    Resource,
    /// Statements name principals and no resource: the trust policy of a role.
    Trust,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// What holds where a policy names no version. It has no variables.
    V2008,
    V2012,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    pub(super) principal: Option<Principal>,
    pub(super) action: Clause,
    pub(super) resource: Option<Clause>,
    pub(super) conditions: Vec<Test>,
    /// Elements that are not understood: whether the statement matches cannot be said. Operators
    /// that are not understood stand in their conditions.
    pub(super) unknown: Vec<Unknown>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`, with their patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) negated: bool,
    pub(super) values: Vec<String>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principal {
    pub(super) negated: bool,
    pub(super) who: Who,
}

/// Whom a principal element names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The bare `"*"`.
    Everyone,
    /// `AWS`, `Service`, `Federated` or `CanonicalUser` with their values.
    Named(Vec<(String, Vec<String>)>),
}

/// One condition: all of a statement's must hold, and of the values any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

impl Clause {
    /// A clause that is not negated.
    pub(super) fn of(values: impl IntoIterator<Item = String>) -> Self {
        Self { negated: false, values: values.into_iter().collect() }
    }
}

impl PolicyKind {
    /// The kind of a policy with these statements; nothing if there are none.
    pub(super) fn of(statements: &[Statement]) -> Option<Self> {
        if statements.is_empty() {
            return None;
        }
        if statements.iter().all(|statement| statement.principal.is_none()) {
            return Some(Self::Identity);
        }
        let trust = statements.iter().all(|statement| statement.resource.is_none());
        Some(if trust { Self::Trust } else { Self::Resource })
    }

    /// The kind for people, with its article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Identity => "the policy of an identity",
            Self::Resource => "the policy of a resource",
            Self::Trust => "a trust policy",
        }
    }
}

impl Policy {
    /// Reads a document. What is not understood in it is kept as unknown with its place, and makes
    /// every answer that depends on it unknown.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        read::policy(text)
    }

    /// A policy of the current version.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self { version: Version::V2012, statements, unknown: Vec::new() }
    }

    /// Every text in it that is compared with something.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|statement| {
            let clauses =
                std::iter::once(&statement.action).chain(&statement.resource).flat_map(|clause| &clause.values);
            let named = statement.principal.iter().flat_map(|principal| match &principal.who {
                Who::Everyone => &[],
                Who::Named(named) => named.as_slice(),
            });
            let principals = named.flat_map(|(_, names)| names);
            let tests = statement.conditions.iter().flat_map(|test| std::iter::once(&test.key).chain(&test.values));
            clauses.chain(principals).chain(tests).map(String::as_str)
        })
    }

    /// What the policy is attached to, as far as its elements show it; nothing if it has no statements.
    #[must_use]
    pub fn kind(&self) -> Option<PolicyKind> {
        PolicyKind::of(&self.statements)
    }

    /// Whether a statement allows something.
    #[must_use]
    pub fn allows_anything(&self) -> bool {
        self.statements.iter().any(|statement| statement.allows)
    }

    /// Whether all that it allows is for these principals, each by its kind and name. What is not
    /// understood may be for anybody.
    #[must_use]
    pub fn allows_only(&self, principals: &[(&str, &str)]) -> bool {
        let is_listed = |kind: &str, name: &str| principals.contains(&(kind, name));
        let is_for_them = |statement: &Statement| match &statement.principal {
            Some(Principal { negated: false, who: Who::Named(named) }) => {
                named.iter().all(|(kind, names)| names.iter().all(|name| is_listed(kind, name)))
            }
            _ => false,
        };
        self.unknown().is_empty() && self.statements.iter().filter(|it| it.allows).all(is_for_them)
    }

    /// Whether a statement denies something.
    #[must_use]
    pub fn denies_anything(&self) -> bool {
        self.statements.iter().any(|statement| !statement.allows)
    }

    /// All that is not understood, in the order of the document.
    #[must_use]
    pub fn unknown(&self) -> Vec<Unknown> {
        let mut all = self.unknown.clone();
        for (index, statement) in self.statements.iter().enumerate() {
            all.extend(statement.unknown.iter().cloned());
            let place = Place::statement(index).name("Condition");
            let foreign = statement.conditions.iter().filter(|test| Operator::parse(&test.operator).is_none());
            all.extend(foreign.map(|test| Unknown {
                place: place.name(&test.operator).name(&test.key),
                problem: "its operator is not a condition operator",
            }));
        }
        all
    }

    /// The policy as JSON without white space.
    pub(super) fn text(&self) -> String {
        let version = match self.version {
            Version::V2008 => "2008-10-17",
            Version::V2012 => "2012-10-17",
        };
        let mut out = format!("{{\"Version\":\"{version}\",\"Statement\":[");
        write_separated(&mut out, &self.statements, |out, statement| statement.write(out));
        out.push_str("]}");
        out
    }

    /// A text that is the same for two policies that differ only in what has no meaning: order,
    /// repetition, the case of actions and condition keys, and the names of statements.
    ///
    /// The converse does not hold: two policies may mean the same and still differ here.
    pub(super) fn meaning(mut self) -> String {
        let mut statements: Vec<String> = Vec::with_capacity(self.statements.len());
        for statement in &mut self.statements {
            statement.normalise();
            statements.push(statement.text());
        }
        sort(&mut statements);
        format!("{:?} {}", self.version, statements.join(","))
    }
}

impl Statement {
    /// The statement as JSON without white space.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        if let Some(sid) = &self.sid {
            out.push_str("\"Sid\":");
            write_text(out, sid);
            out.push(',');
        }
        out.push_str(if self.allows { "\"Effect\":\"Allow\"" } else { "\"Effect\":\"Deny\"" });
        if let Some(principal) = &self.principal {
            principal.write(out);
        }
        self.action.write(out, "Action");
        if let Some(resource) = &self.resource {
            resource.write(out, "Resource");
        }
        write_tests(out, &self.conditions);
        out.push('}');
    }

    fn normalise(&mut self) {
        self.sid = None;
        self.action.values.iter_mut().for_each(|action| action.make_ascii_lowercase());
        sort(&mut self.action.values);
        if let Some(resource) = &mut self.resource {
            sort(&mut resource.values);
        }
        if let Some(Principal { who: Who::Named(named), .. }) = &mut self.principal {
            for (_, values) in named.iter_mut() {
                sort(values);
            }
            sort(named);
        }
        for test in &mut self.conditions {
            // What follows a slash may be the key of a tag or the path of an issuer: there case counts.
            if !test.key.contains('/') {
                test.key.make_ascii_lowercase();
            }
            sort(&mut test.values);
        }
        sort(&mut self.conditions);
    }
}

fn sort<T: Ord>(values: &mut Vec<T>) {
    values.sort_unstable();
    values.dedup();
}

impl Clause {
    fn write(&self, out: &mut String, name: &str) {
        write_name(out, name, self.negated);
        write_texts(out, &self.values);
    }
}

impl Principal {
    fn write(&self, out: &mut String) {
        write_name(out, "Principal", self.negated);
        match &self.who {
            Who::Everyone => write_text(out, "*"),
            Who::Named(named) => {
                out.push('{');
                write_separated(out, named, |out, (kind, values)| {
                    write_text(out, kind);
                    out.push(':');
                    write_texts(out, values);
                });
                out.push('}');
            }
        }
    }
}

fn write_name(out: &mut String, name: &str, negated: bool) {
    out.push_str(if negated { ",\"Not" } else { ",\"" });
    out.push_str(name);
    out.push_str("\":");
}

/// Writes the conditions, which are sorted by operator, grouped by it.
fn write_tests(out: &mut String, tests: &[Test]) {
    if tests.is_empty() {
        return;
    }
    out.push_str(",\"Condition\":{");
    write_separated(out, tests.chunk_by(|a, b| a.operator == b.operator), |out, group| {
        if let Some(first) = group.first() {
            write_text(out, &first.operator);
        }
        out.push_str(":{");
        write_separated(out, group, |out, test| {
            write_text(out, &test.key);
            out.push(':');
            write_texts(out, &test.values);
        });
        out.push('}');
    });
    out.push('}');
}
