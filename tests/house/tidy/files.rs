//! The project's own files.

use std::path::{Path, PathBuf};

/// Folders that are built or not ours; whatever begins with a dot is left out too, save `.ci`.
const LEFT_OUT: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// One file of the project.
pub(super) struct File {
    /// Its path from the project's folder, with `/`.
    pub(super) path: String,
    /// What it says.
    pub(super) text: String,
}

impl File {
    pub(super) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }

    /// Its lines with their numbers, without those that are comments only.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of one file that must be there.
pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("`{path}` must be there: {error}"))
}

/// Every text file below these folders or files, by path.
pub(super) fn below(starts: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    for start in starts {
        walk(&root().join(start), &mut paths);
    }
    paths.sort();
    let files: Vec<File> = paths.iter().filter_map(|path| load(path)).collect();
    assert!(!files.is_empty(), "`{starts:?}` must hold files");
    files
}

fn load(path: &Path) -> Option<File> {
    let relative = path.strip_prefix(root()).ok()?;
    // What is no text has no lines to look at.
    let text = std::fs::read_to_string(path).ok()?;
    Some(File { path: relative.to_string_lossy().replace('\\', "/"), text })
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && name != ".ci" && name != ".gitignore";
        if !hidden && !LEFT_OUT.contains(&name.as_str()) {
            walk(&entry.path(), found);
        }
    }
}

/// Fails with everything that was found, and with why it matters.
pub(super) fn none(found: &[String], why: &str) {
    assert!(found.is_empty(), "{why}\n  {}", found.join("\n  "));
}
