//! The structure of a document: JSON, elements and their types, operators.
//!
//! The reader of policies stops at the first thing that is wrong. Here all of
//! them are found, each with its place.

use super::code::{Code, Severity};
use super::contradiction::name as name_of;
use super::report::Report;
use super::spot::Step::{At, In};
use super::spot::{Inside, Step, Tree};
use crate::names::shortened;
use crate::policy::catalogue::{did_you_mean, nearest};
use crate::policy::json::Kind;
use crate::policy::operator::{Operator, plain};
use std::collections::BTreeSet;

const TOP: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
const PRINCIPALS: [&str; 4] = ["AWS", "CanonicalUser", "Federated", "Service"];

/// A text that is no JSON at all. The parser's message ends with line and column.
pub(super) fn broken(text: &str, error: &serde_json::Error, report: &mut Report<'_>) {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let at = offset(text, error.line(), error.column());
    let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8());
    let help = if text.starts_with('\u{feff}') {
        "save the file without a byte order mark"
    } else {
        "policies are plain JSON: no comments, no comma after the last item, double quotes around texts"
    };
    report.add_span(Code::InvalidJson, &[], (at, end), format!("the policy is not valid JSON: {message}"), help);
}

/// The byte at a line and a column, which counts bytes from 1 and is 0 at the beginning of a line.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let line = line.saturating_sub(1);
    let start = line.checked_sub(1).and_then(|before| text.match_indices('\n').nth(before)).map_or(0, |(at, _)| at + 1);
    let wanted = (start + column.saturating_sub(1)).min(text.len());
    (0..=wanted).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Looks at the structure of the whole document.
pub(super) fn check(tree: &Tree<'_>, report: &mut Report<'_>) {
    let mut shape = Shape { report };
    if !shape.is_object(tree, &[]) {
        return;
    }
    shape.names(tree, &[], &TOP);
    if let Some(version) = tree.get("Version")
        && !version.text().is_some_and(|text| ["2012-10-17", "2008-10-17"].contains(&text.as_str()))
    {
        let help = "write `\"Version\": \"2012-10-17\"`, which is the current version of the policy language";
        shape.wrong(&[In("Version")], "must be `2012-10-17` or `2008-10-17`", help);
    }
    if let Some(id) = tree.get("Id") {
        shape.is_text(id, &[In("Id")]);
    }
    shape.statements(tree);
}

struct Shape<'r, 't> {
    report: &'r mut Report<'t>,
}

impl Shape<'_, '_> {
    fn statements(&mut self, tree: &Tree<'_>) {
        let way = [In("Statement")];
        let Some(list) = tree.get("Statement") else {
            let help = "a policy is an object with `Version` and a list `Statement`";
            return self.report.add(Code::NotAPolicy, &[], "`Statement` is missing", help);
        };
        match &list.inside {
            Inside::List(items) if items.is_empty() => {
                self.report.add(Code::EmptyList, &way, "the policy has no statements", "a policy needs at least one");
            }
            Inside::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.statement(item, index);
                }
            }
            _ => self.statement(list, 0),
        }
    }

    fn statement(&mut self, tree: &Tree<'_>, index: usize) {
        let way = [In("Statement"), At(index)];
        if !self.is_object(tree, &way) {
            return;
        }
        self.names(tree, &way, &STATEMENT);
        let inner = |name| [In("Statement"), At(index), In(name)];
        if let Some(sid) = tree.get("Sid") {
            self.is_text(sid, &inner("Sid"));
        }
        match tree.get("Effect").map(Tree::text) {
            None => {
                self.missing(&way, "`Effect` is missing", "write `\"Effect\": \"Allow\"` or `\"Effect\": \"Deny\"`");
            }
            Some(Some(effect)) if effect == "Allow" || effect == "Deny" => {}
            Some(_) => self.wrong(&inner("Effect"), "must be `Allow` or `Deny`", "capital and small letters count"),
        }
        for (name, negation, needed) in
            [("Action", "NotAction", true), ("Resource", "NotResource", false), ("Principal", "NotPrincipal", false)]
        {
            match (tree.get(name), tree.get(negation)) {
                (None, None) if needed => {
                    let message = format!("`{name}` or `{negation}` is missing");
                    self.missing(&way, &message, "every statement says which actions it is about");
                }
                (Some(_), Some(_)) => {
                    let problem = format!("cannot stand beside `{name}`");
                    self.wrong(&inner(negation), &problem, "make two statements of it");
                }
                _ => {}
            }
            for name in [name, negation] {
                match tree.get(name) {
                    Some(tree) if name.ends_with("Principal") => self.principal(tree, index, name),
                    Some(tree) => self.texts(tree, &inner(name), false, true),
                    None => {}
                }
            }
        }
        if let Some(condition) = tree.get("Condition") {
            self.conditions(condition, index);
        }
    }

    fn principal(&mut self, tree: &Tree<'_>, index: usize, name: &str) {
        let way = [In("Statement"), At(index), In(name)];
        if tree.kind == Kind::Text {
            if tree.text().as_deref() != Some("*") {
                let help = "write `{\"AWS\": \"arn:aws:iam::123456789012:role/name\"}`, with `Service` or `Federated` for others";
                self.wrong(&way, "must be `*` or an object", help);
            }
            return;
        }
        if !self.is_object(tree, &way) {
            return;
        }
        self.names(tree, &way, &PRINCIPALS);
        if tree.entries().is_empty() {
            self.report.add(Code::EmptyList, &way, format!("`{name}` names nobody"), "name at least one principal");
        }
        for (kind, tree) in tree.entries() {
            if PRINCIPALS.contains(&kind.as_str()) {
                self.texts(tree, &[In("Statement"), At(index), In(name), In(kind)], false, true);
            }
        }
    }

    fn conditions(&mut self, tree: &Tree<'_>, index: usize) {
        let way = [In("Statement"), At(index), In("Condition")];
        if !self.is_object(tree, &way) {
            return;
        }
        for (operator, tree) in tree.entries() {
            let way = [In("Statement"), At(index), In("Condition"), In(operator)];
            if Operator::parse(operator).is_none() {
                self.unknown_operator(operator, &way);
            }
            if !self.is_object(tree, &way) {
                continue;
            }
            let mut seen = BTreeSet::new();
            for (key, tree) in tree.entries() {
                if !seen.insert(name_of(key)) {
                    self.doubled_key(operator, key, index);
                }
                let way = [In("Statement"), At(index), In("Condition"), In(operator), In(key)];
                self.texts(tree, &way, true, false);
            }
        }
    }

    /// The case of a key does not matter, so JSON's rule about doubled names is not enough.
    fn doubled_key(&mut self, operator: &str, key: &str, index: usize) {
        let way = [In("Statement"), At(index), In("Condition"), In(operator), In(key)];
        let message = format!("`{}` stands twice under `{}`, in two spellings", shortened(key), shortened(operator));
        self.report.add_name(Code::DoubledElement, &way, message, "put the values into one list");
    }

    fn unknown_operator(&mut self, operator: &str, way: &[Step<'_>]) {
        let names = nearest(plain(operator), Operator::names());
        let message = format!("`{}` is not a condition operator{}", shortened(operator), did_you_mean(&names));
        let help = if plain(operator).eq_ignore_ascii_case("Null") {
            "`Null` takes neither `IfExists` nor `ForAllValues` nor `ForAnyValue`"
        } else {
            "an operator is a comparison such as `StringEquals`, perhaps with `ForAllValues:` or `ForAnyValue:` before and `IfExists` behind it"
        };
        self.report.add_name(Code::UnknownOperator, way, message, help);
    }

    /// One text or a list of them; where `loose`, numbers and booleans count as texts.
    fn texts(&mut self, tree: &Tree<'_>, way: &[Step<'_>], loose: bool, needed: bool) {
        let items = tree.items();
        if items.is_empty() && needed {
            let message = format!("`{}` is empty", last(way));
            self.report.add(Code::EmptyList, way, message, "name something, or take the element away");
        }
        let is_list = matches!(tree.inside, Inside::List(_));
        for (index, item) in items.iter().enumerate() {
            let good = match item.kind {
                Kind::Text => !matches!(item.inside, Inside::Broken),
                Kind::Number | Kind::Bool => loose,
                _ => false,
            };
            if good {
                continue;
            }
            let mut way = way.to_vec();
            if is_list {
                way.push(At(index));
            }
            self.not_a_text(item, &way, "must be a text or a list of texts");
        }
    }

    fn not_a_text(&mut self, tree: &Tree<'_>, way: &[Step<'_>], must: &str) {
        if tree.kind == Kind::Text {
            self.wrong(way, "has an escape that stands for no character", "write the character itself");
        } else {
            self.wrong(way, &format!("{must}, not {}", tree.kind.name()), "put it between double quotes");
        }
    }

    fn is_text(&mut self, tree: &Tree<'_>, way: &[Step<'_>]) {
        if tree.kind != Kind::Text || matches!(tree.inside, Inside::Broken) {
            self.not_a_text(tree, way, "must be a text");
        }
    }

    fn is_object(&mut self, tree: &Tree<'_>, way: &[Step<'_>]) -> bool {
        match &tree.inside {
            Inside::Map(_) => return true,
            Inside::Doubled(name, span) => {
                let message = format!("`{}` stands twice in one object", shortened(name));
                let help = "put both together: of two, AWS refuses the policy or keeps only one";
                let mut way = way.to_vec();
                way.push(In(name));
                self.report.add_span(Code::DoubledElement, &way, *span, message, help);
            }
            Inside::Broken if tree.kind == Kind::Map => {
                self.wrong(way, "has a name with an escape that stands for no character", "write the character itself");
            }
            _ => {
                self.wrong(
                    way,
                    &format!("must be an object, not {}", tree.kind.name()),
                    "objects stand in `{` and `}`",
                );
            }
        }
        false
    }

    fn names(&mut self, tree: &Tree<'_>, way: &[Step<'_>], known: &[&str]) {
        for (name, _) in tree.entries().iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let mut way = way.to_vec();
            way.push(In(name));
            let near = did_you_mean(&nearest(name, known.iter().copied()));
            let message = format!("`{}` is not an element of a policy{near}", shortened(name));
            let help = format!("here may stand {}", crate::policy::catalogue::both(known));
            self.report.add_name(Code::UnknownElement, &way, message, help);
        }
    }

    fn missing(&mut self, way: &[Step<'_>], message: &str, help: &str) {
        self.report.add_as(Severity::Error, Code::NotAPolicy, way, message, help);
    }

    fn wrong(&mut self, way: &[Step<'_>], problem: &str, help: &str) {
        let message = format!("`{}` {problem}", last(way));
        self.report.add(Code::NotAPolicy, way, message, help);
    }
}

/// The last element on a way, for a message.
fn last(way: &[Step<'_>]) -> String {
    match way {
        [.., In(name)] => shortened(name),
        [.., In(name), At(index)] => format!("{}[{index}]", shortened(name)),
        _ => "policy".to_owned(),
    }
}
