//! Condition operators, and what their keys and values must look like.

use super::catalogue::nearest;
use super::problem::Problem;
use crate::names::shortened;

/// The operators without prefix and suffix.
const OPERATORS: [&str; 26] = [
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Bool",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
];
const LONGEST_KEY: usize = 256;

/// The operator without `ForAllValues:`, `ForAnyValue:` and `IfExists`.
fn plain(operator: &str) -> &str {
    let bare =
        operator.strip_prefix("ForAllValues:").or_else(|| operator.strip_prefix("ForAnyValue:")).unwrap_or(operator);
    bare.strip_suffix("IfExists").unwrap_or(bare)
}

/// Whether IAM has that operator.
pub(super) fn is_operator(operator: &str) -> bool {
    operator == "Null" || OPERATORS.contains(&plain(operator))
}

/// Refuses an operator that IAM does not have.
pub(super) fn check_operator(operator: &str) -> Result<(), Problem> {
    if is_operator(operator) {
        return Ok(());
    }
    let known = OPERATORS.iter().copied().chain(["Null"]);
    Err(Problem::UnknownOperator { operator: shortened(operator), nearest: nearest(plain(operator), known) })
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
        (!value.parse::<f64>().is_ok_and(f64::is_finite)).then_some("be a number")
    } else if plain.ends_with("IpAddress") {
        (!is_address(value)).then_some("be an IP address or a range such as `10.0.0.0/8`")
    } else if plain.starts_with("Date") {
        (!looks_like_a_date(value)).then_some("be a time such as `2026-01-31T00:00:00Z` or seconds since 1970")
    } else {
        None
    };
    match must {
        None => Ok(()),
        Some(must) => Err(Problem::Value { operator: operator.to_owned(), value: shortened(value), must }),
    }
}

fn is_address(value: &str) -> bool {
    let (address, length) = value.split_once('/').map_or((value, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && length.parse::<u8>().is_ok_and(|length| length <= longest)
    })
}

fn looks_like_a_date(value: &str) -> bool {
    let epoch = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let iso = value.len() >= 10
        && value
            .bytes()
            .zip("dddd-dd-dd".bytes())
            .all(|(byte, shape)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape })
        && value.bytes().skip(10).all(|byte| byte.is_ascii_digit() || b"T:.Z+-".contains(&byte));
    epoch || iso
}
