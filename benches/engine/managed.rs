//! The pairs that are compared: consecutive versions of AWS's managed policies.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Result;

/// Two versions of a policy.
pub struct Pair {
    pub id: String,
    pub old: String,
    pub new: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    id: String,
    #[serde(borrow)]
    old: &'a RawValue,
    #[serde(borrow)]
    new: &'a RawValue,
}

fn file() -> Result<File> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/oracle/managed.jsonl");
    let missing = |error| format!("`.tools/oracle/managed.jsonl` cannot be read: {error}; `make tools` writes it");
    Ok(File::open(path).map_err(missing)?)
}

/// The lines of the file, each a question for `ambit policy compare --batch`.
pub fn lines() -> Result<Vec<String>> {
    Ok(BufReader::new(file()?).lines().collect::<std::io::Result<_>>()?)
}

/// One of them, without ever having the rest in memory.
pub fn line(number: usize) -> Result<String> {
    Ok(BufReader::new(file()?).lines().nth(number).ok_or("there is no such line")??)
}

pub fn pair(line: &str) -> Result<Pair> {
    let line: Line<'_> = serde_json::from_str(line)?;
    Ok(Pair { id: line.id, old: line.old.get().to_owned(), new: line.new.get().to_owned() })
}

pub fn pairs(lines: &[String]) -> Result<Vec<Pair>> {
    lines.iter().map(|line| pair(line)).collect()
}
