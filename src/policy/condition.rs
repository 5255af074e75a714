//! Condition operators, and what their keys and values must look like.

use super::catalogue::nearest;
use super::operator::{Operator, plain};
use super::problem::Problem;
use super::value::{IpRange, Moment, Number};
use crate::names::shortened;

const LONGEST_KEY: usize = 256;

/// Refuses an operator that IAM does not have.
pub(super) fn check_operator(operator: &str) -> Result<(), Problem> {
    // IAM ignores the case; a declaration is written as the documentation has it.
    let spelled = operator == "Null" || Operator::names().any(|name| name == plain(operator));
    if spelled && Operator::parse(operator).is_some() {
        return Ok(());
    }
    let nearest = nearest(plain(operator), Operator::names());
    Err(Problem::UnknownOperator { operator: shortened(operator), nearest })
}

/// Refuses a key that no service can have.
pub(super) fn check_key(key: &str) -> Result<(), Problem> {
    let fits = key.len() <= LONGEST_KEY
        && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && key.split_once(':').is_some_and(|(prefix, name)| {
            let prefix_fits = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
            !prefix.is_empty() && prefix_fits && !name.is_empty() && name.trim() == name
        });
    if fits { Ok(()) } else { Err(Problem::MalformedKey { key: shortened(key) }) }
}

/// Refuses a value that the operator cannot compare with.
pub(super) fn check_value(operator: &str, value: &str) -> Result<(), Problem> {
    let plain = plain(operator);
    let must = if matches!(plain, "Bool" | "Null") {
        (!matches!(value, "true" | "false")).then_some("be `true` or `false`")
    } else if plain.starts_with("Numeric") {
        Number::parse(value).is_none().then_some("be a number")
    } else if plain.ends_with("IpAddress") {
        IpRange::parse(value).is_none().then_some("be an IP address or a range such as `10.0.0.0/8`")
    } else if plain.starts_with("Date") {
        Moment::parse(value).is_none().then_some("be a time such as `2026-01-31T00:00:00Z` or seconds since 1970")
    } else {
        None
    };
    match must {
        None => Ok(()),
        Some(must) => Err(Problem::Value { operator: operator.to_owned(), value: shortened(value), must }),
    }
}
