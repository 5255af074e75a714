//! Both sides of a comparison, taken apart once: what every later step asks.

use super::super::statement::{Clause, Policy, Statement, Version};
use super::actions::{ActionPattern, is_overlong};
use super::bits::Bits;
use super::form::{ArnPattern, Short, Variables};
use super::glob::Glob;
use super::hash::{Interner, Map};
use super::principals::Who;
use super::test::Test;

/// The statements of both sides, with everything that stands in several of them once.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) statements: Vec<Part>,
    /// Every pattern of a piece of an action or an ARN.
    pub(super) globs: Vec<Glob>,
    pub(super) actions: Vec<ActionPattern>,
    pub(super) arns: Vec<ArnPattern<usize>>,
    pub(super) tests: Vec<Test>,
    /// Condition keys in lower case, and as they are written.
    pub(super) spellings: Map<String, String>,
}

/// A statement by the indexes of its elements. Equal parts mean the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) allows: bool,
    pub(super) action: Element,
    /// Nothing: any resource.
    pub(super) resource: Option<Element>,
    pub(super) who: Who,
    pub(super) tests: Vec<usize>,
    /// Whether it matches is not known, and why.
    pub(super) undecided: bool,
}

/// An action or resource element: sorted indexes of its patterns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Element {
    pub(super) negated: bool,
    pub(super) patterns: Vec<usize>,
}

impl Element {
    /// Whether it certainly has everything that another has.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let (larger, smaller) = if self.negated { (other, self) } else { (self, other) };
        self.negated == other.negated
            && smaller.patterns.iter().all(|pattern| larger.patterns.binary_search(pattern).is_ok())
    }
}

/// What is looked up while both sides are taken apart.
pub(super) struct Builder<'v> {
    variables: &'v Variables,
    statements: Vec<Part>,
    globs: Interner<Glob>,
    actions: Known<ActionPattern>,
    arns: Known<ArnPattern<usize>>,
    tests: Interner<Test>,
    spellings: Map<String, String>,
}

/// Patterns, and which of them a text that was read before stands for.
struct Known<T> {
    patterns: Interner<T>,
    texts: Map<(String, Reading), Vec<usize>>,
}

/// How a text is read: the same text may be different patterns.
type Reading = (Short, bool);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { patterns: Interner::default(), texts: Map::default() }
    }
}

/// How the statements of a policy are to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) short: Short,
    /// Whether principals are looked at; if not, statements are about the caller.
    pub(super) principals: bool,
}

impl<'v> Builder<'v> {
    pub(super) fn new(variables: &'v Variables) -> Self {
        Self {
            variables,
            statements: Vec::new(),
            globs: Interner::default(),
            actions: Known::default(),
            arns: Known::default(),
            tests: Interner::default(),
            spellings: Map::default(),
        }
    }

    /// Takes a policy apart; the statements that allow, and those that deny.
    pub(super) fn add(&mut self, policy: &Policy, manner: Manner) -> (Bits, Bits) {
        let (mut allow, mut deny) = (Bits::default(), Bits::default());
        for statement in &policy.statements {
            let index = self.statements.len();
            let part = self.part(policy, statement, manner);
            if part.allows {
                allow.insert(index);
            } else {
                deny.insert(index);
            }
            self.statements.push(part);
        }
        (allow, deny)
    }

    fn part(&mut self, policy: &Policy, statement: &Statement, manner: Manner) -> Part {
        let has_variables = policy.version == Version::V2012;
        let unknown = !policy.unknown.is_empty() || !statement.unknown.is_empty();
        let who = match &statement.principal {
            principal @ Some(_) if manner.principals => Who::of(principal.as_ref()),
            // What is not understood may be a principal misspelt.
            None if manner.principals && !unknown => Who::of(None),
            _ => Who::Caller,
        };
        let misplaced = !manner.principals && statement.principal.is_some();
        let reading = (manner.short, has_variables);
        let (action, overlong) = self.action(&statement.action);
        Part {
            allows: statement.allows,
            action,
            resource: statement.resource.as_ref().map(|clause| self.resource(clause, reading)),
            who,
            tests: self.tests(statement, has_variables),
            undecided: misplaced || unknown || overlong,
        }
    }

    /// The action element; and whether it has too many wildcards to follow, and so is any action,
    /// perhaps.
    fn action(&mut self, clause: &Clause) -> (Element, bool) {
        if clause.values.iter().any(|text| is_overlong(text)) {
            return (Element { negated: true, patterns: Vec::new() }, true);
        }
        let globs = &mut self.globs;
        let read = |text: &str| vec![ActionPattern::read(text, globs)];
        (self.actions.element(clause, (Short::Nothing, false), read), false)
    }

    fn resource(&mut self, clause: &Clause, reading: Reading) -> Element {
        let (globs, variables) = (&mut self.globs, self.variables);
        self.arns.element(clause, reading, |text| {
            let patterns = ArnPattern::read(text, reading.0, reading.1, variables);
            patterns.into_iter().map(|pattern| pattern.numbered(|glob| globs.number(glob))).collect()
        })
    }

    fn tests(&mut self, statement: &Statement, has_variables: bool) -> Vec<usize> {
        let mut tests = Vec::with_capacity(statement.conditions.len());
        for test in &statement.conditions {
            self.spellings.entry(test.key.to_ascii_lowercase()).or_insert_with(|| test.key.clone());
            tests.push(self.tests.number(Test::of(test, has_variables, self.variables)));
        }
        tests.sort_unstable();
        tests.dedup();
        tests
    }

    /// Everything that was added, if it is not too much.
    pub(super) fn build(self) -> Option<Ground> {
        (self.statements.len() <= Bits::CAPACITY).then_some(Ground {
            statements: self.statements,
            globs: self.globs.values,
            actions: self.actions.patterns.values,
            arns: self.arns.patterns.values,
            tests: self.tests.values,
            spellings: self.spellings,
        })
    }
}

impl<T: std::hash::Hash + Eq + Clone> Known<T> {
    fn element(&mut self, clause: &Clause, reading: Reading, mut read: impl FnMut(&str) -> Vec<T>) -> Element {
        let mut patterns = Vec::with_capacity(clause.values.len());
        for text in &clause.values {
            let question = (text.clone(), reading);
            if let Some(known) = self.texts.get(&question) {
                patterns.extend(known);
                continue;
            }
            let numbers: Vec<usize> = read(text).into_iter().map(|pattern| self.patterns.number(pattern)).collect();
            patterns.extend(&numbers);
            self.texts.insert(question, numbers);
        }
        patterns.sort_unstable();
        patterns.dedup();
        Element { negated: clause.negated, patterns }
    }
}
