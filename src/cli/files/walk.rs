//! Files, folders and standard input as texts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Error, Read};
use std::path::{Path, PathBuf};

use super::Text;

/// The most that is read of one file.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads files, each once, by whatever names it has.
#[derive(Debug, Default)]
pub(super) struct Reader {
    seen: BTreeSet<PathBuf>,
}

impl Reader {
    /// The texts of files, of all files in folders that may hold objects, in the order of their
    /// names, and of standard input.
    pub(super) fn texts(&mut self, names: &[String]) -> Result<Vec<Text>, String> {
        let mut texts = Vec::new();
        for name in names {
            if name == "-" {
                if self.seen.insert(PathBuf::from("-")) {
                    texts.push(Text { name: name.clone(), text: text(std::io::stdin().lock(), name)? });
                }
            } else {
                self.path(Path::new(name), true, &mut texts)?;
            }
        }
        Ok(texts)
    }

    fn path(&mut self, path: &Path, named: bool, texts: &mut Vec<Text>) -> Result<(), String> {
        let name = path.to_string_lossy().into_owned();
        let real = fs::canonicalize(path).map_err(|error| failed(&name, &error))?;
        let is_folder = real.is_dir();
        // A device or a pipe in a folder may have no end; one that is named is meant.
        let wanted = named || is_folder || (may_hold_objects(path) && real.is_file());
        // A folder that was seen is either named twice or links to one around it.
        if !wanted || !self.seen.insert(real) {
            return Ok(());
        }
        if !is_folder {
            let file = File::open(path).map_err(|error| failed(&name, &error))?;
            texts.push(Text { text: text(file, &name)?, name });
            return Ok(());
        }
        let mut entries = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>())
            .map_err(|error| failed(&name, &error))?;
        entries.sort();
        for entry in entries {
            if !(is_hidden(&entry) && entry.is_dir()) && (may_hold_objects(&entry) || entry.is_dir()) {
                self.path(&entry, false, texts)?;
            }
        }
        Ok(())
    }
}

/// Whether a file in a folder is looked into.
pub(super) fn may_hold_objects(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
}

/// Whether a folder in a folder is passed over, such as `.git`.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The whole text of a file.
pub(super) fn text(from: impl Read, name: &str) -> Result<String, String> {
    let mut text = String::new();
    from.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| failed(name, &error))?;
    if text.len() as u64 == MAX_BYTES {
        return Err(format!("`{name}` is larger than {} MB: split it", MAX_BYTES / 1024 / 1024));
    }
    Ok(text)
}

fn failed(name: &str, error: &Error) -> String {
    format!("`{name}` cannot be read: {error}")
}
