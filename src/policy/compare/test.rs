//! One condition, ready to be asked about any value of its key.

use super::super::operator::{Comparison, Operator, SetOperator};
use super::super::pattern::Syntax;
use super::super::statement;
use super::super::value::{IpRange, Moment, Number, base64};
use super::form::{Compared, Text, Variables, condition_arn, condition_text};
use super::glob::Glob;

/// A condition of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Test {
    /// The key, in lower case.
    pub(super) key: String,
    /// Nothing if it is not understood: whether the condition holds is not known.
    pub(super) rule: Option<Rule>,
    /// What is not understood: two conditions in the same words hold alike, two others need not.
    words: Option<(String, Vec<String>)>,
}

/// What is compared, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rule {
    pub(super) operator: Operator,
    /// Any of them may match. Sorted, each once; those that never match are left out.
    pub(super) literals: Vec<Literal>,
}

/// One value of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Literal {
    Text(Text),
    Number(Number),
    Moment(Moment),
    Range(IpRange),
    Bytes(Vec<u8>),
    /// `true` of `Null`: the key is absent.
    Absent(bool),
}

/// Values that can be looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Text,
    Number,
    Moment,
    Address,
    Bytes,
}

impl Test {
    pub(super) fn of(test: &statement::Test, has_variables: bool, variables: &Variables) -> Self {
        let rule = Operator::parse(&test.operator).and_then(|operator| {
            let mut literals = Vec::with_capacity(test.values.len());
            for value in &test.values {
                match literal(operator.comparison, value, has_variables, variables) {
                    Read::Literal(literal) => literals.push(literal),
                    Read::Never => {}
                    Read::Malformed => return None,
                }
            }
            literals.sort_by_cached_key(|literal| format!("{literal:?}"));
            literals.dedup();
            Some(Rule { operator, literals })
        });
        let words = rule.is_none().then(|| (test.operator.clone(), test.values.clone()));
        Self { key: test.key.to_ascii_lowercase(), rule, words }
    }
}

enum Read {
    Literal(Literal),
    /// A variable in it has no value.
    Never,
    /// It is no value of that type.
    Malformed,
}

fn literal(comparison: Comparison, text: &str, has_variables: bool, variables: &Variables) -> Read {
    let of = |literal: Option<Literal>| literal.map_or(Read::Malformed, Read::Literal);
    let written = |text: Option<Text>| text.map_or(Read::Never, |text| Read::Literal(Literal::Text(text)));
    let plain = Syntax { wildcards: false, variables: has_variables };
    let wild = Syntax { wildcards: true, variables: has_variables };
    match comparison {
        Comparison::StringEquals => written(condition_text(text, plain, Compared::Exactly, variables)),
        Comparison::StringEqualsIgnoreCase => written(condition_text(text, plain, Compared::Folded, variables)),
        Comparison::StringLike => written(condition_text(text, wild, Compared::Exactly, variables)),
        Comparison::ArnLike => written(condition_arn(text, wild, variables)),
        Comparison::Bool => {
            let known = ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
            let variable = has_variables && text.contains("${");
            if known || variable {
                written(condition_text(text, plain, Compared::AsBool, variables))
            } else {
                Read::Malformed
            }
        }
        Comparison::Numeric(_) => of(Number::parse(text).map(Literal::Number)),
        Comparison::Date(_) => of(Moment::parse(text).map(Literal::Moment)),
        Comparison::IpAddress => of(IpRange::parse(text).map(Literal::Range)),
        Comparison::BinaryEquals => of(base64(text).map(Literal::Bytes)),
        Comparison::Null => of(match text.to_ascii_lowercase().as_str() {
            "true" => Some(Literal::Absent(true)),
            "false" => Some(Literal::Absent(false)),
            _ => None,
        }),
    }
}

impl Literal {
    pub(super) fn family(&self) -> Option<Family> {
        Some(match self {
            Self::Text(_) => Family::Text,
            Self::Number(_) => Family::Number,
            Self::Moment(_) => Family::Moment,
            Self::Range(_) => Family::Address,
            Self::Bytes(_) => Family::Bytes,
            Self::Absent(_) => return None,
        })
    }

    /// The pattern of a text.
    pub(super) fn glob(&self) -> Option<&Glob> {
        if let Self::Text(text) = self { Some(&text.glob) } else { None }
    }

    /// Whether a value of the request matches, or may do so if the literal is free.
    fn matches(&self, comparison: Comparison, value: &str) -> bool {
        match (self, comparison) {
            (Self::Text(text), _) => text.glob.matches(value),
            (Self::Number(own), Comparison::Numeric(order)) => {
                Number::parse(value).is_some_and(|value| order.holds(value.cmp(own)))
            }
            (Self::Moment(own), Comparison::Date(order)) => {
                Moment::parse(value).is_some_and(|value| order.holds(value.cmp(own)))
            }
            (Self::Range(own), _) => IpRange::address(value).is_some_and(|value| own.contains(value)),
            (Self::Bytes(own), _) => base64(value).is_some_and(|value| value == *own),
            _ => false,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Text(Text { free: Some(_), .. }))
    }
}

impl Rule {
    /// Whether the condition holds when the key is absent.
    pub(super) fn holds_absent(&self) -> bool {
        match (self.operator.comparison, self.operator.set) {
            (Comparison::Null, _) => self.literals.contains(&Literal::Absent(true)),
            (_, Some(SetOperator::All)) => true,
            (_, Some(SetOperator::Any)) => false,
            (_, None) => self.operator.negated || self.operator.if_exists,
        }
    }

    /// Whether one value of a set satisfies the condition, or a single value does. `free` tells
    /// which free literals match.
    pub(super) fn holds_one(&self, value: &str, free: &dyn Fn(&Literal) -> bool) -> bool {
        if self.operator.comparison == Comparison::Null {
            return self.literals.contains(&Literal::Absent(false));
        }
        let comparison = self.operator.comparison;
        let matches = |literal: &Literal| literal.matches(comparison, value) && (!literal.is_free() || free(literal));
        self.literals.iter().any(matches) != self.operator.negated
    }

    /// The free literals that could match a value.
    pub(super) fn open<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a Literal> {
        let comparison = self.operator.comparison;
        self.literals.iter().filter(move |literal| literal.is_free() && literal.matches(comparison, value))
    }
}
