//! A policy as a value: what is compiled into one, and what is read from one.

use super::json::{write_separated, write_text, write_texts};

/// A whole policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) version: Version,
    pub(super) statements: Vec<Statement>,
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

impl Policy {
    /// A policy of the current version.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self { version: Version::V2012, statements }
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
