//! What a word of YAML means to `kubectl`: it reads YAML 1.1, in which `on` is a
//! boolean and `0777` a number.

use std::sync::LazyLock;

use granit_parser::{ScalarStyle, Tag};
use regex::Regex;
use serde_json::Number;

use super::node::What;

/// The word of a plain, untagged key that takes the fields of another mapping over.
pub(super) const MERGE: &str = "<<";

/// What the tags of YAML's own types begin with.
pub(super) const YAML: &str = "tag:yaml.org,2002:";

/// Decimal numbers that are no whole ones.
static DECIMAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").ok());

/// The value of a scalar, or why it has none.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<What, String> {
    let plain = matches!(style, ScalarStyle::Plain);
    let tag = tag.map(|tag| tag.suffix_in_namespace(YAML).unwrap_or_else(|| "other".into()));
    match tag.as_deref() {
        None if plain => guess(text),
        None | Some("str" | "other") => Ok(What::Text(text.to_owned())),
        Some("binary") => binary(text),
        Some(wanted) => {
            let found = guess(text)?;
            match (wanted, &found) {
                ("null", What::Null) | ("bool", What::Bool(..)) | ("float", What::Number(..)) => Ok(found),
                ("int", What::Number(number, _)) if !number.is_f64() => Ok(found),
                ("null" | "bool" | "float" | "int", _) => {
                    Err(format!("must be what its tag says: `{text}` is not a `!!{wanted}`"))
                }
                _ => Ok(What::Text(text.to_owned())),
            }
        }
    }
}

fn guess(text: &str) -> Result<What, String> {
    let first = text.chars().next();
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(What::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(What::Bool(true, text.into()));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(What::Bool(false, text.into()));
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(format!("must be a number that JSON can hold, or be put in quotes: `{text}`")),
        _ => {}
    }
    let digits = matches!(first, Some('0'..='9' | '+' | '-'));
    if !digits && first != Some('.') {
        return Ok(What::Text(text.to_owned()));
    }
    let bare = if digits { text.replace('_', "") } else { text.to_owned() };
    let number = digits.then(|| whole(&bare)).flatten().or_else(|| decimal(&bare));
    Ok(number.map_or_else(|| What::Text(text.to_owned()), |number| What::Number(number, text.into())))
}

fn whole(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let prefixed = |small: &str, large: &str| digits.strip_prefix(small).or_else(|| digits.strip_prefix(large));
    let (digits, base) = if let Some(rest) = prefixed("0x", "0X") {
        (rest, 16)
    } else if let Some(rest) = prefixed("0b", "0B") {
        (rest, 2)
    } else if let Some(rest) = prefixed("0o", "0O") {
        (rest, 8)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (&digits[1..], 8)
    } else {
        (digits, 10)
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    if negative {
        i64::try_from(-i128::from(size)).ok().map(Number::from)
    } else if text.starts_with('+') {
        // With a sign only what fits a signed number is one.
        i64::try_from(size).ok().map(Number::from)
    } else {
        Some(Number::from(size))
    }
}

fn decimal(text: &str) -> Option<Number> {
    if !DECIMAL.as_ref()?.is_match(text) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // Written as JSON, `1e3` and `1.0` are whole numbers.
    let digits = format!("{value}");
    if value.abs() < 1e21
        && let Ok(whole) = digits.parse::<i64>()
    {
        return Some(Number::from(whole));
    }
    Number::from_f64(value)
}

/// Bytes in base 64, taken as text.
fn binary(text: &str) -> Result<What, String> {
    let wrong = || format!("must be text in base 64, as its tag says: `{}`", crate::names::shortened(text));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    let body: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let letters = body.trim_end_matches('=');
    if !body.len().is_multiple_of(4) || body.len() - letters.len() > 2 {
        return Err(wrong());
    }
    for letter in letters.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(wrong()),
        };
        held = (held << 6 | u32::from(six)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or_default());
        }
    }
    Ok(What::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A scalar as the key of a mapping: keys of JSON are texts.
pub(super) fn key(what: &What) -> Result<String, &'static str> {
    match what {
        What::Text(text) => Ok(text.clone()),
        What::Bool(value, _) => Ok(value.to_string()),
        What::Number(value, _) => Ok(value.to_string()),
        What::Null => Err("must have a text before its colon: a key cannot be empty or `null`"),
        What::List(_) | What::Map(_) => Err("must have a text before its colon: a key cannot be a list or a mapping"),
    }
}
