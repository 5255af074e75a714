//! Condition operators, taken apart: `ForAnyValue:StringNotLikeIfExists` is a
//! set, a comparison, a negation and a suffix.

/// A condition operator that IAM has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetOperator>,
    /// How one value of the request is compared with one of the policy.
    pub comparison: Comparison,
    /// `Not`: true when no value of the policy compares.
    pub negated: bool,
    /// `IfExists`: true when the key is absent.
    pub if_exists: bool,
}

/// How a key with several values is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetOperator {
    /// `ForAllValues:`, which is true of no values as well.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// A comparison without its negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `StringEquals`: `*` is a star and nothing else.
    StringEquals,
    /// `StringEqualsIgnoreCase`.
    StringEqualsIgnoreCase,
    /// `StringLike`, with wildcards.
    StringLike,
    /// `ArnLike` and `ArnEquals`, which are the same: wildcards within each of the six parts.
    ArnLike,
    /// `NumericEquals` and its kin.
    Numeric(Order),
    /// `DateEquals` and its kin.
    Date(Order),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`, in base64.
    BinaryEquals,
    /// `IpAddress`: an address within a range.
    IpAddress,
    /// `Null`: whether the key is absent.
    Null,
}

/// How a value of the request stands to one of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// The same.
    Equal,
    /// `LessThan`.
    Less,
    /// `LessThanEquals`.
    LessOrEqual,
    /// `GreaterThan`.
    Greater,
    /// `GreaterThanEquals`.
    GreaterOrEqual,
}

impl Order {
    /// Whether a comparison came out as this order wants it.
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The operators without prefix and suffix, in IAM's spelling: comparison and negation of each.
const OPERATORS: [(&str, Comparison, bool); 26] = [
    ("ArnEquals", Comparison::ArnLike, false),
    ("ArnLike", Comparison::ArnLike, false),
    ("ArnNotEquals", Comparison::ArnLike, true),
    ("ArnNotLike", Comparison::ArnLike, true),
    ("BinaryEquals", Comparison::BinaryEquals, false),
    ("Bool", Comparison::Bool, false),
    ("DateEquals", Comparison::Date(Order::Equal), false),
    ("DateGreaterThan", Comparison::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Comparison::Date(Order::GreaterOrEqual), false),
    ("DateLessThan", Comparison::Date(Order::Less), false),
    ("DateLessThanEquals", Comparison::Date(Order::LessOrEqual), false),
    ("DateNotEquals", Comparison::Date(Order::Equal), true),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    ("NumericEquals", Comparison::Numeric(Order::Equal), false),
    ("NumericGreaterThan", Comparison::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Comparison::Numeric(Order::GreaterOrEqual), false),
    ("NumericLessThan", Comparison::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Comparison::Numeric(Order::LessOrEqual), false),
    ("NumericNotEquals", Comparison::Numeric(Order::Equal), true),
    ("StringEquals", Comparison::StringEquals, false),
    ("StringEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, false),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotEquals", Comparison::StringEquals, true),
    ("StringNotEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, true),
    ("StringNotLike", Comparison::StringLike, true),
];

impl Operator {
    /// Takes an operator apart; nothing if IAM has none of that name. Case does not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("Null") {
            return Some(Self { set: None, comparison: Comparison::Null, negated: false, if_exists: false });
        }
        let (set, rest) = split_set(text);
        let (name, if_exists) = split_suffix(rest);
        let (_, comparison, negated) = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        Some(Self { set, comparison: *comparison, negated: *negated, if_exists })
    }

    /// The names of all operators without prefix and suffix.
    pub fn names() -> impl Iterator<Item = &'static str> {
        OPERATORS.iter().map(|(name, ..)| *name).chain(["Null"])
    }
}

/// The operator without `ForAllValues:`, `ForAnyValue:` and `IfExists`.
pub(super) fn plain(text: &str) -> &str {
    split_suffix(split_set(text).1).0
}

fn split_set(text: &str) -> (Option<SetOperator>, &str) {
    match text.split_once(':') {
        Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetOperator::All), rest),
        Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetOperator::Any), rest),
        _ => (None, text),
    }
}

fn split_suffix(text: &str) -> (&str, bool) {
    const SUFFIX: &str = "IfExists";
    match text.len().checked_sub(SUFFIX.len()).and_then(|at| text.split_at_checked(at)) {
        Some((name, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) => (name, true),
        _ => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_comes_apart() {
        for name in Operator::names().filter(|name| *name != "Null") {
            let plain = Operator::parse(name).unwrap();
            assert!(plain.set.is_none() && !plain.if_exists, "{name}");
            assert_eq!(plain.negated, name.contains("Not"), "{name}");
            for (prefix, set) in [("ForAllValues:", SetOperator::All), ("forANYvalue:", SetOperator::Any)] {
                let whole = Operator::parse(&format!("{prefix}{name}ifexists")).unwrap();
                assert_eq!(whole, Operator { set: Some(set), if_exists: true, ..plain }, "{name}");
            }
        }
    }

    #[test]
    fn null_takes_neither_prefix_nor_suffix_and_nothing_else_is_known() {
        assert_eq!(Operator::parse("null").map(|operator| operator.comparison), Some(Comparison::Null));
        for unknown in ["", "NullIfExists", "ForAllValues:Null", "StringIs", "IfExists", "ForAll:Bool", " Bool", "Böol"]
        {
            assert_eq!(Operator::parse(unknown), None, "{unknown}");
        }
    }
}
