//! Conditions: the values of a key against the values of a policy.

use super::super::operator::{Comparison, Operator, Order, SetOperator};
use super::super::pattern::Syntax;
use super::super::statement::Test;
use super::super::value::{IpRange, Moment, Number, base64};
use super::arn::ArnPattern;
use super::facts::{Facts, Given};
use super::glob::{Glob, Glyph, Literal, same_but_for_case};
use super::role;
use super::tri::Tri;

/// One condition, its values read once.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// Nothing if IAM has no such operator.
    operator: Option<Operator>,
    /// In lower case.
    key: String,
    values: Vec<Value>,
}

/// A value of a policy, as its operator reads it. Nothing within it: it cannot be read so.
#[derive(Debug, Clone)]
enum Value {
    Exact(Literal),
    IgnoringCase(Literal),
    Like(Glob),
    Arn(ArnPattern),
    Number(Option<Number>),
    Date(Option<Moment>),
    Bool(Option<bool>),
    /// A boolean that the request tells.
    BoolOf(Literal),
    Bytes(Option<Vec<u8>>),
    Ip(Option<IpRange>),
    Absent(Option<bool>),
}

const PATH: &str = "the ARN of a session does not show the path of its role; the request must give `aws:PrincipalArn`";
const OPERATOR: &str = "its operator is not a condition operator";

impl Prepared {
    pub(super) fn new(test: &Test, variables: bool) -> Self {
        let operator = Operator::parse(&test.operator);
        let values = match operator {
            Some(operator) => {
                test.values.iter().map(|value| Value::new(operator.comparison, value, variables)).collect()
            }
            None => Vec::new(),
        };
        Self { operator, key: test.key.to_ascii_lowercase(), values }
    }

    /// Whether the condition holds for a request.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Tri<&'static str> {
        let Some(operator) = self.operator else { return Tri::Unknown(OPERATOR) };
        let given = facts.get(&self.key);
        if operator.comparison == Comparison::Null {
            return Tri::any(self.values.iter().map(|value| value.is_absence(given.is_none())));
        }
        match (operator.set, given) {
            (None, None) => Tri::of(operator.if_exists || operator.negated),
            // A set operator is needed for a list (IAM user guide, "Single-valued vs. multivalued
            // context keys"): without one the condition fails, be it negated or not.
            (None, Some(given)) => match given.single() {
                Some(one) => self.one(operator, one, facts),
                None => Tri::No,
            },
            (Some(set), None) => Tri::of(set == SetOperator::All),
            (Some(set), Some(given)) if given.is_empty_text() => Tri::of(set == SetOperator::All),
            (Some(set), Some(Given { values, .. })) => {
                let each = values.iter().map(|one| self.one(operator, one, facts));
                match set {
                    SetOperator::All => Tri::all(each),
                    SetOperator::Any => Tri::any(each),
                }
            }
        }
    }

    /// Whether one value of the request is what the operator wants: one of the values of the policy,
    /// or, negated, none of them.
    fn one(&self, operator: Operator, given: &str, facts: &Facts<'_>) -> Tri<&'static str> {
        let lacks_path = facts.lacks_path(&self.key);
        let found = Tri::any(self.values.iter().map(|value| {
            let found = value.compares(operator.comparison, given, facts);
            let doubtful = lacks_path && found.is_no() && value.may_mean_role(given, facts);
            if doubtful { Tri::Unknown(PATH) } else { found }
        }));
        found.negated_if(operator.negated)
    }
}

impl Value {
    /// Policy variables are filled in for texts, ARNs and booleans only (IAM user guide, condition operators).
    fn new(comparison: Comparison, text: &str, variables: bool) -> Self {
        match comparison {
            Comparison::StringEquals => Self::Exact(Literal::new(text, variables)),
            Comparison::StringEqualsIgnoreCase => Self::IgnoringCase(Literal::new(text, variables)),
            Comparison::StringLike => Self::Like(Glob::new(text, Syntax { wildcards: true, variables })),
            Comparison::ArnLike => Self::Arn(ArnPattern::new(text, variables)),
            Comparison::Numeric(_) => Self::Number(Number::parse(text)),
            Comparison::Date(_) => Self::Date(Moment::parse(text)),
            Comparison::Bool => match Literal::new(text, variables) {
                Literal::Text(text) => Self::Bool(boolean(&text)),
                template @ Literal::Template(_) => Self::BoolOf(template),
            },
            Comparison::BinaryEquals => Self::Bytes(base64(text)),
            Comparison::IpAddress => Self::Ip(IpRange::parse(text)),
            Comparison::Null => Self::Absent(boolean(text)),
        }
    }

    /// Whether a value of the request compares with this one. One that is not of the operator's kind
    /// does not; what a policy means by a value that is not of its kind cannot be said.
    fn compares(&self, comparison: Comparison, given: &str, facts: &Facts<'_>) -> Tri<&'static str> {
        let order = match comparison {
            Comparison::Numeric(order) | Comparison::Date(order) => order,
            _ => Order::Equal,
        };
        match self {
            Self::Exact(literal) => Tri::of(literal.resolve(facts).is_some_and(|text| text == given)),
            Self::IgnoringCase(literal) => {
                Tri::of(literal.resolve(facts).is_some_and(|text| same_but_for_case(&text, given)))
            }
            Self::Like(glob) => Tri::of(glob.matches(given, facts)),
            Self::Arn(pattern) => pattern.holds_for(given, facts),
            Self::Number(value) => read(value.as_ref(), "its value is not a number", |value| {
                Number::parse(given).is_some_and(|given| order.holds(given.cmp(value)))
            }),
            Self::Date(value) => read(value.as_ref(), "its value is not a time", |value| {
                Moment::parse(given).is_some_and(|given| order.holds(given.cmp(value)))
            }),
            Self::Bool(value) => {
                read(value.as_ref(), "its value is neither `true` nor `false`", |value| boolean(given) == Some(*value))
            }
            Self::BoolOf(literal) => {
                let value = literal.resolve(facts).and_then(|text| boolean(&text));
                Tri::of(value.is_some() && value == boolean(given))
            }
            Self::Bytes(value) => read(value.as_ref(), "its value is not base64", |value| {
                base64(given).is_some_and(|given| given == *value)
            }),
            Self::Ip(value) => read(value.as_ref(), "its value is not an IP address or a range of them", |value| {
                IpRange::address(given).is_some_and(|given| value.contains(given))
            }),
            Self::Absent(_) => Tri::No,
        }
    }

    /// Whether the value may mean a role of this ARN once that has its path.
    fn may_mean_role(&self, role: &str, facts: &Facts<'_>) -> bool {
        let text = |literal: &Literal| Some(literal.resolve(facts)?.bytes().map(Glyph::Byte).collect());
        let pattern: Option<Vec<Glyph>> = match self {
            Self::Exact(literal) | Self::IgnoringCase(literal) => text(literal),
            Self::Like(glob) => glob.glyphs(facts),
            Self::Arn(pattern) => pattern.glyphs(facts),
            _ => None,
        };
        pattern.is_some_and(|pattern| role::may_be_meant(&pattern, role))
    }

    /// For `Null`: whether the value wants what is the case.
    fn is_absence(&self, absent: bool) -> Tri<&'static str> {
        match self {
            Self::Absent(Some(wanted)) => Tri::of(*wanted == absent),
            _ => Tri::Unknown("its value is neither `true` nor `false`"),
        }
    }
}

fn read<T>(value: Option<&T>, problem: &'static str, compares: impl FnOnce(&T) -> bool) -> Tri<&'static str> {
    value.map_or(Tri::Unknown(problem), |value| Tri::of(compares(value)))
}

/// Case does not matter.
fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
